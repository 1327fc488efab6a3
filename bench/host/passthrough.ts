/**
 * examples/passthrough-fs.ts, which copies all data in JavaScript, against bindfs, which does the same in C on libfuse:
 * both serve the same directory in memory, pinned to one CPU, in turns.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { hasProgram, must } from '../../scripts/realworld/program.js';
import { whyNoMount } from '../../scripts/why-no-mount.js';
import { packageRoot } from '../../src/package-root.js';
import { endContenders, MountedContender } from '../end-to-end/contenders.js';
import { measure, warmUp } from '../end-to-end/rounds.js';
import type { ClientWorkload } from '../end-to-end/workloads.js';
import { median } from '../noise.js';
import type { Contender } from '../platform/contender.js';
import { PLATFORM } from '../platform/platform.js';
import { printComparisonRow } from '../print-row.js';
import type { BenchFigure, ResultFile } from '../results.js';
import type { RunOptions } from '../run-options.js';

export const GROUP = 'passthrough-fs and bindfs';
export const RATIO = 'time of bindfs = 1';
const FILE_BYTES = 64 * 2 ** 20;
const WORKLOAD: ClientWorkload = {
  kind: 'client',
  group: GROUP,
  name: 'sequential read, direct, 1 MiB',
  words: ['io', 'seq', 'read', 'direct', String(2 ** 20), String(FILE_BYTES)],
  unit: 'bytes/s',
};
const WARM_UP_MS = 1500;

export async function measurePassthrough(
  { quick, words }: RunOptions,
  skipped: ResultFile['skipped'],
): Promise<BenchFigure[]> {
  if (!words.every((word) => GROUP.includes(word))) return [];
  const reason =
    whyNoMount() ??
    PLATFORM.whyNotPinned() ??
    (hasProgram('bindfs') ? null : 'bindfs is not installed') ??
    (hasProgram('make') ? null : 'make is not installed');
  if (reason !== null) {
    console.log(`skipped: ${GROUP}: ${reason}`);
    skipped.push({ what: GROUP, reason });
    return [];
  }
  await must('make', ['-s', '-C', path.join(packageRoot(), 'bench/reference'), '../build/client']);
  const below = mkdtempSync('/dev/shm/ramdrive-bench-below-');
  try {
    const mounted: MountedContender[] = [];
    for (const contender of contendersOf(below)) {
      mounted.push(await MountedContender.start(contender, true));
      await warmUp(mounted.at(-1)!, quick ? 300 : WARM_UP_MS, true);
    }
    const figures = await measure(WORKLOAD, mounted, {
      rounds: quick ? 3 : 9,
      milliseconds: quick ? 100 : 400,
      pin: true,
      onFailure: ({ name }, _workload, error) => {
        throw new Error(`${name}: ${error.message}`);
      },
    });
    printComparisonRow(figures);
    const [mine, other] = figures;
    const times = (kind: 'rounds' | 'cpuRounds') =>
      mine![kind]!.map((rate, round) => other![kind]![round]! / rate);
    const [rounds, cpuRounds] = [times('rounds'), times('cpuRounds')];
    const ratio = {
      group: GROUP,
      name: RATIO,
      value: median(rounds),
      unit: "of bindfs's time",
      rounds,
      cpuRounds,
    };
    console.log(
      `  passthrough-fs takes ${ratio.value.toFixed(2)} times as long as bindfs, by CPU ${median(cpuRounds).toFixed(2)}`,
    );
    return [...figures, ratio];
  } finally {
    await endContenders();
    rmSync(below, { recursive: true });
  }
}

function contendersOf(below: string): Contender[] {
  const example = path.join(packageRoot(), 'dist/examples/passthrough-fs.js');
  return [
    {
      name: 'passthrough-fs',
      label: 'examples/passthrough-fs.ts',
      unavailable: () => null,
      warmsUp: true,
      mount: (directory) => ({ program: process.execPath, args: [example, below, directory] }),
    },
    {
      name: 'bindfs',
      label: 'bindfs',
      unavailable: () => null,
      silent: true,
      mount: (directory) => ({ program: 'bindfs', args: ['-f', below, directory] }),
    },
  ];
}
