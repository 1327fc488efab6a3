/**
 * Snapshots of a volume: what they keep, what they cost, what they refuse. Random histories are in the property test.
 */
import { beforeEach, describe, expect, test } from 'vitest';
import { NtStatus } from '../../../../src/ntstatus.js';
import type { Inode } from '../../../../src/volume/inode.js';
import { RamVolume } from '../../../../src/volume/ram-volume.js';
import type { Snapshot } from '../../../../src/volume/snapshots/snapshot.js';
import { MAX_SNAPSHOT_COUNT } from '../../../../src/volume/snapshots/snapshots.js';
import { PlainPageMemory } from '../../../support/plain-page-memory.js';
import { linkData } from '../volume-model.js';

const PAGE = 16;
let memory: PlainPageMemory;
let volume: RamVolume;

beforeEach(() => {
  setUp(32);
});

function setUp(pageCount: number, more: { maxInodeCount?: number; maxHeapBytes?: number } = {}): void {
  memory = new PlainPageMemory({ pageSizeBytes: PAGE, pageCount, scratchBytes: 4096 });
  volume = new RamVolume({ memory, caseSensitive: true, label: 'snapshots', ...more });
}

function create(path: string, directory = false): Inode {
  const inode = volume.create(path, 0, directory, null, 0);
  if (typeof inode === 'number') throw new Error(`create ${path}: ${inode}`);
  return inode;
}

function write(inode: Inode, offset: number, text: string): number {
  return volume.write(inode, offset, text.length, memory.put(Buffer.from(text)), false, false);
}

function file(path: string, text: string): void {
  const inode = create(path);
  expect(write(inode, 0, text)).toBe(text.length);
  volume.close(inode);
}

function contentOf({ file: content }: Inode): string {
  const length = content!.lengthBytes;
  expect(content!.read(0, length, memory.scratchAddress)).toBe(length);
  return Buffer.from(memory.get(memory.scratchAddress, length)).toString();
}

function live(path: string): string {
  return contentOf(volume.lookup(path) as Inode);
}

function of(name: string): Snapshot {
  return volume.snapshots.find((one) => one.name === name) as Snapshot;
}

function kept(name: string, path: string): string {
  let at = of(name).root;
  for (const part of path.split('\\').slice(1)) at = at.children!.get(part) as Inode;
  return contentOf(at);
}

function expectWell(): void {
  expect(volume.selfCheck()).toEqual([]);
}

const free = () => volume.pool.freePages;

