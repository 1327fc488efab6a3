/** Saves a drive every so often (setting `saveEvery`), when something may have changed since. */
import { messageOf } from '../errors.js';

export interface PeriodicSavesOptions {
  everyMs: number;
  save: () => Promise<unknown>;
  /** Grows with whatever may have changed the drive. */
  changes: () => number;
  onFailure: (message: string) => void;
}

export class PeriodicSaves {
  readonly #options: PeriodicSavesOptions;
  #timer: NodeJS.Timeout;
  /** When it was saved last; not known before. */
  #saved = -1;
  #isEnded = false;

  constructor(options: PeriodicSavesOptions) {
    this.#options = options;
    this.#timer = this.#next();
  }

  end(): void {
    this.#isEnded = true;
    clearTimeout(this.#timer);
  }

  #next(): NodeJS.Timeout {
    return setTimeout(() => void this.#run(), this.#options.everyMs).unref();
  }

  async #run(): Promise<void> {
    const { save, changes, onFailure } = this.#options;
    // Before the save: what comes during it is for the next one.
    const now = changes();
    if (now !== this.#saved) {
      try {
        await save();
        this.#saved = now;
      } catch (error) {
        if (!this.#isEnded) onFailure(messageOf(error));
      }
    }
    if (!this.#isEnded) this.#timer = this.#next();
  }
}
