/** The running drive behind a mount point as somebody typed it. */
import { resolve } from 'node:path';
import { findDrives } from '../drive/control/control-client.js';
import type { DriveRecord } from '../drive/control/drive-records.js';
import { canonicalPath } from '../drive/mount/linux-mount-point.js';

export async function findDrive(mountPoint: string): Promise<DriveRecord | null> {
  const spellings = await spellingsOf(mountPoint);
  const drives = await findDrives();
  return drives.find((drive) => spellings.has(comparable(drive.mountPoint))) ?? null;
}

async function spellingsOf(mountPoint: string): Promise<Set<string>> {
  if (process.platform === 'win32') {
    return new Set([comparable(mountPoint), comparable(resolve(mountPoint))]);
  }
  const absolute = resolve(mountPoint);
  return new Set([absolute, await canonicalPath(absolute).catch(() => absolute)]);
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
