/**
 * `--compare`: what changed between two result files beyond noise. Ratios are always compared; absolute figures only
 * when both files come from the same kind of machine, because they do not travel.
 */
import { NOISE_WITHOUT_ROUNDS, noiseBand } from './noise.js';
import { ratiosOf } from './ratios.js';
import { type BenchFigure, keyOf, type ResultFile, spreadOfFigure } from './results.js';

const MAX_NAMED = 10;

interface Change {
  key: string;
  unit: string;
  before: number;
  after: number;
  /** What was added, as a part of the old value; infinite when that was 0. */
  change: number;
  /** How much may differ by chance. */
  band: number;
  /** null where nothing says which way is good. */
  better: boolean | null;
}

export interface Comparison {
  before: ResultFile;
  after: ResultFile;
  sameMachine: boolean;
  /** Beyond noise, the largest first. */
  changes: Change[];
  compared: number;
  onlyBefore: string[];
  onlyAfter: string[];
}

interface Value {
  value: number;
  noise: number;
  unit: string;
}

/** Throws when the files are of different layers: they have nothing in common. */
export function compare(before: ResultFile, after: ResultFile): Comparison {
  if (before.layer !== after.layer) {
    throw new RangeError(`two files of one layer expected, not of ${before.layer} and ${after.layer}`);
  }
  const sameMachine =
    before.machine.cpu === after.machine.cpu &&
    before.machine.cpus === after.machine.cpus &&
    before.machine.node === after.machine.node;
  const [old, now] = [before, after].map(({ figures }) => valuesOf(figures, sameMachine));
  const changes: Change[] = [];
  let compared = 0;
  for (const [key, { value, noise, unit }] of now!) {
    const previous = old!.get(key);
    if (previous === undefined) continue;
    compared++;
    // By the old value's size: what a process has grown by can be below 0. 0 / 0 is no change.
    const change = value === previous.value ? 0 : (value - previous.value) / Math.abs(previous.value);
    const band = noiseBand(noise) + noiseBand(previous.noise);
    if (Math.abs(change) > band) {
      const up = moreIsBetter(unit);
      changes.push({
        key,
        unit,
        before: previous.value,
        after: value,
        change,
        band,
        better: up === null ? null : up === change > 0,
      });
    }
  }
  changes.sort((a, b) => Math.abs(b.change) - Math.abs(a.change));
  return {
    before,
    after,
    sameMachine,
    changes,
    compared,
    onlyBefore: [...old!.keys()].filter((key) => !now!.has(key)),
    onlyAfter: [...now!.keys()].filter((key) => !old!.has(key)),
  };
}

export function printComparison({
  before,
  after,
  sameMachine,
  changes,
  compared,
  onlyBefore,
  onlyAfter,
}: Comparison): void {
  for (const [word, { date, commit, command, machine }] of [
    ['before', before],
    ['after', after],
  ] as const) {
    const load = machine.loadAverage === undefined ? '' : `  (load ${machine.loadAverage.toFixed(1)})`;
    console.log(`${word.padEnd(7)} ${date}  ${commit}  ${command}${load}`);
  }
  if (!sameMachine)
    console.log('different machines: only ratios are compared, absolute figures do not travel');
  for (const { key, unit, before: old, after: now, change, band, better } of changes) {
    const word = better === null ? 'changed' : better ? 'better' : 'WORSE';
    console.log(
      `${word.padEnd(8)} ${(change > 0 ? '+' : '') + percent(change)} (noise ${percent(band)})  ${key}: ${short(old)} → ${short(now)} ${unit}`,
    );
  }
  console.log(`${compared} figures compared, ${changes.length} changed beyond noise`);
  printOnly('before', onlyBefore);
  printOnly('after', onlyAfter);
}

/** A part of a run beside a whole one lacks almost everything: that is said, and the first ones are named. */
function printOnly(word: string, keys: readonly string[]): void {
  if (keys.length === 0) return;
  const more = keys.length > MAX_NAMED ? `; and ${keys.length - MAX_NAMED} more` : '';
  console.log(`only ${word}: ${keys.slice(0, MAX_NAMED).join('; ')}${more}`);
}

function percent(part: number): string {
  return Number.isFinite(part) ? `${(part * 100).toFixed(0)} %` : 'from 0';
}

function valuesOf(figures: readonly BenchFigure[], absolute: boolean): Map<string, Value> {
  const values = new Map<string, Value>();
  for (const { key, median, noise } of ratiosOf(figures)) {
    values.set(`ratio ${key}`, { value: median, noise, unit: '×' });
  }
  for (const figure of absolute ? figures : []) {
    const noise = spreadOfFigure(figure)?.noise ?? NOISE_WITHOUT_ROUNDS;
    values.set(keyOf(figure), { value: figure.value, noise, unit: figure.unit });
  }
  return values;
}

/**
 * By the unit: a rate or a ratio should grow; a time, an amount of memory, or either as a part of something should
 * shrink.
 */
function moreIsBetter(unit: string): boolean | null {
  if (unit === '×' || unit.endsWith('/s')) return true;
  return /^(ns|µs|ms|s|bytes|B|KiB|MiB|of what is stored|of bindfs's time)(?![\p{L}])/u.test(unit)
    ? false
    : null;
}

function short(value: number): string {
  return Math.abs(value) >= 1000 ? value.toFixed(0) : value.toPrecision(3);
}
