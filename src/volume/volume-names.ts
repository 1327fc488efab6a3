/**
 * VolumeNames: the part of a RAM volume that has to do with names and with the lives of inodes: look-up, create, open,
 * list, and the end of handles. An inode lives as long as it has a name or a handle. Its content and room are
 * given back once, when it loses the last of both. What holds for all methods is said at RamVolume.
 */

import { NtStatus } from '../ntstatus.js';
import type { VolumeCheck } from './check/volume-check.js';
import { AttributeRoom } from './content/attribute-room.js';
import { PagePool } from './content/page-pool.js';
import { PagedFile } from './content/paged-file.js';
import { ContextTable } from './context-table.js';
import { Attribute, CLEANUP_TIMES, Cleanup, SETTABLE_ATTRIBUTES } from './file-attributes.js';
import { FileClock } from './file-clock.js';
import { type DirectoryEntry, Inode } from './inode.js';
import {
  heapBytesOf,
  heapBytesOfLink,
  heapBytesOfName,
  INODE_HEAP_BYTES,
  STREAMS_HEAP_BYTES,
} from './inode-heap.js';
import { KeptTimes } from './kept-times.js';
import { foldingTable } from './names/case-folding.js';
import { nameAndKey } from './names/name-index.js';
import { isName, NameTree } from './names/name-tree.js';
import { PathLimit } from './names/path-limit.js';
import { rootDescriptor } from './security/security-rules.js';
import {
  MAX_TOTAL_DESCRIPTOR_BYTES,
  type SecurityDescriptor,
  SecurityStore,
} from './security/security-store.js';
import { setCleanupTimes } from './set-times.js';
import { Snapshots } from './snapshots/snapshots.js';
import { Stream } from './streams/stream.js';
import type { RamVolumeOptions } from './volume-options.js';

/**
 * Inodes live on the heap of one thread, which V8 bounds: beyond that there is no room, as when a disk's table of files
 * is full.
 */
export const MAX_INODE_COUNT = 4 * 2 ** 20;
/** Distinct security descriptors take up to eight times their bytes of the heap: a fifth of the inodes', beside it. */
const HEAP_PER_DESCRIPTOR_BYTE = 40;
/** Room for those of the root and its like, however small the heap. */
const MIN_DESCRIPTOR_BYTES = 2 ** 16;
const NO_NAME: readonly [string, string] = ['', ''];

export abstract class VolumeNames {
  readonly caseSensitive: boolean;
  readonly pool: PagePool;
  label: string;
  protected tree: NameTree;
  protected pathLimit: PathLimit;
  readonly #maxPathUnits: number;
  protected readonly snapshotStore: Snapshots;
  protected readonly contexts = new ContextTable();
  protected readonly securities: SecurityStore;
  protected readonly clock: FileClock;
  protected readonly keepsSetTimes: boolean;
  protected readonly keptTimes = new KeptTimes();
  protected readonly maxInodeCount: number;
  protected readonly maxHeapBytes: number;
  protected lastIndexNumber = 0;
  /** The root is there from the beginning. */
  #inodeCount = 1;
  #openCount = 0;
  protected reparseBytes = 0;
  /** Lists of extended attributes of all inodes. */
  protected attributeBytes = 0;
  protected readonly attributeRoom: AttributeRoom;
  /** Of all inodes. */
  protected heapBytes: number;
  /** The self-check that is under way. What it counts of an entry must not change unless it was told before. */
  protected check: VolumeCheck | null = null;

