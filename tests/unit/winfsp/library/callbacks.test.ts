/** koffi callbacks: what a volume registers is given back, types included. */
import { expect, it } from 'vitest';
import { CallbackSet, registeredCallbacks } from '../../../../src/winfsp/library/callbacks.js';

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
