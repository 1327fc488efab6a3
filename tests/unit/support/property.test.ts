import fc from 'fast-check';
import { expect, it } from 'vitest';
import { holds } from '../../support/property.js';

const NAME = 'histories of requests';

it('tells the seed of a failure, which fails again from that seed', () => {
  const never = fc.property(fc.nat(), (n) => n % 5 !== 3);
  let message = '';
  try {
    holds(NAME, never, 100, []);
  } catch (error) {
    message = (error as Error).message;
  }
  const seed = Number(/seed: (-?\d+)/.exec(message)?.[1]);
  let runs = 0;
  const counted = fc.property(fc.nat(), (n) => {
    runs++;
    return n % 5 !== 3;
  });
  // No new runs: only the one that is known to fail can fail.
  expect(() => holds(NAME, counted, 0, [{ seed, runs: 100, found: 'threes' }])).toThrow(`seed: ${seed}`);
  expect(runs).toBeGreaterThan(0);
});

it('knows the names of its properties', () => {
  const anything = fc.property(fc.nat(), () => true);
  expect(() => holds('no such property', anything, 1)).toThrow(/failed-seeds.json has no list/);
});