describe('a snapshot', () => {
  test('keeps names and content, whatever happens to the files', () => {
    create('\\d', true);
    file('\\d\\a', 'aaaa'.repeat(10));
    file('\\b', 'b');
    expect(volume.snapshot('s')).toBe(0);
    expectWell();
    const a = volume.open('\\d\\a') as Inode;
    write(a, 17, 'XYZ');
    volume.setFileSize(a, 50);
    expect(volume.rename(a, '\\moved', false)).toBe(0);
    volume.cleanup(volume.open('\\b') as Inode, 1);
    expectWell();
    expect(kept('s', '\\d\\a')).toBe('aaaa'.repeat(10));
    expect(kept('s', '\\b')).toBe('b');
    expect(live('\\moved')).toBe(`${'a'.repeat(17)}XYZ${'a'.repeat(20)}${'\0'.repeat(10)}`);
  });

  test('reserves the pages it has, once however many have them, and gives back what only it had', () => {
    file('\\a', 'a'.repeat(3 * PAGE));
    const hole = create('\\hole');
    volume.setFileSize(hole, 5 * PAGE);
    expect([free(), volume.snapshotBytesNeeded]).toEqual([24, 3 * PAGE]);
    expect(volume.snapshot('one')).toBe(0);
    expect([free(), volume.pool.allocatedPages, volume.snapshotBytesNeeded]).toEqual([21, 3, 0]);
    expect(volume.snapshot('two')).toBe(0);
    expect([free(), volume.pool.allocatedPages]).toEqual([21, 3]);
    const a = volume.open('\\a') as Inode;
    write(a, 0, 'new');
    expect([free(), volume.pool.allocatedPages, volume.snapshotBytesNeeded]).toEqual([21, 4, PAGE]);
    expectWell();
    expect(volume.snapshot('three')).toBe(0);
    expect(free()).toBe(20);
    expect(volume.deleteSnapshot('one')).toBe(0);
    expect(free()).toBe(20);
    expect(volume.deleteSnapshot('two')).toBe(0);
    expect([free(), volume.pool.allocatedPages]).toEqual([21, 3]);
    expectWell();
    expect(volume.deleteSnapshot('three')).toBe(0);
    expect([free(), volume.pool.sharesPages]).toEqual([24, false]);
    expectWell();
  });

  test('takes no memory and touches no content', () => {
    file('\\a', 'a'.repeat(8 * PAGE));
    const before = [memory.copyCalls, memory.zeroCalls, volume.pool.allocatedPages];
    volume.snapshot('s');
    volume.rollback('s');
    expect([memory.copyCalls, memory.zeroCalls, volume.pool.allocatedPages]).toEqual(before);
    expectWell();
  });

  test('that does not fit is refused, says what it needs, and changes nothing', () => {
    file('\\a', 'a'.repeat(17 * PAGE));
    expect(volume.snapshotBytesNeeded).toBe(17 * PAGE);
    expect(volume.freeBytes).toBe(15 * PAGE);
    expect(volume.snapshot('s')).toBe(NtStatus.DISK_FULL);
    expect([free(), volume.snapshots.length, volume.pool.sharesPages]).toEqual([15, 0, false]);
    memory.failCommitWhen = () => true;
    volume.setFileSize(volume.open('\\a') as Inode, PAGE);
    expectWell();
  });

  test('is refused when the system has no memory for what it promises', () => {
    file('\\a', 'a'.repeat(3 * PAGE));
    const refusing = volume.pool.committedPages;
    memory.failCommitWhen = () => true;
    const isCommitted = volume.pool.reservedPages + 3 <= refusing;
    expect(volume.snapshot('s')).toBe(isCommitted ? 0 : NtStatus.DISK_FULL);
    expectWell();
  });

  test('leaves a write inside a length always possible, on a volume that is full', () => {
    setUp(8);
    file('\\a', 'a'.repeat(4 * PAGE));
    expect(volume.snapshot('s')).toBe(0);
    expect(free()).toBe(0);
    const a = volume.open('\\a') as Inode;
    expect(write(a, 0, 'b'.repeat(4 * PAGE))).toBe(4 * PAGE);
    expect(write(a, 4 * PAGE, 'c')).toBe(NtStatus.DISK_FULL);
    expect([live('\\a'), kept('s', '\\a')]).toEqual(['b'.repeat(4 * PAGE), 'a'.repeat(4 * PAGE)]);
    expect([free(), volume.pool.allocatedPages]).toEqual([0, 8]);
    expectWell();
  });

  test('keeps the rest of a page that is written in part, or truncated', () => {
    file('\\a', '0123456789abcdefghij');
    volume.snapshot('s');
    const a = volume.open('\\a') as Inode;
    write(a, 5, 'XX');
    volume.setFileSize(a, 18);
    volume.setFileSize(a, 20);
    expect(live('\\a')).toBe('01234XX789abcdefgh\0\0');
    expect(kept('s', '\\a')).toBe('0123456789abcdefghij');
    expectWell();
  });

  test('is not changed by an overwrite, an allocation or a truncation to nothing', () => {
    for (const path of ['\\a', '\\b', '\\c']) file(path, path.repeat(10));
    volume.snapshot('s');
    volume.overwrite(volume.open('\\a') as Inode, 0, false, PAGE);
    volume.setAllocationSize(volume.open('\\b') as Inode, 3);
    volume.setFileSize(volume.open('\\c') as Inode, 0);
    for (const path of ['\\a', '\\b', '\\c']) expect(kept('s', path)).toBe(path.repeat(10));
    expect(live('\\b')).toBe('\\b\\');
    expectWell();
  });

  test('does not have what has no name any more', () => {
    const gone = create('\\gone');
    write(gone, 0, 'x'.repeat(PAGE));
    volume.cleanup(gone, 1);
    expect(volume.snapshotBytesNeeded).toBe(0);
    volume.snapshot('s');
    expect([of('s').inodeCount, volume.pool.reservedPages]).toEqual([1, 1]);
    expectWell();
    volume.close(gone);
    expect(volume.pool.reservedPages).toBe(0);
    expectWell();
  });

  test('cannot be changed through its files', () => {
    file('\\a', 'abc');
    volume.snapshot('s');
    const frozen = of('s').root.children!.get('a')!.inode.file!;
    for (const status of [
      frozen.write(0, 1, memory.scratchAddress),
      frozen.setLength(0),
      frozen.setAllocation(100),
      frozen.overwrite(0),
    ]) {
      expect(status).toBe(NtStatus.MEDIA_WRITE_PROTECTED);
    }
    frozen.trimAllocation();
    expectWell();
  });

  test('has a name that is told apart and can be shown', () => {
    expect(volume.snapshot('s')).toBe(0);
    expect(volume.snapshot('s')).toBe(NtStatus.OBJECT_NAME_COLLISION);
    for (const bad of ['', 'a\nb', 'x'.repeat(65)]) {
      expect(volume.snapshot(bad)).toBe(NtStatus.OBJECT_NAME_INVALID);
    }
    expect(volume.rollback('t')).toBe(NtStatus.OBJECT_NAME_NOT_FOUND);
    expect(volume.deleteSnapshot('t')).toBe(NtStatus.OBJECT_NAME_NOT_FOUND);
    expect(volume.openSnapshot('t')).toBe(NtStatus.OBJECT_NAME_NOT_FOUND);
  });

  test('is one of a bounded number, all of which can share and change a page', () => {
    setUp(1024);
    file('\\a', 'start');
    for (let i = 0; i < MAX_SNAPSHOT_COUNT; i++) expect(volume.snapshot(`s${i}`)).toBe(0);
    expect(volume.snapshot('more')).toBe(NtStatus.INSUFFICIENT_RESOURCES);
    const a = volume.open('\\a') as Inode;
    write(a, 100, 'x');
    for (let i = 0; i < MAX_SNAPSHOT_COUNT; i++) {
      expect(volume.deleteSnapshot(`s${i}`)).toBe(0);
      expect(volume.snapshot(`t${i}`)).toBe(0);
      // Each has a table of its own that has the first page.
      write(a, 101 + i, 'x');
    }
    expectWell();
    expect(kept('t3', '\\a').slice(0, 5)).toBe('start');
  });

  test('counts inodes and heap beside those of the volume', () => {
    setUp(8, { maxInodeCount: 5 });
    file('\\a', '');
    expect(volume.snapshot('s')).toBe(0);
    file('\\b', '');
    expect(volume.create('\\c', 0, false, null, 0)).toBe(NtStatus.DISK_FULL);
    expect(volume.snapshot('t')).toBe(NtStatus.DISK_FULL);
    expect(volume.deleteSnapshot('s')).toBe(0);
    file('\\c', '');
    expectWell();
    setUp(8, { maxHeapBytes: 5 * 1100 });
    file('\\a', '');
    file('\\b', '');
    expect(volume.snapshot('s')).toBe(NtStatus.DISK_FULL);
    expectWell();
  });

  test('that is being read is not deleted, and is rolled back to all the same', () => {
    file('\\a', 'abc');
    volume.snapshot('s');
    const read = volume.openSnapshot('s') as Snapshot;
    expect(volume.deleteSnapshot('s')).toBe(NtStatus.SHARING_VIOLATION);
    write(volume.open('\\a') as Inode, 0, 'xyz');
    expect(volume.rollback('s')).toBe(0);
    expect(contentOf(read.root.children!.get('a') as Inode)).toBe('abc');
    volume.closeSnapshot(read);
    expect(() => volume.closeSnapshot(read)).toThrow(/closed more often/);
    expect(volume.deleteSnapshot('s')).toBe(0);
    expect(live('\\a')).toBe('abc');
    expectWell();
  });

  test('is refused a page table when the heap has none, and the file stays as it was', () => {
    file('\\a', 'a'.repeat(3 * PAGE));
    volume.snapshot('s');
    const a = volume.open('\\a') as Inode;
    const prepare = volume.pool.prepareSharing;
    volume.pool.prepareSharing = () => {
      throw new RangeError('Array buffer allocation failed');
    };
    const before = free();
    expect(write(a, 0, 'b')).toBe(NtStatus.INSUFFICIENT_RESOURCES);
    expect(write(a, 3 * PAGE, 'b')).toBe(NtStatus.INSUFFICIENT_RESOURCES);
    expect(volume.setFileSize(a, 1)).toBe(NtStatus.INSUFFICIENT_RESOURCES);
    volume.pool.prepareSharing = prepare;
    expect([free(), live('\\a')]).toEqual([before, 'a'.repeat(3 * PAGE)]);
    expectWell();
    expect(write(a, 0, 'b')).toBe(1);
  });
});

