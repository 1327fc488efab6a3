/**
 * The read-path layer: from the bytes of a request to the bytes of its answer, without a kernel (chain.ts), against a
 * bare native memcpy of the same size over the same walk. Measured with benchmark.js in interleaved rounds.
 */
import Benchmark from 'benchmark';
import { withTestLibrary } from '../../tests/support/test-library.js';
import { median } from '../noise.js';
import { printComparisonRow } from '../print-row.js';
import { type BenchFigure, writeResults } from '../results.js';
import type { RunOptions } from '../run-options.js';
import { CASES, type Case } from './cases.js';
import { measureDispatchers } from './dispatchers.js';
import { measureHeap } from './heap.js';

const ROUNDS = 7;
const MILLISECONDS = 100;
const QUICK_ROUNDS = 3;
const QUICK_MILLISECONDS = 25;

export const run = (options: RunOptions): Promise<string> => withTestLibrary(() => runLayer(options));

async function runLayer(options: RunOptions): Promise<string> {
  const rounds = options.quick ? QUICK_ROUNDS : ROUNDS;
  const milliseconds = options.quick ? QUICK_MILLISECONDS : MILLISECONDS;
  const figures: BenchFigure[] = [];
  for (const one of CASES) {
    if (!options.words.every((word) => `${one.group}: ${one.name}`.includes(word))) continue;
    const measured = measure(one, rounds, milliseconds);
    printComparisonRow(measured);
    figures.push(...measured);
  }
  figures.push(...(await measureDispatchers(options, rounds, milliseconds)));
  figures.push(...(await measureHeap(options.words)));
  return writeResults('read-path', figures, options);
}

function measure(one: Case, rounds: number, milliseconds: number): BenchFigure[] {
  const { contenders, dispose } = one.build();
  const perSecond = new Map(contenders.map(({ name }) => [name, [] as number[]]));
  try {
    // The first round warms up.
    for (let round = -1; round < rounds; round++) {
      for (const { name, pass } of round % 2 === 0 ? contenders : [...contenders].reverse()) {
        const passes = passesPerSecond(pass, milliseconds);
        if (round >= 0) perSecond.get(name)!.push(passes * one.perPass);
      }
    }
  } finally {
    dispose();
  }
  return contenders.map(({ name }) => ({
    group: one.group,
    name: one.name,
    contender: name,
    unit: one.unit,
    value: median(perSecond.get(name)!),
    rounds: perSecond.get(name)!,
    pinned: true,
  }));
}

/** Each pass is long enough for benchmark.js's clock, so one sample is few passes. */
function passesPerSecond(pass: () => void, milliseconds: number): number {
  const benchmark = new Benchmark('', pass, {
    maxTime: milliseconds / 1000,
    minSamples: 3,
    minTime: 0.01,
    initCount: 1,
  });
  benchmark.run({ async: false });
  if (benchmark.error !== undefined) throw benchmark.error;
  return 1 / benchmark.stats.mean;
}
