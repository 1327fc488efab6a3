/** Control codes for holes: what they answer for any input, and what they do to the file. */
import { beforeEach, expect, test } from 'vitest';
import { NtStatus } from '../../../src/ntstatus.js';
import { ControlCode } from '../../../src/volume/content/control-codes.js';
import type { Inode } from '../../../src/volume/inode.js';
import { RamVolume } from '../../../src/volume/ram-volume.js';
import { PlainPageMemory } from '../../support/plain-page-memory.js';

const PAGE = 16;
let volume: RamVolume;
let file: Inode;

const range = (first: number, second: number) =>
  new Uint8Array(new BigInt64Array([BigInt(first), BigInt(second)]).buffer);

const zero = (from: number, to: number) =>
  volume.control(file, ControlCode.SET_ZERO_DATA, range(from, to), 0);

function ranges(from: number, length: number, most = 8): number[] | number {
  const code = ControlCode.QUERY_ALLOCATED_RANGES;
  const answer = volume.control(file, code, range(from, length), most * 16);
  return typeof answer === 'number' ? answer : [...new BigInt64Array(answer.buffer)].map(Number);
}

beforeEach(() => {
  const memory = new PlainPageMemory({ pageSizeBytes: PAGE, pageCount: 32, scratchBytes: 256 });
  volume = new RamVolume({ memory, caseSensitive: true, label: '' });
  file = volume.create('\\f', 0, false, null, 0) as Inode;
  volume.write(file, 0, 100, memory.put(new Uint8Array(100).fill(7)), false, false);
});

test('zeros whole pages by giving them back, and keeps what is reserved', () => {
  expect(zero(10, 60)).toEqual(new Uint8Array(0));
  expect([file.file!.allocatedPages, file.file!.reservedPages, file.fileSize]).toEqual([5, 7, 100]);
  expect(ranges(0, 100)).toEqual([0, 16, 48, 52]);
  expect([ranges(0, 100, 1), ranges(0, 100, 0)]).toEqual([[0, 16], []]);
  expect(ranges(20, 30)).toEqual([48, 2]);
  expect(ranges(5, 3)).toEqual([5, 3]);
  expect(ranges(500, 10)).toEqual([]);
  expect(zero(90, 1000)).toEqual(new Uint8Array(0));
  expect([file.file!.allocatedPages, file.fileSize]).toEqual([4, 100]);
  expect(volume.selfCheck()).toEqual([]);
});

test('refuses what is no range, no file and no code', () => {
  expect(volume.control(file, ControlCode.SET_ZERO_DATA, new Uint8Array(15), 0)).toBe(
    NtStatus.INVALID_PARAMETER,
  );
  expect([zero(-1, 5), zero(5, -1), zero(9, 5)]).toEqual(new Array(3).fill(NtStatus.INVALID_PARAMETER));
  expect(volume.control(file, 0x1234, range(0, 5), 0)).toBe(NtStatus.INVALID_DEVICE_REQUEST);
  expect(volume.control(volume.root, ControlCode.SET_ZERO_DATA, range(0, 5), 0)).toBe(
    NtStatus.INVALID_DEVICE_REQUEST,
  );
  expect(zero(5, 5)).toEqual(new Uint8Array(0));
  expect(ranges(0, 2 ** 62)).toEqual([0, 100]);
});
