import { describe, expect, it } from 'vitest';
import { allocateLedger, LedgerPublisher, readLedger } from '../../../src/drive/ledger.js';
import { RamFileSystem } from '../../../src/drive/ram-file-system.js';
import { NtStatus } from '../../../src/ntstatus.js';
import { RamVolume } from '../../../src/volume/ram-volume.js';
import {
  CleanupFlag,
  CreateOption,
  type DirectoryBuffer,
  FileAttribute,
  FileInfoLayout as FileInfo,
  getUint64,
  INVALID_FILE_ATTRIBUTES,
  type OpenResult,
  VolumeInfoLayout as VolumeInfo,
} from '../../../src/winfsp/index.js';
import { PlainPageMemory } from '../../support/plain-page-memory.js';

const PAGE = 4096;
const OFFSET = 16;

/**
 * A file system with the out-parameters that the binding would hand in, filled with junk where WinFsp does not zero
 * them.
 */
function setUp(options: { pageCount?: number; caseSensitive?: boolean } = {}) {
  const memory = new PlainPageMemory({ pageSizeBytes: PAGE, pageCount: options.pageCount ?? 16 });
  const volume = new RamVolume({ memory, caseSensitive: options.caseSensitive ?? false, label: 'Label' });
  const ledger = allocateLedger();
  const labels: string[] = [];
  const fs = new RamFileSystem(volume, new LedgerPublisher(ledger), null, (label) => labels.push(label));
  const bytes = new Uint8Array(256);
  const view = new DataView(bytes.buffer);
  const result: OpenResult = { context: 0, view, fileInfoOffset: OFFSET, normalizedName: null };
  const junk = () => bytes.fill(0xcc);
  const make = (path: string, directory = false) => {
    const createOptions = (2 << 24) | (directory ? CreateOption.FILE_DIRECTORY_FILE : 0);
    const attributes = directory ? FileAttribute.DIRECTORY : 0;
    expect(fs.create(path, createOptions, 0x1f01ff, attributes, null, 0, result)).toBe(NtStatus.SUCCESS);
    return result.context;
  };
  const put = (text: string) => memory.bytes.set(Buffer.from(text), memory.scratchAddress);
  const write = (context: number, text: string, offset = 0, toEnd = false, constrained = false) => {
    put(text);
    return fs.write(context, memory.scratchAddress, offset, text.length, toEnd, constrained, view, OFFSET);
  };
  const read = (context: number, offset: number, length: number) => {
    const count = fs.read(context, memory.scratchAddress, offset, length);
    return count < 0
      ? count
      : Buffer.from(memory.bytes.subarray(memory.scratchAddress, memory.scratchAddress + count)).toString(
          'latin1',
        );
  };
  return { labels, fs, volume, memory, ledger, bytes, view, result, junk, make, write, read };
}

function infoOf(view: DataView) {
  const u32 = (field: number) => view.getUint32(OFFSET + field, true);
  const u64 = (field: number) => getUint64(view, OFFSET + field);
  return {
    attributes: u32(FileInfo.FileAttributes),
    reparseTag: u32(FileInfo.ReparseTag),
    allocationSize: u64(FileInfo.AllocationSize),
    fileSize: u64(FileInfo.FileSize),
    creationTime: view.getBigUint64(OFFSET + FileInfo.CreationTime, true),
    lastWriteTime: view.getBigUint64(OFFSET + FileInfo.LastWriteTime, true),
    changeTime: view.getBigUint64(OFFSET + FileInfo.ChangeTime, true),
    lastAccessTime: view.getBigUint64(OFFSET + FileInfo.LastAccessTime, true),
    indexNumber: u64(FileInfo.IndexNumber),
    hardLinks: u32(FileInfo.HardLinks),
    eaSize: u32(FileInfo.EaSize),
  };
}

class Listing implements DirectoryBuffer {
  readonly view = new DataView(new ArrayBuffer(4096));
  readonly names: string[] = [];
  ended = false;
  constructor(readonly room = 1000) {}
  add(name: string): number {
    if (this.names.length === this.room) {
      return -1;
    }
    this.names.push(name);
    return 0;
  }
  end(): void {
    this.ended = true;
  }
}

