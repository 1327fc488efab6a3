/**
 * Extended attributes as programs of Windows hand them over: a packed list of FILE_FULL_EA_INFORMATION (Windows SDK:
 * offset of the next entry u32@0, 0 at the last; flags u8@4; length of the name u8@5, of the value u16@6; name @8, NUL,
 * value; entries 4-aligned). Binding and volume share it.
 */
import { MAX_EA_LIST_BYTES } from './limits.js';
import { NtStatus } from './ntstatus.js';

const HEAD_BYTES = 8;
const ALIGNMENT = 4;
/** What EaSize counts for each beside name and value: flags, the two lengths, and the NUL. */
const COUNTED_HEAD_BYTES = 5;

/** One extended attribute of a file. */
export interface ExtendedAttribute {
  /** Its bytes as Latin-1, 1 to 255 of them without NUL. In capitals unless CasePreservedExtendedAttributes is on. */
  readonly name: string;
  /** 0x80 (FILE_NEED_EA): who does not understand it should not use the file. */
  readonly flags: number;
  /** At most 65,535 bytes. In a change an empty one removes the attribute. */
  readonly value: Uint8Array;
}

/** What a FileInfo's `eaSize` is for these. */
export function eaSizeOf(all: Iterable<ExtendedAttribute>): number {
  let bytes = 0;
  for (const { name, value } of all) bytes += COUNTED_HEAD_BYTES + name.length + value.length;
  return bytes;
}

/** Values are views of the list. EA_LIST_INCONSISTENT, INVALID_EA_NAME. */
export function parseEaList(list: Uint8Array): ExtendedAttribute[] | number {
  const view = new DataView(list.buffer, list.byteOffset, list.length);
  const all: ExtendedAttribute[] = [];
  for (let at = 0, next = list.length === 0 ? 0 : -1; next !== 0; at += next) {
    if (at + HEAD_BYTES > list.length) return NtStatus.EA_LIST_INCONSISTENT;
    next = view.getUint32(at, true);
    const nameEnd = at + HEAD_BYTES + view.getUint8(at + 5);
    const end = nameEnd + 1 + view.getUint16(at + 6, true);
    const entryEnd = next === 0 ? list.length : at + next;
    if (end > entryEnd || entryEnd > list.length || next % ALIGNMENT !== 0 || list[nameEnd] !== 0) {
      return NtStatus.EA_LIST_INCONSISTENT;
    }
    const name = Buffer.from(list.subarray(at + HEAD_BYTES, nameEnd)).toString('latin1');
    if (name === '' || name.includes('\0')) return NtStatus.INVALID_EA_NAME;
    all.push({ name, flags: view.getUint8(at + 4), value: list.subarray(nameEnd + 1, end) });
  }
  return all;
}

/** EA_TOO_LARGE. */
export function packEaList(all: readonly ExtendedAttribute[]): Uint8Array | number {
  const bytes = all.reduce(
    (sum, { name, value }) => aligned(sum) + HEAD_BYTES + name.length + 1 + value.length,
    0,
  );
  if (bytes > MAX_EA_LIST_BYTES) return NtStatus.EA_TOO_LARGE;
  const list = new Uint8Array(bytes);
  const view = new DataView(list.buffer);
  let at = 0;
  for (const [index, { name, flags, value }] of all.entries()) {
    const end = at + HEAD_BYTES + name.length + 1 + value.length;
    view.setUint32(at, index === all.length - 1 ? 0 : aligned(end) - at, true);
    view.setUint8(at + 4, flags);
    view.setUint8(at + 5, name.length);
    view.setUint16(at + 6, value.length, true);
    list.set(Buffer.from(name, 'latin1'), at + HEAD_BYTES);
    list.set(value, at + HEAD_BYTES + name.length + 1);
    at = aligned(end);
  }
  return list;
}

function aligned(bytes: number): number {
  return (bytes + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
}
