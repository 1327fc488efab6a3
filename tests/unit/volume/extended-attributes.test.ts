/** Extended attributes: lists, the room they take, and what keeps them. */
import { beforeEach, describe, expect, it } from 'vitest';
import { parseEaList } from '../../../src/ea-list.js';
import { MAX_EA_LIST_BYTES } from '../../../src/limits.js';
import { NtStatus } from '../../../src/ntstatus.js';
import { Cleanup } from '../../../src/volume/file-attributes.js';
import { timeFromMilliseconds } from '../../../src/volume/file-clock.js';
import type { Inode } from '../../../src/volume/inode.js';
import { RamVolume } from '../../../src/volume/ram-volume.js';
import { eaList } from '../../support/ea-list.js';
import { PlainPageMemory } from '../../support/plain-page-memory.js';

const PAGE = 64;
const PAGES = 32;
let volume: RamVolume;
let file: Inode;
let nowMs: number;

function newVolume(caseSensitive: boolean, maxHeapBytes = Number.POSITIVE_INFINITY): RamVolume {
  const memory = new PlainPageMemory({ pageSizeBytes: PAGE, pageCount: PAGES });
  nowMs = 1_700_000_000_000;
  const timeSource = timeFromMilliseconds(() => nowMs);
  return new RamVolume({ memory, caseSensitive, label: 'RAM', maxHeapBytes, timeSource });
}

beforeEach(() => {
  volume = newVolume(false);
  file = volume.create('\\f', 0x20, false, null, 0) as Inode;
});

function texts(inode: Inode): Record<string, string> {
  const all = parseEaList(volume.getExtendedAttributes(inode));
  if (typeof all === 'number') throw new Error(`a list that is none: ${all}`);
  return Object.fromEntries(all.map(({ name, value }) => [name, Buffer.from(value).toString('latin1')]));
}

const usedPages = () => volume.pool.reservedPages;
const set = (inode: Inode, entries: Record<string, string>) =>
  volume.setExtendedAttributes(inode, eaList(entries));

describe('a list', () => {
  it('adds, replaces and removes by name, whatever its case, and is ordered', () => {
    expect(set(file, { b: '2', A: '1', c: '3' })).toBe(0);
    expect(Object.entries(texts(file))).toEqual([
      ['A', '1'],
      ['b', '2'],
      ['c', '3'],
    ]);
    expect(set(file, { B: 'two', C: '', d: '4' })).toBe(0);
    expect(texts(file)).toEqual({ A: '1', B: 'two', d: '4' });
    expect(set(file, { a: '', b: '', d: '', e: '' })).toBe(0);
    expect(volume.getExtendedAttributes(file)).toHaveLength(0);
    expect(file.rarities).toBe(null);
    expect(volume.selfCheck()).toEqual([]);
  });

  it('tells case apart on a volume that does', () => {
    volume = newVolume(true);
    file = volume.create('\\f', 0x20, false, null, 0) as Inode;
    set(file, { a: '1', A: '2' });
    expect(texts(file)).toEqual({ A: '2', a: '1' });
    set(file, { a: '' });
    expect(texts(file)).toEqual({ A: '2' });
  });

  it('keeps flags, bytes of names and of values', () => {
    const list = eaList({ '\xe9\xff': '\0\x01\xff' }, 0x80);
    expect(volume.setExtendedAttributes(file, list)).toBe(0);
    expect(Buffer.from(volume.getExtendedAttributes(file))).toEqual(Buffer.from(list));
    expect(file.extendedAttributes?.sizeBytes).toBe(5 + 2 + 3);
    list.fill(0);
    expect(texts(file)).toEqual({ '\xe9\xff': '\0\x01\xff' });
  });

  it('counts in EaSize names, values and five bytes each', () => {
    set(file, { name: 'value', n: 'v' });
    expect(file.extendedAttributes?.sizeBytes).toBe(5 + 9 + 5 + 2);
  });

  const whole = eaList({ name: 'value', other: 'value' });
  const damaged = (change: (list: Uint8Array) => void) => {
    const list = new Uint8Array(whole);
    change(list);
    return list;
  };
  it.each<[string, Uint8Array, number]>([
    ['is cut off in a value', whole.subarray(0, whole.length - 1), NtStatus.EA_LIST_INCONSISTENT],
    ['is cut off in a head', whole.subarray(0, whole.length - 12), NtStatus.EA_LIST_INCONSISTENT],
    ['is a head alone', whole.subarray(0, 8), NtStatus.EA_LIST_INCONSISTENT],
    ['overlaps', damaged((list) => list.set([8, 0, 0, 0])), NtStatus.EA_LIST_INCONSISTENT],
    ['has an odd offset', damaged((list) => list.set([21, 0, 0, 0])), NtStatus.EA_LIST_INCONSISTENT],
    ['leads beyond its end', damaged((list) => list.set([0, 0, 0, 0x80])), NtStatus.EA_LIST_INCONSISTENT],
    ['has no NUL behind a name', damaged((list) => list.set([1], 12)), NtStatus.EA_LIST_INCONSISTENT],
    ['has a NUL in a name', damaged((list) => list.set([0], 9)), NtStatus.INVALID_EA_NAME],
    ['has a name of no bytes', eaList({ '': 'x' }), NtStatus.INVALID_EA_NAME],
    ['is too large', eaList({ a: 'x'.repeat(MAX_EA_LIST_BYTES) }), NtStatus.EA_TOO_LARGE],
  ])('that %s changes nothing', (_what, list, status) => {
    set(file, { old: 'kept' });
    const before = usedPages();
    expect(volume.setExtendedAttributes(file, list)).toBe(status);
    expect(texts(file)).toEqual({ old: 'kept' });
    expect(usedPages()).toBe(before);
    expect(volume.selfCheck()).toEqual([]);
  });
});

