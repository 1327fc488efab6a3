/** The ledger and the stock: exact counts, refusals that change nothing, runs instead of pages towards the OS. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NtStatus } from '../../../../src/ntstatus.js';
import {
  DEFAULT_WARM_BYTES,
  PagePool,
  type PagePoolOptions,
} from '../../../../src/volume/content/page-pool.js';
import { checkPool } from '../../../support/check-pool.js';
import { PlainPageMemory } from '../../../support/plain-page-memory.js';

function setUp(pageCount: number, options: PagePoolOptions = { warmPages: 0 }) {
  const memory = new PlainPageMemory({ pageSizeBytes: 8, pageCount });
  return { memory, pool: new PagePool(memory, options), pages: new Int32Array(pageCount) };
}

/** A file that is only a bag of pages, so that the pool can be checked alone. */
function bag(reservedPages: number, pages: Iterable<number>) {
  const allocated = [...pages];
  return {
    reservedPages,
    allocatedPages: allocated.length,
    visitPages: (v: (p: number) => void) => allocated.forEach(v),
    check: () => [],
  };
}

test('a reservation is all or nothing and ends exactly at the capacity', () => {
  const { pool } = setUp(10);
  expect(pool.reserve(9)).toBe(NtStatus.SUCCESS);
  expect(pool.reserve(2)).toBe(NtStatus.DISK_FULL);
  expect(pool.freePages).toBe(1);
  expect(pool.reserve(1)).toBe(NtStatus.SUCCESS);
  expect(pool.reserve(0)).toBe(NtStatus.SUCCESS);
  expect(pool.reserve(1)).toBe(NtStatus.DISK_FULL);
  expect(pool.reserve(2 ** 50)).toBe(NtStatus.DISK_FULL);
  expect(checkPool(pool, [bag(10, [])])).toEqual([]);
});

test('bugs of a caller are refused: no reservation, twice back, too much back', () => {
  const { pool, pages } = setUp(4);
  expect(() => pool.take(1, pages, 0)).toThrow(/take of 1/);
  pool.reserve(2);
  pool.take(2, pages, 0);
  expect(() => pool.take(1, pages, 2)).toThrow(/take of 1/);
  expect(() => pool.unreserve(1)).toThrow(/unreserve of 1/);
  pool.giveBack(pages, 0, 1);
  expect(() => pool.giveBack(pages, 0, 1)).toThrow(/twice/);
  expect(() => pool.unreserve(2)).toThrow(/unreserve of 2/);
  expect(() => pool.reserve(-1)).toThrow(RangeError);
  expect(() => pool.reserve(Number.NaN)).toThrow(RangeError);
  expect(() => pool.unreserve(Number.NaN)).toThrow();
});

test('pages come adjacent and ascending, also after they were given back in disorder', () => {
  const { pool, pages } = setUp(8, { warmPages: 8 });
  pool.reserve(8);
  pool.take(8, pages, 0);
  expect([...pages]).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  pool.giveBack(Int32Array.of(5, 2, 7, 0, 6, 1, 4, 3), 0, 8);
  pool.take(8, pages, 0);
  expect([...pages]).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});

test('only a used page is dirty; one that came back from the OS is zero', () => {
  const { pool, pages } = setUp(4, { warmPages: 2 });
  pool.reserve(2);
  pool.take(2, pages, 0);
  expect([pool.isZero(0), pool.isZero(1)]).toEqual([true, true]);
  pool.giveBack(pages, 0, 2);
  pool.take(1, pages, 0);
  expect(pool.isZero(pages[0]!)).toBe(false);
  pool.giveBack(pages, 0, 1);
  pool.unreserve(2);
  pool.reserve(4);
  pool.unreserve(4); // More than two warm pages: trimmed to one.
  pool.reserve(4);
  pool.take(4, pages, 0);
  expect([...pages].filter((page) => !pool.isZero(page)).length).toBeLessThanOrEqual(1);
});

