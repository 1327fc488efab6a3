/**
 * Control codes that the drive understands: two of Windows' for sparse files, by which our library for Linux punches
 * holes, zeroes ranges and looks for holes. WinFsp's driver does not pass them on.
 */
import { NtStatus } from '../../ntstatus.js';
import type { PagedFile } from './paged-file.js';

export const ControlCode = {
  /** In: offset and end, 64 bits each. Zeros there, within the file's length. */
  SET_ZERO_DATA: 0x000980c8,
  /** In: offset and length; out: offset and length of what has pages there, in order, as many as there is room for. */
  QUERY_ALLOCATED_RANGES: 0x000940cf,
} as const;

const RANGE_BYTES = 16;
const NOTHING = new Uint8Array(0);

/** What comes out, at most `maxOutputBytes`, or a failing NTSTATUS. `zero` is for a change of the file. */
export function controlFile(
  file: PagedFile | null,
  zero: (offset: number, length: number) => number,
  code: number,
  input: Uint8Array,
  maxOutputBytes: number,
): Uint8Array | number {
  const isKnown = code === ControlCode.SET_ZERO_DATA || code === ControlCode.QUERY_ALLOCATED_RANGES;
  if (!isKnown || file === null) return NtStatus.INVALID_DEVICE_REQUEST;
  if (input.length < RANGE_BYTES) return NtStatus.INVALID_PARAMETER;
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  const first = Number(view.getBigInt64(0, true));
  const second = Number(view.getBigInt64(8, true));
  if (first < 0 || second < 0) return NtStatus.INVALID_PARAMETER;
  if (code === ControlCode.QUERY_ALLOCATED_RANGES) {
    return rangesOf(file, first, first + second, Math.floor(maxOutputBytes / RANGE_BYTES));
  }
  if (second < first) return NtStatus.INVALID_PARAMETER;
  const status = zero(first, second - first);
  return status < 0 ? status : NOTHING;
}

function rangesOf(file: PagedFile, from: number, to: number, most: number): Uint8Array {
  const { table, lengthBytes } = file;
  const { pageSizeBytes } = file.pool;
  const end = Math.min(to, lengthBytes);
  const pages = Math.ceil(end / pageSizeBytes);
  const ranges: bigint[] = [];
  let index = Math.floor(from / pageSizeBytes);
  while (index < pages && ranges.length < 2 * most) {
    if (table.pageAt(index) < 0) {
      index += table.runLength(index, pages - index);
      continue;
    }
    const start = Math.max(from, index * pageSizeBytes);
    while (index < pages && table.pageAt(index) >= 0) index += table.runLength(index, pages - index);
    ranges.push(BigInt(start), BigInt(Math.min(end, index * pageSizeBytes) - start));
  }
  return new Uint8Array(new BigInt64Array(ranges).buffer);
}
