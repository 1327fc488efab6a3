/** Computes the SHA-256 of bytes that lie in one memory, here or on another thread. */
import { createHash, type Hash } from 'node:crypto';

export interface Hasher {
  /** Takes in the bytes from one place of the memory to another, which must not change until settle(). */
  add(from: number, to: number): void;
  /** Remembers what was taken in so far. */
  mark(): void;
  /** A number for settle(): of all that was asked for so far. */
  readonly asked: number;
  /** Waits until what was asked for up to this number is done. */
  settle(asked: number): void;
  /** Of all that was taken in, or of what was when it was marked; in hexadecimal. */
  sha256(ofMark: boolean): string;
  /** It is not used any more. */
  close(): void;
}

/** On this thread: for little it is the quickest. */
export class InlineHasher implements Hasher {
  readonly asked = 0;
  readonly #memory: Uint8Array;
  readonly #hash = createHash('sha256');
  #marked: Hash = this.#hash;

  constructor(memory: Uint8Array) {
    this.#memory = memory;
  }

  add(from: number, to: number): void {
    this.#hash.update(this.#memory.subarray(from, to));
  }

  mark(): void {
    this.#marked = this.#hash.copy();
  }

  settle(): void {}

  sha256(ofMark: boolean): string {
    return (ofMark ? this.#marked : this.#hash).copy().digest('hex');
  }

  close(): void {}
}
