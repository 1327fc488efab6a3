/**
 * Whether small requests come between the large reads of other programs, told from their order alone. A lane pays only
 * then: a program that waits for each of its large reads, and several that only do that, lose by the way to another
 * thread and back (docs/performance.md#copy-lanes).
 *
 * The sign is that a small request for something else came between two large reads of one file. A program that reads
 * one large file after another shows no such sign.
 */

/** How long one such sign counts, and how far apart the two large reads may be. */
const SIGN_MS = 10;
/** Files whose large reads are remembered: so many programs may read in turns. */
const FILES = 4;

export class ReadPattern {
  /** Contexts of the last large reads, the latest first, and whether something small came since. */
  readonly #recent: { context: number; hasOther: boolean }[] = Array.from({ length: FILES }, () => ({
    context: -1,
    hasOther: false,
  }));
  #lastMs = Number.NEGATIVE_INFINITY;
  #signMs = Number.NEGATIVE_INFINITY;

  /** A request that is no large read. */
  noteOther(context: number): void {
    for (const one of this.#recent) {
      one.hasOther ||= one.context !== context;
    }
  }

  /** A large read. True when small requests come between. */
  noteLargeRead(context: number, nowMs: number): boolean {
    const recent = this.#recent;
    if (nowMs - this.#lastMs > SIGN_MS) {
      for (const one of recent) one.context = -1;
    }
    this.#lastMs = nowMs;
    let at = recent.findIndex((one) => one.context === context);
    if (at >= 0 && recent[at]!.hasOther) {
      this.#signMs = nowMs;
    }
    if (at < 0) at = FILES - 1;
    const one = recent[at]!;
    recent.copyWithin(1, 0, at);
    recent[0] = one;
    one.context = context;
    one.hasOther = false;
    return nowMs - this.#signMs <= SIGN_MS;
  }
}
