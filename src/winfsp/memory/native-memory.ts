/**
 * Native memory for the binding: blocks that C may keep pointers to, seen through one long-lived view each (a view
 * costs 1–3 µs to make, so never one per request), and copies by raw address. Addresses are plain numbers: user
 * addresses fit in 2^53.
 *
 * What can go wrong: a block used after free() reads foreign memory. So whoever allocates frees, after the library has
 * let go, and `liveBlocks()` lets tests see that the count returns to where it was.
 */
import koffi from 'koffi';

const runtime = koffi.load(process.platform === 'win32' ? 'ucrtbase.dll' : null);

type Copy = (destinationAddress: number, sourceAddress: number, lengthBytes: number) => void;

/** memcpy. Declared as returning void because that is the cheapest form of a koffi call. */
export const copyMemory = runtime.func('memcpy', 'void', ['uintptr_t', 'uintptr_t', 'size_t']) as Copy;

let live = 0;

/** Blocks allocated and not yet freed in this thread. */
export function liveBlocks(): number {
  return live;
}

export class NativeBlock {
  readonly address: number;
  readonly view: DataView;
  readonly bytes: Uint8Array;
  readonly units: Uint16Array;
  readonly #words: Float64Array;
  readonly #pointer: unknown;
  #freed = false;

  /** Zeroed and 16-byte aligned. */
  constructor(readonly lengthBytes: number) {
    if (!Number.isSafeInteger(lengthBytes) || lengthBytes <= 0 || lengthBytes % 8 !== 0) {
      throw new RangeError(`A native block must be a positive multiple of 8 bytes long, not ${lengthBytes}.`);
    }
    this.#pointer = koffi.alloc('uint8_t', lengthBytes);
    this.address = Number(this.#pointer);
    const memory = koffi.view(this.#pointer, lengthBytes);
    this.view = new DataView(memory);
    this.bytes = new Uint8Array(memory);
    this.units = new Uint16Array(memory);
    this.#words = new Float64Array(memory);
    this.clear(0, lengthBytes);
    live += 1;
  }

  /**
   * Zeroes whole words of 8 bytes. A loop, because fill() is a call out of compiled code, which for a few words costs
   * more.
   */
  clear(fromBytes: number, toBytes: number): void {
    const words = this.#words;
    for (let word = fromBytes >>> 3; word < toBytes >>> 3; word++) {
      words[word] = 0;
    }
  }

  free(): void {
    if (!this.#freed) {
      this.#freed = true;
      live -= 1;
      koffi.free(this.#pointer);
    }
  }
}

const PAGE_BYTES = 4096;

/**
 * Uninitialised memory that begins at a page, for large transfers: some processors copy several times as fast to an
 * aligned address (docs/performance.md), and a large buffer of Node.js begins 16 bytes behind one. The garbage
 * collector frees it as any other.
 */
export function pageAligned(lengthBytes: number): Uint8Array {
  const bytes = Buffer.allocUnsafeSlow(lengthBytes + PAGE_BYTES - 1);
  const offset = -Number(koffi.address(bytes)) & (PAGE_BYTES - 1);
  return bytes.subarray(offset, offset + lengthBytes);
}

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

/** The UTF-16 string at an address, up to its NUL. Unpaired surrogates survive. Null for address 0. */
export function readUtf16(address: number): string | null {
  return address === 0 ? null : koffi.decode.string16(address);
}

/** A NUL-terminated UTF-16 copy of `text` in a block of its own. */
export function utf16Block(text: string): NativeBlock {
  const block = new NativeBlock((text.length * 2 + 2 + 7) & ~7);
  writeUtf16(block.units, 0, text);
  return block;
}

/** Writes the code units of `text` (no NUL) at `unitOffset`. */
export function writeUtf16(units: Uint16Array, unitOffset: number, text: string): void {
  for (let i = 0; i < text.length; i++) {
    units[unitOffset + i] = text.charCodeAt(i);
  }
}
