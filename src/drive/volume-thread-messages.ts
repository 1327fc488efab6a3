/** What the main thread and the thread that owns the volume tell each other. Plain data, structured-cloneable. */
import { ControlWord, type VolumeReferenceData } from '../winfsp/index.js';
import type { DriveSettings } from './config/settings.js';
import type { FillStep } from './fill-watch.js';
import type { SaveResult } from './status.js';

export interface VolumeThreadInput {
  settings: DriveSettings;
  device: string;
  volumePrefix: string | undefined;
  control: Int32Array;
  statistics: SharedArrayBuffer;
  ledger: SharedArrayBuffer;
}

/** Bits of ControlWord.COMMAND: what the loop is to do between two requests. */
export const DriveCommand = { NONE: 0, SELF_CHECK: 1, SAVE: 2 } as const;
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

/** Of a save that was asked for, or of the last one after the unmount. */
export interface SavedMessage {
  type: 'saved';
  result: SaveResult | null;
  /** When it failed. */
  error: string | null;
}

export interface SelfCheckMessage {
  type: 'selfCheck';
  number: number;
  violations: string[];
  milliseconds: number;
}

export type VolumeThreadMessage =
  | { type: 'label'; label: string }
  | { type: 'ready'; reference: VolumeReferenceData }
  | { type: 'failed'; error: string }
  | { type: 'preallocated'; doneBytes: number; totalBytes: number }
  | SelfCheckMessage
  | { type: 'filled'; step: FillStep; freeBytes: number }
  | { type: 'loading'; doneBytes: number }
  | { type: 'loaded'; label: string }
  | SavedMessage
  | { type: 'handlerError'; where: string; error: string }
  | LoopEndMessage;
