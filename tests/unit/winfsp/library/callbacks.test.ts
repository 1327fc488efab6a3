/** koffi callbacks: what a volume registers is given back, types included. */
import { Worker } from 'node:worker_threads';
import koffi from 'koffi';
import { expect, it } from 'vitest';
import { NtStatus } from '../../../../src/ntstatus.js';
import { splitUint64, type Uint64Argument, unsignedOf } from '../../../../src/winfsp/abi/fields.js';
import { CallbackSet, registeredCallbacks } from '../../../../src/winfsp/library/callbacks.js';
import { usedCallbackSlots } from '../../../support/callback-slots.js';
import { Host } from '../fixtures/host.js';
import { volumeRequest } from '../fixtures/script-client.js';

const PARAMETERS = [['uintptr_t'], ['uintptr_t', 'uint32_t'], ['uintptr_t', 'uintptr_t', 'uint64_t']];

function registerAndGiveBack(times: number): void {
  for (let i = 0; i < times; i++) {
    const set = new CallbackSet(() => {});
    for (let k = 0; k < 30; k++) {
      set.add('Any', 'NTSTATUS', PARAMETERS[k % PARAMETERS.length]!, () => 0);
    }
    set.unregisterAll();
  }
}

it('thousands of volumes need no more memory than one', () => {
  const gc = globalThis.gc!;
  registerAndGiveBack(10);
  gc();
  const before = process.memoryUsage().heapUsed;
  registerAndGiveBack(400);
  gc();
  // koffi keeps every type that was ever made: one for each callback would be some 14 MiB here.
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(4 * 2 ** 20);
  expect(registeredCallbacks()).toBe(0);
});

it('nothing gets out of a callback: not what it throws, and not what its report throws', () => {
  const set = new CallbackSet(() => {
    throw new Error('the report, too');
  });
  const address = set.add('Any', 'NTSTATUS', ['uintptr_t'], (succeeds: number) => {
    if (succeeds === 1) {
      return 7;
    }
    throw new Error('a bug');
  });
  const call = koffi.decode(BigInt(address), koffi.proto('int32_t', ['uintptr_t'])) as (n: number) => number;
  expect([1, 0, 1, 0].map((succeeds) => call(succeeds))).toEqual([
    7,
    NtStatus.INTERNAL_ERROR,
    7,
    NtStatus.INTERNAL_ERROR,
  ]);
  set.unregisterAll();
});

it.each(['process.exit(3)', 'throw new Error("a bug")', 'process.exitCode = 0'])(
  'a thread that ends by %s gives its slots back',
  async (end) => {
    const before = usedCallbackSlots();
    const url = new URL('../../../../dist/src/winfsp/library/callbacks.js', import.meta.url).href;
    const body = `import(${JSON.stringify(url)}).then(({ CallbackSet }) => {
      const set = new CallbackSet(() => {});
      for (let i = 0; i < 100; i++) set.add('Any', 'NTSTATUS', ['uintptr_t'], () => 0);
      setImmediate(() => { ${end} });
    })`;
    const worker = new Worker(body, { eval: true });
    worker.on('error', () => {});
    await new Promise((resolve) => worker.once('exit', resolve));
    expect(usedCallbackSlots()).toBe(before);
  },
);

it('a thread that ends inside one of its callbacks gives their slots back', async () => {
  const before = usedCallbackSlots();
  for (let round = 0; round < 3; round++) {
    const host = await Host.start({ behaviour: { broken: { getVolumeInfo: 'dies' } } });
    host.client.submit(volumeRequest());
    await host.exited();
    host.reference.stopForExit(0);
  }
  expect(usedCallbackSlots()).toBe(before);
});

it('64-bit arguments arrive whole, from 0 to 2^64 - 1', () => {
  const halves = new Int32Array(2);
  let seen = 0n;
  const set = new CallbackSet(() => {});
  const address = set.add('Any', 'NTSTATUS', ['uint64_t'], (value: Uint64Argument) => {
    splitUint64(value, halves, 0);
    seen = (BigInt(halves[1]! >>> 0) << 32n) | BigInt(halves[0]! >>> 0);
    return unsignedOf(value) === Number(seen) ? 0 : 1;
  });
  const call = koffi.decode(BigInt(address), koffi.proto('int32_t', ['uint64_t'])) as (n: bigint) => number;
  for (let bits = 0n; bits <= 64n; bits++) {
    for (const value of [2n ** bits - 1n, 2n ** bits, 2n ** bits + 1n].filter((n) => n < 2n ** 64n)) {
      expect([call(value), seen]).toEqual([0, value]);
    }
  }
  set.unregisterAll();
});
