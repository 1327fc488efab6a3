/**
 * `npm run leak-proof -- [--cycles 1000] [--json FILE]`: mounts, uses and unmounts a volume again and again in this one
 * process, and expects that nothing grows: file descriptors, threads (nor are new ones started in the place of ended
 * ones), koffi callbacks and the process's slots for them, blocks of native memory and mounts not at all, memory not by
 * more than an allocator's noise. Four volumes are there at once; every fifth is served in a worker of its own, the
 * others on this thread.
 *
 * Exit code 1 when something grew, 2 for a command that makes no sense. Touches only a directory that it makes itself.
 */
import { mkdtempSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { readFile, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { median } from '../bench/noise.js';
import { provenance } from '../bench/results.js';
import { MemoryFs } from '../examples/memory-fs.js';
import {
  FileSystemHost,
  linuxExtensions,
  liveBlocks,
  loadWinFsp,
  registeredCallbacks,
} from '../src/winfsp/index.js';
import { startedWorkers } from '../src/winfsp/threads/idle-workers.js';
import { usedCallbackSlots } from '../tests/support/callback-slots.js';
import { whyNoMount } from './why-no-mount.js';

const WORKER_EVERY = 5;
const AT_ONCE = 4;
const VOLUME_PARAMS = { SectorSize: 4096, CaseSensitiveSearch: true, SupportsPosixUnlinkRename: true };
const CONTENT = 'x'.repeat(100_000);
const SETTLE_MS = 5000;
/** For so many cycles the heaps of the threads that are kept grow to the size that they will have. */
const SETTLING_CYCLES = 300;
/** Medians of the first and the last tenth may differ by so much: V8 and malloc return memory when they like. */
const MAX_GROWTH_BYTES = { residentBytes: 8 * 2 ** 20, heapBytes: 2 * 2 ** 20 };
/** The same when there are not twice as many cycles as settling takes; the tenths are those of all cycles then. */
const MAX_GROWTH_UNSETTLED_BYTES = { residentBytes: 32 * 2 ** 20, heapBytes: 4 * 2 ** 20 };

interface Sample {
  fileDescriptors: number;
  threads: number;
  workersStarted: number;
  callbacks: number;
  callbackSlots: number;
  nativeBlocks: number;
  mounts: number;
  residentBytes: number;
  heapBytes: number;
}
type Quantity = keyof Sample;
const COUNTED: readonly Quantity[] = [
  'fileDescriptors',
  'threads',
  'workersStarted',
  'callbacks',
  'callbackSlots',
  'nativeBlocks',
  'mounts',
];
const MEASURED = Object.keys(MAX_GROWTH_BYTES) as (keyof typeof MAX_GROWTH_BYTES)[];

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { cycles: { type: 'string', default: '1000' }, json: { type: 'string' } },
  });
  const cycles = Number(values.cycles);
  if (!Number.isInteger(cycles) || cycles < 40 || cycles % AT_ONCE !== 0) {
    console.error(`leak-proof: --cycles ${values.cycles}: expected a multiple of ${AT_ONCE}, at least 40`);
    return 2;
  }
  const reason = whyNoMount();
  if (reason !== null) {
    console.log(`skipped: ${reason}.`);
    return 0;
  }
  const directories = Array.from({ length: AT_ONCE }, () =>
    mkdtempSync(join(tmpdir(), 'ramdrive-leak-proof-')),
  );
  const samples: Sample[] = [];
  const start = performance.now();
  try {
    await warmUp(directories);
    const before = takeSample();
    for (let done = 0; done < cycles; ) {
      await turn(directories, done);
      samples.push(await settled(before));
      done += AT_ONCE;
      if (process.stdout.isTTY) {
        process.stdout.write(`\r${done} of ${cycles} cycles`);
      }
    }
    const milliseconds = performance.now() - start;
    const violations = linuxExtensions(loadWinFsp())?.violations(0) ?? [];
    const failures = [...judge(before, samples), ...violations];
    report(before, samples, cycles, milliseconds / cycles, failures);
    if (values.json !== undefined) {
      const command = `npm run leak-proof -- --cycles ${cycles} --json ${values.json}`;
      const spread = Object.fromEntries(
        [...COUNTED, ...MEASURED].map((name) => [name, { before: before[name], ...rangeOf(samples, name) }]),
      );
      const content = { ...provenance(command), cycles, spread, failures };
      writeFileSync(values.json, `${JSON.stringify(content, null, 1)}\n`);
    }
    return failures.length === 0 ? 0 : 1;
  } finally {
    for (const directory of directories) {
      rmdirSync(directory);
    }
  }
}

/** Both ways, until threads and pools that stay for good are there. */
async function warmUp(directories: readonly string[]): Promise<void> {
  linuxExtensions(loadWinFsp())?.setOption(0, 'strict', 1);
  for (let done = 0; done < 2 * WORKER_EVERY; done += AT_ONCE) {
    await turn(directories, done);
  }
}

