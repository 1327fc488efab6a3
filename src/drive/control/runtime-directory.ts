/**
 * Where running drives leave their records, and on Linux their control sockets: a directory that only its owner can
 * enter. The directory is the lock of the control channel, so its owner and mode are checked before anything in it is
 * trusted: /tmp is everybody's, and somebody else may have been there first.
 */
import { chmodSync, lstatSync, mkdirSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

/** sun_path has 108 bytes with its NUL; `/0123456789abcdef.sock` takes 22. */
const MAX_DIRECTORY_BYTES = 107 - 22;

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

/** All places where drives of this user may be recorded, the preferred one first. */
export function runtimeDirectories(env: NodeJS.ProcessEnv = process.env): string[] {
  if (process.platform === 'win32') {
    return [join(env.LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local'), 'ramdrive')];
  }
  const directories: string[] = [];
  const session = env.XDG_RUNTIME_DIR;
  if (session?.startsWith('/') && Buffer.byteLength(session) + '/ramdrive'.length <= MAX_DIRECTORY_BYTES) {
    directories.push(join(session, 'ramdrive'));
  }
  // Not tmpdir(): TMPDIR differs from shell to shell, and both sides must meet.
  directories.push(`/tmp/ramdrive-${process.getuid!()}`);
  return directories;
}

/** Makes the first directory that works, and returns it. Throws RuntimeDirectoryError. */
export function ensureRuntimeDirectory(directories = runtimeDirectories()): string {
  let problem: unknown = new RuntimeDirectoryError(tmpdir(), 'there is no candidate');
  for (const directory of directories) {
    try {
      mkdirSync(directory, { recursive: process.platform === 'win32', mode: 0o700 });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
        problem = new RuntimeDirectoryError(directory, (error as Error).message);
        continue;
      }
    }
    const reason = whyNotTrusted(directory);
    if (reason === null) {
      return directory;
    }
    problem = new RuntimeDirectoryError(directory, reason);
  }
  throw problem;
}

/**
 * null when it is a directory (no link) of this user that nobody else can enter. Too wide a mode is narrowed if it is
 * ours.
 */
export function whyNotTrusted(directory: string): string | null {
  let entry: ReturnType<typeof lstatSync>;
  try {
    entry = lstatSync(directory);
  } catch (error) {
    return (error as Error).message;
  }
  if (!entry.isDirectory()) {
    return 'it is not a directory';
  }
  if (process.platform === 'win32') {
    return null;
  }
  if (entry.uid !== process.getuid!()) {
    return `it belongs to user ${entry.uid}`;
  }
  if ((entry.mode & 0o077) !== 0) {
    chmodSync(directory, 0o700);
  }
  return null;
}
