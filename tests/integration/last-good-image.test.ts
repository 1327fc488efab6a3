/**
 * The last good image is never lost. A process saves again and again (tests/support/image-saver.mjs) while its directory
 * is copied, as a loss of power would leave it, while it is killed, and while its disk is full: each image that is found
 * is good, is exactly one of the states that were saved, and none older than the last that was called saved.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { ImageFile, verifyImage } from '../../src/image/image-file.js';
import { viewOf } from '../../src/image/volume-view.js';
import { Random } from '../chaos/random.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { rig } from '../unit/image/volumes.js';

const SEED = 20_261_129;
const NAME = 'drive.tar';
const COPYING_MS = 3000;
const FULL_MS = 3000;
const KILLS = 12;
const MAX_KILL_DELAY_MS = 150;
/** Of a disk that has room for an image of the largest size, but not always for a second one. */
const DISK_KIB = 512;
const SAVER = fileURLToPath(new URL('../support/image-saver.mjs', import.meta.url));

/** What all savers of one image have said. */
class Said {
  readonly states = new Map<number, string>();
  readonly refused = new Map<number, string>();
  saves = 0;
  /** The number of the last state that is called saved. */
  saved = 0;
  /** The next number that no state has. */
  next = 1;
  broken: string | null = null;

  take(line: string): void {
    const [, what, number = '', rest = ''] = /^(\w+) (\d*) ?(.*)$/.exec(line) ?? [];
    if (what === 'broken') this.broken = line;
    if (what === 'refused') this.refused.set(Number(number), rest);
    if (what === 'saving') {
      this.states.set(Number(number), rest);
      this.next = Number(number) + 1;
    }
    if (what === 'saved') {
      this.saves += 1;
      this.saved = Number(number);
    }
  }
}

interface Saver {
  child: ChildProcess;
  /** Resolves with its exit code when all that it has said is taken. */
  ended: Promise<number | null>;
}

const savers = new Set<Saver>();
afterEach(() => {
  for (const { child } of savers) child.kill('SIGKILL');
});

function startSaver(image: string, said: Said, seed: number, count = 0): Saver {
  const args = [SAVER, image, String(seed), String(said.next), String(count)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop()!;
    for (const line of lines) said.take(line);
  });
  const ended = new Promise<number | null>((resolve) => {
    child.once('close', resolve);
  });
  const saver = { child, ended };
  savers.add(saver);
  void ended.then(() => savers.delete(saver));
  return saver;
}

async function untilItSaves(said: Said): Promise<void> {
  const { next } = said;
  await expect.poll(() => said.next, { timeout: 60_000, interval: 5 }).toBeGreaterThan(next);
}

/** The number of the state that an image is; its saver may only now get to say which that was. */
async function numberOf(image: string, said: Said): Promise<number> {
  await verifyImage(image, { entry() {} });
  const { volume, scratch } = rig();
  await new ImageFile(image).load(volume, scratch);
  let number = 0;
  const hashes: Record<string, string> = {};
  viewOf(volume).visit((inode) => {
    if (inode.isDirectory) return;
    // The saver's files are smaller.
    inode.read(0, inode.sizeBytes, scratch.address);
    const bytes = scratch.bytes.subarray(0, inode.sizeBytes);
    const name = inode.names.join('/');
    hashes[name] = createHash('sha256').update(bytes).digest('hex');
    if (name === 'number') number = Number(Buffer.from(bytes).toString());
  });
  await expect.poll(() => said.states.has(number)).toBe(true);
  expect(hashes).toEqual(JSON.parse(said.states.get(number)!));
  expect(said.refused.has(number)).toBe(false);
  return number;
}