describe('memory', () => {
  test('the OS is called by runs, not by pages', () => {
    const { pool, pages, memory } = setUp(100);
    pool.reserve(100);
    expect(memory.commitCalls).toBe(1);
    pool.take(100, pages, 0);
    pool.giveBack(pages, 0, 100);
    pool.unreserve(100);
    expect(memory.decommitCalls).toBe(1);
    pool.reserve(100); // Cold pages this time.
    expect(memory.commitCalls).toBe(2);
  });

  test('the warm stock stays within its limit, and trimming leaves half of it', () => {
    const { pool, memory } = setUp(100, { warmPages: 10 });
    pool.reserve(50);
    pool.unreserve(10);
    expect([pool.committedPages, memory.decommitCalls]).toEqual([50, 0]);
    pool.unreserve(1);
    expect([pool.committedPages, memory.decommitCalls]).toEqual([44, 1]);
    // Change within the stock costs no call at all.
    for (let i = 0; i < 50; i++) {
      pool.reserve(5);
      pool.unreserve(5);
    }
    expect([memory.commitCalls, memory.decommitCalls]).toEqual([1, 1]);
  });

  test('the default warm stock is given in bytes, and never larger than the volume', () => {
    const memory = new PlainPageMemory({ pageSizeBytes: 4096, pageCount: 4096 });
    expect(new PagePool(memory).warmLimitPages).toBe(DEFAULT_WARM_BYTES / 4096);
    expect(setUp(4, {}).pool.warmLimitPages).toBe(4);
    expect(() => setUp(4, { warmPages: -1 })).toThrow(/warmPages/);
    expect(() => setUp(4, { warmPages: Number.NaN })).toThrow(/warmPages/);
  });

  test('a refused commit rolls back what was committed before it, whichever call is refused', () => {
    for (let refusedCall = 1; refusedCall <= 4; refusedCall++) {
      const { pool, pages, memory } = setUp(12);
      // Cold stock in three separate runs (0, 2, 4-5) and the rest fresh.
      pool.reserve(6);
      pool.take(6, pages, 0);
      pool.giveBack(Int32Array.of(0, 2, 4, 5), 0, 4);
      pool.unreserve(4);
      const before = [pool.reservedPages, pool.committedPages, memory.residentBytes()];
      let call = 0;
      memory.failCommitWhen = () => ++call === refusedCall;
      expect(pool.reserve(10)).toBe(NtStatus.DISK_FULL);
      expect([pool.reservedPages, pool.committedPages, memory.residentBytes()]).toEqual(before);
      expect(checkPool(pool, [bag(2, [1, 3])])).toEqual([]);
      memory.failCommitWhen = undefined;
      expect(pool.reserve(10)).toBe(NtStatus.SUCCESS);
      pool.take(10, pages, 0);
      expect([...pages.subarray(0, 10)]).toEqual([0, 2, 4, 5, 6, 7, 8, 9, 10, 11]);
    }
  });

  test('preallocated memory is committed at once, never given back, and refused at construction', () => {
    const { pool, memory } = setUp(10, { preallocate: true, warmPages: 0 });
    expect(memory.residentBytes()).toBe(80);
    pool.reserve(10);
    pool.unreserve(10);
    expect([memory.commitCalls, memory.decommitCalls, pool.committedPages]).toEqual([1, 0, 10]);
    const refusing = new PlainPageMemory({ pageSizeBytes: 8, pageCount: 10, failCommitWhen: () => true });
    expect(() => new PagePool(refusing, { preallocate: true })).toThrow(/preallocation of 10 pages/);
  });

  test('preallocated memory is touched at once, all of it, in pieces and not byte by byte', () => {
    const memory = new PlainPageMemory({ pageSizeBytes: 8, pageCount: 10 });
    const touched = new Uint8Array(80);
    memory.zero = (address, length) => {
      memory.zeroCalls++;
      touched.fill(1, address, address + length);
    };
    new PagePool(memory, { preallocate: true });
    expect(touched.every((byte) => byte === 1)).toBe(true);
    expect(memory.zeroCalls).toBe(1);
  });

  test('new pages are announced by runs; used ones, preallocated ones and a single large one are not', () => {
    const announced: number[][] = [];
    const announce = (memory: PlainPageMemory) =>
      Object.assign(memory, { prefault: (first: number, count: number) => announced.push([first, count]) });
    const { pool, pages, memory } = setUp(8, { warmPages: 8 });
    announce(memory);
    pool.reserve(4);
    pool.take(4, pages, 0);
    pool.prefault(pages, 0, 4);
    pool.giveBack(Int32Array.of(1), 0, 1);
    pool.reserve(2);
    pool.take(3, pages, 0); // 1 is used, 4 and 5 are new.
    pool.prefault(pages, 0, 3);
    pool.reserve(1);
    pool.take(1, pages, 0);
    pool.prefault(pages, 0, 1);
    expect(announced).toEqual([
      [0, 4],
      [4, 2],
      [6, 1],
    ]);
    new PagePool(announce(new PlainPageMemory({ pageSizeBytes: 8, pageCount: 2 })), {
      preallocate: true,
    }).prefault(Int32Array.of(0), 0, 1);
    const large = new PagePool(announce(new PlainPageMemory({ pageSizeBytes: 65536, pageCount: 2 })));
    large.prefault(Int32Array.of(0), 0, 1);
    expect(announced.length).toBe(3);
  });

  test('a page that is taken alone is announced with those that are taken next, each once', () => {
    const announced: number[][] = [];
    const pageSizeBytes = 16384; // 128 KiB ahead are 8 pages.
    const memory = new PlainPageMemory({ pageSizeBytes, pageCount: 32 });
    Object.assign(memory, { prefault: (first: number, count: number) => announced.push([first, count]) });
    const pool = new PagePool(memory, { warmPages: 0 });
    const pages = new Int32Array(32);
    const takeOne = () => {
      pool.take(1, pages, 0);
      pool.prefault(pages, 0, 1);
      return pages[0];
    };
    const told = () => announced.splice(0);
    pool.reserve(20);
    for (let page = 0; page < 20; page++) expect(takeOne()).toBe(page);
    // Not beyond what is committed.
    expect(told()).toEqual([
      [0, 9],
      [9, 9],
      [18, 2],
    ]);

    // What was decommitted is new again, announced or not.
    pool.reserve(4);
    expect(takeOne()).toBe(20);
    pool.unreserve(3);
    pool.reserve(3);
    expect(takeOne()).toBe(21);
    expect(told()).toEqual([
      [20, 4],
      [21, 3],
    ]);

    // So are pages that were used, and come from the stock now.
    pool.giveBack(Int32Array.of(3, 4, 5), 0, 3);
    pool.unreserve(5);
    pool.reserve(3);
    const first = takeOne() as number;
    expect(told()).toEqual([[first, 3]]);
  });

  test('a capacity grows within the memory, and shrinks to what is reserved', () => {
    const memory = new PlainPageMemory({ pageSizeBytes: 8, pageCount: 20 });
    const pool = new PagePool(memory, { capacityPages: 8, warmPages: 100 });
    const pages = new Int32Array(20);
    expect(pool.capacityPages).toBe(8);
    expect(pool.reserve(9)).toBe(NtStatus.DISK_FULL);
    pool.reserve(8);
    pool.take(8, pages, 0);
    const figures = () => [pool.capacityPages, pool.freePages, pool.committedPages];
    expect(pool.resize(21)).toBe(NtStatus.INSUFFICIENT_RESOURCES);
    expect(pool.resize(7)).toBe(NtStatus.DISK_FULL);
    expect(figures()).toEqual([8, 0, 8]);
    expect(pool.resize(20)).toBe(NtStatus.SUCCESS);
    expect(figures()).toEqual([20, 12, 8]);
    pool.reserve(12);
    pool.take(12, pages, 8);
    expect([...pages].sort((a, b) => a - b)).toEqual([...Array(20).keys()]);
    pool.giveBack(pages, 2, 20);
    pool.unreserve(18);
    // Committed memory beyond the new capacity goes back at once.
    expect(figures()).toEqual([20, 18, 20]);
    expect(pool.resize(2)).toBe(NtStatus.SUCCESS);
    expect(figures()).toEqual([2, 0, 2]);
    expect(pool.warmLimitPages).toBe(2);
    const file = {
      reservedPages: 2,
      allocatedPages: 2,
      visitPages: (visit: (page: number) => void) => pages.subarray(0, 2).forEach(visit),
      check: () => [],
    };
    expect(checkPool(pool, [file])).toEqual([]);
    expect(pool.resize(0)).toBe(NtStatus.DISK_FULL);
    expect(pool.resize(Number.NaN)).toBe(NtStatus.DISK_FULL);
  });

  test('a preallocated pool takes and touches what it grows by, or stays as it is', () => {
    let refuses = false;
    const memory = new PlainPageMemory({ pageSizeBytes: 8, pageCount: 20, failCommitWhen: () => refuses });
    const touched = new Set<number>();
    const { zero } = memory;
    memory.zero = (address, length) => {
      for (let at = address; at < address + length; at += 8) touched.add(Math.floor(at / 8));
      zero.call(memory, address, length);
    };
    const pool = new PagePool(memory, { capacityPages: 8, preallocate: true });
    expect(touched.size).toBe(8);
    refuses = true;
    expect(pool.resize(12)).toBe(NtStatus.DISK_FULL);
    expect([pool.capacityPages, pool.committedPages]).toEqual([8, 8]);
    refuses = false;
    expect(pool.resize(12)).toBe(NtStatus.SUCCESS);
    expect([pool.capacityPages, pool.committedPages, touched.size]).toEqual([12, 12, 12]);
    expect(pool.resize(4)).toBe(NtStatus.SUCCESS);
    expect(pool.committedPages).toBe(4);
    touched.clear();
    expect(pool.resize(12)).toBe(NtStatus.SUCCESS);
    expect(touched.size).toBe(12);
    expect(checkPool(pool, [])).toEqual([]);
  });

  test('a used page goes back to the OS before one that was never touched', () => {
    const { pool, pages, memory } = setUp(8);
    pool.reserve(2);
    pool.take(2, pages, 0);
    pool.reserve(4); // A hole of another file, never touched.
    pool.giveBack(pages, 0, 2);
    pool.unreserve(2);
    expect([memory.isCommitted(0), memory.isCommitted(1), memory.isCommitted(2)]).toEqual([
      false,
      false,
      true,
    ]);
  });
});

