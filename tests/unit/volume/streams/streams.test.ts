/** Named streams: names, what they share with their file, their lives and their room, snapshots and rollback. */
import { beforeEach, describe, expect, it } from 'vitest';
import { NtStatus } from '../../../../src/ntstatus.js';
import { Cleanup } from '../../../../src/volume/file-attributes.js';
import { timeFromMilliseconds } from '../../../../src/volume/file-clock.js';
import type { Inode } from '../../../../src/volume/inode.js';
import { INODE_HEAP_BYTES, STREAMS_HEAP_BYTES } from '../../../../src/volume/inode-heap.js';
import { RamVolume, type RamVolumeOptions } from '../../../../src/volume/ram-volume.js';
import { eaList } from '../../../support/ea-list.js';
import { PlainPageMemory } from '../../../support/plain-page-memory.js';

const PAGE = 64;
let memory: PlainPageMemory;
let volume: RamVolume;
let nowMs: number;

function newVolume(options: Partial<RamVolumeOptions> = {}): RamVolume {
  memory = new PlainPageMemory({ pageSizeBytes: PAGE, pageCount: 32 });
  nowMs = 1_700_000_000_000;
  const timeSource = timeFromMilliseconds(() => nowMs);
  return new RamVolume({
    memory,
    caseSensitive: false,
    namedStreams: true,
    label: '',
    timeSource,
    ...options,
  });
}

beforeEach(() => {
  volume = newVolume();
});

function make(path: string, directory = false): Inode {
  const made = volume.create(path, directory ? 0x10 : 0x20, directory, null, 0);
  if (typeof made === 'number') throw new Error(`${path}: ${made}`);
  return made;
}

function put(inode: Inode, text: string): void {
  const bytes = Buffer.from(text);
  expect(volume.write(inode, 0, bytes.length, memory.put(bytes), false, false)).toBe(bytes.length);
}

function text(inode: Inode): string {
  if (inode.fileSize === 0) return '';
  const address = memory.put(new Uint8Array(inode.fileSize));
  expect(volume.read(inode, 0, inode.fileSize, address)).toBe(inode.fileSize);
  return Buffer.from(memory.get(address, inode.fileSize)).toString();
}

function closed(path: string, content = '', directory = false): void {
  const inode = make(path, directory);
  if (content !== '') put(inode, content);
  volume.close(inode);
}

function found(path: string): Inode {
  const inode = volume.lookup(path);
  if (typeof inode === 'number') throw new Error(`${path}: ${inode}`);
  return inode;
}

function streams(path: string): [string, number][] {
  const all: [string, number][] = [];
  volume.listStreams(found(path), (name, stream) => {
    all.push([name, stream.fileSize]);
    return true;
  });
  return all;
}

const sound = () => expect(volume.selfCheck()).toEqual([]);
const usedPages = () => volume.pool.reservedPages;

