/**
 * The ten torture tests, on a real mount: clients are processes of their own, everything is compared byte for byte, and
 * afterwards the drive must be empty, quiet and in order. Each takes seconds; RAMDRIVE_TORTURE_FACTOR=20 makes them a
 * night's work.
 */
import { once } from 'node:events';
import { mkdir, readdir, unlink, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterEach, expect, it } from 'vitest';
import { KIB, MIB } from '../../support/bytes.js';
import { describeMount, type MountedDrive, mount } from '../../support/mount.js';

const FACTOR = Number(process.env.RAMDRIVE_TORTURE_FACTOR ?? 1);
if (!(FACTOR > 0)) {
  throw new Error(
    `RAMDRIVE_TORTURE_FACTOR: expected a number above 0, got "${process.env.RAMDRIVE_TORTURE_FACTOR}".`,
  );
}
const LIMIT_MS = 120_000 * Math.max(1, FACTOR);
const CLIENT = fileURLToPath(new URL('./client.mjs', import.meta.url));
const times = (count: number) => Math.ceil(count * FACTOR);

/** What a test that failed may have left at work. */
const running = new Set<{ kill(signal: 'SIGKILL'): boolean }>();

/** One task in a process of its own. Rejects with what it printed when it fails. */
function client(task: string, args: object) {
  const one = execa(process.execPath, [CLIENT, task, JSON.stringify(args)], {
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
  });
  running.add(one);
  one.once('exit', () => running.delete(one));
  return one;
}

afterEach(() => {
  for (const one of running) {
    one.kill('SIGKILL');
  }
});

async function task(name: string, args: object): Promise<unknown> {
  return JSON.parse((await client(name, args)).stdout);
}

const each = <T>(count: number, of: (index: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, index) => of(index)));

async function selfCheckHolds(drive: MountedDrive): Promise<void> {
  const { selfCheck, strictViolations, errors } = await drive.status();
  expect(selfCheck?.violations).toEqual([]);
  expect(strictViolations?.texts ?? []).toEqual([]);
  expect(errors.last).toBe(null);
}

/**
 * Content is compared both ways: from the kernel's cache a reader gets what was written, whatever the drive has made of
 * it.
 */
const CACHES = [
  ['kernel cache on', []],
  ['kernel cache off', ['--kernel-cache=off']],
] as const;