describe('the self-check names what is wrong', () => {
  const pageOf = (pool: PagePool) => {
    const out = new Int32Array(1);
    pool.reserve(1);
    pool.take(1, out, 0);
    return out[0]!;
  };
  test.each([
    ['NoPageLeak: page 0 is nowhere', (_page: number) => [bag(1, [])]],
    [
      'NoPageLeak: page 0 is in 2 page tables, counted are 1',
      (page: number) => [bag(1, [page]), bag(0, [page])],
    ],
    ['NoPageLeak: page 3 is in the free stock and in a file', (page: number) => [bag(1, [page, 3])]],
    ['NoPageLeak: page 99 does not exist, but a file has it', (page: number) => [bag(1, [page, 99])]],
    [
      'FreeBytesAccurate: files, their attributes and snapshots reserve 2 pages',
      (page: number) => [bag(2, [page])],
    ],
    ['PoolConsistent: 0 pages are in use, the ledger says 1', (_page: number) => [bag(1, [])]],
  ])('%s', (text, files) => {
    const { pool } = setUp(4);
    const violations = checkPool(pool, files(pageOf(pool)));
    expect(violations.some((violation) => violation.startsWith(text))).toBe(true);
  });

  test('nothing, when nothing is wrong', () => {
    const { pool } = setUp(4);
    expect(checkPool(pool, [bag(1, [pageOf(pool)])])).toEqual([]);
  });
});

