/** The self-check in pieces: what changes between two of them is no fault, and a fault is found all the same. */
import { beforeEach, describe, expect, it } from 'vitest';
import { NtStatus } from '../../../../src/ntstatus.js';
import type { Inode } from '../../../../src/volume/inode.js';
import { RamVolume } from '../../../../src/volume/ram-volume.js';
import { PlainPageMemory } from '../../../support/plain-page-memory.js';
import { linkData } from '../volume-model.js';

const PAGE = 16;
const DELETE = 1;
const TRIM_ALLOCATION = 2;
let volume: RamVolume;
let memory: PlainPageMemory;

beforeEach(() => {
  memory = new PlainPageMemory({ pageSizeBytes: PAGE, pageCount: 4096, scratchBytes: 4096 });
  volume = new RamVolume({ memory, caseSensitive: true, namedStreams: true, label: 'pieces' });
  for (const directory of ['a', 'b', 'c']) {
    volume.close(make(`\\${directory}`, true));
    for (let i = 0; i < 40; i++) volume.close(make(`\\${directory}\\${i}`));
  }
  for (let i = 0; i < 40; i++) {
    volume.setAllocationSize(at(`\\c\\${i}`), 100);
    volume.link(at(`\\c\\${i}`), `\\b\\second name ${i}`);
  }
});

function make(path: string, directory = false): Inode {
  const inode = volume.create(path, 0, directory, null, 0);
  if (typeof inode === 'number') throw new Error(`${path}: ${inode}`);
  if (!directory) write(inode, 0, 20);
  return inode;
}

function makeStream(path: string, name: string): Inode {
  const stream = volume.createStream(at(path), name, 0);
  if (typeof stream === 'number') throw new Error(`${path}:${name}: ${stream}`);
  write(stream, 0, 20);
  return stream;
}

function write(inode: Inode, offset: number, length: number): void {
  const address = memory.put(new Uint8Array(length).fill(7));
  expect(volume.write(inode, offset, length, address, false, false)).toBe(length);
}

function remove(path: string): void {
  const inode = volume.open(path) as Inode;
  volume.cleanup(inode, DELETE);
  volume.close(inode);
}

const at = (path: string) => volume.lookup(path) as Inode;

/** Pieces as small as they can be until the check is through, each followed by `between`. */
function inPieces(between: (piece: number) => void): { violations: string[]; pieces: number } {
  for (let piece = 0; ; piece++) {
    const violations = volume.selfCheckPiece(0);
    if (violations !== null) return { violations, pieces: piece + 1 };
    between(piece);
    expect(piece).toBeLessThan(10_000);
  }
}

/** When the walk has been in `\\c`, and in `\\b` partly: once for each of 40 files. */
function late(change: (file: number) => number): (piece: number) => void {
  return (piece) => {
    if (piece >= 50 && piece < 90) expect(change(piece - 50)).toBe(0);
  };
}

