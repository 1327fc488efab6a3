/** A save borrows free room for its snapshot: nobody sees it, and nobody else gets it. */
import { expect, test } from 'vitest';
import { NtStatus } from '../../../../src/ntstatus.js';
import type { Inode } from '../../../../src/volume/inode.js';
import { content, PAGE, rig } from '../../image/volumes.js';

test('the room of a save counts as free, is given back, and belongs to nobody else', () => {
  const one = rig({ pageCount: 10 });
  const { volume } = one;
  one.put(one.make('\\a'), 0, content(4 * PAGE, 1));
  const free = volume.freeBytes;
  expect(typeof volume.beginSave()).toBe('object');
  expect(volume.freeBytes).toBe(free);
  expect(volume.savingPages).toBe(4);
  expect(volume.snapshots).toEqual([]);
  expect(volume.snapshotBytes).toBe(0);
  expect(volume.snapshot('mine')).toBe(NtStatus.SHARING_VIOLATION);
  // Two pages are free beside those that are borrowed.
  const b = one.make('\\b');
  expect(volume.write(b, 0, 3 * PAGE, one.scratch.address, false, false)).toBe(NtStatus.DISK_FULL);
  expect(volume.write(b, 0, 2 * PAGE, one.scratch.address, false, false)).toBe(2 * PAGE);
  expect(volume.write(volume.lookup('\\a') as Inode, 0, 4 * PAGE, one.scratch.address, false, false)).toBe(
    4 * PAGE,
  );
  expect(volume.selfCheck()).toEqual([]);
  volume.endSave();
  expect(volume.freeBytes).toBe(4 * PAGE);
  expect(volume.write(b, 0, 6 * PAGE, one.scratch.address, false, false)).toBe(6 * PAGE);
  expect(volume.freeBytes).toBe(0);
  expect(volume.beginSave()).toBe(NtStatus.DISK_FULL);
  expect(volume.selfCheck()).toEqual([]);
});
