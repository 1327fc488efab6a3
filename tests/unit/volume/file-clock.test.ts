import { describe, expect, it } from 'vitest';
import { FileClock, type FileTime, timeFromMilliseconds } from '../../../src/volume/file-clock.js';

const clockOf = (nowMs: () => number) => new FileClock(timeFromMilliseconds(nowMs));
const whole = ({ low, high }: FileTime) => (BigInt(high) << 32n) | BigInt(low >>> 0);
const filetime = (ms: number) => (BigInt(ms) + 11_644_473_600_000n) * 10_000n;

describe('FileClock', () => {
  it('is exact for any date', () => {
    for (const ms of [
      0,
      1,
      65_535,
      65_536,
      1_700_000_000_123,
      Date.UTC(2107, 11, 31, 23, 59, 59, 999),
      2 ** 43,
    ]) {
      expect(whole(clockOf(() => ms).now())).toBe(filetime(ms));
    }
    expect(whole(clockOf(() => Date.UTC(1970, 0, 1)).now())).toBe(116_444_736_000_000_000n);
  });

  it('is never ahead of its source: readings within one tick are the same', () => {
    const clock = clockOf(() => 1_700_000_000_000);
    for (let i = 0; i < 1000; i++) expect(whole(clock.now())).toBe(filetime(1_700_000_000_000));
  });

  it('does not go back when the clock is slewed, but follows when it is set', () => {
    let ms = 1_700_000_000_000;
    const clock = clockOf(() => ms);
    const first = whole(clock.now());
    ms -= 999;
    const second = whole(clock.now());
    expect(second).toBe(first);
    ms -= 3_600_000;
    expect(whole(clock.now())).toBe(filetime(ms));
    ms += 86_400_000;
    expect(whole(clock.now())).toBe(filetime(ms));
  });

  it('takes a clock with fractions of milliseconds, and times before 1970', () => {
    expect(whole(clockOf(() => 1000.75).now())).toBe(filetime(1000) + 7500n);
    expect(whole(clockOf(() => -1).now())).toBe(filetime(-1));
  });
});
