/**
 * `--check`: no ratio may have fallen below the recorded one by more than the noise of both, neither by the clock nor
 * by CPU time, which still holds when others disturb. Ratios of interleaved rounds travel from machine to machine, as
 * far as those are alike; absolute figures do not, so they are not judged. What was not measured this time, or scatters
 * too much to be judged, is named, not passed.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { noiseBand, type Spread } from './noise.js';
import { type Ratio, ratiosOf } from './ratios.js';
import { RECORDED, type ResultFile, readResults } from './results.js';

/** Where noise lets a ratio fall by more than this part, a check that passes says nothing. */
const MAX_BAND = 0.5;

export interface Verdict {
  ratio: string;
  by: 'clock' | 'CPU time';
  recorded: number;
  now: number;
  /** The least that passes. */
  least: number;
  outcome: 'held' | 'fell' | 'too noisy';
}

/** How many ratios are recorded for a layer: those that a check can be against. */
export function recordedRatios(layer: string): number {
  const file = fileOf(layer);
  return existsSync(file) ? ratiosOf(readResults(file).figures).length : 0;
}

/**
 * Prints what fell; returns how many did. Nothing measured is one failure: a check that compares nothing must not pass.
 */
export function check(layer: string, now: ResultFile | null): number {
  const file = fileOf(layer);
  const recorded = ratiosOf(readResults(file).figures);
  const measured = ratiosOf(now?.figures ?? []);
  const verdicts = judge(recorded, measured);
  if (verdicts.length === 0) {
    console.log(`FAILED: ${layer}: none of the ${recorded.length} ratios of ${file} was measured`);
    return 1;
  }
  const having = (outcome: Verdict['outcome']) => verdicts.filter((verdict) => verdict.outcome === outcome);
  const fallen = having('fell');
  for (const { ratio, by, recorded: before, now: after, least } of fallen) {
    console.log(
      `FELL: ${ratio}, by ${by}: ${after.toFixed(3)}, recorded ${before.toFixed(3)}, at least ${least.toFixed(3)}`,
    );
  }
  const judged = new Set(verdicts.map(({ ratio }) => ratio)).size;
  console.log(
    `${layer}: ${judged} ratios checked against ${file}: ${verdicts.length} verdicts by the clock and by CPU time, ` +
      `${having('held').length} held, ${fallen.length} fell, ${having('too noisy').length} too noisy to tell`,
  );
  if (recorded.length > judged) {
    console.log(`${layer}: ${recorded.length - judged} recorded ratios were not measured this time`);
  }
  return fallen.length;
}

export function judge(recorded: readonly Ratio[], now: readonly Ratio[]): Verdict[] {
  const before = new Map(recorded.map((ratio) => [ratio.key, ratio]));
  return now.flatMap((ratio) => {
    const old = before.get(ratio.key);
    if (old === undefined) return [];
    return [
      verdictOf(ratio.key, 'clock', old, ratio),
      ...(old.cpu && ratio.cpu ? [verdictOf(ratio.key, 'CPU time', old.cpu, ratio.cpu)] : []),
    ];
  });
}

function verdictOf(ratio: string, by: Verdict['by'], old: Spread, now: Spread): Verdict {
  const band = noiseBand(old.noise) + noiseBand(now.noise);
  const least = old.median * (1 - band);
  const outcome = now.median < least ? 'fell' : band > MAX_BAND ? 'too noisy' : 'held';
  return { ratio, by, recorded: old.median, now: now.median, least, outcome };
}

function fileOf(layer: string): string {
  return path.join(RECORDED, `${layer}.json`);
}
