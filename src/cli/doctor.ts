/**
 * The examinations of `ramdrive doctor`. Each returns what it found; none throws, and none needs another to have
 * passed.
 */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { formatSize } from '../drive/config/sizes.js';
import { findDrives } from '../drive/control/control-client.js';
import type { DriveRecord } from '../drive/control/drive-records.js';
import { ensureRuntimeDirectory } from '../drive/control/runtime-directory.js';
import { isStopped } from '../drive/control/stopped-process.js';
import { messageOf } from '../drive/errors.js';
import { readMemory } from '../drive/mount/memory.js';
import { readMounts } from '../drive/mount/mounts.js';
import { probeMounts } from '../drive/mount/probe-mounts.js';
import { systemProgram } from '../os/system-program.js';
import { loadWinFsp, WinFspLibraryError } from '../winfsp/index.js';

export interface Finding {
  level: 'ok' | 'warning' | 'problem';
  what: string;
  found: string;
  advice: string | null;
}

const MIN_NODE_VERSION = [20, 19] as const;
const MIN_MEMORY_BYTES = 256 * 2 ** 20;

export async function examine(): Promise<Finding[]> {
  const onLinux = process.platform === 'linux';
  const groups = await Promise.all([
    nodeVersion(process.versions.node),
    library(),
    ...(onLinux ? [fuseDevice(), fusermount()] : [driver()]),
    memory(),
    controlDirectory(),
    ...(onLinux ? [deadMounts()] : []),
    runningDrives(),
  ]);
  return groups.flat();
}

export function nodeVersion(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const recent =
    major > MIN_NODE_VERSION[0] || (major === MIN_NODE_VERSION[0] && minor >= MIN_NODE_VERSION[1]);
  return recent
    ? ok('Node.js', version)
    : problem('Node.js', version, `Install Node.js ${MIN_NODE_VERSION.join('.')} or later.`);
}

function library(): Finding {
  try {
    const { path, versionText } = loadWinFsp();
    return ok('WinFsp library', `${versionText}, ${path}`);
  } catch (error) {
    return error instanceof WinFspLibraryError
      ? problem('WinFsp library', error.what, error.advice)
      : problem('WinFsp library', messageOf(error), 'Install the package again.');
  }
}

async function fuseDevice(): Promise<Finding> {
  try {
    await access('/dev/fuse', constants.R_OK | constants.W_OK);
    return ok('/dev/fuse', 'present and accessible');
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT'
      ? problem(
          '/dev/fuse',
          'missing',
          'Load the module: sudo modprobe fuse. In a container: --device /dev/fuse --cap-add SYS_ADMIN.',
        )
      : problem('/dev/fuse', 'not accessible for you', 'Install the package fuse3, or run as root.');
  }
}

/** Ordinary users mount through this program; root does not need it. */
function fusermount(): Finding {
  const found = systemProgram('fusermount3');
  if (found !== null) {
    return ok('fusermount3', found);
  }
  return process.getuid?.() === 0
    ? ok('fusermount3', 'not installed; not needed for root')
    : problem('fusermount3', 'not installed', 'Install it (sudo apt-get install fuse3), or run as root.');
}

/** The DLL starts the driver on demand; Preflight is that demand without a mount. */
function driver(): Promise<Finding> {
  return new Promise((resolve) => {
    try {
      loadWinFsp().fspFileSystemPreflight.async('WinFsp.Disk', null, (error, status) => {
        resolve(
          error === null && status >= 0
            ? ok('WinFsp driver', 'running')
            : problem(
                'WinFsp driver',
                `does not answer (0x${(status >>> 0).toString(16)})`,
                'Install WinFsp again: winget install WinFsp.WinFsp',
              ),
        );
      });
    } catch {
      resolve(
        problem(
          'WinFsp driver',
          'cannot be asked without the library',
          'Install WinFsp: winget install WinFsp.WinFsp',
        ),
      );
    }
  });
}

function memory(): Finding {
  const { totalBytes, availableBytes } = readMemory();
  const text = `${formatSize(availableBytes)} available of ${formatSize(totalBytes)}`;
  return availableBytes >= MIN_MEMORY_BYTES
    ? ok('memory', text)
    : warning('memory', text, 'Close programs, or choose a small capacity.');
}

const CONTROL_CHANNEL = process.platform === 'win32' ? 'records of drives' : 'control sockets';

function controlDirectory(): Finding {
  try {
    return ok(CONTROL_CHANNEL, ensureRuntimeDirectory());
  } catch (error) {
    return problem(
      CONTROL_CHANNEL,
      messageOf(error),
      process.platform === 'win32'
        ? 'Remove what is in its place, or make it yours.'
        : 'Remove what is in its place, or make it yours with mode 0700.',
    );
  }
}

async function deadMounts(): Promise<Finding[]> {
  const mounts = await readMounts().catch(() => []);
  const paths = mounts
    .filter(({ type }) => type === 'fuse' || type.startsWith('fuse.'))
    .map(({ mountPoint }) => mountPoint);
  const states = await probeMounts(paths);
  const findings = paths.flatMap((path, index) => {
    switch (states[index]) {
      case 'dead':
        return [warning('dead mount', path, `Clear it: ramdrive unmount ${path}`)];
      case 'silent':
        return [warning('silent mount', path, 'Its process does not answer: programs that use it wait.')];
      default:
        return [];
    }
  });
  return findings.length === 0 ? [ok('dead mounts', 'none')] : findings;
}

async function runningDrives(): Promise<Finding[]> {
  const drives = await findDrives().catch(() => []);
  const [stopped, running] = split(drives, ({ pid }) => isStopped(pid));
  return [
    ok(
      'running drives',
      running.length === 0 ? 'none' : running.map(({ mountPoint }) => mountPoint).join(', '),
    ),
    ...stopped.map(({ mountPoint, pid }) =>
      warning(
        'stopped drive',
        `${mountPoint} (process ${pid} is stopped)`,
        `Let it go on: kill -CONT ${pid}`,
      ),
    ),
  ];
}

function split(
  drives: DriveRecord[],
  isFirst: (drive: DriveRecord) => boolean,
): [DriveRecord[], DriveRecord[]] {
  return [drives.filter(isFirst), drives.filter((drive) => !isFirst(drive))];
}

function ok(what: string, found: string): Finding {
  return { level: 'ok', what, found, advice: null };
}

function warning(what: string, found: string, advice: string): Finding {
  return { level: 'warning', what, found, advice };
}

function problem(what: string, found: string, advice: string): Finding {
  return { level: 'problem', what, found, advice };
}
