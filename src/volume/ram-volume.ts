/**
 * RamVolume: the RAM file system, complete but for a front end. Names, handles, times, security and content of one
 * volume, with the rules that Windows' programs expect (docs/winfsp.md#creating-and-opening, #callbacks). Pure
 * TypeScript; it knows no driver, no kernel and no FFI but for the memory it is given.
 *
 * Every method is one uninterrupted step on one thread: no await, and no call of foreign code but for the `visit` of
 * list. Results are an Inode or a count, or else a failing NTSTATUS; one that fails has changed nothing (AllOrNothing).
 * Exceptions are bugs of the caller: an inode closed too often, a negative length.
 *
 * An inode lives as long as it has a name or a handle. Its content and room are given back once, when it loses the last
 * of both.
 */
import { NtStatus } from '../ntstatus.js';
import type { PageMemory } from './content/page-memory.js';
import { PagePool, type PagePoolOptions } from './content/page-pool.js';
import { PagedFile } from './content/paged-file.js';
import { ContextTable } from './context-table.js';
import { Attribute, Cleanup, SETTABLE_ATTRIBUTES } from './file-attributes.js';
import { FileClock, type TimeSource } from './file-clock.js';
import { Inode } from './inode.js';
import { heapBytesOf, heapBytesOfName, NODE_HEAP_BYTES, REPARSE_HEAP_BYTES } from './inode-heap.js';
import { KeptTimes } from './kept-times.js';
import { foldingTable } from './names/case-folding.js';
import { nameAndKey } from './names/name-index.js';
import { isName, NameTree } from './names/name-tree.js';
import { PathLimit } from './names/path-limit.js';
import { matchReparsePoint, parseReparsePoint } from './reparse-point.js';
import { rootDescriptor } from './security/security-rules.js';
import { MAX_DESCRIPTOR_BYTES, type SecurityDescriptor, SecurityStore } from './security/security-store.js';
import { isGiven, setBasicTimes } from './set-times.js';
import { checkVolume } from './volume-check.js';

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
/** Reparse points lie outside of the capacity that the ledger counts; all together are bounded instead. */
export const MAX_REPARSE_BYTES = 64 * 2 ** 20;
/** "Leave the attributes alone" in setBasicInfo. */
const INVALID_ATTRIBUTES = 0xffff_ffff;

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
   * Heap that inodes may take, as they are counted (NODE_HEAP_BYTES): beyond it the volume is full. Without a limit
   * where it is not given.
   */
  heapBytesMost?: number;
  /** Date.now where it is not given. */
  timeSource?: TimeSource;
  /** Windows' rule for times that programs set (KeptTimes). */
  keepsSetTimes?: boolean;
}

export class RamVolume {
  readonly caseSensitive: boolean;
  readonly pool: PagePool;
  label: string;
  readonly #tree: NameTree;
  readonly #pathLimit: PathLimit;
  readonly #contexts = new ContextTable();
  readonly #securities: SecurityStore;
  readonly #clock: FileClock;
  readonly #keepsSetTimes: boolean;
  readonly #keptTimes = new KeptTimes();
  readonly #maxInodeCount: number;
  readonly #heapBytesMost: number;
  #lastIndexNumber = 0;
  /** The root is there from the beginning. */
  #inodeCount = 1;
  #openCount = 0;
  #reparseBytes = 0;
  /** Of all inodes. */
  #heapBytes: number;

