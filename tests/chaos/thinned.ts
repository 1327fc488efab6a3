/**
 * A list of what happened over time whose length is bounded, however long the run: when it is full, every second entry
 * is dropped.
 */
export class Thinned<T> {
  readonly #most: number;
  #entries: T[] = [];
  /** One in so many is kept. */
  #step = 1;
  #offered = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** In the order of their coming; the first is always there. */
  get entries(): readonly T[] {
    return this.#entries;
  }

  push(entry: T): void {
    if (this.#offered++ % this.#step !== 0) {
      return;
    }
    this.#entries.push(entry);
    if (this.#entries.length > this.#most) {
      this.#entries = this.#entries.filter((_, index) => index % 2 === 0);
      this.#step *= 2;
    }
  }
}
