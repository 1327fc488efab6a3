/**
 * Chaos can fail: for each of a set of deliberate defects, a run finds it within 60 seconds, says so, and ends with
 * exit code 1.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { whyNoMounts } from '../../support/machine.js';
import { buildMutant } from '../../support/mutate.js';
import { MOMENT_MUTANTS, MUTANTS } from './mutants.js';
import { chaos, expectRepeatedWell, keptRuns, removeEvidence } from './program.js';

const reason = whyNoMounts();
if (reason !== null) {
  console.log(`skipped: chaos on mutants: ${reason}.`);
}

describe.skipIf(reason !== null)('chaos on a drive with a defect', () => {
  const plain = MUTANTS.map((mutant) => [mutant.name, mutant, '--capacity 32M --faults fill'] as const);
  const atMoments = MOMENT_MUTANTS.map(
    (mutant) => [mutant.name, mutant, '--capacity 64M --faults none --moments'] as const,
  );
  it.each([...plain, ...atMoments])('finds that %s', async (_, mutant, options) => {
    const { root, remove } = buildMutant(mutant);
    try {
      const line = `--duration 60s --workers 3 --seed 1 ${options} --no-shrink`;
      const outcome = await chaos(line, root);
      expect(outcome.stderr).toBe('');
      expect(outcome.stdout).toContain('FINDING');
      expect(outcome.code).toBe(1);
      removeEvidence(outcome);
    } finally {
      remove();
    }
  });

  it('makes the way to a defect short, can go it again, and keeps it as a test that fails', async () => {
    const mutant = MUTANTS.find(({ name }) => name === 'a truncation leaves the rest of the last page')!;
    const { root, remove } = buildMutant(mutant);
    try {
      const outcome = await chaos(
        '--operations 3000 --workers 2 --seed 3 --capacity 64M --faults none',
        root,
      );
      const found = /^(\d+) operations of worker \d are enough \(none can be left out/m.exec(outcome.stdout);
      expect(Number(found?.[1])).toBeLessThanOrEqual(8);
      const repeat = /^repeat: npm run chaos -- (.* --replay .*)$/m.exec(outcome.stdout)![1]!;
      const again = await chaos(`${repeat} --no-shrink`, root);
      expect(again.code).toBe(1);
      removeEvidence(outcome);
      removeEvidence(again);
      const seeds = join(root, 'seeds.jsonl');
      const lines = outcome.stdout.match(/(?<=^line for tests\/chaos\/seeds\.jsonl: ).*$/gm)!;
      writeFileSync(seeds, `${lines.at(-1)}\n`);
      const [kept] = keptRuns(seeds);
      expect(kept!.arguments).toBe(repeat);
      await expect(expectRepeatedWell(kept!, root)).rejects.toThrow('0 integrity failures');
      // Without the defect the same operations are fine.
      await expectRepeatedWell(kept!);
    } finally {
      remove();
    }
  }, 500_000);
});
