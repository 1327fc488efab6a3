/**
 * Pieces: the memory through which an archive goes, a piece at a time, and the SHA-256 of what goes through. That of a
 * large archive is computed by a thread of its own while this one fills the next pieces: of a save it would be a third.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { packageRoot } from '../../package-root.js';
import { HashJobs } from './hash-jobs.js';
import type { HashThreadInput } from './hash-thread-main.js';
import { type Hasher, InlineHasher } from './hasher.js';

/** Bytes that native code can write to, and their address. */
export interface Scratch {
  readonly bytes: Uint8Array;
  readonly address: number;
}

const PIECES = 8;
/** What a scratch should have: pieces of 1 MiB, so that members and frames of compression cost next to nothing. */
export const SCRATCH_BYTES = PIECES * 2 ** 20;
/** From here on it is worth it to start a thread. */
const MIN_THREAD_BYTES = 2 ** 26;

export class Pieces {
  readonly pieceBytes: number;
  readonly #memory: Uint8Array;
  readonly #hasher: Hasher;
  /** Of each piece, what the hasher was asked for when it was handed out last. */
  readonly #asked = new Array<number>(PIECES).fill(0);
  #current = PIECES - 1;

  /** `expectedBytes`: about how long the archive is. Memory that is shared can be read by another thread. */
  constructor(memory: Uint8Array, expectedBytes: number) {
    this.pieceBytes = Math.floor(memory.length / PIECES);
    this.#memory = memory;
    const isShared = memory.buffer instanceof SharedArrayBuffer;
    this.#hasher =
      isShared && expectedBytes >= MIN_THREAD_BYTES ? onThread(memory) : new InlineHasher(memory);
  }

  /** The next to be filled; those before it, some of them, are still as they were. */
  next(): Buffer {
    this.#asked[this.#current] = this.#hasher.asked;
    this.#current = (this.#current + 1) % PIECES;
    this.#hasher.settle(this.#asked[this.#current] as number);
    const { buffer, byteOffset } = this.#memory;
    return Buffer.from(buffer, byteOffset + this.offset, this.pieceBytes);
  }

  /** Of the piece that was handed out last, in the memory. */
  get offset(): number {
    return this.#current * this.pieceBytes;
  }

  /** The next bytes of the archive, a part of the piece that was handed out last; they change no more. */
  add(from: number, to: number): void {
    if (to > from) this.#hasher.add(this.offset + from, this.offset + to);
  }

  /** What was added so far is what sha256(true) is about. */
  mark(): void {
    this.#hasher.mark();
  }

  sha256(ofMark = false): string {
    return this.#hasher.sha256(ofMark);
  }

  close(): void {
    this.#hasher.close();
  }
}

function onThread(memory: Uint8Array): Hasher {
  const jobs = new HashJobs();
  const workerData: HashThreadInput = { memory, jobs: jobs.shared };
  // Workers always run compiled code, also when they are started from a source file (tests).
  const script = join(packageRoot(), 'dist', 'src', 'image', 'checksum', 'hash-thread-main.js');
  const worker = new Worker(pathToFileURL(script), { workerData, name: 'ramdrive-checksum' });
  worker.unref();
  // It cannot be heard while this thread waits for it: HashJobs tells.
  worker.on('error', () => jobs.fail());
  return jobs;
}
