/**
 * The volume's names: what look-up, create, rename, delete and listing cost by the size of the directory. Names are
 * asked for in an order that has nothing to do with theirs, so a large directory cannot live in the processor's caches;
 * "in order" is what archives and programs that number their files do.
 */

import { NativePageMemory } from '../../src/os/native-page-memory.js';
import { Cleanup } from '../../src/volume/file-attributes.js';
import type { Inode } from '../../src/volume/inode.js';
import { copyText, foldingTable } from '../../src/volume/names/case-folding.js';
import { RamVolume } from '../../src/volume/ram-volume.js';
import type { CoreBenchmarks } from './run.js';

const SIZES = [10, 1000, 10_000, 100_000, 1_000_000];
const MAX_QUICK_SIZE = 10_000;
/** A prime, and so a step that visits all of a directory in a scattered order. */
const STEP = 611_953;
const ASKED = 100_000;

export function add(bench: CoreBenchmarks): void {
  for (const size of SIZES) {
    if (!bench.quick || size <= MAX_QUICK_SIZE) addSize(bench, size);
  }
  const table = foldingTable(false);
  for (const [what, text] of [
    ['ASCII', 'A file name of 32 units in ASCII'],
    ['Cyrillic', 'Имя файла из тридцати двух букв.'],
  ] as const) {
    bench.add(`copy and fold a name of ${text.length} units, ${what}`, () => {
      copyText(text, 0, text.length, table);
    });
  }
}

function addSize(bench: CoreBenchmarks, size: number): void {
  const among = `among ${size.toLocaleString('en')}`;
  // Every benchmark leaves the directory as it was, so one is made for all of a size.
  let volume: RamVolume | undefined;
  let directory: Inode;
  // Made beforehand: what is measured is the volume, not the making of paths.
  let asked: string[] = [];
  let at = 0;
  const next = () => {
    at = at + 1 === asked.length ? 0 : at + 1;
    return asked[at] as string;
  };
  const made = (inode: Inode | number): Inode => {
    if (typeof inode === 'number') throw new Error(`status ${inode}`);
    return inode;
  };
  const create = (path: string) => {
    const inode = made(volume!.create(path, 0, false, null, 0));
    volume!.close(inode);
  };
  const remove = (path: string) => {
    const inode = made(volume!.open(path));
    volume!.cleanup(inode, Cleanup.DELETE);
    volume!.close(inode);
  };
  const nameOf = (i: number) => `\\directory\\File number ${String(i % size).padStart(7, '0')}.txt`;
  const begin =
    (suffix: string, step = STEP) =>
    () => {
      if (volume === undefined) {
        volume = new RamVolume({
          memory: new NativePageMemory({ pageCount: 16 }),
          caseSensitive: false,
          label: '',
        });
        directory = made(volume.create('\\directory', 0, true, null, 0));
        for (let i = 0; i < size; i++) create(nameOf(i * STEP));
      }
      asked = Array.from({ length: ASKED }, (_, i) => nameOf(i * step) + suffix);
    };
  const end = () => {
    volume?.dispose();
    volume = undefined;
    asked = [];
  };

  bench.add(`look up ${among}`, () => made(volume!.lookup(next())), { before: begin('') });
  bench.add(`look up ${among}, in order`, () => made(volume!.lookup(next())), { before: begin('', 1) });
  bench.add(
    `look up what is not there ${among}`,
    () => {
      if (typeof volume!.lookup(next()) !== 'number') throw new Error('found');
    },
    { before: begin('x') },
  );
  const createAndDelete = () => {
    const path = next();
    create(path);
    remove(path);
  };
  bench.add(`create and delete ${among}`, createAndDelete, { before: begin('x') });
  bench.add(`create and delete ${among}, in order`, createAndDelete, { before: begin('x', 1) });
  bench.add(
    `rename there and back ${among}`,
    () => {
      const path = next();
      const inode = made(volume!.lookup(path));
      volume!.rename(inode, `${path}x`, false);
      volume!.rename(inode, path, false);
    },
    { before: begin(''), operationsPerRun: 2 },
  );
  bench.add(
    `create and delete one lock file ${among}`,
    () => {
      create('\\directory\\index.lock');
      remove('\\directory\\index.lock');
    },
    { before: begin('') },
  );
  let marker: string | null = null;
  const list = (most: number) => () => {
    let left = most;
    let last: string | null = null;
    volume!.list(directory, marker, (name) => {
      last = name;
      left -= 1;
      return left > 0;
    });
    // From the beginning again when the end was reached.
    marker = left > 0 ? null : last;
  };
  const restart = () => {
    begin('')();
    marker = null;
  };
  bench.add(`list ${among}, one entry a call (per entry)`, list(1), { before: restart });
  const most = Math.min(size, 512);
  bench.add(`list ${among}, ${most} entries a call (per entry)`, list(most), {
    before: restart,
    after: end,
    operationsPerRun: most,
  });
}
