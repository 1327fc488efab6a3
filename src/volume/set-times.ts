/**
 * Times as SetBasicInfo gives them: pairs of 32-bit halves, with values that mean "leave alone"
 * (docs/winfsp.md#callbacks).
 */
import { Cleanup } from './file-attributes.js';
import type { FileTime } from './file-clock.js';
import type { Inode } from './inode.js';

/**
 * Sets those of creation, last access, last write and change time (in this order in `times`) that are given. True if
 * any was.
 */
export function setBasicTimes(inode: Inode, times: Int32Array): boolean {
  const creation = isGiven(times, 0);
  const lastAccess = isGiven(times, 2);
  const lastWrite = isGiven(times, 4);
  const change = isGiven(times, 6);
  if (creation) {
    inode.creationTimeLow = times[0] as number;
    inode.creationTimeHigh = times[1] as number;
  }
  if (lastAccess) {
    inode.lastAccessTimeLow = times[2] as number;
    inode.lastAccessTimeHigh = times[3] as number;
  }
  if (lastWrite) {
    inode.lastWriteTimeLow = times[4] as number;
    inode.lastWriteTimeHigh = times[5] as number;
  }
  if (change) {
    inode.changeTimeLow = times[6] as number;
    inode.changeTimeHigh = times[7] as number;
  }
  return creation || lastAccess || lastWrite || change;
}

/** Whether the pair at `at` is a time: not 0, -1 or -2. */
export function isGiven(times: Int32Array, at: number): boolean {
  const low = times[at];
  const high = times[at + 1];
  return !((low === 0 && high === 0) || (high === -1 && (low === -1 || low === -2)));
}

/** All four, whatever they are. */
export function putTimes(inode: Inode, times: Int32Array): void {
  inode.creationTimeLow = times[0] as number;
  inode.creationTimeHigh = times[1] as number;
  inode.lastAccessTimeLow = times[2] as number;
  inode.lastAccessTimeHigh = times[3] as number;
  inode.lastWriteTimeLow = times[4] as number;
  inode.lastWriteTimeHigh = times[5] as number;
  inode.changeTimeLow = times[6] as number;
  inode.changeTimeHigh = times[7] as number;
}

/** Sets the times that bits of Cleanup name. */
export function setCleanupTimes(inode: Inode, flags: number, { low, high }: FileTime): void {
  if ((flags & Cleanup.SET_ACCESS_TIME) !== 0) {
    inode.lastAccessTimeLow = low;
    inode.lastAccessTimeHigh = high;
  }
  if ((flags & Cleanup.SET_WRITE_TIME) !== 0) {
    inode.lastWriteTimeLow = low;
    inode.lastWriteTimeHigh = high;
  }
  if ((flags & Cleanup.SET_CHANGE_TIME) !== 0) {
    inode.changeTimeLow = low;
    inode.changeTimeHigh = high;
  }
}
