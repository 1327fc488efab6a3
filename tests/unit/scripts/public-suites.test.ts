/** What is expected of pjdfstest: a listed test that passes is as wrong as another one that fails. */
import { expect, test } from 'vitest';
import { EXPECTED, type Outcome, problemsOf } from '../../../scripts/public-suites/pjdfstest.js';

const asExpected = (): Map<string, Outcome> =>
  new Map<string, Outcome>([
    ['chmod::changes', 'ok'],
    ...Object.entries(EXPECTED).map(([name, [outcome]]): [string, Outcome] => [name, outcome]),
  ]);

test('what is as expected is no problem', () => {
  expect(problemsOf(asExpected())).toEqual([]);
});

test.each(['FAILED', 'skipped'] as const)('a test that is not listed and %s is one', (outcome) => {
  expect(problemsOf(asExpected().set('chmod::changes', outcome))).toEqual([
    `chmod::changes: ${outcome}, expected is ok`,
  ]);
});

test('so is a listed one that passes, fails otherwise, or is gone', () => {
  const outcomes = asExpected().set('link::link_count_max', 'ok').set('rmdir::erofs_named', 'FAILED');
  outcomes.delete('unlink::erofs_named');
  const problems = problemsOf(outcomes);
  expect(problems).toHaveLength(3);
  expect(problems).toContainEqual(expect.stringMatching(/^link::link_count_max: ok, expected is skipped \(/));
  expect(problems).toContain('unlink::erofs_named: there is no such test any more');
});