describe('what changes between pieces is no fault:', () => {
  const changes: [string, (piece: number) => void][] = [
    ['nothing', () => {}],
    ['files come', (i) => volume.close(make(`\\b\\new${i}`))],
    ['directories come', (i) => volume.close(make(`\\c\\new${i}`, true))],
    ['files without a name come', (i) => volume.create(`\\${i}`, 0, false, null, 0, false)],
    ['files go', (i) => i < 40 && remove(`\\b\\${i}`)],
    [
      'files come and go',
      (i) => {
        volume.close(make(`\\b\\new${i}`));
        remove(`\\b\\new${i}`);
      },
    ],
    ['files grow', (i) => write(at(`\\b\\${i % 40}`), i, 40)],
    ['files shrink', (i) => expect(volume.setFileSize(at(`\\c\\${i % 40}`), Math.floor(i / 8))).toBe(0)],
    ['room is reserved', (i) => expect(volume.setAllocationSize(at(`\\a\\${i % 40}`), 32 + i)).toBe(0)],
    ['room is given up', (i) => i >= 50 && volume.cleanup(at(`\\c\\${i % 40}`), TRIM_ALLOCATION)],
    ['files are emptied', (i) => expect(volume.overwrite(at(`\\c\\${i % 40}`), 0, false, 0)).toBe(0)],
    ['content is copied', late((i) => volume.copy(at(`\\b\\${i}`), 0, at(`\\c\\${i}`), 60, 20) - 20)],
    ['holes are made', (i) => expect(volume.zero(at(`\\c\\${i % 40}`), 0, 20)).toBe(0)],
    ['files are renamed', late((i) => volume.rename(at(`\\c\\${i}`), `\\b\\from-c-${i}`, false))],
    [
      'a directory is renamed',
      (i) => volume.rename(at(i % 2 ? '\\long' : '\\c'), i % 2 ? '\\c' : '\\long', true),
    ],
    ['places are exchanged', late((i) => volume.exchange(at(`\\c\\${i}`), `\\a\\${i}`))],
    ['places are exchanged, of others', late((i) => volume.exchange(at(`\\a\\${i}`), `\\c\\${i}`))],
    ['files get further names', (i) => expect(volume.link(at(`\\c\\${i % 40}`), `\\a\\link${i}`)).toBe(0)],
    [
      'files lose their first name',
      late((i) => {
        remove(`\\c\\${i}`);
        return 0;
      }),
    ],
    [
      'files are as an image tells',
      late((i) => volume.restore(at(`\\c\\${i}`), daclOf(i), 0, new Int32Array(8))),
    ],
    ['descriptors change', (i) => expect(volume.setSecurity(at(`\\b\\${i % 40}`), 4, daclOf(i))).toBe(0)],
    [
      'links come and go',
      (i) => {
        const inode = at(`\\b\\${i % 40}`);
        const data = linkData('to');
        expect(
          inode.reparse === null
            ? volume.setReparsePoint(inode, data)
            : volume.deleteReparsePoint(inode, data),
        ).toBe(0);
      },
    ],
    [
      'extended attributes come and go',
      (i) => expect(volume.setExtendedAttributes(at(`\\b\\${i % 40}`), attribute(i % 7))).toBe(0),
    ],
    ['handles come and go', (i) => (i % 2 ? volume.close(at('\\a\\1')) : volume.open('\\a\\1'))],
    ['streams come', (i) => volume.close(makeStream(`\\${'abc'[i % 3]}\\${i % 40}`, `stream${i}`))],
    ['streams of directories come', (i) => volume.close(makeStream('\\c', `stream${i}`))],
    [
      'streams come, grow, shrink and go',
      (i) => {
        const stream = makeStream(`\\c\\${i % 40}`, 'stream');
        write(stream, 40, 40);
        expect(volume.setFileSize(stream, 3)).toBe(0);
        volume.cleanup(stream, i % 2 ? DELETE : TRIM_ALLOCATION);
        volume.close(stream);
        const path = `\\c\\${(i + 20) % 40}`;
        if (volume.lookup(`${path}:stream`) !== NtStatus.OBJECT_NAME_NOT_FOUND) remove(`${path}:stream`);
      },
    ],
    [
      'files with streams are emptied, which an open stream outlives, and has its name again',
      (i) => {
        const path = `\\c\\${i % 40}`;
        const stream = makeStream(path, 'stream');
        volume.close(makeStream(path, 'another'));
        expect(volume.overwrite(at(path), 0, false, i, attribute(i % 7))).toBe(0);
        expect(volume.lookup(`${path}:stream`)).toBe(NtStatus.OBJECT_NAME_NOT_FOUND);
        if (i % 2 === 0) {
          expect(makeStream(path, 'stream')).toBe(stream);
          volume.close(stream);
          volume.cleanup(stream, DELETE);
        }
        volume.close(stream);
      },
    ],
    [
      'files go with their streams',
      late((i) => {
        const stream = makeStream(`\\c\\${i}`, 'open');
        volume.close(makeStream(`\\c\\${i}`, 'closed'));
        remove(`\\c\\${i}`);
        remove(`\\b\\second name ${i}`);
        if (i % 3 !== 0) volume.close(stream);
        return 0;
      }),
    ],
    [
      'streams change what is told of their files',
      (i) => {
        const path = `\\b\\${i % 40}`;
        const lookedUp = volume.lookup(`${path}:stream`);
        const stream = typeof lookedUp === 'number' ? makeStream(path, 'stream') : lookedUp;
        expect(volume.setSecurity(stream, 4, daclOf(i))).toBe(0);
        expect(volume.setExtendedAttributes(stream, attribute(i % 7))).toBe(0);
        expect(volume.overwrite(stream, 0, false, i % 50)).toBe(0);
      },
    ],
    ['the capacity changes', (i) => expect(volume.resize(4096 - (i % 100))).toBe(0)],
  ];
  it.each(changes)('%s', (_what, change) => {
    const { violations, pieces } = inPieces(change);
    expect(violations).toEqual([]);
    expect(pieces).toBeGreaterThan(20);
    expect(volume.selfCheck()).toEqual([]);
    expect(inPieces(() => {}).violations).toEqual([]);
  });

  it('files without a name lose their last handle, get one again', () => {
    const open = Array.from({ length: 40 }, (_, i) => volume.open(`\\a\\${i}`) as Inode);
    for (const inode of open) volume.cleanup(inode, DELETE);
    const { violations } = inPieces((i) => {
      const inode = open.pop();
      if (inode === undefined) return;
      if (i % 2 === 0) expect(volume.link(inode, `\\again${i}`)).toBe(0);
      volume.close(inode);
    });
    expect(violations).toEqual([]);
  });

  it('a tree that has not been met yet moves to where the walk has been', () => {
    for (let i = 0; i < 300; i++) volume.close(make(`\\a\\more${i}`));
    const order: string[] = [];
    const { violations } = inPieces((i) => {
      if (i !== 60) return;
      for (const name of ['a', 'b']) {
        order.push(name);
        volume.rename(at(`\\${name}`), `\\c\\${name}`, false);
      }
    });
    expect(order).toHaveLength(2);
    expect(violations).toEqual([]);
  });
});