test('random reserves, takes and returns keep every invariant and lose no page', () => {
  const step = fc.record({
    op: fc.constantFrom('reserve', 'unreserve', 'take', 'giveBack', 'refuse', 'resize'),
    count: fc.nat(12),
    seed: fc.nat(1000),
  });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.nat(8),
      fc.array(step, { maxLength: 60, size: 'max' }),
      (n, warm, steps) => {
        const { pool, memory } = setUp(n + 8, { warmPages: warm, capacityPages: n });
        let capacity = n;
        let reserved = 0;
        const mine: number[] = [];
        for (const { op, count, seed } of steps) {
          if (op === 'refuse') memory.failCommitWhen = seed % 2 ? () => true : undefined;
          else if (op === 'reserve') {
            const status = pool.reserve(count);
            if (memory.failCommitWhen === undefined) expect(status >= 0).toBe(reserved + count <= capacity);
            if (status >= 0) reserved += count;
          } else if (op === 'resize') {
            const pages = count + (seed % 20);
            const status = pool.resize(pages);
            expect(status >= 0).toBe(pages >= Math.max(1, reserved) && pages <= n + 8);
            if (status >= 0) capacity = pages;
            expect(pool.capacityPages).toBe(capacity);
          } else if (op === 'unreserve') {
            const pages = Math.min(count, reserved - mine.length);
            pool.unreserve(pages);
            reserved -= pages;
          } else if (op === 'take') {
            const out = new Int32Array(Math.min(count, reserved - mine.length));
            pool.take(out.length, out, 0);
            for (const page of out) {
              const address = page * 8;
              if (pool.isZero(page)) expect([...memory.get(address, 8)]).toEqual(new Array(8).fill(0));
              memory.bytes.fill(0xaa, address, address + 8);
            }
            mine.push(...out);
          } else {
            const back = mine.splice(seed % (mine.length + 1), count);
            pool.giveBack(Int32Array.from(back), 0, back.length);
          }
          expect(checkPool(pool, [bag(reserved, mine)])).toEqual([]);
          expect(pool.committedPages - pool.reservedPages).toBeLessThanOrEqual(pool.warmLimitPages);
          expect(memory.residentBytes()).toBe(pool.committedPages * 8);
        }
      },
    ),
    { numRuns: 300 },
  );
}, 60_000);
