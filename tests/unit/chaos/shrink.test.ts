/** Failures that need some operations out of many become those. */
import { describe, expect, it } from 'vitest';
import { type ShrinkLimits, shrink } from '../../chaos/shrink.js';

/** Fails at its last needed operation when all of them are there, in order. */
const needing =
  (...needed: number[]) =>
  async (indexes: readonly number[]) =>
    needed.every((index) => indexes.includes(index)) ? indexes.indexOf(needed.at(-1)!) : null;

const LIMITS: ShrinkLimits = { attempts: 1000, milliseconds: 60_000 };

describe('shrink', () => {
  it.each([[[4999]], [[4000, 4999]], [[17, 2048, 2049, 4999]], [[0, 4999]]])(
    'finds exactly %j',
    async (needed) => {
      const result = await shrink(4999, [], needing(...needed), LIMITS);
      expect(result).toMatchObject({ indexes: needed, minimal: true });
      expect(result!.attempts).toBeLessThan(200);
    },
  );

  it('gets there with few attempts when it is told what touched the file', async () => {
    const related = Array.from({ length: 40 }, (_, i) => i * 125).concat(4999);
    const result = await shrink(4999, related, needing(1000, 2500, 4999), LIMITS);
    expect(result).toMatchObject({ indexes: [1000, 2500, 4999], minimal: true });
    expect(result!.attempts).toBeLessThan(40);
  });

  it('does not rely on it', async () => {
    const result = await shrink(4999, [3, 4, 4999], needing(1000, 4999), LIMITS);
    expect(result).toMatchObject({ indexes: [1000, 4999], minimal: true });
  });

  it('tries again what fails only every second time', async () => {
    let calls = 0;
    const flaky = async (indexes: readonly number[]) =>
      ++calls % 2 === 0 ? needing(10, 77, 99)(indexes) : null;
    expect(await shrink(99, [], flaky, LIMITS)).toMatchObject({ indexes: [10, 77, 99], minimal: true });
  });

  it('says that one worker alone does not fail', async () => {
    expect(await shrink(100, [], async () => null, LIMITS)).toBe(null);
  });

  it.each([
    ['in time', { attempts: 1000, milliseconds: 50 }],
    ['after so many attempts', { attempts: 4, milliseconds: 60_000 }],
  ])('ends %s, with what it has', async (_, limits) => {
    let calls = 0;
    const slow = async (indexes: readonly number[]) => {
      calls++;
      await new Promise((resolve) => setTimeout(resolve, 20));
      return needing(1, 50, 99)(indexes);
    };
    const result = await shrink(99, [], slow, limits);
    expect(result!.minimal).toBe(false);
    expect(result!.indexes).toContain(99);
    expect(calls).toBeLessThan(10);
  });
});
