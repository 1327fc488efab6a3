/** What is attached to a volume's files and directories: extended attributes and reparse points. */
import { NtStatus } from '../ntstatus.js';
import { changedAttributes, type ExtendedAttributes } from './extended-attributes.js';
import { Attribute } from './file-attributes.js';
import type { Inode } from './inode.js';
import { ATTRIBUTES_HEAP_BYTES, REPARSE_HEAP_BYTES } from './inode-heap.js';
import { matchReparsePoint, parseReparsePoint } from './reparse-point.js';
import { MAX_TOTAL_REPARSE_BYTES, VolumeSnapshots } from './volume-snapshots.js';

const NO_ATTRIBUTES = new Uint8Array(0);

export class VolumeAttributes extends VolumeSnapshots {
  /**
   * As of VolumeNames, with the extended attributes of a packed list, or none, and a reparse point, or none. Also as
   * setExtendedAttributes and setReparsePoint: then there is no file.
   */
  override create(
    path: string,
    attributes: number,
    directory: boolean,
    security: Uint8Array | null,
    allocationSize: number,
    named = true,
    extendedAttributes: Uint8Array | null = null,
    reparsePoint: Uint8Array | null = null,
  ): Inode | number {
    const inode = super.create(path, attributes, directory, security, allocationSize, named);
    if (typeof inode === 'number') return inode;
    let status: number = NtStatus.SUCCESS;
    if (extendedAttributes !== null) status = this.setExtendedAttributes(inode, extendedAttributes);
    if (status >= 0 && reparsePoint !== null) status = this.setReparsePoint(inode, reparsePoint);
    if (status >= 0) return inode;
    if (named) this.unlink(inode);
    this.close(inode);
    return status;
  }

  /** A packed list of all extended attributes; not to be changed. */
  getExtendedAttributes(inode: Inode): Uint8Array {
    return inode.main.extendedAttributes?.list ?? NO_ATTRIBUTES;
  }

  /**
   * Adds, replaces and, by an empty value, removes what a packed list names; the bytes are copied. DISK_FULL,
   * EA_TOO_LARGE, EA_LIST_INCONSISTENT, INVALID_EA_NAME.
   */
  setExtendedAttributes({ main: inode }: Inode, changes: Uint8Array): number {
    const after = changedAttributes(inode.extendedAttributes, changes, this.caseSensitive);
    if (typeof after === 'number') return after;
    const status = this.putAttributes(inode, after);
    if (status >= 0) inode.changed(this.clock.now());
    return status;
  }

  /** DISK_FULL. */
  protected putAttributes(inode: Inode, after: ExtendedAttributes | null): number {
    const before = inode.extendedAttributes;
    if (before === after) return NtStatus.SUCCESS;
    const heapBytes =
      (after === null ? 0 : ATTRIBUTES_HEAP_BYTES) - (before === null ? 0 : ATTRIBUTES_HEAP_BYTES);
    if (heapBytes > 0 && this.heapBytes + heapBytes > this.heapBytesLimit) return NtStatus.DISK_FULL;
    const bytes = (after?.list.length ?? 0) - (before?.list.length ?? 0);
    const status = this.attributeRoom.add(bytes);
    if (status < 0) return status;
    this.check?.changing(inode);
    this.attributeBytes += bytes;
    this.heapBytes += heapBytes;
    inode.extendedAttributes = after;
    return NtStatus.SUCCESS;
  }

  // ---- reparse points ----

  getReparsePoint({ main: inode }: Inode): Uint8Array | number {
    return inode.reparse === null ? NtStatus.NOT_A_REPARSE_POINT : inode.reparse.data;
  }

  /**
   * The bytes are copied. DIRECTORY_NOT_EMPTY, IO_REPARSE_TAG_MISMATCH, IO_REPARSE_DATA_INVALID, DISK_FULL;
   * ACCESS_DENIED for the root.
   */
  setReparsePoint({ main: inode }: Inode, data: Uint8Array): number {
    if (inode === this.root) return NtStatus.ACCESS_DENIED;
    if (inode.children !== null) return NtStatus.DIRECTORY_NOT_EMPTY;
    const reparse = parseReparsePoint(data);
    if (typeof reparse === 'number') return reparse;
    if (inode.reparse !== null) {
      const status = matchReparsePoint(inode.reparse, data);
      if (status < 0) return status;
    }
    const bytes = this.reparseBytes + reparse.data.length - (inode.reparse?.data.length ?? 0);
    if (bytes > MAX_TOTAL_REPARSE_BYTES - this.snapshotStore.reparseBytes) return NtStatus.DISK_FULL;
    this.check?.changing(inode);
    if (inode.reparse === null) {
      if (this.heapBytes + REPARSE_HEAP_BYTES > this.heapBytesLimit) return NtStatus.DISK_FULL;
      this.heapBytes += REPARSE_HEAP_BYTES;
    }
    this.reparseBytes = bytes;
    inode.reparse = reparse;
    inode.attributes |= Attribute.REPARSE_POINT;
    inode.changed(this.clock.now());
    return NtStatus.SUCCESS;
  }

  /** `data`: a head with the tag (and GUID) that is to be there. */
  deleteReparsePoint({ main: inode }: Inode, data: Uint8Array): number {
    if (inode.reparse === null) return NtStatus.NOT_A_REPARSE_POINT;
    const status = matchReparsePoint(inode.reparse, data);
    if (status < 0) return status;
    this.check?.changing(inode);
    this.reparseBytes -= inode.reparse.data.length;
    this.heapBytes -= REPARSE_HEAP_BYTES;
    inode.reparse = null;
    inode.attributes &= ~Attribute.REPARSE_POINT;
    inode.changed(this.clock.now());
    return NtStatus.SUCCESS;
  }
}
