/**
 * The read-path layer: from the bytes of a request to the bytes of its answer, without a kernel (chain.ts), against a
 * bare native memcpy of the same size over the same walk. Measured with benchmark.js in interleaved rounds, and in
 * every round with tinybench as well: two tools that agree within 15 % are hardly both wrong, and where they do not,
 * the table says so.
 */
import Benchmark from 'benchmark';
import { Bench } from 'tinybench';
import { withTestLibrary } from '../../tests/support/test-library.js';
import { median } from '../noise.js';
import { printComparisonRow } from '../print-row.js';
import { type BenchFigure, writeResults } from '../results.js';
import type { RunOptions } from '../run-options.js';
import { AGREEMENT, agreementOf, type ToolFigures } from './agreement.js';
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
  const agreements: ToolFigures[] = [];
  for (const one of CASES) {
    if (!options.words.every((word) => `${one.group}: ${one.name}`.includes(word))) continue;
    const { measured, agreement } = await measure(one, rounds, milliseconds);
    printComparisonRow(measured);
    figures.push(...measured);
    agreements.push(...agreement);
  }
  figures.push(...(await measureDispatchers(options, rounds, milliseconds)));
  figures.push(...(await measureHeap(options.words)));
  for (const line of agreementOf(agreements)) console.log(line);
  figures.push(
    ...agreements.map(({ name, benchmark, tinybench }) => ({
      group: AGREEMENT,
      name,
      value: tinybench / benchmark,
      unit: 'tinybench / benchmark.js',
    })),
  );
  return writeResults('read-path', figures, options);
}

async function measure(one: Case, rounds: number, milliseconds: number) {
  const { contenders, dispose } = one.build();
  const byBenchmark = new Map(contenders.map(({ name }) => [name, [] as number[]]));
  const byTinybench = new Map(contenders.map(({ name }) => [name, [] as number[]]));
  try {
    for (let round = -1; round < rounds; round++) {
      for (const { name, pass } of round % 2 === 0 ? contenders : [...contenders].reverse()) {
        const first = perSecondByBenchmark(pass, milliseconds);
        const second = await perSecondByTinybench(pass, milliseconds);
        if (round < 0) continue;
        byBenchmark.get(name)!.push(first * one.perPass);
        byTinybench.get(name)!.push(second * one.perPass);
      }
    }
  } finally {
    dispose();
  }
  const measured: BenchFigure[] = contenders.map(({ name }) => ({
    group: one.group,
    name: one.name,
    contender: name,
    unit: one.unit,
    value: median(byBenchmark.get(name)!),
    rounds: byBenchmark.get(name)!,
    pinned: true,
  }));
  const agreement = contenders.map(({ name }) => ({
    name: `${one.group}: ${one.name}, ${name}`,
    benchmark: median(byBenchmark.get(name)!),
    tinybench: median(byTinybench.get(name)!),
  }));
  return { measured, agreement };
}

/** Runs a second. Each pass is long enough for benchmark.js's clock, so one sample is few passes. */
function perSecondByBenchmark(pass: () => void, milliseconds: number): number {
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

async function perSecondByTinybench(pass: () => void, milliseconds: number): Promise<number> {
  const bench = new Bench({ time: milliseconds, iterations: 3, warmup: false, throws: true });
  bench.add('', pass);
  await bench.run();
  const result = bench.tasks[0]!.result;
  if (!('latency' in result)) throw new Error('tinybench gave no result');
  return 1000 / result.latency.mean;
}
