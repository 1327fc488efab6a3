/**
 * Checks a directory before anything is mounted on it (Linux), so that a mistake costs a clear sentence and leaves
 * nothing behind. A dead mount of a process that was killed is cleared away first: no process serves it, it can only be
 * in the way.
 */
import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { SYSTEM_ENVIRONMENT, systemProgram } from '../../os/system-program.js';
import { MountPointError } from '../errors.js';
import { printable } from '../printable.js';
import { canonicalPath, mountTypeAt, O_PATH } from './mounts.js';
import { probeMounts } from './probe-mounts.js';

const run = promisify(execFile);
const UNMOUNT_GRACE_MS = 10_000;

export interface HeldDirectory {
  /** As the kernel names it. */
  path: string;
  /** What the checks were made on, and what is to be mounted on, wherever its name may lead by then. */
  descriptorPath: string;
  /** To be closed when it is mounted, or not wanted any more. */
  handle: FileHandle;
}

/**
 * An empty directory of ours that can be mounted on, held open. One that is not empty is refused, or told to
 * `onHidden`. Throws MountPointError.
 */
export async function prepareLinuxMountPoint(
  path: string,
  warn: (message: string) => void = () => {},
  onHidden?: (message: string) => void,
): Promise<HeldDirectory> {
  const canonical = await canonicalPath(path).catch((error: NodeJS.ErrnoException) => {
    throw cannotBeUsed(path, error);
  });
  await refuseIfMounted(path, canonical, warn);
  const handle = await open(canonical, O_PATH).catch((error: NodeJS.ErrnoException) => {
    throw cannotBeUsed(path, error);
  });
  try {
    const descriptorPath = `/proc/self/fd/${handle.fd}`;
    await checkDirectory(path, descriptorPath, onHidden);
    return { path: canonical, descriptorPath, handle };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function checkDirectory(
  path: string,
  descriptorPath: string,
  onHidden: ((message: string) => void) | undefined,
): Promise<void> {
  if (!(await stat(descriptorPath)).isDirectory()) {
    throw new MountPointError(
      'NOT_A_DIRECTORY',
      path,
      `${path} is not a directory.`,
      'Choose an empty directory.',
    );
  }
  const names = await readdir(descriptorPath).catch((error: NodeJS.ErrnoException) => {
    throw notWritable(path, error);
  });
  if (names.length > 0) {
    const found = names.length === 1 ? `it has "${printable(names[0]!)}"` : `${names.length} entries`;
    if (onHidden !== undefined) {
      onHidden(
        `While the drive at ${path} was not mounted, programs wrote to the directory below (${found}). ` +
          'What they wrote is hidden under the drive, and seen when it is unmounted.',
      );
      return;
    }
    throw new MountPointError(
      'NOT_EMPTY',
      path,
      `${path} is not empty (${found}).`,
      'Choose an empty directory, so that nothing is hidden under the drive.',
    );
  }
  await access(descriptorPath, constants.W_OK | constants.X_OK).catch((error: NodeJS.ErrnoException) => {
    throw notWritable(path, error);
  });
}

/** A mount point already? A dead mount, whose process was killed, is cleared away. */
async function refuseIfMounted(
  path: string,
  canonical: string,
  warn: (message: string) => void,
): Promise<void> {
  const type = await mountTypeAt(canonical);
  if (type === null) {
    return;
  }
  if (!type.startsWith('fuse')) {
    throw alreadyMounted(path, type, 'Choose another directory.');
  }
  const [state] = await probeMounts([canonical]);
  if (state !== 'dead') {
    const silent = state === 'silent' ? ', which does not answer' : '';
    throw alreadyMounted(path, `${type}${silent}`, `Unmount it first: ramdrive unmount ${quote(path)}`);
  }
  const problem = await lazyUnmount(canonical);
  if ((await mountTypeAt(canonical)) === null) {
    warn(`Cleared a dead mount at ${path}: the process that served it is gone.`);
    return;
  }
  throw new MountPointError(
    'STALE',
    path,
    `${path} is a dead mount of a process that is gone, and it cannot be cleared` +
      `${problem === null ? '' : ` (${problem})`}.`,
    `Clear it: sudo umount -l ${quote(path)}`,
  );
}

/** Takes a mount away at once, busy or not. Returns what the system said against it, or null. */
export function lazyUnmount(path: string): Promise<string | null> {
  return unmountWith(path, ['-l'], ['-u', '-z']);
}

/** The same unless programs use it. */
export function unmountIfIdle(path: string): Promise<string | null> {
  return unmountWith(path, [], ['-u']);
}

async function unmountWith(path: string, umount: string[], fusermount: string[]): Promise<string | null> {
  const programs: [string, string[]][] = [
    ...(process.getuid?.() === 0 ? [['umount', umount] as [string, string[]]] : []),
    ['fusermount3', fusermount],
    ['fusermount', fusermount],
  ];
  let problem: string | null = null;
  for (const [name, args] of programs) {
    const program = systemProgram(name);
    if (program === null) {
      problem ??= `${name} is not installed`;
      continue;
    }
    try {
      await run(program, [...args, '--', path], { timeout: UNMOUNT_GRACE_MS, env: SYSTEM_ENVIRONMENT });
      return null;
    } catch (error) {
      const { stderr, message } = error as Error & { stderr?: string };
      problem ??= (stderr?.trim() || message).split('\n')[0]!;
    }
  }
  return problem;
}

function cannotBeUsed(path: string, error: NodeJS.ErrnoException): MountPointError {
  if (error.code === 'ENOENT') {
    return new MountPointError(
      'MISSING',
      path,
      `${path} does not exist.`,
      `Create it: mkdir -p ${quote(path)}`,
    );
  }
  const code = error.code === 'ENOTDIR' ? 'NOT_A_DIRECTORY' : 'NOT_WRITABLE';
  return new MountPointError(
    code,
    path,
    `${path} cannot be used: ${error.message}.`,
    'Choose an empty directory of your own.',
  );
}

function alreadyMounted(path: string, what: string, advice: string): MountPointError {
  return new MountPointError('ALREADY_MOUNTED', path, `${path} is a mount point already (${what}).`, advice);
}

function notWritable(path: string, error: NodeJS.ErrnoException): MountPointError {
  return new MountPointError(
    'NOT_WRITABLE',
    path,
    `${path} is not writable for you (${error.code}).`,
    'Choose an empty directory of your own.',
  );
}

/** For a shell command in an advice. */
function quote(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
