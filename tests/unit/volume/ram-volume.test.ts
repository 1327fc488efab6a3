import { describe, expect, it } from 'vitest';
import { NtStatus } from '../../../src/ntstatus.js';
import { MAX_OPEN_INODES } from '../../../src/volume/context-table.js';
import { Cleanup } from '../../../src/volume/file-attributes.js';
import { timeFromMilliseconds } from '../../../src/volume/file-clock.js';
import type { Inode } from '../../../src/volume/inode.js';
import { MAX_INODE_COUNT, MAX_TOTAL_REPARSE_BYTES, RamVolume } from '../../../src/volume/ram-volume.js';
import { rootDescriptor, SecurityInformation, Sid } from '../../../src/volume/security/security-rules.js';
import { PlainPageMemory } from '../../support/plain-page-memory.js';
import { linkData } from './volume-model.js';

const PAGE = 16;
const START_MS = 1_700_000_000_000;

function setUp(pageCount = 32, caseSensitive = false, keepsSetTimes = false) {
  const memory = new PlainPageMemory({ pageSizeBytes: PAGE, pageCount });
  const time = { ms: START_MS };
  const volume = new RamVolume({
    memory,
    caseSensitive,
    label: 'RAM',
    timeSource: timeFromMilliseconds(() => time.ms),
    keepsSetTimes,
  });
  const make = (path: string, directory = false, attributes = directory ? 0x10 : 0x20) => {
    const inode = volume.create(path, attributes, directory, null, 0);
    expect(typeof inode, path).toBe('object');
    return inode as Inode;
  };
  const put = (inode: Inode, text: string, at = 0, toEnd = false, constrained = false) =>
    volume.write(inode, at, text.length, memory.put(Buffer.from(text, 'latin1')), toEnd, constrained);
  const get = (inode: Inode) => {
    const count = volume.read(inode, 0, 4096, memory.scratchAddress);
    return count < 0 ? count : Buffer.from(memory.get(memory.scratchAddress, count)).toString('latin1');
  };
  return { memory, time, volume, make, put, get };
}
type Which = 'creation' | 'lastAccess' | 'lastWrite' | 'change';
const filetime = (ms: number) => (BigInt(ms) + 11_644_473_600_000n) * 10_000n;
const whole = (low: number, high: number) => (BigInt(high) << 32n) | BigInt(low >>> 0);
const timesOf = (inode: Inode): Record<Which, bigint> => ({
  creation: whole(inode.creationTimeLow, inode.creationTimeHigh),
  lastAccess: whole(inode.lastAccessTimeLow, inode.lastAccessTimeHigh),
  lastWrite: whole(inode.lastWriteTimeLow, inode.lastWriteTimeHigh),
  change: whole(inode.changeTimeLow, inode.changeTimeHigh),
});
/** Which times lie a second or more after `ms`. */
const movedSince = (inode: Inode, ms: number) =>
  Object.entries(timesOf(inode))
    .filter(([, time]) => time >= filetime(ms + 1000))
    .map(([which]) => which);

describe('a new volume', () => {
  it('has a root that is open to nobody, an index number and nothing else', () => {
    const { volume } = setUp();
    expect(volume.lookup('\\')).toBe(volume.root);
    expect(volume.pathOf(volume.root)).toBe('\\');
    expect(volume.root).toMatchObject({
      attributes: 0x10,
      slot: 0,
      fileSize: 0,
      allocationSize: 0,
      deleted: false,
    });
    expect(volume.root.indexNumber).toBeGreaterThan(0);
    expect(volume.securityOf(volume.root)).toEqual(rootDescriptor());
    expect(volume).toMatchObject({
      totalBytes: 32 * PAGE,
      freeBytes: 32 * PAGE,
      inodeCount: 1,
      openCount: 0,
      label: 'RAM',
    });
    expect(volume.create('\\', 0x10, true, null, 0)).toBe(NtStatus.OBJECT_NAME_COLLISION);
    expect(volume.selfCheck()).toEqual([]);
  });

  it('keeps its root: it can be opened, but not renamed, deleted or made a link', () => {
    const { volume, make } = setUp();
    const root = volume.open('\\') as Inode;
    expect(volume.canDelete(root)).toBe(NtStatus.CANNOT_DELETE);
    expect(volume.rename(root, '\\other', true)).toBe(NtStatus.ACCESS_DENIED);
    expect(volume.rename(make('\\a'), '\\', true)).toBe(NtStatus.ACCESS_DENIED);
    expect(volume.setReparsePoint(root, linkData('x'))).toBe(NtStatus.ACCESS_DENIED);
    volume.cleanup(root, 1);
    volume.close(root);
    expect(volume.lookup('\\')).toBe(root);
    expect(volume.selfCheck()).toEqual([]);
  });

  it('may commit everything at once', () => {
    const memory = new PlainPageMemory({ pageSizeBytes: PAGE, pageCount: 8 });
    const volume = new RamVolume({ memory, caseSensitive: false, label: '', preallocate: true });
    expect(volume.pool.committedPages).toBe(8);
    expect(volume.freeBytes).toBe(8 * PAGE);
  });
});

