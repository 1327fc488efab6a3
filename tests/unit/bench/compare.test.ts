import { describe, expect, it } from 'vitest';
import { compare } from '../../../bench/compare.js';
import { resultFile, workload } from './figures.js';

const file = (ramdrive: number[], tmpfs: number[], cpu = 'a CPU') => {
  const made = resultFile(workload('sequential read', '1 MiB', { ramdrive, tmpfs }));
  return { ...made, machine: { ...made.machine, cpu } };
};

describe('compare', () => {
  it('says nothing about what changed within noise', () => {
    expect(
      compare(file([95, 100, 105], [200, 200, 200]), file([98, 103, 108], [200, 200, 200])).changes,
    ).toEqual([]);
  });

  it('tells better from worse by the unit', () => {
    const { changes, compared } = compare(
      file([100, 100, 100], [100, 100, 100]),
      file([100, 100, 100], [50, 50, 50]),
    );
    // The ratio has doubled because the peer has halved.
    expect(changes.map(({ key, better }) => [key, better])).toEqual([
      ['ratio sequential read: 1 MiB / tmpfs', true],
      ['sequential read: 1 MiB, tmpfs', false],
    ]);
    expect(compared).toBe(3);
  });

  it('reads a time the other way round', () => {
    const timed = (value: number) => resultFile([{ group: 'page-pool', name: 'take', value, unit: 'ns/op' }]);
    expect(compare(timed(100), timed(200)).changes).toMatchObject([{ better: false, change: 1 }]);
    expect(compare(timed(200), timed(100)).changes).toMatchObject([{ better: true, change: -0.5 }]);
  });

  it.each([
    ['MiB', -3, 2, false],
    ['MiB', 3, -2, true],
    ['bytes a request', 0, 16, false],
    ['bytes a request', 16, 0, true],
    ['of what is stored', 1.1, 2, false],
    ["of bindfs's time", 1.1, 2, false],
    ['operations/s', 100, 200, true],
  ])('%s: from %d to %d', (unit, before, after, better) => {
    const one = (value: number) => resultFile([{ group: 'g', name: 'n', value, unit }]);
    expect(compare(one(before), one(after)).changes).toMatchObject([{ before, after, better }]);
    expect(compare(one(after), one(after)).changes).toEqual([]);
  });

  it('refuses files of different layers', () => {
    expect(() => compare(resultFile([]), resultFile([], { layer: 'core' }))).toThrow('end-to-end and core');
  });

  it('compares ratios alone across machines', () => {
    const { changes, sameMachine } = compare(
      file([100, 100], [100, 100]),
      file([900, 900], [900, 900], 'another CPU'),
    );
    expect(sameMachine).toBe(false);
    expect(changes).toEqual([]);
  });

  it('names what only one file has', () => {
    const { onlyBefore, onlyAfter } = compare(
      file([1, 1], [1, 1]),
      resultFile(workload('g', 'new', { ramdrive: [1, 1] })),
    );
    expect(onlyBefore).toHaveLength(3);
    expect(onlyAfter).toEqual(['g: new, ramdrive']);
  });
});
