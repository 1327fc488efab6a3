/**
 * Faults that drives of this kind had while their models passed (docs/verification.md), each played on the real pool
 * and files. Two pages or little more are enough for all of them. Renaming and the order of answers belong to the
 * volume and the host.
 */
import { expect, test } from 'vitest';
import { NtStatus } from '../../../src/ntstatus.js';
import { Rig } from './model.js';

const PAGE = 8;
const volume = (pages: number, warmPages = 100) => new Rig(PAGE, pages, warmPages);

test('1: room that was promised by an extension cannot be taken by another file', () => {
  const rig = volume(2);
  const [one, two] = [rig.create(), rig.create()];
  rig.setLength(one, 2 * PAGE);
  expect(two.real.write(0, 1, rig.source(1, 9))).toBe(NtStatus.DISK_FULL);
  expect(one.real.write(0, 2 * PAGE, rig.source(2 * PAGE, 1))).toBe(2 * PAGE);
  rig.put(one, 0, 2 * PAGE, 1);
  rig.verify();
});

test('2: room that was promised cannot be stolen through recycled pages', () => {
  const rig = volume(2);
  const [one, two] = [rig.create(), rig.create()];
  rig.write(one, 0, 2 * PAGE, 1);
  rig.setLength(one, 0);
  rig.setLength(one, 2 * PAGE);
  expect(two.real.write(0, 2 * PAGE, rig.source(2 * PAGE, 2))).toBe(NtStatus.DISK_FULL);
  expect(one.real.write(0, 2 * PAGE, rig.source(2 * PAGE, 3))).toBe(2 * PAGE);
  rig.put(one, 0, 2 * PAGE, 3);
  rig.verify();
});

test('3: a write and a promise look at the same counter, so the volume is never promised twice', () => {
  const rig = volume(2);
  const [one, two] = [rig.create(), rig.create()];
  rig.setAllocation(two, PAGE);
  expect(one.real.write(0, 2 * PAGE, rig.source(2 * PAGE, 1))).toBe(NtStatus.DISK_FULL);
  rig.setAllocation(two, 0);
  rig.write(one, 0, 2 * PAGE, 1);
  expect(two.real.setAllocation(PAGE)).toBe(NtStatus.DISK_FULL);
  expect(two.real.setLength(1)).toBe(NtStatus.DISK_FULL);
  rig.verify();
  expect(rig.pool.freePages).toBe(0);
});

test('4: a write in promised room never gives the room up on the way, at whatever call one looks', () => {
  const rig = volume(2, 0);
  const [one, two] = [rig.create(), rig.create()];
  rig.write(one, 0, 2 * PAGE, 9);
  rig.setLength(one, 0);
  rig.setLength(one, 2 * PAGE);
  const free: number[] = [];
  observeCalls(rig, () => free.push(rig.pool.freePages));
  rig.write(one, 3, PAGE, 1);
  expect(free.length).toBeGreaterThan(0);
  expect(new Set(free)).toEqual(new Set([0]));
  expect(two.real.setLength(1)).toBe(NtStatus.DISK_FULL);
  rig.verify();
});

test('5: of two writes that fit alone but not together, the second is refused and takes no part', () => {
  const rig = volume(3);
  const [one, two] = [rig.create(), rig.create()];
  rig.write(one, 0, 2 * PAGE, 1);
  rig.write(two, 0, 2 * PAGE, 2);
  expect([one.bytes.length, two.bytes.length]).toEqual([2 * PAGE, 0]);
  expect(rig.pool.freePages).toBe(1);
  rig.write(two, 0, PAGE, 3);
  expect(rig.pool.freePages).toBe(0);
  rig.verify();
});