describe('create', () => {
  it('keeps only attributes that can be set, and what the inode is', () => {
    const { make } = setUp();
    expect(make('\\file', false, 0xffffffff).attributes).toBe(0x3127);
    expect(make('\\dir', true, 0xffffffff).attributes).toBe(0x3137);
    expect(make('\\plain', false, 0x80 | 0x10).attributes).toBe(0);
  });

  it('refused, leaves no trace', () => {
    const { volume, make } = setUp(4);
    const parent = make('\\dir', true);
    const before = { ...timesOf(parent), inodes: volume.inodeCount, opens: volume.openCount };
    expect(volume.create('\\dir\\big', 0, false, null, 5 * PAGE)).toBe(NtStatus.DISK_FULL);
    expect(volume.create('\\dir\\bad', 0, false, new Uint8Array(20), PAGE)).toBe(
      NtStatus.INVALID_SECURITY_DESCR,
    );
    expect(volume.create('\\dir\\huge', 0, false, null, 2 ** 63)).toBe(NtStatus.DISK_FULL);
    expect({ ...timesOf(parent), inodes: volume.inodeCount, opens: volume.openCount }).toEqual(before);
    expect(volume.freeBytes).toBe(4 * PAGE);
    expect(volume.selfCheck()).toEqual([]);
  });

  it('takes the given security or the inherited one', () => {
    const { volume, make } = setUp();
    const given = Buffer.from(rootDescriptor());
    const inode = volume.create('\\given', 0, false, given, 0) as Inode;
    expect(volume.securityOf(inode)).toEqual(rootDescriptor());
    given.fill(0);
    expect(volume.securityOf(inode)).toEqual(rootDescriptor());
    expect(volume.securityOf(make('\\inherited'))).not.toEqual(rootDescriptor());
    expect(volume.securityOf(make('\\other'))).toBe(volume.securityOf(volume.lookup('\\inherited') as Inode));
  });

  it('never uses an index number again', () => {
    const { volume } = setUp();
    const seen = new Set<number>([volume.root.indexNumber]);
    for (let i = 0; i < 100; i++) {
      const inode = volume.create('\\same', 0, false, null, 0) as Inode;
      expect(seen.has(inode.indexNumber)).toBe(false);
      seen.add(inode.indexNumber);
      volume.cleanup(inode, 1);
      volume.close(inode);
    }
  });
});

describe('handles', () => {
  it('share one context as long as the file is open, and none after that', () => {
    const { volume, make } = setUp();
    const inode = make('\\file');
    const context = volume.contextOf(inode);
    expect(volume.open('\\FILE')).toBe(inode);
    expect(volume.contextOf(inode)).toBe(context);
    volume.close(inode);
    expect(volume.inodeOf(context)).toBe(inode);
    volume.close(inode);
    expect(volume.inodeOf(context)).toBeUndefined();
    volume.open('\\file');
    expect(volume.contextOf(inode)).not.toBe(context);
    expect(volume.inodeOf(context)).toBeUndefined();
    volume.close(inode);
    expect(() => volume.close(inode)).toThrow('more often');
  });

  it('keep the data of a deleted file, which a new file of that name does not disturb', () => {
    const { volume, make, put, get } = setUp();
    const old = make('\\file');
    put(old, 'old');
    volume.open('\\file');
    volume.cleanup(old, 1);
    volume.cleanup(old, 1);
    const fresh = make('\\file');
    put(fresh, 'new');
    expect(old.deleted).toBe(true);
    expect(get(old)).toBe('old');
    expect(put(old, '-er', 3)).toBe(3);
    expect(put(old, 'OLD!!', 0, false, true)).toBe(5);
    expect(get(old)).toBe('OLD!!r');
    expect(volume.rename(old, '\\back', false)).toBe(NtStatus.FILE_DELETED);
    expect(volume.freeBytes).toBe(30 * PAGE);
    volume.close(old);
    expect(volume.freeBytes).toBe(30 * PAGE);
    volume.close(old);
    expect(volume.freeBytes).toBe(31 * PAGE);
    expect(get(fresh)).toBe('new');
    expect(volume.selfCheck()).toEqual([]);
  });

  it('of a directory with children do not delete it', () => {
    const { volume, make } = setUp();
    const directory = make('\\dir', true);
    const child = make('\\dir\\child');
    volume.cleanup(directory, 1);
    expect(volume.lookup('\\dir\\child')).toBe(child);
    volume.cleanup(child, 1);
    // The child is still open, but its name is gone.
    expect(volume.canDelete(directory)).toBe(NtStatus.SUCCESS);
    volume.cleanup(directory, 1);
    expect(volume.lookup('\\dir')).toBe(NtStatus.OBJECT_NAME_NOT_FOUND);
    expect(volume.create('\\dir\\late', 0, false, null, 0)).toBe(NtStatus.OBJECT_PATH_NOT_FOUND);
    expect(volume.selfCheck()).toEqual([]);
    volume.close(directory);
    volume.close(child);
    expect(volume.selfCheck()).toEqual([]);
  });
});

