/** Why a drive is no more. */
import { ntStatusName } from '../ntstatus.js';
import { DriveError } from './errors.js';
import type { LoopEndMessage } from './volume-thread-messages.js';

export interface DriveEnd {
  /** `volume-gone`: unmounted from outside. `died`: see `error`. */
  reason: 'stopped' | 'volume-gone' | 'died';
  error: DriveError | null;
}

/** `end`: what the thread said last, null when it said nothing. `failure`: why it was stopped, if not on request. */
export function driveEndOf(
  end: LoopEndMessage | null,
  failure: DriveError | null,
  workerError: Error | null,
  wasStopped: boolean,
): DriveEnd {
  if (failure !== null) {
    return { reason: 'died', error: failure };
  }
  if (end?.reason === 'stopped' || end?.reason === 'volume-gone') {
    return { reason: end.reason, error: null };
  }
  if (end === null && workerError === null && wasStopped) {
    return { reason: 'stopped', error: null };
  }
  const why =
    end?.error ??
    (end?.reason === 'error' ? `FspFsctlTransact failed with ${ntStatusName(end.status)}` : null) ??
    workerError?.message ??
    'its thread ended without a message';
  return { reason: 'died', error: new DriveError('WORKER_DIED', why, { cause: workerError }) };
}
