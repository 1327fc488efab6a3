/**
 * Snapshots and rollbacks of a drive that several programs change all the time: each snapshot has an exact oracle, all
 * that was on the drive when it was taken, and what a rollback shows must be that. RAMDRIVE_TORTURE_FACTOR=20 makes it
 * minutes.
 */
import { createHash } from 'node:crypto';
import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { ask, findDrives } from '../../../src/drive/control/control-client.js';
import type { DriveRecord } from '../../../src/drive/control/drive-records.js';
import type { DriveError } from '../../../src/drive/errors.js';
import { Random } from '../../chaos/random.js';
import { describeMount, dropCaches, mount } from '../../support/mount.js';
import { Client } from '../../support/processes.js';

const FACTOR = Number(process.env.RAMDRIVE_TORTURE_FACTOR ?? 1);
const STEPS = Math.ceil(40 * FACTOR);
const CLIENTS = 3;
const CAPACITIES = [24, 32, 48];
const MIB = 2 ** 20;

/** Path → kind, size, time and a digest of the content. */
async function oracleOf(top: string, below = ''): Promise<string[]> {
  const lines: string[] = [];
  for (const name of (await readdir(join(top, below))).sort()) {
    const path = join(below, name);
    const info = await lstat(join(top, path));
    const content = info.isDirectory()
      ? ''
      : createHash('sha1')
          .update(await readFile(join(top, path)))
          .digest('hex');
    lines.push(`${path} ${info.mode.toString(8)} ${info.size} ${info.mtimeMs} ${content}`);
    if (info.isDirectory()) lines.push(...(await oracleOf(top, path)));
  }
  return lines;
}

/** One program: changes files below its directory until it is told to pause. What fails does not matter here. */
class Changer {
  readonly #client = new Client();
  readonly #random: Random;
  #isPaused = true;
  #work: Promise<void> = Promise.resolve();
  operations = 0;

  constructor(
    readonly directory: string,
    seed: number,
  ) {
    this.#random = new Random(seed);
  }

  goOn(): void {
    this.#isPaused = false;
    this.#work = this.#change();
  }

  async pause(): Promise<void> {
    this.#isPaused = true;
    await this.#work;
  }

  async end(): Promise<void> {
    await this.pause();
    await this.#client.end();
  }

  async #change(): Promise<void> {
    const random = this.#random;
    const path = () => join(this.directory, random.pick(['', 'a', 'b', 'a/c']), `f${random.below(12)}`);
    while (!this.#isPaused) {
      this.operations += 1;
      const from = path();
      switch (random.below(8)) {
        case 0:
          await this.#client.try('mkdirSync', join(this.directory, random.pick(['a', 'b', 'a/c'])), {
            recursive: true,
          });
          break;
        case 1:
          await this.#client.try('renameSync', from, path());
          break;
        case 2:
          await this.#client.try('rmSync', from, { recursive: true, force: true });
          break;
        case 3:
          await this.#client.try('truncateSync', from, random.below(60_000));
          break;
        case 4:
          await this.#client.try('appendFileSync', from, Buffer.alloc(random.below(9000), random.next()));
          break;
        case 5: {
          const opened = await this.#client.try('openSync', from, 'r+');
          if (!('value' in opened)) break;
          await this.#client.try('writeAt', opened.value, 'patched', random.below(40_000));
          // Some stay open over a rollback.
          if (random.below(4) > 0) await this.#client.try('closeSync', opened.value);
          break;
        }
        default:
          await this.#client.try('writeFileSync', from, Buffer.alloc(random.below(200_000), random.next()));
      }
    }
  }
}

describeMount('snapshots under torture', () => {
  it(
    'every rollback shows exactly what its snapshot was taken of',
    async () => {
      const seed = Date.now() % 2 ** 31;
      console.log(`rollbacks: seed ${seed}, ${STEPS} steps, ${CLIENTS} programs`);
      const random = new Random(seed);
      const drive = await mount({ capacity: '32M' });
      const record = (await findDrives()).find(({ mountPoint }) => mountPoint === drive.dir) as DriveRecord;
      const clients = Array.from({ length: CLIENTS }, (_, i) => new Changer(drive.path(`p${i}`), seed + i));
      const oracles = new Map<string, string[]>();
      const counts: Record<string, number> = {};
      const count = (what: string) => {
        counts[what] = (counts[what] ?? 0) + 1;
      };
      /** False when there is no room, which is all that may be refused. */
      const done = async (request: Promise<unknown>): Promise<boolean> => {
        try {
          await request;
          return true;
        } catch (error) {
          expect((error as DriveError).code).toBe('NO_ROOM');
          count('no room');
          return false;
        }
      };
      const rollBack = async (name: string): Promise<boolean> => {
        if (!(await done(ask(record, 'rollback', { name })))) return false;
        count('rollback');
        expect(await oracleOf(drive.dir), `seed ${seed}: what was rolled back to ${name}`).toEqual(
          oracles.get(name),
        );
        return true;
      };

      for (let step = 0; step < STEPS; step++) {
        for (const client of clients) client.goOn();
        await sleep(50 + random.below(150));
        // While programs are at work: the content is theirs, but nothing may break.
        const asked = random.below(6);
        if (asked === 0 && oracles.size > 0) {
          await done(ask(record, 'rollback', { name: random.pick([...oracles.keys()]) }));
          count('rollback under way');
        } else if (asked === 1) {
          await done(ask(record, 'resize', { capacityBytes: random.pick(CAPACITIES) * MIB }));
          count('resize');
        } else if (asked === 2 && (await done(ask(record, 'snapshot', { name: 'beside' })))) {
          await ask(record, 'deleteSnapshot', { name: 'beside' });
          count('snapshot under way');
        }
        for (const client of clients) await client.pause();

        const names = [...oracles.keys()];
        const next = random.below(10);
        if (next < 4 && names.length < 6) {
          // Changes that the kernel still holds belong to it.
          const name = `s${step}`;
          const oracle = await oracleOf(drive.dir);
          if (await done(ask(record, 'snapshot', { name }))) {
            oracles.set(name, oracle);
            count('snapshot');
          }
        } else if (next < 8 && names.length > 0) {
          await rollBack(random.pick(names));
        } else if (names.length > 0) {
          const name = random.pick(names);
          await ask(record, 'deleteSnapshot', { name });
          oracles.delete(name);
          count('deletion');
        }
        const { violations } = await ask(record, 'selfCheck');
        expect(violations, `seed ${seed}, step ${step}`).toEqual([]);
      }
      // Each once more, from caches and from the drive.
      for (const name of oracles.keys()) {
        if (!(await rollBack(name))) continue;
        dropCaches();
        expect(await oracleOf(drive.dir)).toEqual(oracles.get(name));
      }
      for (const client of clients) await client.end();
      for (const name of oracles.keys()) await ask(record, 'deleteSnapshot', { name });
      counts.operations = clients.reduce((sum, client) => sum + client.operations, 0);
      console.log(
        `rollbacks: ${Object.entries(counts)
          .map(([what, times]) => `${times} × ${what}`)
          .join(', ')}`,
      );
      expect(counts.snapshot).toBeGreaterThan(0);
    },
    120_000 * Math.max(1, FACTOR),
  );
});
