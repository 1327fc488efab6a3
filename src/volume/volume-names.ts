/**
 * VolumeNames: the part of a RAM volume that has to do with names and with the lives of inodes: look-up, create, open,
 * rename, list, and the end of handles. An inode lives as long as it has a name or a handle. Its content and room are
 * given back once, when it loses the last of both. What holds for all methods is said at RamVolume.
 */
import { NtStatus } from '../ntstatus.js';
import type { PageMemory } from './content/page-memory.js';
import { PagePool, type PagePoolOptions } from './content/page-pool.js';
import { PagedFile } from './content/paged-file.js';
import { ContextTable } from './context-table.js';
import { Attribute, Cleanup, SETTABLE_ATTRIBUTES } from './file-attributes.js';
import { FileClock, type TimeSource } from './file-clock.js';
import { Inode } from './inode.js';
import { heapBytesOf, heapBytesOfName, INODE_HEAP_BYTES } from './inode-heap.js';
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
import { Snapshots } from './snapshots/snapshots.js';

/**
 * Inodes live on the heap of one thread, which V8 bounds: beyond that there is no room, as when a disk's table of files
 * is full.
 */
export const MAX_INODE_COUNT = 4 * 2 ** 20;
/**
 * Distinct security descriptors take up to eight times their bytes of the heap: a fifth of what is for inodes, beside
 * it.
 */
const HEAP_PER_DESCRIPTOR_BYTE = 40;
/** Room for those of the root and its like, however small the heap. */
const MIN_DESCRIPTOR_BYTES = 2 ** 16;

export interface RamVolumeOptions {
  memory: PageMemory;
  caseSensitive: boolean;
  /** Unit → its capital, for a volume that does not tell case apart: NTFS's table where it is not given. */
  upperCase?: Uint16Array | undefined;
  /** UTF-16 units of the longest path, `\a\b`, that the front end can say. Without a limit where it is not given. */
  maxPathUnits?: number;
  label: string;
  /** Commit the whole capacity at once. */
  preallocate?: boolean;
  /** As PagePool has it. */
  onPreallocated?: PagePoolOptions['onPreallocated'];
  /** MAX_INODE_COUNT everywhere but in tests. */
  maxInodeCount?: number;
  /**
   * Heap that inodes may take, as they are counted (INODE_HEAP_BYTES): beyond it the volume is full. Without a limit
   * where it is not given.
   */
  maxHeapBytes?: number;
  /** Date.now where it is not given. */
  timeSource?: TimeSource;
  /** Windows' rule for times that programs set (KeptTimes). */
  keepsSetTimes?: boolean;
}

export abstract class VolumeNames {
  readonly caseSensitive: boolean;
  readonly pool: PagePool;
  label: string;
  protected tree: NameTree;
  #pathLimit: PathLimit;
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
  /** Of all inodes. */
  protected heapBytes: number;

