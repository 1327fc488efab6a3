/** Result files for tests: a few figures on a machine that exists only here. */
import type { BenchFigure, ResultFile } from '../../../bench/results.js';

export function resultFile(figures: BenchFigure[], more: Partial<ResultFile> = {}): ResultFile {
  return {
    layer: 'end-to-end',
    date: '2026-01-02T03:04:05.000Z',
    command: 'npm run bench -- end-to-end',
    commit: 'abcdef0',
    uncommittedChanges: false,
    machine: { cpu: 'a CPU', cpus: 2, memoryBytes: 2 ** 34, system: 'Linux 6 x64', node: 'v20.19.0' },
    skipped: [],
    figures,
    ...more,
  };
}

/** A workload of several contenders, with the rounds of each. */
export function workload(group: string, name: string, rounds: Record<string, number[]>): BenchFigure[] {
  return Object.entries(rounds).map(([contender, own]) => ({
    group,
    name,
    contender,
    unit: 'operations/s',
    value: own[Math.floor(own.length / 2)]!,
    rounds: own,
    pinned: true,
    nsP50: 10_000,
    nsP99: 20_000,
    nsP999: 40_000,
  }));
}
