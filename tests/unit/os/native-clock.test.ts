import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import koffi from 'koffi';
import { expect, it, vi } from 'vitest';
import { nativeTimeSource } from '../../../src/os/native-clock.js';

const UNIX_EPOCH = 116_444_736_000_000_000n;
/**
 * One tick of the kernel's clock, in 100 ns, at the least rate that Linux is built with. Since Linux 6.13 a time that
 * someone has looked at is followed by a finer one on the same file system, which may be ahead of the coarse clock by
 * that much (Documentation/filesystems/multigrain-ts.rst); the precise clock would be ahead of every file by as much.
 */
const TICK = 100_000n;

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
    expect(now).toBeGreaterThanOrEqual(before - TICK);
    expect(now).toBeLessThanOrEqual(after);
  }
  rmSync(folder, { recursive: true });
});

it('on Windows reads the FILETIME of kernel32 each time it is asked', () => {
  const platform = Object.getOwnPropertyDescriptor(process, 'platform')!;
  const times = [0x01da_1234_89ab_cdefn, 0x01da_1235_0000_0001n];
  const declared: string[] = [];
  const load = vi.spyOn(koffi, 'load').mockImplementation((library) => {
    const func = (declaration: string) => {
      declared.push(`${library}: ${declaration}`);
      return (address: number) => new DataView(koffi.view(address, 8)).setBigUint64(0, times.shift()!, true);
    };
    return { func } as unknown as ReturnType<typeof koffi.load>;
  });
  Object.defineProperty(process, 'platform', { ...platform, value: 'win32' });
  try {
    const source = nativeTimeSource();
    const halves = new Uint32Array(2);
    source(halves);
    expect([...halves]).toEqual([0x89ab_cdef, 0x01da_1234]);
    source(halves);
    expect([...halves]).toEqual([1, 0x01da_1235]);
  } finally {
    Object.defineProperty(process, 'platform', platform);
    load.mockRestore();
  }
  expect(declared).toEqual(['kernel32.dll: void __stdcall GetSystemTimePreciseAsFileTime(uintptr_t time)']);
});
