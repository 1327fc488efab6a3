/** The running drive behind a mount point as it was typed. */
import { resolve } from 'node:path';
import { findDrives } from '../drive/control/control-client.js';
import type { DriveRecord } from '../drive/control/drive-records.js';
import { canonicalPath } from '../drive/mount/mounts.js';

export async function findDrive(mountPoint: string): Promise<DriveRecord | null> {
  const drives = await findDrives();
  const at = (path: string) =>
    drives.find((drive) => comparable(drive.mountPoint) === comparable(path)) ?? null;
  if (process.platform === 'win32') {
    return at(mountPoint) ?? at(resolve(mountPoint));
  }
  // As typed first: looking at the path may wait for a drive that does not answer.
  const absolute = resolve(mountPoint);
  return at(absolute) ?? at(await canonicalPath(absolute).catch(() => absolute));
}

/** `r:\`, `\\.\R:` and `R:` are one place. */
function comparable(mountPoint: string): string {
  return process.platform === 'win32'
    ? mountPoint
        .replace(/^\\\\[.?]\\(?=[A-Za-z]:)/, '')
        .replace(/\\+$/, '')
        .toUpperCase()
    : mountPoint;
}