async function turn(directories: readonly string[], done: number): Promise<void> {
  await Promise.all(
    directories.map((directory, i) => cycle(directory, (done + i) % WORKER_EVERY === WORKER_EVERY - 1)),
  );
}

/** Clients here must be asynchronous: this thread serves. */
async function cycle(directory: string, inWorker: boolean): Promise<void> {
  const fileSystem = inWorker ? new URL('../examples/memory-fs.js', import.meta.url) : new MemoryFs();
  const host = new FileSystemHost(fileSystem, { volumeParams: VOLUME_PARAMS });
  host.on('error', (error) => {
    throw error;
  });
  await host.mount(directory);
  try {
    await Promise.all(
      Array.from({ length: 8 }, async (_, i) => {
        const path = join(directory, `file ${i}`);
        await writeFile(path, CONTENT);
        if ((await readFile(path, 'utf8')) !== CONTENT) {
          throw new Error(`${path}: other content than written`);
        }
        // Half of them are there when the volume goes.
        if (i % 2 === 0) {
          await unlink(path);
        }
      }),
    );
  } finally {
    await host.unmount();
  }
}

/** Threads that have ended are gone a moment later. */
async function settled(before: Sample): Promise<Sample> {
  let sample = takeSample();
  for (let waitedMs = 0; waitedMs < SETTLE_MS && grownCounts(before, sample).length > 0; waitedMs += 10) {
    await sleep(10);
    sample = takeSample();
  }
  return sample;
}

function takeSample(): Sample {
  collectGarbage();
  const { rss, heapUsed } = process.memoryUsage();
  return {
    fileDescriptors: readdirSync('/proc/self/fd').length,
    threads: readdirSync('/proc/self/task').length,
    workersStarted: startedWorkers(),
    callbacks: registeredCallbacks(),
    callbackSlots: usedCallbackSlots(),
    nativeBlocks: liveBlocks(),
    mounts: readFileSync('/proc/self/mountinfo', 'utf8').split('\n').filter(isOurs).length,
    residentBytes: rss,
    heapBytes: heapUsed,
  };
}

function isOurs(line: string): boolean {
  return line.includes('ramdrive-leak-proof-') && line.includes('winfsp');
}

/** Asking V8 for it later, while workers run, fails now and then. */
function collectGarbage(): void {
  if (globalThis.gc === undefined) {
    throw new Error('leak-proof needs node --expose-gc; "npm run leak-proof" gives it.');
  }
  globalThis.gc();
}

function grownCounts(before: Sample, now: Sample): Quantity[] {
  return COUNTED.filter((name) => now[name] > before[name]);
}

function rangeOf(samples: readonly Sample[], name: Quantity) {
  const values = samples.map((sample) => sample[name]);
  const steady = isSettled(samples) ? values.slice(SETTLING_CYCLES / AT_ONCE) : values;
  const tenth = Math.ceil(steady.length / 10);
  return {
    first: median(steady.slice(0, tenth)),
    last: median(steady.slice(-tenth)),
    least: Math.min(...values),
    most: Math.max(...values),
  };
}

function isSettled(samples: readonly Sample[]): boolean {
  return samples.length * AT_ONCE >= 2 * SETTLING_CYCLES;
}

/** What grew, in words. */
function judge(before: Sample, samples: readonly Sample[]): string[] {
  const counts = COUNTED.flatMap((name) => {
    const { most } = rangeOf(samples, name);
    return most > before[name] ? [`${name}: ${before[name]} before, up to ${most} with none mounted`] : [];
  });
  const memory = MEASURED.flatMap((name) => {
    const { first, last } = rangeOf(samples, name);
    const most = isSettled(samples) ? MAX_GROWTH_BYTES : MAX_GROWTH_UNSETTLED_BYTES;
    return last - first > most[name] ? [`${name}: ${inMib(first)}, later ${inMib(last)}`] : [];
  });
  return [...counts, ...memory];
}

function report(
  before: Sample,
  samples: readonly Sample[],
  cycles: number,
  cycleMs: number,
  failures: string[],
): void {
  console.log(`${process.stdout.isTTY ? '\r' : ''}${cycles} cycles, ${cycleMs.toFixed(0)} ms each`);
  for (const name of COUNTED) {
    const { least, most } = rangeOf(samples, name);
    console.log(`  ${name}: ${before[name]} before, ${least} … ${most} after each turn`);
  }
  for (const name of MEASURED) {
    const { first, last } = rangeOf(samples, name);
    const after = isSettled(samples) ? ` after ${SETTLING_CYCLES} cycles` : '';
    console.log(`  ${name}: ${inMib(first)} in the first tenth${after}, ${inMib(last)} in the last`);
  }
  for (const failure of failures) {
    console.log(`  GREW: ${failure}`);
  }
}

function inMib(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

process.exitCode = await main();
