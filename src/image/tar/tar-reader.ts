/**
 * TarReader: headers and content of an archive that comes piece by piece, with the SHA-256 of what lies before the
 * entry at hand. What it reads may come from anyone: every length is bounded, and what is wrong is an ImageError that
 * names the place. Headers are decoded by tar-stream.
 */
import { createHash, type Hash } from 'node:crypto';
import { decode, type TarHeader } from 'tar-stream/headers.js';
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
  readonly #pieces: AsyncIterator<Uint8Array, undefined>;
  #piece: Uint8Array = new Uint8Array(0);
  /** In the piece, of the next byte. */
  #at = 0;
  /** In the archive, of the next byte. */
  #offset = 0;
  readonly #hash: Hash = createHash('sha256');
  /** Headers of the entry at hand, which are not in the hash yet: most entries need none of what is before them. */
  #head: Uint8Array[] = [];

  /** Each piece is valid until the next is asked for. */
  constructor(pieces: AsyncIterator<Uint8Array, undefined>) {
    this.#pieces = pieces;
  }

  get offset(): number {
    return this.#offset;
  }

  /** The next entry; null at the end of the archive. Content of the one before must have been read to its end. */
  async next(): Promise<TarItem | null> {
    const { offset } = this;
    this.#hashHead();
    const first = await this.#header();
    if (first === null) return null;
    let header = first;
    let pax = new Pax();
    if (header.type === 'pax-header') {
      if (header.size > MAX_PAX_BYTES) {
        throw this.damage(offset, `has a pax header of ${header.size} bytes, at most ${MAX_PAX_BYTES}`);
      }
      pax =
        Pax.parse(await this.#readHead(header.size)) ??
        fail(this.damage(offset, 'has a malformed pax header'));
      await this.#readHead(paddingOf(header.size));
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
    return this.#hash.copy().digest('hex');
  }

  /** The next bytes, all of them, in a buffer of their own. */
  async read(length: number): Promise<Buffer> {
    this.#hashHead();
    const bytes = await this.#take(length);
    this.#hash.update(bytes);
    return bytes;
  }

  /** Of the next bytes as many as are at hand, at least one and at most `limit`; valid until the next call. */
  async some(limit: number): Promise<Uint8Array> {
    this.#hashHead();
    const bytes = await this.#next(limit);
    this.#hash.update(bytes);
    return bytes;
  }

  /** What fills the last block of content of this length; zeros. */
  async skipPadding(length: number): Promise<void> {
    const padding = paddingOf(length);
    if (padding > 0) await this.read(padding);
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
    const block = await this.#readHead(BLOCK_BYTES);
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

  async #readHead(length: number): Promise<Buffer> {
    const bytes = await this.#take(length);
    this.#head.push(bytes);
    return bytes;
  }

  #hashHead(): void {
    for (const bytes of this.#head) this.#hash.update(bytes);
    this.#head = [];
  }

  async #take(length: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(length);
    for (let done = 0; done < length; ) {
      const some = await this.#next(length - done);
      bytes.set(some, done);
      done += some.length;
    }
    return bytes;
  }

  async #next(limit: number): Promise<Uint8Array> {
    if (this.#at === this.#piece.length && !(await this.#fill())) {
      throw this.damage(this.#offset, 'ends too early: it is incomplete');
    }
    const bytes = this.#piece.subarray(this.#at, this.#at + limit);
    this.#at += bytes.length;
    this.#offset += bytes.length;
    return bytes;
  }

  /** False at the end. */
  async #fill(): Promise<boolean> {
    do {
      const { value } = await this.#pieces.next();
      this.#at = 0;
      this.#piece = value ?? new Uint8Array(0);
      if (value === undefined) return false;
    } while (this.#piece.length === 0);
    return true;
  }
}

/** What fills the last block of content of this length. */
function paddingOf(length: number): number {
  return (BLOCK_BYTES - (length % BLOCK_BYTES)) % BLOCK_BYTES;
}

function fail(error: ImageError): never {
  throw error;
}
