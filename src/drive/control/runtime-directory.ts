/**
 * Where running drives leave their records, and on Linux their control sockets: a directory that only its owner can
 * enter. The directory is the lock of the control channel, so its owner and mode are checked before anything in it is
 * trusted.
 *
 * No environment variable of Linux has a say: XDG_RUNTIME_DIR is another user's after `sudo -E`, and differs from
 * shell to shell, while a drive must be found from every one of them.
 */
import { lstatSync, mkdirSync, readlinkSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { systemDirectory } from '../../os/windows-directories.js';

/** sun_path has 108 bytes with its NUL; `/0123456789abcdef.sock` takes 22. */
const MAX_DIRECTORY_BYTES = 107 - 22;
/** Only the owner of an entry may rename or remove it. */
const STICKY = 0o1000;

/** A directory that cannot be trusted, or not be made. */
export class RuntimeDirectoryError extends Error {
  override readonly name = 'RuntimeDirectoryError';
  constructor(
    readonly directory: string,
    reason: string,
  ) {
    super(`The directory for control sockets, ${directory}, cannot be used: ${reason}.`);
  }
}

interface Account {
  uid: number;
  homeDirectory: string;
}

/**
 * All places where drives of this user may be recorded, the preferred one first. Another user can take the name in
 * /tmp; then there is the home directory.
 */
export function runtimeDirectories(account?: Account): string[] {
  if (process.platform === 'win32') {
    return [join(process.env.LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local'), 'ramdrive')];
  }
  const { uid, homeDirectory } = account ?? thisAccount();
  const directories = [
    ...(uid === 0 ? ['/run/ramdrive'] : []),
    `/run/user/${uid}/ramdrive`,
    `/tmp/ramdrive-${uid}`,
    join(homeDirectory, '.ramdrive'),
  ];
  return directories.filter((path) => path.startsWith('/') && Buffer.byteLength(path) <= MAX_DIRECTORY_BYTES);
}

/**
 * Where drives are looked for: those of this user, and on Windows those of services, which run as LocalSystem. Only an
 * elevated administrator can enter that directory; for others it is passed over.
 */
export function searchedDirectories(): string[] {
  const own = runtimeDirectories();
  if (process.platform !== 'win32') return own;
  const services = join(systemDirectory(), 'config', 'systemprofile', 'AppData', 'Local', 'ramdrive');
  const isOwn = own.some((path) => path.toLowerCase() === services.toLowerCase());
  return isOwn ? own : [...own, services];
}

function thisAccount(): Account {
  const uid = process.getuid!();
  try {
    return { uid, homeDirectory: userInfo().homedir };
  } catch {
    // A user without an entry in the system's list, as in containers.
    return { uid, homeDirectory: '' };
  }
}

/** Makes the first directory that works, and returns it. Throws RuntimeDirectoryError, about the first that did not. */
export function ensureRuntimeDirectory(directories = runtimeDirectories()): string {
  let problem: RuntimeDirectoryError | null = null;
  for (const directory of directories) {
    let reason: string | null;
    try {
      mkdirSync(directory, { recursive: process.platform === 'win32', mode: 0o700 });
      reason = null;
    } catch (error) {
      reason = (error as NodeJS.ErrnoException).code === 'EEXIST' ? null : (error as Error).message;
    }
    reason ??= whyNotTrusted(directory);
    if (reason === null) {
      return directory;
    }
    problem ??= new RuntimeDirectoryError(directory, reason);
  }
  throw problem ?? new RuntimeDirectoryError('', 'there is no place for it');
}

/**
 * null when it is a directory (no link) of this user that no other can enter, where no other can exchange it or a
 * directory above it. So between this check and what is done by path there, it stays the same.
 */
export function whyNotTrusted(directory: string): string | null {
  try {
    const entry = lstatSync(directory);
    if (!entry.isDirectory()) {
      return 'it is not a directory';
    }
    if (process.platform === 'win32') {
      return null;
    }
    const uid = process.getuid!();
    if (entry.uid !== uid) {
      return `it belongs to user ${entry.uid}`;
    }
    if ((entry.mode & 0o077) !== 0) {
      return `others can enter it (mode ${(entry.mode & 0o777).toString(8)}); chmod 700 it, if all in it is yours`;
    }
    return whyExchangeable(dirname(directory), uid);
  } catch (error) {
    return (error as Error).message;
  }
}

/** Who could put another directory in this one's place: by its path, and by those that the links on it lead to. */
function whyExchangeable(directory: string, uid: number): string | null {
  const paths = new Set([directory]);
  // Also those that are added on the way.
  for (const path of paths) {
    const entry = lstatSync(path);
    const isOfAnother = entry.uid !== uid && entry.uid !== 0;
    const isOpen = (entry.mode & 0o022) !== 0 && (entry.mode & STICKY) === 0;
    if (isOfAnother || (isOpen && !entry.isSymbolicLink())) {
      const mode = (entry.mode & 0o7777).toString(8);
      return `others can exchange it (${path} has mode ${mode} and belongs to user ${entry.uid})`;
    }
    if (entry.isSymbolicLink()) paths.add(resolve(dirname(path), readlinkSync(path)));
    paths.add(dirname(path));
  }
  return null;
}
