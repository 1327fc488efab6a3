/**
 * Snapshot: the tree of a volume as it was at one moment, immutable. Its inodes are copies, its files are frozen
 * PagedFiles that share their pages with the live ones until those are written; so taking one costs a walk over all
 * names and no look at any content.
 *
 * Inodes of a snapshot are in no index and have no context: a front end cannot come to change them.
 */
import type { FileTime } from '../file-clock.js';
import type { Inode } from '../inode.js';
import { heapBytesOf } from '../inode-heap.js';
import { orderedChildren } from '../names/ordered-children.js';

export class Snapshot {
  readonly name: string;
  /** When it was taken, as two halves of a FILETIME. */
  readonly timeLow: number;
  readonly timeHigh: number;
  readonly root: Inode;
  /** Files, directories and links, the root too. */
  inodeCount = 0;
  /** What they are counted to take of the heap. */
  heapBytes = 0;
  reparseBytes = 0;
  /** Sum of the files' lengths. */
  lengthBytes = 0;
  /** Pages that the files of a volume rolled back to it reserve. */
  filePages = 0;
  /** Readers that are at work: it cannot be deleted under them. */
  readers = 0;

  constructor(name: string, time: FileTime, root: Inode) {
    this.name = name;
    this.timeLow = time.low;
    this.timeHigh = time.high;
    this.root = this.#copyOf(root);
    this.root.parent = this.root;
    copyChildren(
      root,
      this.root,
      (inode) => this.#copyOf(inode),
      (inode, directory) => {
        directory.children ??= orderedChildren();
        directory.children.set(inode.key, inode);
        inode.parent = directory;
      },
    );
  }

  /** All inodes, directories before what is in them. */
  visit(visit: (inode: Inode) => void): void {
    visitTree(this.root, visit);
  }

  #copyOf(inode: Inode): Inode {
    const copy = inode.copy(inode.indexNumber, inode.file?.frozen() ?? null);
    copy.security.users += 1;
    this.inodeCount += 1;
    this.heapBytes += heapBytesOf(copy);
    this.reparseBytes += copy.reparse?.data.length ?? 0;
    if (copy.file !== null) {
      this.lengthBytes += copy.file.lengthBytes;
      this.filePages += copy.file.reservedPages;
    }
    return copy;
  }
}

/**
 * Copies what is below a directory to below another, directories before what is in them. `copyOf` copies one inode
 * without its place, `attach` puts a copy into the copy of its directory.
 */
export function copyChildren(
  from: Inode,
  to: Inode,
  copyOf: (inode: Inode) => Inode,
  attach: (inode: Inode, directory: Inode) => void,
): void {
  const pending: [Inode, Inode][] = [[from, to]];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const [directory, directoryCopy] = next;
    directory.children?.forEachPair((_key, child) => {
      const childCopy = copyOf(child);
      attach(childCopy, directoryCopy);
      if (child.children !== null) pending.push([child, childCopy]);
    });
  }
}

/** Visits an inode and all below it, directories before what is in them. */
export function visitTree(root: Inode, visit: (inode: Inode) => void): void {
  const pending = [root];
  for (let inode = pending.pop(); inode !== undefined; inode = pending.pop()) {
    visit(inode);
    inode.children?.forEachPair((_key, child) => {
      pending.push(child);
    });
  }
}

/** Whether a snapshot may be called so: 1 to 64 units, no control characters. */
export function isSnapshotName(name: string): boolean {
  return name.length >= 1 && name.length <= MAX_SNAPSHOT_NAME_UNITS && !CONTROL.test(name);
}
const MAX_SNAPSHOT_NAME_UNITS = 64;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
const CONTROL = /[\u0000-\u001f\u007f]/;
