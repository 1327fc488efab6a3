/** copy_file_range, as our library for Linux asks for it (CONTROL_COPY_RANGE). */
import { NtStatus } from '../ntstatus.js';
import type { Inode } from '../volume/inode.js';
import type { RamVolume } from '../volume/ram-volume.js';

const INPUT_BYTES = 32;

/** Bytes copied, 64 bits; INVALID_PARAMETER, INVALID_HANDLE for a source that is not open, or as RamVolume.copy. */
export function copyRange(volume: RamVolume, target: Inode, input: Uint8Array): Uint8Array | number {
  if (input.length !== INPUT_BYTES) return NtStatus.INVALID_PARAMETER;
  const view = new DataView(input.buffer, input.byteOffset, INPUT_BYTES);
  const number = (index: number) => Number(view.getBigUint64(index * 8, true));
  const source = volume.inodeOf(number(0));
  if (source === undefined) return NtStatus.INVALID_HANDLE;
  const copied = volume.copy(source, number(1), target, number(2), number(3));
  return copied < 0 ? copied : new Uint8Array(BigUint64Array.of(BigInt(copied)).buffer);
}
