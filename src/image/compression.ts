/**
 * How the tar archive of an image is compressed, by what Node has: its name says how it is written, its first bytes how
 * it is read. It is written piece by piece, each a gzip member or a zstd frame of its own, which all programs unpack as
 * one; so a save can be given up between two pieces, and needs no memory but theirs.
 */
import { readSync } from 'node:fs';
import { type Duplex, pipeline, Readable } from 'node:stream';
import zlib from 'node:zlib';
import { ImageError } from './image-error.js';

export type Compression = 'none' | 'gzip' | 'zstd';

/** What is read at once, and what is compressed at once: large enough that members and frames cost next to nothing. */
export const PIECE_BYTES = 2 ** 20;

/** What the types of Node 20 do not know. */
interface Zstd {
  zstdCompressSync(bytes: Uint8Array): Buffer;
  zstdDecompressSync(bytes: Uint8Array): Buffer;
  createZstdDecompress(options: zlib.ZlibOptions): Duplex;
}
const zstd = zlib as Partial<Zstd>;

interface Codec {
  /** What it may be called. */
  readonly name: RegExp;
  /** What it begins with. */
  readonly magic: Buffer;
  compress(piece: Uint8Array): Uint8Array;
  decompressor(): Duplex;
}

const CODECS: Readonly<Record<Exclude<Compression, 'none'>, Codec>> = {
  gzip: {
    name: /\.(gz|tgz)$/i,
    magic: Buffer.from([0x1f, 0x8b]),
    // Three times as fast as the default, and a fifth larger: a drive's end waits for it.
    compress: (piece) => zlib.gzipSync(piece, { level: zlib.constants.Z_BEST_SPEED }),
    decompressor: () => zlib.createGunzip({ chunkSize: PIECE_BYTES / 4 }),
  },
  zstd: {
    name: /\.(zst|tzst)$/i,
    magic: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]),
    compress: (piece) => (zstd as Zstd).zstdCompressSync(piece),
    decompressor: () => (zstd as Zstd).createZstdDecompress({ chunkSize: PIECE_BYTES / 4 }),
  },
};

/** Of which a user would be surprised to find a tar archive that is not compressed, or not so. */
const OTHER_NAMES = /\.(7z|br|bz2|lz4|lzma|rar|tbz2?|txz|xz|z|zip)$/i;

/** How an image of this name is written. */
export function compressionOf(path: string): Compression {
  if (CODECS.gzip.name.test(path)) return 'gzip';
  return CODECS.zstd.name.test(path) ? 'zstd' : 'none';
}

/** Why no image of this name can be written, as the end of a sentence; null when it can. */
export function problemOfName(path: string): string | null {
  const other = OTHER_NAMES.exec(path);
  if (other !== null) {
    return `images are tar archives: ".tar", ".tar.gz" or ".tar.zst", not "${other[0]}"`;
  }
  return compressionOf(path) === 'zstd' && !hasZstd() ? `${NO_ZSTD}. Call it ".tar.gz"` : null;
}

const NO_ZSTD = `".tar.zst" needs a Node.js whose zstd is complete (24 or later), and this is ${process.version}`;

/** Node 22 has zstd, but reads only the first frame of a file, without a word. */
function hasZstd(): boolean {
  if (zstd.zstdCompressSync === undefined || zstd.zstdDecompressSync === undefined) return false;
  const frame = zstd.zstdCompressSync(Buffer.from('a'));
  return zstd.zstdDecompressSync(Buffer.concat([frame, frame])).length === 2;
}

export function compress(piece: Uint8Array, compression: Compression): Uint8Array {
  return compression === 'none' ? piece : CODECS[compression].compress(piece);
}

export interface ImageSource {
  readonly compression: Compression;
  /** The bytes of the tar archive, each piece valid until the next is asked for. Throws ImageError. */
  readonly pieces: AsyncIterator<Uint8Array, undefined>;
}

/** A file that is open for reading, from its beginning on. */
export function sourceOf(descriptor: number): ImageSource {
  const head = Buffer.alloc(4);
  const length = readSync(descriptor, head, 0, head.length, 0);
  const begin = head.subarray(0, length);
  for (const compression of ['gzip', 'zstd'] as const) {
    if (begin.indexOf(CODECS[compression].magic) !== 0) continue;
    return { compression, pieces: decompressed(descriptor, compression) };
  }
  return { compression: 'none', pieces: plain(descriptor) };
}

async function* plain(descriptor: number): AsyncGenerator<Uint8Array, undefined> {
  const piece = Buffer.allocUnsafe(PIECE_BYTES);
  for (let at = 0; ; ) {
    const length = readSync(descriptor, piece, 0, PIECE_BYTES, at);
    if (length === 0) return;
    at += length;
    yield piece.subarray(0, length);
  }
}

async function* decompressed(
  descriptor: number,
  compression: Exclude<Compression, 'none'>,
): AsyncGenerator<Uint8Array, undefined> {
  if (compression === 'zstd' && !hasZstd()) throw new ImageError('UNREADABLE', NO_ZSTD);
  let readBytes = 0;
  function* compressed(): Generator<Uint8Array> {
    for (;;) {
      const piece = Buffer.allocUnsafe(PIECE_BYTES / 4);
      const length = readSync(descriptor, piece, 0, piece.length, readBytes);
      if (length === 0) return;
      readBytes += length;
      yield piece.subarray(0, length);
    }
  }
  const decompressor = CODECS[compression].decompressor();
  // Errors of either come out of the iteration.
  const unpacked = pipeline(Readable.from(compressed(), { objectMode: false }), decompressor, () => {});
  try {
    for await (const piece of unpacked) yield piece as Uint8Array;
  } catch (error) {
    const { message, syscall } = error as NodeJS.ErrnoException;
    if (syscall !== undefined) throw error;
    const place = `before byte ${readBytes.toLocaleString('en')} of the file`;
    throw new ImageError('DAMAGED', `the image cannot be unpacked: ${message} (${place})`, { cause: error });
  }
}