describe('FILE_INFO', () => {
  it('is written whole, over whatever was there, by every callback that has one', () => {
    const { fs, view, junk, make, write, bytes } = setUp();
    const context = make('\\file');
    const created = infoOf(view);
    expect(created).toMatchObject({ fileSize: 0, allocationSize: 0, hardLinks: 0, eaSize: 0, reparseTag: 0 });
    expect(created.attributes).toBe(FileAttribute.ARCHIVE);
    expect(created.indexNumber).toBeGreaterThan(0);
    expect(created.creationTime).toBeGreaterThan(132_000_000_000_000_000n);

    const calls: [string, () => number][] = [
      ['write', () => write(context, 'x'.repeat(5000))],
      ['flush', () => fs.flush(context, view, OFFSET)],
      ['getFileInfo', () => fs.getFileInfo(context, view, OFFSET)],
      [
        'setBasicInfo',
        () => fs.setBasicInfo(context, INVALID_FILE_ATTRIBUTES, new Int32Array(8), view, OFFSET),
      ],
      ['setFileSize', () => fs.setFileSize(context, 5000, false, view, OFFSET)],
    ];
    for (const [name, call] of calls) {
      junk();
      expect(call(), name).toBeGreaterThanOrEqual(0);
      expect(infoOf(view), name).toMatchObject({
        fileSize: 5000,
        allocationSize: 2 * PAGE,
        indexNumber: created.indexNumber,
        creationTime: created.creationTime,
        hardLinks: 0,
        eaSize: 0,
        reparseTag: 0,
      });
      // Nothing before and nothing behind the 72 bytes.
      expect(
        [...bytes.subarray(0, OFFSET)].every((byte) => byte === 0xcc),
        name,
      ).toBe(true);
      expect(
        [...bytes.subarray(OFFSET + FileInfo.SIZE)].every((byte) => byte === 0xcc),
        name,
      ).toBe(true);
    }
    junk();
    expect(fs.overwrite(context, 0, true, 0, view, OFFSET)).toBe(NtStatus.SUCCESS);
    expect(infoOf(view)).toMatchObject({ fileSize: 0, allocationSize: 0, attributes: FileAttribute.ARCHIVE });
  });

  it('keeps times of 100 ns through a round trip', () => {
    const { fs, view, make } = setUp();
    const context = make('\\file');
    const times = [133_123_456_789_012_341n, 133_123_456_789_012_343n, 1n, 0x7fff_ffff_ffff_fff0n];
    const halves = new Int32Array(new BigInt64Array(times).buffer);
    expect(fs.setBasicInfo(context, INVALID_FILE_ATTRIBUTES, halves, view, OFFSET)).toBe(NtStatus.SUCCESS);
    const { creationTime, lastAccessTime, lastWriteTime, changeTime } = infoOf(view);
    expect([creationTime, lastAccessTime, lastWriteTime, changeTime]).toEqual(times);
  });
});

describe('create and open', () => {
  it('make what was asked, with ARCHIVE for files only, and tell the stored spelling', () => {
    const { fs, view, result, make } = setUp();
    make('\\Dir', true);
    expect(infoOf(view).attributes).toBe(FileAttribute.DIRECTORY);
    make('\\Dir\\File');
    expect(result.normalizedName).toBe('\\Dir\\File');
    expect(fs.open('\\DIR\\FILE', 1 << 24, 0, result)).toBe(NtStatus.SUCCESS);
    expect(result.normalizedName).toBe('\\Dir\\File');
  });

  it('say what is missing, and what is there already', () => {
    const { fs, result, make } = setUp();
    make('\\file');
    const open = (path: string) => fs.open(path, 1 << 24, 0, result);
    const create = (path: string) => fs.create(path, 2 << 24, 0, 0, null, 0, result);
    expect(open('\\absent')).toBe(NtStatus.OBJECT_NAME_NOT_FOUND);
    expect(open('\\absent\\below')).toBe(NtStatus.OBJECT_PATH_NOT_FOUND);
    expect(create('\\FILE')).toBe(NtStatus.OBJECT_NAME_COLLISION);
    expect(create('\\absent\\below')).toBe(NtStatus.OBJECT_PATH_NOT_FOUND);
    expect(open('\\')).toBe(NtStatus.SUCCESS);
  });

  it('distinguish case where the volume does, and need no normalised name there', () => {
    const { fs, result, make } = setUp({ caseSensitive: true });
    make('\\a');
    make('\\A');
    expect(result.normalizedName).toBeNull();
    expect(fs.open('\\b', 1 << 24, 0, result)).toBe(NtStatus.OBJECT_NAME_NOT_FOUND);
  });

  it('reserve the allocation hint or refuse it', () => {
    const { fs, result, view } = setUp({ pageCount: 4 });
    expect(fs.create('\\a', 2 << 24, 0, 0, null, 3 * PAGE, result)).toBe(NtStatus.SUCCESS);
    expect(infoOf(view)).toMatchObject({ fileSize: 0, allocationSize: 3 * PAGE });
    expect(fs.create('\\b', 2 << 24, 0, 0, null, 2 * PAGE, result)).toBe(NtStatus.DISK_FULL);
    expect(fs.open('\\b', 1 << 24, 0, result)).toBe(NtStatus.OBJECT_NAME_NOT_FOUND);
  });
});

