/**
 * Files of several names: what each call does to them one by one, and random histories beside a model that knows paths
 * and numbers of files only. The self-check must agree after every step.
 */
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { NtStatus } from '../../../../src/ntstatus.js';
import type { Inode } from '../../../../src/volume/inode.js';
import { HardLink } from '../../../../src/volume/names/hard-links.js';
import { RamVolume } from '../../../../src/volume/ram-volume.js';
import { PlainPageMemory } from '../../../support/plain-page-memory.js';

const PAGE = 16;
const DELETE = 1;
let memory: PlainPageMemory;
let volume: RamVolume;

beforeEach(() => {
  setUp();
});

function setUp(more: { maxHeapBytes?: number; caseSensitive?: boolean; maxPathUnits?: number } = {}): void {
  memory = new PlainPageMemory({ pageSizeBytes: PAGE, pageCount: 64, scratchBytes: 4096 });
  volume = new RamVolume({ memory, caseSensitive: true, label: 'links', ...more });
}

function create(path: string, directory = false): Inode {
  const inode = volume.create(path, directory ? 0x10 : 0x20, directory, null, 0);
  if (typeof inode === 'number') throw new Error(`create ${path}: ${inode}`);
  return inode;
}

function file(path: string, text: string): Inode {
  const inode = create(path);
  volume.write(inode, 0, text.length, memory.put(Buffer.from(text)), false, false);
  volume.close(inode);
  return inode;
}

function contentOf(path: string): string {
  const inode = volume.lookup(path);
  if (typeof inode === 'number') return `status ${inode}`;
  volume.read(inode, 0, inode.fileSize, memory.scratchAddress);
  return Buffer.from(memory.get(memory.scratchAddress, inode.fileSize)).toString();
}

function remove(path: string): void {
  const inode = volume.open(path) as Inode;
  const entry = volume.entryOf(inode, path);
  if (typeof entry === 'number') throw new Error(`${path} is no name of its file`);
  volume.cleanup(entry, DELETE);
  volume.close(inode);
}

function rename(from: string, to: string, posix = true): number {
  const inode = volume.open(from) as Inode;
  const entry = volume.entryOf(inode, from);
  const status = typeof entry === 'number' ? entry : volume.rename(entry, to, true, posix);
  volume.cleanup(inode, 0);
  volume.close(inode);
  return status;
}

function namesIn(path: string): string[] {
  const names: string[] = [];
  volume.list(volume.lookup(path) as Inode, null, (name) => names.push(name) > 0);
  return names.filter((name) => name !== '.' && name !== '..');
}

const expectWell = () => {
  expect(volume.selfCheck()).toEqual([]);
  expect(volume.selfCheckPiece(0) ?? []).toEqual([]);
};

