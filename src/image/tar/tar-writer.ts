/**
 * TarWriter: entries with pax headers into a file that is open for writing, piece by piece, with the SHA-256 of all
 * bytes so far before they are compressed. The bytes of headers are tar-stream's. Synchronous, so that it can run
 * between two requests of a drive.
 */
import { writeSync } from 'node:fs';
import { encode, type TarHeader } from 'tar-stream/headers.js';
import { Pieces, type Scratch } from '../checksum/pieces.js';
import { type Compression, compress } from '../compression.js';
import { BLOCK_BYTES, Key } from '../format.js';
import type { SpecialFile } from '../special-file.js';
import { encodePax, type PaxRecords } from './pax.js';

/** What the field of a header holds. */
const MAX_ID = 0o777777;
const ZEROS = new Uint8Array(2 * BLOCK_BYTES);
const MAX_PAX_HEADERS = 1024;
const MAX_TIME_SECONDS = 2 ** 31 - 1;

export interface TarEntry {
  /** `/` between names, which have bytes (posix-name.ts); a directory's ends with one. */
  path: string;
  type: 'file' | 'directory' | 'symlink' | 'link' | SpecialFile['type'];
  /** The target, which has bytes too; of a hard link the path of an entry before. */
  link: string | null;
  /** Of a device. */
  major?: number;
  minor?: number;
  sizeBytes: number;
  mode: number;
  uid: number;
  gid: number;
  writeTimeSeconds: number;
  pax: PaxRecords;
}

export class TarWriter {
  readonly #descriptor: number;
  readonly #compression: Compression;
  readonly #scratch: Scratch;
  readonly #pieces: Pieces;
  #piece: Buffer;
  #filled = 0;
  /** Of the piece, what the checksum has. */
  #hashed = 0;
  #bytes = 0;
  #contentBytes = 0;
  #entryBytes = 0;
  /** Most files have records of one of few lengths. */
  readonly #paxHeaders = new Map<number, Buffer>();

  /** `expectedBytes`: about how much is written. */
  constructor(descriptor: number, scratch: Scratch, compression: Compression = 'none', expectedBytes = 0) {
    this.#descriptor = descriptor;
    this.#scratch = scratch;
    this.#compression = compression;
    this.#pieces = new Pieces(scratch.bytes, expectedBytes);
    this.#piece = this.#pieces.next();
  }

  /** What fill() has written so far. */
  get contentBytes(): number {
    return this.#contentBytes;
  }

  /** Begins an entry; its `sizeBytes` of content come next, then end(). */
  entry(entry: TarEntry): void {
    const { path, link, type, mode } = entry;
    // Before all others: for Python the last record about a name wins, and that is to be the one of a file with holes.
    const names: Record<string, string> = {};
    const ids: Record<string, string> = {};
    const header: TarHeader = {
      name: path,
      linkname: link,
      mode,
      // Larger ones would be cut; the records say them.
      uid: Math.min(entry.uid, MAX_ID),
      gid: Math.min(entry.gid, MAX_ID),
      size: entry.sizeBytes,
      mtime: new Date(Math.min(Math.max(entry.writeTimeSeconds, 0), MAX_TIME_SECONDS) * 1000),
      type,
      devmajor: entry.major ?? 0,
      devminor: entry.minor ?? 0,
    };
    if (entry.uid > MAX_ID) ids.uid = String(entry.uid);
    if (entry.gid > MAX_ID) ids.gid = String(entry.gid);
    let head = isPlain(path) && isPlain(link ?? '') ? encode(header) : null;
    if (head === null) {
      if (!isUtf8(path) || !isUtf8(link ?? '')) names[Key.CHARSET] = 'BINARY';
      names[Key.PATH] = path;
      if (link !== null) names[Key.LINK] = link;
      header.name = type === 'directory' ? 'PaxPath/' : 'PaxPath';
      if (link !== null) header.linkname = 'PaxPath';
      head = encode(header);
    }
    const records = encodePax(names, ids, entry.pax);
    this.write(this.#paxHeader(records.length));
    this.write(records);
    this.#pad(records.length);
    this.write(head as Buffer);
    this.#entryBytes = this.#bytes;
  }

  /** Of records of this length. */
  #paxHeader(size: number): Buffer {
    const known = this.#paxHeaders.get(size);
    if (known !== undefined) return known;
    const fields = { mode: 0o644, uid: 0, gid: 0, mtime: new Date(0), name: 'PaxHeader', linkname: null };
    const header = encode({ ...fields, type: 'pax-header', size }) as Buffer;
    if (this.#paxHeaders.size < MAX_PAX_HEADERS) this.#paxHeaders.set(size, header);
    return header;
  }

  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const count = Math.min(bytes.length - at, this.#piece.length - this.#filled);
      this.#piece.set(count === bytes.length ? bytes : bytes.subarray(at, at + count), this.#filled);
      this.#advance(count);
      at += count;
    }
  }

  /** As write, but `put` has the bytes from `done` on put to an address. */
  fill(length: number, put: (done: number, count: number, address: number) => void): void {
    for (let done = 0; done < length; ) {
      const count = Math.min(length - done, this.#piece.length - this.#filled);
      put(done, count, this.#scratch.address + this.#pieces.offset + this.#filled);
      this.#advance(count);
      done += count;
    }
    this.#contentBytes += length;
  }

  /** After the content of an entry. */
  end(): void {
    this.#pad(this.#bytes - this.#entryBytes);
  }

  /** Of all bytes so far. */
  sha256(): string {
    this.#addToSha256();
    return this.#pieces.sha256();
  }

  /** The end of the archive. */
  finish(): void {
    this.write(ZEROS);
    this.#flush();
  }

  /** Nothing more is written, whether it is finished or not. */
  close(): void {
    this.#pieces.close();
  }

  #pad(bytes: number): void {
    this.write(ZEROS.subarray(0, (BLOCK_BYTES - (bytes % BLOCK_BYTES)) % BLOCK_BYTES));
  }

  #advance(bytes: number): void {
    this.#filled += bytes;
    this.#bytes += bytes;
    if (this.#filled === this.#piece.length) this.#flush();
  }

  #addToSha256(): void {
    this.#pieces.add(this.#hashed, this.#filled);
    this.#hashed = this.#filled;
  }

  #flush(): void {
    if (this.#filled === 0) return;
    this.#addToSha256();
    const piece = this.#piece.subarray(0, this.#filled);
    const bytes = compress(piece, this.#compression);
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#descriptor, bytes, at);
    this.#piece = this.#pieces.next();
    this.#filled = 0;
    this.#hashed = 0;
  }
}

/** Whether a header's field has the text as it is. */
const isPlain = (text: string) => /^[\x20-\x5b\x5d-\x7e]*$/.test(text);

const isUtf8 = (name: string) => !/\p{Surrogate}/u.test(name);