describe('the ledger', () => {
  it('reserves whole pages for the sum of all, and gives them back with the attribute or the file', () => {
    const other = volume.create('\\d', 0x10, true, null, 0) as Inode;
    set(file, { a: 'x'.repeat(20) });
    set(other, { a: 'x'.repeat(20) });
    expect(usedPages()).toBe(1);
    set(other, { b: 'x'.repeat(40) });
    expect(usedPages()).toBe(2);
    expect(volume.freeBytes).toBe((PAGES - 2) * PAGE);
    set(other, { b: '' });
    expect(usedPages()).toBe(1);
    volume.cleanup(file, Cleanup.DELETE);
    volume.cleanup(other, Cleanup.DELETE);
    expect(usedPages()).toBe(1);
    volume.close(file);
    volume.close(other);
    expect(usedPages()).toBe(0);
    expect(volume.selfCheck()).toEqual([]);
  });

  it('refuses what finds no room, and the file is as it was', () => {
    volume.setFileSize(file, (PAGES - 1) * PAGE);
    expect(set(file, { a: 'x'.repeat(30) })).toBe(0);
    expect(set(file, { b: 'x'.repeat(30) })).toBe(NtStatus.DISK_FULL);
    expect(texts(file)).toEqual({ a: 'x'.repeat(30) });
    expect(volume.setFileSize(file, PAGES * PAGE)).toBe(NtStatus.DISK_FULL);
    expect(set(file, { a: '' })).toBe(0);
    expect(volume.setFileSize(file, PAGES * PAGE)).toBe(0);
    expect(volume.selfCheck()).toEqual([]);
  });

  it('bounds what they take of the heap', () => {
    volume = newVolume(false, 2 * 1024 + 400);
    file = volume.create('\\f', 0x20, false, null, 0) as Inode;
    expect(set(file, { a: 'x' })).toBe(0);
    expect(set(volume.root, { a: 'x' })).toBe(NtStatus.DISK_FULL);
    expect(volume.selfCheck()).toEqual([]);
  });
});

it('they move the change time alone, and an overwrite takes them away', () => {
  const before = [file.lastWriteTimeLow, file.lastAccessTimeLow];
  const changeTime = file.changeTimeLow;
  nowMs += 1000;
  set(file, { a: '1' });
  expect([file.lastWriteTimeLow, file.lastAccessTimeLow]).toEqual(before);
  expect(file.changeTimeLow).not.toBe(changeTime);
  expect(volume.overwrite(file, 0x20, false, 0)).toBe(0);
  expect(texts(file)).toEqual({});
  expect(usedPages()).toBe(0);
  expect(volume.selfCheck()).toEqual([]);
});

