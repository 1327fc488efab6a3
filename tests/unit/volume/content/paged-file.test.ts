/** What a file promises to one caller at a time; random histories are in paged-file.property.test.ts. */
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { NtStatus } from '../../../../src/ntstatus.js';
import { PagePool } from '../../../../src/volume/content/page-pool.js';
import { PageTable } from '../../../../src/volume/content/page-table.js';
import { PagedFile } from '../../../../src/volume/content/paged-file.js';
import { checkPool } from '../../../support/check-pool.js';
import { PlainPageMemory } from '../../../support/plain-page-memory.js';
import { Rig } from '../model.js';

const PAGE = 8;

test('lengths and reserves at every size around a page', () => {
  for (const bytes of [0, 1, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE - 1, 2 * PAGE, 2 * PAGE + 1]) {
    const rig = new Rig(PAGE, 4, 0);
    const one = rig.create();
    rig.write(one, 0, bytes, 1);
    expect(one.real.allocationSizeBytes).toBe(Math.ceil(bytes / PAGE) * PAGE);
    expect(one.real.allocatedPages).toBe(Math.ceil(bytes / PAGE));
    rig.setLength(one, Math.max(0, bytes - 1));
    rig.setLength(one, bytes);
    rig.verify();
    rig.finish();
  }
});

test('a file of exactly the free size fits; one byte more is refused and changes nothing', () => {
  const rig = new Rig(PAGE, 4, 0);
  for (let round = 0; round < 200; round++) {
    const one = rig.create();
    expect(one.real.write(0, 4 * PAGE + 1, rig.source(4 * PAGE + 1, 1))).toBe(NtStatus.DISK_FULL);
    expect([one.real.lengthBytes, rig.pool.freePages, rig.pool.allocatedPages]).toEqual([0, 4, 0]);
    rig.write(one, 0, 4 * PAGE, 1);
    expect(rig.pool.freePages).toBe(0);
    rig.dispose(one);
    rig.pairs.length = 0;
  }
  rig.finish();
});

test('a hole is reserved but holds nothing, and reads as zeros across its borders', () => {
  const rig = new Rig(PAGE, 10, 0);
  const one = rig.create();
  rig.write(one, 5 * PAGE + 3, 2, 7);
  expect([one.real.allocatedPages, one.real.reservedPages]).toEqual([1, 6]);
  rig.write(one, PAGE, 1, 8);
  rig.verify();
  rig.setLength(one, 9 * PAGE + 1);
  expect([one.real.allocatedPages, one.real.reservedPages]).toEqual([2, 10]);
  rig.verify();
});

test('reads and writes from the middle of a page across pages that are not adjacent', () => {
  const rig = new Rig(PAGE, 12, 0);
  const [one, two] = [rig.create(), rig.create()];
  for (let i = 0; i < 5; i++) {
    rig.write(one, i * PAGE, PAGE, 10 + i);
    rig.write(two, i * PAGE, PAGE, 20 + i);
  }
  for (let at = 0; at < 5 * PAGE; at++) for (let n = 0; n < 5 * PAGE; n += 3) rig.read(one, at, n);
  rig.write(one, 3, 4 * PAGE, 99);
  rig.verify();
});

test('reads stop at the end of the file', () => {
  const rig = new Rig(PAGE, 4, 0);
  const one = rig.create();
  rig.write(one, 0, 10, 3);
  const to = rig.memory.scratchAddress;
  expect(one.real.read(0, 100, to)).toBe(10);
  expect(one.real.read(9, 5, to)).toBe(1);
  expect(one.real.read(10, 5, to)).toBe(0);
  expect(one.real.read(2 ** 52, 5, to)).toBe(0);
  expect(one.real.read(3, 0, to)).toBe(0);
});

test('a zero-length write changes nothing, wherever it points', () => {
  const rig = new Rig(PAGE, 2, 0);
  const one = rig.create();
  for (const offset of [0, 5, 2 ** 40]) expect(one.real.write(offset, 0, 0)).toBe(0);
  expect([one.real.lengthBytes, rig.pool.reservedPages, rig.memory.copyCalls]).toEqual([0, 0, 0]);
});

