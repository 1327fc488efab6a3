/**
 * TarReader: headers and content of an archive that comes piece by piece, with the SHA-256 of what lies before the
 * entry at hand. What it reads may come from anyone: every length is bounded, and what is wrong is an ImageError that
 * names the place. Headers are decoded by tar-stream.
 */
import { decode, type TarHeader } from 'tar-stream/headers.js';
import { Pieces } from '../checksum/pieces.js';
import type { ImageSource } from '../compression.js';
import { BLOCK_BYTES, Key } from '../format.js';
import { ImageError } from '../image-error.js';
import { Pax } from './pax.js';

/** A security descriptor and reparse data in base64, a path and a link, with room to spare. */
const MAX_PAX_BYTES = 2 ** 20;

export interface TarItem {
  /** Of its pax header in the archive. */
  offset: number;
  header: TarHeader;
  pax: Pax;
  /** Of its content in the archive. */
  sizeBytes: number;
}

export class TarReader {
  readonly #source: ImageSource;
  readonly #pieces: Pieces;
  #piece: Buffer = Buffer.alloc(0);
  /** In the piece, of the next byte. */
  #at = 0;
  /** In the archive, of the next byte. */
  #offset = 0;
  /** In the piece, of the next byte that the checksum does not have. */
  #hashed = 0;
  /** In the piece, where the headers of the entry at hand begin; -1 when that was in a piece before. */
  #headAt = -1;

  constructor(source: ImageSource, memory: Uint8Array) {
    this.#source = source;
    this.#pieces = new Pieces(memory, source.lengthBytes);
  }

  /** Nothing more is read. */
  async close(): Promise<void> {
    this.#pieces.close();
    await this.#source.close();
  }

  get offset(): number {
    return this.#offset;
  }

  /** The next entry; null at the end of the archive. Content of the one before must have been read to its end. */
  async next(): Promise<TarItem | null> {
    const { offset } = this;
    this.#headAt = this.#at;
    const first = await this.#header();
    if (first === null) return null;
    let header = first;
    let pax = new Pax();
    if (header.type === 'pax-header') {
      if (header.size > MAX_PAX_BYTES) {
        throw this.damage(offset, `has a pax header of ${header.size} bytes, at most ${MAX_PAX_BYTES}`);
      }
      pax =
        Pax.parse(await this.#take(header.size)) ?? fail(this.damage(offset, 'has a malformed pax header'));
      await this.#take(paddingOf(header.size));
      header = (await this.#header()) ?? fail(this.damage(offset, 'ends after a pax header'));
      if (header.type === 'pax-header') throw this.damage(offset, 'has two pax headers in a row');
    }
    const size = pax.text(Key.SIZE);
    const sizeBytes = size === undefined ? header.size : Number(size);
    if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0) {
      throw this.damage(offset, `has an entry of "${size ?? header.size}" bytes`);
    }
    return { offset, header, pax, sizeBytes };
  }

  /** Of all bytes before the entry at hand, of which nothing but its headers is read yet. */
  sha256Before(): string {
    const isBefore = this.#headAt < 0;
    if (!isBefore) this.#addToSha256(this.#headAt);
    return this.#pieces.sha256(isBefore);
  }

  /** The next bytes, all of them; valid until the next call. */
  read(length: number): Promise<Buffer> {
    return this.#take(length);
  }

  /**
   * Of the next bytes as many as are at hand, at least one and at most `limit`; valid until the next call. They lie in
   * the memory that was given.
   */
  async some(limit: number): Promise<Uint8Array> {
    if (this.#at === this.#piece.length) await this.#fillOrFail();
    return this.#next(limit);
  }

  /** What fills the last block of content of this length; zeros. */
  async skipPadding(length: number): Promise<void> {
    const padding = paddingOf(length);
    if (padding > 0) await this.#take(padding);
  }

  /** Whether nothing but zeros is left. */
  async isAtEnd(): Promise<boolean> {
    do {
      for (; this.#at < this.#piece.length; this.#at++) {
        if (this.#piece[this.#at] !== 0) return false;
      }
    } while (await this.#fill());
    return true;
  }

  damage(offset: number, what: string): ImageError {
    return new ImageError('DAMAGED', `the image ${what} (at byte ${offset.toLocaleString('en')})`);
  }

  async #header(): Promise<TarHeader | null> {
    const { offset } = this;
    const block = await this.#take(BLOCK_BYTES);
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

  /** Nearly always they lie in one piece, and need not be copied. */
  async #take(length: number): Promise<Buffer> {
    if (length <= this.#piece.length - this.#at) return this.#next(length);
    const bytes = Buffer.allocUnsafe(length);
    for (let done = 0; done < length; ) {
      const some = await this.some(length - done);
      bytes.set(some, done);
      done += some.length;
    }
    return bytes;
  }

  #next(limit: number): Buffer {
    const bytes = this.#piece.subarray(this.#at, this.#at + limit);
    this.#at += bytes.length;
    this.#offset += bytes.length;
    return bytes;
  }

  async #fillOrFail(): Promise<void> {
    if (!(await this.#fill())) throw this.damage(this.#offset, 'ends too early: it is incomplete');
  }

  /** False at the end. */
  async #fill(): Promise<boolean> {
    if (this.#headAt >= 0) {
      // What comes may be the manifest, whose headers are not in its checksum.
      this.#addToSha256(this.#headAt);
      this.#pieces.mark();
      this.#headAt = -1;
    }
    this.#addToSha256(this.#piece.length);
    const piece = this.#pieces.next();
    this.#piece = piece.subarray(0, await this.#source.read(piece));
    this.#at = 0;
    this.#hashed = 0;
    return this.#piece.length > 0;
  }

  #addToSha256(to: number): void {
    if (to > this.#hashed) this.#pieces.add(this.#hashed, to);
    this.#hashed = Math.max(this.#hashed, to);
  }
}

/** What fills the last block of content of this length. */
function paddingOf(length: number): number {
  return (BLOCK_BYTES - (length % BLOCK_BYTES)) % BLOCK_BYTES;
}

function fail(error: ImageError): never {
  throw error;
}
