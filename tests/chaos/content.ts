/**
 * What a file must hold: its length, and which piece of the noise lies where; everything else is zero. Each change
 * makes a new generation, whose SHA-256 (of the whole file, and of each 4 KiB block) is computed when someone asks for
 * it.
 */
import { createHash } from 'node:crypto';
import { firstDifference, MAX_PIECE_BYTES, pieceAt, zeros } from './noise.js';

export const BLOCK_BYTES = 4096;

/** Bytes `start` to `end` of the file are the noise from `source` on. */
export interface Extent {
  start: number;
  end: number;
  source: number;
}

export class Content {
  lengthBytes = 0;
  generation = 0;
  /** In order, never overlapping, never beyond the length. */
  extents: Extent[] = [];
  #hash: { generation: number; value: string } | null = null;

  write(offset: number, lengthBytes: number, source: number): void {
    if (lengthBytes === 0) {
      return;
    }
    this.#replace(offset, offset + lengthBytes, { start: offset, end: offset + lengthBytes, source });
    this.lengthBytes = Math.max(this.lengthBytes, offset + lengthBytes);
    this.generation++;
  }

  /** Makes a hole; no byte beyond the end comes into being. */
  zero(offset: number, lengthBytes: number): void {
    this.#replace(offset, Math.min(offset + lengthBytes, this.lengthBytes), null);
    this.generation++;
  }

  setLength(bytes: number): void {
    if (bytes < this.lengthBytes) {
      this.#replace(bytes, this.lengthBytes, null);
    }
    this.lengthBytes = bytes;
    this.generation++;
  }

  copyFrom(from: Content, fromOffset: number, offset: number, lengthBytes: number): void {
    const shift = offset - fromOffset;
    const pieces = from.#within(fromOffset, fromOffset + lengthBytes);
    this.#replace(offset, offset + lengthBytes, null);
    this.lengthBytes = Math.max(this.lengthBytes, offset + lengthBytes);
    for (const { start, end, source } of pieces) {
      this.#replace(start + shift, end + shift, { start: start + shift, end: end + shift, source });
    }
    this.generation++;
  }

  clone(): Content {
    const copy = new Content();
    copy.lengthBytes = this.lengthBytes;
    copy.generation = this.generation;
    copy.extents = this.extents.map((extent) => ({ ...extent }));
    return copy;
  }

  /**
   * Position of the first byte of `bytes`, read from `offset` on, that is wrong, or -1. Beyond the length all is wrong.
   */
  differenceAt(offset: number, bytes: Buffer): number {
    const end = offset + bytes.length;
    let at = offset;
    for (const { start, end: extentEnd, source } of this.#within(offset, Math.min(end, this.lengthBytes))) {
      const wrong = differenceFromZeros(bytes, at - offset, start - offset);
      if (wrong >= 0) {
        return offset + wrong;
      }
      const expected = pieceAt(source, extentEnd - start);
      const difference = firstDifference(bytes.subarray(start - offset, extentEnd - offset), expected);
      if (difference >= 0) {
        return start + difference;
      }
      at = extentEnd;
    }
    const inside = Math.min(end, Math.max(this.lengthBytes, offset));
    const wrong = differenceFromZeros(bytes, at - offset, inside - offset);
    if (wrong >= 0) {
      return offset + wrong;
    }
    return end > inside ? inside : -1;
  }

  /** Zeros beyond the length. */
  expected(offset: number, lengthBytes: number): Buffer {
    const bytes = Buffer.alloc(lengthBytes);
    for (const { start, end, source } of this.#within(offset, offset + lengthBytes)) {
      pieceAt(source, end - start).copy(bytes, start - offset);
    }
    return bytes;
  }

  /** Hexadecimal SHA-256 of the whole file in this generation. */
  sha256(): string {
    if (this.#hash?.generation !== this.generation) {
      const hash = createHash('sha256');
      for (let at = 0; at < this.lengthBytes; at += MAX_PIECE_BYTES) {
        hash.update(this.expected(at, Math.min(MAX_PIECE_BYTES, this.lengthBytes - at)));
      }
      this.#hash = { generation: this.generation, value: hash.digest('hex') };
    }
    return this.#hash.value;
  }

  blockSha256(): string[] {
    const hashes: string[] = [];
    for (let at = 0; at < this.lengthBytes; at += BLOCK_BYTES) {
      const block = this.expected(at, Math.min(BLOCK_BYTES, this.lengthBytes - at));
      hashes.push(createHash('sha256').update(block).digest('hex'));
    }
    return hashes;
  }

  /** Parts of the extents that lie in a range. */
  #within(start: number, end: number): Extent[] {
    const parts: Extent[] = [];
    const extents = this.extents;
    for (let i = this.#firstEndingAfter(start); i < extents.length; i++) {
      const extent = extents[i]!;
      if (extent.start >= end) {
        break;
      }
      const from = Math.max(start, extent.start);
      parts.push({
        start: from,
        end: Math.min(end, extent.end),
        source: extent.source + from - extent.start,
      });
    }
    return parts;
  }

  #replace(start: number, end: number, by: Extent | null): void {
    if (end <= start) {
      return;
    }
    const first = this.#firstEndingAfter(start);
    let after = first;
    const pieces: Extent[] = [];
    for (; after < this.extents.length && this.extents[after]!.start < end; after++) {
      const extent = this.extents[after]!;
      if (extent.start < start) {
        pieces.push({ ...extent, end: start });
      }
      if (extent.end > end) {
        pieces.push({ start: end, end: extent.end, source: extent.source + end - extent.start });
      }
    }
    if (by !== null) {
      pieces.splice(pieces[0] !== undefined && pieces[0].start < start ? 1 : 0, 0, by);
    }
    this.extents.splice(first, after - first, ...pieces);
  }

  #firstEndingAfter(position: number): number {
    let low = 0;
    let high = this.extents.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.extents[middle]!.end > position) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return low;
  }
}

/** Index of the first byte in [from, to) of `bytes` that is not zero, or -1. */
function differenceFromZeros(bytes: Buffer, from: number, to: number): number {
  for (let at = from; at < to; at += MAX_PIECE_BYTES) {
    const part = bytes.subarray(at, Math.min(at + MAX_PIECE_BYTES, to));
    const difference = firstDifference(part, zeros(part.length));
    if (difference >= 0) {
      return at + difference;
    }
  }
  return -1;
}
