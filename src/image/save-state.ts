/**
 * SaveState: what the thread that owns a volume and the one that writes its image tell each other without waiting for
 * messages. Two int32 words in shared memory.
 */
const Word = { READS_ENDED: 0, CANCELLED: 1 } as const;

export class SaveState {
  readonly #words: Int32Array;

  constructor(readonly memory = new SharedArrayBuffer(8)) {
    this.#words = new Int32Array(memory);
  }

  /** The writer has all that it needs from the volume, or is no more: what it read may change and go. */
  endReads(): void {
    Atomics.store(this.#words, Word.READS_ENDED, 1);
    Atomics.notify(this.#words, Word.READS_ENDED);
  }

  get readsEnded(): boolean {
    return Atomics.load(this.#words, Word.READS_ENDED) !== 0;
  }

  /** False after the limit. */
  waitForReads(limitMs: number): boolean {
    return Atomics.wait(this.#words, Word.READS_ENDED, 0, limitMs) !== 'timed-out';
  }

  /** The writer ends with an error as soon as it can. */
  cancel(): void {
    Atomics.store(this.#words, Word.CANCELLED, 1);
  }

  /** Of the writer, after each read and before the image takes its name. */
  throwIfCancelled(): void {
    if (Atomics.load(this.#words, Word.CANCELLED) !== 0) throw new Error('the save was given up');
  }
}
