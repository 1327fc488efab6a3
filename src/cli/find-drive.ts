/** The running drive behind a mount point as it was typed. */
import { resolve } from 'node:path';
import { findDrives } from '../drive/control/control-client.js';
import type { DriveRecord } from '../drive/control/drive-records.js';
import { canonicalPath } from '../drive/mount/mounts.js';
import { printable } from '../drive/printable.js';

/** Services run as LocalSystem; their drives are found by an elevated administrator only. */
export const OF_SERVICES =
  process.platform === 'win32'
    ? ' Drives of services are found as administrator; "ramdrive service status" tells whether one runs.'
    : '';

export function noDriveAt(mountPoint: string): string {
  return `no drive of yours is mounted at ${printable(mountPoint)}. "ramdrive status" lists them.${OF_SERVICES}`;
}

export async function findDrive(mountPoint: string): Promise<DriveRecord | null> {
  return (await drivesAt(mountPoint, await findDrives(), (drive) => drive.mountPoint))[0] ?? null;
}

/** The same; says so where there is none. */
export async function findDriveOrSay(mountPoint: string): Promise<DriveRecord | null> {
  const drive = await findDrive(mountPoint);
  if (drive === null) {
    process.stderr.write(`ramdrive: ${noDriveAt(mountPoint)}\n`);
  }
  return drive;
}

/** Those of the drives that are at the mount point: one, and perhaps dead ones that were there before it. */
export async function drivesAt<T>(
  mountPoint: string,
  drives: readonly T[],
  placeOf: (drive: T) => string,
): Promise<T[]> {
  const at = (path: string) => drives.filter((drive) => comparable(placeOf(drive)) === comparable(path));
  // As typed first: looking at the path may wait for a drive that does not answer.
  const absolute = process.platform === 'win32' ? mountPoint : resolve(mountPoint);
  const found = at(absolute);
  if (found.length > 0) return found;
  return at(
    process.platform === 'win32' ? resolve(mountPoint) : await canonicalPath(absolute).catch(() => absolute),
  );
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