describe('rename', () => {
  it('moves a directory with all that is below it', () => {
    const { volume, make } = setUp();
    make('\\from', true);
    make('\\from\\sub', true);
    const file = make('\\from\\sub\\file');
    make('\\to', true);
    expect(volume.rename(volume.lookup('\\from') as Inode, '\\TO\\New', false)).toBe(NtStatus.SUCCESS);
    expect(volume.pathOf(file)).toBe('\\to\\New\\sub\\file');
    expect(volume.lookup('\\to\\NEW\\Sub\\FILE')).toBe(file);
    expect(volume.lookup('\\from')).toBe(NtStatus.OBJECT_NAME_NOT_FOUND);
    expect(volume.lookup('\\from\\sub\\file')).toBe(NtStatus.OBJECT_PATH_NOT_FOUND);
    expect(volume.selfCheck()).toEqual([]);
  });

  it('to itself in another case keeps the content and changes the spelling', () => {
    const { volume, make, put, get } = setUp();
    const inode = make('\\name');
    put(inode, 'data');
    for (const replace of [false, true]) {
      expect(volume.rename(inode, '\\NAME', replace)).toBe(NtStatus.SUCCESS);
      expect(volume.pathOf(inode)).toBe('\\NAME');
      expect(volume.rename(inode, '\\name', replace)).toBe(NtStatus.SUCCESS);
      const before = timesOf(inode);
      expect(volume.rename(inode, '\\name', replace)).toBe(NtStatus.SUCCESS);
      expect(timesOf(inode)).toEqual(before);
    }
    expect(get(inode)).toBe('data');
    expect(volume.selfCheck()).toEqual([]);
  });

  it('takes the place of a file only when told to, and of a directory never', () => {
    const { volume, make, put, get } = setUp();
    const source = make('\\source');
    const target = make('\\target');
    put(source, 'source');
    put(target, 'target');
    make('\\dir', true);
    expect(volume.rename(source, '\\TARGET', false)).toBe(NtStatus.OBJECT_NAME_COLLISION);
    expect(volume.rename(source, '\\dir', true)).toBe(NtStatus.ACCESS_DENIED);
    expect(volume.rename(source, '\\dir', false)).toBe(NtStatus.OBJECT_NAME_COLLISION);
    expect(volume.rename(source, '\\TARGET', true)).toBe(NtStatus.SUCCESS);
    expect(volume.lookup('\\target')).toBe(source);
    // Still open: the replaced file lives on without a name.
    expect(target.deleted).toBe(true);
    expect(get(target)).toBe('target');
    expect(get(source)).toBe('source');
    volume.close(target);
    expect(volume.freeBytes).toBe(31 * PAGE);
    expect(volume.selfCheck()).toEqual([]);
  });

  it('by the rules of rename(2) takes the place of an empty directory, and of nothing of another kind', () => {
    const { volume, make } = setUp();
    const source = make('\\source', true);
    const inside = make('\\source\\inside');
    const empty = make('\\empty', true);
    const file = make('\\file');
    expect(volume.rename(source, '\\empty', false, true)).toBe(NtStatus.OBJECT_NAME_COLLISION);
    expect(volume.rename(source, '\\file', true, true)).toBe(NtStatus.NOT_A_DIRECTORY);
    expect(volume.rename(file, '\\empty', true, true)).toBe(NtStatus.FILE_IS_A_DIRECTORY);
    expect(volume.rename(empty, '\\source', true, true)).toBe(NtStatus.DIRECTORY_NOT_EMPTY);
    expect(volume.lookup('\\empty')).toBe(empty);
    expect(volume.rename(source, '\\empty', true, true)).toBe(NtStatus.SUCCESS);
    expect(volume.lookup('\\empty\\inside')).toBe(inside);
    expect(volume.lookup('\\source')).toBe(NtStatus.OBJECT_NAME_NOT_FOUND);
    expect(empty.deleted).toBe(true);
    expect(volume.selfCheck()).toEqual([]);
    volume.close(empty);
    expect(volume.inodeCount).toBe(4);
    expect(volume.selfCheck()).toEqual([]);
  });

  it('exchanges two names in one step, whatever they are', () => {
    const { volume, make } = setUp();
    const directory = make('\\dir', true);
    const inside = make('\\dir\\inside');
    make('\\other', true);
    const file = make('\\other\\File');
    expect(volume.exchange(directory, '\\other\\FILE')).toBe(NtStatus.SUCCESS);
    expect(volume.pathOf(inside)).toBe('\\other\\File\\inside');
    expect(volume.lookup('\\dir')).toBe(file);
    expect(volume.exchange(inside, '\\other')).toBe(NtStatus.INVALID_PARAMETER);
    expect(volume.exchange(volume.lookup('\\other') as Inode, '\\other\\file\\inside')).toBe(
      NtStatus.INVALID_PARAMETER,
    );
    expect(volume.exchange(file, '\\none')).toBe(NtStatus.OBJECT_NAME_NOT_FOUND);
    expect(volume.exchange(file, '\\')).toBe(NtStatus.ACCESS_DENIED);
    expect(volume.exchange(file, '\\DIR')).toBe(NtStatus.SUCCESS);
    expect(volume.pathOf(file)).toBe('\\dir');
    expect(volume.selfCheck()).toEqual([]);
  });

  it('gives the room of a replaced file back at once when nobody has it open', () => {
    const { volume, make, put } = setUp();
    const source = make('\\source');
    const target = make('\\target');
    put(target, 'target');
    volume.close(target);
    expect(volume.rename(source, '\\target', true)).toBe(NtStatus.SUCCESS);
    expect(volume.freeBytes).toBe(32 * PAGE);
    expect(volume.inodeCount).toBe(2);
  });

  it('refuses to move a directory into itself, at any depth', () => {
    const { volume, make } = setUp();
    const directory = make('\\a', true);
    make('\\a\\b', true);
    for (const path of ['\\a\\c', '\\A\\B\\c', '\\a\\b']) {
      expect(volume.rename(directory, path, true)).toBe(NtStatus.INVALID_PARAMETER);
    }
    expect(volume.rename(directory, '\\ab', true)).toBe(NtStatus.SUCCESS);
    expect(volume.selfCheck()).toEqual([]);
  });

  it('says when the new directory is missing', () => {
    const { volume, make } = setUp();
    const inode = make('\\a');
    expect(volume.rename(inode, '\\none\\a', false)).toBe(NtStatus.OBJECT_PATH_NOT_FOUND);
    expect(volume.rename(inode, 'a', false)).toBe(NtStatus.OBJECT_NAME_INVALID);
    expect(volume.pathOf(inode)).toBe('\\a');
  });

  it('tells case apart where the volume does', () => {
    const { volume, make } = setUp(32, true);
    const small = make('\\a');
    make('\\A');
    expect(volume.rename(small, '\\A', false)).toBe(NtStatus.OBJECT_NAME_COLLISION);
    expect(volume.rename(small, '\\b', false)).toBe(NtStatus.SUCCESS);
    expect(volume.selfCheck()).toEqual([]);
  });
});

