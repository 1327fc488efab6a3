/**
 * TarWriter: entries with pax headers into a file that is open for writing, in pieces of 1 MiB, with the SHA-256 of all
 * bytes so far before they are compressed. The bytes of headers are tar-stream's. Synchronous, so that it can run
 * between two requests of a drive.
 */
import { createHash } from 'node:crypto';
import { writeSync } from 'node:fs';
import { encode } from 'tar-stream/headers.js';
import { type Compression, compress, PIECE_BYTES } from '../compression.js';
import { BLOCK_BYTES, Key } from '../format.js';
import type { SpecialFile } from '../special-file.js';
import { encodePax, type PaxRecords } from './pax.js';

/** What the field of a header holds. */
const MAX_ID = 0o777777;
const ZEROS = new Uint8Array(2 * BLOCK_BYTES);
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
  readonly #hash = createHash('sha256');
  readonly #piece = Buffer.allocUnsafe(PIECE_BYTES);
  #filled = 0;
  #bytes = 0;
  #entryBytes = 0;

  constructor(descriptor: number, compression: Compression = 'none') {
    this.#descriptor = descriptor;
    this.#compression = compression;
  }

  /** Written so far, before they are compressed. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Begins an entry; its `sizeBytes` of content come next, then end(). */
  entry(entry: TarEntry): void {
    const { path, link, type, mode } = entry;
    // Before all others: for Python the last record about a name wins, and that is to be the one of a file with holes.
    const names: Record<string, string> = {};
    const ids: Record<string, string> = {};
    const fields = {
      mode,
      // Larger ones would be cut; the records say them.
      uid: Math.min(entry.uid, MAX_ID),
      gid: Math.min(entry.gid, MAX_ID),
      mtime: new Date(Math.min(Math.max(entry.writeTimeSeconds, 0), MAX_TIME_SECONDS) * 1000),
    };
    if (entry.uid > MAX_ID) ids.uid = String(entry.uid);
    if (entry.gid > MAX_ID) ids.gid = String(entry.gid);
    const size = entry.sizeBytes;
    const device = { devmajor: entry.major ?? 0, devminor: entry.minor ?? 0 };
    let head =
      isPlain(path) && isPlain(link ?? '')
        ? encode({ ...fields, ...device, name: path, linkname: link, type, size })
        : null;
    if (head === null) {
      if (!isUtf8(path) || !isUtf8(link ?? '')) names[Key.CHARSET] = 'BINARY';
      names[Key.PATH] = path;
      if (link !== null) names[Key.LINK] = link;
      const name = type === 'directory' ? 'PaxPath/' : 'PaxPath';
      head = encode({ ...fields, ...device, name, linkname: link === null ? null : 'PaxPath', type, size });
    }
    const records = encodePax({ ...names, ...ids, ...entry.pax });
    const paxFields = { ...fields, mode: 0o644, name: 'PaxHeader', linkname: null };
    this.write(encode({ ...paxFields, type: 'pax-header', size: records.length }) as Buffer);
    this.write(records);
    this.#pad(records.length);
    this.write(head as Buffer);
    this.#entryBytes = this.#bytes;
  }

  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const count = Math.min(bytes.length - at, PIECE_BYTES - this.#filled);
      this.#piece.set(bytes.subarray(at, at + count), this.#filled);
      this.#filled += count;
      at += count;
      if (this.#filled === PIECE_BYTES) this.#flush();
    }
    this.#bytes += bytes.length;
  }

  /** After the content of an entry. */
  end(): void {
    this.#pad(this.#bytes - this.#entryBytes);
  }

  /** Of all bytes so far. */
  sha256(): string {
    this.#flush();
    return this.#hash.copy().digest('hex');
  }

  /** The end of the archive. */
  finish(): void {
    this.write(ZEROS);
    this.#flush();
  }

  #pad(bytes: number): void {
    this.write(ZEROS.subarray(0, (BLOCK_BYTES - (bytes % BLOCK_BYTES)) % BLOCK_BYTES));
  }

  #flush(): void {
    if (this.#filled === 0) return;
    const piece = this.#piece.subarray(0, this.#filled);
    this.#hash.update(piece);
    const bytes = compress(piece, this.#compression);
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#descriptor, bytes, at);
    this.#filled = 0;
  }
}

/** Whether a header's field has the text as it is. */
const isPlain = (text: string) => /^[\x20-\x5b\x5d-\x7e]*$/.test(text);

const isUtf8 = (name: string) => !/\p{Surrogate}/u.test(name);
