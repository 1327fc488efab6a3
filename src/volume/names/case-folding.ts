/**
 * Case folding of names, UTF-16 unit by unit, as NTFS does it: two names are the same when their units, each
 * upper-cased by one table of 65,536 entries, are the same. A name never changes its length by folding, `ß` is no `SS`,
 * and surrogates stand for themselves, so a name need not even be well-formed text.
 *
 * The table is Unicode's simple upper-case mapping, taken from the JavaScript engine, with the rule of Windows that no
 * unit outside ASCII folds into ASCII: `ı` (U+0131) is not `I`, `ſ` (U+017F) is not `S`. A volume of names lives no
 * longer than its process, so tables of different engines never meet.
 */

const UNITS = 0x10000;
const ASCII_UNITS = 0x80;
const isSurrogate = (unit: number) => unit >= 0xd800 && unit <= 0xdfff;

/** Unit → its upper-case unit. */
const upperCase = new Uint16Array(UNITS);
/** Unit → itself, for volumes that tell case apart. */
const same = new Uint16Array(UNITS);
for (let unit = 0; unit < UNITS; unit++) {
  same[unit] = unit;
  upperCase[unit] = upperCaseOf(unit);
}

function upperCaseOf(unit: number): number {
  if (isSurrogate(unit)) return unit;
  const text = String.fromCharCode(unit).toUpperCase();
  // More than one unit: the engine's full mapping (`ß` → `SS`). Of these, only the Greek letters with iota have a
  // simple one, too.
  const upper = text.length === 1 ? text.charCodeAt(0) : greekWithIota(unit);
  return upper < ASCII_UNITS && unit >= ASCII_UNITS ? unit : upper;
}

/**
 * U+1F80 and its like: eight small letters followed by their eight capitals; U+1FB3, 1FC3 and 1FF3 have theirs 9
 * further on.
 */
function greekWithIota(unit: number): number {
  if (unit >= 0x1f80 && unit <= 0x1faf && (unit & 8) === 0) return unit + 8;
  if (unit === 0x1fb3 || unit === 0x1fc3 || unit === 0x1ff3) return unit + 9;
  return unit;
}

/** The table by which a volume compares names; read-only. */
export function foldingTable(caseSensitive: boolean): Uint16Array {
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
