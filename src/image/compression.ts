/**
 * How the tar archive of an image is compressed, by what Node has: its name says how it is written, its first bytes how
 * it is read. It is written piece by piece, each a gzip member or a zstd frame of its own, which all programs unpack as
 * one; so a save can be given up between two pieces, and needs no memory but theirs.
 */
import { fstatSync, readSync } from 'node:fs';
import { type Duplex, pipeline, Readable } from 'node:stream';
import zlib from 'node:zlib';
import { ImageError } from './image-error.js';

export type Compression = 'none' | 'gzip' | 'zstd';

/** What is unpacked at once. */
const CHUNK_BYTES = 2 ** 18;

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
    decompressor: () => zlib.createGunzip({ chunkSize: CHUNK_BYTES }),
  },
  zstd: {
    name: /\.(zst|tzst)$/i,
    magic: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]),
    compress: (piece) => (zstd as Zstd).zstdCompressSync(piece),
    decompressor: () => (zstd as Zstd).createZstdDecompress({ chunkSize: CHUNK_BYTES }),
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
  /** Of the file. */
  readonly lengthBytes: number;
  /** Fills a piece with the next bytes of the tar archive; fewer only at its end. Throws ImageError. */
  read(piece: Uint8Array): Promise<number>;
  /** Nothing more is read. */
  close(): Promise<void>;
}

/** A file that is open for reading, from its beginning on. */
export function sourceOf(descriptor: number): ImageSource {
  const head = Buffer.alloc(4);
  const length = readSync(descriptor, head, 0, head.length, 0);
  const begin = head.subarray(0, length);
  const lengthBytes = fstatSync(descriptor).size;
  for (const compression of ['gzip', 'zstd'] as const) {
    if (begin.indexOf(CODECS[compression].magic) !== 0) continue;
    return { compression, lengthBytes, ...piecewise(decompressed(descriptor, compression)) };
  }
  return { compression: 'none', lengthBytes, ...plain(descriptor) };
}

type PieceReader = Pick<ImageSource, 'read' | 'close'>;

function plain(descriptor: number): PieceReader {
  let at = 0;
  return {
    async read(piece) {
      let filled = 0;
      for (let more = -1; more !== 0 && filled < piece.length; filled += more) {
        more = readSync(descriptor, piece, filled, piece.length - filled, at + filled);
      }
      at += filled;
      return filled;
    },
    async close() {},
  };
}

function piecewise(chunks: AsyncGenerator<Uint8Array, undefined>): PieceReader {
  let chunk: Uint8Array = new Uint8Array(0);
  return {
    async read(piece) {
      let filled = 0;
      while (filled < piece.length) {
        if (chunk.length === 0) {
          const { value } = await chunks.next();
          if (value === undefined) break;
          chunk = value;
        }
        const part = chunk.subarray(0, piece.length - filled);
        piece.set(part, filled);
        filled += part.length;
        chunk = chunk.subarray(part.length);
      }
      return filled;
    },
    async close() {
      await chunks.return(undefined);
    },
  };
}

async function* decompressed(
  descriptor: number,
  compression: Exclude<Compression, 'none'>,
): AsyncGenerator<Uint8Array, undefined> {
  if (compression === 'zstd' && !hasZstd()) throw new ImageError('UNREADABLE', NO_ZSTD);
  let readBytes = 0;
  function* compressed(): Generator<Uint8Array> {
    for (;;) {
      const piece = Buffer.allocUnsafe(CHUNK_BYTES);
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