describe('a name', () => {
  it('leads to a stream of a file, a directory or the root, in any case, and keeps its spelling', () => {
    closed('\\f', 'main');
    closed('\\d', '', true);
    for (const path of ['\\f:Zone', '\\d:Zone', '\\:Zone']) {
      closed(path, path);
      expect(text(found(path.toUpperCase()))).toBe(path);
      expect(volume.pathOf(found(path))).toBe(path);
      expect(volume.spelled(found(path), path.toLowerCase())).toBe(path);
      expect(volume.create(path.toLowerCase(), 0, false, null, 0)).toBe(NtStatus.OBJECT_NAME_COLLISION);
    }
    expect(text(found('\\f'))).toBe('main');
    expect(volume.lookup('\\f:other')).toBe(NtStatus.OBJECT_NAME_NOT_FOUND);
    expect(volume.lookup('\\g:Zone')).toBe(NtStatus.OBJECT_NAME_NOT_FOUND);
    expect(volume.lookup('\\g\\h:Zone')).toBe(NtStatus.OBJECT_PATH_NOT_FOUND);
    expect(volume.create('\\g:Zone', 0, false, null, 0)).toBe(NtStatus.OBJECT_NAME_NOT_FOUND);
    expect(volume.create('\\f:dir', 0x10, true, null, 0)).toBe(NtStatus.NOT_A_DIRECTORY);
    sound();
  });

  it('has 1 to 255 units and no separator', () => {
    closed('\\f');
    closed(`\\f:${'s'.repeat(255)}`);
    for (const name of ['', 's'.repeat(256), 'a:b', 'a\0', 'a\\b']) {
      expect(volume.create(`\\f:${name}`, 0, false, null, 0)).toBe(NtStatus.OBJECT_NAME_INVALID);
      expect(volume.lookup(`\\f:${name}`)).toBe(NtStatus.OBJECT_NAME_INVALID);
    }
  });

  it('is an ordinary one on a volume without streams', () => {
    volume = newVolume({ namedStreams: false });
    closed('\\f:s', 'file');
    expect(found('\\f:s').main).toBe(found('\\f:s'));
    expect(volume.lookup('\\f')).toBe(NtStatus.OBJECT_NAME_NOT_FOUND);
    sound();
  });

  it('does not move: neither a stream nor anything to the name of one', () => {
    closed('\\f');
    closed('\\f:s');
    closed('\\g');
    expect(volume.rename(found('\\f:s'), '\\f:t', true)).toBe(NtStatus.INVALID_PARAMETER);
    expect(volume.rename(found('\\g'), '\\f:t', true)).toBe(NtStatus.OBJECT_NAME_INVALID);
    expect(volume.exchange(found('\\f:s'), '\\g')).toBe(NtStatus.INVALID_PARAMETER);
    expect(volume.exchange(found('\\g'), '\\f:s')).toBe(NtStatus.INVALID_PARAMETER);
    expect(volume.link(found('\\f:s'), '\\h')).toBe(NtStatus.INVALID_PARAMETER);
    expect(volume.link(found('\\g'), '\\f:t')).toBe(NtStatus.INVALID_PARAMETER);
    sound();
  });

  it('counts for the longest path', () => {
    volume = newVolume({ maxPathUnits: 20 });
    closed('\\d', '', true);
    closed('\\d\\f');
    closed('\\d\\f:123456789');
    expect(volume.create(`\\d\\f:${'x'.repeat(20)}`, 0, false, null, 0)).toBe(NtStatus.NAME_TOO_LONG);
    expect(volume.rename(found('\\d'), '\\1234567', false)).toBe(NtStatus.SUCCESS);
    expect(volume.rename(found('\\1234567'), '\\12345678', false)).toBe(NtStatus.NAME_TOO_LONG);
    expect(volume.rename(found('\\1234567\\f'), '\\1234567\\ff', false)).toBe(NtStatus.NAME_TOO_LONG);
  });
});

describe('what a stream shares with its file', () => {
  it('attributes, times, security, extended attributes; not the content', () => {
    const file = make('\\f');
    const stream = make('\\f:s');
    expect(stream.main).toBe(file);
    expect(volume.setBasicInfo(stream, 0x21, new Int32Array([1, 1, 2, 2, 3, 3, 4, 4]))).toBe(0);
    expect([file.attributes, file.creationTimeLow, file.changeTimeLow]).toEqual([0x21, 1, 4]);
    expect(volume.setExtendedAttributes(stream, eaList({ a: '1' }))).toBe(0);
    expect(volume.getExtendedAttributes(file)).toEqual(volume.getExtendedAttributes(stream));
    expect(file.extendedAttributes).not.toBeNull();
    const other = Uint8Array.from(volume.securityOf(volume.root));
    expect(volume.setSecurity(stream, 0x7, other)).toBe(0);
    expect(volume.securityOf(stream)).toBe(volume.securityOf(file));
    nowMs += 1000;
    const before = file.lastWriteTimeLow;
    put(stream, 'text');
    expect(file.lastWriteTimeLow).not.toBe(before);
    expect([file.fileSize, stream.fileSize, stream.allocationSize]).toEqual([0, 4, PAGE]);
    volume.cleanup(stream, Cleanup.SET_ARCHIVE | Cleanup.TRIM_ALLOCATION);
    expect(file.attributes).toBe(0x21);
    volume.close(stream);
    volume.close(file);
    sound();
  });

  it('a directory stays one, and is empty with streams', () => {
    closed('\\d', '', true);
    closed('\\d:s', 'text');
    expect(found('\\d').isDirectory).toBe(true);
    expect(found('\\d:s').isDirectory).toBe(false);
    const names: string[] = [];
    volume.list(found('\\d'), null, (name) => names.push(name) > 0);
    expect(names).toEqual(['.', '..']);
    expect(volume.canDelete(found('\\d'))).toBe(NtStatus.SUCCESS);
    expect(streams('\\d')).toEqual([['s', 4]]);
    expect(volume.list(found('\\d:s'), null, () => true)).toBe(NtStatus.NOT_A_DIRECTORY);
  });
});

