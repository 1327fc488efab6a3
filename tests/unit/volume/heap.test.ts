/** What files cost on the JavaScript heap, measured in a process of its own with a garbage collector on demand. */
import { expect, test } from 'vitest';
import { runChild } from './child.js';

const SETUP = `
  import { PlainPageMemory } from './tests/support/plain-page-memory.js';
  import { PagePool } from './src/volume/content/page-pool.js';
  import { PagedFile } from './src/volume/content/paged-file.js';
  const used = () => {
    gc(); gc();
    const { heapUsed, external, arrayBuffers } = process.memoryUsage();
    return heapUsed + external + arrayBuffers;
  };
`;

test('reading and overwriting allocate nothing', () => {
  const { perRead, perWrite } = runChild<{ perRead: number; perWrite: number }>(
    `${SETUP}
    // A memory whose copies cost nothing, so that only the file's own allocations are seen.
    const plain = new PlainPageMemory({ pageSizeBytes: 4096, pageCount: 64 });
    const pool = new PagePool(plain);
    const file = new PagedFile(pool);
    file.write(0, 65536, plain.scratchAddress);
    const memory = plain;
    memory.copy = () => {};
    memory.zero = () => {};
    const N = 200000;
    function measure(run) {
      for (let i = 0; i < 20000; i++) run(i);
      gc();
      const before = process.memoryUsage().heapUsed;
      for (let i = 0; i < N; i++) run(i);
      return (process.memoryUsage().heapUsed - before) / N;
    }
    const perRead = measure((i) => file.read((i % 12) * 4096 + 100, 9000, 0));
    const perWrite = measure((i) => file.write((i % 12) * 4096 + 100, 9000, 0));
    console.log(JSON.stringify({ perRead, perWrite }));`,
    ['--expose-gc', '--max-semi-space-size=256', '--min-semi-space-size=256'],
  );
  // Not one object per call; an object is at least 24 bytes.
  expect(perRead).toBeLessThan(8);
  expect(perWrite).toBeLessThan(8);
});

test('an empty file costs at most 100 bytes of heap, one of a page at most 350', () => {
  const seen = runChild<Record<string, number>>(
    `${SETUP}
    const N = 100000;
    const memory = new PlainPageMemory({ pageSizeBytes: 4, pageCount: N * 2 + 8 });
    const pool = new PagePool(memory);
    const files = new Array(N);
    const out = {};
    for (const [name, bytes] of [['empty', 0], ['onePage', 3], ['twoPages', 7]]) {
      for (let i = 0; i < N; i++) files[i] = null;
      const before = used();
      for (let i = 0; i < N; i++) {
        files[i] = new PagedFile(pool);
        files[i].write(0, bytes, memory.scratchAddress);
      }
      out[name] = (used() - before) / N;
      for (const file of files) file.dispose();
    }
    console.log(JSON.stringify(out));`,
    ['--expose-gc'],
  );
  expect(seen.empty).toBeLessThanOrEqual(100);
  expect(seen.onePage).toBeLessThanOrEqual(350);
  // From the second page on there is an array; still far below the budget of 1 KiB a file.
  expect(seen.twoPages).toBeLessThanOrEqual(600);
});

const VOLUME = `
  import { PlainPageMemory } from './tests/support/plain-page-memory.js';
  import { RamVolume } from './src/volume/ram-volume.js';
  const used = () => {
    gc(); gc();
    const { heapUsed, external, arrayBuffers } = process.memoryUsage();
    return heapUsed + external + arrayBuffers;
  };
`;

