/** A rename that leaves a device in the old place: all of it or nothing, wherever room ends. */
import { beforeEach, expect, test } from 'vitest';
import { NtStatus } from '../../../src/ntstatus.js';
import type { DirectoryEntry, Inode } from '../../../src/volume/inode.js';
import { RamVolume, type RamVolumeOptions } from '../../../src/volume/ram-volume.js';
import { PlainPageMemory } from '../../support/plain-page-memory.js';

const LX_CHR = 0x8000_0025;

let volume: RamVolume;
let file: Inode;

function setUp(options: Partial<RamVolumeOptions> = {}): void {
  const memory = new PlainPageMemory({ pageSizeBytes: 4096, pageCount: 16 });
  volume = new RamVolume({ memory, caseSensitive: true, label: '', ...options });
  file = make('\\a');
}

function make(path: string, directory = false): Inode {
  const inode = volume.create(path, 0, directory, null, 0) as Inode;
  volume.close(inode);
  return inode;
}

function tags(): Record<string, number> {
  const found: Record<string, number> = {};
  volume.list(volume.root, null, (name, inode) => {
    found[name] = inode.reparseTag;
    return true;
  });
  return found;
}

const move = (entry: DirectoryEntry, path: string, replace = true) =>
  volume.renameLeavingWhiteout(entry, path, replace);

beforeEach(() => setUp());

test('the old name is a device 0:0 with the descriptor of what moved', () => {
  expect(move(file, '\\b')).toBe(NtStatus.SUCCESS);
  expect(tags()).toEqual({ a: LX_CHR, b: 0 });
  const device = volume.lookup('\\a') as Inode;
  expect(volume.getReparsePoint(device)).toEqual(
    Uint8Array.of(0x25, 0, 0, 0x80, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
  );
  expect(device.security).toBe(file.security);
  expect(device.openCount).toBe(0);
  expect(volume.lookup('\\b')).toBe(file);
  expect(volume.selfCheck()).toEqual([]);
});

test('a directory moves, and something is replaced', () => {
  const directory = make('\\d', true);
  make('\\d\\below');
  expect(move(directory, '\\e')).toBe(NtStatus.SUCCESS);
  expect(move(file, '\\d')).toBe(NtStatus.SUCCESS);
  expect(tags()).toEqual({ a: LX_CHR, d: 0, e: 0 });
  expect(volume.selfCheck()).toEqual([]);
});

test('what is refused changes nothing', () => {
  make('\\b');
  make('\\d', true);
  expect(move(file, '\\b', false)).toBe(NtStatus.OBJECT_NAME_COLLISION);
  expect(move(file, '\\d')).toBe(NtStatus.FILE_IS_A_DIRECTORY);
  expect(move(file, '\\missing\\b')).toBe(NtStatus.OBJECT_PATH_NOT_FOUND);
  expect(move(file, '\\a')).toBe(NtStatus.INVALID_PARAMETER);
  expect(tags()).toEqual({ a: 0, b: 0, d: 0 });
});

test('onto another name of the same file nothing happens, as rename(2) has it', () => {
  volume.link(file, '\\b');
  expect(move(file, '\\b')).toBe(NtStatus.SUCCESS);
  expect(tags()).toEqual({ a: 0, b: 0 });
});

test('where case does not count, the old name cannot be kept beside another spelling of it', () => {
  setUp({ caseSensitive: false });
  expect(move(file, '\\A')).toBe(NtStatus.INVALID_PARAMETER);
  expect(move(file, '\\b')).toBe(NtStatus.SUCCESS);
  expect(tags()).toEqual({ a: LX_CHR, b: 0 });
});

test('without room for one more inode', () => {
  setUp({ maxInodeCount: 2 });
  expect(move(file, '\\b')).toBe(NtStatus.DISK_FULL);
  expect(tags()).toEqual({ a: 0 });
});

test('wherever the heap ends, it is done as a whole or not at all', () => {
  const statuses = new Set<number>();
  for (let maxHeapBytes = 2100; maxHeapBytes < 6000; maxHeapBytes += 10) {
    setUp({ maxHeapBytes });
    const status = move(file, `\\${'b'.repeat(200)}`);
    statuses.add(status);
    expect(Object.keys(tags())).toHaveLength(status === NtStatus.SUCCESS ? 2 : 1);
    expect(volume.selfCheck()).toEqual([]);
  }
  expect(statuses).toEqual(new Set([NtStatus.DISK_FULL, NtStatus.SUCCESS]));
});
