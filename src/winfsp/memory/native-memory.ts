/**
 * Native memory for the binding: blocks that C may keep pointers to, seen through one long-lived view each (a view
 * costs 1–3 µs to make, so never one per request), and copies by raw address. Addresses are plain numbers: user
 * addresses fit in 2^53.
 *
 * What can go wrong: a block used after free() reads foreign memory. So the code that allocates frees, after the
 * library has let go, and `liveBlocks()` lets tests see that the count returns to where it was.
 */
import koffi from 'koffi';

const runtime = koffi.load(process.platform === 'win32' ? 'ucrtbase.dll' : null);

type Copy = (destinationAddress: number, sourceAddress: number, lengthBytes: number) => void;

/** memcpy. Declared as returning void because that is the cheapest form of a koffi call. */
export const copyMemory = runtime.func('memcpy', 'void', ['uintptr_t', 'uintptr_t', 'size_t']) as Copy;

/** memset. */
export const zeroMemory = runtime.func('memset', 'void', ['uintptr_t', 'int', 'size_t']) as (
  address: number,
  value: 0,
  lengthBytes: number,
) => void;

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

/** The UTF-16 string at an address, up to its NUL. Unpaired surrogates survive. Null for address 0. */
export function readUtf16(address: number): string | null {
  return address === 0 ? null : koffi.decode.string16(address);
}
