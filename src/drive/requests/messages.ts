/**
 * What the main thread asks of the volume while it is served. A request waits at the thread's port until the loop
 * looks, between two requests of programs (DriveCommand.REQUEST). Plain data, structured-cloneable.
 */
import type { DriveErrorCode } from '../errors.js';
import type { SnapshotInfo } from '../status.js';

export type VolumeRequest =
  /** One piece of a self-check, of about so many milliseconds. */
  | { command: 'selfCheck'; milliseconds: number }
  | { command: 'resize'; capacityBytes: number }
  | { command: 'snapshot' | 'deleteSnapshot' | 'rollback'; name: string };

export interface VolumeResults {
  /** `violations`: null when there are more pieces. */
  selfCheck: { violations: string[] | null; milliseconds: number };
  resize: null;
  snapshot: null;
  deleteSnapshot: null;
  rollback: null;
}

export interface RequestMessage {
  id: number;
  request: VolumeRequest;
}

/** The snapshots of the volume, and the room that all of them together take. */
export interface SnapshotList {
  snapshots: SnapshotInfo[];
  snapshotBytes: number;
}

export interface Refusal {
  code: DriveErrorCode;
  message: string;
}

export interface AnswerMessage {
  type: 'answer';
  id: number;
  answer: { result: VolumeResults[VolumeRequest['command']] } | { refused: Refusal };
}