describe('content', () => {
  it('can be as long as 2^53 says, sparse', () => {
    const memory = new PlainPageMemory({ pageSizeBytes: 2 ** 30, pageCount: 1 });
    const volume = new RamVolume({ memory, caseSensitive: false, label: '' });
    const inode = volume.create('\\f', 0, false, null, 0) as Inode;
    for (const at of [2 ** 31, 2 ** 32 - 1, 2 ** 53 - 1, 2 ** 53, 2 ** 63, 2 ** 64]) {
      expect(volume.write(inode, at, 10, memory.scratchAddress, false, false), String(at)).toBe(
        NtStatus.DISK_FULL,
      );
      expect(volume.setFileSize(inode, at)).toBe(NtStatus.DISK_FULL);
      expect(volume.setAllocationSize(inode, at)).toBe(NtStatus.DISK_FULL);
      expect(volume.overwrite(inode, 0, false, at)).toBe(NtStatus.DISK_FULL);
      expect(volume.read(inode, at, 10, memory.scratchAddress)).toBe(NtStatus.END_OF_FILE);
      expect(volume.write(inode, at, 10, memory.scratchAddress, false, true)).toBe(0);
    }
    expect(volume.setFileSize(inode, 2 ** 30)).toBe(NtStatus.SUCCESS);
    expect(inode.fileSize).toBe(2 ** 30);
    expect(volume.selfCheck()).toEqual([]);
  });

  it('fits to the last byte, and one byte more changes nothing', () => {
    const { make, put, get } = setUp(2);
    const inode = make('\\f');
    expect(put(inode, 'x'.repeat(2 * PAGE))).toBe(2 * PAGE);
    const before = timesOf(inode);
    expect(put(inode, 'y', 2 * PAGE)).toBe(NtStatus.DISK_FULL);
    expect(put(inode, 'y'.repeat(3 * PAGE))).toBe(NtStatus.DISK_FULL);
    expect(put(inode, 'y', 0, true)).toBe(NtStatus.DISK_FULL);
    expect(get(inode)).toBe('x'.repeat(2 * PAGE));
    expect(timesOf(inode)).toEqual(before);
    expect(put(inode, 'z')).toBe(1);
  });

  it('is emptied by overwrite, or kept when the new room is refused', () => {
    const { volume, make, put, get } = setUp(4);
    const inode = make('\\f');
    put(inode, 'content of three pages, nearly all of 48 bytes..');
    const other = make('\\other');
    put(other, 'x');
    expect(volume.overwrite(inode, 0x1, true, 4 * PAGE)).toBe(NtStatus.DISK_FULL);
    expect(get(inode)).toContain('content of three');
    expect(inode.attributes).toBe(0x20);
    expect(volume.overwrite(inode, 0x1, false, 2 * PAGE)).toBe(NtStatus.SUCCESS);
    expect(inode).toMatchObject({ fileSize: 0, allocationSize: 2 * PAGE, attributes: 0x21 });
    expect(volume.freeBytes).toBe(PAGE);
    expect(volume.setFileSize(inode, 10)).toBe(0);
    expect(get(inode)).toBe('\0'.repeat(10));
    expect(volume.overwrite(inode, 0x22, true, 0)).toBe(NtStatus.SUCCESS);
    expect(inode).toMatchObject({ fileSize: 0, allocationSize: 0, attributes: 0x22 });
    expect(volume.selfCheck()).toEqual([]);
  });

  it('of a directory is absent', () => {
    const { volume, make } = setUp();
    const directory = make('\\dir', true);
    const invalid = NtStatus.INVALID_DEVICE_REQUEST;
    expect(volume.read(directory, 0, 1, 0)).toBe(invalid);
    expect(volume.write(directory, 0, 1, 0, false, false)).toBe(invalid);
    expect(volume.setFileSize(directory, 1)).toBe(NtStatus.INVALID_PARAMETER);
    expect(volume.setAllocationSize(directory, 1)).toBe(NtStatus.INVALID_PARAMETER);
    expect(volume.overwrite(directory, 0, true, 1)).toBe(NtStatus.OBJECT_NAME_COLLISION);
    volume.cleanup(directory, 0x02 | 0x10);
    expect(directory).toMatchObject({ fileSize: 0, allocationSize: 0, attributes: 0x10 });
    expect(volume.flush(directory)).toBe(NtStatus.SUCCESS);
    expect(volume.flush(null)).toBe(NtStatus.SUCCESS);
  });

  it('allocated ahead is given up at Cleanup, when asked', () => {
    const { volume, make, put } = setUp();
    const inode = make('\\f');
    put(inode, 'x');
    expect(volume.setAllocationSize(inode, 10 * PAGE)).toBe(0);
    volume.cleanup(inode, 0);
    expect(inode.allocationSize).toBe(10 * PAGE);
    volume.cleanup(inode, 0x02);
    expect(inode).toMatchObject({ fileSize: 1, allocationSize: PAGE });
    expect(volume.freeBytes).toBe(31 * PAGE);
  });
});