describe('a file with two names', () => {
  let inode: Inode;
  beforeEach(() => {
    create('\\d', true);
    inode = file('\\a', 'abc');
    expect(volume.link(inode, '\\d\\b')).toBe(NtStatus.SUCCESS);
  });

  test('is one inode, with room reserved and an inode counted once', () => {
    expect(volume.lookup('\\d\\b')).toBe(inode);
    expect(volume.linkCountOf(inode)).toBe(2);
    expect(volume.inodeCount).toBe(3);
    expect(volume.pool.reservedPages).toBe(1);
    expect([namesIn('\\'), namesIn('\\d')]).toEqual([['a', 'd'], ['b']]);
    expectWell();
  });

  test.each([
    ['\\a', '\\d\\b'],
    ['\\d\\b', '\\a'],
  ])('keeps its content when %s goes', (gone, stays) => {
    remove(gone);
    expect(contentOf(gone)).toBe(`status ${NtStatus.OBJECT_NAME_NOT_FOUND}`);
    expect(contentOf(stays)).toBe('abc');
    expect(volume.pathOf(inode)).toBe(stays);
    expect(volume.linkCountOf(inode)).toBe(1);
    expectWell();
    remove(stays);
    expect([volume.pool.reservedPages, volume.inodeCount]).toEqual([0, 2]);
    expectWell();
  });

  test('that is open keeps its content until the last close', () => {
    volume.open('\\a');
    remove('\\a');
    remove('\\d\\b');
    expect([inode.deleted, volume.linkCountOf(inode), volume.pool.reservedPages]).toEqual([true, 0, 1]);
    expectWell();
    volume.close(inode);
    expect(volume.pool.reservedPages).toBe(0);
    expectWell();
  });

  test('moves under the name that is told, and the other stays', () => {
    expect(rename('\\d\\b', '\\c')).toBe(NtStatus.SUCCESS);
    expect([namesIn('\\'), namesIn('\\d')]).toEqual([['a', 'c', 'd'], []]);
    expect(rename('\\a', '\\d\\e')).toBe(NtStatus.SUCCESS);
    expect([namesIn('\\'), namesIn('\\d')]).toEqual([['c', 'd'], ['e']]);
    expect(volume.lookup('\\c')).toBe(inode);
    expectWell();
  });

  test('stays as it is when one name is renamed to the other by rename(2)', () => {
    expect(rename('\\a', '\\d\\b')).toBe(NtStatus.SUCCESS);
    expect([namesIn('\\'), namesIn('\\d')]).toEqual([['a', 'd'], ['b']]);
    expectWell();
  });

  test.each([
    ['\\a', '\\d\\b'],
    ['\\d\\b', '\\a'],
  ])('loses %s when it is moved onto its other name as on NTFS', (from, to) => {
    expect(rename(from, to, false)).toBe(NtStatus.SUCCESS);
    expect(contentOf(from)).toBe(`status ${NtStatus.OBJECT_NAME_NOT_FOUND}`);
    expect([contentOf(to), volume.linkCountOf(inode)]).toEqual(['abc', 1]);
    expectWell();
  });

  test.each(['\\a', '\\d\\b'])('loses only %s when another file takes that name', (name) => {
    file('\\other', 'xyz');
    expect(rename('\\other', name)).toBe(NtStatus.SUCCESS);
    expect(contentOf(name)).toBe('xyz');
    expect(contentOf(name === '\\a' ? '\\d\\b' : '\\a')).toBe('abc');
    expectWell();
  });

  test('changes places by one of its names, and not with itself', () => {
    const other = file('\\other', 'xyz');
    const entry = volume.entryOf(inode, '\\d\\b');
    expect(entry).toBeInstanceOf(HardLink);
    expect(volume.exchange(entry as HardLink, '\\a')).toBe(NtStatus.SUCCESS);
    expect(volume.exchange(entry as HardLink, '\\other')).toBe(NtStatus.SUCCESS);
    expect([contentOf('\\d\\b'), contentOf('\\other'), contentOf('\\a')]).toEqual(['xyz', 'abc', 'abc']);
    expect(volume.lookup('\\d\\b')).toBe(other);
    expectWell();
  });

  test('is not found under a name that is not its own', () => {
    file('\\other', '');
    expect(volume.entryOf(inode, '\\other')).toBe(NtStatus.OBJECT_NAME_NOT_FOUND);
    expect(volume.entryOf(inode, '\\none')).toBe(NtStatus.OBJECT_NAME_NOT_FOUND);
    expect(volume.entryOf(inode, '\\none\\none')).toBe(NtStatus.OBJECT_PATH_NOT_FOUND);
  });

  test('has new change times in file and directory, and no new write time', () => {
    volume.setBasicInfo(inode, 0xffff_ffff, new Int32Array([1, 1, 1, 1, 1, 1, 1, 1]));
    const directory = volume.lookup('\\d') as Inode;
    volume.setBasicInfo(directory, 0xffff_ffff, new Int32Array([1, 1, 1, 1, 1, 1, 1, 1]));
    const moved = () => [
      inode.changeTimeHigh > 1,
      directory.lastWriteTimeHigh > 1,
      inode.lastWriteTimeHigh > 1,
    ];
    expect(moved()).toEqual([false, false, false]);
    volume.link(inode, '\\d\\c');
    expect(moved()).toEqual([true, true, false]);
    inode.changeTimeHigh = 1;
    directory.lastWriteTimeHigh = 1;
    remove('\\d\\c');
    expect(moved()).toEqual([true, true, false]);
  });

  test('is the same in snapshots, and after a rollback', () => {
    volume.snapshot('s');
    const { inodeCount, hardLinks } = volume.snapshots[0]!;
    expect([inodeCount, hardLinks.count]).toEqual([3, 1]);
    expectWell();
    remove('\\a');
    remove('\\d\\b');
    expectWell();
    expect(volume.rollback('s')).toBe(NtStatus.SUCCESS);
    const again = volume.lookup('\\a') as Inode;
    expect(volume.lookup('\\d\\b')).toBe(again);
    expect([volume.linkCountOf(again), contentOf('\\d\\b')]).toEqual([2, 'abc']);
    expectWell();
    remove('\\a');
    expect(contentOf('\\d\\b')).toBe('abc');
    expect(volume.deleteSnapshot('s')).toBe(NtStatus.SUCCESS);
    expectWell();
  });
});

