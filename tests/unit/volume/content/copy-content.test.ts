/** Copies within the volume: byte by byte what a program would have read and written, in every state of both files. */
import fc from 'fast-check';
import { beforeEach, expect, test } from 'vitest';
import { NtStatus } from '../../../../src/ntstatus.js';
import { copyContent } from '../../../../src/volume/content/copy-content.js';
import { PagePool } from '../../../../src/volume/content/page-pool.js';
import { PagedFile } from '../../../../src/volume/content/paged-file.js';
import { PlainPageMemory } from '../../../support/plain-page-memory.js';

const PAGE = 16;
const PAGES = 24;

let memory: PlainPageMemory;
let pool: PagePool;
let source: PagedFile;
let target: PagedFile;

beforeEach(() => {
  memory = new PlainPageMemory({ pageSizeBytes: PAGE, pageCount: PAGES, scratchBytes: 1024 });
  pool = new PagePool(memory, {});
  source = new PagedFile(pool);
  target = new PagedFile(pool);
});

function write(file: PagedFile, offset: number, length: number, value: number): void {
  memory.bytes.fill(value, memory.scratchAddress, memory.scratchAddress + length);
  expect(file.write(offset, length, memory.scratchAddress)).toBe(length);
}

function contentOf(file: PagedFile): number[] {
  const length = file.lengthBytes;
  file.read(0, length, memory.scratchAddress);
  return [...memory.bytes.subarray(memory.scratchAddress, memory.scratchAddress + length)];
}

function expectSound(): void {
  expect([...source.check(), ...target.check()]).toEqual([]);
}

const range = fc.record({
  offset: fc.nat(100),
  length: fc.integer({ min: 1, max: 60 }),
  value: fc.integer({ min: 1, max: 255 }),
});

test('gives the target the bytes of the source, whatever either has and a snapshot shares', () => {
  fc.assert(
    fc.property(
      fc.array(range, { maxLength: 3 }),
      fc.array(range, { maxLength: 3 }),
      fc.nat(170),
      fc.nat(100),
      fc.nat(120),
      fc.boolean(),
      fc.boolean(),
      (first, second, from, to, length, freezeSource, freezeTarget) => {
        memory = new PlainPageMemory({ pageSizeBytes: PAGE, pageCount: 100, scratchBytes: 1024 });
        pool = new PagePool(memory, {});
        source = new PagedFile(pool);
        target = new PagedFile(pool);
        for (const { offset, length, value } of first) write(source, offset, length, value);
        for (const { offset, length, value } of second) write(target, offset, length, value);
        const frozen = [freezeSource ? source : null, freezeTarget ? target : null]
          .filter((file) => file !== null)
          .map((file) => ({ file: file.frozen(), content: contentOf(file) }));
        for (const { file } of frozen) expect(pool.reserve(file.allocatedPages)).toBe(NtStatus.SUCCESS);
        const bytes = contentOf(source).slice(from, from + length);
        const expected = contentOf(target);
        while (bytes.length > 0 && expected.length < to) expected.push(0);
        expected.splice(to, bytes.length, ...bytes);
        expect(copyContent(source, from, target, to, length)).toBe(bytes.length);
        expect(contentOf(target)).toEqual(expected);
        for (const { file, content } of frozen) expect(contentOf(file)).toEqual(content);
        expectSound();
      },
    ),
  );
});

test('leaves holes where the source has them', () => {
  write(source, 0, PAGE, 1);
  expect(source.setLength(10 * PAGE)).toBe(NtStatus.SUCCESS);
  write(target, 0, 5 * PAGE, 2);
  expect(copyContent(source, 0, target, 0, 10 * PAGE)).toBe(10 * PAGE);
  expect([target.allocatedPages, target.reservedPages]).toEqual([1, 10]);
  expectSound();
});

test('ends where room ends, and refuses what finds none', () => {
  write(source, 0, 4 * PAGE, 1);
  expect(source.setLength(8 * PAGE)).toBe(NtStatus.SUCCESS);
  const filler = new PagedFile(pool);
  expect(filler.setLength((PAGES - 8 - 5) * PAGE)).toBe(NtStatus.SUCCESS);
  // The pages with data fit, the hole behind them does not.
  expect(copyContent(source, 0, target, 0, 8 * PAGE)).toBe(4 * PAGE);
  expect(copyContent(source, 0, target, 4 * PAGE, 4 * PAGE)).toBe(NtStatus.DISK_FULL);
  expect(target.lengthBytes).toBe(4 * PAGE);
  expectSound();
});

test('within one file', () => {
  write(source, 0, 40, 7);
  write(source, 40, 8, 9);
  expect(copyContent(source, 36, source, 100, 12)).toBe(12);
  expect(contentOf(source).slice(96)).toEqual([0, 0, 0, 0, 7, 7, 7, 7, 9, 9, 9, 9, 9, 9, 9, 9]);
  expect(copyContent(source, 500, source, 0, 5)).toBe(0);
  expect(source.check()).toEqual([]);
});
