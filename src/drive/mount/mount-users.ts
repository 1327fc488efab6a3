/**
 * Which processes use a mount, and what is mounted inside it: what `fuser -m` tells, without a question to the
 * mounted file system. Sees only what this user may see of other processes (all for root).
 */
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { relative } from 'node:path';
import { type MountEntry, O_PATH, readMounts } from './mounts.js';

interface MountUser {
  pid: number;
  /** Of its program. */
  name: string;
  /** `working directory`, `a.txt`, … */
  uses: string[];
}

export interface MountUsage {
  users: MountUser[];
  /** Mounts inside. */
  inside: MountEntry[];
}

/** Empty where nothing is mounted. */
export async function usageOf(mountPoint: string): Promise<MountUsage> {
  const mounts = await readMounts();
  const mount = mounts.findLast((entry) => entry.mountPoint === mountPoint);
  if (mount === undefined) {
    return { users: [], inside: [] };
  }
  const sockets = socketsUnder(mount);
  const users = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) => {
      const uses = usesOf(`/proc/${name}`, mount, sockets);
      return uses.length === 0 ? [] : [{ pid: Number(name), name: nameOf(`/proc/${name}`), uses }];
    });
  return { users, inside: mounts.filter(({ parentId }) => parentId === mount.id) };
}

function usesOf(process: string, mount: MountEntry, sockets: ReadonlyMap<string, string>): string[] {
  const uses = new Set<string>();
  for (const [link, use] of [
    ['cwd', 'working directory'],
    ['root', 'root directory'],
    ['exe', 'its program'],
  ] as const) {
    if (isUnder(mount, linkAt(`${process}/${link}`)) && mountIdOf(`${process}/${link}`) === mount.id) {
      uses.add(use);
    }
  }
  for (const descriptor of namesIn(`${process}/fd`)) {
    const path = linkAt(`${process}/fd/${descriptor}`);
    if (isUnder(mount, path) && mountIdIn(textOf(`${process}/fdinfo/${descriptor}`)) === mount.id) {
      uses.add(relative(mount.mountPoint, path!) || '.');
    }
    const socket = sockets.get(path ?? '');
    if (socket !== undefined) uses.add(socket);
  }
  // address perms offset device inode path; a mapping outlives the descriptor it was made with.
  const mapping = new RegExp(
    `^\\S+ \\S+ \\S+ 0*${mount.device.split(':').map(hex).join(':0*')} \\S+ +(.*)$`,
    'gm',
  );
  for (const [, path] of textOf(`${process}/maps`).matchAll(mapping)) {
    uses.add(`${relative(mount.mountPoint, path!)} (mapped)`);
  }
  return [...uses];
}

/**
 * Bound sockets by the text of their links in /proc. A path is as it was given to bind(2): of a relative one nobody
 * can tell where it led.
 */
function socketsUnder(mount: MountEntry): Map<string, string> {
  const sockets = new Map<string, string>();
  // number refcount protocol flags type state inode path
  for (const [, inode, path] of textOf('/proc/net/unix').matchAll(/^(?:\S+ +){6}(\d+) (\/.*)$/gm)) {
    if (isUnder(mount, path!))
      sockets.set(`socket:[${inode}]`, `${relative(mount.mountPoint, path!)} (socket)`);
  }
  return sockets;
}

const hex = (number: string) => Number(number).toString(16);

function isUnder({ mountPoint }: MountEntry, path: string | null): boolean {
  return path !== null && (path === mountPoint || path.startsWith(`${mountPoint}/`));
}

function nameOf(process: string): string {
  return textOf(`${process}/comm`).trim() || '?';
}

/** Of the mount that a link in /proc leads to. A directory below a mount point has the same path as the mount. */
function mountIdOf(link: string): number | null {
  try {
    const descriptor = openSync(link, O_PATH);
    try {
      return mountIdIn(textOf(`/proc/self/fdinfo/${descriptor}`));
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return null;
  }
}

function mountIdIn(fdinfo: string): number | null {
  const match = /^mnt_id:\s*(\d+)$/m.exec(fdinfo);
  return match === null ? null : Number(match[1]);
}

/** Processes end while they are looked at, and others' are not ours to see. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function linkAt(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

function namesIn(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
