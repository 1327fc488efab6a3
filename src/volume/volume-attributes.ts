/** Extended attributes of a volume's files (extended-attributes.ts), and the room that they take. */
import { NtStatus } from '../ntstatus.js';
import { changedAttributes, type ExtendedAttributes } from './extended-attributes.js';
import type { Inode } from './inode.js';
import { ATTRIBUTES_HEAP_BYTES } from './inode-heap.js';
import { VolumeSnapshots } from './volume-snapshots.js';

const NO_ATTRIBUTES = new Uint8Array(0);

export class VolumeAttributes extends VolumeSnapshots {
  /**
   * As of VolumeNames, with the extended attributes of a packed list, or none. Also as setExtendedAttributes: then
   * there is no file.
   */
  override create(
    path: string,
    attributes: number,
    directory: boolean,
    security: Uint8Array | null,
    allocationSize: number,
    named = true,
    extendedAttributes: Uint8Array | null = null,
  ): Inode | number {
    const inode = super.create(path, attributes, directory, security, allocationSize, named);
    if (typeof inode === 'number' || extendedAttributes === null) return inode;
    const status = this.setExtendedAttributes(inode, extendedAttributes);
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
}
