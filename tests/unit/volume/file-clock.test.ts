import { describe, expect, it } from 'vitest';
import { nativeTimeSource } from '../../../src/os/native-clock.js';
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

  it('gives each of many readings within one millisecond a later time, across every carry', () => {
    const clock = clockOf(() => 1_700_000_000_000);
    const first = filetime(1_700_000_000_000);
    const wrong: string[] = [];
    for (let i = 0n; i < 25_000n; i++) {
      const now = whole(clock.now());
      if (now !== first + i) wrong.push(`reading ${i}: ${now}`);
    }
    expect(wrong).toEqual([]);
  });

  it('does not go back when the clock is slewed, but follows when it is set', () => {
    let ms = 1_700_000_000_000;
    const clock = clockOf(() => ms);
    const first = whole(clock.now());
    ms -= 999;
    const second = whole(clock.now());
    expect(second > first).toBe(true);
    ms -= 3_600_000;
    expect(whole(clock.now())).toBe(filetime(ms));
    ms += 86_400_000;
    expect(whole(clock.now())).toBe(filetime(ms));
  });

  it('takes a clock with fractions of milliseconds, and times before 1970', () => {
    expect(whole(clockOf(() => 1000.75).now())).toBe(filetime(1000) + 7500n);
    expect(whole(clockOf(() => -1).now())).toBe(filetime(-1));
  });

  it('carries from one half to the other', () => {
    const clock = new FileClock((halves) => halves.set([0xffff_fffe, 5]));
    const readings = Array.from({ length: 4 }, () => whole(clock.now()));
    const first = (5n << 32n) + 0xffff_fffen;
    expect(readings).toEqual([first, first + 1n, first + 2n, first + 3n]);
  });
});

describe('the native clock', () => {
  it('agrees with Date.now and is finer', () => {
    const source = nativeTimeSource();
    const halves = new Uint32Array(2);
    const read = () => {
      source(halves);
      return (BigInt(halves[1]!) << 32n) | BigInt(halves[0]!);
    };
    for (let i = 0; i < 100; i++) {
      const before = filetime(Date.now());
      const now = read();
      const after = filetime(Date.now() + 1);
      expect(now >= before && now <= after, `${before} ≤ ${now} ≤ ${after}`).toBe(true);
    }
    expect(new Set(Array.from({ length: 1000 }, () => read() % 10_000n)).size).toBeGreaterThan(10);
  });
});
