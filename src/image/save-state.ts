/**
 * SaveState: what the thread that owns a volume and the one that writes its image tell each other without waiting for
 * messages. Three int32 words in shared memory.
 */
const Word = { READS_ENDED: 0, CANCELLED: 1, STEPS: 2 } as const;

export class SaveState {
  readonly #words: Int32Array;

  constructor(readonly memory = new SharedArrayBuffer(12)) {
    this.#words = new Int32Array(memory);
  }

  /** The writer has all that it needs from the volume, or is no more: what it read may change and go. */
  endReads(): void {
    Atomics.store(this.#words, Word.READS_ENDED, 1);
    Atomics.notify(this.#words, Word.READS_ENDED);
  }

  /** False when the writer makes no step for so long. */
  waitForReads(limitMs: number): boolean {
    for (let before = this.steps; ; before = this.steps) {
      if (Atomics.wait(this.#words, Word.READS_ENDED, 0, limitMs) !== 'timed-out') return true;
      if (this.steps === before) return false;
    }
  }

  /** How often the writer has come to step(); it wraps round. */
  get steps(): number {
    return Atomics.load(this.#words, Word.STEPS);
  }

  /** The writer ends with an error as soon as it can. */
  cancel(): void {
    Atomics.store(this.#words, Word.CANCELLED, 1);
  }

  /** Of the writer, around each read: it goes on, unless it was cancelled. */
  step(): void {
    if (Atomics.load(this.#words, Word.CANCELLED) !== 0) throw new Error('the save was given up');
    Atomics.add(this.#words, Word.STEPS, 1);
  }
}
