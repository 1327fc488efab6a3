/**
 * Case folding of names, UTF-16 unit by unit, as NTFS does it: two names are the same when their units, each
 * upper-cased by one table of 65,536 entries, are the same. A name never changes its length by folding, `ß` is no `SS`,
 * and surrogates stand for themselves, so a name need not even be well-formed text.
 *
 * On Windows the table is the system's own (src/os/windows-upper-case.ts); elsewhere it is the one that NTFS volumes
 * carry. The JavaScript engine's capitals would not do: Unicode makes one name of `µ` and `μ`, or of `ς` and `σ`, where
 * NTFS has two files.
 */
import { NTFS_UPPER_CASE_RUNS } from './ntfs-upper-case.js';

const UNITS = 0x10000;

/** Unit → itself, for volumes that tell case apart. */
const same = Uint16Array.from({ length: UNITS }, (_, unit) => unit);
/** Unit → its capital in NTFS's table. */
export const ntfsUpperCase = new Uint16Array(same);
for (let at = 0; at < NTFS_UPPER_CASE_RUNS.length; at += 4) {
  const [first, count, step, add] = NTFS_UPPER_CASE_RUNS.slice(at, at + 4) as [
    number,
    number,
    number,
    number,
  ];
  for (let i = 0; i < count; i++) ntfsUpperCase[first + i * step] = first + i * step + add;
}

/** The table by which a volume compares names; read-only. `upperCase` where it does not tell case apart. */
export function foldingTable(caseSensitive: boolean, upperCase: Uint16Array = ntfsUpperCase): Uint16Array {
  return caseSensitive ? same : upperCase;
}

const scratch = Buffer.alloc(2 * 1024);

/**
 * Part of a text as a string of its own, each unit replaced by the table's. Never a slice, which would keep the whole
 * path alive for as long as the name; and one byte a unit where that is enough.
 */
export function copyText(text: string, start: number, end: number, table: Uint16Array = same): string {
  const length = end - start;
  const bytes = length * 2 <= scratch.length ? scratch : Buffer.alloc(length * 2);
  let high = 0;
  for (let i = 0; i < length; i++) {
    const unit = table[text.charCodeAt(start + i)] as number;
    high |= unit >>> 8;
    bytes[i * 2] = unit;
    bytes[i * 2 + 1] = unit >>> 8;
  }
  if (high !== 0) return bytes.toString('utf16le', 0, length * 2);
  for (let i = 1; i < length; i++) bytes[i] = bytes[i * 2] as number;
  return bytes.toString('latin1', 0, length);
}

/** The whole text, folded. */
export function foldText(text: string, table: Uint16Array): string {
  return copyText(text, 0, text.length, table);
}