describe('a rollback', () => {
  test('brings back names, content, attributes and times, again and again', () => {
    create('\\d', true);
    file('\\d\\a', 'one');
    const a = volume.lookup('\\d\\a') as Inode;
    a.attributes = 0x21;
    const time = [a.lastWriteTimeLow, a.lastWriteTimeHigh, a.creationTimeLow];
    volume.snapshot('s');
    for (let round = 0; round < 3; round++) {
      write(volume.open('\\d\\a') as Inode, 1, 'XXXXX'.repeat(20));
      file(`\\new${round}`, 'n'.repeat(40));
      volume.cleanup(volume.open('\\d\\a') as Inode, 1);
      expect(volume.rollback('s')).toBe(0);
      expect(live('\\d\\a')).toBe('one');
      const back = volume.lookup('\\d\\a') as Inode;
      expect([back.lastWriteTimeLow, back.lastWriteTimeHigh, back.creationTimeLow]).toEqual(time);
      expect(back.attributes).toBe(0x21);
      expect(volume.lookup(`\\new${round}`)).toBe(NtStatus.OBJECT_NAME_NOT_FOUND);
      expect([volume.inodeCount, volume.openCount, volume.pool.allocatedPages]).toEqual([3, 0, 1]);
      expectWell();
    }
  });

  test('ends every handle, and no index number comes again', () => {
    file('\\a', 'one');
    const a = volume.open('\\a') as Inode;
    const gone = create('\\gone');
    write(gone, 0, 'x'.repeat(100));
    volume.cleanup(gone, 1);
    const contexts = [volume.contextOf(a), volume.contextOf(gone)];
    volume.snapshot('s');
    const numbers = [volume.root.indexNumber, a.indexNumber, gone.indexNumber];
    expect(volume.rollback('s')).toBe(0);
    for (const context of contexts) expect(volume.inodeOf(context)).toBeUndefined();
    expect([a.openCount, volume.openCount, volume.pool.reservedPages]).toEqual([0, 0, 2]);
    const again = volume.lookup('\\a') as Inode;
    expect(again).not.toBe(a);
    expect(Math.min(again.indexNumber, volume.root.indexNumber)).toBeGreaterThan(Math.max(...numbers));
    expectWell();
  });

  test('for which there is no room is refused, and changes nothing', () => {
    setUp(8);
    const hole = create('\\hole');
    volume.setFileSize(hole, 6 * PAGE);
    volume.snapshot('long');
    volume.setFileSize(hole, 0);
    file('\\a', 'a'.repeat(4 * PAGE));
    volume.snapshot('other');
    const a = volume.open('\\a') as Inode;
    expect(volume.rollback('long')).toBe(NtStatus.DISK_FULL);
    expect([volume.inodeOf(volume.contextOf(a)) === a, live('\\a')]).toEqual([true, 'a'.repeat(4 * PAGE)]);
    expectWell();
    volume.deleteSnapshot('other');
    expect(volume.rollback('long')).toBe(0);
    expect((volume.lookup('\\hole') as Inode).file!.reservedPages).toBe(6);
    expectWell();
  });

  test('and back: each snapshot is what it was', () => {
    file('\\a', 'one');
    volume.snapshot('1');
    write(volume.open('\\a') as Inode, 0, 'two');
    volume.snapshot('2');
    expect(volume.rollback('1')).toBe(0);
    write(volume.open('\\a') as Inode, 0, 'three');
    volume.snapshot('3');
    for (const [name, text] of [
      ['2', 'two'],
      ['1', 'one'],
      ['3', 'three'],
    ] as const) {
      expect(volume.rollback(name)).toBe(0);
      expect(live('\\a')).toBe(text);
      expectWell();
    }
    for (const name of ['1', '3', '2']) {
      expect(volume.deleteSnapshot(name)).toBe(0);
      expectWell();
    }
    expect([live('\\a'), volume.pool.reservedPages]).toEqual(['three', 1]);
  });
});

