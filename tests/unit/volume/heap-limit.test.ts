/** The heap that inodes take is bounded: beyond it the volume is full, and what goes gives its room back. */
import { expect, it } from 'vitest';
import { NtStatus } from '../../../src/ntstatus.js';
import type { Inode } from '../../../src/volume/inode.js';
import { INODE_HEAP_BYTES } from '../../../src/volume/inode-heap.js';
import { RamVolume } from '../../../src/volume/ram-volume.js';
import { PlainPageMemory } from '../../support/plain-page-memory.js';

/** Room for the root, inodes with names of one unit that is its own key, and some bytes more. */
function setUp(inodes: number, moreBytes: number) {
  const memory = new PlainPageMemory({ pageSizeBytes: 4, pageCount: 16 });
  const maxHeapBytes = INODE_HEAP_BYTES + inodes * (INODE_HEAP_BYTES + 2) + moreBytes;
  const volume = new RamVolume({ memory, caseSensitive: false, label: '', maxHeapBytes });
  const make = (path: string): number => {
    const inode = volume.create(path, 0, false, null, 0);
    if (typeof inode === 'number') return inode;
    volume.close(inode);
    return NtStatus.SUCCESS;
  };
  const remove = (path: string): void => {
    const inode = volume.open(path) as Inode;
    volume.cleanup(inode, 1);
    volume.close(inode);
  };
  return { volume, make, remove };
}

it('a volume is full when its inodes have taken their heap, until one goes', () => {
  const { volume, make, remove } = setUp(4, 0);
  for (const path of ['\\1', '\\2', '\\3']) expect(make(path)).toBe(NtStatus.SUCCESS);
  // Two units, or a key that is another string than the name.
  expect(make('\\44')).toBe(NtStatus.DISK_FULL);
  expect(make('\\a')).toBe(NtStatus.DISK_FULL);
  expect(make('\\4')).toBe(NtStatus.SUCCESS);
  expect(make('\\5')).toBe(NtStatus.DISK_FULL);

  const inode = volume.open('\\1') as Inode;
  volume.cleanup(inode, 1);
  // Still open, so still there.
  expect(make('\\5')).toBe(NtStatus.DISK_FULL);
  expect(volume.selfCheck()).toEqual([]);
  volume.close(inode);
  for (let round = 0; round < 10; round++) {
    expect(make('\\5')).toBe(NtStatus.SUCCESS);
    expect(make('\\6')).toBe(NtStatus.DISK_FULL);
    remove('\\5');
  }
  expect(volume.selfCheck()).toEqual([]);
});

it('a longer name takes room, a shorter one gives it back', () => {
  const { volume, make, remove } = setUp(2, 20);
  make('\\1');
  make('\\2');
  const inode = volume.open('\\1') as Inode;
  expect(volume.rename(inode, `\\${'1'.repeat(12)}`, false)).toBe(NtStatus.DISK_FULL);
  expect(inode.name).toBe('1');
  expect(volume.rename(inode, `\\${'1'.repeat(11)}`, false)).toBe(NtStatus.SUCCESS);
  expect(volume.rename(volume.lookup('\\2') as Inode, '\\22', false)).toBe(NtStatus.DISK_FULL);
  expect(volume.rename(inode, `\\${'1'.repeat(10)}`, false)).toBe(NtStatus.SUCCESS);
  expect(volume.rename(volume.lookup('\\2') as Inode, '\\22', false)).toBe(NtStatus.SUCCESS);
  // The one that is replaced makes room for a name of any length.
  expect(volume.rename(inode, `\\${'1'.repeat(255)}`, false)).toBe(NtStatus.DISK_FULL);
  expect(volume.rename(inode, '\\22', true)).toBe(NtStatus.SUCCESS);
  expect(make(`\\${'3'.repeat(10)}`)).toBe(NtStatus.SUCCESS);
  expect(volume.selfCheck()).toEqual([]);
  volume.close(inode);
  remove('\\22');
  expect(volume.selfCheck()).toEqual([]);
});

it('a reparse point takes room and gives it back', () => {
  const { volume, make } = setUp(2, INODE_HEAP_BYTES);
  make('\\1');
  make('\\2');
  const inode = volume.open('\\1') as Inode;
  // A tag of Microsoft's, and no content.
  const data = Uint8Array.of(12, 0, 0, 0xa0, 0, 0, 0, 0);
  expect(volume.setReparsePoint(inode, data)).toBe(NtStatus.SUCCESS);
  expect(volume.setReparsePoint(inode, data)).toBe(NtStatus.SUCCESS);
  expect(volume.selfCheck()).toEqual([]);
  expect(make('\\3')).toBe(NtStatus.DISK_FULL);
  expect(volume.deleteReparsePoint(inode, data)).toBe(NtStatus.SUCCESS);
  expect(volume.selfCheck()).toEqual([]);
  expect(volume.setReparsePoint(inode, data)).toBe(NtStatus.SUCCESS);
  volume.cleanup(inode, 1);
  volume.close(inode);
  expect(make('\\1')).toBe(NtStatus.SUCCESS);
  expect(volume.selfCheck()).toEqual([]);
  const other = setUp(1, 0);
  other.make('\\1');
  expect(other.volume.setReparsePoint(other.volume.lookup('\\1') as Inode, data)).toBe(NtStatus.DISK_FULL);
  expect(other.volume.selfCheck()).toEqual([]);
});
