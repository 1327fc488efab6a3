/**
 * What the RAM drive has to reach, and whether it does: each target names figures by their group and name, so nothing
 * here knows how they were measured. A target whose figures are missing is "not measured", never met.
 */
import { GROUP as DRIVER_GROUP, type WorkloadName } from '../driver/names.js';
import { median } from '../noise.js';
import { type Ratio, ratiosOf, SUBJECT } from '../ratios.js';
import type { BenchFigure } from '../results.js';

export interface Target {
  what: string;
  /** What is wanted, in words. */
  wanted: string;
  least?: number;
  most?: number;
  /** In plain words, for the few targets that the README shows. */
  headline?: string;
  measure(figures: readonly BenchFigure[]): Measured | null;
}

interface Measured {
  value: number;
  /** The range of the rounds, where there are rounds. */
  range?: [number, number];
  /** The same by CPU time. */
  cpu?: number;
}

export interface Judged {
  what: string;
  wanted: string;
  value: string;
  /** By CPU time, which tells a slow program from a busy machine. Empty where there is none. */
  byCpu: string;
  met: boolean | null;
  headline?: string;
}

/** Against one peer: a ratio of rates. */
function ratio(group: string, name: string, peer: string, least: number): Target {
  return {
    what: `${group}: ${name}, against ${peer}`,
    wanted: `≥ ${least.toFixed(2)} ×`,
    least,
    measure: (figures) => {
      const found = ratiosOf(figures).find(
        (one: Ratio) => one.group === group && one.name === name && one.peer === peer,
      );
      if (found === undefined) return null;
      const { median, least: low, most: high, cpu } = found;
      return { value: median, range: [low, high], ...(cpu === null ? {} : { cpu: cpu.median }) };
    },
  };
}

/** How much dearer one operation is in a large directory than in a small one. */
function growth(group: string, from: string, to: string, most: number): Target {
  return {
    what: `${group}: ${to} against ${from}`,
    wanted: `≤ ${most.toFixed(1)} × per operation`,
    most,
    measure: (figures) => {
      const [small, large] = [from, to].map((name) =>
        figures.find((one) => one.group === group && one.name === name && one.contender === SUBJECT),
      );
      return small === undefined || large === undefined ? null : { value: small.value / large.value };
    },
  };
}

/** A figure that must not be larger. */
function amount(group: string, name: string, wanted: string, most: number): Target {
  return {
    what: `${group}: ${name}`,
    wanted,
    most,
    measure: (figures) => {
      const found = figures.find((one) => one.group === group && one.name === name);
      if (found === undefined) return null;
      const { value, rounds, cpuRounds } = found;
      return {
        value,
        ...(rounds && { range: [Math.min(...rounds), Math.max(...rounds)] as [number, number] }),
        ...(cpuRounds && { cpu: median(cpuRounds) }),
      };
    },
  };
}

/** The target, told in the README too. */
function shown(headline: string, target: Target): Target {
  return { ...target, headline };
}

const SAME_LIBRARY = 'c-winfsp';
/** On the genuine driver, against WinFsp's own sample. */
const onDriver = (name: WorkloadName, least: number) => ratio(DRIVER_GROUP, name, 'memfs', least);
const CYCLE = 'create, write 4 KiB, close, stat, unlink';

