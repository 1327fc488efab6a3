/** The mounts that this process sees, as the kernel lists them, and paths as it names them. */
import { open, readFile, readlink, realpath } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, sep } from 'node:path';
import { probeMounts } from './probe-mounts.js';

export interface MountEntry {
  id: number;
  /** Of the mount that it lies in. */
  parentId: number;
  /** `major:minor` */
  device: string;
  mountPoint: string;
  type: string;
  source: string;
}

/** All mounts that this process sees. */
export async function readMounts(path = '/proc/self/mountinfo'): Promise<MountEntry[]> {
  return parseMountInfo(await readFile(path, 'utf8'));
}

/**
 * /proc/<pid>/mountinfo: id, parent's id, device, root, mount point … `-` type source …; blanks and such are octal
 * escapes.
 */
export function parseMountInfo(text: string): MountEntry[] {
  const entries: MountEntry[] = [];
  for (const line of text.split('\n')) {
    const [left = '', right = ''] = line.split(' - ', 2);
    const [id, parentId, device = '', , mountPoint] = left.split(' ');
    const [type, source] = right.split(' ');
    if (mountPoint !== undefined && type !== undefined && source !== undefined) {
      entries.push({
        id: Number(id),
        parentId: Number(parentId),
        device,
        mountPoint: unescapeOctal(mountPoint),
        type,
        source: unescapeOctal(source),
      });
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
export const O_PATH = 0o10000000;

/**
 * The path as the kernel names mounts. Asks no file system that is mounted at the path itself, so it neither fails
 * for a dead mount nor hangs for one whose process is stopped.
 */
export async function canonicalPath(path: string): Promise<string> {
  const handle = await open(path, O_PATH);
  try {
    return await readlink(`/proc/self/fd/${handle.fd}`);
  } finally {
    await handle.close();
  }
}

/** Of the mount that is seen at a path, or null. */
export async function mountTypeAt(canonical: string): Promise<string | null> {
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

/** The place that a drive claims (ControlServer.claim): every spelling of a path is the same place. */
export async function placeOf(mountPoint: string): Promise<string> {
  if (process.platform === 'win32') {
    return mountPoint;
  }
  // A path that does not exist is reported by the checks of the mount, with what to do.
  return canonicalPath(mountPoint).catch(() => mountPoint);
}

/** Whether a file lies on the drive that is mounted there, or would. Symbolic links on the way are followed. */
export async function liesOn(file: string, mountPoint: string): Promise<boolean> {
  const path = await realpath(file).catch(async () => {
    const directory = await realpath(dirname(file)).catch(() => dirname(file));
    return join(directory, basename(file));
  });
  // Drive letters (`R:`) are roots.
  const root = /^[A-Za-z]:$/.test(mountPoint) ? `${mountPoint}\\` : mountPoint;
  const way = relative(root, path);
  return !(way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way));
}
