/**
 * A save has three sides: the main thread, which starts it and tells how it ends; the thread that owns the volume,
 * which gives it a moment of the volume; and a thread of its own, which writes the image. What they tell each other.
 */
import type { MessagePort } from 'node:worker_threads';

/** For the thread that writes. */
export interface SaveThreadInput {
  path: string;
  /** Of the file that the drive has loaded or saved last; null when there was none. */
  known: string | null;
  /** Another image may be replaced, too. */
  replacesImages: boolean;
  /** Where the Moment comes from. */
  moment: MessagePort;
  /** Of a SaveState. */
  state: SharedArrayBuffer;
}

/** From the thread that writes to the main thread. */
export type SaveThreadMessage =
  | { type: 'progress'; doneBytes: number; totalBytes: number }
  | { type: 'saved'; files: number; bytes: number; identity: string }
  | { type: 'failed'; error: string };

/** From the main thread to the one that owns the volume. */
export type SaveRequest =
  | { type: 'save'; moment: MessagePort; state: SharedArrayBuffer }
  /** `identity`: of the drive's own image, when it was saved. */
  | { type: 'saveEnded'; identity: string | null };

export interface SaveProgress {
  path: string;
  doneBytes: number;
  /** What files hold, holes left out. */
  totalBytes: number;
}
