/**
 * The core benchmarks: what the RAM file system costs without a host, a driver or a kernel around it.
 *
 * How to add a benchmark. Put a file `bench/core/<name>.bench.ts` beside this one; it is found by its name, no list has
 * to be edited. It exports one function, and everything it measures goes through the object that function is given:
 *
 *     import type { CoreBenchmarks } from './run.js';
 *     export function add(bench: CoreBenchmarks): void | Promise<void> {
 *       let volume: RamVolume;
 *       bench.add('look up one name of 100,000', () => volume.lookup(path), {
 *         before: () => { volume = build(); },   // right before this benchmark, not timed
 *         after: () => volume.dispose(),         // right after it, not timed: memory of one benchmark never burdens the next
 *         operationsPerRun: 1,                   // how many operations one call does (default 1); every figure is per operation
 *         bytesPerRun: 0,                        // bytes one call moves; adds a MB/s column
 *       });
 *       bench.record('list 100,000 entries through 4 KiB buffers', milliseconds, 'ms'); // a figure you measured
 *       yourself
 *     }
 *
 * `npm run bench -- core [words]` runs those whose `file: name` contains every word, prints a table and writes
 * bench/results/core.json (only a whole run, without words, replaces the file). Pin it: `taskset -c 1 npm run bench --
 * core`.
 */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Bench } from 'tinybench';
import { type BenchFigure, printFigures, writeResults } from '../results.js';
import type { RunOptions } from '../run-options.js';

export interface CoreBenchmarkOptions {
  before?: () => void;
  after?: () => void;
  operationsPerRun?: number;
  bytesPerRun?: number;
  /** How long this one is measured; the default is enough for operations below a millisecond. */
  timeMs?: number;
}

export interface CoreBenchmarks {
  /** What takes seconds to prepare is left out. */
  quick: boolean;
  add(name: string, run: () => void, options?: CoreBenchmarkOptions): void;
  record(name: string, value: number, unit: string): void;
}

interface Planned {
  group: string;
  name: string;
  run: () => void;
  options: CoreBenchmarkOptions;
}

const DEFAULT_TIME_MS = 300;
const WARM_UP_MS = 100;
const QUICK_TIME_MS = 30;

export async function run(options: RunOptions): Promise<string> {
  const { words } = options;
  const planned: Planned[] = [];
  const figures: BenchFigure[] = [];
  const here = fileURLToPath(new URL('.', import.meta.url));
  for (const file of readdirSync(here).sort()) {
    if (!file.endsWith('.bench.js')) continue;
    const group = file.slice(0, -'.bench.js'.length);
    const wanted = (name: string) => words.every((word) => `${group}: ${name}`.includes(word));
    const module = (await import(new URL(file, import.meta.url).href)) as {
      add(bench: CoreBenchmarks): void | Promise<void>;
    };
    await module.add({
      quick: options.quick,
      add: (name, body, options = {}) => {
        if (wanted(name)) planned.push({ group, name, run: body, options });
      },
      record: (name, value, unit) => {
        if (wanted(name)) figures.push({ group, name, value, unit });
      },
    });
  }
  for (const plan of planned) figures.push(...(await measure(plan, options.quick)));
  printFigures(figures);
  return writeResults('core', figures, options);
}

/** One tinybench of one task: its memory exists only while it runs, so the order of benchmarks does not matter. */
async function measure({ group, name, run: body, options }: Planned, quick: boolean): Promise<BenchFigure[]> {
  const operations = options.operationsPerRun ?? 1;
  options.before?.();
  try {
    const bench = new Bench({
      time: Math.min(options.timeMs ?? DEFAULT_TIME_MS, quick ? QUICK_TIME_MS : Number.POSITIVE_INFINITY),
      warmupTime: quick ? QUICK_TIME_MS : WARM_UP_MS,
      throws: true,
    });
    bench.add(name, body);
    await bench.run();
    const result = bench.tasks[0]?.result;
    if (result === undefined || !('latency' in result)) throw new Error(`${group}: ${name} gave no result`);
    const nsPerRun = result.latency.mean * 1e6;
    return [
      {
        group,
        name,
        value: nsPerRun / operations,
        unit: 'ns/op',
        nsP50: (result.latency.p50 * 1e6) / operations,
        nsP99: (result.latency.p99 * 1e6) / operations,
        samples: result.latency.samplesCount,
        ...(options.bytesPerRun ? { megabytesPerSecond: (options.bytesPerRun * 1000) / nsPerRun } : {}),
      },
    ];
  } finally {
    options.after?.();
  }
}
