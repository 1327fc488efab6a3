/**
 * What copy lanes (docs/winfsp.md#copy-lanes) change, against another build of this project, for example one of before:
 *
 *     npm run bench:lanes -- --before <directory>              prints
 *     npm run bench:lanes -- --before <directory> --record     and writes bench/results/lanes.json
 *
 * Both builds serve at the same time and are measured in turns. Linux only. On a machine that does other work, begin
 * with `chrt -r 1`, so that the others only get what is left.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { compactJson } from '../../scripts/compact-json.js';
import { packageRoot } from '../../src/package-root.js';
import { Server } from '../platform/server.js';
import { type BenchFigure, provenance, RECORDED } from '../results.js';

const ROUNDS = 9;
const WARM_UP_MS = 1500;
const MEASURE_MS = 400;
/** How long the stream runs before, and after, what is measured beside it. */
const LEAD_MS = 150;
const LARGE = ['io', 'seq', 'read', 'direct', `${2 ** 20}`, `${64 * 2 ** 20}`];
const SMALL = ['io', 'rand', 'read', 'direct', '4096', `${16 * 2 ** 20}`];

const { values } = parseArgs({
  options: { before: { type: 'string' }, record: { type: 'boolean', default: false } },
});
if (values.before === undefined) {
  console.error('--before: expected the directory of another build of this project, got none');
  process.exit(2);
}
const builds = { before: resolve(values.before), now: packageRoot() };
type Build = keyof typeof builds;

/** One round of one workload: what is measured, by its unit. */
type Workload = (server: Server, milliseconds: number) => Promise<Record<string, number>>;

const rate = (processes: number, words: readonly string[]): Workload => {
  return async (server, milliseconds) => {
    const { operationsPerSecond } = await server.run(processes, milliseconds, words);
    return { 'operations/s': operationsPerSecond };
  };
};

const beside: Workload = async (server, milliseconds) => {
  const stream = server.run(1, milliseconds + 2 * LEAD_MS, LARGE);
  await sleep(LEAD_MS);
  const small = await server.run(1, milliseconds, SMALL);
  const { operationsPerSecond } = await stream;
  return {
    'µs, p50': small.nsP50 / 1e3,
    'µs, p99': small.nsP99 / 1e3,
    'MiB/s of the stream': operationsPerSecond,
  };
};

const unpinned: Record<string, Workload> = {
  '4 KiB reads beside a stream of 1 MiB reads': beside,
  'two streams of 1 MiB reads': rate(2, LARGE),
  'one stream of 1 MiB reads': rate(1, LARGE),
  '4 KiB reads': rate(1, SMALL),
  'create, write 4 KiB, close, stat, unlink': rate(1, ['cycle']),
};
const pinned: Record<string, Workload> = {
  'one stream of 1 MiB reads': rate(1, LARGE),
  '4 KiB reads': rate(1, SMALL),
  'create, write 4 KiB, close, stat, unlink': rate(1, ['cycle']),
};

async function measure(pin: boolean, workloads: Record<string, Workload>): Promise<BenchFigure[]> {
  const names = Object.keys(builds) as Build[];
  const servers = await Promise.all(names.map((build) => new Server(builds[build], pin).ready()));
  const rounds = new Map<string, number[]>();
  try {
    for (let round = -1; round < ROUNDS; round++) {
      for (const [name, workload] of Object.entries(workloads)) {
        for (let i = 0; i < names.length; i++) {
          const which = (i + round + names.length) % names.length;
          const result = await workload(servers[which]!, round < 0 ? WARM_UP_MS : MEASURE_MS);
          if (round < 0) continue;
          for (const [unit, value] of Object.entries(result)) {
            const key = JSON.stringify([name, unit, names[which]]);
            rounds.set(key, [...(rounds.get(key) ?? []), value]);
          }
        }
      }
      process.stderr.write(`${pin ? 'pinned' : 'unpinned'}: round ${round + 1} of ${ROUNDS}\n`);
    }
  } finally {
    for (const server of servers) await server.end();
  }
  return [...rounds].map(([key, all]) => {
    const [name, unit, contender] = JSON.parse(key) as [string, string, string];
    return { group: pin ? 'on one CPU' : 'unpinned', name, contender, unit, value: median(all), rounds: all };
  });
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)]!;
}

/** Now against before, round by round. */
function printRatios(figures: readonly BenchFigure[]): void {
  for (const now of figures.filter((one) => one.contender === 'now')) {
    const before = figures.find(
      (one) =>
        one.contender === 'before' &&
        one.group === now.group &&
        one.name === now.name &&
        one.unit === now.unit,
    )!;
    const ratios = now.rounds!.map((value, round) => value / before.rounds![round]!);
    const [low, high] = [Math.min(...ratios), Math.max(...ratios)];
    console.log(
      `${now.group}: ${now.name}, ${now.unit}: ${before.value.toFixed(0)} → ${now.value.toFixed(0)}, ` +
        `${median(ratios).toFixed(2)} × (${low.toFixed(2)} … ${high.toFixed(2)})`,
    );
  }
}

execFileSync('make', ['-s', '-k', '-C', join(packageRoot(), 'bench/reference')], { stdio: 'ignore' });
const figures = [...(await measure(false, unpinned)), ...(await measure(true, pinned))];
printRatios(figures);
if (values.record) {
  const file = join(RECORDED, 'lanes.json');
  const command = 'npm run bench:lanes -- --before <directory of the commit before lanes> --record';
  writeFileSync(file, compactJson({ layer: 'lanes', ...provenance(command), skipped: [], figures }));
  console.log(`\nwritten: ${file}`);
}
