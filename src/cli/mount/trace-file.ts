/**
 * Checks `--trace <file>` before anything is mounted: the drive's own thread writes to it, so it must not lie on the
 * drive.
 */
import { closeSync, openSync, realpathSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { ConfigError, messageOf } from '../../drive/errors.js';

/** The absolute path. Makes the file, so that what cannot be written is said now. Throws ConfigError. */
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
  try {
    closeSync(openSync(path, 'w', 0o600));
  } catch (error) {
    refuse(`expected a file that can be written, got "${given}": ${messageOf(error)}.`);
  }
  return path;
}

/** A mount point that is missing is somebody else's message. */
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