describeMount('torture', () => {
  it.each(CACHES)(
    'sequential: whole files in pieces of all sizes, read by others, %s',
    {
      timeout: LIMIT_MS,
    },
    async (_, args) => {
      const drive = await mount({ capacity: '256M', args: [...args] });
      const bytes = Math.min(16 * MIB * FACTOR, 60 * MIB) + 777;
      for (let round = 0; round < Math.max(1, FACTOR); round++) {
        await each(4, (i) =>
          task('writeSequentially', { path: drive.path(`${round % 2}-${i}`), seed: round + i, bytes }),
        );
        await each(4, (i) =>
          task('readSequentially', { path: drive.path(`${round % 2}-${i}`), seed: round + i, bytes }),
        );
        await selfCheckHolds(drive);
        for (const name of await readdir(drive.dir)) {
          await unlink(drive.path(name));
        }
      }
    },
  );

  it.each(CACHES)(
    'random offset: writes anywhere beside a copy in memory, %s',
    {
      timeout: LIMIT_MS,
    },
    async (_, args) => {
      const drive = await mount({ capacity: '64M', args: [...args] });
      await each(4, (i) =>
        task('writeAnywhere', {
          path: drive.path(`f${i}`),
          seed: i + 1,
          bytes: 6 * MIB + 123,
          rounds: times(1500),
        }),
      );
      await selfCheckHolds(drive);
    },
  );

  it('concurrent append: nothing is lost, nothing overlaps', { timeout: LIMIT_MS }, async () => {
    const drive = await mount({ capacity: '256M' });
    const count = times(1200);
    await each(6, (i) => task('append', { path: drive.path('log'), client: i, count }));
    await task('verifyAppended', { path: drive.path('log'), clients: 6, count });
  });

  it('create/delete churn in one directory', { timeout: LIMIT_MS }, async () => {
    const drive = await mount({ capacity: '64M' });
    await each(5, (i) => task('churn', { directory: drive.dir, client: i, rounds: times(700) }));
    expect(await readdir(drive.dir)).toEqual([]);
    await expect.poll(() => drive.freeBytes()).toBe(64 * MIB);
  });

  it('directory tree: planted, moved to and fro, listed by others, removed', {
    timeout: LIMIT_MS,
  }, async () => {
    const drive = await mount({ capacity: '128M' });
    const shape = { depth: 4, breadth: 4 };
    await each(2, async (i) => {
      const [from, to] = [drive.path(`tree-${i}`), drive.path(`moved-${i}`)];
      await task('plantTree', { directory: from, ...shape });
      await task('moveTree', { from, to, ...shape, rounds: 2 * times(2) });
      // Four files in the root and in each of the 4 + 16 + 64 directories below.
      const directories = 4 + 16 + 64;
      expect(await task('verifyTree', { directory: from, ...shape })).toBe(
        directories + 4 * (1 + directories),
      );
    });
    await selfCheckHolds(drive);
  });

  it.each(CACHES)(
    'overwrite, truncate, extend: nothing old comes back, %s',
    {
      timeout: LIMIT_MS,
    },
    async (_, args) => {
      const drive = await mount({ capacity: '64M', args: [...args] });
      await each(4, (i) => task('reshape', { path: drive.path(`f${i}`), seed: i + 1, rounds: times(1200) }));
      await selfCheckHolds(drive);
    },
  );

  it('cancellation: clients killed in the middle of their calls', { timeout: LIMIT_MS }, async () => {
    const drive = await mount({ capacity: '64M' });
    const bytes = MIB;
    let generations = 0;
    for (let round = 0; round < times(2); round++) {
      await each(3, async (i) => {
        const path = drive.path(`f${round}-${i}`);
        await writeFile(path, Buffer.alloc(bytes));
        const pieceBytes = [64 * KIB, MIB, 4 * KIB][i];
        const victim = client('overwriteForEver', { path, bytes, pieceBytes });
        // It says when it begins.
        await once(victim.stdout, 'data');
        await sleep(20 + ((round * 37 + i * 61) % 120));
        victim.kill('SIGKILL');
        await expect(victim).rejects.toMatchObject({ signal: 'SIGKILL' });
        generations += (await task('verifyGenerations', { path, bytes })) as number;
      });
      await selfCheckHolds(drive);
    }
    // They were at work when they were killed.
    expect(generations).toBeGreaterThan(0);
  });

  it('rename under load: readers, writers and renames of the same files', { timeout: LIMIT_MS }, async () => {
    const drive = await mount({ capacity: '64M' });
    const count = times(250);
    const document = drive.path('document');
    await task('saveVersions', { path: document, count: 1 });
    await mkdir(drive.path('a'));
    await mkdir(drive.path('b'));
    await writeFile(drive.path('a/f'), '');
    const rounds = times(1500);
    const writer = client('writeMoving', { path: drive.path('a/f'), seed: 9, rounds });
    await once(writer.stdout, 'data');
    const reads = await Promise.all([
      task('readVersions', { path: document, count }),
      task('readVersions', { path: document, count }),
      task('saveVersions', { path: document, count }),
      writer,
      task('renameToAndFro', { paths: [drive.path('a/f'), drive.path('b/g'), drive.path('b/h')], rounds }),
    ]);
    expect(Math.min(reads[0] as number, reads[1] as number)).toBeGreaterThan(0);
    await selfCheckHolds(drive);
  });

  it('capacity pressure: full, and full again, without losing a byte', { timeout: LIMIT_MS }, async () => {
    const drive = await mount({ capacity: '16M' });
    await each(4, (i) => task('fillAndEmpty', { directory: drive.dir, client: i, rounds: times(5) }));
    await expect.poll(() => drive.freeBytes()).toBe(16 * MIB);
    await selfCheckHolds(drive);
  });

  it('mixed workload of 100 tasks', { timeout: LIMIT_MS }, async () => {
    const drive = await mount({ capacity: '128M' });
    await mkdir(drive.path('shared'));
    await each(5, (i) => task('manyTasks', { root: drive.dir, first: i * 20, count: 20, rounds: times(8) }));
    expect(await readdir(drive.path('shared'))).toEqual([]);
    await selfCheckHolds(drive);
  });
});