describe('a list', () => {
  it("begins with a file's content, goes by folded name, and is the same of a stream", () => {
    closed('\\f', 'main');
    for (const name of ['b', 'C', 'a']) closed(`\\f:${name}`, name.repeat(2));
    const all = [
      ['', 4],
      ['a', 2],
      ['b', 2],
      ['C', 2],
    ];
    expect(streams('\\f')).toEqual(all);
    expect(streams('\\f:b')).toEqual(all);
    const some: string[] = [];
    volume.listStreams(found('\\f'), (name) => some.push(name) < 2);
    expect(some).toEqual(['', 'a']);
  });
});

describe('the life of a stream', () => {
  it('ends alone when it is deleted, and with its file', () => {
    closed('\\f', 'm'.repeat(PAGE));
    closed('\\f:a', 'a'.repeat(2 * PAGE));
    closed('\\f:b', 'b'.repeat(3 * PAGE));
    expect([usedPages(), volume.inodeCount]).toEqual([6, 4]);
    volume.cleanup(found('\\f:a'), Cleanup.DELETE);
    expect(streams('\\f').map(([name]) => name)).toEqual(['', 'b']);
    expect([usedPages(), volume.inodeCount]).toEqual([4, 3]);
    sound();
    volume.cleanup(found('\\f'), Cleanup.DELETE);
    expect([usedPages(), volume.inodeCount]).toEqual([0, 1]);
    sound();
  });

  it('goes on while it is open, without a name, and its file with it', () => {
    closed('\\f', 'main');
    const stream = make('\\f:s');
    put(stream, 'text');
    volume.cleanup(found('\\f'), Cleanup.DELETE);
    expect(volume.lookup('\\f:s')).toBe(NtStatus.OBJECT_NAME_NOT_FOUND);
    expect([text(stream), stream.deleted, stream.main.deleted, usedPages()]).toEqual(['text', true, true, 2]);
    expect(volume.createStream(stream.main, 'more', 0)).toBe(NtStatus.FILE_DELETED);
    sound();
    closed('\\f', 'other');
    closed('\\f:s', 'stream');
    volume.close(stream);
    expect([usedPages(), volume.openCount]).toEqual([2, 0]);
    expect(text(found('\\f:s'))).toBe('stream');
    sound();
  });

  it('a name that is free again is another stream', () => {
    closed('\\f');
    const old = make('\\f:s');
    volume.cleanup(old, Cleanup.DELETE);
    const young = make('\\f:s');
    put(young, 'young');
    expect(young).not.toBe(old);
    volume.close(old);
    expect(text(found('\\f:s'))).toBe('young');
    volume.close(young);
    sound();
  });

  it('moves with its file, is replaced with it, and belongs to every name of it', () => {
    closed('\\d', '', true);
    closed('\\f');
    closed('\\f:s', 'moved');
    closed('\\g');
    closed('\\g:t', 'replaced');
    expect(volume.link(found('\\f'), '\\d\\link')).toBe(0);
    expect(volume.spelled(found('\\D\\LINK:S'), '\\D\\LINK:S')).toBe('\\d\\link:s');
    expect(volume.rename(found('\\f'), '\\g', true)).toBe(0);
    expect(streams('\\g')).toEqual([
      ['', 0],
      ['s', 5],
    ]);
    expect(text(found('\\d\\link:s'))).toBe('moved');
    expect(usedPages()).toBe(1);
    volume.cleanup(found('\\g'), Cleanup.DELETE);
    expect(text(found('\\d\\link:s'))).toBe('moved');
    sound();
  });

  it('ends when its file is overwritten; an open one lives on, and is the one that gets its name again', () => {
    closed('\\f', 'main');
    for (const path of ['\\f:a', '\\f:b', '\\f:c']) closed(path, 'text');
    const [b, c] = ['\\f:b', '\\f:c'].map((path) => volume.open(path)) as [Inode, Inode];
    expect(volume.overwrite(found('\\f'), 0x20, false, 0)).toBe(0);
    expect(streams('\\f')).toEqual([['', 0]]);
    expect([text(b), b.deleted, usedPages()]).toEqual(['text', true, 2]);
    sound();
    expect(volume.create('\\f:B', 0, false, null, 33 * PAGE)).toBe(NtStatus.DISK_FULL);
    expect(text(b)).toBe('text');
    expect(volume.create('\\f:B', 0, false, null, 0)).toBe(b);
    expect(streams('\\f').slice(1)).toEqual([['b', 0]]);
    sound();
    volume.close(c);
    const young = make('\\f:c');
    expect(young).not.toBe(c);
    for (const inode of [b, b, young]) volume.close(inode);
    expect([volume.openCount, usedPages()]).toEqual([0, 0]);
    sound();
  });

  it('goes on when it is overwritten itself, with the attributes of its file', () => {
    closed('\\f', 'main');
    const stream = make('\\f:s');
    put(stream, 'text');
    expect(volume.overwrite(stream, 0x3, true, 2 * PAGE)).toBe(0);
    expect([stream.fileSize, stream.allocationSize, found('\\f').attributes]).toEqual([0, 2 * PAGE, 0x20]);
    expect(text(found('\\f'))).toBe('main');
    volume.close(stream);
    sound();
  });
});

