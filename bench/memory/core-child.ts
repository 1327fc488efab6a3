/**
 * A process with a volume of so many empty files and nothing else; prints what one of them takes. Begun with
 * --expose-gc: `node core-child.js <directory of a build> <files>`.
 */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { NativePageMemory as Memory } from '../../src/os/native-page-memory.js';
import type { RamVolume as Volume } from '../../src/volume/ram-volume.js';

const [build, count] = process.argv.slice(2);
const files = Number(count);
const load = (file: string) => import(pathToFileURL(path.join(build!, 'dist/src', file)).href);
const { NativePageMemory } = (await load('os/native-page-memory.js')) as { NativePageMemory: typeof Memory };
const { RamVolume } = (await load('volume/ram-volume.js')) as { RamVolume: typeof Volume };
const memory = new NativePageMemory({ pageSizeBytes: 4096, pageCount: 1024 });
const volume = new RamVolume({ memory, caseSensitive: true, label: '' });

function make(from: number, end: number): void {
  for (let i = from; i < end; i++) {
    const inode = volume.create(`\\many\\file-0-${i}`, 32, false, null, 0);
    if (typeof inode === 'number') throw new Error(`file ${i}: ${inode}`);
    volume.close(inode);
  }
}

function used(): { resident: number; heap: number } {
  gc!();
  gc!();
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
  return { resident: rss, heap: heapUsed + arrayBuffers };
}

volume.create('\\many', 16, true, null, 0);
// What the compiler and the young generation take is there before it is looked.
make(0, 20_000);
const before = used();
make(20_000, 20_000 + files);
const after = used();
const resident = (after.resident - before.resident) / files;
console.log(JSON.stringify({ resident, heap: (after.heap - before.heap) / files }));
volume.dispose();
