/**
 * RamVolume: the RAM file system, complete but for a front end. Names, handles, times, security and content of one
 * volume, with the rules that Windows' programs expect (docs/winfsp.md#creating-and-opening, #callbacks). It
 * knows no driver, no kernel and no FFI: memory and clock are given to it.
 *
 * Every method is one uninterrupted step on one thread: no await, and no call of foreign code but for the `visit` of
 * list. Results are an Inode or a count, or else a failing NTSTATUS; one that fails has changed nothing (AllOrNothing).
 * Exceptions are bugs of the caller: an inode closed too often, a negative length.
 *
 * An inode lives as long as it has a name or a handle. Its content and room are given back once, when it loses the last
 * of both.
 */
import { MAX_NAME_UNITS } from '../limits.js';
import { NtStatus, ntStatusName } from '../ntstatus.js';
import { VolumeCheck, type VolumeView } from './check/volume-check.js';
import { controlFile } from './content/control-codes.js';
import { copyContent } from './content/copy-content.js';
import type { PageReader } from './content/page-readers.js';
import { changedAttributes } from './extended-attributes.js';
import { Attribute, SETTABLE_ATTRIBUTES } from './file-attributes.js';
import type { DirectoryEntry, Inode } from './inode.js';
import { heapBytesOfName, INODE_HEAP_BYTES, REPARSE_HEAP_BYTES } from './inode-heap.js';
import { WHITEOUT } from './reparse-point.js';
import { isGiven, putTimes, setBasicTimes } from './set-times.js';
import { VolumeAttributes } from './volume-attributes.js';
import { MAX_TOTAL_REPARSE_BYTES } from './volume-snapshots.js';

export { MAX_INODE_COUNT } from './volume-names.js';
export type { RamVolumeOptions } from './volume-options.js';
export { MAX_TOTAL_REPARSE_BYTES } from './volume-snapshots.js';

/** "Leave the attributes alone" in setBasicInfo. */
const INVALID_ATTRIBUTES = 0xffff_ffff;

/** So often a check in pieces begins, at most: then it is done in one step. */
const MAX_CHECK_BEGINNINGS = 4;

export class RamVolume extends VolumeAttributes {
  #checkBeginnings = 0;

  // ---- content ----

  /**
   * Bytes read into memory at `address`, fewer at the end of the file; END_OF_FILE at and past it. Changes no times.
   */
  read(inode: Inode, offset: number, length: number, address: number): number {
    const file = inode.file;
    if (file === null) return NtStatus.INVALID_DEVICE_REQUEST;
    return offset >= file.lengthBytes ? NtStatus.END_OF_FILE : file.read(offset, length, address);
  }

  /** As read, for another thread to copy: says `reader` where the bytes are, and takes none back before it has them. */
  describeRead(inode: Inode, offset: number, length: number, reader: PageReader): number {
    const file = inode.file;
    if (file === null) return NtStatus.INVALID_DEVICE_REQUEST;
    return offset >= file.lengthBytes ? NtStatus.END_OF_FILE : file.describeRead(offset, length, reader);
  }

  /**
   * Bytes written. Past the end the file grows, with zeros in between; DISK_FULL leaves everything as it was. A
   * constrained write comes from the kernel's cache: it never extends, and leaves times alone, since it may come long
   * after a program has set them.
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
    this.check?.changing(inode);
    const at = writeToEndOfFile ? file.lengthBytes : offset;
    if (constrainedIo) {
      const room = file.lengthBytes - at;
      return room <= 0 ? 0 : file.write(at, Math.min(length, room), address);
    }
    const written = file.write(at, length, address);
    if (written > 0) this.keptTimes.written(inode.main, this.clock.now());
    return written;
  }

  /** Memory is as safe as it gets. */
  flush(_node: Inode | null): number {
    return NtStatus.SUCCESS;
  }

  /**
   * Truncates, or extends with zeros that are reserved now; DISK_FULL changes nothing. INVALID_PARAMETER for
   * directories.
   */
  setFileSize(inode: Inode, bytes: number): number {
    if (inode.file === null) return NtStatus.INVALID_PARAMETER;
    this.check?.changing(inode);
    const status = inode.file.setLength(bytes);
    if (status >= 0) this.keptTimes.written(inode.main, this.clock.now());
    return status;
  }

  /** Promises room; below the file's size it truncates. Never extends the size. INVALID_PARAMETER for directories. */
  setAllocationSize(inode: Inode, bytes: number): number {
    if (inode.file === null) return NtStatus.INVALID_PARAMETER;
    this.check?.changing(inode);
    const before = inode.file.lengthBytes;
    const status = inode.file.setAllocation(bytes);
    if (status >= 0 && inode.file.lengthBytes !== before)
      this.keptTimes.written(inode.main, this.clock.now());
    return status;
  }

