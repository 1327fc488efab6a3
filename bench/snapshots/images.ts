/** What saving and loading an image cost, and what programs on the drive feel of a save. */
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { RamDrive } from '../../src/api/index.js';
import { Random } from '../../tests/chaos/random.js';
import type { BenchFigure } from '../results.js';
import { figureOf, tell, timed } from './tree.js';

const ROUNDS = 3;
const READ_FILE_BYTES = 64 * 2 ** 20;
const BLOCK_BYTES = 4096;
const READS_PER_TURN = 64;
const IDLE_READS = 50_000;
/** Of a file whose name comes before all others. */
const READ_FILE = '0-read';

export interface ImageBench {
  /** A directory on tmpfs. */
  work: string;
  /** The tree, as a tar file there. */
  archive: string;
  files: number;
  /** Bytes. */
  capacity: number;
}

export async function measureImages({ work, archive, files, capacity }: ImageBench): Promise<BenchFigure[]> {
  const image = join(work, 'drive.tar');
  const probe = join('d0', 'file-0');
  const saves: number[] = [];
  const packed: number[] = [];
  const loads: number[] = [];
  const unpacked: number[] = [];
  const idle: number[] = [];
  const saving: number[] = [];
  const longest: number[] = [];
  const drive = await RamDrive.mount({ capacity });
  try {
    tell('tar -x on the drive');
    unpacked.push(await timed(() => execFileSync('tar', ['-xf', archive, '-C', drive.path])));
    for (let round = 0; round < ROUNDS; round++) {
      tell(`save and tar -c, round ${round + 1} of ${ROUNDS}`);
      rmSync(image, { force: true });
      saves.push(await timed(() => drive.save(image)));
      const other = join(work, 'packed.tar');
      packed.push(await timed(() => execFileSync('tar', ['-cf', other, '-C', drive.path, '.'])));
      rmSync(other);
    }
    const reader = new Reader(join(drive.path, READ_FILE));
    for (let round = 0; round < ROUNDS; round++) {
      tell(`reads while an image is saved, round ${round + 1} of ${ROUNDS}`);
      idle.push(percentile99(await reader.times((count) => count >= IDLE_READS)));
      rmSync(image);
      let isSaved = false;
      const save = drive.save(image).finally(() => {
        isSaved = true;
      });
      const times = await reader.times(() => isSaved);
      await save;
      saving.push(percentile99(times));
      longest.push(times.reduce((most, time) => Math.max(most, time), 0) / 1000);
    }
    reader.close();
  } finally {
    await drive.unmount({ force: true });
  }
  for (let round = 0; round < ROUNDS; round++) {
    tell(`load, round ${round + 1} of ${ROUNDS}`);
    let loaded: RamDrive | null = null;
    loads.push(
      await timed(async () => {
        loaded = await RamDrive.mount({ capacity, image });
        readFileSync(join(loaded.path, probe));
      }),
    );
    await (loaded as RamDrive | null)?.unmount({ force: true });
  }
  const read = '4 KiB reads, direct: the slowest of a hundred';
  return [
    figureOf(files, 'save to tmpfs', 'tar -c of the mounted drive', 'ms', packed),
    figureOf(files, 'save to tmpfs', 'ramdrive', 'ms', saves),
    figureOf(files, 'load', 'tar -x on the mounted drive', 'ms', unpacked),
    figureOf(files, 'load', 'ramdrive, with the mount', 'ms', loads),
    figureOf(files, read, 'idle', 'µs', idle),
    figureOf(files, read, 'while an image is saved', 'µs', saving),
    figureOf(files, 'the longest of these reads', 'while an image is saved', 'ms', longest),
  ];
}

/** Reads blocks in random order, past the system's cache. */
class Reader {
  readonly #file: number;
  readonly #block = Buffer.alloc(BLOCK_BYTES);
  readonly #random = new Random(1);

  constructor(path: string) {
    writeFileSync(path, Buffer.alloc(READ_FILE_BYTES, 'read'));
    this.#file = openSync(path, constants.O_RDONLY | constants.O_DIRECT);
  }

  /** Microseconds of each read. */
  async times(isEnough: (count: number) => boolean): Promise<number[]> {
    const times: number[] = [];
    while (!isEnough(times.length)) {
      for (let i = 0; i < READS_PER_TURN; i++) {
        const offset = this.#random.below(READ_FILE_BYTES / BLOCK_BYTES) * BLOCK_BYTES;
        const begun = process.hrtime.bigint();
        readSync(this.#file, this.#block, 0, BLOCK_BYTES, offset);
        times.push(Number(process.hrtime.bigint() - begun) / 1000);
      }
      await turn();
    }
    return times;
  }

  close(): void {
    closeSync(this.#file);
  }
}

function percentile99(times: readonly number[]): number {
  return [...times].sort((a, b) => a - b)[Math.floor(times.length * 0.99)]!;
}
