import { describe, expect, it } from 'vitest';
import { GROUP, WORKLOAD_NAMES } from '../../../../bench/driver/names.js';
import { SCALES, scaling, WORKLOADS } from '../../../../bench/end-to-end/workloads.js';
import * as passthrough from '../../../../bench/host/passthrough.js';
import * as prices from '../../../../bench/host/prices.js';
import { CASES } from '../../../../bench/read-path/cases.js';
import { judgeTargets, TARGETS } from '../../../../bench/report/targets.js';
import { workload } from '../figures.js';

describe('judgeTargets', () => {
  it('judges growth by what an operation costs, not by its rate', () => {
    const group = 'large directory: create, close, unlink';
    const at = (rate: number) => [
      ...workload(group, '1,000 files', { ramdrive: [100] }),
      ...workload(group, '1,000,000 files', { ramdrive: [rate] }),
    ];
    const verdict = (rate: number) => judgeTargets(at(rate)).find(({ what }) => what.startsWith(group));
    expect(verdict(60)).toMatchObject({ value: '1.67', met: true });
    expect(verdict(40)).toMatchObject({ value: '2.50', met: false });
  });

  it('does not call met what was not measured', () => {
    expect(judgeTargets([]).every(({ met }) => met === null)).toBe(true);
  });

  it('asks for workloads that exist', () => {
    const host = [
      ...prices.SERVERS.map((name) => ({ group: prices.PRICE, name })),
      { group: passthrough.GROUP, name: passthrough.RATIO },
    ];
    const driver = WORKLOAD_NAMES.map((name) => ({ group: GROUP, name }));
    const measured = [...WORKLOADS, ...SCALES.flatMap(scaling), ...CASES, ...host, ...driver].map(
      ({ group, name }) => `${group}: ${name}`,
    );
    const figures = measured.flatMap((words) => {
      const at = words.lastIndexOf(': ');
      return workload(words.slice(0, at), words.slice(at + 2), {
        ramdrive: [1],
        'c-winfsp': [1],
        'c-libfuse3': [1],
        tmpfs: [1],
        'fuse-native': [1],
        memcpy: [1],
        memfs: [1],
      });
    });
    const missing = judgeTargets(figures).filter(
      ({ met, what }) => met === null && !what.startsWith('memory'),
    );
    expect(missing).toEqual([]);
    expect(TARGETS.length).toBeGreaterThan(15);
  });
});
