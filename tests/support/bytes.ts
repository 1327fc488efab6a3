/** Contents that tell where they belong: every test of data writes bytes that no other place has. */
import { type FileHandle, open } from 'node:fs/promises';

export const KIB = 1024;
export const MIB = 1024 * KIB;
export const GIB = 1024 * MIB;

/** The same seed gives the same bytes; no two positions near each other look alike. */
export function pattern(lengthBytes: number, seed = 1): Buffer {
  const words = new Uint32Array(Math.ceil(lengthBytes / 4));
  let state = (seed * 0x9e3779b1) >>> 0 || 1;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  return Buffer.from(words.buffer, 0, lengthBytes);
}

/** Writes to the end, however the kernel cuts it. Throws what the write throws. */
export async function writeFully(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, at, bytes.length - at, position + at);
    at += bytesWritten;
  }
}

/** A new file of this length, written in pieces of 1 MiB. */
export async function writeNew(path: string, lengthBytes: number, seed = 1): Promise<void> {
  const file = await open(path, 'wx');
  try {
    const piece = pattern(MIB, seed);
    for (let at = 0; at < lengthBytes; at += MIB) {
      await writeFully(file, piece.subarray(0, Math.min(MIB, lengthBytes - at)), at);
    }
  } finally {
    await file.close();
  }
}

/** Where a file written by `writeNew` differs from what it should hold, or null. */
export async function differenceIn(path: string, lengthBytes: number, seed = 1): Promise<string | null> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    if (size !== lengthBytes) {
      return `${size} bytes instead of ${lengthBytes}`;
    }
    const piece = pattern(MIB, seed);
    const buffer = Buffer.alloc(MIB);
    for (let at = 0; at < lengthBytes; at += MIB) {
      const length = Math.min(MIB, lengthBytes - at);
      await readFully(file, buffer.subarray(0, length), at);
      if (!buffer.subarray(0, length).equals(piece.subarray(0, length))) {
        return `different bytes in the MiB at ${at}`;
      }
    }
    return null;
  } finally {
    await file.close();
  }
}

/** Returns how many bytes there were. */
export async function readFully(file: FileHandle, into: Buffer, position: number): Promise<number> {
  let at = 0;
  while (at < into.length) {
    const { bytesRead } = await file.read(into, at, into.length - at, position + at);
    if (bytesRead === 0) {
      break;
    }
    at += bytesRead;
  }
  return at;
}

/** The code of the error that a promise is rejected with, or 'OK'. */
export async function errorOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'OK';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}