describe('link', () => {
  test('is refused for directories and names that are taken, wrong, too long or nowhere', () => {
    setUp({ maxPathUnits: 20 });
    const directory = create('\\d', true);
    const inode = file('\\a', '');
    for (const [linked, path, status] of [
      [directory, '\\e', NtStatus.FILE_IS_A_DIRECTORY],
      [inode, '\\d', NtStatus.OBJECT_NAME_COLLISION],
      [inode, '\\a', NtStatus.OBJECT_NAME_COLLISION],
      [inode, '\\', NtStatus.OBJECT_NAME_INVALID],
      [inode, '\\..', NtStatus.OBJECT_NAME_INVALID],
      [inode, '\\none\\a', NtStatus.OBJECT_PATH_NOT_FOUND],
      [inode, `\\${'x'.repeat(20)}`, NtStatus.NAME_TOO_LONG],
    ] as const) {
      expect(volume.link(linked, path), path).toBe(status);
    }
    expect([namesIn('\\'), volume.linkCountOf(inode)]).toEqual([['a', 'd'], 1]);
    expectWell();
  });

  test('takes of the heap what is there, and gives it back', () => {
    setUp({ maxHeapBytes: 8 * 1024 });
    const inode = file('\\a', '');
    let count = 0;
    while (volume.link(inode, `\\b${count}`) >= 0) count += 1;
    expect(volume.link(inode, '\\z')).toBe(NtStatus.DISK_FULL);
    expect(count).toBeGreaterThan(10);
    expect(volume.create('\\c', 0x20, false, null, 0)).toBe(NtStatus.DISK_FULL);
    expectWell();
    for (let i = 0; i < count; i++) remove(`\\b${i}`);
    volume.close(create('\\c'));
    expectWell();
  });

  test('gives a name again to a file that has none left', () => {
    const inode = create('\\a');
    volume.cleanup(inode, DELETE);
    expect(inode.deleted).toBe(true);
    expect(volume.link(inode, '\\a longer name')).toBe(NtStatus.SUCCESS);
    expect(volume.lookup('\\a longer name')).toBe(inode);
    expectWell();
    volume.close(inode);
    expectWell();
  });

  test('knows names in any case on a volume that does not tell case apart', () => {
    setUp({ caseSensitive: false });
    const inode = file('\\Abc', 'abc');
    expect(volume.link(inode, '\\ABC')).toBe(NtStatus.OBJECT_NAME_COLLISION);
    expect(volume.link(inode, '\\Bcd')).toBe(NtStatus.SUCCESS);
    expect(volume.pathOf(volume.entryOf(inode, '\\bCD') as HardLink)).toBe('\\Bcd');
    expect(rename('\\bcd', '\\BCD')).toBe(NtStatus.SUCCESS);
    expect(namesIn('\\')).toEqual(['Abc', 'BCD']);
    remove('\\aBC');
    expect([namesIn('\\'), contentOf('\\bcd')]).toEqual([['BCD'], 'abc']);
    expectWell();
  });
});

test('a directory counts itself, its dot and the directories in it', () => {
  const directory = create('\\d', true);
  const count = () => volume.linkCountOf(directory);
  expect([volume.linkCountOf(volume.root), count()]).toEqual([3, 2]);
  const inner = create('\\d\\e', true);
  file('\\d\\f', '');
  expect(count()).toBe(3);
  volume.rename(inner, '\\moved', false);
  expect([volume.linkCountOf(volume.root), count()]).toEqual([4, 2]);
  volume.exchange(inner, '\\d\\f');
  expect([volume.linkCountOf(volume.root), count()]).toEqual([3, 3]);
  volume.cleanup(inner, DELETE);
  expect([volume.linkCountOf(inner), count()]).toEqual([0, 2]);
  expectWell();
});