  constructor(options: RamVolumeOptions) {
    this.caseSensitive = options.caseSensitive;
    this.label = options.label;
    this.#keepsSetTimes = options.keepsSetTimes === true;
    this.#maxInodeCount = options.maxInodeCount ?? MAX_INODE_COUNT;
    this.#heapBytesMost = options.heapBytesMost ?? Number.POSITIVE_INFINITY;
    const descriptorBytes = Math.max(MIN_DESCRIPTOR_BYTES, this.#heapBytesMost / HEAP_PER_DESCRIPTOR_BYTE);
    this.#securities = new SecurityStore(Math.min(MAX_DESCRIPTOR_BYTES, descriptorBytes));
    this.pool = new PagePool(options.memory, {
      preallocate: options.preallocate === true,
      onPreallocated: options.onPreallocated,
    });
    this.#clock = new FileClock(options.timeSource);
    const security = this.#securities.acquire(rootDescriptor()) as SecurityDescriptor;
    const root = new Inode('', '', ++this.#lastIndexNumber, Attribute.DIRECTORY, security, null);
    root.created(this.#clock.now());
    this.#tree = new NameTree(root, foldingTable(options.caseSensitive, options.upperCase));
    this.#pathLimit = new PathLimit(this.#tree, options.maxPathUnits ?? Number.POSITIVE_INFINITY);
    this.#heapBytes = heapBytesOf(root);
  }

  get root(): Inode {
    return this.#tree.root;
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
    return this.#tree.lookup(path);
  }

  pathOf(inode: Inode): string {
    return this.#tree.pathOf(inode);
  }

  /** The open inode of a context; undefined for a number that is no longer, or never was, one. */
  inodeOf(context: number): Inode | undefined {
    return this.#contexts.inodeOf(context);
  }

  /** Opens what is there; each open must be closed. */
  open(path: string): Inode | number {
    const inode = this.#tree.lookup(path);
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
    const status = this.#tree.locate(path);
    if (status < 0) return status;
    const parent = this.#tree.directory;
    const start = this.#tree.leafStart;
    if (!isName(path, start)) return NtStatus.OBJECT_NAME_INVALID;
    if (this.#tree.childAt(path) !== undefined) return NtStatus.OBJECT_NAME_COLLISION;
    if (!this.#pathLimit.admits(path)) return NtStatus.NAME_TOO_LONG;
    if (this.#inodeCount >= this.#maxInodeCount) return NtStatus.DISK_FULL;
    const [name, key] = nameAndKey(path, start, path.length, this.#tree.folding);
    const heapBytes = this.#heapBytes + NODE_HEAP_BYTES + heapBytesOfName(name, key);
    if (heapBytes > this.#heapBytesMost) return NtStatus.DISK_FULL;

    const file = directory ? null : new PagedFile(this.pool);
    if (file !== null && allocationSize > 0) {
      const reserved = file.setAllocation(allocationSize);
      if (reserved < 0) return reserved;
    }
    const descriptor =
      security === null
        ? this.#securities.acquireInherited(parent.security, directory)
        : this.#securities.acquire(security);
    if (typeof descriptor === 'number') {
      file?.dispose();
      return descriptor;
    }

    const kept = (attributes & SETTABLE_ATTRIBUTES) | (directory ? Attribute.DIRECTORY : 0);
    const inode = new Inode(name, key, ++this.#lastIndexNumber, kept, descriptor, file);
    inode.created(this.#clock.now());
    parent.written(this.#clock);
    this.#tree.attach(inode, parent);
    this.#inodeCount += 1;
    this.#heapBytes = heapBytes;
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
    const status = this.#tree.locate(newPath);
    if (status < 0) return status;
    const to = this.#tree.directory;
    const start = this.#tree.leafStart;
    if (!isName(newPath, start)) return NtStatus.OBJECT_NAME_INVALID;
    if (this.#tree.isWithin(to, inode)) return NtStatus.INVALID_PARAMETER;
    // A name that differs only by case is the inode itself: nothing is replaced then.
    const there = this.#tree.childAt(newPath);
    if (there !== undefined && there !== inode) {
      if (!replaceIfExists) return NtStatus.OBJECT_NAME_COLLISION;
      const replaceable = mayReplace(inode, there, posix);
      if (replaceable < 0) return replaceable;
    }
    const [name, key] = nameAndKey(newPath, start, newPath.length, this.#tree.folding);
    if (from === to && inode.name === name) return NtStatus.SUCCESS;
    const more = heapBytesOfName(name, key) - heapBytesOfName(inode.name, inode.key);
    const less = there !== undefined && there !== inode && there.openCount === 0 ? heapBytesOf(there) : 0;
    if (more > less && this.#heapBytes + more - less > this.#heapBytesMost) return NtStatus.DISK_FULL;
    if (!this.#pathLimit.admitsMove(inode, newPath)) return NtStatus.NAME_TOO_LONG;

    const now = this.#clock.now();
    if (there !== undefined && there !== inode) {
      there.changed(now);
      this.#unlink(there);
    }
    this.#heapBytes += more;
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
    const other = this.#tree.lookup(path);
    if (typeof other === 'number') return other;
    const to = other.parent as Inode;
    if (inode === this.root || other === this.root) return NtStatus.ACCESS_DENIED;
    if (inode === other) return NtStatus.SUCCESS;
    if (this.#tree.isWithin(to, inode) || this.#tree.isWithin(from, other)) return NtStatus.INVALID_PARAMETER;
    const limit = this.#pathLimit;
    if (!limit.admitsMove(inode, path) || !limit.admitsMove(other, this.#tree.pathOf(inode)))
      return NtStatus.NAME_TOO_LONG;

    const now = this.#clock.now();
    const { name, key } = inode;
    this.#tree.detach(inode);
    [inode.name, inode.key] = [other.name, other.key];
    this.#move(other, from, name, key);
    this.#tree.attach(inode, to);
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
    this.#tree.list(directory, marker, visit);
    return NtStatus.SUCCESS;
  }

  // ---- the end of a handle ----

  /** A handle's last words (Cleanup bits). A directory that is not empty, and the root, are not deleted. */
  cleanup(inode: Inode, flags: number): void {
    if ((flags & Cleanup.TRIM_ALLOCATION) !== 0) inode.file?.trimAllocation();
    if ((flags & Cleanup.SET_ARCHIVE) !== 0 && !inode.isDirectory) inode.attributes |= Attribute.ARCHIVE;
    const timeFlags = flags & (Cleanup.SET_ACCESS_TIME | Cleanup.SET_WRITE_TIME | Cleanup.SET_CHANGE_TIME);
    if (timeFlags !== 0) {
      const { low, high } = this.#clock.now();
      if ((flags & (Cleanup.SET_WRITE_TIME | Cleanup.SET_CHANGE_TIME)) !== 0) this.#keptTimes.forget(inode);
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
      const now = this.#clock.now();
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
    this.#contexts.release(inode);
    this.#keptTimes.forget(inode);
    if (inode.deleted) this.#dispose(inode);
  }

  // ---- content ----

  /**
   * Bytes read into memory at `address`, fewer at the end of the file; END_OF_FILE at and past it. Changes no times.
   */
  read(inode: Inode, offset: number, length: number, address: number): number {
    const file = inode.file;
    if (file === null) return NtStatus.INVALID_DEVICE_REQUEST;
    return offset >= file.lengthBytes ? NtStatus.END_OF_FILE : file.read(offset, length, address);
  }

  /**
   * Bytes written. Past the end the file grows, with zeros in between; DISK_FULL leaves everything as it was. A
   * constrained write comes from the kernel's cache: it never extends, and leaves times alone, since it may come long
   * after somebody has set them.
   */
  write(
    inode: Inode,
    offset: number,
    length: number,
    address: number,
    writeToEndOfFile: boolean,
    constrainedIo: boolean,
  ): number {
    const file = inode.file;
    if (file === null) return NtStatus.INVALID_DEVICE_REQUEST;
    const at = writeToEndOfFile ? file.lengthBytes : offset;
    if (constrainedIo) {
      const room = file.lengthBytes - at;
      return room <= 0 ? 0 : file.write(at, Math.min(length, room), address);
    }
    const written = file.write(at, length, address);
    if (written > 0) this.#keptTimes.written(inode, this.#clock.now());
    return written;
  }

  /** Memory is as safe as it gets. */
  flush(_node: Inode | null): number {
    return NtStatus.SUCCESS;
  }

  /** Truncates, or extends with zeros that are reserved now; DISK_FULL changes nothing. */
  setFileSize(inode: Inode, bytes: number): number {
    if (inode.file === null) return NtStatus.INVALID_DEVICE_REQUEST;
    const status = inode.file.setLength(bytes);
    if (status >= 0) this.#keptTimes.written(inode, this.#clock.now());
    return status;
  }

  /** Promises room; below the file's size it truncates. Never extends the size. */
  setAllocationSize(inode: Inode, bytes: number): number {
    if (inode.file === null) return NtStatus.INVALID_DEVICE_REQUEST;
    const before = inode.file.lengthBytes;
    const status = inode.file.setAllocation(bytes);
    if (status >= 0 && inode.file.lengthBytes !== before) {
      this.#keptTimes.written(inode, this.#clock.now());
    }
    return status;
  }

  /** Empties an open file for a new content; attributes are added, or take the place of those it has. */
  overwrite(inode: Inode, attributes: number, replaceAttributes: boolean, allocationSize: number): number {
    if (inode.file === null) return NtStatus.INVALID_DEVICE_REQUEST;
    const status = inode.file.overwrite(allocationSize);
    if (status < 0) return status;
    const given = attributes & SETTABLE_ATTRIBUTES;
    inode.attributes = replaceAttributes
      ? (inode.attributes & ~SETTABLE_ATTRIBUTES) | given
      : inode.attributes | given;
    const now = this.#clock.now();
    inode.lastAccessTimeLow = now.low;
    inode.lastAccessTimeHigh = now.high;
    inode.written(now);
    return NtStatus.SUCCESS;
  }

  // ---- information ----

  /**
   * `times`: halves of creation, last access, last write and change time; 0, -1 and -2 leave one alone, 0xffffffff the
   * attributes. The change time becomes now where something was set and it was given as 0.
   */
  setBasicInfo(inode: Inode, attributes: number, times: Int32Array): number {
    let isChanged = setBasicTimes(inode, times);
    if (this.#keepsSetTimes) this.#keptTimes.set(inode, isGiven(times, 4), isGiven(times, 6));
    if (attributes >>> 0 !== INVALID_ATTRIBUTES) {
      inode.attributes = (inode.attributes & ~SETTABLE_ATTRIBUTES) | (attributes & SETTABLE_ATTRIBUTES);
      isChanged = true;
    }
    const changeTimeIsZero = times[6] === 0 && times[7] === 0;
    if (isChanged && changeTimeIsZero) inode.changed(this.#clock.now());
    return NtStatus.SUCCESS;
  }

  /** Self-relative; shared with other inodes, so not to be changed. */
  securityOf(inode: Inode): Uint8Array {
    return inode.security.bytes;
  }

  /** Replaces what `securityInformation` names. INVALID_SECURITY_DESCR for malformed bytes. */
  setSecurity(inode: Inode, securityInformation: number, modification: Uint8Array): number {
    const merged = this.#securities.acquireMerged(inode.security, securityInformation, modification);
    if (typeof merged === 'number') return merged;
    this.#securities.release(inode.security);
    inode.security = merged;
    inode.changed(this.#clock.now());
    return NtStatus.SUCCESS;
  }

  getReparsePoint(inode: Inode): Uint8Array | number {
    return inode.reparse === null ? NtStatus.NOT_A_REPARSE_POINT : inode.reparse.data;
  }

  /**
   * The bytes are copied. DIRECTORY_NOT_EMPTY, IO_REPARSE_TAG_MISMATCH, IO_REPARSE_DATA_INVALID, DISK_FULL;
   * ACCESS_DENIED for the root.
   */
  setReparsePoint(inode: Inode, data: Uint8Array): number {
    if (inode === this.root) return NtStatus.ACCESS_DENIED;
    if (inode.children !== null) return NtStatus.DIRECTORY_NOT_EMPTY;
    const reparse = parseReparsePoint(data);
    if (typeof reparse === 'number') return reparse;
    if (inode.reparse !== null) {
      const status = matchReparsePoint(inode.reparse, data);
      if (status < 0) return status;
    }
    const bytes = this.#reparseBytes + reparse.data.length - (inode.reparse?.data.length ?? 0);
    if (bytes > MAX_REPARSE_BYTES) return NtStatus.DISK_FULL;
    if (inode.reparse === null) {
      if (this.#heapBytes + REPARSE_HEAP_BYTES > this.#heapBytesMost) return NtStatus.DISK_FULL;
      this.#heapBytes += REPARSE_HEAP_BYTES;
    }
    this.#reparseBytes = bytes;
    inode.reparse = reparse;
    inode.attributes |= Attribute.REPARSE_POINT;
    inode.changed(this.#clock.now());
    return NtStatus.SUCCESS;
  }

  /** `data`: a head with the tag (and GUID) that is to be there. */
  deleteReparsePoint(inode: Inode, data: Uint8Array): number {
    if (inode.reparse === null) return NtStatus.NOT_A_REPARSE_POINT;
    const status = matchReparsePoint(inode.reparse, data);
    if (status < 0) return status;
    this.#reparseBytes -= inode.reparse.data.length;
    this.#heapBytes -= REPARSE_HEAP_BYTES;
    inode.reparse = null;
    inode.attributes &= ~Attribute.REPARSE_POINT;
    inode.changed(this.#clock.now());
    return NtStatus.SUCCESS;
  }

  // ---- the volume ----

  /**
   * Recomputes every invariant from the ground and names those that do not hold. Reads only; takes a few seconds for a
   * million files.
   */
  selfCheck(): string[] {
    return checkVolume({
      tree: this.#tree,
      contexts: this.#contexts,
      securities: this.#securities,
      pool: this.pool,
      inodeCount: this.#inodeCount,
      openCount: this.#openCount,
      lastIndexNumber: this.#lastIndexNumber,
      reparseBytes: this.#reparseBytes,
      heapBytes: this.#heapBytes,
    });
  }

  /** Gives the memory back. No context is known from then on, so nobody can come to touch it. */
  dispose(): void {
    this.#contexts.clear();
    this.pool.dispose();
  }

  #opened(inode: Inode): Inode {
    if (inode.context === 0) this.#contexts.assign(inode);
    inode.openCount += 1;
    this.#openCount += 1;
    return inode;
  }

  #move(inode: Inode, to: Inode, name: string, key: string): void {
    this.#tree.detach(inode);
    inode.name = name;
    inode.key = key;
    this.#tree.attach(inode, to);
  }

  /** Takes the name away; the inode goes, too, unless somebody has it open. */
  #unlink(inode: Inode): void {
    this.#tree.detach(inode);
    if (inode.openCount === 0) this.#dispose(inode);
  }

  #dispose(inode: Inode): void {
    inode.file?.dispose();
    this.#securities.release(inode.security);
    this.#reparseBytes -= inode.reparse?.data.length ?? 0;
    this.#inodeCount -= 1;
    this.#heapBytes -= heapBytesOf(inode);
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
