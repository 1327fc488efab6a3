/**
 * The three mistakes that cost the drive's predecessor days, put back one at a time into a file system that is right
 * otherwise, so that tests can show that each would be caught. Only tests use this; no shipped code can be switched to
 * it.
 */
import { encodeFileInfo } from '../../src/drive/file-info.js';
import { RamFileSystem } from '../../src/drive/ram-file-system.js';
import { NtStatus } from '../../src/ntstatus.js';
import type { RamVolume } from '../../src/volume/ram-volume.js';
import { getUint64, setUint64 } from '../../src/winfsp/abi/fields.js';
import { FileInfo, VolumeInfo } from '../../src/winfsp/abi/layouts.js';

export type HistoricFault =
  /** Flush answers success with an empty FILE_INFO: the kernel believes that the file is empty. */
  | 'empty-flush'
  /** SetFileSize says yes without looking at the room; a later write finds the drive full. */
  | 'no-capacity-check'
  /** What a reservation took is given back twice when a file is trimmed: free space grows out of nothing. */
  | 'reservation-leak';

export const HISTORIC_FAULTS: readonly HistoricFault[] = [
  'empty-flush',
  'no-capacity-check',
  'reservation-leak',
];

export function fileSystemWithFault(volume: RamVolume, fault: HistoricFault): RamFileSystem {
  switch (fault) {
    case 'empty-flush':
      return new EmptyFlush(volume);
    case 'no-capacity-check':
      return new NoCapacityCheck(volume);
    case 'reservation-leak':
      return new ReservationLeak(volume);
  }
}

class EmptyFlush extends RamFileSystem {
  override flush(context: number, view: DataView, fileInfoOffset: number): number {
    const status = super.flush(context, view, fileInfoOffset);
    new Uint8Array(view.buffer, view.byteOffset + fileInfoOffset, FileInfo.SIZE).fill(0);
    return status;
  }
}

class NoCapacityCheck extends RamFileSystem {
  /** Ends that were promised without room, by context. */
  readonly #promised = new Map<number, number>();
  readonly #volume: RamVolume;

  constructor(volume: RamVolume) {
    super(volume);
    this.#volume = volume;
  }

  override setFileSize(
    context: number,
    newSize: number,
    allocation: boolean,
    view: DataView,
    at: number,
  ): number {
    const status = super.setFileSize(context, newSize, allocation, view, at);
    const node = this.#volume.inodeOf(context);
    if (status !== NtStatus.DISK_FULL || allocation || node === undefined) {
      this.#promised.delete(context);
      return status;
    }
    this.#promised.set(context, newSize);
    encodeFileInfo(node, view, at);
    setUint64(view, at + FileInfo.FileSize, newSize);
    setUint64(
      view,
      at + FileInfo.AllocationSize,
      Math.ceil(newSize / this.#volume.pool.pageSizeBytes) * this.#volume.pool.pageSizeBytes,
    );
    return NtStatus.SUCCESS;
  }

  override write(
    context: number,
    address: number,
    offset: number,
    length: number,
    toEnd: boolean,
    constrained: boolean,
    view: DataView,
    at: number,
  ): number {
    const promised = this.#promised.get(context);
    if (promised === undefined || !constrained) {
      return super.write(context, address, offset, length, toEnd, constrained, view, at);
    }
    // The file is "as long as promised", so this is a write inside of it, which takes its pages now.
    return super.write(context, address, offset, Math.min(length, promised - offset), false, false, view, at);
  }
}

class ReservationLeak extends RamFileSystem {
  readonly #volume: RamVolume;
  #leakedBytes = 0;

  constructor(volume: RamVolume) {
    super(volume);
    this.#volume = volume;
  }

  override cleanup(context: number, fileName: string | null, flags: number): void {
    const before = this.#volume.freeBytes;
    super.cleanup(context, fileName, flags);
    this.#leakedBytes += this.#volume.freeBytes - before;
  }

  override getVolumeInfo(view: DataView, offset: number): number {
    const status = super.getVolumeInfo(view, offset);
    const free = getUint64(view, offset + VolumeInfo.FreeSize) + this.#leakedBytes;
    setUint64(view, offset + VolumeInfo.FreeSize, Math.min(free, this.#volume.totalBytes));
    return status;
  }
}
