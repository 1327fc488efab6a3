/**
 * KeptTimes: Windows' rule that a last write or change time which a program has set stays, whatever it writes through
 * the same handle afterwards: unpackers and copiers set times before their last write arrives. The driver knows the
 * handles, the volume only the inode; so a time that was set stays while the inode is open, until a Cleanup of the
 * driver, which leaves out the handle that set it, says that the time moves (docs/winfsp.md#callbacks). On Linux every
 * write moves the times, as POSIX says, and this is not used.
 */
import type { FileTime } from './file-clock.js';
import type { Inode } from './inode.js';

const LAST_WRITE = 1;
const CHANGE = 2;

export class KeptTimes {
  /** Open inodes only. */
  readonly #kept = new Map<Inode, number>();

  set(inode: Inode, lastWrite: boolean, change: boolean): void {
    const bits = (lastWrite ? LAST_WRITE : 0) | (change ? CHANGE : 0);
    if (bits !== 0) this.#kept.set(inode, (this.#kept.get(inode) ?? 0) | bits);
  }

  /** After Cleanup has moved them, and when the inode is closed. */
  forget(inode: Inode): void {
    if (this.#kept.size > 0) this.#kept.delete(inode);
  }

  /** When no inode is open any more. */
  clear(): void {
    this.#kept.clear();
  }

  /** The content was changed now: moves the times that are not kept. */
  written(inode: Inode, time: FileTime): void {
    const bits = this.#kept.size === 0 ? 0 : (this.#kept.get(inode) ?? 0);
    if ((bits & LAST_WRITE) === 0) {
      inode.lastWriteTimeLow = time.low;
      inode.lastWriteTimeHigh = time.high;
    }
    if ((bits & CHANGE) === 0) inode.changed(time);
  }
}
