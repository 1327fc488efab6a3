/**
 * What a benchmark run leaves behind: a table on the terminal and a JSON file that says by itself on which machine, when, from which
 * commit and by which command its figures came. A whole run writes the recorded file, bench/results/<layer>.json; one that was
 * shortened (--quick, words) or that only checks writes beside it, below .cache/bench, and changes nothing that is tracked.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { compactJson } from '../scripts/compact-json.js';
import { type Spread, spreadOf } from './noise.js';

export interface BenchFigure {
  group: string;
  name: string;
  /** The mean when timed by tinybench, the median of the rounds where there are rounds. */
  value: number;
  unit: string;
  /** Who was measured, where several were, in turns. */
  contender?: string;
  /** One value a round; the same round of another contender ran right before or after it. */
  rounds?: number[];
  /** The same by the CPU time that client and server used together: on one CPU it says the same, unless somebody disturbs. */
  cpuRounds?: number[];
  /** The server's part of that CPU time, 0 … 1. */
  serverShare?: number;
  /** False where the scheduler was free to place the processes, so that the figures cannot be ranked. */
  pinned?: boolean;
  nsP50?: number;
  nsP99?: number;
  nsP999?: number;
  samples?: number;
  megabytesPerSecond?: number;
}

/** What decides about speed. */
const CODE = [
  'src',
  'native',
  'examples',
  'bench/core',
  'bench/read-path',
  'bench/host',
  'bench/end-to-end',
  'bench/driver',
  'tests/driver',
  'bench/reference',
];

export interface ResultFile {
  layer: string;
  date: string;
  command: string;
  commit: string;
  uncommittedChanges: boolean;
  machine: {
    cpu: string;
    cpus: number;
    memoryBytes: number;
    system: string;
    node: string;
    /** Of the minute before the results were written: much above 1 by a run that is pinned, others were at work as well. */
    loadAverage?: number;
  };
  /** What could not be measured here, with the reason. */
  skipped: { what: string; reason: string }[];
  figures: BenchFigure[];
  /** Later runs of a part, whose figures have taken the place of the older ones. */
  supplements?: Supplement[];
}

type Provenance = Omit<ResultFile, 'layer' | 'skipped' | 'figures' | 'supplements'>;
type Supplement = Provenance & { figures: number };

export const RECORDED = path.join('bench', 'results');
export const UNRECORDED = path.join('.cache', 'bench');

/** Where a figure comes from; without these lines nobody can repeat it or know what it is worth. */
export function provenance(command: string): Provenance {
  return {
    date: new Date().toISOString(),
    command,
    commit: git('rev-parse', '--short', 'HEAD'),
    uncommittedChanges: git('status', '--porcelain', '--untracked-files=no', '--', ...CODE) !== '',
    machine: {
      cpu: os.cpus()[0]?.model ?? 'unknown',
      cpus: os.cpus().length,
      memoryBytes: os.totalmem(),
      system: `${os.type()} ${os.release()} ${os.arch()}`,
      node: process.version,
      loadAverage: os.loadavg()[0]!,
    },
  };
}

export interface WriteOptions {
  /** The words after `npm run bench --`, to repeat it. */
  command: string;
  recorded: boolean;
  skipped?: ResultFile['skipped'];
}

/** Returns the path of the file. */
export function writeResults(
  layer: string,
  figures: readonly BenchFigure[],
  { command, recorded, skipped = [] }: WriteOptions,
): string {
  const file = path.join(recorded ? RECORDED : UNRECORDED, `${layer}.json`);
  mkdirSync(path.dirname(file), { recursive: true });
  const content: ResultFile = {
    layer,
    ...provenance(`npm run bench -- ${command}`),
    skipped,
    figures: figures.map(rounded),
  };
  writeFileSync(file, compactJson(content));
  return file;
}

/**
 * Puts the workloads of a partial run in the place of the recorded ones, and says in the file that it did. All contenders of a workload go
 * together: figures that were not taken in turns must not be divided. What was skipped then and is measured now is no longer skipped.
 */
export function supplementResults(layer: string, part: ResultFile): string {
  const file = path.join(RECORDED, `${layer}.json`);
  const recorded = readResults(file);
  const workloadOf = (figure: BenchFigure) => keyOf({ ...figure, contender: '' });
  const renewed = new Set(part.figures.map(workloadOf));
  const kept = recorded.figures.filter((figure) => !renewed.has(workloadOf(figure)));
  const measured = (what: string) =>
    part.figures.some(({ group, name, contender }) => what === `${group}: ${name}, ${contender}`);
  const { layer: _, skipped, figures, supplements: __, ...source } = part;
  const content: ResultFile = {
    ...recorded,
    skipped: [...recorded.skipped.filter(({ what }) => !measured(what)), ...skipped],
    figures: [...kept, ...figures],
    supplements: [...(recorded.supplements ?? []), { ...source, figures: figures.length }],
  };
  writeFileSync(file, compactJson(content));
  return file;
}

/** Throws an error that names the file when it is missing or is no result file. */
export function readResults(file: string): ResultFile {
  let content: ResultFile;
  try {
    content = JSON.parse(readFileSync(file, 'utf8')) as ResultFile;
  } catch (error) {
    throw new Error(`${file}: no result file of npm run bench (${(error as Error).message})`);
  }
  if (!Array.isArray(content.figures) || content.layer === undefined) {
    throw new Error(`${file}: no result file of npm run bench`);
  }
  return content;
}

/** What identifies a figure in two files. */
export function keyOf({ group, name, contender, pinned }: BenchFigure): string {
  return `${pinned === false ? '(unpinned) ' : ''}${group}: ${name}${contender ? `, ${contender}` : ''}`;
}

export function spreadOfFigure(figure: BenchFigure): Spread | null {
  return figure.rounds === undefined || figure.rounds.length < 2 ? null : spreadOf(figure.rounds);
}

export function printFigures(figures: readonly BenchFigure[]): void {
  let group = '';
  for (const figure of figures) {
    if (figure.group !== group) console.log(`\n${figure.group}`);
    group = figure.group;
    const rate =
      figure.megabytesPerSecond === undefined ? '' : `${figure.megabytesPerSecond.toFixed(0)} MB/s`;
    const spread =
      figure.nsP99 === undefined ? '' : `p50 ${figure.nsP50?.toFixed(0)}  p99 ${figure.nsP99.toFixed(0)}`;
    const value = `${figure.value.toFixed(figure.value < 10 ? 3 : 0)} ${figure.unit}`;
    console.log(`  ${figure.name.padEnd(62)} ${value.padStart(14)}  ${rate.padStart(10)}  ${spread}`);
  }
}

/** Seven digits are more than any clock here knows, and keep the files small enough to read. */
function rounded(figure: BenchFigure): BenchFigure {
  const short = (value: number) => Number(value.toPrecision(7));
  return Object.fromEntries(
    Object.entries(figure).map(([name, value]) => [
      name,
      typeof value === 'number' ? short(value) : Array.isArray(value) ? value.map(short) : value,
    ]),
  ) as unknown as BenchFigure;
}

function git(...args: string[]): string {
  try {
    return execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return 'unknown';
  }
}