describe('a snapshot', () => {
  it('keeps them beside those of the files, and reserves room for both', () => {
    set(file, { a: 'x'.repeat(60) });
    expect(usedPages()).toBe(2);
    expect(volume.snapshotBytesNeeded).toBe(PAGE);
    expect(volume.snapshot('s')).toBe(0);
    expect(usedPages()).toBe(3);
    set(file, { a: 'changed', b: 'new' });
    expect(usedPages()).toBe(2);
    expect(volume.rollbackBytesNeeded('s')).toBe(PAGE);
    expect(volume.selfCheck()).toEqual([]);
    volume.close(file);
    expect(volume.rollback('s')).toBe(0);
    file = volume.open('\\f') as Inode;
    expect(texts(file)).toEqual({ a: 'x'.repeat(60) });
    expect(usedPages()).toBe(3);
    expect(volume.selfCheck()).toEqual([]);
    expect(volume.deleteSnapshot('s')).toBe(0);
    expect(usedPages()).toBe(2);
    expect(volume.selfCheck()).toEqual([]);
  });

  it('is refused as a whole when their room is missing', () => {
    set(file, { a: 'x'.repeat(60) });
    volume.setFileSize(file, (PAGES - 2) * PAGE);
    expect(volume.snapshot('s')).toBe(NtStatus.DISK_FULL);
    expect(usedPages()).toBe(PAGES);
    expect(volume.selfCheck()).toEqual([]);
  });

  it('that has more than the volume has room for is not rolled back to', () => {
    set(file, { a: 'x'.repeat(60) });
    expect(volume.snapshot('s')).toBe(0);
    set(file, { a: '' });
    expect(usedPages()).toBe(2);
    volume.setFileSize(file, (PAGES - 2) * PAGE);
    // The file's own pages make room.
    expect(volume.rollback('s')).toBe(0);
    expect(usedPages()).toBe(3);
    expect(volume.selfCheck()).toEqual([]);
  });

  it('does not count those of a file without a name', () => {
    set(file, { a: 'x'.repeat(60) });
    volume.cleanup(file, Cleanup.DELETE);
    expect(volume.snapshot('s')).toBe(0);
    expect(usedPages()).toBe(2);
    expect(volume.selfCheck()).toEqual([]);
    volume.close(file);
    expect(usedPages()).toBe(0);
  });
});

describe('a create or an overwrite that brings some', () => {
  const create = (list: Uint8Array) => volume.create('\\g', 0x20, false, null, 0, true, list);

  it('makes the file with them, or no file', () => {
    const pages = usedPages();
    expect(create(eaList({ A: 'one' }).subarray(0, 9))).toBe(NtStatus.EA_LIST_INCONSISTENT);
    expect(create(eaList({ A: 'x'.repeat(PAGE * PAGES) }))).toBe(NtStatus.DISK_FULL);
    expect(volume.open('\\g')).toBe(NtStatus.OBJECT_NAME_NOT_FOUND);
    expect(usedPages()).toBe(pages);
    expect(volume.selfCheck()).toEqual([]);
    const made = create(eaList({ A: 'one' })) as Inode;
    expect(texts(made)).toEqual({ A: 'one' });
    expect(volume.selfCheck()).toEqual([]);
  });

  it('puts them in the place of the old ones, or changes nothing', () => {
    set(file, { A: 'one' });
    volume.setFileSize(file, 7);
    const overwrite = (list: Uint8Array, allocation = 0) =>
      volume.overwrite(file, 0, false, allocation, list);
    expect(overwrite(eaList({ B: 'two' }).subarray(0, 9))).toBe(NtStatus.EA_LIST_INCONSISTENT);
    expect(overwrite(eaList({ B: 'x'.repeat(PAGE * PAGES) }))).toBe(NtStatus.DISK_FULL);
    expect(overwrite(eaList({ B: 'two' }), 2 * PAGE * PAGES)).toBe(NtStatus.DISK_FULL);
    expect(texts(file)).toEqual({ A: 'one' });
    expect(file.file?.lengthBytes).toBe(7);
    expect(volume.selfCheck()).toEqual([]);
    expect(overwrite(eaList({ B: 'two' }))).toBe(0);
    expect(texts(file)).toEqual({ B: 'two' });
    expect(file.file?.lengthBytes).toBe(0);
    expect(volume.selfCheck()).toEqual([]);
  });
});
