import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { nativeTimeSource } from '../../../src/os/native-clock.js';

const UNIX_EPOCH = 116_444_736_000_000_000n;

it("is the clock of the system's file systems: what is made before and after is not older or newer", () => {
  const source = nativeTimeSource();
  const halves = new Uint32Array(2);
  const folder = mkdtempSync(join(tmpdir(), 'ramdrive-clock-'));
  const madeNow = (name: string): bigint => {
    const path = join(folder, name);
    writeFileSync(path, '');
    return statSync(path, { bigint: true }).mtimeNs / 100n;
  };
  for (let round = 0; round < 500; round++) {
    const before = madeNow(`before-${round}`);
    source(halves);
    const now = (BigInt(halves[1]!) << 32n) + BigInt(halves[0]!) - UNIX_EPOCH;
    const after = madeNow(`after-${round}`);
    expect(now).toBeGreaterThanOrEqual(before);
    expect(now).toBeLessThanOrEqual(after);
  }
  rmSync(folder, { recursive: true });
});
