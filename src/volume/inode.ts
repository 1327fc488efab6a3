/**
 * Inode: one file, directory or symbolic link of the volume. A plain record; every rule about it is RamVolume's.
 *
 * A million of them must fit in a heap, so there is nothing here that most inodes do not need: times are pairs of
 * 32-bit integers (which take no memory of their own), the folded name is the name itself where they are equal, a
 * directory has its ordered children only while it has any, and all inodes of one security descriptor share it.
 */

import type { PagedFile } from './content/paged-file.js';
import type { ExtendedAttributes } from './extended-attributes.js';
import { Attribute } from './file-attributes.js';
import type { FileTime } from './file-clock.js';
import { OrderedChildren } from './names/ordered-children.js';
import type { ReparsePoint } from './reparse-point.js';
import type { SecurityDescriptor } from './security/security-store.js';

/**
 * A name in a directory and the inode it leads to. An inode is the entry of one of its names itself, so that a file of
 * one name, as nearly all are, takes no more of the heap and no further look; each other name of a file is a HardLink.
 */
export interface DirectoryEntry {
  /** As it was given when the entry was made or last renamed. */
  name: string;
  /** The folded name. */
  key: string;
  /** The directory; null when the name is gone. */
  parent: Inode | null;
  readonly inode: Inode;
  /** For NameIndex alone: hash of parent and key, and the next entry with the same bucket. */
  hash: number;
  next: DirectoryEntry | null;
}

/** Never changed itself, so that copies of an inode share it unless there are streams. */
interface InodeRarities {
  readonly reparse: ReparsePoint | null;
  readonly extendedAttributes: ExtendedAttributes | null;
  readonly streams: OrderedChildren<Inode> | null;
}

export class Inode implements DirectoryEntry {
  // What a listing reads of every entry comes first, so that it lies in two cache lines (docs/performance.md), then
  // what a look-up reads.

  /** As it was given when the inode was created or last renamed: one of its names. Empty for the root. */
  name: string;
  /** Null for directories. */
  readonly file: PagedFile | null;
  attributes: number;
  /** What few inodes have; null for all others. */
  rarities: InodeRarities | null = null;
  /** Unique in the volume, never 0, never used again. */
  readonly indexNumber: number;
  creationTimeLow = 0;
  creationTimeHigh = 0;
  lastAccessTimeLow = 0;
  lastAccessTimeHigh = 0;
  lastWriteTimeLow = 0;
  lastWriteTimeHigh = 0;
  changeTimeLow = 0;
  changeTimeHigh = 0;

  hash = 0;
  next: DirectoryEntry | null = null;
  /** Null when the last name is gone and only handles are left. The root is its own parent. */
  parent: Inode | null = null;
  key: string;

  /** For ContextTable alone: its place there while it is open; 0 when it is not. */
  slot = 0;
  /** Opens that have not been closed yet. */
  openCount = 0;
  security: SecurityDescriptor;
  /** Null for files, and for directories that are empty. */
  children: OrderedChildren<DirectoryEntry> | null = null;

  constructor(
    name: string,
    key: string,
    indexNumber: number,
    attributes: number,
    security: SecurityDescriptor,
    file: PagedFile | null,
  ) {
    this.name = name;
    this.key = key;
    this.indexNumber = indexNumber;
    this.attributes = attributes;
    this.security = security;
    this.file = file;
  }

  /**
   * The same inode elsewhere: all that a file keeps, and nothing about its place, its handles, its children and its
   * streams.
   */
  copy(indexNumber: number, file: PagedFile | null): Inode {
    const copy = new Inode(this.name, this.key, indexNumber, this.attributes, this.security, file);
    copy.rarities = this.rarities;
    if (this.streams !== null) copy.#setRarities(this.reparse, this.extendedAttributes, null);
    copy.creationTimeLow = this.creationTimeLow;
    copy.creationTimeHigh = this.creationTimeHigh;
    copy.lastAccessTimeLow = this.lastAccessTimeLow;
    copy.lastAccessTimeHigh = this.lastAccessTimeHigh;
    copy.lastWriteTimeLow = this.lastWriteTimeLow;
    copy.lastWriteTimeHigh = this.lastWriteTimeHigh;
    copy.changeTimeLow = this.changeTimeLow;
    copy.changeTimeHigh = this.changeTimeHigh;
    return copy;
  }

  /** Born now: all four times. */
  created(time: FileTime): void {
    this.creationTimeLow = time.low;
    this.creationTimeHigh = time.high;
    this.lastAccessTimeLow = time.low;
    this.lastAccessTimeHigh = time.high;
    this.written(time);
  }

  /** The content, or a directory's list of names, was changed now. */
  written({ low, high }: FileTime): void {
    this.lastWriteTimeLow = low;
    this.lastWriteTimeHigh = high;
    this.changeTimeLow = low;
    this.changeTimeHigh = high;
  }

  /** Something else about it was changed now: name, attributes, security. */
  changed({ low, high }: FileTime): void {
    this.changeTimeLow = low;
    this.changeTimeHigh = high;
  }

  get reparse(): ReparsePoint | null {
    return this.rarities === null ? null : this.rarities.reparse;
  }

  set reparse(reparse: ReparsePoint | null) {
    this.#setRarities(reparse, this.extendedAttributes, this.streams);
  }

  get extendedAttributes(): ExtendedAttributes | null {
    return this.rarities === null ? null : this.rarities.extendedAttributes;
  }

  set extendedAttributes(attributes: ExtendedAttributes | null) {
    this.#setRarities(this.reparse, attributes, this.streams);
  }

  /** Its named streams by folded name; null without any. */
  get streams(): OrderedChildren<Inode> | null {
    return this.rarities === null ? null : this.rarities.streams;
  }

  /** For Stream alone. */
  addStream(stream: Inode): void {
    const streams = this.streams ?? new OrderedChildren();
    streams.set(stream.key, stream);
    this.#setRarities(this.reparse, this.extendedAttributes, streams);
  }

  /** For Stream alone. */
  removeStream(stream: Inode): void {
    this.streams?.delete(stream.key);
    if (this.streams?.size === 0) this.#setRarities(this.reparse, this.extendedAttributes, null);
  }

  #setRarities(
    reparse: ReparsePoint | null,
    extendedAttributes: ExtendedAttributes | null,
    streams: OrderedChildren<Inode> | null,
  ): void {
    this.rarities =
      reparse === null && extendedAttributes === null && streams === null
        ? null
        : { reparse, extendedAttributes, streams };
  }

  /** Itself; of a stream, the file or directory that has it. */
  get main(): Inode {
    return this;
  }

  /** As an entry of a directory it leads to itself. */
  get inode(): Inode {
    return this;
  }

  get isDirectory(): boolean {
    return this.file === null;
  }

  /** The last name is gone; no path leads here. */
  get deleted(): boolean {
    return this.parent === null;
  }

  /** Whether paths may lead on from here. A directory that is a reparse point has nothing below it. */
  get leadsOn(): boolean {
    return this.file === null && (this.attributes & Attribute.REPARSE_POINT) === 0;
  }

  get fileSize(): number {
    return this.file === null ? 0 : this.file.lengthBytes;
  }

  /** What the volume's ledger reserves for the file: a multiple of the page size, never below fileSize. */
  get allocationSize(): number {
    return this.file === null ? 0 : this.file.allocationSizeBytes;
  }

  get reparseTag(): number {
    return this.reparse === null ? 0 : this.reparse.tag;
  }
}