  constructor(options: RamVolumeOptions) {
    this.caseSensitive = options.caseSensitive;
    this.label = options.label;
    this.keepsSetTimes = options.keepsSetTimes === true;
    this.maxInodeCount = options.maxInodeCount ?? MAX_INODE_COUNT;
    this.maxHeapBytes = options.maxHeapBytes ?? Number.POSITIVE_INFINITY;
    const descriptorBytes = Math.max(MIN_DESCRIPTOR_BYTES, this.maxHeapBytes / HEAP_PER_DESCRIPTOR_BYTE);
    this.securities = new SecurityStore(Math.min(MAX_TOTAL_DESCRIPTOR_BYTES, descriptorBytes));
    this.pool = new PagePool(options.memory, {
      capacityPages: options.capacityPages,
      preallocate: options.preallocate === true,
      onPreallocated: options.onPreallocated,
    });
    this.attributeRoom = new AttributeRoom(this.pool);
    this.snapshotStore = new Snapshots(this.pool);
    this.clock = new FileClock(options.timeSource);
    const security = this.securities.acquire(rootDescriptor()) as SecurityDescriptor;
    const root = new Inode('', '', ++this.lastIndexNumber, Attribute.DIRECTORY, security, null);
    root.created(this.clock.now());
    this.tree = new NameTree(root, foldingTable(options.caseSensitive, options.upperCase));
    this.tree.namedStreams = options.namedStreams === true;
    this.#maxPathUnits = options.maxPathUnits ?? Number.POSITIVE_INFINITY;
    this.pathLimit = new PathLimit(this.tree, this.#maxPathUnits);
    this.heapBytes = heapBytesOf(root);
  }

  get root(): Inode {
    return this.tree.root;
  }

  get totalBytes(): number {
    return this.pool.capacityPages * this.pool.pageSizeBytes;
  }

  get freeBytes(): number {
    return this.pool.freePages * this.pool.pageSizeBytes;
  }

  /** Whether paths lead to streams. */
  get namedStreams(): boolean {
    return this.tree.namedStreams;
  }

  set namedStreams(on: boolean) {
    this.tree.namedStreams = on;
  }

  /** Files, directories, links and named streams, the root too, and those without a name that are still open. */
  get inodeCount(): number {
    return this.#inodeCount;
  }

  /** How many more there is room for, with names of a few letters: by number, and by the heap. */
  get freeInodeCount(): number {
    const byNumber = this.maxInodeCount - this.#inodeCount - this.snapshotStore.inodeCount;
    const byHeap = Math.floor((this.heapBytesLimit - this.heapBytes) / INODE_HEAP_BYTES);
    return Math.max(0, Math.min(byNumber, byHeap));
  }

  /** Opens that have not been closed. */
  get openCount(): number {
    return this.#openCount;
  }

  // ---- names ----

  /**
   * OBJECT_NAME_NOT_FOUND when only the last name is missing, OBJECT_PATH_NOT_FOUND when its directory is. Follows no
   * links.
   */
  lookup(path: string): Inode | number {
    return this.tree.lookup(path);
  }

  /** The entry of a directory by its name; undefined when there is none of that name. */
  childOf(directory: Inode, name: string): DirectoryEntry | undefined {
    return this.tree.childOf(directory, name);
  }

  pathOf(entry: DirectoryEntry): string {
    return this.tree.pathOf(entry);
  }

  /** Which of its names a path is that leads to an inode. OBJECT_NAME_NOT_FOUND when it leads elsewhere; as lookup. */
  entryOf(inode: Inode, path: string): DirectoryEntry | number {
    if (this.tree.hardLinks.countOf(inode) === 0) return inode;
    const status = this.tree.locate(path);
    if (status < 0) return status;
    const entry = this.tree.childAt(path);
    return entry?.inode === inode ? entry : NtStatus.OBJECT_NAME_NOT_FOUND;
  }

  /** The path of that name of an inode, in the spelling that is stored. */
  spelled(inode: Inode, path: string): string {
    if (inode instanceof Stream)
      return `${this.spelled(inode.main, path.slice(0, this.tree.streamStart(path)))}:${inode.name}`;
    const entry = this.entryOf(inode, path);
    return this.pathOf(typeof entry === 'number' ? inode : entry);
  }

  /** As POSIX counts them: a file's names; of a directory its own, its `.` and the `..` of those in it. */
  linkCountOf(inode: Inode): number {
    if (!inode.isDirectory) return this.tree.nameCount(inode);
    return inode.deleted ? 0 : 2 + (inode.children?.directoryCount ?? 0);
  }

  /** The open inode of a context; undefined for a number that is no longer, or never was, one. */
  inodeOf(context: number): Inode | undefined {
    return this.contexts.inodeOf(context);
  }

  /** What an open inode is known by; 0 when it is not open. */
  contextOf(inode: Inode): number {
    return this.contexts.contextOf(inode);
  }

  /** Opens what is there; each open must be closed. */
  open(path: string): Inode | number {
    const inode = this.tree.lookup(path);
    return typeof inode === 'number' ? inode : this.opened(inode);
  }

  /**
   * Makes a file, directory or stream and opens it. `security` null: inherited. The bytes are copied; a stream has the
   * attributes and security of its file. With `named` false it gets no name, and lives until the last close unless it
   * is linked; the last name of the path says nothing then. OBJECT_NAME_COLLISION, DISK_FULL (also for
   * `allocationSize`), INVALID_SECURITY_DESCR, OBJECT_NAME_INVALID, NAME_TOO_LONG, NOT_A_DIRECTORY for a stream, or as
   * lookup.
   */
  create(
    path: string,
    attributes: number,
    directory: boolean,
    security: Uint8Array | null,
    allocationSize: number,
    named = true,
  ): Inode | number {
    if (path === '\\') return NtStatus.OBJECT_NAME_COLLISION;
    const colon = this.tree.streamStart(path);
    if (colon >= 0) {
      const main = this.tree.lookup(path.slice(0, colon));
      if (typeof main === 'number') return main;
      if (directory) return NtStatus.NOT_A_DIRECTORY;
      return this.createStream(main, path.slice(colon + 1), allocationSize, path);
    }
    const status = this.tree.locate(path);
    if (status < 0) return status;
    const parent = this.tree.directory;
    const start = this.tree.leafStart;
    if (named) {
      if (!isName(path, start)) return NtStatus.OBJECT_NAME_INVALID;
      if (this.tree.childAt(path) !== undefined) return NtStatus.OBJECT_NAME_COLLISION;
      if (!this.pathLimit.admits(path)) return NtStatus.NAME_TOO_LONG;
    }
    const [name, key] = named ? nameAndKey(path, start, path.length, this.tree.folding) : NO_NAME;
    const heapBytes = this.heapBytesWith(name, key, 0);
    if (heapBytes < 0) return heapBytes;

    const file = directory ? null : new PagedFile(this.pool);
    if (file !== null && allocationSize > 0) {
      const reserved = file.setAllocation(allocationSize);
      if (reserved < 0) return reserved;
    }
    const descriptor =
      security === null
        ? this.securities.acquireInherited(parent.security, directory)
        : this.securities.acquire(security);
    if (typeof descriptor === 'number') {
      file?.dispose();
      return descriptor;
    }

    const kept = (attributes & SETTABLE_ATTRIBUTES) | (directory ? Attribute.DIRECTORY : 0);
    const inode = new Inode(name, key, ++this.lastIndexNumber, kept, descriptor, file);
    inode.created(this.clock.now());
    if (named) {
      parent.written(this.clock);
      this.tree.attach(inode, parent);
    }
    return this.born(inode, heapBytes);
  }

  /** VolumeStreams has it. */
  abstract createStream(main: Inode, name: string, allocationSize: number, path: string): Inode | number;
  protected abstract unlinkStreams(main: Inode): void;

  /** Opens a new inode, with which all take so much of the heap. */
  protected born(inode: Inode, heapBytes: number): Inode {
    this.check?.changing(inode);
    this.#inodeCount += 1;
    this.heapBytes = heapBytes;
    return this.opened(inode);
  }

  /** What all inodes take of the heap with one more, and `moreBytes`; DISK_FULL when it may not be. */
  protected heapBytesWith(name: string, key: string, moreBytes: number): number {
    if (this.#inodeCount + this.snapshotStore.inodeCount >= this.maxInodeCount) return NtStatus.DISK_FULL;
    const heapBytes = this.heapBytes + INODE_HEAP_BYTES + heapBytesOfName(name, key) + moreBytes;
    return heapBytes > this.heapBytesLimit ? NtStatus.DISK_FULL : heapBytes;
  }

  /**
   * Whether Cleanup may delete it; READONLY is the front end's business, which can be told to ignore it
   * (docs/winfsp.md#callbacks).
   */
  canDelete(inode: Inode): number {
    if (inode === this.root) return NtStatus.CANNOT_DELETE;
    return inode.children === null ? NtStatus.SUCCESS : NtStatus.DIRECTORY_NOT_EMPTY;
  }

  /**
   * Tells of `.`, `..` and the children, in order, behind `marker`, until `visit` answers false. NOT_A_DIRECTORY for
   * files.
   */
  list(directory: Inode, marker: string | null, visit: (name: string, inode: Inode) => boolean): number {
    if (!directory.isDirectory) return NtStatus.NOT_A_DIRECTORY;
    this.tree.list(directory, marker, visit);
    return NtStatus.SUCCESS;
  }

  // ---- the end of a handle ----

  /**
   * A handle's last words (Cleanup bits). A directory that is not empty, and the root, are not deleted; `entry` is the
   * name that goes.
   */
  cleanup(entry: DirectoryEntry, flags: number): void {
    const { inode } = entry;
    if ((flags & Cleanup.TRIM_ALLOCATION) !== 0) {
      this.check?.changing(inode);
      inode.file?.trimAllocation();
    }
    if ((flags & Cleanup.SET_ARCHIVE) !== 0 && !inode.main.isDirectory)
      inode.main.attributes |= Attribute.ARCHIVE;
    this.#setTimes(inode.main, flags);
    if ((flags & Cleanup.DELETE) !== 0 && !inode.deleted && this.canDelete(inode) >= 0) {
      const now = this.clock.now();
      if (inode.main === inode) entry.parent?.written(now);
      inode.main.changed(now);
      this.unlink(entry);
    }
  }

  #setTimes(inode: Inode, flags: number): void {
    if ((flags & CLEANUP_TIMES) === 0) return;
    if ((flags & (Cleanup.SET_WRITE_TIME | Cleanup.SET_CHANGE_TIME)) !== 0) this.keptTimes.forget(inode);
    setCleanupTimes(inode, flags, this.clock.now());
  }

  close(inode: Inode): void {
    if (inode.openCount === 0) throw new Error(`"${inode.name}" is closed more often than it was opened`);
    this.#closed(inode);
    if (inode.main !== inode) this.#closed(inode.main);
  }

  #closed(inode: Inode): void {
    inode.openCount -= 1;
    this.#openCount -= 1;
    if (inode.openCount > 0) return;
    this.contexts.release(inode);
    this.keptTimes.forget(inode);
    if (inode.deleted) this.#dispose(inode);
  }