/** What is in a directory while others change it. */
function copyAsIs(from: string, to: string): void {
  mkdirSync(to);
  // The image also when the system lists it under neither of its files, in the moment of a rename.
  for (const name of new Set([...readdirSync(from), NAME])) {
    try {
      copyFileSync(join(from, name), join(to, name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}

/** Copies the directory at random moments. How many copies had an unfinished image, too. */
async function copyAtRandom(
  directory: string,
  said: Said,
  random: Random,
  limitMs: number,
  before: () => void = () => {},
): Promise<number> {
  const copies = temporaryFolder('copies');
  const deadline = performance.now() + limitMs;
  let unfinished = 0;
  for (let i = 0; performance.now() < deadline; i++) {
    await sleep(random.below(40));
    before();
    expect(said.broken).toBeNull();
    const copy = join(copies, String(i));
    const { saved } = said;
    copyAsIs(directory, copy);
    const image = join(copy, NAME);
    if (saved === 0 && !existsSync(image)) continue;
    if (readdirSync(copy).length > 1) unfinished += 1;
    expect(await numberOf(image, said), `copy ${i}`).toBeGreaterThanOrEqual(saved);
    rmSync(copy, { recursive: true });
  }
  return unfinished;
}

/** An orderly saver finds the image and leaves nothing but its own. */
async function expectInOrder(directory: string, said: Said): Promise<void> {
  expect(said.broken).toBeNull();
  const image = join(directory, NAME);
  const { next } = said;
  expect(await startSaver(image, said, SEED, 2).ended).toBe(0);
  expect(said.saved).toBe(next + 1);
  expect(await numberOf(image, said)).toBe(next + 1);
  expect(readdirSync(directory)).toEqual([NAME]);
  expect(said.broken).toBeNull();
}

describe('the last good image', () => {
  it('is there whenever the power fails', async () => {
    const directory = temporaryFolder('power');
    const said = new Said();
    const saver = startSaver(join(directory, NAME), said, SEED);
    await untilItSaves(said);
    const unfinished = await copyAtRandom(directory, said, new Random(SEED), COPYING_MS);
    saver.child.kill('SIGKILL');
    await saver.ended;
    expect(said.saves).toBeGreaterThan(20);
    expect(unfinished).toBeGreaterThan(0);
    await expectInOrder(directory, said);
  });

  it('is there whenever the process is killed', async () => {
    const directory = temporaryFolder('killed');
    const image = join(directory, NAME);
    const said = new Said();
    const random = new Random(SEED + 1);
    for (let kill = 0; kill < KILLS; kill++) {
      const saver = startSaver(image, said, SEED + kill);
      await untilItSaves(said);
      await sleep(random.below(MAX_KILL_DELAY_MS));
      saver.child.kill('SIGKILL');
      await saver.ended;
      expect(said.broken).toBeNull();
      if (said.saved === 0 && !existsSync(image)) continue;
      expect(await numberOf(image, said), `kill ${kill}`).toBeGreaterThanOrEqual(said.saved);
    }
    expect(said.saves).toBeGreaterThan(KILLS);
    await expectInOrder(directory, said);
  });

  const reason = process.getuid?.() === 0 ? null : 'a disk that is full is mounted as root only';
  if (reason !== null) console.log(`skipped: the last good image on a full disk: ${reason}.`);
  it.skipIf(reason !== null)('is there while the disk is full', async (test) => {
    const disk = temporaryFolder('full');
    const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_KIB}k`, 'tmpfs', disk]);
    if (status !== 0) {
      console.log(`skipped: the last good image on a full disk: ${String(stderr).trim()}.`);
      test.skip();
    }
    try {
      const directory = join(disk, 'images');
      mkdirSync(directory);
      const said = new Said();
      const random = new Random(SEED + 2);
      const filler = join(disk, 'filler');
      const fill = () => {
        try {
          writeFileSync(filler, Buffer.alloc(random.below(DISK_KIB * 1024)));
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
        }
      };
      const saver = startSaver(join(directory, NAME), said, SEED);
      await untilItSaves(said);
      await copyAtRandom(directory, said, random, FULL_MS, fill);
      saver.child.kill('SIGKILL');
      await saver.ended;
      expect(said.saves).toBeGreaterThan(5);
      expect(said.refused.size).toBeGreaterThan(5);
      for (const why of said.refused.values()) expect(why).toMatch(/is not saved: ENOSPC/);
      rmSync(filler, { force: true });
      spawnSync('mount', ['-o', `remount,size=${4 * DISK_KIB}k`, disk]);
      await expectInOrder(directory, said);
    } finally {
      for (const { child, ended } of savers) {
        child.kill('SIGKILL');
        await ended;
      }
      spawnSync('umount', [disk]);
    }
  });
});
