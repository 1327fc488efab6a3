/**
 * A directory tree as data, so that two of them can be compared: every file by SHA-256, size and mode, every link by
 * its target. Reads asynchronously, a few files at a time; one of the trees lives on the drive that is being tested.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';

export interface Entry {
  /** Relative to the tree's root, with `/`. */
  path: string;
  kind: 'file' | 'directory' | 'link';
  mode: number;
  sizeBytes: number;
  /** Modification time in units of 100 ns, which is what a FILETIME can keep. */
  modified: bigint;
  target: string | null;
}

const AT_ONCE = 8;
const STREAM_FROM_BYTES = 64 * 2 ** 20;

/** All entries below `root`, directories before what is in them. */
export async function scanTree(root: string): Promise<Entry[]> {
  const entries: Entry[] = [];
  const pending = [''];
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    for (const name of (await readdir(join(root, folder))).sort()) {
      const path = folder === '' ? name : `${folder}/${name}`;
      const entry = await scanEntry(root, path);
      if (entry !== null) {
        entries.push(entry);
        if (entry.kind === 'directory') {
          pending.push(path);
        }
      }
    }
  }
  return entries;
}

/** Of a tree's entries those below its first folders, as many as fit into so many bytes. */
export function firstFolders(entries: readonly Entry[], mostBytes: number): Entry[] {
  const sizes = new Map<string, number>();
  for (const { path, kind, sizeBytes } of entries) {
    const top = topOf(path);
    if (kind === 'directory' || top !== path) {
      sizes.set(top, (sizes.get(top) ?? 0) + sizeBytes);
    }
  }
  let left = mostBytes;
  const chosen = new Set<string>();
  for (const [folder, bytes] of sizes) {
    if (bytes <= left) {
      chosen.add(folder);
      left -= bytes;
    }
  }
  return entries.filter(({ path }) => chosen.has(topOf(path)));
}

/** The entry's folder, or itself, directly below the root. */
export function topOf(path: string): string {
  return path.split('/', 1)[0]!;
}

/** null for sockets, devices and the like, which no copy of a project has. */
async function scanEntry(root: string, path: string): Promise<Entry | null> {
  const full = join(root, path);
  const status = await lstat(full, { bigint: true });
  const kind = status.isFile()
    ? 'file'
    : status.isDirectory()
      ? 'directory'
      : status.isSymbolicLink()
        ? 'link'
        : null;
  return kind === null
    ? null
    : {
        path,
        kind,
        mode: Number(status.mode & 0o7777n),
        sizeBytes: kind === 'file' ? Number(status.size) : 0,
        modified: status.mtimeNs / 100n,
        target: kind === 'link' ? await readlink(full) : null,
      };
}

export async function sha256Of(path: string, sizeBytes: number): Promise<string> {
  const hash = createHash('sha256');
  if (sizeBytes < STREAM_FROM_BYTES) {
    return hash.update(await readFile(path)).digest('hex');
  }
  for await (const part of createReadStream(path, { highWaterMark: 2 ** 20 })) {
    hash.update(part as Buffer);
  }
  return hash.digest('hex');
}

/** Runs `work` for every item, a few at a time, and stops at the first exception. */
export async function forEachOf<T>(
  items: readonly T[],
  work: (item: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < items.length) {
      const index = next++;
      await work(items[index]!, index);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}

/** What differs between the entries of two trees, contents aside. */
export function compareEntries(
  expected: readonly Entry[],
  found: readonly Entry[],
  withTimes: boolean,
): string[] {
  const differences: string[] = [];
  const byPath = new Map(found.map((entry) => [entry.path, entry]));
  for (const entry of expected) {
    const copy = byPath.get(entry.path);
    byPath.delete(entry.path);
    if (copy === undefined) {
      differences.push(`${entry.path}: missing`);
      continue;
    }
    const fields: (keyof Entry)[] = [
      'kind',
      'mode',
      'sizeBytes',
      'target',
      ...(withTimes && entry.kind === 'file' ? (['modified'] as const) : []),
    ];
    for (const field of fields) {
      // A link's own mode means nothing.
      if (copy[field] !== entry[field] && !(field === 'mode' && entry.kind === 'link')) {
        differences.push(`${entry.path}: ${field} is ${show(copy, field)}, expected ${show(entry, field)}`);
      }
    }
  }
  for (const path of byPath.keys()) {
    differences.push(`${path}: not in the source`);
  }
  return differences;
}

function show(entry: Entry, field: keyof Entry): string {
  return field === 'mode' ? entry.mode.toString(8) : String(entry[field]);
}
