/**
 * Which files another thread is copying from at this moment: a large read may be copied by a thread that does nothing
 * else, while the volume goes on. Until that copy is done no page of the file is changed or given back: what would do
 * so waits here first (ReadConsistent, NoReuseBeforeDone). So a read answers what the file held when it was decided
 * about, and the ledger never counts a page as free that is still being read.
 *
 * What can go wrong: a change of a file's pages that does not call settle(). All of them are methods of PagedFile.
 */

/** Gets a range of a file piece by piece. */
export interface PieceSink {
  /** The next `lengthBytes` bytes, at `address` in the page memory; a hole where it is HOLE_ADDRESS. */
  add(address: number, lengthBytes: number): void;
}

/** No page: zeros. Not 0, which can be the address of a page. */
export const HOLE_ADDRESS = -1;

/** A thread that copies what reads describe, one read after the other. */
export interface PageReader extends PieceSink {
  /** Index of the read that is being described. */
  readonly nextIndex: number;
  /** Whether the copy of a read is done, so that it touches no page any more. */
  isCopied(index: number): boolean;
  /** Waits for that, never for anything but a copy. Returns when the thread has died, too. */
  untilCopied(index: number): void;
}

export class PageReaders {
  readonly #files: object[] = [];
  readonly #readers: PageReader[] = [];
  readonly #indexes: number[] = [];

  /** Reads whose copy is not known to be done. */
  get size(): number {
    return this.#files.length;
  }

  /** `reader` is about to get a read of this file, as its next one. */
  add(file: object, reader: PageReader): void {
    this.#forgetCopied();
    this.#files.push(file);
    this.#readers.push(reader);
    this.#indexes.push(reader.nextIndex);
  }

  /** Before pages of this file are changed or given back. */
  settle(file: object): void {
    if (this.#files.length === 0) return;
    for (let i = this.#files.length - 1; i >= 0; i--) {
      if (this.#files[i] !== file) continue;
      this.#readers[i]!.untilCopied(this.#indexes[i]!);
      this.#remove(i);
    }
  }

  #forgetCopied(): void {
    for (let i = this.#files.length - 1; i >= 0; i--) {
      if (this.#readers[i]!.isCopied(this.#indexes[i]!)) this.#remove(i);
    }
  }

  /** Their order says nothing. */
  #remove(at: number): void {
    const file = this.#files.pop()!;
    const reader = this.#readers.pop()!;
    const index = this.#indexes.pop()!;
    if (at === this.#files.length) return;
    this.#files[at] = file;
    this.#readers[at] = reader;
    this.#indexes[at] = index;
  }
}
