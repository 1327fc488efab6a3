/**
 * Extended attributes of one file, as programs see them: a packed list of FILE_FULL_EA_INFORMATION (Windows SDK: offset
 * of the next entry u32@0, 0 at the last; flags u8@4; length of the name u8@5, of the value u16@6; name @8, NUL, value;
 * entries 4-aligned), ordered by name. Names are bytes. A list never changes: a change makes another one, so that
 * snapshots share it.
 */
import { MAX_EA_LIST_BYTES } from '../limits.js';
import { NtStatus } from '../ntstatus.js';

const HEAD_BYTES = 8;
const ALIGNMENT = 4;
/** A Linux mount's: the value is one byte that stands for none, because a value of no size removes. */
export const EMPTY_VALUE_FLAG = 0x01;
/** What EaSize counts for each beside name and value: flags, the two lengths, and the NUL. */
const COUNTED_HEAD_BYTES = 5;

export interface ExtendedAttributes {
  readonly list: Uint8Array;
  /** FILE_INFO's EaSize. */
  readonly sizeBytes: number;
}

export interface ExtendedAttribute {
  /** Its bytes as Latin-1. */
  readonly name: string;
  readonly flags: number;
  readonly value: Uint8Array;
}

/**
 * `there` with the changes of a list: an entry is added or takes the place of the one of its name, an empty value
 * removes it. Null when none are left. EA_LIST_INCONSISTENT, INVALID_EA_NAME, EA_TOO_LARGE.
 */
export function changedAttributes(
  there: ExtendedAttributes | null,
  changes: Uint8Array,
  caseSensitive: boolean,
): ExtendedAttributes | null | number {
  const given = parseAttributes(changes);
  if (typeof given === 'number') return given;
  const keyOf = (name: string) => (caseSensitive ? name : lowerCase(name));
  const byKey = new Map<string, ExtendedAttribute>();
  for (const one of there === null ? [] : attributesOf(there)) byKey.set(keyOf(one.name), one);
  for (const one of given) {
    if (one.value.length === 0) byKey.delete(keyOf(one.name));
    else byKey.set(keyOf(one.name), one);
  }
  if (byKey.size === 0) return null;
  const keys = [...byKey.keys()].sort();
  return pack(keys.map((key) => byKey.get(key) as ExtendedAttribute));
}

/** In the order of the list. */
export function attributesOf({ list }: ExtendedAttributes): ExtendedAttribute[] {
  return parseAttributes(list) as ExtendedAttribute[];
}

/** Values are views of the list. EA_LIST_INCONSISTENT, INVALID_EA_NAME. */
export function parseAttributes(list: Uint8Array): ExtendedAttribute[] | number {
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

function pack(all: readonly ExtendedAttribute[]): ExtendedAttributes | number {
  let bytes = 0;
  let sizeBytes = 0;
  for (const { name, value } of all) {
    bytes = aligned(bytes) + HEAD_BYTES + name.length + 1 + value.length;
    sizeBytes += COUNTED_HEAD_BYTES + name.length + value.length;
  }
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
  return { list, sizeBytes };
}

function aligned(bytes: number): number {
  return (bytes + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
}

/** Of ASCII alone: what lies beyond depends on a code page. */
function lowerCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}
