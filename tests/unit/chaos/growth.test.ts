/** Growth is told from noise and from warming up, and a long run's lists stay short. */
import { describe, expect, it } from 'vitest';
import { growthOf, growthText } from '../../chaos/report/growth.js';
import type { Sample } from '../../chaos/sampler.js';
import { Thinned } from '../../chaos/thinned.js';

const MIB = 1024 * 1024;

function samples(driverMib: (seconds: number) => number): Sample[] {
  return Array.from(
    { length: 2000 },
    (_, second) =>
      ({
        atSeconds: second,
        driveBytes: (100 + (second % 50)) * MIB,
        ledger: { allocatedBytes: (second % 50) * MIB },
        workersBytes: (second % 2) * MIB,
        driverBytes: driverMib(second) * MIB,
        auditorBytes: 0,
      }) as Sample,
  );
}

describe('growthOf', () => {
  it('finds a leak of 36 MiB an hour', () => {
    expect(growthOf(samples((s) => 50 + s / 100))!.mebibytesPerHour.driver).toBeCloseTo(36);
  });

  it('finds none in what only warms up, and none in pages that files hold', () => {
    const growth = growthOf(samples((s) => Math.min(s, 200)))!;
    expect(growth.mebibytesPerHour).toMatchObject({ driver: 0, drive: 0 });
    expect(growth.mebibytesPerHour.clients).toBeCloseTo(0, 1);
    expect(growth.means.driver).toEqual([200, 200]);
  });

  it('does not judge a short run', () => {
    expect(growthOf(samples(() => 1).slice(0, 1500))).toBe(null);
    expect(growthText([])).toContain('too short');
  });
});

describe('Thinned', () => {
  it('keeps some of everything, evenly', () => {
    const list = new Thinned<number>(10);
    for (let i = 0; i < 1000; i++) {
      list.push(i);
    }
    const { entries } = list;
    expect(entries.length).toBeGreaterThan(4);
    expect(entries.length).toBeLessThanOrEqual(10);
    expect(entries).toEqual(entries.map((_, index) => index * entries[1]!));
  });
});
