/** The three phases: what happens between them must never matter. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NtStatus } from '../../../../src/ntstatus.js';
import { WriteInFlight } from '../../../../src/volume/content/write-in-flight.js';
import { Rig } from '../model.js';

const PAGE = 8;
const PHASES = ['scan', 'take', 'commit'] as const;

test('two writes of the same hole: the second takes what the first had in hand, and neither is refused', () => {
  const rig = new Rig(PAGE, 1, 0);
  const one = rig.create();
  rig.setLength(one, PAGE);
  const [first, second] = [rig.begin(one, 0, PAGE, 1), rig.begin(one, 2, 3, 2)];
  rig.phase(first, 'scan');
  rig.phase(first, 'take');
  rig.phase(second, 'scan');
  rig.phase(second, 'take');
  expect([first.write.handCount, second.write.handCount]).toEqual([1, 0]);
  rig.verify();
  rig.phase(second, 'commit'); // NoSilentLoss: inside the length, although the only page is in another hand.
  expect(first.write.handCount).toBe(0);
  rig.verify();
  rig.phase(first, 'commit');
  rig.finish();
});

test('a write that was refused early succeeds when another request has paid for the range meanwhile', () => {
  const rig = new Rig(PAGE, 2, 0);
  const one = rig.create();
  const [first, second] = [rig.begin(one, 0, 2 * PAGE, 1), rig.begin(one, PAGE, PAGE, 2)];
  rig.phase(first, 'scan');
  expect(second.write.scanAndReserve()).toBe(NtStatus.DISK_FULL);
  rig.phase(first, 'commit');
  rig.phase(second, 'commit');
  expect(one.bytes.slice(PAGE)).toEqual(new Array(PAGE).fill(2));
  rig.verify();
});

test('a truncation between take and commit takes the pages back, and the write reserves anew', () => {
  const rig = new Rig(PAGE, 3, 0);
  const [one, two] = [rig.create(), rig.create()];
  rig.setLength(one, 2 * PAGE);
  const flight = rig.begin(one, 0, 2 * PAGE, 1);
  rig.phase(flight, 'scan');
  rig.phase(flight, 'take');
  rig.setLength(one, 0);
  expect([rig.pool.allocatedPages, rig.pool.reservedPages]).toEqual([0, 0]);
  rig.write(two, 0, 2 * PAGE, 5);
  rig.phase(flight, 'commit'); // One page is free, two are needed: refused, nothing changed.
  expect(one.real.lengthBytes).toBe(0);
  rig.finish();
});

test('surplus reservation and pages go back at the commit point', () => {
  const rig = new Rig(PAGE, 4, 0);
  const one = rig.create();
  const [first, second] = [rig.begin(one, 0, 2 * PAGE, 1), rig.begin(one, 0, 2 * PAGE, 2)];
  for (const phase of ['scan', 'take'] as const) {
    rig.phase(first, phase);
    rig.phase(second, phase);
  }
  expect([rig.pool.reservedPages, rig.pool.allocatedPages]).toEqual([4, 4]);
  rig.phase(first, 'commit');
  rig.verify();
  rig.phase(second, 'commit');
  expect([rig.pool.reservedPages, rig.pool.allocatedPages]).toEqual([2, 2]);
  rig.finish();
});

test('phases may be left out and repeated', () => {
  const rig = new Rig(PAGE, 4, 0);
  const one = rig.create();
  rig.phase(rig.begin(one, 3, 10, 1), 'commit');
  const flight = rig.begin(one, 3, 20, 2);
  for (const phase of ['take', 'scan', 'scan', 'take', 'take', 'commit'] as const) rig.phase(flight, phase);
  rig.phase(rig.begin(one, 0, 0, 0), 'commit');
  rig.finish();
});

test('one object serves many writes, and a finished one refuses further phases', () => {
  const rig = new Rig(PAGE, 4, 0);
  const one = rig.create();
  const write = new WriteInFlight();
  for (let i = 1; i <= 3; i++) {
    expect(one.real.beginWrite(0, i * PAGE, write)).toBe(write);
    expect(() => one.real.beginWrite(0, 1, write)).toThrow(/begun again/);
    expect(write.assignAndCopy(rig.source(i * PAGE, i))).toBe(i * PAGE);
    rig.put(one, 0, i * PAGE, i);
    rig.verify();
  }
  expect(() => write.scanAndReserve()).toThrow(/finished/);
  expect(() => write.takePages()).toThrow(/finished/);
  expect(() => write.assignAndCopy(0)).toThrow(/finished/);
});

test('no heap for the page table is a refusal, not a crash', () => {
  const rig = new Rig(PAGE, 4, 0);
  const one = rig.create();
  const reserve = one.real.table.reserve;
  one.real.table.reserve = () => {
    throw new RangeError('Array buffer allocation failed');
  };
  expect(one.real.write(0, 2 * PAGE, rig.source(2 * PAGE, 1))).toBe(NtStatus.INSUFFICIENT_RESOURCES);
  rig.verify();
  one.real.table.reserve = reserve;
  rig.write(one, 0, 2 * PAGE, 1);
  rig.finish();
});

describe('every interleaving of two writes and one other operation', () => {
  const others = {
    truncate: (rig: Rig) => rig.setLength(rig.pairs[0]!, 3),
    extend: (rig: Rig) => rig.setLength(rig.pairs[0]!, 3 * PAGE),
    allocate: (rig: Rig) => rig.setAllocation(rig.pairs[0]!, 3 * PAGE),
    dispose: (rig: Rig) => rig.dispose(rig.pairs[0]!),
    'write another file': (rig: Rig) => rig.write(rig.pairs[1]!, 0, 2 * PAGE, 9),
  };
  const orders = interleavings(PHASES.length, PHASES.length);
  for (const [name, other] of Object.entries(others)) {
    test(name, () => {
      for (const pages of [1, 2, 3, 4, 6]) {
        for (const length of [0, PAGE + 2]) {
          for (const order of orders) {
            for (let at = 0; at <= order.length; at++) {
              const rig = new Rig(PAGE, pages, 0);
              const one = rig.create();
              rig.create();
              rig.setLength(one, length);
              const flights = [rig.begin(one, 2, PAGE, 1), rig.begin(one, PAGE, 2 * PAGE, 2)];
              const next = [0, 0];
              for (let step = 0; step <= order.length; step++) {
                if (step === at) other(rig);
                if (step === order.length) break;
                const who = order[step]!;
                rig.phase(flights[who]!, PHASES[next[who]!++]!);
                expect(rig.pool.check(rig.pairs.map((pair) => pair.real))).toEqual([]);
              }
              rig.verify();
              rig.finish();
            }
          }
        }
      }
    }, 60_000);
  }
});

function interleavings(a: number, b: number): number[][] {
  if (a === 0) return [new Array<number>(b).fill(1)];
  if (b === 0) return [new Array<number>(a).fill(0)];
  return [
    ...interleavings(a - 1, b).map((rest) => [0, ...rest]),
    ...interleavings(a, b - 1).map((rest) => [1, ...rest]),
  ];
}

test('offsets around 2^31, 2^32 and 2^53 are exact, in pages large enough to get there', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(2 ** 31, 2 ** 32, 2 ** 40, 2 ** 53 - 2),
      fc.integer({ min: -2, max: 2 }),
      (base, d) => {
        const rig = new Rig(PAGE, 4, 0);
        const one = rig.create();
        expect(one.real.setLength(base + d)).toBe(NtStatus.DISK_FULL);
        expect(one.real.setAllocation(base + d)).toBe(NtStatus.DISK_FULL);
        expect(one.real.write(base + d, PAGE, rig.source(PAGE, 1))).toBe(NtStatus.DISK_FULL);
        const write = one.real.beginWrite(base + d, PAGE);
        expect(write.scanAndReserve()).toBe(NtStatus.DISK_FULL);
        expect(write.takePages()).toBe(0);
        expect(write.assignAndCopy(rig.source(PAGE, 1))).toBe(NtStatus.DISK_FULL);
        expect(one.real.read(base + d, PAGE, rig.memory.scratchAddress)).toBe(0);
        rig.finish();
      },
    ),
  );
});