  /** What the heap has for inodes that are in no snapshot. */
  protected get heapBytesLimit(): number {
    return this.maxHeapBytes - this.snapshotStore.heapBytes;
  }

  /** Another tree takes the place of this one, with nothing open. What the old one had is the caller's to give back. */
  protected replaceTree(tree: NameTree, inodeCount: number): void {
    tree.namedStreams = this.namedStreams;
    this.tree = tree;
    this.pathLimit = new PathLimit(tree, this.#maxPathUnits);
    this.#inodeCount = inodeCount;
    this.#openCount = 0;
  }

  protected opened(inode: Inode): Inode {
    // A stream holds the file it belongs to.
    if (inode.main !== inode) this.opened(inode.main);
    if (inode.slot === 0) this.contexts.assign(inode);
    inode.openCount += 1;
    this.#openCount += 1;
    return inode;
  }

  /** Takes the name away; with the last one the inode goes, too, unless it is open. */
  protected unlink(entry: DirectoryEntry): void {
    const { inode } = entry;
    this.check?.changing(entry);
    if (inode instanceof Stream) {
      this.check?.changing(inode.main);
      this.tree.detachStream(inode);
      if (inode.main.streams === null) this.heapBytes -= STREAMS_HEAP_BYTES;
    } else {
      const link = this.tree.hardLinks.anyOf(inode);
      if (link !== undefined) {
        this.heapBytes -= heapBytesOfLink(entry);
        // The inode may take over its place.
        this.check?.changing(link);
      }
      this.tree.remove(entry);
      if (inode.deleted) this.unlinkStreams(inode);
    }
    if (inode.deleted && inode.openCount === 0) this.#dispose(inode);
  }

  #dispose(inode: Inode): void {
    this.check?.going(inode);
    inode.file?.dispose();
    this.securities.release(inode.security);
    this.reparseBytes -= inode.reparse?.data.length ?? 0;
    if (inode.extendedAttributes !== null) {
      this.attributeBytes -= inode.extendedAttributes.list.length;
      this.attributeRoom.add(-inode.extendedAttributes.list.length);
    }
    this.#inodeCount -= 1;
    this.heapBytes -= heapBytesOf(inode);
  }
}
