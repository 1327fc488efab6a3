/**
 * NameTree: which names lead to which inodes. Paths are `\a\b`; the root is `\`. Look-ups go through one index of names
 * for the whole volume, listings through each directory's ordered children; attach and detach keep the two in step.
 *
 * Only structure: whether something may be created, replaced or removed is RamVolume's decision.
 */
import { MAX_NAME_UNITS } from '../../limits.js';
import { NtStatus } from '../../ntstatus.js';
import type { DirectoryEntry, Inode } from '../inode.js';
import { isStreamName, Stream } from '../streams/stream.js';
import { foldText } from './case-folding.js';
import { HardLink, HardLinks } from './hard-links.js';
import { NameIndex } from './name-index.js';
import { OrderedChildren, visitBehind } from './ordered-children.js';

const SEPARATOR = 0x5c;

export class NameTree {
  readonly root: Inode;
  readonly folding: Uint16Array;
  readonly index: NameIndex;
  readonly hardLinks = new HardLinks();
  /** A `:` in a path begins the name of a stream; otherwise it is a character as any other. */
  namedStreams = false;
  /** What locate found: the directory, and where in the path the last name begins. Valid until the next call. */
  directory: Inode;
  leafStart = 0;
  /**
   * The last look-up that found something: an Open asks for its path up to three times in a row (by a dispatcher that
   * looks whether it is there, GetSecurityByName, Open). Any name that comes or goes makes it void. A reparse point
   * that does need not: it has nothing below it, neither before nor after.
   */
  #foundPath = '\\';
  #found: Inode;
  /** Of the directory that was emptied last, for the next that gets a first child: lock files come and go alone. */
  #spareChildren: OrderedChildren<DirectoryEntry> | null = null;

  constructor(root: Inode, folding: Uint16Array) {
    this.root = root;
    this.directory = root;
    this.#found = root;
    root.parent = root;
    this.folding = folding;
    this.index = new NameIndex(this.folding);
  }

  /**
   * Finds the directory that the last name of a path is or would be in. OBJECT_PATH_NOT_FOUND when there is none, or a
   * file or a reparse point is in the way; OBJECT_NAME_INVALID when it is no path.
   */
  locate(path: string): number {
    if (path.charCodeAt(0) !== SEPARATOR) return NtStatus.OBJECT_NAME_INVALID;
    let directory = this.root;
    let start = 1;
    for (let end = path.indexOf('\\', start); end >= 0; end = path.indexOf('\\', start)) {
      if (end === start) return NtStatus.OBJECT_NAME_INVALID;
      const next = this.index.find(directory, path, start, end);
      if (next === undefined || !next.inode.leadsOn) return NtStatus.OBJECT_PATH_NOT_FOUND;
      directory = next.inode;
      start = end + 1;
    }
    if (start === path.length && start > 1) return NtStatus.OBJECT_NAME_INVALID;
    this.directory = directory;
    this.leafStart = start;
    return NtStatus.SUCCESS;
  }

  /** The entry at the place that locate has just found in `path`. */
  childAt(path: string): DirectoryEntry | undefined {
    return this.index.find(this.directory, path, this.leafStart, path.length);
  }

  /** The inode of a path. OBJECT_NAME_NOT_FOUND when only its last name is missing; otherwise as locate. */
  lookup(path: string): Inode | number {
    if (path === this.#foundPath) return this.#found;
    if (path === '\\') return this.root;
    const colon = this.streamStart(path);
    if (colon >= 0) return this.#lookupStream(path, colon);
    const status = this.locate(path);
    if (status < 0) return status;
    const entry = this.childAt(path);
    if (entry === undefined) return NtStatus.OBJECT_NAME_NOT_FOUND;
    this.#foundPath = path;
    this.#found = entry.inode;
    return this.#found;
  }

  /** Where the `:` before the name of a stream is in a path; -1 when it leads to no stream. */
  streamStart(path: string): number {
    return this.namedStreams ? path.indexOf(':') : -1;
  }

  #lookupStream(path: string, colon: number): Inode | number {
    const name = path.slice(colon + 1);
    if (!isStreamName(name)) return NtStatus.OBJECT_NAME_INVALID;
    const main = this.lookup(path.slice(0, colon));
    if (typeof main === 'number') return main;
    const stream = main.streams?.get(foldText(name, this.folding));
    if (stream === undefined) return NtStatus.OBJECT_NAME_NOT_FOUND;
    this.#foundPath = path;
    this.#found = stream;
    return stream;
  }

