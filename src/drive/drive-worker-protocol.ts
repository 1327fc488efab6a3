/** What the main thread and the worker that owns the volume tell each other. Plain data, structured-cloneable. */
import { ControlWord, type VolumeReferenceData } from '../winfsp/index.js';
import type { DriveSettings } from './config/settings.js';

/**
 * Failures on purpose, for tests of a running drive. None of them can be asked for by configuration or command line.
 */
export interface Faults {
  /** A request for a path with this last name makes the handler throw. */
  throwOnName?: string;
  /** Callbacks (names of FileSystemInterface) that throw whenever they are called. */
  throwIn?: string[];
  /** A request for a path with this last name kills the worker, as a bug outside of any handler would. */
  dieOnName?: string;
  /** The system refuses to commit more bytes than this. */
  failCommitAboveBytes?: number;
  /** The system refuses to commit anything while this file exists; a path outside of the drive. */
  refuseMemoryWhile?: string;
  /** The worker's heap has this many MiB. */
  workerHeapMib?: number;
}

export interface WorkerInput {
  settings: DriveSettings;
  device: string;
  volumePrefix: string | undefined;
  control: Int32Array;
  statistics: SharedArrayBuffer;
  ledger: SharedArrayBuffer;
  faults: Faults;
}

/** In ControlWord.COMMAND: what the loop is to do between two requests. */
export const DriveCommand = { NONE: 0, SELF_CHECK: 1 } as const;
/**
 * In the control block: the number of the self-check that is asked for, which its answer repeats. Stored before the
 * command.
 */
export const CHECK_NUMBER_WORD = ControlWord.USER;

export interface LoopEndMessage {
  type: 'ended';
  /** `died`: an exception ended the loop; the volume was taken down in order all the same. */
  reason: 'stopped' | 'volume-gone' | 'error' | 'died';
  status: number;
  error: string | null;
}

export type WorkerMessage =
  | { type: 'ready'; reference: VolumeReferenceData }
  | { type: 'failed'; error: string }
  | { type: 'preallocated'; doneBytes: number; totalBytes: number }
  | { type: 'selfCheck'; number: number; violations: string[]; milliseconds: number; label: string }
  | { type: 'handlerError'; where: string; error: string }
  | LoopEndMessage;
