/** Volumes for the tests of images: one with everything in it, and what tells two of them apart. */

import type { Scratch } from '../../../src/image/checksum/pieces.js';
import { Key } from '../../../src/image/format.js';
import type { Inode } from '../../../src/volume/inode.js';
import { RamVolume, type RamVolumeOptions } from '../../../src/volume/ram-volume.js';
import { rootDescriptor } from '../../../src/volume/security/security-rules.js';
import { eaList } from '../../support/ea-list.js';
import { PlainPageMemory } from '../../support/plain-page-memory.js';

export const PAGE = 4096;
const SCRATCH_BYTES = 65536;

/** The pax keys that every entry of an image has. */
export const PAX = {
  [Key.WRITE]: '1',
  [Key.ACCESS]: '1',
  [Key.CHANGE]: '1',
  [Key.CREATION]: '1',
  [Key.ATTRIBUTES]: '0x20',
  [Key.SECURITY]: Buffer.from(rootDescriptor()).toString('base64'),
};

export interface Rig {
  volume: RamVolume;
  scratch: Scratch;
  make(path: string, directory?: boolean): Inode;
  put(inode: Inode, at: number, bytes: Uint8Array): void;
}

export function rig(
  options: Partial<RamVolumeOptions> & { pageSizeBytes?: number; pageCount?: number } = {},
): Rig {
  const memory = new PlainPageMemory({
    pageSizeBytes: options.pageSizeBytes ?? PAGE,
    pageCount: options.pageCount ?? 512,
    scratchBytes: SCRATCH_BYTES,
  });
  const address = memory.scratchAddress;
  const scratch = { address, bytes: memory.bytes.subarray(address, address + SCRATCH_BYTES) };
  return rigOf({ caseSensitive: true, label: 'Label', ...options, memory }, scratch);
}

export function rigOf(options: RamVolumeOptions, scratch: Scratch): Rig {
  const volume = new RamVolume(options);
  const { address } = scratch;
  return {
    volume,
    scratch,
    make(path, directory = false) {
      const inode = volume.create(path, directory ? 0x10 : 0x20, directory, null, 0);
      if (typeof inode === 'number') throw new Error(`${path}: ${inode}`);
      volume.close(inode);
      return inode;
    },
    put(inode, at, bytes) {
      // The upper half is left to saves that are under way.
      for (let done = 0; done < bytes.length; done += SCRATCH_BYTES / 2) {
        const part = bytes.subarray(done, done + SCRATCH_BYTES / 2);
        scratch.bytes.set(part);
        if (volume.write(inode, at + done, part.length, address, false, false) < 0) throw new Error('full');
      }
    },
  };
}

/** Reparse data of a symbolic link as a Linux mount makes it. */
export function linkData(target: string): Uint8Array {
  const text = Buffer.from(target.replaceAll('/', '\\'), 'utf16le');
  const data = Buffer.alloc(20 + text.length);
  data.writeUInt32LE(0xa000000c, 0);
  data.writeUInt16LE(12 + text.length, 4);
  data.writeUInt16LE(text.length, 10);
  data.writeUInt16LE(text.length, 14);
  data.writeUInt32LE(1, 16);
  data.set(text, 20);
  return data;
}

/** Owner S-1-22-1-uid, group S-1-22-2-gid; rwx for the owner, r-x for the group, nothing for others. */
export function linuxDescriptor(uid: number, gid: number): Uint8Array {
  const sid = (kind: number, id: number) =>
    Buffer.from([
      1,
      2,
      0,
      0,
      0,
      0,
      0,
      22,
      kind,
      0,
      0,
      0,
      id & 255,
      (id >> 8) & 255,
      (id >> 16) & 255,
      id >>> 24,
    ]);
  const ace = (mask: number, of: Buffer) => {
    const head = Buffer.alloc(8);
    head.writeUInt16LE(8 + of.length, 2);
    head.writeUInt32LE(mask, 4);
    return Buffer.concat([head, of]);
  };
  const [owner, group] = [sid(1, uid), sid(2, gid)];
  const aces = Buffer.concat([ace(0x1f01ff, owner), ace(0x1200a9, group)]);
  const acl = Buffer.from([2, 0, 8 + aces.length, 0, 2, 0, 0, 0]);
  const head = Buffer.alloc(20);
  head[0] = 1;
  head.writeUInt16LE(0x9004, 2);
  head.writeUInt32LE(20, 16);
  head.writeUInt32LE(20 + acl.length + aces.length, 4);
  head.writeUInt32LE(20 + acl.length + aces.length + owner.length, 8);
  return Buffer.concat([head, acl, aces, owner, group]);
}

/** A pattern of which no part looks like another. */
export function content(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0, x = seed + 1; i < length; i++) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    bytes[i] = x >>> 24;
  }
  return bytes;
}

export const LONG_NAME = `${'語'.repeat(80)}.txt`;
const TIMES = [1n, 0x7fff_ffff_ffff_ffffn, 133_444_736_001_234_567n, 116_444_735_999_999_999n];