  /** The entry of a directory by its name. */
  childOf(directory: Inode, name: string): DirectoryEntry | undefined {
    return this.index.find(directory, name, 0, name.length);
  }

  attachStream(stream: Stream, main: Inode): void {
    this.#forget();
    stream.attachTo(main);
  }

  detachStream(stream: Stream): void {
    this.#forget();
    stream.detach();
  }

  #forget(): void {
    this.#foundPath = '\\';
    this.#found = this.root;
  }

  attach(entry: DirectoryEntry, directory: Inode): void {
    this.#forget();
    if (directory.children === null) {
      directory.children = this.#spareChildren ?? new OrderedChildren();
      this.#spareChildren = null;
    }
    directory.children.set(entry.key, entry);
    if (entry.inode.isDirectory) directory.children.directoryCount += 1;
    entry.parent = directory;
    this.index.add(entry);
  }

  detach(entry: DirectoryEntry): void {
    const directory = entry.parent;
    if (directory === null || directory.children === null)
      throw new Error(`"${entry.name}" is in no directory`);
    this.#forget();
    this.index.remove(entry);
    directory.children.delete(entry.key);
    if (entry.inode.isDirectory) directory.children.directoryCount -= 1;
    if (directory.children.size === 0) {
      this.#spareChildren = directory.children;
      directory.children = null;
    }
    entry.parent = null;
  }

  /** Takes a name elsewhere, and changes it. */
  move(entry: DirectoryEntry, directory: Inode, name: string, key: string): void {
    this.detach(entry);
    entry.name = name;
    entry.key = key;
    this.attach(entry, directory);
  }

  /** Gives a file that has a name one more. */
  addLink(inode: Inode, directory: Inode, name: string, key: string): HardLink {
    const link = new HardLink(name, key, inode);
    this.hardLinks.add(link);
    this.attach(link, directory);
    return link;
  }

  /** Takes a name away. An inode whose own goes takes over one of its hard links, if it has any. */
  remove(entry: DirectoryEntry): void {
    this.detach(entry);
    if (entry instanceof HardLink) {
      this.hardLinks.remove(entry);
      return;
    }
    const link = this.hardLinks.anyOf(entry.inode);
    if (link === undefined) return;
    const directory = link.parent as Inode;
    this.remove(link);
    entry.name = link.name;
    entry.key = link.key;
    this.attach(entry, directory);
  }

  /** Names of an inode. */
  nameCount(inode: Inode): number {
    return inode.deleted ? 0 : 1 + this.hardLinks.countOf(inode);
  }

  /** In the spelling that is stored. Empty for a name that is gone. */
  pathOf(entry: DirectoryEntry): string {
    if (entry === this.root) return '\\';
    let path = '';
    for (let at = entry; at !== this.root; at = at.parent) {
      if (at.parent === null) return '';
      path = `${at instanceof Stream ? ':' : '\\'}${at.name}${path}`;
    }
    // A stream of the root.
    return path.startsWith(':') ? `\\${path}` : path;
  }

  /** Whether `inode` is `ancestor` or somewhere below it. */
  isWithin(inode: Inode, ancestor: Inode): boolean {
    let at: Inode | null = inode;
    while (at !== null && at !== ancestor && at !== this.root) at = at.parent;
    return at === ancestor;
  }

  /**
   * Visits what a directory lists: `.` and `..` except in the root, then its children by folded name; only what comes
   * behind `marker`, whether or not that name is there any more, until `visit` answers false (docs/winfsp.md#callbacks,
   * ReadDirectory).
   */
  list(directory: Inode, marker: string | null, visit: (name: string, inode: Inode) => boolean): void {
    if (directory !== this.root) {
      if (marker === null && !visit('.', directory)) return;
      // A directory whose name is gone has no parent to show.
      if ((marker === null || marker === '.') && !visit('..', directory.parent ?? directory)) return;
    }
    if (directory.children === null) return;
    const behind = marker === null || isDots(marker) ? '' : foldText(marker, this.folding);
    visitBehind(directory.children, behind, visit);
  }
}

/**
 * Whether a file may be called so: 1 to 255 units, neither `.` nor `..`, no NUL. Which other characters are allowed is
 * the front end's rule.
 */
export function isName(path: string, start: number): boolean {
  const length = path.length - start;
  if (length < 1 || length > MAX_NAME_UNITS) return false;
  if (length <= 2 && isDots(path.slice(start))) return false;
  return path.indexOf('\0', start) < 0;
}

function isDots(name: string): boolean {
  return name === '.' || name === '..';
}
