/**
 * The driver layer: the RAM drive beside WinFsp's own memfs, both on WinFsp's genuine driver and library, which run in one
 * process under Wine above a user-mode kernel of this project (native/driver-rig). What is compared is what the two file
 * systems, the library and the driver do; the kernel below is the same simple model for both, so absolute figures mean
 * nothing, and Windows' own cache, memory and I/O managers are not in them.
 */
import path from 'node:path';
import { runProgram } from '../../scripts/realworld/program.js';
import { median } from '../noise.js';
import { printComparisonRow } from '../print-row.js';
import { type BenchFigure, writeResults } from '../results.js';
import type { RunOptions } from '../run-options.js';
import { GROUP } from './names.js';
import type { Sample } from './rounds-client.js';

const ROUNDS = 9;
const MILLISECONDS = 400;
const QUICK_ROUNDS = 3;
const QUICK_MILLISECONDS = 100;
const LIMIT_MS = 1_500_000;
const NOT_TO_BE_HAD = 3;

/** Returns the file that was written, null when nothing can be measured here. */
export async function run(options: RunOptions): Promise<string | null> {
  const [rounds, milliseconds] = options.quick ? [QUICK_ROUNDS, QUICK_MILLISECONDS] : [ROUNDS, MILLISECONDS];
  const script = path.join('scripts', 'driver', 'measure.mjs');
  const words = [String(rounds), String(milliseconds), ...options.words];
  const { code, stdout, stderr } = await runProgram(process.execPath, [script, ...words], {
    limitMs: LIMIT_MS,
    onStart: (child) => child.stderr?.pipe(process.stderr),
  });
  if (code === NOT_TO_BE_HAD) {
    console.log(`skipped: ${stdout.trim()}`);
    return null;
  }
  if (code !== 0) throw new Error(`${script} failed (${code}): ${stdout}${stderr.slice(-2000)}`);
  const figures = figuresOf(stdout);
  for (const name of new Set(figures.map((figure) => figure.name))) {
    printComparisonRow(figures.filter((figure) => figure.name === name));
  }
  return writeResults('driver', figures, options);
}

function figuresOf(output: string): BenchFigure[] {
  const samples = output
    .split(/\r?\n/)
    .filter((line) => line.startsWith('sample\t'))
    .map((line) => JSON.parse(line.slice('sample\t'.length)) as Sample);
  const keys = new Set(samples.map(({ name, contender }) => `${name}\t${contender}`));
  return [...keys].map((key): BenchFigure => {
    const own = samples.filter(({ name, contender }) => `${name}\t${contender}` === key);
    const { name, contender, unit } = own[0]!;
    const rounds = own.map(({ rate }) => rate);
    const cpuRounds = own.flatMap(({ cpuRate }) => cpuRate ?? []);
    return {
      group: GROUP,
      name,
      contender,
      unit,
      value: median(rounds),
      rounds,
      ...(cpuRounds.length < rounds.length ? {} : { cpuRounds }),
      pinned: true,
    };
  });
}