it('300,000 files: requests are answered between many pieces', { timeout: 240_000 }, () => {
  for (let directory = 0; directory < 300; directory++) {
    volume.close(make(`\\many${directory}`, true));
    for (let i = 0; i < 1000; i++) {
      volume.close(volume.create(`\\many${directory}\\file ${i}`, 0, false, null, 0) as Inode);
    }
  }
  let answered = 0;
  for (let violations = null; violations === null; violations = volume.selfCheckPiece(2)) {
    const inode = volume.open(`\\many${answered % 300}\\file ${answered % 1000}`) as Inode;
    write(inode, 0, 5);
    volume.close(inode);
    remove(`\\many${answered % 300}\\file ${answered % 1000}`);
    answered++;
    expect(volume.inodeCount).toBe(300_000 + 300 + 124 - answered);
    if (violations !== null) expect(violations).toEqual([]);
  }
  expect(answered).toBeGreaterThan(30);
});

describe('snapshots', () => {
  it('that come and go begin the check anew, which ends all the same', () => {
    let changes = 0;
    const { violations } = inPieces((i) => {
      if (i % 10 !== 9) return;
      changes++;
      expect(changes % 2 === 1 ? volume.snapshot('s') : volume.deleteSnapshot('s')).toBe(0);
    });
    expect(violations).toEqual([]);
    expect(changes).toBe(3);
  });

  it('are walked in pieces, too', () => {
    volume.snapshot('s');
    const { violations, pieces } = inPieces((i) => write(at(`\\b\\${i % 40}`), 0, 40));
    expect(violations).toEqual([]);
    expect(pieces).toBeGreaterThan(240);
  });

  it('a rollback amid a check is no fault', () => {
    volume.snapshot('s');
    const { violations } = inPieces((i) => i === 150 && expect(volume.rollback('s')).toBe(0));
    expect(violations).toEqual([]);
  });
});

describe('a fault is found', () => {
  it.each([
    ['before the walk gets there', 0],
    ['after the walk was there', 122],
  ])('that comes %s: pages that are reserved by no file', (_when, when) => {
    const { violations } = inPieces((i) => i === when && expect(volume.pool.reserve(1)).toBe(0));
    expect(violations.join()).toContain('FreeBytesAccurate');
  });

  it('while files change', () => {
    volume.root.children!.directoryCount++;
    const { violations } = inPieces((i) => write(at(`\\b\\${i % 40}`), i, 40));
    expect(violations.join()).toContain('has 3 directories, and counts 4');
  });

  it('in the index', () => {
    const lost = at('\\c\\1');
    lost.parent!.children!.delete(lost.key);
    const { violations } = inPieces((i) => write(at(`\\b\\${i % 40}`), i, 40));
    expect(violations.join()).toContain('is in the index, but in no directory');
  });
});

/** A list with one attribute, whose value has so many bytes. */
function attribute(bytes: number): Uint8Array {
  const list = Buffer.alloc(8 + 2 + bytes);
  list.writeUInt8(1, 5);
  list.writeUInt16LE(bytes, 6);
  list.write('A', 8, 'latin1');
  return list;
}

/** A descriptor whose list of access rights has one entry, for a mask of its own. */
function daclOf(mask: number): Uint8Array {
  const descriptor = Buffer.alloc(20 + 8 + 20);
  descriptor.writeUInt8(1, 0);
  descriptor.writeUInt16LE(0x8004, 2);
  descriptor.writeUInt32LE(20, 16);
  descriptor.writeUInt8(2, 20);
  descriptor.writeUInt16LE(28, 22);
  descriptor.writeUInt16LE(1, 24);
  descriptor.writeUInt16LE(20, 30);
  descriptor.writeUInt32LE(mask, 32);
  Buffer.from([1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]).copy(descriptor, 36);
  return descriptor;
}