test('allocation: room beyond the length, kept by writes, dropped by truncation and trim', () => {
  const rig = new Rig(PAGE, 8, 0);
  const one = rig.create();
  rig.setAllocation(one, 4 * PAGE - 1);
  expect([one.real.lengthBytes, one.real.allocationSizeBytes]).toEqual([0, 4 * PAGE]);
  rig.write(one, 0, 2 * PAGE, 1);
  expect(one.real.reservedPages).toBe(4);
  rig.setAllocation(one, 3 * PAGE);
  expect(one.real.reservedPages).toBe(3);
  rig.setAllocation(one, PAGE + 1);
  expect([one.real.lengthBytes, one.real.reservedPages]).toEqual([PAGE + 1, 2]);
  rig.setAllocation(one, 8 * PAGE);
  rig.trim(one);
  expect(one.real.reservedPages).toBe(2);
  rig.setAllocation(one, 8 * PAGE);
  rig.setLength(one, PAGE);
  expect(one.real.reservedPages).toBe(1);
  expect(one.real.setAllocation(9 * PAGE)).toBe(NtStatus.DISK_FULL);
  expect(one.real.reservedPages).toBe(1);
  rig.verify();
});

test('one copy serves all adjacent pages, one zeroing all adjacent holes', () => {
  const rig = new Rig(PAGE, 64, 0);
  const one = rig.create();
  const source = rig.source(32 * PAGE, 1);
  rig.memory.copyCalls = 0;
  one.real.write(3, 31 * PAGE, source);
  expect(rig.memory.copyCalls).toBe(1);
  one.real.write(PAGE, 20 * PAGE, source);
  expect(rig.memory.copyCalls).toBe(2);
  rig.memory.copyCalls = 0;
  rig.memory.zeroCalls = 0;
  one.real.setLength(60 * PAGE);
  one.real.read(0, 60 * PAGE, rig.memory.scratchAddress);
  expect([rig.memory.copyCalls, rig.memory.zeroCalls]).toEqual([1, 1]);

  // Holes within the page table and behind it are one hole.
  const two = rig.create().real;
  one.real.dispose();
  two.setLength(10 * PAGE);
  two.write(0, 2 * PAGE, source);
  two.setLength(20 * PAGE);
  rig.memory.zeroCalls = 0;
  two.read(0, 20 * PAGE, rig.memory.scratchAddress);
  expect(rig.memory.zeroCalls).toBe(1);
});

test('only what a write does not cover of a recycled page is zeroed', () => {
  const rig = new Rig(PAGE, 4, 4);
  const [one, two] = [rig.create(), rig.create()];
  rig.write(one, 0, 4 * PAGE, 0xff);
  rig.setLength(one, 0);
  rig.memory.zeroCalls = 0;
  rig.write(two, 0, 3 * PAGE, 1);
  expect(rig.memory.zeroCalls).toBe(0);
  rig.write(two, 3 * PAGE + 2, 3, 2);
  expect(rig.memory.zeroCalls).toBe(2);
  rig.verify();
});

test('a long file grows by little and by much, shrinks, and reads the same', () => {
  const memory = new PlainPageMemory({ pageSizeBytes: 4, pageCount: 20000, scratchBytes: 100000 });
  const pool = new PagePool(memory, { warmPages: 10 });
  const file = new PagedFile(pool);
  const content = new Uint8Array(79000).map((_, i) => i * 7 + (i >> 8));
  for (let at = 0; at < content.length; at += 37) {
    const part = content.subarray(at, at + 37);
    expect(file.write(at, part.length, memory.put(part))).toBe(part.length);
  }
  for (const length of [79000, 78999, 40001, 12000, 11, 5, 4, 3, 0]) {
    file.setLength(length);
    expect(file.read(0, 100000, memory.scratchAddress)).toBe(length);
    expect(Buffer.compare(memory.get(memory.scratchAddress, length), content.subarray(0, length))).toBe(0);
    expect(checkPool(pool, [file])).toEqual([]);
  }
  expect([pool.allocatedPages, pool.reservedPages]).toEqual([0, 0]);
});

