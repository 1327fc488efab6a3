/** Fills a volume with some 10,000 files of all kinds, by a fixed sequence of pseudo-random choices. */
import type { Inode } from '../../../src/volume/inode.js';
import type { RamVolume } from '../../../src/volume/ram-volume.js';
import { rootDescriptor } from '../../../src/volume/security/security-rules.js';
import { eaList } from '../../support/ea-list.js';
import { content, linkData, linuxDescriptor, PAGE, type Rig } from './volumes.js';

const FILES = 10_100;
const DIRECTORY_EVERY = 40;
const SETTABLE = [0x1, 0x2, 0x4, 0x20, 0x100, 0x1000, 0x2000];
const TAGS = [
  '2400008000000000',
  '2300008000000000',
  '2500008008000000bc0a000045230100',
  '26000080080000000100000002000000',
];
/** What names are made of: ASCII, what tar or pax could stumble over, all lengths of UTF-8, no UTF-8, nothing at all. */
const PARTS = [
  'a', 'B', '-', ' ', '.x', '=', '\n', '\u007f', '~7', '%', 'é', 'ß', '語', '😀', 'e\u0301', '\uf05c', '\ufffd',
  '\udc80', '\udcff', '\udcc3\udca9', '\ud800', '\udfff', 'GNUSparseFile.0', 'PaxHeader', '12 path=x\n',
]; // biome-ignore format: a list

type Choose = (below: number) => number;

function chooser(): Choose {
  let state = 1;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Each other than all before, whatever the case. */
function nameOf(number: number, choose: Choose): string {
  let name = `${number}`;
  for (let left = choose(6); left > 0; left--) name += PARTS[choose(PARTS.length)];
  if (choose(20) === 0) name = `${name}${'語x\udc90'[choose(3)]}`.padEnd(255, name);
  return name.slice(0, 255);
}

function fill({ put, volume }: Rig, inode: Inode, choose: Choose, seed: number): void {
  switch (choose(8)) {
    case 0:
      return;
    case 1:
      // Holes at the beginning, in the middle and at the end.
      for (let left = 1 + choose(3); left > 0; left--) {
        put(inode, PAGE * (1 + choose(30)) + choose(PAGE), content(1 + choose(2 * PAGE), seed + left));
      }
      if (choose(2) === 0) volume.setFileSize(inode, inode.fileSize + PAGE * (1 + choose(5)) + choose(PAGE));
      return;
    case 2:
      volume.setFileSize(inode, PAGE + choose(10 * PAGE));
      return;
    case 3:
      put(inode, 0, content(1 + choose(3 * PAGE), seed));
      return;
    default:
      put(inode, 0, content(1 + choose(200), seed));
  }
}

function reparse(volume: RamVolume, inode: Inode, choose: Choose): void {
  const target = `${'../'.repeat(choose(3))}${PARTS[choose(14)]}/${'t'.repeat(choose(300))}`;
  const tag = choose(TAGS.length + 4);
  const data = tag < TAGS.length ? Buffer.from(TAGS[tag] as string, 'hex') : linkData(target);
  const status = volume.setReparsePoint(inode, data);
  if (status < 0) throw new Error(`reparse point: ${status}`);
}

function extend(volume: RamVolume, inode: Inode, choose: Choose): void {
  const values: Record<string, string> = {};
  for (let left = 1 + choose(4); left > 0; left--) {
    const name = `${['user.', 'trusted.', 'security.', '', 'A'][choose(5)]}${choose(1000)}${['', '=', '\xe9'][choose(3)]}`;
    values[name] = Buffer.from(content(1 + choose(300), left)).toString('latin1');
  }
  if (volume.setExtendedAttributes(inode, eaList(values, [0, 0x80][choose(2)])) < 0) throw new Error('EAs');
}

/** Descriptor, attributes and times, which are any 64 bits. */
function restore(volume: RamVolume, inode: Inode, choose: Choose): void {
  const security = choose(5) === 0 ? rootDescriptor() : linuxDescriptor(choose(2 ** 32), choose(100));
  const attributes = SETTABLE.reduce((all, bit) => (choose(3) === 0 ? all | bit : all), 0);
  const times = Int32Array.from({ length: 8 }, () => choose(2 ** 32));
  // Now, to 100 ns, for half of them.
  if (choose(2) === 0) times.set(new Int32Array(new BigInt64Array([133_444_736_001_234_567n]).buffer), 4);
  const status = volume.restore(inode, security, attributes, times);
  if (status < 0) throw new Error(`restore: ${status}`);
}

export function fillWithEverything(rig: Rig): void {
  const { make, volume } = rig;
  const choose = chooser();
  const directories = ['\\'];
  const files: Inode[] = [];
  const all: Inode[] = [volume.root];
  const links = new Map<number, number>();
  for (let number = 0; number < FILES; number++) {
    const above = directories[choose(directories.length)] as string;
    const path = `${above === '\\' ? '' : above}\\${nameOf(number, choose)}`;
    if (number % DIRECTORY_EVERY === 0) {
      all.push(make(path, true));
      directories.push(path);
      continue;
    }
    const target = files[choose(files.length)];
    if (target !== undefined && choose(12) === 0) {
      if (volume.link(target, path) < 0) throw new Error(`link ${path}`);
      links.set(target.indexNumber, 1);
      continue;
    }
    const isDirectory = choose(200) === 0;
    const inode = make(path, isDirectory);
    if (!isDirectory) {
      files.push(inode);
      fill(rig, inode, choose, number);
    }
    all.push(inode);
    if (isDirectory || choose(10) === 0) reparse(volume, inode, choose);
  }
  for (const inode of all) {
    if (choose(10) === 0) extend(volume, inode, choose);
    restore(volume, inode, choose);
  }
}
