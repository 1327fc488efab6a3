/**
 * `--trace <file>`: checked before anything is mounted, and written beside its place until the drive is mounted, so
 * that a mount that fails leaves an earlier trace as it was, and no trace is written by two drives.
 */
import { closeSync, openSync, realpathSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { ConfigError, messageOf } from '../../drive/errors.js';
import { tryLock } from '../../os/directory-lock.js';

/**
 * The absolute path of a file that can be written; nothing is written yet. The drive's own thread will write it, so it
 * must not lie on the drive. Throws ConfigError.
 */
export function checkTraceFile(given: string, mountPoint: string): string {
  const refuse = (message: string): never => {
    const source = { kind: 'option' as const, option: '--trace' };
    throw new ConfigError([{ source, key: null, value: given, message }]);
  };
  let path = resolve(given);
  try {
    path = join(realpathSync(dirname(path)), basename(path));
  } catch (error) {
    refuse(`expected a file in a directory that is there, got "${given}": ${messageOf(error)}.`);
  }
  if (isWithin(path, realOf(mountPoint))) {
    refuse(
      `"${given}" lies on the drive that is traced, which would wait for itself. Choose a place elsewhere.`,
    );
  }
  const isThere = statSync(path, { throwIfNoEntry: false }) !== undefined;
  try {
    closeSync(openSync(path, 'a', 0o600));
  } catch (error) {
    refuse(`expected a file that can be written, got "${given}": ${messageOf(error)}.`);
  }
  if (!isThere) {
    rmSync(path, { force: true });
  }
  return path;
}

export class TraceFile {
  /** Where the drive writes. */
  readonly path: string;
  readonly #place: string;
  readonly #descriptors: number[] = [];

  /** `place`: from checkTraceFile. Throws ConfigError when another drive writes there. */
  static claim(place: string): TraceFile {
    const file = new TraceFile(place);
    if (file.path !== place) {
      // The place itself before and after: it is locked by a drive that has become mounted meanwhile.
      const isFree = file.#lock(place, 'r') && file.#lock(file.path, 'a') && file.#lock(place, 'r');
      if (!isFree) {
        file.#close();
        const source = { kind: 'option' as const, option: '--trace' };
        const message = `another drive writes its trace to "${place}". Choose another file.`;
        throw new ConfigError([{ source, key: null, value: place, message }]);
      }
    }
    return file;
  }

  private constructor(place: string) {
    this.#place = place;
    // Devices and pipes are written as they are.
    const isFile = statSync(place, { throwIfNoEntry: false })?.isFile() ?? true;
    this.path = isFile ? `${place}.part` : place;
  }

  /** The drive is mounted: its trace takes the place of an earlier one. The lock goes with the process. */
  keep(): void {
    if (this.path !== this.#place) {
      renameSync(this.path, this.#place);
    }
  }

  /** The drive was not mounted. */
  discard(): void {
    if (this.path !== this.#place) {
      rmSync(this.path, { force: true });
    }
    this.#close();
  }

  /** False when another process has it. A file that is not there is free. */
  #lock(path: string, flags: 'r' | 'a'): boolean {
    let descriptor: number;
    try {
      descriptor = openSync(path, flags, 0o600);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
        return true;
      }
      throw error;
    }
    if (flags === 'r') {
      // Only looked at: what is to be replaced need not stay locked.
      const isFree = process.platform === 'win32' || tryLock(descriptor);
      closeSync(descriptor);
      return isFree;
    }
    this.#descriptors.push(descriptor);
    return process.platform === 'win32' || tryLock(descriptor);
  }

  #close(): void {
    for (const descriptor of this.#descriptors.splice(0)) {
      closeSync(descriptor);
    }
  }
}

/** A mount point that is missing is reported by the checks of the mount. */
function realOf(mountPoint: string): string {
  try {
    return realpathSync(mountPoint);
  } catch {
    return mountPoint;
  }
}

function isWithin(path: string, directory: string): boolean {
  // Drive letters (`R:`) are roots.
  const root = /^[A-Za-z]:$/.test(directory) ? `${directory}${sep}` : directory;
  const way = relative(root, path);
  return way === '' || !(way === '..' || way.startsWith(`..${sep}`) || resolve(way) === way);
}