describe('times', () => {
  /** Runs one operation a minute later and tells which times it moved. */
  const moved = (operation: (s: ReturnType<typeof setUp>, inode: Inode) => unknown, of?: string) => {
    const s = setUp();
    s.make('\\dir', true);
    const inode = s.make('\\dir\\file');
    s.put(inode, 'content');
    s.time.ms += 60_000;
    operation(s, inode);
    return movedSince(of === undefined ? inode : (s.volume.lookup(of) as Inode), START_MS + 30_000);
  };
  const ALL = ['creation', 'lastAccess', 'lastWrite', 'change'];

  it('are all now at birth, and the directory has been written', () => {
    const { volume, make, time } = setUp();
    time.ms += 1;
    const inode = make('\\file');
    expect(new Set(Object.values(timesOf(inode))).size).toBe(1);
    expect(timesOf(inode).creation).toBe(filetime(START_MS + 1));
    expect(timesOf(volume.root).lastWrite).toBe(timesOf(inode).creation);
    expect(timesOf(volume.root).creation).toBeLessThan(timesOf(inode).creation);
  });

  it('move with what is done', () => {
    const written = ['lastWrite', 'change'];
    expect(moved(() => {})).toEqual([]);
    expect(moved(({ get }, inode) => get(inode))).toEqual([]);
    expect(moved(({ put }, inode) => put(inode, 'x'))).toEqual(written);
    expect(moved(({ put }, inode) => put(inode, ''))).toEqual([]);
    expect(moved(({ volume }, inode) => volume.setFileSize(inode, 3))).toEqual(written);
    expect(moved(({ volume }, inode) => volume.setAllocationSize(inode, 3))).toEqual(written);
    expect(moved(({ volume }, inode) => volume.setAllocationSize(inode, 100))).toEqual([]);
    expect(moved(({ volume }, inode) => volume.overwrite(inode, 0, false, 0))).toEqual([
      'lastAccess',
      ...written,
    ]);
    expect(moved(({ volume }, inode) => volume.rename(inode, '\\dir\\x', false))).toEqual(['change']);
    expect(moved(({ volume }, inode) => volume.rename(inode, '\\x', false), '\\dir')).toEqual(written);
    expect(moved(({ volume }, inode) => volume.rename(inode, '\\x', false), '\\')).toEqual(written);
    expect(moved(({ make }) => make('\\dir\\new'), '\\dir')).toEqual(written);
    expect(moved(({ volume }, inode) => volume.cleanup(inode, 1), '\\dir')).toEqual(written);
    expect(moved(({ volume }, inode) => volume.setSecurity(inode, 4, rootDescriptor()))).toEqual(['change']);
    expect(moved(({ volume }, inode) => volume.setReparsePoint(inode, linkData('x')))).toEqual(['change']);
  });

  it('stay when the kernel writes its cache back, or programs that set them would lose them', () => {
    expect(moved(({ put }, inode) => put(inode, 'later', 0, false, true))).toEqual([]);
  });

  it("that were set stay on Windows, whatever is written then, until another handle's Cleanup", () => {
    const { volume, make, put, time } = setUp(32, false, true);
    const inode = make('\\f');
    const halves = (...times: bigint[]) => new Int32Array(new BigInt64Array(times).buffer);
    const lastWrite = filetime(START_MS - 1_000_000);
    volume.setBasicInfo(inode, 0xffffffff, halves(0n, 0n, lastWrite, 0n));
    time.ms += 60_000;
    put(inode, 'content');
    volume.setFileSize(inode, 3);
    volume.setFileSize(inode, 30);
    volume.setAllocationSize(inode, 2);
    expect(timesOf(inode)).toMatchObject({ lastWrite, change: filetime(time.ms) });
    volume.setBasicInfo(inode, 0xffffffff, halves(0n, 0n, 0n, lastWrite));
    put(inode, 'content');
    expect(timesOf(inode)).toMatchObject({ lastWrite, change: lastWrite });
    // The handle that set them says nothing, another one that wrote does.
    volume.cleanup(inode, Cleanup.SET_ARCHIVE);
    expect(timesOf(inode)).toMatchObject({ lastWrite, change: lastWrite });
    volume.cleanup(inode, Cleanup.SET_WRITE_TIME);
    expect(timesOf(inode)).toMatchObject({ lastWrite: filetime(time.ms), change: lastWrite });
    time.ms += 60_000;
    put(inode, 'content');
    expect(timesOf(inode)).toMatchObject({ lastWrite: filetime(time.ms), change: filetime(time.ms) });
  });

  it('that were set on Windows are set for as long as the file is open', () => {
    const { volume, make, put, time } = setUp(32, false, true);
    const inode = make('\\f');
    volume.setBasicInfo(inode, 0xffffffff, new Int32Array([0, 0, 0, 0, 1, 1, 0, 0]));
    volume.close(inode);
    volume.open('\\f');
    put(inode, 'content');
    expect(timesOf(inode).lastWrite).toBe(filetime(time.ms));
  });

  it('move at Cleanup as its flags say', () => {
    expect(moved(({ volume }, inode) => volume.cleanup(inode, 0x20))).toEqual(['lastAccess']);
    expect(moved(({ volume }, inode) => volume.cleanup(inode, 0x40))).toEqual(['lastWrite']);
    expect(moved(({ volume }, inode) => volume.cleanup(inode, 0x80))).toEqual(['change']);
    expect(moved(({ volume }, inode) => volume.cleanup(inode, 0xe0))).toEqual(ALL.slice(1));
    const { volume, make } = setUp();
    const inode = make('\\f', false, 0);
    volume.cleanup(inode, 0x10);
    expect(inode.attributes).toBe(0x20);
  });
});

