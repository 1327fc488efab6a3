/**
 * Which open files may have pages of theirs mapped: those from which whole pages were read since they were last
 * entirely closed (docs/winfsp.md#answers-that-may-nest, condition 4). Without such a read nothing was faulted into a
 * mapping.
 *
 * A file that is closed stays as a zero for a while: a V8 Map whose same key is set and deleted over and over gets
 * slower with its size, and lock files do exactly that. Zeros are swept out when they are the majority.
 */
const MIN_SWEEP = 1024;
/** State = opens × 2, plus 1 when whole pages were read. */
const WHOLE_PAGE_READ = 1;
const ONE_OPEN = 2;

export class OpenFiles {
  #states = new Map<number, number>();
  #zeros = 0;

  opened(context: number): void {
    const state = this.#states.get(context);
    if (state === 0) {
      this.#zeros -= 1;
    }
    this.#states.set(context, (state ?? 0) + ONE_OPEN);
  }

  closed(context: number): void {
    const state = this.#states.get(context);
    if (state === undefined || state === 0) {
      return;
    }
    if (state >= 2 * ONE_OPEN) {
      this.#states.set(context, state - ONE_OPEN);
      return;
    }
    this.#states.set(context, 0);
    this.#zeros += 1;
    if (this.#zeros >= MIN_SWEEP && this.#zeros * 2 > this.#states.size) {
      this.#states = new Map([...this.#states].filter(([, kept]) => kept !== 0));
      this.#zeros = 0;
    }
  }

  noteWholePageRead(context: number): void {
    const state = this.#states.get(context);
    if (state !== undefined && state !== 0 && (state & WHOLE_PAGE_READ) === 0) {
      this.#states.set(context, state | WHOLE_PAGE_READ);
    }
  }

  /** True also for a file that was never seen being opened: not knowing is no proof. */
  mayBeMapped(context: number): boolean {
    const state = this.#states.get(context);
    return state === undefined || state === 0 || (state & WHOLE_PAGE_READ) !== 0;
  }

  isOpen(context: number): boolean {
    return (this.#states.get(context) ?? 0) !== 0;
  }

  /** Entries held, for tests. */
  get size(): number {
    return this.#states.size;
  }
}