describe('getSecurityByName', () => {
  it('tells a missing parent from a missing leaf', () => {
    const { fs, make } = setUp();
    make('\\file');
    const result = { fileAttributes: 0, securityDescriptor: null as Uint8Array | null };
    expect(fs.getSecurityByName('\\file', result)).toBe(NtStatus.SUCCESS);
    expect(result.fileAttributes).toBe(FileAttribute.ARCHIVE);
    expect(result.securityDescriptor!.length).toBeGreaterThan(20);
    expect(fs.getSecurityByName('\\absent', result)).toBe(NtStatus.OBJECT_NAME_NOT_FOUND);
    expect(fs.getSecurityByName('\\absent\\x', result)).toBe(NtStatus.OBJECT_PATH_NOT_FOUND);
  });

  it('finds a link on the way, and tells where its name begins', () => {
    const { fs, make } = setUp();
    make('\\dir', true);
    const link = make('\\dir\\link', true);
    const data = new Uint8Array(8 + 12 + 2);
    new DataView(data.buffer).setUint32(0, 0xa000000c, true);
    new DataView(data.buffer).setUint16(4, data.length - 8, true);
    expect(fs.setReparsePoint(link, '\\dir\\link', data)).toBe(NtStatus.SUCCESS);
    const result = { fileAttributes: 0, securityDescriptor: null };
    expect(fs.getSecurityByName('\\dir\\link\\a\\b', result)).toBe(NtStatus.REPARSE);
    expect(result.fileAttributes).toBe('\\dir\\'.length);
    // The link itself is an ordinary answer with its attribute.
    expect(fs.getSecurityByName('\\dir\\link', result)).toBe(NtStatus.SUCCESS);
    expect(result.fileAttributes & FileAttribute.REPARSE_POINT).not.toBe(0);
    expect(fs.getReparsePoint(0, '\\dir\\link')).toEqual(data);
    expect(fs.getReparsePoint(0, '\\dir')).toBe(NtStatus.NOT_A_REPARSE_POINT);
    expect(fs.deleteReparsePoint(link, '\\dir\\link', data.slice(0, 8))).toBe(NtStatus.SUCCESS);
  });

  it('says that a link is on the way to the file of a stream, for which the driver asks nothing before', () => {
    const { fs, volume, make, result } = setUp();
    const link = make('\\link', true);
    const data = new Uint8Array(8 + 12 + 2);
    new DataView(data.buffer).setUint32(0, 0xa000000c, true);
    new DataView(data.buffer).setUint16(4, data.length - 8, true);
    expect(fs.setReparsePoint(link, '\\link', data)).toBe(NtStatus.SUCCESS);
    const open = (path: string) => fs.open(path, 0, 0, result);
    expect(open('\\link\\a')).toBe(NtStatus.OBJECT_PATH_NOT_FOUND);
    volume.namedStreams = true;
    expect(open('\\link\\a')).toBe(NtStatus.REPARSE);
    expect(open('\\link\\a:s')).toBe(NtStatus.REPARSE);
    expect(open('\\link:s')).toBe(NtStatus.OBJECT_NAME_NOT_FOUND);
    expect(open('\\none\\a')).toBe(NtStatus.OBJECT_PATH_NOT_FOUND);
    expect(volume.selfCheck()).toEqual([]);
  });

  it('answers for a stream that a link does not have as for the link, behind which it may be', () => {
    const { fs, volume, make } = setUp();
    volume.namedStreams = true;
    make('\\file');
    const link = make('\\link');
    const result = { fileAttributes: 0, securityDescriptor: null };
    expect(fs.getSecurityByName('\\link:s', result)).toBe(NtStatus.OBJECT_NAME_NOT_FOUND);
    const data = new Uint8Array(8 + 12 + 2);
    new DataView(data.buffer).setUint32(0, 0xa000000c, true);
    new DataView(data.buffer).setUint16(4, data.length - 8, true);
    expect(fs.setReparsePoint(link, '\\link', data)).toBe(NtStatus.SUCCESS);
    expect(fs.getSecurityByName('\\link:s', result)).toBe(NtStatus.SUCCESS);
    expect(result.fileAttributes & FileAttribute.REPARSE_POINT).not.toBe(0);
    expect(fs.getSecurityByName('\\file:s', result)).toBe(NtStatus.OBJECT_NAME_NOT_FOUND);
    expect(fs.getSecurityByName('\\none:s', result)).toBe(NtStatus.OBJECT_NAME_NOT_FOUND);
    expect(fs.getSecurityByName('\\link:a:b', result)).toBe(NtStatus.OBJECT_NAME_INVALID);
  });
});