describe('setBasicInfo', () => {
  const LEAVE = 0xffffffff;
  const halves = (...times: bigint[]) => new Int32Array(new BigInt64Array(times).buffer);

  it('sets what is given and leaves alone what is 0, -1 or -2', () => {
    const { volume, make } = setUp();
    const inode = make('\\f');
    for (const [at, which] of (['creation', 'lastAccess', 'lastWrite', 'change'] as const).entries()) {
      for (const leave of [0n, -1n, -2n]) {
        const before = timesOf(inode);
        const times = [leave, leave, leave, leave === 0n ? -1n : leave];
        times[at] = 123_456_789_012_345_678n + BigInt(at);
        expect(volume.setBasicInfo(inode, LEAVE, halves(...times))).toBe(0);
        expect(timesOf(inode)).toEqual({ ...before, [which]: times[at] });
      }
    }
    const before = timesOf(inode);
    expect(volume.setBasicInfo(inode, LEAVE, halves(0n, 0n, 0n, 0n))).toBe(0);
    expect(volume.setBasicInfo(inode, -1, halves(-1n, -2n, 0n, 0n))).toBe(0);
    expect(timesOf(inode)).toEqual(before);
    // Values next to the special ones are times like any other.
    for (const time of [1n, -3n, 0xffffffffn, 0xfffffffen, -0x1_0000_0000n]) {
      volume.setBasicInfo(inode, LEAVE, halves(time, time, time, time));
      expect(new Set(Object.values(timesOf(inode)))).toEqual(new Set([time]));
    }
  });

  it('makes now the change time of what is changed without one', () => {
    const { volume, make, time } = setUp();
    const inode = make('\\f');
    time.ms += 60_000;
    volume.setBasicInfo(inode, LEAVE, halves(0n, 5n, 0n, 0n));
    expect(movedSince(inode, START_MS)).toEqual(['change']);
    time.ms += 60_000;
    volume.setBasicInfo(inode, 0x1, halves(0n, 0n, 0n, -1n));
    expect(movedSince(inode, START_MS + 60_000)).toEqual([]);
  });

  it('sets attributes, but not what the inode is', () => {
    const { volume, make } = setUp();
    const file = make('\\f');
    const directory = make('\\d', true);
    const none = halves(0n, 0n, 0n, 0n);
    volume.setReparsePoint(file, linkData('x'));
    volume.setBasicInfo(file, 0x1 | 0x2 | 0x10 | 0x80, none);
    expect(file.attributes).toBe(0x403);
    volume.setBasicInfo(file, 0, none);
    expect(file.attributes).toBe(0x400);
    volume.setBasicInfo(directory, 0x80, none);
    expect(directory.attributes).toBe(0x10);
    expect(volume.selfCheck()).toEqual([]);
  });
});

