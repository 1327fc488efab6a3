/**
 * Checks a directory before anything is mounted on it (Linux), so that a mistake costs a clear sentence and leaves
 * nothing behind. A dead mount of a process that was killed is cleared away first: nobody serves it, it can only be in
 * the way.
 */
import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, readdir, readFile, realpath, stat, statfs } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { MountPointError } from '../errors.js';

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

/** The path as the kernel names mounts, also when the directory itself is a dead mount. */
export async function canonicalPath(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (isDeadMount(error)) {
      return join(await realpath(dirname(path)), basename(path));
    }
    throw error;
  }
}

/** ENOTCONN: the process behind a FUSE mount is gone. ECONNABORTED: its connection was aborted. */
export function isDeadMount(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  return code === 'ENOTCONN' || code === 'ECONNABORTED';
}

/** Returns the canonical path of a directory that can be mounted on. Throws MountPointError. */
export async function prepareLinuxMountPoint(
  path: string,
  warn: (message: string) => void = () => {},
): Promise<string> {
  await clearIfDead(path, warn);
  const entry = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') {
      throw new MountPointError(
        'MISSING',
        path,
        `${path} does not exist.`,
        `Create it: mkdir -p ${quote(path)}`,
      );
    }
    throw new MountPointError(
      error.code === 'ENOTDIR' ? 'NOT_A_DIRECTORY' : 'NOT_WRITABLE',
      path,
      `${path} cannot be used: ${error.message}.`,
      'Choose an empty directory of your own.',
    );
  });
  if (!entry.isDirectory()) {
    throw new MountPointError(
      'NOT_A_DIRECTORY',
      path,
      `${path} is not a directory.`,
      'Choose an empty directory.',
    );
  }
  const canonical = await canonicalPath(path);
  const mounted = (await readMounts()).findLast(({ mountPoint }) => mountPoint === canonical);
  if (mounted !== undefined) {
    throw new MountPointError(
      'ALREADY_MOUNTED',
      path,
      `${path} is a mount point already (${mounted.type}).`,
      mounted.type.startsWith('fuse')
        ? `Unmount it first: ramdrive unmount ${quote(path)}`
        : 'Choose another directory.',
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

async function clearIfDead(path: string, warn: (message: string) => void): Promise<void> {
  try {
    // Not stat: the kernel may answer that from its cache for a mount that nobody serves any more.
    await statfs(path);
    return;
  } catch (error) {
    if (!isDeadMount(error)) {
      return;
    }
  }
  const canonical = await canonicalPath(path);
  const problem = await lazyUnmount(canonical);
  const stillDead = await statfs(path).then(
    () => false,
    (error: unknown) => isDeadMount(error),
  );
  if (stillDead) {
    throw new MountPointError(
      'STALE',
      path,
      `${path} is a dead mount of a process that is gone, and it cannot be cleared` +
        `${problem === null ? '' : ` (${problem})`}.`,
      `Clear it: sudo umount -l ${quote(path)}`,
    );
  }
  warn(`Cleared a dead mount at ${path}: the process that served it is gone.`);
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
