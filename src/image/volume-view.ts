/**
 * VolumeView: what an image is written from: all inodes of one moment, parents first. A volume that stands still
 * between two requests is one.
 */
import type { ExtendedAttributes } from '../volume/extended-attributes.js';
import type { DirectoryEntry, Inode } from '../volume/inode.js';

export interface ViewedInode {
  /** Names from the root down; none for the root itself. */
  readonly names: readonly string[];
  /** Of a named stream, its name; `names` are those of its file then, and so is all but the content. */
  readonly stream: string | null;
  readonly indexNumber: number;
  readonly isDirectory: boolean;
  readonly attributes: number;
  /** FILETIMEs. */
  readonly times: { creation: bigint; lastAccess: bigint; lastWrite: bigint; change: bigint };
  readonly security: Uint8Array;
  /** With its head; null where it is no reparse point. */
  readonly reparse: Uint8Array | null;
  readonly extendedAttributes: ExtendedAttributes | null;
  readonly sizeBytes: number;
  /** Offsets and lengths of what is no hole, in order. */
  extents(): [offset: number, length: number][];
  /** Puts content at an address. */
  read(offset: number, length: number, address: number): void;
}

export interface VolumeView {
  readonly label: string;
  readonly caseSensitive: boolean;
  /** Of all files, holes left out. */
  readonly dataBytes: number;
  /** Index numbers of files that have several names. */
  readonly linked: ReadonlySet<number>;
  /**
   * Calls `visit` for each name of an inode that has one, the root first, a directory before what is in it, and
   * directly after the first name of an inode for each of its streams.
   */
  visit(visit: (inode: ViewedInode) => void): void;
}

/** What an image can be taken of: a volume between two requests, or a snapshot of it. */
export interface ViewedTree {
  readonly root: Inode;
  readonly label: string;
  readonly caseSensitive: boolean;
}

/** A tree as it is now; valid until it changes. */
export function viewOf({ root, label, caseSensitive }: ViewedTree): VolumeView {
  return {
    label,
    caseSensitive,
    ...countBelow(root),
    visit(visit) {
      const paths = new Map<Inode, string[]>();
      let names: string[] = [];
      visitInOrder(root, ({ inode, name, parent }) => {
        if (inode !== inode.main) {
          visit(viewedInode(inode, names));
          return;
        }
        names = inode === root ? [] : [...(paths.get(parent as Inode) ?? []), name];
        if (inode.children !== null) paths.set(inode, names);
        visit(viewedInode(inode, names));
      });
    },
  };
}

function countBelow(root: Inode): Pick<VolumeView, 'linked' | 'dataBytes'> {
  const linked = new Set<number>();
  let dataBytes = 0;
  visitInOrder(root, (entry) => {
    const { inode } = entry;
    if (entry !== inode) linked.add(inode.indexNumber);
    else if (inode.file !== null) dataBytes += inode.file.allocatedPages * inode.file.pool.pageSizeBytes;
  });
  return { linked, dataBytes };
}

/**
 * Every name: a directory before what is in it, and all else in the order of the listings; streams directly after the
 * first name of their file.
 */
export function visitInOrder(root: Inode, visit: (entry: DirectoryEntry) => void): void {
  const pending: DirectoryEntry[] = [root];
  const withStreams = new Set<Inode>();
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    visit(next);
    const { streams } = next.inode;
    if (streams !== null && !withStreams.has(next.inode)) {
      withStreams.add(next.inode);
      streams.forEachPair((_key, stream) => visit(stream));
    }
    const first = pending.length;
    next.inode.children?.forEachPair((_key, entry) => {
      pending.push(entry);
    });
    // The last is taken first.
    for (let low = first, high = pending.length - 1; low < high; low++, high--) {
      const entry = pending[low] as DirectoryEntry;
      pending[low] = pending[high] as DirectoryEntry;
      pending[high] = entry;
    }
  }
}

function viewedInode(content: Inode, names: string[]): ViewedInode {
  const inode = content.main;
  const isStream = content !== inode;
  return {
    names,
    stream: isStream ? content.name : null,
    indexNumber: content.indexNumber,
    isDirectory: content.isDirectory,
    attributes: inode.attributes,
    times: {
      creation: whole(inode.creationTimeLow, inode.creationTimeHigh),
      lastAccess: whole(inode.lastAccessTimeLow, inode.lastAccessTimeHigh),
      lastWrite: whole(inode.lastWriteTimeLow, inode.lastWriteTimeHigh),
      change: whole(inode.changeTimeLow, inode.changeTimeHigh),
    },
    security: inode.security.bytes,
    reparse: isStream ? null : (inode.reparse?.data ?? null),
    extendedAttributes: isStream ? null : inode.extendedAttributes,
    sizeBytes: content.fileSize,
    extents: () => extentsOf(content),
    read(offset, length, address) {
      const count = content.file?.read(offset, length, address);
      if (count !== length) throw new Error(`${count} bytes at ${offset} of "${inode.name}", not ${length}`);
    },
  };
}

function whole(low: number, high: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low >>> 0);
}

function extentsOf({ file }: Inode): [number, number][] {
  const extents: [number, number][] = [];
  if (file === null) return extents;
  const { pageSizeBytes } = file.pool;
  const pages = Math.ceil(file.lengthBytes / pageSizeBytes);
  for (let index = 0, run = 0; index < pages; index += run) {
    run = file.table.runLength(index, pages - index);
    if (file.table.pageAt(index) < 0) continue;
    const offset = index * pageSizeBytes;
    const length = Math.min(run * pageSizeBytes, file.lengthBytes - offset);
    const last = extents.at(-1);
    if (last !== undefined && last[0] + last[1] === offset) last[1] += length;
    else extents.push([offset, length]);
  }
  return extents;
}