test('every property of an inode is copied into a snapshot, or is about its place and its handles', () => {
  const inode = create('\\a');
  const own = Object.keys(inode);
  const place = ['indexNumber', 'file', 'hash', 'next', 'parent', 'slot', 'openCount', 'children'];
  for (const key of own) {
    if (place.includes(key)) continue;
    const value = inode[key as keyof Inode];
    Object.assign(inode, { [key]: typeof value === 'number' ? value + 1 : value });
  }
  inode.reparse = { tag: 1, data: new Uint8Array(8) } as Inode['reparse'];
  const copy = inode.copy(99, null);
  for (const key of own) {
    if (!place.includes(key)) expect(copy[key as keyof Inode], key).toBe(inode[key as keyof Inode]);
  }
});

test('symbolic links in snapshots count against the room of all reparse points, until these are deleted', () => {
  const link = create('\\link');
  expect(volume.setReparsePoint(link, linkData('elsewhere'))).toBe(0);
  volume.close(link);
  expect(volume.snapshot('one')).toBe(0);
  expectWell();
  expect(of('one').reparseBytes).toBe(linkData('elsewhere').length);
  expect(volume.snapshot('two')).toBe(0);
  expectWell();
  expect(volume.deleteSnapshot('one')).toBe(0);
  expectWell();
});

test('a name may have 64 units, and no more', () => {
  expect(volume.snapshot('n'.repeat(64))).toBe(0);
  expect(volume.snapshot('n'.repeat(65))).toBe(NtStatus.OBJECT_NAME_INVALID);
});