  /**
   * Empties an open file for a new content; attributes are added, or take the place of those it has. Extended ones are
   * those of the packed list, or none, and all streams go; of a stream only the content. A directory is in the way
   * (OBJECT_NAME_COLLISION); DISK_FULL, and as setExtendedAttributes, with nothing changed.
   */
  overwrite(
    inode: Inode,
    attributes: number,
    replaceAttributes: boolean,
    allocationSize: number,
    extendedAttributes: Uint8Array | null = null,
  ): number {
    if (inode.file === null) return NtStatus.OBJECT_NAME_COLLISION;
    if (inode.main !== inode) return this.overwriteStream(inode, inode.file, allocationSize);
    const before = inode.extendedAttributes;
    const after =
      extendedAttributes === null ? null : changedAttributes(null, extendedAttributes, this.caseSensitive);
    if (typeof after === 'number') return after;
    this.check?.changing(inode);
    const room = this.putAttributes(inode, after);
    if (room < 0) return room;
    const status = inode.file.overwrite(allocationSize);
    if (status < 0) {
      this.putAttributes(inode, before);
      return status;
    }
    this.overwriteStreams(inode);
    const given = attributes & SETTABLE_ATTRIBUTES;
    inode.attributes = replaceAttributes
      ? (inode.attributes & ~SETTABLE_ATTRIBUTES) | given
      : inode.attributes | given;
    const now = this.clock.now();
    inode.lastAccessTimeLow = now.low;
    inode.lastAccessTimeHigh = now.high;
    inode.written(now);
    return NtStatus.SUCCESS;
  }

  /**
   * Zeros within a file's length; memory comes back, room stays reserved. INVALID_DEVICE_REQUEST for directories,
   * INSUFFICIENT_RESOURCES.
   */
  zero(inode: Inode, offset: number, length: number): number {
    if (inode.file === null) return NtStatus.INVALID_DEVICE_REQUEST;
    this.check?.changing(inode);
    const status = inode.file.zero(offset, length);
    if (status >= 0) this.keptTimes.written(inode.main, this.clock.now());
    return status;
  }

  /**
   * Copies content into another file, or elsewhere in the same one (ranges that do not overlap), as a write would do
   * it; holes stay holes. Bytes copied: fewer at the end of the source, or where room ends. INVALID_DEVICE_REQUEST for
   * directories, or as write.
   */
  copy(source: Inode, from: number, target: Inode, to: number, length: number): number {
    if (source.file === null || target.file === null) return NtStatus.INVALID_DEVICE_REQUEST;
    this.check?.changing(target);
    const copied = copyContent(source.file, from, target.file, to, length);
    if (copied > 0) this.keptTimes.written(target.main, this.clock.now());
    return copied;
  }

  /**
   * Control codes for holes (content/control-codes.ts). What comes out, at most `maxOutputBytes`;
   * INVALID_DEVICE_REQUEST for others and for directories, INVALID_PARAMETER, or as zero.
   */
  control(inode: Inode, code: number, input: Uint8Array, maxOutputBytes: number): Uint8Array | number {
    const zero = (offset: number, length: number) => this.zero(inode, offset, length);
    return controlFile(inode.file, zero, code, input, maxOutputBytes);
  }

  // ---- information: that of a stream is its file's ----

  /**
   * `times`: halves of creation, last access, last write and change time; 0, -1 and -2 leave one alone, 0xffffffff the
   * attributes. The change time becomes now where something was set and it was given as 0.
   */
  setBasicInfo({ main: inode }: Inode, attributes: number, times: Int32Array): number {
    let isChanged = setBasicTimes(inode, times);
    if (this.keepsSetTimes) this.keptTimes.set(inode, isGiven(times, 4), isGiven(times, 6));
    if (attributes >>> 0 !== INVALID_ATTRIBUTES) {
      inode.attributes = (inode.attributes & ~SETTABLE_ATTRIBUTES) | (attributes & SETTABLE_ATTRIBUTES);
      isChanged = true;
    }
    const changeTimeIsZero = times[6] === 0 && times[7] === 0;
    if (isChanged && changeTimeIsZero) inode.changed(this.clock.now());
    return NtStatus.SUCCESS;
  }

  /** Self-relative; shared with other inodes, so not to be changed. */
  securityOf(inode: Inode): Uint8Array {
    return inode.main.security.bytes;
  }

  /** Replaces what `securityInformation` names. INVALID_SECURITY_DESCR for malformed bytes. */
  setSecurity({ main: inode }: Inode, securityInformation: number, modification: Uint8Array): number {
    const merged = this.securities.acquireMerged(inode.security, securityInformation, modification);
    if (typeof merged === 'number') return merged;
    this.check?.changing(inode);
    this.securities.release(inode.security);
    inode.security = merged;
    inode.changed(this.clock.now());
    return NtStatus.SUCCESS;
  }

