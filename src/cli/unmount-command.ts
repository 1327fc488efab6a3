/**
 * `ramdrive unmount <mountpoint> [--force]`: asks the process that serves the drive to stop, and waits until it has.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatSize } from '../drive/config/sizes.js';
import { ask, type Discarded, findDrives } from '../drive/control/control-client.js';
import type { DriveRecord } from '../drive/control/drive-records.js';
import { DriveError } from '../drive/errors.js';
import { lazyUnmount, unmountIfIdle } from '../drive/mount/linux-mount-point.js';
import { usageOf } from '../drive/mount/mount-users.js';
import { canonicalPath, isDeadMount, mountTypeAt } from '../drive/mount/mounts.js';
import { printable, printableLines } from '../drive/printable.js';
import { countOf } from './count-of.js';
import { ExitCode } from './exit-codes.js';
import { findDrive, noDriveAt } from './find-drive.js';
import { withSaveProgress } from './image/save-progress.js';

const KILL_LIMIT_MS = 5_000;

export async function unmountCommand(mountPoint: string, force: boolean): Promise<number> {
  const drive = await findDrive(mountPoint);
  if (drive === null) {
    return unmountWithoutDrive(mountPoint, force);
  }
  // A shell in the drive is in the way of an unmount; we are not.
  process.chdir('/');
  try {
    say(describeDiscarded(drive.mountPoint, await withSaveProgress(drive, ask(drive, 'unmount', { force }))));
    return ExitCode.OK;
  } catch (error) {
    const code = error instanceof DriveError ? error.code : null;
    if (code === 'BUSY') {
      complain(await describeUsage(drive.mountPoint));
      return ExitCode.FAILURE;
    }
    if (code === 'STOPPED' || code === 'TIMEOUT') {
      if (force) {
        return takeAway(drive);
      }
      complain(
        `${(error as DriveError).message}; or take it away: ramdrive unmount --force ${drive.mountPoint}`,
      );
      return ExitCode.FAILURE;
    }
    throw error;
  }
}

function describeDiscarded(mountPoint: string, { files, bytes }: Discarded): string {
  const contents =
    files === 0
      ? ''
      : ` (discarded: ${countOf(files, 'file or directory', 'files and directories')}, ${formatSize(bytes)})`;
  return `unmounted ${mountPoint}${contents}`;
}

async function describeUsage(mountPoint: string): Promise<string> {
  const { users, inside } = await usageOf(mountPoint);
  const lines = [
    ...users.map(({ pid, name, uses }) => `  process ${pid} (${name}): ${uses.join(', ')}`),
    ...inside.map((mount) => `  mounted inside: ${mount.mountPoint} (${mount.type})`),
  ];
  if (lines.length === 0) {
    lines.push('  by programs that you may not see: of other users, or in other containers');
  }
  return [
    `${mountPoint} is in use, so it stays mounted:`,
    ...lines,
    `End them, or take the drive away from them: ramdrive unmount --force ${mountPoint}`,
  ]
    .map(printable)
    .join('\n');
}

/** A drive that does not answer: its process is killed, and programs that wait for it get errors. */
async function takeAway({ pid, mountPoint }: DriveRecord): Promise<number> {
  if (process.platform === 'linux' && !isMountProcess(pid)) {
    complain(`process ${pid} does not look like a drive, so it is not killed.`);
    return ExitCode.FAILURE;
  }
  process.kill(pid, 'SIGKILL');
  const deadline = Date.now() + KILL_LIMIT_MS;
  while (isAlive(pid) && Date.now() < deadline) {
    await sleep(20);
  }
  const problem =
    process.platform !== 'win32' && (await isDeadMount(mountPoint)) ? await lazyUnmount(mountPoint) : null;
  // Removes its record.
  await findDrives();
  if (problem !== null) {
    complain(`process ${pid} is ended, but ${mountPoint} cannot be unmounted: ${problem}.`);
    return ExitCode.FAILURE;
  }
  say(`took ${mountPoint} away: process ${pid} did not answer and was killed`);
  return ExitCode.OK;
}

/** A process of another PID namespace may have the number that the record names. */
function isMountProcess(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes('mount');
  } catch {
    return false;
  }
}

/** Not a zombie either. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform !== 'linux' || !/\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

/** No drive answers for the place: one whose process is gone, or one that is registered where we do not look. */
async function unmountWithoutDrive(mountPoint: string, force: boolean): Promise<number> {
  const path =
    process.platform === 'win32' ? mountPoint : await canonicalPath(mountPoint).catch(() => mountPoint);
  const type = process.platform === 'win32' ? null : await mountTypeAt(path);
  const isDead = type?.startsWith('fuse') === true && (await isDeadMount(path));
  if (!isDead && type !== 'fuse.winfsp') {
    complain(noDriveAt(mountPoint));
    return ExitCode.FAILURE;
  }
  process.chdir('/');
  const problem = await (isDead || force ? lazyUnmount(path) : unmountIfIdle(path));
  if (problem === null) {
    say(isDead ? `cleared the dead mount at ${mountPoint}` : `unmounted ${mountPoint}`);
    return ExitCode.OK;
  }
  complain(
    /busy/i.test(problem)
      ? await describeUsage(path)
      : `the ${isDead ? 'dead mount' : 'drive'} at ${mountPoint} cannot be taken away: ${problem}.`,
  );
  return ExitCode.FAILURE;
}

function say(text: string): void {
  process.stdout.write(`${printable(text)}\n`);
}

function complain(text: string): void {
  process.stderr.write(`ramdrive: ${printableLines(text)}\n`);
}