test('6: an observer never sees negative or excessive free space, at whatever call it looks', () => {
  const rig = volume(4, 1);
  const seen: number[] = [];
  const look = () => {
    seen.push(rig.pool.freePages);
    expect(rig.pool.allocatedPages).toBeLessThanOrEqual(rig.pool.reservedPages);
    expect(rig.pool.reservedPages).toBeLessThanOrEqual(rig.pool.committedPages);
  };
  observeCalls(rig, look);
  const [one, two] = [rig.create(), rig.create()];
  for (let round = 0; round < 3; round++) {
    rig.write(one, 3, 2 * PAGE, 1);
    rig.setAllocation(two, 1);
    rig.setLength(one, PAGE + 1);
    rig.write(two, 0, PAGE, 2);
    rig.setLength(one, 0);
    rig.setLength(two, 0);
  }
  expect(seen.length).toBeGreaterThan(20);
  expect(seen.every((free) => free >= 0 && free <= 4)).toBe(true);
  rig.finish();
});

test('7: a refused write leaves the ledger exactly as it was', () => {
  const rig = volume(3);
  const [one, two] = [rig.create(), rig.create()];
  rig.write(one, 0, PAGE, 1);
  rig.setAllocation(two, PAGE);
  const before = [rig.pool.reservedPages, rig.pool.allocatedPages, rig.pool.committedPages];
  rig.write(one, 0, 3 * PAGE, 2);
  expect(one.bytes.length).toBe(PAGE);
  expect([rig.pool.reservedPages, rig.pool.allocatedPages, rig.pool.committedPages]).toEqual(before);
  rig.finish();
});

test('8: a file that goes leaves nothing behind, and a write to it afterwards takes nothing', () => {
  const rig = volume(2);
  const one = rig.create();
  rig.write(one, 0, PAGE, 1);
  rig.setLength(one, 2 * PAGE);
  rig.dispose(one);
  expect([rig.pool.reservedPages, rig.pool.allocatedPages]).toEqual([0, 0]);
  rig.write(one, 0, PAGE, 2);
  rig.write(rig.create(), 0, 2 * PAGE, 2);
  rig.finish();
});

test('9: running out half way is a refusal that changes nothing, and no stray page shows up later', () => {
  const rig = volume(3);
  const one = rig.create();
  rig.write(one, 0, PAGE + 3, 1);
  expect(one.real.write(PAGE, 3 * PAGE, rig.source(3 * PAGE, 2))).toBe(NtStatus.DISK_FULL);
  rig.verify();
  rig.setLength(one, 3 * PAGE);
  rig.verify(); // The new part reads as zeros.
  rig.finish();
});

test('9: a truncated page tail and recycled pages read as zeros after extending again', () => {
  const rig = volume(2);
  const [one, two] = [rig.create(), rig.create()];
  rig.write(one, 0, 2 * PAGE, 7);
  rig.setLength(one, 3);
  rig.setLength(one, 2 * PAGE);
  rig.verify();
  rig.setLength(one, 0);
  rig.write(two, 5, 1, 8); // A recycled page, written in the middle: old content around it must be gone.
  rig.verify();
});

test('10: contents live and die with their own file only', () => {
  const rig = volume(4);
  const [one, two] = [rig.create(), rig.create()];
  rig.write(one, 0, 2 * PAGE, 1);
  rig.write(two, 0, 2 * PAGE, 2);
  rig.dispose(two);
  rig.dispose(two); // Destroyed exactly once, no matter who asks again.
  rig.verify();
  expect(rig.pool.freePages).toBe(2);
});

test('11: a shorter write after a longer one does not shorten the file', () => {
  const rig = volume(4);
  const one = rig.create();
  rig.write(one, 0, 3 * PAGE, 1);
  rig.write(one, 0, PAGE, 2);
  expect(one.real.lengthBytes).toBe(3 * PAGE);
  rig.verify();
});

/** Calls `look` before each call that the pool and its files make to the memory. */
function observeCalls(rig: Rig, look: () => void): void {
  for (const call of ['commit', 'decommit', 'copy', 'zero'] as const) {
    const original = rig.memory[call].bind(rig.memory) as (a: number, b: number, c: number) => boolean;
    rig.memory[call] = ((a: number, b: number, c: number) => {
      look();
      return original(a, b, c);
    }) as never;
  }
}
