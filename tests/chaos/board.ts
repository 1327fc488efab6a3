/**
 * Memory that the driver and all workers share, in a file beside the drive: each worker's counters and latencies (the
 * driver reads them at any time, also of a worker that is stopped or dead), and the table of the shared files' blocks.
 *
 * Elsewhere than on Linux the memory is the worker's own and is copied into its part of the file now and then
 * (`publish`); there are no shared files then.
 */
import { closeSync, constants, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { BUCKET_COUNT, bucketOf } from '../../src/winfsp/memory/statistics.js';
import { OPERATION_KINDS } from './operations.js';

export const SHARED_FILES = 4;
export const SHARED_BLOCKS = 256;
/** Files that are replaced as a whole; they follow the blocks in the table. */
export const DOCUMENTS = 4;
export const FIRST_DOCUMENT = SHARED_FILES * SHARED_BLOCKS;

const KINDS = OPERATION_KINDS.length;
/** Doubles of one worker: these, then done and refused by kind, then the latency histogram. */
const FIELD = {
  index: 0,
  startedMs: 1,
  bytesRead: 2,
  bytesWritten: 3,
  files: 4,
  bytesStored: 5,
  verified: 6,
  incarnation: 7,
} as const;
const DONE = 8;
const REFUSED = DONE + KINDS;
const HISTOGRAM = REFUSED + KINDS;
const WORKER_DOUBLES = HISTOGRAM + BUCKET_COUNT;
const WORKER_BYTES = Math.ceil((WORKER_DOUBLES * 8) / 4096) * 4096;
/**
 * Int32 words of one shared block: who holds its lock (worker + 1), last generation begun, last generation
 * acknowledged.
 */
const BLOCK_WORDS = 3;
const SHARED_BYTES = (FIRST_DOCUMENT + DOCUMENTS) * BLOCK_WORDS * 4;

export interface WorkerFigures {
  index: number;
  /** When the operation under way began, in milliseconds since the epoch; 0 between operations. */
  startedMs: number;
  bytesRead: number;
  bytesWritten: number;
  files: number;
  bytesStored: number;
  /** Comparisons with the oracle: results, lengths, bytes, listings. */
  verified: number;
  incarnation: number;
  done: Float64Array;
  refused: Float64Array;
  histogram: Float64Array;
}

export class Board {
  readonly #memory: ArrayBuffer;
  readonly #fd: number;
  readonly #mapped: boolean;
  readonly workers: number;

  private constructor(memory: ArrayBuffer, fd: number, mapped: boolean, workers: number) {
    this.#memory = memory;
    this.#fd = fd;
    this.#mapped = mapped;
    this.workers = workers;
  }

  /** Makes the file when it is not there. */
  static async open(path: string, workers: number): Promise<Board> {
    const fd = openSync(path, constants.O_RDWR | constants.O_CREAT);
    const bytes = workers * WORKER_BYTES + SHARED_BYTES;
    ftruncateSync(fd, bytes);
    if (process.platform !== 'linux') {
      return new Board(new ArrayBuffer(bytes), fd, false, workers);
    }
    const { Mapping } = await import('./libc.js');
    return new Board(Mapping.of(fd, bytes).view(), fd, true, workers);
  }

  writer(worker: number): WorkerBoard {
    return new WorkerBoard(this.#doubles(worker));
  }

  figures(worker: number): WorkerFigures {
    if (!this.#mapped) {
      readSync(
        this.#fd,
        Buffer.from(this.#memory),
        worker * WORKER_BYTES,
        WORKER_BYTES,
        worker * WORKER_BYTES,
      );
    }
    const doubles = this.#doubles(worker);
    const fields = Object.fromEntries(Object.entries(FIELD).map(([name, at]) => [name, doubles[at]!]));
    return {
      ...(fields as Record<keyof typeof FIELD, number>),
      done: doubles.slice(DONE, REFUSED),
      refused: doubles.slice(REFUSED, HISTOGRAM),
      histogram: doubles.slice(HISTOGRAM),
    };
  }

  /** Called by the worker now and then. */
  publish(worker: number): void {
    if (!this.#mapped) {
      writeSync(
        this.#fd,
        Buffer.from(this.#memory),
        worker * WORKER_BYTES,
        WORKER_BYTES,
        worker * WORKER_BYTES,
      );
    }
  }

  sharedTable(): SharedTable {
    return new SharedTable(new Int32Array(this.#memory, this.workers * WORKER_BYTES, SHARED_BYTES / 4));
  }

  close(): void {
    closeSync(this.#fd);
  }

  #doubles(worker: number): Float64Array {
    return new Float64Array(this.#memory, worker * WORKER_BYTES, WORKER_DOUBLES);
  }
}

/** A worker's own part. Nobody else writes it. */
export class WorkerBoard {
  readonly #doubles: Float64Array;

  constructor(doubles: Float64Array) {
    this.#doubles = doubles;
  }

  set(field: keyof typeof FIELD, value: number): void {
    this.#doubles[FIELD[field]] = value;
  }

  add(field: keyof typeof FIELD, value: number): void {
    this.#doubles[FIELD[field]]! += value;
  }

  operationDone(kind: number, milliseconds: number): void {
    this.#doubles[DONE + kind]! += 1;
    this.#doubles[HISTOGRAM + bucketOf(milliseconds * 1e6)]! += 1;
  }

  operationRefused(kind: number): void {
    this.#doubles[REFUSED + kind]! += 1;
  }
}

/**
 * The blocks of the shared files, and the documents as if they were blocks. Writers lock a block; readers don't, and
 * accept any generation that was the last acknowledged one, or under way, at some moment of their read.
 */
export class SharedTable {
  readonly #words: Int32Array;

  constructor(words: Int32Array) {
    this.#words = words;
  }

  /** For an empty drive. */
  clear(): void {
    this.#words.fill(0);
  }

  tryLock(block: number, worker: number): boolean {
    return Atomics.compareExchange(this.#words, block * BLOCK_WORDS, 0, worker + 1) === 0;
  }

  unlock(block: number): void {
    Atomics.store(this.#words, block * BLOCK_WORDS, 0);
  }

  owner(block: number): number {
    return Atomics.load(this.#words, block * BLOCK_WORDS) - 1;
  }

  begun(block: number): number {
    return Atomics.load(this.#words, block * BLOCK_WORDS + 1);
  }

  acknowledged(block: number): number {
    return Atomics.load(this.#words, block * BLOCK_WORDS + 2);
  }

  /** Only by the owner of the lock. Returns the new generation. */
  begin(block: number): number {
    return Atomics.add(this.#words, block * BLOCK_WORDS + 1, 1) + 1;
  }

  /** Only by the owner of the lock. */
  settle(block: number, generation: number): void {
    Atomics.store(this.#words, block * BLOCK_WORDS + 1, generation);
    Atomics.store(this.#words, block * BLOCK_WORDS + 2, generation);
  }
}
