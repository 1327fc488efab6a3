/**
 * A lock that the processes of one user take in turn: flock(2) on a directory. It leaves no file behind, and goes with
 * a process that is killed.
 */
import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import koffi from 'koffi';
import { CONTROL_GRACE_MS } from '../drive/config/limits.js';
import { DriveError } from '../drive/errors.js';

const LOCK_EX = 2;
const LOCK_NB = 4;
const RETRY_MS = 10;
/** Whoever has it asks one drive whether it is alive, and there may be others in line. */
const LIMIT_MS = 4 * CONTROL_GRACE_MS;

/** Runs `work` while nobody else holds the directory's lock. Not for Windows, where nothing needs it. */
export async function withDirectoryLock<T>(directory: string, work: () => Promise<T>): Promise<T> {
  const descriptor = openSync(directory, 'r');
  try {
    await lock(descriptor, directory);
    return await work();
  } finally {
    // Unlocks.
    closeSync(descriptor);
  }
}

/** Never waits inside the call: the one who holds the lock may be of this thread. */
async function lock(descriptor: number, directory: string): Promise<void> {
  const flock = koffi.load(null).func('int flock(int descriptor, int operation)');
  const deadline = Date.now() + LIMIT_MS;
  while (flock(descriptor, LOCK_EX | LOCK_NB) !== 0) {
    const code = koffi.errno();
    // A file system without locks: rather none than no drive.
    if (code !== koffi.os.errno.EAGAIN && code !== koffi.os.errno.EINTR) {
      return;
    }
    if (Date.now() > deadline) {
      throw new DriveError(
        'TIMEOUT',
        `Another start of a drive holds ${directory} for more than ${LIMIT_MS / 1000} s.`,
      );
    }
    await sleep(RETRY_MS);
  }
}
