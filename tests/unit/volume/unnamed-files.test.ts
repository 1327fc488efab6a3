/** Files that are made without a name: nobody sees them, their room is counted, and they go with their last close. */
import { beforeEach, expect, test } from 'vitest';
import { NtStatus } from '../../../src/ntstatus.js';
import type { Inode } from '../../../src/volume/inode.js';
import { RamVolume, type RamVolumeOptions } from '../../../src/volume/ram-volume.js';
import { PlainPageMemory } from '../../support/plain-page-memory.js';

const PAGE = 4096;

let volume: RamVolume;
let time: number;

function setUp(options: Partial<RamVolumeOptions> = {}): void {
  const memory = new PlainPageMemory({ pageSizeBytes: PAGE, pageCount: 16 });
  time = 1_000_000;
  volume = new RamVolume({ memory, caseSensitive: true, label: '', timeSource: () => time, ...options });
}

function names(): string[] {
  const found: string[] = [];
  volume.list(volume.root, null, (name) => found.push(name) > 0);
  return found;
}

const make = (path = '\\-') => volume.create(path, 0, false, null, 0, false);

beforeEach(() => setUp());

test('leave their directory as it is', () => {
  const before = [volume.root.lastWriteTimeLow, volume.root.changeTimeLow];
  time += 5_000;
  const file = make() as Inode;
  expect(names()).toEqual([]);
  expect([volume.root.lastWriteTimeLow, volume.root.changeTimeLow]).toEqual(before);
  expect([volume.linkCountOf(file), volume.inodeOf(volume.contextOf(file))]).toEqual([0, file]);
  expect(volume.selfCheck()).toEqual([]);
  volume.close(file);
  expect([volume.root.lastWriteTimeLow, volume.root.changeTimeLow]).toEqual(before);
});

test('give everything back at their last close', () => {
  const { freeBytes, inodeCount } = volume;
  const file = make() as Inode;
  expect(volume.setFileSize(file, 3 * PAGE)).toBe(NtStatus.SUCCESS);
  expect([volume.freeBytes, volume.inodeCount]).toEqual([freeBytes - 3 * PAGE, inodeCount + 1]);
  expect(volume.selfCheck()).toEqual([]);
  volume.close(file);
  expect([volume.freeBytes, volume.inodeCount]).toEqual([freeBytes, inodeCount]);
  expect(volume.selfCheck()).toEqual([]);
});

test('stay when they get a name before', () => {
  const file = make() as Inode;
  expect(volume.link(file, '\\named')).toBe(NtStatus.SUCCESS);
  volume.close(file);
  expect(volume.lookup('\\named')).toBe(file);
  expect(volume.selfCheck()).toEqual([]);
});

test('the last name of the path says nothing, the directory must be there', () => {
  volume.close(volume.create('\\-', 0, false, null, 0) as Inode);
  expect(typeof make()).toBe('object');
  expect(typeof make('\\..')).toBe('object');
  expect(make('\\missing\\-')).toBe(NtStatus.OBJECT_PATH_NOT_FOUND);
  expect(make('\\-\\-')).toBe(NtStatus.OBJECT_PATH_NOT_FOUND);
});

test('count as any file does', () => {
  setUp({ maxInodeCount: 3 });
  expect(volume.freeInodeCount).toBe(2);
  const file = make() as Inode;
  make();
  expect(volume.freeInodeCount).toBe(0);
  expect(make()).toBe(NtStatus.DISK_FULL);
  volume.close(file);
  expect(volume.freeInodeCount).toBe(1);
});

test('as many as are said to fit do, with short names', () => {
  setUp({ maxHeapBytes: 20_000 });
  const expected = volume.freeInodeCount;
  let made = 0;
  while (typeof make() !== 'number') made++;
  expect(made).toBe(expected);
});
