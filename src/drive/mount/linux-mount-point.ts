/**
 * Checks a directory before anything is mounted on it (Linux), so that a mistake costs a clear sentence and leaves
 * nothing behind. A dead mount of a process that was killed is cleared away first: nobody serves it, it can only be in
 * the way.
 */
import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, open, readdir, readFile, readlink, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { MountPointError } from '../errors.js';
import { probeMounts } from './probe-mounts.js';

const run = promisify(execFile);
const UNMOUNT_GRACE_MS = 10_000;

export interface MountEntry {
  mountPoint: string;
  type: string;
  source: string;
}

/** All mounts that this process sees. */
export async function readMounts(path = '/proc/self/mountinfo'): Promise<MountEntry[]> {
  return parseMountInfo(await readFile(path, 'utf8'));
}

/** /proc/<pid>/mountinfo: … (5) mount point … `-` type source … ; blanks and such are octal escapes. */
export function parseMountInfo(text: string): MountEntry[] {
  const entries: MountEntry[] = [];
  for (const line of text.split('\n')) {
    const [left = '', right = ''] = line.split(' - ', 2);
    const mountPoint = left.split(' ')[4];
    const [type, source] = right.split(' ');
    if (mountPoint !== undefined && type !== undefined && source !== undefined) {
      entries.push({ mountPoint: unescapeOctal(mountPoint), type, source: unescapeOctal(source) });
    }
  }
  return entries;
}

/** UTF-8 bytes may be escaped one by one. */
function unescapeOctal(text: string): string {
  const latin = Buffer.from(text, 'utf8').toString('latin1');
  const bytes = latin.replaceAll(/\\([0-7]{3})/g, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 8)),
  );
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

/** O_PATH of Linux, which node:fs does not name. */
const O_PATH = 0o10000000;

/**
 * The path as the kernel names mounts. Asks no file system that is mounted at the path itself, so it neither fails for
 * a dead mount nor hangs for one whose process is stopped.
 */
export async function canonicalPath(path: string): Promise<string> {
  const handle = await open(path, O_PATH);
  try {
    return await readlink(`/proc/self/fd/${handle.fd}`);
  } finally {
    await handle.close();
  }
}

/** Returns the canonical path of a directory that can be mounted on. Throws MountPointError. */
export async function prepareLinuxMountPoint(
  path: string,
  warn: (message: string) => void = () => {},
): Promise<string> {
  const canonical = await canonicalPath(path).catch((error: NodeJS.ErrnoException) => {
    throw cannotBeUsed(path, error);
  });
  await refuseIfMounted(path, canonical, warn);
  const entry = await stat(canonical).catch((error: NodeJS.ErrnoException) => {
    throw cannotBeUsed(path, error);
  });
  if (!entry.isDirectory()) {
    throw new MountPointError(
      'NOT_A_DIRECTORY',
      path,
      `${path} is not a directory.`,
      'Choose an empty directory.',
    );
  }
  const names = await readdir(canonical).catch((error: NodeJS.ErrnoException) => {
    throw notWritable(path, error);
  });
  if (names.length > 0) {
    throw new MountPointError(
      'NOT_EMPTY',
      path,
      `${path} is not empty (${names.length === 1 ? `it has "${names[0]}"` : `${names.length} entries`}).`,
      'Choose an empty directory, so that nothing is hidden under the drive.',
    );
  }
  await access(canonical, constants.W_OK | constants.X_OK).catch((error: NodeJS.ErrnoException) => {
    throw notWritable(path, error);
  });
  return canonical;
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

/** Of the mount that is seen at a path, or null. */
async function mountTypeAt(canonical: string): Promise<string | null> {
  return (await readMounts()).findLast(({ mountPoint }) => mountPoint === canonical)?.type ?? null;
}

/** Whether the process behind the FUSE mount at a path is gone. */
export async function isDeadMount(path: string): Promise<boolean> {
  const canonical = await canonicalPath(path).catch(() => path);
  if (!(await mountTypeAt(canonical))?.startsWith('fuse')) {
    return false;
  }
  return (await probeMounts([canonical]))[0] === 'dead';
}

/** Takes a mount away at once, busy or not. Returns what the system said against it, or null. */
export async function lazyUnmount(path: string): Promise<string | null> {
  const attempts: [string, string[]][] =
    process.getuid?.() === 0
      ? [
          ['umount', ['-l', path]],
          ['fusermount3', ['-u', '-z', path]],
        ]
      : [
          ['fusermount3', ['-u', '-z', path]],
          ['fusermount', ['-u', '-z', path]],
        ];
  let problem: string | null = null;
  for (const [program, args] of attempts) {
    try {
      await run(program, args, { timeout: UNMOUNT_GRACE_MS });
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
