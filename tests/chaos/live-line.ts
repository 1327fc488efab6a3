/** One line on a terminal that shows what a run is doing. Silent anywhere else. */
import { colour } from '../../src/cli/colour.js';
import { formatSize } from '../../src/drive/config/sizes.js';
import { OPERATION_KINDS } from './operations.js';
import type { LiveFigures } from './run.js';
import type { Totals } from './sampler.js';

const INTERVAL_MS = 500;
const KINDS_SHOWN = 3;

export class LiveLine {
  readonly #stream = process.stderr;
  readonly #figures: () => LiveFigures;
  #timer: NodeJS.Timeout | null = null;
  #before: { seconds: number; totals: Totals } | null = null;

  constructor(figures: () => LiveFigures) {
    this.#figures = figures;
  }

  start(): void {
    if (this.#stream.isTTY) {
      this.#timer = setInterval(() => this.#draw(), INTERVAL_MS);
    }
  }

  stop(): void {
    if (this.#timer !== null) {
      clearInterval(this.#timer);
      this.#stream.write('\r\x1b[2K');
    }
  }

  #draw(): void {
    const figures = this.#figures();
    const text = lineOf(figures, this.#before);
    this.#before = figures;
    const columns = this.#stream.columns ?? 80;
    // A line that wraps cannot be erased.
    const line = text.length < columns ? text : `${text.slice(0, columns - 2)}…`;
    this.#stream.write(`\r\x1b[2K${colour(this.#stream).dim(line)}`);
  }
}

function lineOf(
  { seconds, totals, used, faults, findings }: LiveFigures,
  before: { seconds: number; totals: Totals } | null,
): string {
  const elapsed = seconds - (before?.seconds ?? 0);
  const rate = (now: number, then: number) => Math.round((now - then) / Math.max(elapsed, 0.001));
  const kinds = OPERATION_KINDS.map((kind) => ({
    kind,
    rate: rate(totals.byKind[kind].done, before?.totals.byKind[kind].done ?? 0),
  })).sort((a, b) => b.rate - a.rate);
  return [
    `${Math.floor(seconds)} s`,
    `integrity ${findings === 0 ? 'ok' : `${findings} FAILURES`}`,
    `${rate(totals.operations, before?.totals.operations ?? 0).toLocaleString('en')} ops/s`,
    `${totals.verified.toLocaleString('en')} verified`,
    `${totals.files} files, ${formatSize(totals.bytesStored)}`,
    ...(used === null ? [] : [used]),
    `${totals.refused} refused`,
    `${faults} faults`,
    kinds
      .slice(0, KINDS_SHOWN)
      .map(({ kind, rate: perSecond }) => `${kind} ${perSecond}`)
      .join(', '),
  ].join(' · ');
}