describe('room', () => {
  it('a full disk refuses a stream as a whole, and its allocation is reserved', () => {
    closed('\\f');
    const before = [volume.inodeCount, found('\\f').changeTimeLow];
    expect(volume.create('\\f:s', 0, false, null, 33 * PAGE)).toBe(NtStatus.DISK_FULL);
    expect([volume.inodeCount, found('\\f').changeTimeLow]).toEqual(before);
    expect(streams('\\f')).toEqual([['', 0]]);
    const stream = volume.create('\\f:s', 0, false, null, 32 * PAGE) as Inode;
    expect(usedPages()).toBe(32);
    volume.cleanup(stream, Cleanup.TRIM_ALLOCATION);
    volume.close(stream);
    expect(usedPages()).toBe(0);
    sound();
  });

  it('a stream counts as an inode, on the heap too', () => {
    volume = newVolume({ maxInodeCount: 3, maxHeapBytes: 10 * INODE_HEAP_BYTES });
    closed('\\f');
    closed('\\f:s');
    expect(volume.create('\\f:t', 0, false, null, 0)).toBe(NtStatus.DISK_FULL);
    volume = newVolume({ maxHeapBytes: 3 * INODE_HEAP_BYTES + STREAMS_HEAP_BYTES + 3 });
    closed('\\f');
    expect(volume.create('\\f:s', 0, false, null, 0)).toBe(NtStatus.DISK_FULL);
    volume = newVolume({ maxHeapBytes: 3 * INODE_HEAP_BYTES + STREAMS_HEAP_BYTES + 8 });
    closed('\\f');
    closed('\\f:s');
    sound();
  });
});

describe('snapshots', () => {
  it('keep streams, and a rollback brings them back', () => {
    closed('\\f', 'main');
    closed('\\f:s', 'stream');
    closed('\\d', '', true);
    closed('\\d:t', 'of a directory');
    closed('\\:r', 'of the root');
    expect(volume.snapshot('one')).toBe(0);
    sound();
    put(found('\\f:s'), 'STREAM');
    volume.cleanup(found('\\d'), Cleanup.DELETE);
    volume.cleanup(found('\\:r'), Cleanup.DELETE);
    const open = make('\\f:later');
    const context = volume.contextOf(open);
    put(open, 'later');
    volume.cleanup(found('\\f'), Cleanup.DELETE);
    sound();
    expect(volume.rollback('one')).toBe(0);
    sound();
    expect(volume.inodeOf(context)).toBeUndefined();
    expect(['\\f:s', '\\d:t', '\\:r'].map((path) => text(found(path)))).toEqual([
      'stream',
      'of a directory',
      'of the root',
    ]);
    expect(volume.lookup('\\f:later')).toBe(NtStatus.OBJECT_NAME_NOT_FOUND);
    expect(volume.namedStreams).toBe(true);
    put(found('\\f:s'), 'again!');
    expect(volume.deleteSnapshot('one')).toBe(0);
    expect(text(found('\\f:s'))).toBe('again!');
    sound();
  });
});

describe('the self-check', () => {
  it('tells of a stream that is another than it should be', () => {
    closed('\\f');
    closed('\\f:s');
    const stream = found('\\f:s');
    stream.parent = null;
    expect(volume.selfCheck().join('\n')).toContain('Streams: "f:s" (3) has lost its name');
    stream.parent = found('\\f');
    stream.key = 'T';
    expect(volume.selfCheck().join('\n')).toContain('is not listed by its name');
  });
});