export const TARGETS: readonly Target[] = [
  shown(
    'reading 1 MiB at a time, against the same file system in C',
    ratio('sequential read, direct', '1 MiB', SAME_LIBRARY, 0.95),
  ),
  ratio('sequential read, direct', '1 MiB', 'tmpfs', 0.4),
  ratio('sequential write, direct', '1 MiB', SAME_LIBRARY, 0.95),
  shown('writing 1 MiB at a time, against tmpfs', ratio('sequential write, direct', '1 MiB', 'tmpfs', 0.4)),
  shown(
    'writing 1 MiB at a time through the system’s cache, against tmpfs',
    ratio('sequential write, buffered', '1 MiB', 'tmpfs', 0.7),
  ),
  ratio('sequential write, buffered', '4 KiB', SAME_LIBRARY, 0.96),
  ratio('sequential re-read, buffered', '1 MiB', SAME_LIBRARY, 0.98),
  ratio('sequential re-read, buffered', '1 MiB', 'tmpfs', 0.9),
  shown(
    'reading 4 KiB at random places, against the same file system in C',
    ratio('random read, direct', '4 KiB', SAME_LIBRARY, 0.97),
  ),
  ratio('random write, direct', '4 KiB', SAME_LIBRARY, 0.97),
  ratio('random read, direct', '64 KiB', SAME_LIBRARY, 0.97),
  shown(
    'small files from create to unlink, against the same file system in C',
    ratio('names', CYCLE, SAME_LIBRARY, 0.96),
  ),
  ratio('programs', 'tar -x', SAME_LIBRARY, 0.92),
  ratio('programs', 'npm ci', SAME_LIBRARY, 0.98),
  shown(
    'listing 100,000 entries, against the same file system in C',
    ratio('names', 'list 100,000 entries', SAME_LIBRARY, 1),
  ),
  // What the layer of WinFsp's interface costs, in C and here.
  ratio('random read, direct', '4 KiB', 'c-libfuse3', 0.92),
  ratio('random write, direct', '4 KiB', 'c-libfuse3', 0.92),
  ratio('names', CYCLE, 'c-libfuse3', 0.92),
  ratio('programs', 'tar -x', 'c-libfuse3', 0.92),
  ratio('names', 'list 100,000 entries', 'c-libfuse3', 0.92),
  ratio('random read, direct', '4 KiB', 'fuse-native', 2),
  ratio('random write, direct', '4 KiB', 'fuse-native', 2),
  ratio('names', CYCLE, 'fuse-native', 2),
  growth('large directory: create, close, unlink', '1,000 files', '1,000,000 files', 2),
  growth('large directory: look up a missing name', '1,000 files', '1,000,000 files', 2),
  ratio('inline dispatcher: Read', '1 MiB', 'memcpy', 0.95),
  ratio('inline dispatcher: Write', '1 MiB', 'memcpy', 0.95),
  amount('memory', 'node_modules: reserved / stored', '≤ 1.1', 1.1),
  amount('price of a dispatcher', 'inline', '≤ 2 µs', 2),
  amount('price of a dispatcher', 'async', '≤ 60 µs', 60),
  amount('passthrough-fs and bindfs', 'time of bindfs = 1', '≤ 1.5', 1.5),
  ...(['uncached', 'cached'] as const).flatMap((how) => [
    onDriver(`read 1 MiB, ${how}`, 0.95),
    onDriver(`write 1 MiB, ${how}`, 0.95),
    onDriver(`read 4 KiB, ${how}`, 0.9),
    onDriver(`write 4 KiB, ${how}`, 0.9),
  ]),
  onDriver('open, close', 0.75),
  onDriver('create, write 4 KiB, close, open, delete, close', 0.7),
  amount('memory', 'an empty file', '≤ 500 bytes resident', 500),
  amount('memory', 'process after mounting', '≤ 60 MiB resident', 60),
  amount('memory', 'more than at the start 2 s after deleting 4 GiB', '≤ 32 MiB', 32),
];

export function judgeTargets(
  figures: readonly BenchFigure[],
  targets: readonly Target[] = TARGETS,
): Judged[] {
  return targets.map(
    ({
      what,
      wanted,
      headline,
      least = Number.NEGATIVE_INFINITY,
      most = Number.POSITIVE_INFINITY,
      measure,
    }) => {
      const shared = { what, wanted, ...(headline === undefined ? {} : { headline }) };
      const measured = measure(figures);
      if (measured === null) return { ...shared, value: 'not measured', byCpu: '', met: null };
      const { value, range, cpu } = measured;
      const words =
        range === undefined
          ? value.toFixed(2)
          : `${value.toFixed(2)} (${range[0].toFixed(2)} … ${range[1].toFixed(2)})`;
      const byCpu = cpu === undefined ? '' : cpu.toFixed(2);
      return { ...shared, value: words, byCpu, met: value >= least && value <= most };
    },
  );
}
