/**
 * Snapshot: the tree of a volume as it was at one moment, immutable. Its inodes are copies, its files are frozen
 * PagedFiles that share their pages with the live ones until those are written; so taking one costs a walk over all
 * names and no look at any content.
 *
 * Inodes of a snapshot are in no index and have no context: a front end cannot come to change them.
 */
import type { FileTime } from '../file-clock.js';
import type { DirectoryEntry, Inode } from '../inode.js';
import { heapBytesOf, heapBytesOfLink } from '../inode-heap.js';
import { HardLink, HardLinks } from '../names/hard-links.js';
import { OrderedChildren } from '../names/ordered-children.js';
import { copyStreams } from '../streams/stream.js';

export class Snapshot {
  readonly name: string;
  /** When it was taken, as two halves of a FILETIME. */
  readonly timeLow: number;
  readonly timeHigh: number;
  readonly root: Inode;
  readonly hardLinks = new HardLinks();
  /** Files, directories and links, the root too. */
  inodeCount = 0;
  /** What they are counted to take of the heap. */
  heapBytes = 0;
  reparseBytes = 0;
  /** Lists of extended attributes. */
  attributeBytes = 0;
  /** Sum of the files' lengths. */
  lengthBytes = 0;
  /** Pages that the files of a volume rolled back to it reserve. */
  filePages = 0;
  /** Readers that are at work: it cannot be deleted under them. */
  readers = 0;

  constructor(name: string, time: FileTime, { root, hardLinks }: { root: Inode; hardLinks: HardLinks }) {
    this.name = name;
    this.timeLow = time.low;
    this.timeHigh = time.high;
    this.root = this.#copyOf(root);
    this.root.parent = this.root;
    const attach = (entry: DirectoryEntry, directory: Inode): void => {
      directory.children ??= new OrderedChildren();
      directory.children.set(entry.key, entry);
      if (entry.inode.isDirectory) directory.children.directoryCount += 1;
      entry.parent = directory;
    };
    copyTree(root, this.root, hardLinks, {
      copyOf: (inode) => this.#copyOf(inode),
      attach,
      link: (inode, { name, key }, directory) => {
        const link = new HardLink(name, key, inode);
        this.hardLinks.add(link);
        this.heapBytes += heapBytesOfLink(link);
        attach(link, directory);
      },
    });
  }

  /** All inodes, directories before what is in them. */
  visit(visit: (inode: Inode) => void): void {
    visitTree(this.root, visit);
  }

  #copyOf(inode: Inode): Inode {
    const copy = inode.copy(inode.indexNumber, inode.file?.frozen() ?? null);
    copy.security.users += 1;
    this.inodeCount += 1;
    this.heapBytes += heapBytesOf(inode);
    this.reparseBytes += copy.reparse?.data.length ?? 0;
    this.attributeBytes += copy.extendedAttributes?.list.length ?? 0;
    if (copy.file !== null) {
      this.lengthBytes += copy.file.lengthBytes;
      this.filePages += copy.file.reservedPages;
    }
    return copy;
  }
}

interface TreeCopier {
  /** Copies one inode without its place. */
  copyOf(inode: Inode): Inode;
  /** Puts a copy into the copy of its directory. */
  attach(inode: Inode, directory: Inode): void;
  /** Gives a copy one more name there. */
  link(inode: Inode, link: DirectoryEntry, directory: Inode): void;
}

/**
 * Copies what is below a root to below another, directories before what is in them, hard links at last. `hardLinks`:
 * those of the tree that is copied.
 */
export function copyTree(from: Inode, to: Inode, hardLinks: HardLinks, copier: TreeCopier): void {
  const links: [DirectoryEntry, Inode][] = [];
  const copies = new Map<Inode, Inode>();
  const copyOf = (inode: Inode) => copier.copyOf(inode);
  const pending: [Inode, Inode][] = [[from, to]];
  if (from.streams !== null) copyStreams(from, to, copyOf);
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const [directory, directoryCopy] = next;
    directory.children?.forEachPair((_key, entry) => {
      const { inode } = entry;
      if (entry !== inode) {
        links.push([entry, directoryCopy]);
        return;
      }
      const copy = copier.copyOf(inode);
      copier.attach(copy, directoryCopy);
      if (inode.streams !== null) copyStreams(inode, copy, copyOf);
      if (hardLinks.countOf(inode) > 0) copies.set(inode, copy);
      if (inode.children !== null) pending.push([inode, copy]);
    });
  }
  for (const [link, directory] of links) copier.link(copies.get(link.inode) as Inode, link, directory);
}

/** Visits an inode and all below it, streams too, each once, directories before what is in them. */
export function visitTree(root: Inode, visit: (inode: Inode) => void): void {
  const pending = [root];
  for (let inode = pending.pop(); inode !== undefined; inode = pending.pop()) {
    visit(inode);
    inode.streams?.forEachPair((_key, stream) => visit(stream));
    inode.children?.forEachPair((_key, entry) => {
      if (entry === entry.inode) pending.push(entry.inode);
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
