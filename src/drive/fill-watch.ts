/**
 * Notices when a drive becomes nearly full and full: once each time it gets there. A step is told again only after the
 * drive was clearly below it, so that a drive that lives near one does not tell it with every file.
 */
import { formatSize } from './config/sizes.js';

export type FillStep = 'nearly-full' | 'full';

const NEARLY_FULL_SHARE = 0.9;
/** Below this share `nearly-full` may be told again; `full` may below NEARLY_FULL_SHARE. */
const RELAXED_SHARE = 0.85;

interface WatchedVolume {
  readonly pool: { readonly reservedPages: number; readonly capacityPages: number };
  /** Of those reserved: what a save has borrowed. */
  readonly savingPages: number;
}

export class FillWatch {
  readonly #onStep: (step: FillStep) => void;
  /** What was told last. */
  #told: FillStep | null = null;
  #share = 0;

  constructor(onStep: (step: FillStep) => void) {
    this.#onStep = onStep;
  }

  /** After every change of the reservations. */
  look({ pool, savingPages }: WatchedVolume): void {
    this.#share = (pool.reservedPages - savingPages) / pool.capacityPages;
    if (this.#share === 1) {
      this.#tell('full');
    } else if (this.#share < RELAXED_SHARE) {
      this.#told = null;
    } else if (this.#share < NEARLY_FULL_SHARE) {
      this.#told = this.#told === null ? null : 'nearly-full';
    } else if (this.#told === null) {
      this.#tell('nearly-full');
    }
  }

  /** A program was refused room. What is larger than all that was free says nothing about the drive. */
  refused(): void {
    if (this.#share >= NEARLY_FULL_SHARE) {
      this.#tell('full');
    }
  }

  #tell(step: FillStep): void {
    if (this.#told !== step) {
      this.#told = step;
      this.#onStep(step);
    }
  }
}

/** For people. */
export function fillWarning(
  mountPoint: string,
  step: FillStep,
  freeBytes: number,
  capacityBytes: number,
): string {
  const free = `${formatSize(freeBytes)} of ${formatSize(capacityBytes)} are free`;
  return step === 'full'
    ? `The drive at ${mountPoint} is full: ${free}. Programs that write to it are refused until something is deleted.`
    : `The drive at ${mountPoint} is ${NEARLY_FULL_SHARE * 100} % full: ${free}.`;
}