test('a disposed file is empty and refuses change', () => {
  const rig = new Rig(PAGE, 4, 0);
  const one = rig.create();
  rig.write(one, 0, 20, 1);
  rig.dispose(one);
  expect(one.real.isDisposed).toBe(true);
  expect(one.real.read(0, 20, rig.memory.scratchAddress)).toBe(0);
  expect(one.real.write(0, 1, rig.memory.scratchAddress)).toBe(NtStatus.FILE_DELETED);
  expect(one.real.setLength(1)).toBe(NtStatus.FILE_DELETED);
  expect(one.real.setAllocation(1)).toBe(NtStatus.FILE_DELETED);
  one.real.trimAllocation();
  expect(one.real.write(0, 0, 0)).toBe(NtStatus.FILE_DELETED);
  rig.verify();
});

test('offsets that are no offsets are bugs of the caller', () => {
  const rig = new Rig(PAGE, 4, 0);
  const one = rig.create().real;
  for (const bad of [-1, Number.NaN]) {
    expect(() => one.read(bad, 1, 0)).toThrow(RangeError);
    expect(() => one.write(bad, 1, 0)).toThrow(RangeError);
    expect(() => one.write(0, bad, 0)).toThrow(RangeError);
    expect(() => one.setLength(bad)).toThrow(RangeError);
    expect(() => one.setAllocation(bad)).toThrow(RangeError);
    expect(() => one.overwrite(bad)).toThrow(RangeError);
  }
});

test('an address that is no number is refused before anything changes', () => {
  const rig = new Rig(PAGE, 4, 4);
  const one = rig.create();
  for (const bad of [Number.NaN, 1.5, 2 ** 53, 5n as unknown as number]) {
    expect(() => one.real.write(0, 12, bad)).toThrow(RangeError);
    rig.verify();
  }
  rig.finish();
});

test('a truncation does not fail for want of heap', () => {
  const rig = new Rig(PAGE, 64, 0);
  const one = rig.create();
  rig.write(one, 0, 40 * PAGE, 1);
  const slice = Int32Array.prototype.slice;
  let asked = 0;
  Int32Array.prototype.slice = () => {
    asked++;
    throw new RangeError('Array buffer allocation failed');
  };
  try {
    rig.setLength(one, 3 * PAGE);
  } finally {
    Int32Array.prototype.slice = slice;
  }
  expect(asked).toBe(1); // The table does follow the file's size down.
  rig.verify();
  rig.write(one, 30 * PAGE, 3, 2);
  rig.finish();
});

test('a copy that throws leaves a ledger that adds up', () => {
  const rig = new Rig(PAGE, 4, 0);
  const one = rig.create();
  expect(() => one.real.write(0, 12, 5)).toThrow(RangeError); // An address that is nobody's.
  expect(checkPool(rig.pool, [one.real])).toEqual([]);
  one.real.dispose();
  expect([rig.pool.allocatedPages, rig.pool.reservedPages]).toEqual([0, 0]);
  rig.write(rig.fresh(), 0, PAGE, 1);
});

test('no heap for the page table is a refusal, not a crash', () => {
  const rig = new Rig(PAGE, 4, 0);
  const one = rig.create();
  const reserve = vi.spyOn(PageTable.prototype, 'reserve').mockImplementation(() => {
    throw new RangeError('Array buffer allocation failed');
  });
  expect(one.real.write(0, 2 * PAGE, rig.source(2 * PAGE, 1))).toBe(NtStatus.INSUFFICIENT_RESOURCES);
  expect(rig.pool.freePages).toBe(4);
  rig.verify();
  reserve.mockRestore();
  rig.write(one, 0, 2 * PAGE, 1);
  rig.finish();
});

test('a write larger than the kept array of pages, and one after it', () => {
  const pages = 70_000;
  const memory = new PlainPageMemory({ pageSizeBytes: 4, pageCount: pages, scratchBytes: 4 * pages });
  const pool = new PagePool(memory);
  const file = new PagedFile(pool);
  const content = Buffer.alloc(4 * pages, 'abcdefg');
  for (const length of [4 * pages, 4 * 2000]) {
    expect(file.write(0, length, memory.put(content.subarray(0, length)))).toBe(length);
    expect(file.read(0, length, memory.scratchAddress)).toBe(length);
    expect(Buffer.compare(memory.get(memory.scratchAddress, length), content.subarray(0, length))).toBe(0);
    expect(checkPool(pool, [file])).toEqual([]);
    file.setLength(0);
  }
});

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
        expect(one.real.read(base + d, PAGE, rig.memory.scratchAddress)).toBe(0);
        rig.finish();
      },
    ),
  );
});