describe('the self-check notices', () => {
  const damages: [string, (entry: HardLink) => void, string][] = [
    ['a lost hard link', (entry) => entry.parent!.children!.delete(entry.key), 'no directory lists'],
    [
      'a link to another file',
      (entry) => Object.assign(entry, { inode: volume.lookup('\\other') }),
      'another file',
    ],
    ['a wrong place', (entry) => Object.assign(entry, { slot: 7 }), 'kept for another file, or elsewhere'],
    ['a wrong name', (entry) => Object.assign(entry, { name: 'z' }), 'not listed by its name'],
    ['a wrong count of directories', () => volume.root.children!.directoryCount++, 'directories, and counts'],
  ];
  test.each(damages)('%s', (_what, damage, words) => {
    file('\\other', '');
    const inode = file('\\a', 'abc');
    volume.link(inode, '\\b');
    expectWell();
    damage(volume.entryOf(inode, '\\b') as HardLink);
    expect(volume.selfCheck().join('\n')).toContain(words);
  });
});

test('random histories agree with a model of paths', () => {
  const names = ['a', 'b', 'c', 'D\\a', 'D\\b', 'E\\a'].map((name) => `\\${name}`);
  const path = fc.constantFrom(...names);
  const step = fc.oneof(
    fc.record({ op: fc.constant('create' as const), path }),
    { weight: 3, arbitrary: fc.record({ op: fc.constant('link' as const), path, to: path }) },
    fc.record({ op: fc.constant('remove' as const), path }),
    fc.record({ op: fc.constant('rename' as const), path, to: path, posix: fc.boolean() }),
    // Onto another name of the same file, which hardly ever happens by chance.
    fc.record({ op: fc.constant('rename' as const), path, to: fc.constant(null), posix: fc.boolean() }),
    fc.record({ op: fc.constant('exchange' as const), path, to: path }),
    fc.record({ op: fc.constant('snapshot' as const), path }),
    fc.record({ op: fc.constant('rollback' as const), path }),
  );
  const reached = new Set<string>();
  fc.assert(
    fc.property(fc.array(step, { minLength: 30, maxLength: 60 }), (steps) => {
      setUp();
      create('\\D', true);
      create('\\E', true);
      let files = new Map<string, number>();
      let kept: Map<string, number> | null = null;
      let last = 0;
      for (const one of steps) {
        const id = files.get(one.path);
        if (one.op === 'create') {
          if (id !== undefined) continue;
          file(one.path, String(++last));
          files.set(one.path, last);
        } else if (one.op === 'snapshot') {
          if (kept !== null) continue;
          expect(volume.snapshot('s')).toBe(NtStatus.SUCCESS);
          kept = new Map(files);
        } else if (one.op === 'rollback') {
          if (kept === null) continue;
          expect(volume.rollback('s')).toBe(NtStatus.SUCCESS);
          files = new Map(kept);
        } else if (id === undefined) continue;
        else if (one.op === 'remove') {
          remove(one.path);
          files.delete(one.path);
        } else if (one.op === 'link') {
          const status = volume.link(volume.lookup(one.path) as Inode, one.to);
          expect(status).toBe(files.has(one.to) ? NtStatus.OBJECT_NAME_COLLISION : NtStatus.SUCCESS);
          if (status >= 0) files.set(one.to, id);
        } else if (one.op === 'rename') {
          const twin = [...files].find(([name, other]) => other === id && name !== one.path);
          const to = one.to ?? twin?.[0] ?? one.path;
          expect(rename(one.path, to, one.posix)).toBe(NtStatus.SUCCESS);
          const isSame = one.path === to;
          if (files.get(to) === id && !isSame) reached.add(`onto itself, posix ${one.posix}`);
          if (files.get(to) !== id || (!one.posix && !isSame)) {
            files.delete(one.path);
            files.set(to, id);
          }
        } else {
          const inode = volume.lookup(one.path) as Inode;
          const status = volume.exchange(volume.entryOf(inode, one.path) as Inode, one.to);
          const other = files.get(one.to);
          expect(status).toBe(other === undefined ? NtStatus.OBJECT_NAME_NOT_FOUND : NtStatus.SUCCESS);
          if (other === undefined) continue;
          files.set(one.path, other);
          files.set(one.to, id);
        }
        expectWell();
        for (const name of names) {
          const due = files.get(name);
          if (due === undefined) expect(volume.lookup(name), name).toBe(NtStatus.OBJECT_NAME_NOT_FOUND);
          else expect(contentOf(name), name).toBe(String(due));
        }
        const counts = [...files.values()];
        for (const [name, due] of files) {
          const count = counts.filter((other) => other === due).length;
          if (count > 2) reached.add('three names');
          expect(volume.linkCountOf(volume.lookup(name) as Inode), name).toBe(count);
        }
      }
    }),
    { numRuns: 100 },
  );
  expect([...reached].sort()).toEqual(['onto itself, posix false', 'onto itself, posix true', 'three names']);
});
