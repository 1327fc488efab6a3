/** The test double must catch what it promises to catch. */
import { expect, test } from 'vitest';
import { PlainPageMemory } from '../../support/plain-page-memory.js';

const setUp = () =>
  new PlainPageMemory({ pageSizeBytes: 4, pageCount: 4, scratchBytes: 16, baseAddress: 1000 });

test('uncommitted pages hold junk and cannot be touched; committed ones are zero', () => {
  const memory = setUp();
  expect(() => memory.copy(1016, 1000, 4)).toThrow(/page 0 is touched/);
  expect(() => memory.zero(1003, 1)).toThrow(/page 0 is touched/);
  memory.commit(0, 2);
  memory.copy(1016, 1002, 4); // Across the border of two committed pages.
  expect([...memory.get(1016, 4)]).toEqual([0, 0, 0, 0]);
  expect(() => memory.zero(1006, 4)).toThrow(/page 2 is touched/);
  memory.put(Uint8Array.of(1, 2, 3, 4));
  memory.copy(1004, 1016, 4);
  memory.decommit(1, 1);
  expect(() => memory.get(1004, 1)).toThrow(/page 1 is touched/);
  expect(memory.bytes[4]).toBe(0xdd);
  memory.commit(1, 1);
  expect([...memory.get(1004, 4)]).toEqual([0, 0, 0, 0]);
});

test('doubled commits, overlaps and addresses outside are bugs', () => {
  const memory = setUp();
  memory.commit(0, 4);
  expect(() => memory.commit(3, 1)).toThrow(/already/);
  memory.decommit(3, 1);
  expect(() => memory.decommit(3, 1)).toThrow(/already/);
  expect(() => memory.commit(4, 1)).toThrow(RangeError);
  expect(() => memory.commit(0, 0)).toThrow(RangeError);
  expect(() => memory.copy(1000, 1002, 4)).toThrow(/overlap/);
  expect(() => memory.zero(999, 1)).toThrow(RangeError);
  expect(() => memory.zero(1030, 3)).toThrow(RangeError);
  memory.dispose();
  expect(() => memory.zero(1000, 1)).toThrow(/after dispose/);
});

test('a refused commit changes nothing', () => {
  const memory = setUp();
  memory.failCommitWhen = (firstPage) => firstPage === 1;
  expect(memory.commit(1, 1)).toBe(false);
  expect([memory.commit(0, 1), memory.isCommitted(1), memory.residentBytes()]).toEqual([true, false, 4]);
});

test('page sizes and counts are checked', () => {
  for (const pageSizeBytes of [0, 2, 12, 4.5, Number.NaN, 2 ** 31]) {
    expect(() => new PlainPageMemory({ pageSizeBytes, pageCount: 1 })).toThrow(/page size/);
  }
  for (const pageCount of [0, -1, 1.5, 2 ** 31]) {
    expect(() => new PlainPageMemory({ pageSizeBytes: 4, pageCount })).toThrow(/page count/);
  }
});
