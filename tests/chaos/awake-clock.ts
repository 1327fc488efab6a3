/**
 * Time in which this process was awake. A machine that slept, or a run that was stopped for a while (SIGSTOP), is no
 * hang of the drive: what waits for an end counts awake time only.
 */
const TICK_MS = 100;
/** A tick that comes later than this was not late but asleep. */
const MAX_TICK_MS = 1000;

export class AwakeClock {
  #awakeMs = 0;
  #lastMs = performance.now();
  readonly #timer = setInterval(() => this.#tick(), TICK_MS);

  /** Milliseconds since its making. */
  get nowMs(): number {
    return this.#awakeMs;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const nowMs = performance.now();
    this.#awakeMs += Math.min(nowMs - this.#lastMs, MAX_TICK_MS);
    this.#lastMs = nowMs;
  }
}