  constructor(options: RamVolumeOptions) {
    this.caseSensitive = options.caseSensitive;
    this.label = options.label;
    this.keepsSetTimes = options.keepsSetTimes === true;
    this.maxInodeCount = options.maxInodeCount ?? MAX_INODE_COUNT;
    this.maxHeapBytes = options.maxHeapBytes ?? Number.POSITIVE_INFINITY;
    const descriptorBytes = Math.max(MIN_DESCRIPTOR_BYTES, this.maxHeapBytes / HEAP_PER_DESCRIPTOR_BYTE);
    this.securities = new SecurityStore(Math.min(MAX_TOTAL_DESCRIPTOR_BYTES, descriptorBytes));
    this.pool = new PagePool(options.memory, {
      preallocate: options.preallocate === true,
      onPreallocated: options.onPreallocated,
    });
    this.snapshotStore = new Snapshots(this.pool);
    this.clock = new FileClock(options.timeSource);
    const security = this.securities.acquire(rootDescriptor()) as SecurityDescriptor;
    const root = new Inode('', '', ++this.lastIndexNumber, Attribute.DIRECTORY, security, null);
    root.created(this.clock.now());
    this.tree = new NameTree(root, foldingTable(options.caseSensitive, options.upperCase));
    this.#maxPathUnits = options.maxPathUnits ?? Number.POSITIVE_INFINITY;
    this.#pathLimit = new PathLimit(this.tree, this.#maxPathUnits);
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

  /** Files, directories and links, the root too, and those without a name that are still open. */
  get inodeCount(): number {
    return this.#inodeCount;
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

  /** The child of a directory by its name; undefined when there is none of that name. */
  childOf(directory: Inode, name: string): Inode | undefined {
    return this.tree.childOf(directory, name);
  }

  pathOf(inode: Inode): string {
    return this.tree.pathOf(inode);
  }

  /** The open inode of a context; undefined for a number that is no longer, or never was, one. */
  inodeOf(context: number): Inode | undefined {
    return this.contexts.inodeOf(context);
  }

  /** Opens what is there; each open must be closed. */
  open(path: string): Inode | number {
    const inode = this.tree.lookup(path);
    return typeof inode === 'number' ? inode : this.#opened(inode);
  }

  /**
   * Makes a file or directory and opens it. `security` null: inherited. The bytes are copied. OBJECT_NAME_COLLISION,
   * DISK_FULL (also for `allocationSize`), INVALID_SECURITY_DESCR, OBJECT_NAME_INVALID, NAME_TOO_LONG, or as lookup.
   */
  create(
    path: string,
    attributes: number,
    directory: boolean,
    security: Uint8Array | null,
    allocationSize: number,
  ): Inode | number {
    if (path === '\\') return NtStatus.OBJECT_NAME_COLLISION;
    const status = this.tree.locate(path);
    if (status < 0) return status;
    const parent = this.tree.directory;
    const start = this.tree.leafStart;
    if (!isName(path, start)) return NtStatus.OBJECT_NAME_INVALID;
    if (this.tree.childAt(path) !== undefined) return NtStatus.OBJECT_NAME_COLLISION;
    if (!this.#pathLimit.admits(path)) return NtStatus.NAME_TOO_LONG;
    if (this.#inodeCount + this.snapshotStore.inodeCount >= this.maxInodeCount) return NtStatus.DISK_FULL;
    const [name, key] = nameAndKey(path, start, path.length, this.tree.folding);
    const heapBytes = this.heapBytes + INODE_HEAP_BYTES + heapBytesOfName(name, key);
    if (heapBytes > this.heapBytesLimit) return NtStatus.DISK_FULL;

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
    parent.written(this.clock);
    this.tree.attach(inode, parent);
    this.#inodeCount += 1;
    this.heapBytes = heapBytes;
    return this.#opened(inode);
  }

  /**
   * Moves an inode to another name, with everything below it, in one step: the new name is never absent, the old one
   * never doubled. Only the last name's spelling counts. OBJECT_NAME_COLLISION when the name is taken and not to be
   * replaced; ACCESS_DENIED when it is a directory's, or with `posix` (rename(2)), by which an empty directory gives
   * way to another, FILE_IS_A_DIRECTORY, NOT_A_DIRECTORY or DIRECTORY_NOT_EMPTY. ACCESS_DENIED for the root,
   * INVALID_PARAMETER into itself, FILE_DELETED without a name, NAME_TOO_LONG when a path would be, DISK_FULL when a
   * longer name finds no room on the heap, or as lookup for the new directory.
   */
  rename(inode: Inode, newPath: string, replaceIfExists: boolean, posix = false): number {
    const from = inode.parent;
    if (from === null) return NtStatus.FILE_DELETED;
    if (inode === this.root || newPath === '\\') return NtStatus.ACCESS_DENIED;
    const status = this.tree.locate(newPath);
    if (status < 0) return status;
    const to = this.tree.directory;
    const start = this.tree.leafStart;
    if (!isName(newPath, start)) return NtStatus.OBJECT_NAME_INVALID;
    if (this.tree.isWithin(to, inode)) return NtStatus.INVALID_PARAMETER;
    // A name that differs only by case is the inode itself: nothing is replaced then.
    const there = this.tree.childAt(newPath);
    if (there !== undefined && there !== inode) {
      if (!replaceIfExists) return NtStatus.OBJECT_NAME_COLLISION;
      const replaceable = mayReplace(inode, there, posix);
      if (replaceable < 0) return replaceable;
    }
    const [name, key] = nameAndKey(newPath, start, newPath.length, this.tree.folding);
    if (from === to && inode.name === name) return NtStatus.SUCCESS;
    const more = heapBytesOfName(name, key) - heapBytesOfName(inode.name, inode.key);
    const less = there !== undefined && there !== inode && there.openCount === 0 ? heapBytesOf(there) : 0;
    if (more > less && this.heapBytes + more - less > this.heapBytesLimit) return NtStatus.DISK_FULL;
    if (!this.#pathLimit.admitsMove(inode, newPath)) return NtStatus.NAME_TOO_LONG;

    const now = this.clock.now();
    if (there !== undefined && there !== inode) {
      there.changed(now);
      this.#unlink(there);
    }
    this.heapBytes += more;
    this.#move(inode, to, name, key);
    from.written(now);
    to.written(now);
    inode.changed(now);
    return NtStatus.SUCCESS;
  }

  /**
   * Two inodes of any kind take each other's place and name, in one step. OBJECT_NAME_NOT_FOUND when there is nothing
   * at `path`, INVALID_PARAMETER when one lies within the other; otherwise as rename.
   */
  exchange(inode: Inode, path: string): number {
    const from = inode.parent;
    if (from === null) return NtStatus.FILE_DELETED;
    const other = this.tree.lookup(path);
    if (typeof other === 'number') return other;
    const to = other.parent as Inode;
    if (inode === this.root || other === this.root) return NtStatus.ACCESS_DENIED;
    if (inode === other) return NtStatus.SUCCESS;
    if (this.tree.isWithin(to, inode) || this.tree.isWithin(from, other)) return NtStatus.INVALID_PARAMETER;
    const limit = this.#pathLimit;
    if (!limit.admitsMove(inode, path) || !limit.admitsMove(other, this.tree.pathOf(inode)))
      return NtStatus.NAME_TOO_LONG;

    const now = this.clock.now();
    const { name, key } = inode;
    this.tree.detach(inode);
    [inode.name, inode.key] = [other.name, other.key];
    this.#move(other, from, name, key);
    this.tree.attach(inode, to);
    for (const directory of [from, to]) directory.written(now);
    for (const moved of [inode, other]) moved.changed(now);
    return NtStatus.SUCCESS;
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

  /** A handle's last words (Cleanup bits). A directory that is not empty, and the root, are not deleted. */
  cleanup(inode: Inode, flags: number): void {
    if ((flags & Cleanup.TRIM_ALLOCATION) !== 0) inode.file?.trimAllocation();
    if ((flags & Cleanup.SET_ARCHIVE) !== 0 && !inode.isDirectory) inode.attributes |= Attribute.ARCHIVE;
    const timeFlags = flags & (Cleanup.SET_ACCESS_TIME | Cleanup.SET_WRITE_TIME | Cleanup.SET_CHANGE_TIME);
    if (timeFlags !== 0) {
      const { low, high } = this.clock.now();
      if ((flags & (Cleanup.SET_WRITE_TIME | Cleanup.SET_CHANGE_TIME)) !== 0) this.keptTimes.forget(inode);
      if ((flags & Cleanup.SET_ACCESS_TIME) !== 0) {
        inode.lastAccessTimeLow = low;
        inode.lastAccessTimeHigh = high;
      }
      if ((flags & Cleanup.SET_WRITE_TIME) !== 0) {
        inode.lastWriteTimeLow = low;
        inode.lastWriteTimeHigh = high;
      }
      if ((flags & Cleanup.SET_CHANGE_TIME) !== 0) {
        inode.changeTimeLow = low;
        inode.changeTimeHigh = high;
      }
    }
    if ((flags & Cleanup.DELETE) !== 0 && !inode.deleted && this.canDelete(inode) >= 0) {
      const now = this.clock.now();
      inode.parent?.written(now);
      inode.changed(now);
      this.#unlink(inode);
    }
  }

  close(inode: Inode): void {
    if (inode.openCount === 0) throw new Error(`"${inode.name}" is closed more often than it was opened`);
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
    this.tree = tree;
    this.#pathLimit = new PathLimit(tree, this.#maxPathUnits);
    this.#inodeCount = inodeCount;
    this.#openCount = 0;
  }

  #opened(inode: Inode): Inode {
    if (inode.context === 0) this.contexts.assign(inode);
    inode.openCount += 1;
    this.#openCount += 1;
    return inode;
  }

  #move(inode: Inode, to: Inode, name: string, key: string): void {
    this.tree.detach(inode);
    inode.name = name;
    inode.key = key;
    this.tree.attach(inode, to);
  }

  /** Takes the name away; the inode goes, too, unless it is open. */
  #unlink(inode: Inode): void {
    this.tree.detach(inode);
    if (inode.openCount === 0) this.#dispose(inode);
  }

  #dispose(inode: Inode): void {
    inode.file?.dispose();
    this.securities.release(inode.security);
    this.reparseBytes -= inode.reparse?.data.length ?? 0;
    this.#inodeCount -= 1;
    this.heapBytes -= heapBytesOf(inode);
  }
}

/** Whether `inode` may take the place of `there`. On Windows a directory is replaced by nothing; `posix`: rename(2). */
function mayReplace(inode: Inode, there: Inode, posix: boolean): number {
  if (!posix) return there.isDirectory ? NtStatus.ACCESS_DENIED : NtStatus.SUCCESS;
  // What does not lead on is a file or a symbolic link to rename(2).
  if (inode.leadsOn && !there.leadsOn) return NtStatus.NOT_A_DIRECTORY;
  if (!inode.leadsOn && there.leadsOn) return NtStatus.FILE_IS_A_DIRECTORY;
  return there.children === null ? NtStatus.SUCCESS : NtStatus.DIRECTORY_NOT_EMPTY;
}
