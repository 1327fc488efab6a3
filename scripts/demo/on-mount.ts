/** The demonstration on a kernel mount: real programs, real files, every byte compared. */
import { execFile, spawn } from 'node:child_process';
import { cp, mkdir, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { formatSize } from '../../src/drive/config/sizes.js';
import { readMounts } from '../../src/drive/mount/mounts.js';
import type { DriveStatus } from '../../src/drive/status.js';
import { gitOnTheDrive } from './git-on-drive.js';
import { MountedDrive } from './mounted-drive.js';
import { Progress } from './progress.js';
import { DemoFailure, demandNone, printSummary } from './summary.js';
import { compareEntries, type Entry, firstFolders, forEachOf, scanTree, sha256Of, topOf } from './tree.js';

export interface DemoInputs {
  /** The tree that is copied. */
  source: string;
  /** What git clones, when it is a checkout. */
  repository: string;
  mountPoint: string;
}

const run = promisify(execFile);
const MEBI = 2 ** 20;
/** Of the tree that is copied: enough to show, not so much that one waits. */
export const MAX_SOURCE_BYTES = 64 * MEBI;

export async function runOnMount({ source, repository, mountPoint }: DemoInputs): Promise<void> {
  const progress = new Progress();
  process.stdout.write('A RAM drive at work\n');

  progress.begin('reading the source tree');
  const entries = firstFolders(await scanTree(source), MAX_SOURCE_BYTES);
  const files = entries.filter(({ kind }) => kind === 'file');
  const storedBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  progress.end(
    `${files.length} files, ${entries.length - files.length} directories and links, ${formatSize(storedBytes)}`,
  );

  progress.begin('mounting');
  const capacityBytes = Math.min(Math.max(4 * storedBytes, 1024 * MEBI), Math.floor(totalmem() / 2));
  const capacity = `${Math.ceil(capacityBytes / MEBI)}M`;
  const drive = await MountedDrive.mount(mountPoint, ['--capacity', capacity, '--label', 'Demonstration']);
  progress.end(`${mountPoint}, ${capacity}`);
  try {
    const work = await workOn(
      drive,
      progress,
      { source, repository, mountPoint },
      entries,
      files,
      storedBytes,
    );
    progress.begin('unmounting');
    const exitCode = await drive.unmount();
    if (exitCode !== 0) {
      throw new DemoFailure(`The drive's process ended with exit code ${exitCode}. ${drive.errorOutput()}`);
    }
    if (
      process.platform === 'linux' &&
      (await readMounts()).some((mount) => mount.mountPoint === mountPoint)
    ) {
      throw new DemoFailure(`${mountPoint} is still mounted after the unmount.`);
    }
    progress.end('nothing left behind');
    printSummary(work);
    process.stdout.write('\nEverything compared equal, the self-check is clean.\n');
    process.stdout.write(whatNext());
  } catch (error) {
    drive.kill();
    await drive.ended();
    throw error;
  }
}

async function workOn(
  drive: MountedDrive,
  progress: Progress,
  { source, repository, mountPoint }: DemoInputs,
  entries: readonly Entry[],
  files: readonly Entry[],
  storedBytes: number,
): Promise<[string, string][]> {
  const copy = join(mountPoint, 'node_modules');
  const fresh = await drive.status();

  progress.begin('copying in');
  const folders = [...new Set(entries.map(({ path }) => topOf(path)))];
  await mkdir(copy);
  await copyIn(source, folders, copy, drive, progress, storedBytes);
  const afterCopy = await drive.status();
  const copySeconds = progress.end(`${formatSize(storedBytes)}`);

  progress.begin('dropping caches');
  progress.end(await dropCaches());

  progress.begin('verifying SHA-256, sizes, modes, times and links against the source');
  demandNone('The copy differs from the source', compareEntries(entries, await scanTree(copy), true));
  demandNone('Contents differ', await compareContents(files, source, copy, (entry) => entry.path, progress));
  const verifySeconds = progress.end(`${files.length} files equal`);

  progress.begin('git clone, fsck and a commit on the drive');
  const git = await gitOnTheDrive(repository, join(mountPoint, 'repository'), (text) =>
    progress.update(() => text),
  );
  progress.end(git);

  const beforeDeletes = await drive.status();
  progress.begin('renaming and deleting half');
  const { kept, renamedTo } = await renameAndDelete(copy, files, progress);
  const afterHalf = await drive.status();
  demandNone('Contents differ after renames', await compareContents(kept, source, copy, renamedTo, progress));
  progress.end(`${files.length - kept.length} deleted, ${kept.length} renamed and verified again`);

  progress.begin('self-check of the live volume');
  const check = await drive.selfCheck();
  demandNone('The self-check found violations', check.violations);
  const checked = await drive.status();
  demandNone('The library saw broken rules of WinFsp', checked.strictViolations?.texts ?? []);
  demandNone('Requests failed inside the drive', checked.errors.last === null ? [] : [checked.errors.last]);
  progress.end(`clean, ${check.milliseconds.toFixed(1)} ms`);

  progress.begin('deleting everything');
  await removeTree(copy);
  await removeTree(join(mountPoint, 'repository'));
  const empty = await settled(drive, fresh);
  demandNone('After deleting everything', leftBehind(empty, fresh));
  progress.end(`${formatSize(empty.freeBytes)} free again`);

  const { latency } = empty.requests;
  return [
    ['files, bytes', `${files.length}, ${formatSize(storedBytes)}`],
    [
      'copy in',
      `${perSecond(storedBytes, copySeconds)}, ${Math.round(entries.length / copySeconds)} entries/s`,
    ],
    ['read back and hash, both sides', perSecond(2 * storedBytes, verifySeconds)],
    [
      'requests served',
      `${empty.requests.requests.toLocaleString('en')} (${empty.requests.handlerErrors} handler errors)`,
    ],
    [
      'latency in the drive',
      `p50 ${latency.latencyUsP50.toFixed(1)} µs, p99 ${latency.latencyUsP99.toFixed(1)} µs`,
    ],
    [
      'reserved ÷ stored',
      `${((afterCopy.reservedBytes - fresh.reservedBytes) / storedBytes).toFixed(3)} with pages of ${formatSize(fresh.pageSizeBytes)}`,
    ],
    [
      'resident memory',
      `${formatSize(fresh.residentBytes)} empty, ${formatSize(beforeDeletes.residentBytes)} full, ` +
        `${formatSize(afterHalf.residentBytes)} after deleting half, ${formatSize(empty.residentBytes)} after all`,
    ],
    ['self-check, strict rules', `clean, ${empty.strictViolations?.count ?? 0} violations`],
  ];
}

/** A real program where there is one; progress comes from the drive's own figures. */
async function copyIn(
  source: string,
  folders: readonly string[],
  copy: string,
  drive: MountedDrive,
  progress: Progress,
  storedBytes: number,
): Promise<void> {
  const timer = setInterval(() => {
    drive
      .status()
      .then(({ allocatedBytes, files }) =>
        progress.update(() => `${formatSize(allocatedBytes)} of ${formatSize(storedBytes)}, ${files} files`),
      )
      .catch(() => {});
  }, 250);
  try {
    if (process.platform === 'win32') {
      const options = { recursive: true, preserveTimestamps: true, verbatimSymlinks: true };
      for (const folder of folders) {
        await cp(join(source, folder), join(copy, folder), options);
      }
    } else {
      const paths = folders.map((folder) => join(source, folder));
      await succeed('cp', ['-a', '--target-directory', copy, '--', ...paths]);
    }
  } finally {
    clearInterval(timer);
  }
}

function succeed(program: string, args: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
    });
    child.once('error', reject);
    child.once('close', (code) => {
      code === 0
        ? resolve()
        : reject(new DemoFailure(`${program} ${args.join(' ')} failed (${code}): ${errors}`));
    });
  });
}

