/** What the main thread and the thread that owns the volume tell each other. Plain data, structured-cloneable. */
import type { VolumeReferenceData } from '../winfsp/index.js';
import type { DriveSettings } from './config/settings.js';
import type { FillStep } from './fill-watch.js';
import type { SaveProgress } from './image/save-messages.js';
import type { AnswerMessage, SnapshotList } from './requests/messages.js';

export interface VolumeThreadInput {
  settings: DriveSettings;
  device: string;
  volumePrefix: string | undefined;
  control: Int32Array;
  statistics: SharedArrayBuffer;
  ledger: SharedArrayBuffer;
}

/** Bits of ControlWord.COMMAND: what the loop is to do between two requests. REQUEST: look at the thread's port. */
export const DriveCommand = { NONE: 0, REQUEST: 1 } as const;

export interface LoopEndMessage {
  type: 'ended';
  /** `died`: an exception ended the loop; the volume was taken down in order all the same. */
  reason: 'stopped' | 'volume-gone' | 'error' | 'died';
  status: number;
  error: string | null;
}

export type VolumeThreadMessage =
  | { type: 'label'; label: string }
  /** The volume is served: at start, and again after a rollback. */
  | { type: 'ready'; reference: VolumeReferenceData }
  | ({ type: 'snapshots' } & SnapshotList)
  | AnswerMessage
  | { type: 'failed'; error: string }
  | { type: 'preallocated'; doneBytes: number; totalBytes: number }
  | { type: 'filled'; step: FillStep; freeBytes: number; capacityBytes: number }
  | { type: 'loading'; doneBytes: number }
  /** `identity`: of the image (ImageFile). */
  | { type: 'loaded'; label: string; identity: string }
  /** After the last request, what was changed since the last save is saved; now and then. */
  | { type: 'saving'; progress: SaveProgress }
  /** What was changed since could not be saved. */
  | { type: 'notSaved'; error: string }
  | { type: 'handlerError'; where: string; error: string }
  | LoopEndMessage;

export interface VolumeEvents {
  /** Pre-allocation goes on. */
  onPreallocated?: (doneBytes: number, totalBytes: number) => void;
  /** The drive got so full; once each time it gets there. */
  onFilled?: (step: FillStep, freeBytes: number, capacityBytes: number) => void;
  /** After the unmount, what was changed since the last save could not be saved. */
  onNotSaved?: (error: string) => void;
  /** A save goes on; now and then. `atEnd`: it is the one after the last request. */
  onSaving?: (progress: SaveProgress, atEnd: boolean) => void;
  /** A handler threw; the request was refused. A bug of the drive. */
  onHandlerError?: (where: string, error: string) => void;
}

/** Where the volume is going to be reachable: parts of a MountPlan. */
export interface VolumeAddress {
  device: string;
  volumePrefix: string | undefined;
}
