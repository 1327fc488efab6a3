/**
 * TarReader: headers and content from a file that is open for reading, with the SHA-256 of what lies before the entry
 * at hand. What it reads may come from anyone: every length is bounded, and what is wrong is an ImageError that names
 * the place. Headers are decoded by tar-stream.
 */
import { createHash, type Hash } from 'node:crypto';
import { readSync } from 'node:fs';
import { decode, type TarHeader } from 'tar-stream/headers.js';
import { BLOCK_BYTES, Key } from '../format.js';
import { ImageError } from '../image-error.js';
import { Pax } from './pax.js';

const PIECE_BYTES = 2 ** 20;
/** A security descriptor and reparse data in base64, a path and a link, with room to spare. */
const MAX_PAX_BYTES = 2 ** 20;

export interface TarItem {
  /** Of its pax header in the file. */
  offset: number;
  header: TarHeader;
  pax: Pax;
  /** Of its content in the file. */
  sizeBytes: number;
  /** Of all bytes before it. */
  sha256Before: () => string;
}

export class TarReader {
  readonly #descriptor: number;
  readonly #piece = Buffer.allocUnsafe(PIECE_BYTES);
  #at = 0;
  #filled = 0;
  /** In the file, of the next byte. */
  #offset = 0;
  readonly #hash: Hash = createHash('sha256');

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  get offset(): number {
    return this.#offset;
  }

  /** The next entry; null at the end of the archive. Content of the one before must have been read to its end. */
  next(): TarItem | null {
    const { offset } = this;
    const before = this.#hash.copy();
    const first = this.#header();
    if (first === null) return null;
    let header = first;
    let pax = new Pax();
    if (header.type === 'pax-header') {
      if (header.size > MAX_PAX_BYTES) {
        throw this.damage(offset, `has a pax header of ${header.size} bytes, at most ${MAX_PAX_BYTES}`);
      }
      pax = Pax.parse(this.read(header.size)) ?? fail(this.damage(offset, 'has a malformed pax header'));
      this.skipPadding(header.size);
      header = this.#header() ?? fail(this.damage(offset, 'ends after a pax header'));
      if (header.type === 'pax-header') throw this.damage(offset, 'has two pax headers in a row');
    }
    const size = pax.text(Key.SIZE);
    const sizeBytes = size === undefined ? header.size : Number(size);
    if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0) {
      throw this.damage(offset, `has an entry of "${size ?? header.size}" bytes`);
    }
    return { offset, header, pax, sizeBytes, sha256Before: () => before.digest('hex') };
  }

  /** The next bytes, all of them, in a buffer of their own. */
  read(length: number): Buffer {
    const bytes = Buffer.alloc(length);
    this.readInto(bytes, length);
    return bytes;
  }

  readInto(bytes: Uint8Array, length: number): void {
    for (let done = 0; done < length; ) {
      if (this.#at === this.#filled) this.#fill();
      const count = Math.min(length - done, this.#filled - this.#at);
      bytes.set(this.#piece.subarray(this.#at, this.#at + count), done);
      this.#hash.update(this.#piece.subarray(this.#at, this.#at + count));
      this.#at += count;
      this.#offset += count;
      done += count;
    }
  }

  /** What fills the last block of content of this length; zeros. */
  skipPadding(length: number): void {
    const padding = (BLOCK_BYTES - (length % BLOCK_BYTES)) % BLOCK_BYTES;
    if (padding > 0) this.read(padding);
  }

  /** Whether nothing but zeros is left. */
  isAtEnd(): boolean {
    for (;;) {
      for (; this.#at < this.#filled; this.#at++) {
        if (this.#piece[this.#at] !== 0) return false;
      }
      this.#filled = readSync(this.#descriptor, this.#piece, 0, PIECE_BYTES, null);
      this.#at = 0;
      if (this.#filled === 0) return true;
    }
  }

  damage(offset: number, what: string): ImageError {
    return new ImageError('DAMAGED', `the image ${what} (at byte ${offset.toLocaleString('en')})`);
  }

  #header(): TarHeader | null {
    const { offset } = this;
    const block = this.read(BLOCK_BYTES);
    let header: TarHeader | null;
    try {
      header = decode(block, 'utf-8');
    } catch {
      throw this.damage(offset, 'has something else where a header should be');
    }
    if (header === null) return null;
    if (!Number.isSafeInteger(header.size) || header.size < 0) {
      throw this.damage(offset, 'has an entry of an impossible size');
    }
    return header;
  }

  #fill(): void {
    this.#filled = readSync(this.#descriptor, this.#piece, 0, PIECE_BYTES, null);
    this.#at = 0;
    if (this.#filled === 0) throw this.damage(this.#offset, 'ends too early: it is incomplete');
  }
}

function fail(error: ImageError): never {
  throw error;
}
