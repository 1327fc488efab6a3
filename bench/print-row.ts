/** One line a workload while the run goes on: who was how fast, and the RAM drive's ratios. */
import type { Spread } from './noise.js';
import { ratiosOf, SUBJECT } from './ratios.js';
import type { BenchFigure } from './results.js';

export function printComparisonRow(figures: readonly BenchFigure[]): void {
  const [first] = figures;
  if (first === undefined) return;
  const mine = figures.find(({ contender }) => contender === SUBJECT);
  console.log(`${first.pinned === false ? '(unpinned) ' : ''}${first.group}: ${first.name}`);
  const ratios = new Map(ratiosOf(figures).map((ratio) => [ratio.peer, ratio]));
  for (const { contender, value, unit, nsP50, nsP99 } of figures) {
    const ratio = ratios.get(contender!);
    const parts = [
      `  ${(contender ?? '').padEnd(12)}`,
      rate(value, unit).padStart(16),
      nsP50 === undefined ? ''.padEnd(30) : `p50 ${micro(nsP50)}  p99 ${micro(nsP99!)}`.padStart(30),
      ratio === undefined || mine === undefined
        ? ''
        : `  ramdrive is ${words(ratio)}${ratio.cpu === null ? '' : `, by CPU ${words(ratio.cpu)}`}`,
    ];
    console.log(parts.join('').trimEnd());
  }
}

function words({ median, least, most }: Spread): string {
  return `${median.toFixed(2)} × (${least.toFixed(2)} … ${most.toFixed(2)})`;
}

function rate(value: number, unit: string): string {
  return unit === 'bytes/s'
    ? `${(value / 1e6).toFixed(0)} MB/s`
    : `${value.toPrecision(4)} ${unit === 'operations/s' ? 'op/s' : unit}`;
}

function micro(ns: number): string {
  return `${(ns / 1000).toFixed(1)} µs`;
}
