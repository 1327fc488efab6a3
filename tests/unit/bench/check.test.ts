import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { check, judge, recordedRatios } from '../../../bench/check.js';
import { ratiosOf } from '../../../bench/ratios.js';
import { resultFile, workload } from './figures.js';

const ratios = (ramdrive: number[], peer: number[]) =>
  ratiosOf(workload('group', 'name', { ramdrive, peer }));

describe('judge', () => {
  it('lets a ratio pass that moved within its noise', () => {
    const [verdict] = judge(ratios([90, 100, 110], [100, 100, 100]), ratios([88, 92, 96], [100, 100, 100]));
    expect(verdict).toMatchObject({ recorded: 1, now: 0.92, outcome: 'held' });
  });

  it('fails one that fell by more than the noise of both', () => {
    const [verdict] = judge(ratios([99, 100, 101], [100, 100, 100]), ratios([85, 85, 85], [100, 100, 100]));
    expect(verdict).toMatchObject({ recorded: 1, now: 0.85, outcome: 'fell' });
    expect(verdict!.least).toBeCloseTo(0.9, 10);
  });

  it('never fails one that rose', () => {
    const [verdict] = judge(ratios([50, 50, 50], [100, 100, 100]), ratios([100, 100, 100], [100, 100, 100]));
    expect(verdict!.outcome).not.toBe('fell');
  });

  it('does not pass what scatters so much that half of it could be lost', () => {
    const noisy = ratios([50, 100, 150], [100, 100, 100]);
    expect(judge(noisy, ratios([80, 80, 80], [100, 100, 100]))).toMatchObject([{ outcome: 'too noisy' }]);
    expect(judge(noisy, ratios([40, 40, 40], [100, 100, 100]))).toMatchObject([{ outcome: 'fell' }]);
  });

  it('sees by CPU time what noise of the clock hides', () => {
    const withCpu = (cpu: number) =>
      ratiosOf(
        workload('group', 'name', { ramdrive: [50, 100, 150], peer: [100, 100, 100] }).map((figure) => ({
          ...figure,
          cpuRounds: figure.contender === 'ramdrive' ? [cpu, cpu, cpu] : [100, 100, 100],
        })),
      );
    expect(judge(withCpu(100), withCpu(85))).toMatchObject([
      { by: 'clock', outcome: 'too noisy' },
      { by: 'CPU time', outcome: 'fell', recorded: 1, now: 0.85 },
    ]);
  });

  it('does not judge what was not recorded', () => {
    expect(judge([], ratios([1, 1], [1, 1]))).toEqual([]);
  });
});

describe('check', () => {
  const home = process.cwd();
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ramdrive-check-'));
    process.chdir(folder);
    mkdirSync(join('bench', 'results'), { recursive: true });
    const recorded = resultFile(workload('g', 'n', { ramdrive: [100, 100], peer: [100, 100] }));
    writeFileSync(join('bench', 'results', 'end-to-end.json'), JSON.stringify(recorded));
    vi.spyOn(console, 'log').mockImplementation(() => {});
  });
  afterEach(() => {
    vi.restoreAllMocks();
    process.chdir(home);
    rmSync(folder, { recursive: true });
  });

  it('counts what fell', () => {
    const now = (ramdrive: number) =>
      resultFile(workload('g', 'n', { ramdrive: [ramdrive, ramdrive], peer: [100, 100] }));
    expect(check('end-to-end', now(100))).toBe(0);
    expect(check('end-to-end', now(50))).toBe(1);
  });

  it('fails when nothing that is recorded was measured', () => {
    expect(check('end-to-end', null)).toBe(1);
    expect(check('end-to-end', resultFile([]))).toBe(1);
    expect(console.log).toHaveBeenLastCalledWith(expect.stringContaining('none of the 1 ratios'));
  });

  it('knows which layers have something to check', () => {
    expect(recordedRatios('end-to-end')).toBe(1);
    expect(recordedRatios('core')).toBe(0);
  });
});

describe('ratiosOf', () => {
  it('leaves out what was not pinned', () => {
    const unpinned = workload('g', 'n', { ramdrive: [1], peer: [2] }).map((one) => ({
      ...one,
      pinned: false,
    }));
    expect(ratiosOf(unpinned)).toEqual([]);
  });

  it('compares the RAM drive with each peer of the same workload, and nobody else with anyone', () => {
    const figures = [
      ...workload('g', 'n', { ramdrive: [1], a: [2], b: [4] }),
      ...workload('g', 'other', { a: [1], b: [1] }),
    ];
    expect(ratiosOf(figures).map(({ peer, median }) => [peer, median])).toEqual([
      ['a', 0.5],
      ['b', 0.25],
    ]);
  });
});