describe('read and write', () => {
  it('append, extend with zeros, and never extend when constrained', () => {
    const { make, write, read } = setUp();
    const context = make('\\file');
    expect(write(context, 'abc')).toBe(3);
    expect(write(context, 'def', 0, true)).toBe(3);
    expect(read(context, 0, 100)).toBe('abcdef');
    expect(read(context, 6, 1)).toBe(NtStatus.END_OF_FILE);
    expect(write(context, 'XYZ', 4, false, true)).toBe(2);
    expect(write(context, 'XYZ', 6, false, true)).toBe(0);
    expect(read(context, 0, 100)).toBe('abcdXY');
    expect(write(context, '!', 8)).toBe(1);
    expect(read(context, 0, 100)).toBe('abcdXY\0\0!');
  });

  it('refuse what does not fit, and change nothing', () => {
    const { fs, view, make, write, ledger } = setUp({ pageCount: 2 });
    const context = make('\\file');
    expect(fs.setFileSize(context, 2 * PAGE + 1, false, view, OFFSET)).toBe(NtStatus.DISK_FULL);
    expect(write(context, 'x', 2 * PAGE)).toBe(NtStatus.DISK_FULL);
    expect(readLedger(ledger)).toMatchObject({ reservedPages: 0, allocatedPages: 0 });
    expect(fs.setFileSize(context, 2 * PAGE, false, view, OFFSET)).toBe(NtStatus.SUCCESS);
    expect(readLedger(ledger)).toMatchObject({ capacityPages: 2, reservedPages: 2, allocatedPages: 0 });
  });
});

describe('cleanup and close', () => {
  it('delete keeps the data until the last close; figures follow', () => {
    const { fs, result, make, write, read, ledger } = setUp();
    const first = make('\\file');
    write(first, 'data');
    fs.open('\\file', 1 << 24, 0, result);
    expect(result.context).toBe(first);
    expect(fs.canDelete(first, '\\file')).toBe(NtStatus.SUCCESS);
    fs.cleanup(first, '\\file', CleanupFlag.Delete);
    fs.close(first);
    expect(fs.open('\\file', 1 << 24, 0, result)).toBe(NtStatus.OBJECT_NAME_NOT_FOUND);
    expect(read(first, 0, 10)).toBe('data');
    expect(readLedger(ledger)).toMatchObject({ reservedPages: 1, openHandles: 1 });
    fs.close(first);
    expect(readLedger(ledger)).toMatchObject({ reservedPages: 0, openHandles: 0 });
    expect(read(first, 0, 10)).toBe(NtStatus.INVALID_HANDLE);
  });

  it('a directory with something in it stays', () => {
    const { fs, make } = setUp();
    const directory = make('\\dir', true);
    make('\\dir\\file');
    expect(fs.canDelete(directory, '\\dir')).toBe(NtStatus.DIRECTORY_NOT_EMPTY);
  });
});