test('an empty file of a volume costs at most 420 bytes of heap, also with a long way to it', () => {
  const seen = runChild<Record<string, number>>(
    `${VOLUME}
    const N = 50000;
    const memory = new PlainPageMemory({ pageSizeBytes: 4, pageCount: N * 4 + 8 });
    const volume = new RamVolume({ memory, caseSensitive: false, label: '' });
    const out = {};
    // Paths of 400 units: anyone who keeps a part of one must not keep it all.
    const way = ['a', 'b', 'c'].map((name) => name.repeat(120));
    let path = '';
    for (const name of way) volume.create(path += '\\\\' + name, 16, true, null, 0);
    for (const [name, bytes] of [['empty', 0], ['onePage', 3]]) {
      const before = used();
      for (let i = 0; i < N; i++) {
        const inode = volume.create(path + '\\\\' + name + '-of-many-' + i + '.txt', 32, false, null, 0);
        volume.write(inode, 0, bytes, memory.scratchAddress, false, false);
        volume.close(inode);
      }
      out[name] = (used() - before) / N;
    }
    const before = used();
    for (let i = 0; i < N; i++) volume.close(volume.create('\\\\directory ' + i, 16, true, null, 0));
    out.directory = (used() - before) / N;
    console.log(JSON.stringify(out));`,
    ['--expose-gc'],
  );
  // INODE_HEAP_BYTES allows 1024 in the worst case: while tables grow, and for what a self-check keeps.
  expect(seen.empty).toBeLessThanOrEqual(420);
  expect(seen.onePage).toBeLessThanOrEqual(480);
  expect(seen.directory).toBeLessThanOrEqual(1024);
});

test('read, write, look-up and what a context leads to allocate nothing', () => {
  const perCall = runChild<Record<string, number>>(
    `${VOLUME}
    import { nativeTimeSource } from './src/os/native-clock.js';
    const memory = new PlainPageMemory({ pageSizeBytes: 4096, pageCount: 64 });
    const volume = new RamVolume({ memory, caseSensitive: false, label: '', timeSource: nativeTimeSource() });
    volume.create('\\\\directory', 16, true, null, 0);
    const inode = volume.create('\\\\directory\\\\some file.txt', 32, false, null, 0);
    volume.write(inode, 0, 65536, memory.scratchAddress, false, false);
    memory.copy = () => {};
    memory.zero = () => {};
    const N = 200000;
    const paths = ['\\\\DIRECTORY\\\\SOME FILE.TXT', '\\\\directory\\\\some file.txt', '\\\\directory\\\\absent', '\\\\'];
    function measure(run) {
      for (let i = 0; i < 20000; i++) run(i);
      gc();
      const before = process.memoryUsage().heapUsed;
      for (let i = 0; i < N; i++) run(i);
      return (process.memoryUsage().heapUsed - before) / N;
    }
    console.log(JSON.stringify({
      read: measure((i) => volume.read(inode, (i % 12) * 4096 + 100, 9000, 0)),
      write: measure((i) => volume.write(inode, (i % 12) * 4096 + 100, 9000, 0, false, false)),
      constrained: measure((i) => volume.write(inode, (i % 12) * 4096 + 100, 9000, 0, false, true)),
      lookup: measure((i) => volume.lookup(paths[i & 3])),
      nodeOf: measure((i) => volume.inodeOf(volume.contextOf(inode) + (i & 1))),
    }));`,
    ['--expose-gc', '--max-semi-space-size=256', '--min-semi-space-size=256'],
  );
  // An object is at least 24 bytes, a number 16.
  for (const [what, bytes] of Object.entries(perCall)) expect(bytes, what).toBeLessThan(8);
});

test('a further name of a file costs no more of the heap than it is counted', () => {
  const perLink = runChild<number>(
    `${VOLUME}
    import { LINK_HEAP_BYTES } from './src/volume/inode-heap.js';
    const N = 50000;
    const memory = new PlainPageMemory({ pageSizeBytes: 4, pageCount: 8 });
    const volume = new RamVolume({ memory, caseSensitive: true, label: '' });
    // The dearest case: each file has one further name, so that each has a list of its own for it.
    const files = [];
    for (let i = 0; i < N; i++) files.push(volume.create('\\\\' + i, 32, false, null, 0));
    const before = used();
    for (let i = 0; i < N; i++) volume.link(files[i], '\\\\link ' + i);
    const perLink = (used() - before) / N;
    console.log(JSON.stringify(perLink - LINK_HEAP_BYTES));`,
    ['--expose-gc'],
  );
  expect(perLink).toBeLessThanOrEqual(0);
});
