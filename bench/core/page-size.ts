/**
 * The study behind DEFAULT_PAGE_SIZE_BYTES: what each page size reserves for a tree of small files, and what it costs 1
 * MiB transfers. Run it from the project's root; it writes docs/data/page-size.json, which docs/page-size.md explains.
 *
 *     npm run build:ts && taskset -c 1 node dist/bench/core/page-size.js [tree]     (the tree: node_modules)
 */
import { lstatSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { compactJson } from '../../scripts/compact-json.js';
import { NativePageMemory } from '../../src/os/native-page-memory.js';
import { PagePool } from '../../src/volume/content/page-pool.js';
import { PagedFile } from '../../src/volume/content/paged-file.js';
import { provenance } from '../results.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const PAGE_SIZES = [4 * KIB, 8 * KIB, 16 * KIB, 32 * KIB, 64 * KIB];
const FILE_BYTES = 32 * MIB;
const ROUNDS = 15;
const PASSES_A_ROUND = 4;

const tree = process.argv[2] ?? 'node_modules';
const sizes = fileSizes(tree);
const storedBytes = sizes.reduce((sum, bytes) => sum + bytes, 0);
const buffer = new NativePageMemory({ pageCount: (2 * FILE_BYTES) / 4096 });
buffer.zero(buffer.baseAddress, 2 * FILE_BYTES);

const results = PAGE_SIZES.map((pageSizeBytes) => {
  const reservedBytes = reserve(pageSizeBytes);
  const fresh = transfer(pageSizeBytes, (pool) => new PagedFile(pool));
  const aged = transfer(pageSizeBytes, agedVolume);
  const result = {
    pageSizeBytes,
    reservedBytes,
    reservedPerStored: round(reservedBytes / storedBytes),
    fresh,
    aged,
  };
  console.log(JSON.stringify(result));
  return result;
});
const study = {
  ...provenance('taskset -c 1 node dist/bench/core/page-size.js'),
  tree: { path: path.basename(tree), files: sizes.length, storedBytes },
  transferBytes: MIB,
  ratios: `of a bare memcpy of the same size and walk, median of ${ROUNDS} interleaved rounds`,
  results,
};
writeFileSync('docs/data/page-size.json', compactJson(study));

/** What the volume itself reserves when it stores the tree. */
function reserve(pageSizeBytes: number): number {
  const pool = new PagePool(
    new NativePageMemory({ pageSizeBytes, pageCount: (8 * 1024 * MIB) / pageSizeBytes }),
  );
  for (const bytes of sizes) {
    if (new PagedFile(pool).setLength(bytes) < 0) throw new Error(`${tree} is too large for this study`);
  }
  const reserved = pool.reservedPages * pageSizeBytes;
  pool.dispose();
  return reserved;
}

/** A volume that was filled to nine tenths by the tree's files, written in turns, half of which were deleted again. */
function agedVolume(pool: PagePool): PagedFile {
  const files: PagedFile[] = [];
  let seed = 1;
  const random = (below: number) => {
    seed = (seed * 48271) % 0x7fffffff;
    return seed % below;
  };
  const full = pool.capacityPages * 0.9;
  while (pool.reservedPages < full) {
    const several = Array.from({ length: 4 }, () => ({
      file: new PagedFile(pool),
      bytes: sizes[random(sizes.length)] ?? 0,
    }));
    for (let at = 0; several.some(({ bytes }) => at < bytes); at += 64 * KIB) {
      for (const { file, bytes } of several) {
        if (at < bytes) file.write(at, Math.min(64 * KIB, bytes - at), buffer.baseAddress);
      }
    }
    files.push(...several.map(({ file }) => file));
  }
  while (pool.reservedPages > full / 2) files.splice(random(files.length), 1)[0]?.dispose();
  return new PagedFile(pool);
}

function transfer(pageSizeBytes: number, makeFile: (pool: PagePool) => PagedFile) {
  const memory = new NativePageMemory({ pageSizeBytes, pageCount: (256 * MIB) / pageSizeBytes });
  const pool = new PagePool(memory);
  const file = makeFile(pool);
  for (let at = 0; at < FILE_BYTES; at += MIB) {
    if (file.write(at, MIB, buffer.baseAddress) !== MIB) throw new Error('the file does not fit');
  }
  // The bare copies walk 32 MiB too, so that both sides miss the same caches.
  const other = buffer.baseAddress + FILE_BYTES;
  const contenders = {
    memcpyOut: (at: number) => memory.copy(buffer.baseAddress, other + at, MIB),
    read: (at: number) => file.read(at, MIB, buffer.baseAddress),
    memcpyIn: (at: number) => memory.copy(other + at, buffer.baseAddress, MIB),
    write: (at: number) => file.write(at, MIB, buffer.baseAddress),
  };
  const rates: Record<string, number[]> = { memcpyOut: [], read: [], memcpyIn: [], write: [] };
  for (let round = -2; round < ROUNDS; round++) {
    for (const [name, run] of Object.entries(contenders)) {
      const start = performance.now();
      for (let pass = 0; pass < PASSES_A_ROUND; pass++) for (let at = 0; at < FILE_BYTES; at += MIB) run(at);
      if (round >= 0) rates[name]?.push((PASSES_A_ROUND * FILE_BYTES) / 1000 / (performance.now() - start));
    }
  }
  let runs = 0;
  let previous = -2;
  file.visitPages((page) => {
    if (page !== previous + 1) runs++;
    previous = page;
  });
  const ratio = (mine: string, bare: string) =>
    round(median((rates[mine] ?? []).map((rate, i) => rate / (rates[bare]?.[i] ?? Number.NaN))));
  const result = {
    bareMegabytesPerSecond: Math.round(median(rates.memcpyOut ?? [])),
    readToBare: ratio('read', 'memcpyOut'),
    writeToBare: ratio('write', 'memcpyIn'),
    bytesPerRunOfPages: Math.round(FILE_BYTES / runs),
  };
  pool.dispose();
  return result;
}

function fileSizes(folder: string): number[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const child = path.join(folder, entry.name);
    if (entry.isDirectory()) return fileSizes(child);
    return entry.isFile() ? [lstatSync(child).size] : [];
  });
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