describe('a context that nobody has', () => {
  it('is INVALID_HANDLE everywhere, never an exception', () => {
    const { fs, view, make } = setUp();
    const stale = make('\\file');
    fs.cleanup(stale, '\\file', CleanupFlag.Delete);
    fs.close(stale);
    for (const context of [stale, 123_456_789, 2 ** 40]) {
      expect(fs.read(context, 0, 0, 1)).toBe(NtStatus.INVALID_HANDLE);
      expect(fs.write(context, 0, 0, 1, false, false, view, 0)).toBe(NtStatus.INVALID_HANDLE);
      expect(fs.flush(context, view, 0)).toBe(NtStatus.INVALID_HANDLE);
      expect(fs.getFileInfo(context, view, 0)).toBe(NtStatus.INVALID_HANDLE);
      expect(fs.setBasicInfo(context, 0, new Int32Array(8), view, 0)).toBe(NtStatus.INVALID_HANDLE);
      expect(fs.setFileSize(context, 0, false, view, 0)).toBe(NtStatus.INVALID_HANDLE);
      expect(fs.overwrite(context, 0, false, 0, view, 0)).toBe(NtStatus.INVALID_HANDLE);
      expect(fs.canDelete(context, '')).toBe(NtStatus.INVALID_HANDLE);
      expect(fs.rename(context, '', '\\x', false, 0)).toBe(NtStatus.INVALID_HANDLE);
      expect(fs.getSecurity(context)).toBe(NtStatus.INVALID_HANDLE);
      expect(fs.setSecurity(context, 4, new Uint8Array(20))).toBe(NtStatus.INVALID_HANDLE);
      expect(fs.readDirectory(context, null, null, new Listing())).toBe(NtStatus.INVALID_HANDLE);
      expect(fs.getDirInfoByName(context, 'x', new Listing())).toBe(NtStatus.INVALID_HANDLE);
      expect(fs.getReparsePoint(context, '')).toBe(NtStatus.INVALID_HANDLE);
      expect(fs.setReparsePoint(context, '', new Uint8Array(8))).toBe(NtStatus.INVALID_HANDLE);
      expect(fs.deleteReparsePoint(context, '', new Uint8Array(8))).toBe(NtStatus.INVALID_HANDLE);
      fs.cleanup(context, null, 0);
      fs.close(context);
    }
    expect(fs.flush(0, view, 0)).toBe(NtStatus.SUCCESS);
  });
});

describe('listings', () => {
  it('are in order, continue behind a marker, and end once', () => {
    const { fs, result, make } = setUp();
    for (const name of ['b', 'A', 'c', 'ß']) {
      make(`\\${name}`);
    }
    fs.open('\\', 1 << 24, 0, result);
    const root = result.context;
    const all = new Listing();
    expect(fs.readDirectory(root, null, null, all)).toBe(NtStatus.SUCCESS);
    expect(all).toMatchObject({ names: ['A', 'b', 'c', 'ß'], ended: true });
    const names: string[] = [];
    for (let marker: string | null = null, ended = false; !ended; ) {
      const part = new Listing(1);
      fs.readDirectory(root, null, marker, part);
      names.push(...part.names);
      marker = part.names.at(-1) ?? marker;
      ended = part.ended;
    }
    expect(names).toEqual(all.names);
  });

  it('begin with . and .. below the root', () => {
    const { fs, make } = setUp();
    const directory = make('\\dir', true);
    const listing = new Listing();
    fs.readDirectory(directory, null, null, listing);
    expect(listing.names).toEqual(['.', '..']);
  });

  it('answer one name in its stored spelling', () => {
    const { fs, make } = setUp();
    const directory = make('\\Dir', true);
    make('\\Dir\\File');
    const listing = new Listing();
    expect(fs.getDirInfoByName(directory, 'FILE', listing)).toBe(NtStatus.SUCCESS);
    expect(listing.names).toEqual(['File']);
    expect(fs.getDirInfoByName(directory, 'absent', listing)).toBe(NtStatus.OBJECT_NAME_NOT_FOUND);
    expect(fs.getDirInfoByName(directory, 'File\\x', listing)).toBe(NtStatus.OBJECT_NAME_NOT_FOUND);
  });
});

describe('the volume', () => {
  it('tells sizes and label, and refuses a label that is too long', () => {
    const { fs, view, make, write, labels } = setUp();
    write(make('\\file'), 'x');
    expect(fs.getVolumeInfo(view, OFFSET)).toBe(NtStatus.SUCCESS);
    expect(getUint64(view, OFFSET + VolumeInfo.TotalSize)).toBe(16 * PAGE);
    expect(getUint64(view, OFFSET + VolumeInfo.FreeSize)).toBe(15 * PAGE);
    expect(view.getUint16(OFFSET + VolumeInfo.VolumeLabelLength, true)).toBe(10);
    expect(view.getUint16(OFFSET + VolumeInfo.VolumeLabel, true)).toBe('L'.charCodeAt(0));
    expect(fs.setVolumeLabel('n'.repeat(33), view, OFFSET)).toBe(NtStatus.INVALID_VOLUME_LABEL);
    fs.getVolumeInfo(view, OFFSET);
    expect(view.getUint16(OFFSET + VolumeInfo.VolumeLabelLength, true)).toBe(10);
    expect(fs.setVolumeLabel('n'.repeat(32), view, OFFSET)).toBe(NtStatus.SUCCESS);
    expect(labels).toEqual(['n'.repeat(32)]);
    expect(view.getUint16(OFFSET + VolumeInfo.VolumeLabelLength, true)).toBe(64);
  });
});
