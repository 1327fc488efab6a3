/**
 * The bytes that everything writes: pieces of one long sequence without repetition. A piece is named by where it
 * begins, so a file's expected content is a list of names instead of a copy, comparing is one memcmp a piece, and a
 * byte that comes from another place, another time or another file is different with all but certainty (a whole page
 * can't match by accident).
 */
import { Random } from './random.js';

/** The longest piece, and so the longest single write. */
export const MAX_PIECE_BYTES = 1024 * 1024;
/** Where pieces begin: so many that two writes at one place hardly ever have the same. */
export const PIECE_COUNT = 8 * 1024 * 1024;

const noise = makeNoise();
const ZEROS = Buffer.alloc(MAX_PIECE_BYTES);

function makeNoise(): Buffer {
  const words = new Uint32Array((PIECE_COUNT + MAX_PIECE_BYTES) / 4);
  const random = new Random(0x52414d44);
  for (let i = 0; i < words.length; i++) {
    words[i] = random.next();
  }
  return Buffer.from(words.buffer);
}

/** Don't write into it. */
export function pieceAt(source: number, lengthBytes: number): Buffer {
  return noise.subarray(source, source + lengthBytes);
}

export function zeros(lengthBytes: number): Buffer {
  return ZEROS.subarray(0, lengthBytes);
}

/** Index of the first byte that differs, or -1. */
export function firstDifference(a: Uint8Array, b: Uint8Array): number {
  if (Buffer.compare(a, b) === 0) {
    return -1;
  }
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    if (a[i] !== b[i]) {
      return i;
    }
  }
  return length;
}