/** So that the verification reads from the drive and not from the kernel's memory. */
async function dropCaches(): Promise<string> {
  try {
    await run('sync');
    await writeFile('/proc/sys/vm/drop_caches', '3\n');
    return 'reads come from the drive';
  } catch (error) {
    return `not allowed here (${(error as NodeJS.ErrnoException).code ?? 'no sync'}); reads may come from the kernel's cache`;
  }
}

async function compareContents(
  files: readonly Entry[],
  source: string,
  copy: string,
  placeOf: (entry: Entry) => string,
  progress: Progress,
): Promise<string[]> {
  const differences: string[] = [];
  let done = 0;
  await forEachOf(files, async (entry) => {
    const [expected, found] = await Promise.all([
      sha256Of(join(source, entry.path), entry.sizeBytes),
      sha256Of(join(copy, placeOf(entry)), entry.sizeBytes),
    ]);
    if (expected !== found) {
      differences.push(`${placeOf(entry)}: SHA-256 is ${found}, expected ${expected}`);
    }
    done += 1;
    progress.update(() => `${done} of ${files.length} files`);
  });
  return differences;
}

/** Every second file is deleted, every other one renamed. */
async function renameAndDelete(
  copy: string,
  files: readonly Entry[],
  progress: Progress,
): Promise<{ kept: Entry[]; renamedTo: (entry: Entry) => string }> {
  const renamedTo = (entry: Entry) => `${entry.path}~renamed`;
  await forEachOf(files, async (entry, index) => {
    const path = join(copy, entry.path);
    await (index % 2 === 0 ? rename(path, join(copy, renamedTo(entry))) : unlink(path));
    progress.update(() => `${index} of ${files.length} files`);
  });
  return { kept: files.filter((_, index) => index % 2 === 0), renamedTo };
}

async function removeTree(path: string): Promise<void> {
  await mkdir(path, { recursive: true });
  await rm(path, { recursive: true });
}

/** A file's last close reaches the drive when the kernel gets to it: soon after, not before, the unlink returns. */
async function settled(drive: MountedDrive, fresh: DriveStatus): Promise<DriveStatus> {
  for (let attempt = 0; ; attempt++) {
    const status = await drive.status();
    if (leftBehind(status, fresh).length === 0 || attempt === 50) {
      return status;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function leftBehind(now: DriveStatus, fresh: DriveStatus): string[] {
  const left: string[] = [];
  if (now.reservedBytes !== fresh.reservedBytes) {
    left.push(`reserved: ${now.reservedBytes} bytes, expected ${fresh.reservedBytes}`);
  }
  if (now.files !== fresh.files) {
    left.push(`files: ${now.files}, expected ${fresh.files}`);
  }
  return left;
}

function perSecond(bytes: number, seconds: number): string {
  return `${(bytes / seconds / 1e6).toFixed(0)} MB/s`;
}

/** A drive of one's own, in the words that this system takes. */
function whatNext(): string {
  const isWindows = process.platform === 'win32';
  const mountPoint = isWindows ? 'R:' : '/tmp/ram';
  return [
    '',
    'A drive of your own:',
    `  ${isWindows ? '' : `mkdir ${mountPoint} && `}npm start -- mount ${mountPoint} --capacity 1G --background`,
    `  npm start -- status ${mountPoint}`,
    `  npm start -- unmount ${mountPoint}`,
    'More: docs/usage.md; a file system of your own: docs/guide.md.',
    '',
  ].join('\n');
}
