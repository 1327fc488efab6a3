import { expect, it } from 'vitest';
import { nativeTimeSource } from '../../../src/os/native-clock.js';
import { timeFromMilliseconds } from '../../../src/volume/file-clock.js';

const whole = (halves: Uint32Array) => BigInt(halves[1]!) * 0x1_0000_0000n + BigInt(halves[0]!);

it('agrees with the clock of milliseconds, and is finer', () => {
  const native = nativeTimeSource();
  const coarse = timeFromMilliseconds(Date.now);
  const read = (source: (halves: Uint32Array) => void) => {
    const halves = new Uint32Array(2);
    source(halves);
    return whole(halves);
  };
  let fine = 0;
  for (let round = 0; round < 1000; round++) {
    const before = read(coarse);
    const now = read(native);
    const after = read(coarse) + 10_000n;
    expect(now).toBeGreaterThanOrEqual(before);
    expect(now).toBeLessThan(after);
    if (now % 10_000n !== 0n) fine++;
  }
  expect(fine).toBeGreaterThan(900);
});
