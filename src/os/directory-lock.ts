/**
 * A lock that the processes of one user take in turn: flock(2) on a directory. It leaves no file behind, and goes with
 * a process that is killed.
 */
import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import koffi from 'koffi';

const LOCK_EX = 2;
const LOCK_NB = 4;
const RETRY_MS = 10;
/** Another process holds the lock for longer than the caller would wait. */
export class DirectoryLockError extends Error {
  override readonly name = 'DirectoryLockError';
}

/**
 * Runs `work` while no other process holds the directory's lock. Throws DirectoryLockError when it does not become
 * free within `limitMs`. Not for Windows, where nothing needs it.
 */
export async function withDirectoryLock<T>(
  directory: string,
  limitMs: number,
  work: () => Promise<T>,
): Promise<T> {
  const descriptor = openSync(directory, 'r');
  try {
    await lock(descriptor, directory, limitMs);
    return await work();
  } finally {
    // Unlocks.
    closeSync(descriptor);
  }
}

/** Never waits inside the call: the one who holds the lock may be of this thread. */
async function lock(descriptor: number, directory: string, limitMs: number): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!tryLock(descriptor)) {
    if (Date.now() > deadline) {
      throw new DirectoryLockError(
        `Another start of a drive has locked ${directory} for more than ${limitMs / 1000} s.`,
      );
    }
    await sleep(RETRY_MS);
  }
}

/**
 * Locks an open file or directory until its descriptor is closed; false when another one has. A file system without
 * locks counts as locked by us: rather no lock than no drive. Not for Windows.
 */
export function tryLock(descriptor: number): boolean {
  const flock = koffi.load(null).func('int flock(int descriptor, int operation)');
  if (flock(descriptor, LOCK_EX | LOCK_NB) === 0) {
    return true;
  }
  const code = koffi.errno();
  return code !== koffi.os.errno.EAGAIN && code !== koffi.os.errno.EINTR;
}
