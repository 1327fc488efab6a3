/** Files of several names as callbacks tell of them: the name goes that is named, and FILE_INFO counts where it shall. */
import { beforeEach, expect, test } from 'vitest';
import { RamFileSystem } from '../../../src/drive/ram-file-system.js';
import { NtStatus } from '../../../src/ntstatus.js';
import { RamVolume } from '../../../src/volume/ram-volume.js';
import {
  CleanupFlag,
  type DirectoryBuffer,
  FileInfoLayout as FileInfo,
  type OpenResult,
  RenameExtension,
} from '../../../src/winfsp/index.js';
import { PlainPageMemory } from '../../support/plain-page-memory.js';

let volume: RamVolume;
let fs: RamFileSystem;
let view: DataView;
let result: OpenResult;
let file: number;

function setUp(caseSensitive: boolean, countsLinks: boolean): void {
  const memory = new PlainPageMemory({ pageSizeBytes: 4096, pageCount: 16 });
  volume = new RamVolume({ memory, caseSensitive, label: '' });
  fs = new RamFileSystem(volume, null, null, () => {}, countsLinks);
  view = new DataView(new ArrayBuffer(256));
  result = { context: 0, view, fileInfoOffset: 0, normalizedName: null };
  fs.create('\\a', 2 << 24, 0x1f01ff, 0, null, 0, result);
  file = result.context;
}

const link = (name: string) => fs.rename(file, '\\a', name, false, RenameExtension.LINK);
const namesThere = () => ['\\a', '\\B', '\\C'].filter((name) => typeof volume.lookup(name) !== 'number');

function linksTold(): number {
  fs.getFileInfo(file, view, 0);
  return view.getUint32(FileInfo.HardLinks, true);
}

beforeEach(() => setUp(true, true));

test('FILE_INFO tells the number of names, where that is asked for', () => {
  expect([link('\\B'), linksTold()]).toEqual([NtStatus.SUCCESS, 2]);
  expect(link('\\B')).toBe(NtStatus.OBJECT_NAME_COLLISION);
  fs.open('\\', 0, 0x1f01ff, result);
  expect(view.getUint32(FileInfo.HardLinks, true)).toBe(2);
  setUp(true, false);
  expect([link('\\B'), linksTold()]).toEqual([NtStatus.SUCCESS, 0]);
});

test.each([
  ['\\a', ['\\B', '\\C']],
  ['\\B', ['\\a', '\\C']],
])('Cleanup deletes the name that it tells: %s', (name, left) => {
  link('\\B');
  link('\\C');
  fs.cleanup(file, name, CleanupFlag.Delete);
  expect(namesThere()).toEqual(left);
  expect(linksTold()).toBe(2);
});

test('Cleanup with a name that the file has no more deletes nothing', () => {
  link('\\B');
  fs.cleanup(file, '\\C', CleanupFlag.Delete);
  fs.cleanup(file, null, CleanupFlag.Delete);
  expect(namesThere()).toEqual(['\\a', '\\B']);
});

test('Rename moves the name that it tells, or refuses one that the file has not', () => {
  link('\\B');
  expect(fs.rename(file, '\\B', '\\C', false, 0)).toBe(NtStatus.SUCCESS);
  expect(namesThere()).toEqual(['\\a', '\\C']);
  expect(fs.rename(file, '\\B', '\\D', false, 0)).toBe(NtStatus.OBJECT_NAME_NOT_FOUND);
  expect(fs.rename(0x7777, '\\a', '\\D', false, RenameExtension.LINK)).toBe(NtStatus.INVALID_HANDLE);
});

test('listings and opens tell each name in its own spelling', () => {
  setUp(false, true);
  link('\\Bcd');
  const names: string[] = [];
  const buffer: DirectoryBuffer = {
    view,
    add: (name) => {
      names.push(name);
      return 0;
    },
    end: () => {},
  };
  fs.open('\\', 0, 0x1f01ff, result);
  const directory = result.context;
  fs.readDirectory(directory, null, null, buffer);
  expect(names).toEqual(['a', 'Bcd']);
  fs.getDirInfoByName(directory, 'bCD', buffer);
  expect(names.at(-1)).toBe('Bcd');
  fs.open('\\bcD', 0, 0x1f01ff, result);
  expect([result.context, result.normalizedName]).toEqual([file, '\\Bcd']);
});
