/**
 * What snapshots and images cost, side by side with what people do without them:
 *
 *     npm run bench:snapshots                    100,000 files of 2 GiB together; writes bench/results/snapshots.json
 *     npm run bench:snapshots -- --files 2000    a smaller tree, 21 KiB a file; prints only
 *
 * Linux only. Needs memory for four times the tree: two copies of it in /dev/shm, the drive, the tar file.
 */
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  fsyncSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { compactJson } from '../../scripts/compact-json.js';
import { RamDrive } from '../../src/api/index.js';
import { Random } from '../../tests/chaos/random.js';
import { type BenchFigure, printFigures, provenance, RECORDED } from '../results.js';
import { measureImages } from './images.js';
import { FILE_BYTES, figureOf, makeTree, median, tell, timed, WHOLE_FILES } from './tree.js';

const ROUNDS = 5;
const TOUCHED_BYTES = 64 * 2 ** 20;
const BLOCK_BYTES = 4096;

const { values } = parseArgs({ options: { files: { type: 'string', default: String(WHOLE_FILES) } } });
const files = Number(values.files);
if (!Number.isInteger(files) || files < 1) {
  console.error(`--files: expected a number of files, got "${values.files}"`);
  process.exit(2);
}

const options = { capacity: files * (FILE_BYTES + 8192) * 2.5 + 4 * TOUCHED_BYTES };
const mounted = () => RamDrive.mount({ ...options, capacity: Math.ceil(options.capacity) });

/**
 * A snapshot beside a copy on tmpfs, and a rollback beside a new drive with the tree unpacked again, which takes so long
 * that it is measured once.
 */
async function measureTree(work: string): Promise<BenchFigure[]> {
  tell(`a tree of ${files} files`);
  const source = join(work, 'source');
  makeTree(source, files);
  const archive = join(work, 'tree.tar');
  execFileSync('tar', ['-cf', archive, '-C', source, '.']);
  const probe = join('d0', 'file-0');

  const copies: number[] = [];
  const unpacked: number[] = [];
  const snapshots: number[] = [];
  const rollbacks: number[] = [];
  const residentShares: number[] = [];
  let drive = await mounted();
  try {
    tell('unmount, mount, tar -x on the drive');
    unpacked.push(
      await timed(async () => {
        await drive.unmount({ force: true });
        drive = await mounted();
        execFileSync('tar', ['-xf', archive, '-C', drive.path]);
        readFileSync(join(drive.path, probe));
      }),
    );
    for (let round = 0; round < ROUNDS; round++) {
      tell(`snapshot, rollback and cp -a, round ${round + 1} of ${ROUNDS}`);
      const copy = join(work, 'copy');
      copies.push(await timed(() => execFileSync('cp', ['-a', source, copy])));
      rmSync(copy, { recursive: true });

      const before = (await drive.status()).residentBytes;
      // With the way to the drive's process and back: programs wait for less.
      snapshots.push(await timed(() => drive.snapshot('base')));
      residentShares.push(((await drive.status()).residentBytes - before) / (files * FILE_BYTES));
      writeFileSync(join(drive.path, probe), 'changed');
      rollbacks.push(
        await timed(async () => {
          await drive.rollback('base');
          readFileSync(join(drive.path, probe));
        }),
      );
      await drive.deleteSnapshot('base');
    }
  } finally {
    await drive.unmount({ force: true });
  }
  return [
    figureOf(files, 'snapshot', 'cp -a on tmpfs', 'ms', copies),
    figureOf(files, 'snapshot', 'ramdrive', 'ms', snapshots),
    figureOf(files, 'rollback until the first open', 'unmount, mount, tar -x', 'ms', unpacked),
    figureOf(files, 'rollback until the first open', 'ramdrive', 'ms', rollbacks),
    figureOf(
      files,
      'memory for a snapshot of an unchanged drive',
      'ramdrive',
      'of the content',
      residentShares,
    ),
    ...(await measureImages({ work, archive, files, capacity: Math.ceil(options.capacity) })),
  ];
}

/** 4 KiB to each block of a file once, in random order, past the system's cache. */
async function measureFirstTouch(): Promise<BenchFigure[]> {
  tell('random writes with and without a snapshot');
  const drive = await mounted();
  try {
    const blocks = TOUCHED_BYTES / BLOCK_BYTES;
    const random = new Random(1);
    const order = Array.from({ length: blocks }, (_, i) => i);
    for (let i = blocks - 1; i > 0; i--) {
      const other = random.below(i + 1);
      [order[i], order[other]] = [order[other]!, order[i]!];
    }
    const block = Buffer.alloc(BLOCK_BYTES, 7);
    const path = join(drive.path, 'touched');
    const file = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_DIRECT);
    ftruncateSync(file, TOUCHED_BYTES);
    const rate = async () => {
      const milliseconds = await timed(() => {
        for (const index of order) writeSync(file, block, 0, BLOCK_BYTES, index * BLOCK_BYTES);
      });
      return (blocks / milliseconds) * 1000;
    };
    await rate();
    const plain: number[] = [];
    const touched: number[] = [];
    for (let round = 0; round < 2 * ROUNDS; round++) {
      plain.push(await rate());
      await drive.snapshot('base');
      touched.push(await rate());
      await drive.deleteSnapshot('base');
    }
    fsyncSync(file);
    closeSync(file);
    unlinkSync(path);
    const name = `4 KiB, ${TOUCHED_BYTES / 2 ** 20} MiB`;
    const of = (contender: string, rounds: number[]): BenchFigure => ({
      group: 'random writes, direct',
      name,
      contender,
      unit: 'operations/s',
      value: median(rounds),
      rounds,
    });
    return [of('without a snapshot', plain), of('right after a snapshot', touched)];
  } finally {
    await drive.unmount({ force: true });
  }
}

const work = mkdtempSync('/dev/shm/ramdrive-bench-');
try {
  const figures = [...(await measureFirstTouch()), ...(await measureTree(work))];
  printFigures(figures.map((one) => ({ ...one, name: `${one.name}, ${one.contender}` })));
  if (files === WHOLE_FILES) {
    const file = join(RECORDED, 'snapshots.json');
    const content = { layer: 'snapshots', ...provenance('npm run bench:snapshots'), skipped: [], figures };
    writeFileSync(file, compactJson(content));
    console.log(`\nwritten: ${file}`);
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}
