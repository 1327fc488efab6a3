/**
 * HashJobs: what the thread that reads or writes an archive asks of the one that computes its SHA-256, in shared memory
 * and in order. Neither needs its event loop, so both may be deep in synchronous work.
 */
import { type Hasher, InlineHasher } from './hasher.js';

const Word = { ASKED: 0, DONE: 1, FAILED: 2, FIRST_JOB: 3 } as const;
const JOBS = 64;
const JOB_WORDS = 2;
/** In the place of the first word of a job; otherwise it says from where to where. */
const Request = { MARK: -1, SHA256: -2, SHA256_OF_MARK: -3, END: -4 } as const;
const WORDS = Word.FIRST_JOB + JOBS * JOB_WORDS;
const SHA256_DIGITS = 64;
/** So often without any progress, and it is over. Twice at least: a process that was stopped comes back too late. */
const MAX_WAITS = 6;
const WAIT_MS = 10_000;

export class HashJobs implements Hasher {
  readonly #words: Int32Array;
  readonly #digits: Uint8Array;

  constructor(readonly shared = new SharedArrayBuffer(WORDS * 4 + SHA256_DIGITS)) {
    this.#words = new Int32Array(shared, 0, WORDS);
    this.#digits = new Uint8Array(shared, WORDS * 4);
  }

  add(from: number, to: number): void {
    this.#ask(from, to);
  }

  mark(): void {
    this.#ask(Request.MARK);
  }

  get asked(): number {
    return this.#words[Word.ASKED] as number;
  }

  /** Throws when the other thread has failed, or does nothing for a minute. */
  settle(asked: number): void {
    for (let waits = 0, before = -1; ; waits++) {
      const done = Atomics.load(this.#words, Word.DONE);
      if (Atomics.load(this.#words, Word.FAILED) !== 0 || waits === MAX_WAITS) {
        throw new Error('the thread that computes the checksum has failed');
      }
      if (done >= asked) return;
      if (done !== before) waits = 0;
      before = done;
      Atomics.wait(this.#words, Word.DONE, done, WAIT_MS);
    }
  }

  sha256(ofMark: boolean): string {
    this.#ask(ofMark ? Request.SHA256_OF_MARK : Request.SHA256);
    this.settle(this.asked);
    return Buffer.from(this.#digits).toString('latin1');
  }

  close(): void {
    if (Atomics.load(this.#words, Word.FAILED) === 0) this.#ask(Request.END);
  }

  /** The other thread's part: until the end. */
  serve(memory: Uint8Array): void {
    const words = this.#words;
    const hasher = new InlineHasher(memory);
    for (let done = 0; ; ) {
      while (Atomics.load(words, Word.ASKED) === done) Atomics.wait(words, Word.ASKED, done);
      const at = placeOf(done);
      const request = words[at] as number;
      if (request === Request.END) return;
      if (request === Request.MARK) hasher.mark();
      else if (request >= 0) hasher.add(request, words[at + 1] as number);
      else this.#digits.set(Buffer.from(hasher.sha256(request === Request.SHA256_OF_MARK)));
      Atomics.store(words, Word.DONE, ++done);
      Atomics.notify(words, Word.DONE);
    }
  }

  /** The other thread ends without having done all. */
  fail(): void {
    Atomics.store(this.#words, Word.FAILED, 1);
    Atomics.notify(this.#words, Word.DONE);
  }

  #ask(first: number, second = 0): void {
    const { asked } = this;
    this.settle(asked - JOBS + 1);
    this.#words[placeOf(asked)] = first;
    this.#words[placeOf(asked) + 1] = second;
    Atomics.store(this.#words, Word.ASKED, asked + 1);
    Atomics.notify(this.#words, Word.ASKED);
  }
}

function placeOf(job: number): number {
  return Word.FIRST_JOB + (job % JOBS) * JOB_WORDS;
}
