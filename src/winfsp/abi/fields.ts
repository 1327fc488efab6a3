/** Fields that no single getter of a DataView serves: 64-bit integers without a BigInt, and names in UTF-16. */

/** A 64-bit unsigned field as a double: exact up to 2^53, close above, which is enough to refuse what is too large. */
export function getUint64(view: DataView, offset: number): number {
  return view.getUint32(offset, true) + view.getUint32(offset + 4, true) * 0x1_0000_0000;
}

/** Stores a non-negative integer < 2^64 (exact up to 2^53) without making a BigInt. */
export function setUint64(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, value >>> 0, true);
  view.setUint32(offset + 4, (value / 0x1_0000_0000) >>> 0, true);
}

/** What koffi makes of a UINT64 argument: a number when it is small, a BigInt when not, and *signed* from 2^63 up. */
export type Uint64Argument = number | bigint;

/** A UINT64 argument as a non-negative double. */
export function unsignedOf(value: Uint64Argument): number {
  const number = Number(value);
  return number < 0 ? number + 0x1_0000_0000_0000_0000 : number;
}

/**
 * Splits a UINT64 argument (a FILETIME, which no double holds) into two int32 halves at `out[index]`, `out[index + 1]`.
 */
export function splitUint64(value: Uint64Argument, out: Int32Array, index: number): void {
  if (typeof value === 'bigint') {
    out[index] = Number(BigInt.asIntN(32, value));
    out[index + 1] = Number(BigInt.asIntN(32, value >> 32n));
  } else {
    // Typed arrays store modulo 2^32; floor keeps the two's complement of negative values right.
    out[index] = value % 0x1_0000_0000;
    out[index + 1] = Math.floor(value / 0x1_0000_0000);
  }
}

/** Writes the code units of `text` (no NUL) at `unitOffset`. */
export function writeUtf16(units: Uint16Array, unitOffset: number, text: string): void {
  for (let i = 0; i < text.length; i++) {
    units[unitOffset + i] = text.charCodeAt(i);
  }
}
