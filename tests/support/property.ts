/**
 * Runs a property: first with every seed that has ever made it fail (tests/support/failed-seeds.json), then with new
 * ones. A failure prints its seed; anyone who mends it adds the seed to the file, so that it is met again at every run.
 */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';

interface FailedSeed {
  seed: number;
  /** How many runs it takes from this seed to the failure. */
  runs: number;
  /** What it found. */
  found: string;
}

const file = new URL('./failed-seeds.json', import.meta.url);
const failedSeeds = JSON.parse(readFileSync(file, 'utf8')) as Record<string, FailedSeed[]>;

/** `RAMDRIVE_PROPERTY_RUNS` says how many runs, otherwise `runs`. */
export function propertyRuns(runs: number): number {
  return Number(process.env.RAMDRIVE_PROPERTY_RUNS ?? runs);
}

export function holds<Ts>(
  name: string,
  property: fc.IProperty<Ts>,
  runs: number,
  failed: FailedSeed[] | undefined = failedSeeds[name],
): void {
  if (failed === undefined) throw new Error(`tests/support/failed-seeds.json has no list for "${name}"`);
  for (const { seed, runs: numRuns } of failed) fc.assert(property, { seed, numRuns });
  fc.assert(property, { numRuns: propertyRuns(runs) });
}