  /**
   * Of an inode that an image tells of: the whole descriptor, the attributes, and all four times as they are, in the
   * order of setBasicInfo. INVALID_SECURITY_DESCR, DISK_FULL.
   */
  restore(inode: Inode, security: Uint8Array, attributes: number, times: Int32Array): number {
    const descriptor = this.securities.acquire(security);
    if (typeof descriptor === 'number') return descriptor;
    this.check?.changing(inode);
    this.securities.release(inode.security);
    inode.security = descriptor;
    inode.attributes = (inode.attributes & ~SETTABLE_ATTRIBUTES) | (attributes & SETTABLE_ATTRIBUTES);
    putTimes(inode, times);
    return NtStatus.SUCCESS;
  }

  /**
   * Where in a path the first name of a reparse point is that others follow; -1 without one. The system resolves such
   * a path. Only looked for when the look-up failed, because a reparse point has no children.
   */
  reparsePointOnTheWay(path: string): number {
    for (let end = path.indexOf('\\', 1); end > 0; end = path.indexOf('\\', end + 1)) {
      const inode = this.lookup(path.slice(0, end));
      if (typeof inode === 'number') return -1;
      if ((inode.attributes & Attribute.REPARSE_POINT) !== 0) return path.lastIndexOf('\\', end - 1) + 1;
    }
    return -1;
  }

  // ---- whiteouts ----

  /**
   * As rename with `posix`; a character device 0:0 with the same descriptor takes the old name, in the same step: the
   * mark by which a file system that lies over this one says that a name is gone. INVALID_PARAMETER when only the case
   * of the name would change, DISK_FULL when there is no room for either.
   */
  renameLeavingWhiteout(entry: DirectoryEntry, newPath: string, replaceIfExists: boolean): number {
    const path = this.pathOf(entry);
    const { inode, name, key } = entry;
    const isTaken = this.lookup(newPath) === inode;
    if (isTaken && this.entryOf(inode, newPath) === entry) return NtStatus.INVALID_PARAMETER;
    // Whatever is short later was short now: what follows a rename that succeeded cannot fail.
    const heapBytes = INODE_HEAP_BYTES + REPARSE_HEAP_BYTES + heapBytesOfName(name, key) + 4 * MAX_NAME_UNITS;
    if (
      this.inodeCount + this.snapshotStore.inodeCount >= this.maxInodeCount ||
      this.heapBytes + heapBytes > this.heapBytesLimit ||
      this.reparseBytes + WHITEOUT.length > MAX_TOTAL_REPARSE_BYTES - this.snapshotStore.reparseBytes
    )
      return NtStatus.DISK_FULL;
    const status = this.rename(entry, newPath, replaceIfExists, true);
    if (status < 0 || isTaken) return status;
    const device = this.create(path, 0, false, inode.security.bytes, 0);
    if (typeof device === 'number') throw new Error(`no whiteout at "${path}": ${ntStatusName(device)}`);
    this.setReparsePoint(device, WHITEOUT);
    this.close(device);
    return NtStatus.SUCCESS;
  }

  // ---- the volume ----

  /**
   * Recomputes every invariant from the ground and names those that do not hold. Reads only; takes a few seconds for a
   * million files.
   */
  selfCheck(): string[] {
    return new VolumeCheck(this.#view()).run(Number.POSITIVE_INFINITY) as string[];
  }

  /**
   * The same in pieces of about so long, between which the volume may be used: null until a piece is the last. A piece
   * is longer where a directory has very many names (all are listed in one step), where pages are many (all are
   * compared at the end), and when the snapshots have changed so often that the check begins for the
   * MAX_CHECK_BEGINNINGS-th time.
   */
  selfCheckPiece(milliseconds: number): string[] | null {
    if (this.check === null) {
      this.check = new VolumeCheck(this.#view());
      this.#checkBeginnings += 1;
    }
    const isInPieces = this.#checkBeginnings < MAX_CHECK_BEGINNINGS;
    const violations = this.check.run(isInPieces ? milliseconds : Number.POSITIVE_INFINITY);
    if (violations !== null) {
      this.check = null;
      this.#checkBeginnings = 0;
    }
    return violations;
  }

  /** What a check sees of this volume, at any time. */
  #view(): VolumeView {
    const volume = this;
    return {
      tree: this.tree,
      contexts: this.contexts,
      securities: this.securities,
      pool: this.pool,
      snapshots: this.snapshotStore,
      attributeRoom: this.attributeRoom,
      get inodeCount() {
        return volume.inodeCount;
      },
      get openCount() {
        return volume.openCount;
      },
      get lastIndexNumber() {
        return volume.lastIndexNumber;
      },
      get reparseBytes() {
        return volume.reparseBytes;
      },
      get attributeBytes() {
        return volume.attributeBytes;
      },
      get heapBytes() {
        return volume.heapBytes;
      },
    };
  }

  /**
   * Another capacity, from now on. DISK_FULL when it is less than what is reserved, INSUFFICIENT_RESOURCES when it is
   * more than the memory has addresses for.
   */
  resize(capacityPages: number): number {
    return this.pool.resize(capacityPages);
  }

  /** Gives the memory back. No context is known from then on, so no request can touch it. */
  dispose(): void {
    this.contexts.clear();
    this.pool.dispose();
  }
}