describe('security', () => {
  it('is replaced for one inode only, or refused with nothing changed', () => {
    const { volume, make } = setUp();
    const a = make('\\a');
    const b = make('\\b');
    expect(volume.securityOf(a)).toBe(volume.securityOf(b));
    expect(volume.setSecurity(a, SecurityInformation.DACL, rootDescriptor())).toBe(NtStatus.SUCCESS);
    expect(volume.securityOf(a)).not.toEqual(volume.securityOf(b));
    const before = volume.securityOf(a);
    expect(volume.setSecurity(a, SecurityInformation.DACL, new Uint8Array(3))).toBe(
      NtStatus.INVALID_SECURITY_DESCR,
    );
    expect(volume.securityOf(a)).toBe(before);
    expect(volume.selfCheck()).toEqual([]);
    expect(before.length).toBeGreaterThan(Sid.EVERYONE.length);
  });

  it('of a new child comes from its directory as it is then', () => {
    const { volume, make } = setUp();
    const directory = make('\\dir', true);
    const first = volume.securityOf(make('\\dir\\first'));
    volume.setSecurity(directory, SecurityInformation.OWNER, descriptorOwnedBy(Sid.LOCAL_SYSTEM));
    const second = volume.securityOf(make('\\dir\\second'));
    expect(second).not.toEqual(first);
    expect(Buffer.from(second).includes(Buffer.from(Sid.LOCAL_SYSTEM))).toBe(true);
  });

  function descriptorOwnedBy(owner: Uint8Array): Uint8Array {
    const bytes = new Uint8Array(20 + owner.length);
    bytes[0] = 1;
    bytes[3] = 0x80;
    bytes[4] = 20;
    bytes.set(owner, 20);
    return bytes;
  }
});

