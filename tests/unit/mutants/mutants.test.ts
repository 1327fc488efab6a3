/**
 * The faults that are put into the code on purpose still find their place in it: one that does not is never noticed by
 * any test.
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { MOMENT_MUTANTS, MUTANTS } from '../../integration/chaos/mutants.js';

interface ListedMutant {
  name: string;
  file: string;
  find: string;
  replace: string;
}

const listed = JSON.parse(
  readFileSync(new URL('../../mutants/mutants.json', import.meta.url), 'utf8'),
) as ListedMutant[];
const all = [
  ...listed.map((mutant) => [mutant.name, mutant] as const),
  ...[...MUTANTS, ...MOMENT_MUTANTS].flatMap(({ name, patches }) =>
    patches.map((patch) => [`chaos: ${name}`, patch] as const),
  ),
];

test.each(all)('%s', (_, { file, find, replace }) => {
  const source = readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8');
  expect(source.split(find).length - 1).toBe(1);
  expect(replace).not.toBe(find);
});