/** A tree with everything that a volume can hold. */
export function fullVolume(options: Parameters<typeof rig>[0] = {}): Rig {
  const full = rig(options);
  const { volume, make, put } = full;
  make('\\dir', true);
  make('\\dir\\deep', true);
  make('\\dir\\deep\\empty', true);
  make('\\empty');
  put(make('\\dir\\one byte'), 0, content(1, 1));
  put(make('\\dir\\deep\\a page'), 0, content(PAGE, 2));
  put(make('\\dir\\many pages'), 0, content(10 * PAGE + 7, 3));
  put(make(`\\dir\\${LONG_NAME}`), 0, content(100, 4));
  make('\\naïve – 😀\\'.slice(0, -1), true);
  put(make('\\naïve – 😀\\x'), 0, content(10, 5));
  make('\\broken \ud800 name', true);
  put(make('\\broken \ud800 name\\\udfff'), 0, content(20, 6));
  make('\\broken \ufffd name');
  // Bytes that are not UTF-8, and such that are one by one; a backslash, a line end.
  make('\\caf\udce9', true);
  put(make('\\caf\udce9\\\udcff\udc80'), 0, content(30, 9));
  make('\\caf\udcc3\udca9');
  put(make('\\back\uf05cslash\nline'), 0, content(40, 10));
  volume.setFileSize(make('\\caf\udce9\\hole \udce9'), 9 * PAGE);
  volume.setReparsePoint(make('\\link to bytes'), linkData('caf\udce9/\udcff\udc80'));
  // Holes at the beginning, in the middle, at the end, and nothing else.
  const holes = make('\\holes');
  put(holes, 3 * PAGE, content(PAGE, 7));
  put(holes, 7 * PAGE + 100, content(PAGE, 8));
  volume.setFileSize(holes, 20 * PAGE + 1);
  volume.setFileSize(make('\\dir\\only a hole'), 9 * PAGE);
  volume.setReparsePoint(make('\\link'), linkData('dir/one byte'));
  volume.setReparsePoint(make('\\dir\\to directory', true), linkData('../dir'));
  volume.setReparsePoint(make(`\\long link`), linkData(`dir/${'x'.repeat(300)}`));
  const tag = Buffer.from('11000080040000004d494e45', 'hex');
  volume.setReparsePoint(make('\\another tag'), tag);
  const attributed = make('\\attributes');
  put(attributed, 0, content(10, 10));
  volume.setExtendedAttributes(
    attributed,
    eaList({ 'user.text': 'value\n', 'trusted.b': '\0\xff', 'NO.LINUX': 'x' }),
  );
  volume.setExtendedAttributes(attributed, eaList({ 'user.empty': '\0' }, 0x01));
  volume.setExtendedAttributes(attributed, eaList({ 'user.odd=name': 'x', 'user.\xe9': 'x' }, 0x80));
  volume.setExtendedAttributes(make('\\dir\\attributes', true), eaList({ 'user.on': 'a directory' }));
  volume.setExtendedAttributes(volume.root, eaList({ 'user.root': '1' }));
  volume.setReparsePoint(make('\\pipe'), Buffer.from('2400008000000000', 'hex'));
  volume.setReparsePoint(make('\\socket'), Buffer.from('2300008000000000', 'hex'));
  volume.setReparsePoint(make('\\huge device'), Buffer.from('26000080080000000000040000000000', 'hex'));
  volume.setReparsePoint(make('\\no number'), Buffer.from('2500008000000000', 'hex'));
  const filled = make('\\pipe with content');
  put(filled, 0, content(10, 9));
  volume.setReparsePoint(filled, Buffer.from('2400008000000000', 'hex'));
  volume.restore(
    make('\\linux'),
    linuxDescriptor(70_000, 300_000),
    0x2,
    new Int32Array(new BigInt64Array(TIMES).buffer),
  );
  volume.restore(
    volume.lookup('\\dir') as Inode,
    rootDescriptor(),
    0x2 | 0x4,
    new Int32Array(new BigInt64Array([-5n, 0n, -1n, 5n]).buffer),
  );
  make('\\.ramdrive-manifest.json');
  const stream = (path: string, name: string, length: number) => {
    const made = volume.createStream(volume.lookup(path) as Inode, name, 0);
    if (typeof made === 'number') throw new Error(`${path}:${name}: ${made}`);
    put(made, 3 * PAGE, content(length, 12));
    volume.close(made);
  };
  stream('\\dir\\many pages', 'Zone.Identifier', 100);
  stream('\\dir\\many pages', 'Another ä', 2 * PAGE);
  stream('\\holes', 'of a linked file \ud800', 1);
  stream('\\dir', 'of a directory', 5);
  stream('\\link', 'of a link', 5);
  volume.close(volume.createStream(volume.root, 'of the root', 0) as Inode);
  // Names of files that come before and behind the first, in other directories, and such that tar cannot say.
  const link = (path: string, to: string) => volume.link(volume.lookup(path) as Inode, to);
  link('\\dir\\many pages', '\\dir\\deep\\again');
  link('\\dir\\many pages', '\\zzz');
  link('\\holes', '\\a hole');
  link('\\broken \ud800 name\\\udfff', '\\dir\\\ud801');
  link('\\caf\udce9\\\udcff\udc80', '\\caf\udce9\\\udcfe');
  link('\\link to bytes', '\\linked link');
  link('\\pipe', '\\linked pipe');
  // A link whose name has no bytes, with another name; and one that has content.
  volume.setReparsePoint(make('\\link \ud800'), linkData('link'));
  link('\\link \ud800', '\\zz linked \ud800');
  const kept = make('\\link with content');
  put(kept, 0, content(10, 11));
  volume.setReparsePoint(kept, linkData('link'));
  return full;
}