describe('reparse points', () => {
  it('are set, read, replaced by their like and deleted', () => {
    const { volume, make, put, get } = setUp();
    const inode = make('\\link');
    put(inode, 'data');
    expect(volume.getReparsePoint(inode)).toBe(NtStatus.NOT_A_REPARSE_POINT);
    expect(volume.deleteReparsePoint(inode, linkData(''))).toBe(NtStatus.NOT_A_REPARSE_POINT);
    const given = linkData('first');
    expect(volume.setReparsePoint(inode, given)).toBe(0);
    given.fill(0);
    expect(volume.getReparsePoint(inode)).toEqual(Uint8Array.from(linkData('first')));
    expect(inode).toMatchObject({ reparseTag: 0xa000000c, attributes: 0x420 });
    expect(volume.setReparsePoint(inode, linkData('x', 0xa0000003))).toBe(NtStatus.IO_REPARSE_TAG_MISMATCH);
    expect(volume.setReparsePoint(inode, linkData('second'))).toBe(0);
    expect(volume.deleteReparsePoint(inode, linkData('', 0xa0000003))).toBe(NtStatus.IO_REPARSE_TAG_MISMATCH);
    expect(volume.getReparsePoint(inode)).toEqual(Uint8Array.from(linkData('second')));
    expect(get(inode)).toBe('data');
    expect(volume.deleteReparsePoint(inode, linkData(''))).toBe(0);
    expect(inode).toMatchObject({ reparseTag: 0, attributes: 0x20 });
    expect(volume.selfCheck()).toEqual([]);
  });

  it('are for empty directories only, and lead nowhere by themselves', () => {
    const { volume, make } = setUp();
    const directory = make('\\dir', true);
    const child = make('\\dir\\child');
    expect(volume.setReparsePoint(directory, linkData('x'))).toBe(NtStatus.DIRECTORY_NOT_EMPTY);
    volume.cleanup(child, 1);
    expect(volume.setReparsePoint(directory, linkData('x'))).toBe(0);
    expect(volume.create('\\dir\\child', 0, false, null, 0)).toBe(NtStatus.OBJECT_PATH_NOT_FOUND);
    expect(volume.lookup('\\dir')).toBe(directory);
    expect(volume.selfCheck()).toEqual([]);
  });

  it('are bounded, since their bytes are nobody else’s', () => {
    const { volume } = setUp();
    const data = linkData('t'.repeat(16_376));
    let made = 0;
    for (; ; made++) {
      const inode = volume.create(`\\${made}`, 0, false, null, 0) as Inode;
      const status = volume.setReparsePoint(inode, data);
      volume.close(inode);
      if (status === NtStatus.SUCCESS) continue;
      expect(status).toBe(NtStatus.DISK_FULL);
      break;
    }
    expect(made).toBe(MAX_TOTAL_REPARSE_BYTES / 16_384);
    const first = volume.open('\\0') as Inode;
    volume.cleanup(first, 1);
    volume.close(first);
    expect(volume.setReparsePoint(volume.open(`\\${made}`) as Inode, data)).toBe(NtStatus.SUCCESS);
    expect(volume.selfCheck()).toEqual([]);
  });
});

describe('the end', () => {
  it('of a volume leaves no context that leads anywhere', () => {
    const { volume, make, memory } = setUp();
    const context = volume.contextOf(make('\\f'));
    volume.dispose();
    expect(volume.inodeOf(context)).toBeUndefined();
    expect(() => memory.get(0, 1)).toThrow('dispose');
  });

  it('of the room for inodes is DISK_FULL, until one goes', () => {
    const memory = new PlainPageMemory({ pageSizeBytes: PAGE, pageCount: 4 });
    const volume = new RamVolume({ memory, caseSensitive: false, label: '', maxInodeCount: 3 });
    const first = volume.create('\\a', 0, false, null, 0) as Inode;
    volume.create('\\b', 0, false, null, 0);
    expect(volume.create('\\c', 0, false, null, 0)).toBe(NtStatus.DISK_FULL);
    volume.cleanup(first, 1);
    // Still open, so still there.
    expect(volume.create('\\c', 0, false, null, 0)).toBe(NtStatus.DISK_FULL);
    volume.close(first);
    expect(typeof volume.create('\\c', 0, false, null, 0)).toBe('object');
    expect(volume.selfCheck()).toEqual([]);
  });

  it('of contexts is never reached, since there are more than there can be inodes', () => {
    expect(MAX_OPEN_INODES).toBeGreaterThan(MAX_INODE_COUNT);
  });
});
