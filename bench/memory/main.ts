/**
 * What empty files cost in memory: in the volume alone, and in a mounted drive while the kernel knows them and after it
 * has forgotten them; and what the kernel takes beside.
 *
 *     npm run bench:memory                            prints
 *     npm run bench:memory -- --record                and writes bench/results/memory.json
 *     npm run bench:memory -- --before <directory>    also of another build of this project, such as one of before
 *     npm run bench:memory -- --files 200000          fewer than 1,000,000
 *
 * Linux only; root, since only that can make the kernel forget.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { compactJson } from '../../scripts/compact-json.js';
import { packageRoot } from '../../src/package-root.js';
import { Server } from '../platform/server.js';
import { type BenchFigure, printFigures, provenance, RECORDED } from '../results.js';

const WHOLE_FILES = 1_000_000;
/** What a file takes is told from so many. */
const FEW_FILES = 200_000;
/** Made before: what the compiler and the young generation take does not belong to a file. */
const FIRST_FILES = 20_000;
/** Of `file-0-100000`, as nearly all are called. */
const NAME_BYTES = 13;
/** The kernel's forgets are answered, and closes with them. */
const SETTLE_MS = 3000;

const { values } = parseArgs({
  options: {
    before: { type: 'string' },
    files: { type: 'string', default: String(WHOLE_FILES) },
    record: { type: 'boolean', default: false },
  },
});
const files = Number(values.files);
if (!Number.isInteger(files) || files < FEW_FILES) {
  console.error(`--files: expected a number of at least ${FEW_FILES}, got "${values.files}"`);
  process.exit(2);
}
if (process.getuid?.() !== 0) {
  console.error('bench:memory: only root can make the kernel forget files; run it as root');
  process.exit(2);
}

const builds: Record<string, string> = { now: packageRoot() };
if (values.before !== undefined) builds.before = path.resolve(values.before);

async function measureBuild(contender: string, build: string): Promise<BenchFigure[]> {
  const figures: BenchFigure[] = [];
  const record = (group: string, name: string, value: number, unit: string) =>
    figures.push({ group, name, value, unit, contender });
  const perFile = (group: string, name: string, value: number) =>
    record(group, name, value - NAME_BYTES, 'bytes beyond its name');

  const child = path.join(packageRoot(), 'dist/bench/memory/core-child.js');
  const core = JSON.parse(
    execFileSync(process.execPath, ['--expose-gc', child, build, String(FEW_FILES)], { encoding: 'utf8' }),
  ) as { resident: number; heap: number };
  perFile('the volume alone', 'an empty file, resident', core.resident);
  perFile('the volume alone', 'an empty file, of the heap', core.heap);

  const server = await new Server(build, false).ready();
  try {
    const mounted = 'a mounted drive';
    await server.run(1, 0, ['fill', '10']);
    const base = residentBytes(server.pid);
    record(mounted, 'after mounting', base / 2 ** 20, 'MiB resident');
    await server.run(1, 0, ['fill', String(FIRST_FILES)]);
    const begin = residentBytes(server.pid);
    const kernel = slabBytes();
    await server.run(1, 0, ['fill', String(FEW_FILES)]);
    perFile(mounted, 'an empty file', (residentBytes(server.pid) - begin) / FEW_FILES);
    for (const [name, bytes] of Object.entries(slabBytes())) {
      record(
        'beside it, in the kernel',
        name,
        (bytes - kernel[name]!) / FEW_FILES,
        'bytes for an empty file',
      );
    }
    const more = files - FIRST_FILES - FEW_FILES;
    if (more > 0) {
      await server.run(1, 0, ['fill', String(more)]);
      const name = `with ${files.toLocaleString('en')} empty files`;
      record(mounted, name, residentBytes(server.pid) / 1e6, 'MB resident');
    }
    writeFileSync('/proc/sys/vm/drop_caches', '2');
    await sleep(SETTLE_MS);
    const made = Math.max(files - FIRST_FILES, FEW_FILES);
    perFile(
      mounted,
      'an empty file that the kernel has forgotten',
      (residentBytes(server.pid) - begin) / made,
    );
  } finally {
    await server.end();
  }
  return figures;
}

function residentBytes(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(kibibytes![1]) * 1024;
}

/** Of the kernel's tables of what it knows of files. */
function slabBytes(): Record<string, number> {
  const bytes: Record<string, number> = { fuse_inode: 0, dentry: 0 };
  for (const line of readFileSync('/proc/slabinfo', 'utf8').split('\n')) {
    const [name, , objects, objectBytes] = line.split(/\s+/);
    if (name! in bytes) bytes[name!] = Number(objects) * Number(objectBytes);
  }
  return bytes;
}

execFileSync('make', ['-s', '-k', '-C', path.join(packageRoot(), 'bench/reference')], { stdio: 'ignore' });
const figures: BenchFigure[] = [];
for (const [contender, build] of Object.entries(builds))
  figures.push(...(await measureBuild(contender, build)));
for (const contender of Object.keys(builds)) {
  console.log(`\n== ${contender}`);
  printFigures(figures.filter((figure) => figure.contender === contender));
}
if (values.record) {
  const file = path.join(RECORDED, 'memory.json');
  const command = `npm run bench:memory -- --record${values.before === undefined ? '' : ' --before <directory of another build>'}`;
  writeFileSync(file, compactJson({ layer: 'memory', ...provenance(command), skipped: [], figures }));
  console.log(`\nwritten: ${file}`);
}
