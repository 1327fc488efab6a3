/**
 * Snapshots of a mounted drive, and the way back to them: after a rollback nothing that anyone sees is of before, what
 * programs have open leads nowhere, and whatever goes wrong ends with a reason.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, renameSync } from 'node:fs';
import {
  appendFile,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { ask, type CommandResults, findDrives } from '../../src/drive/control/control-client.js';
import type { ControlCommand } from '../../src/drive/control/control-protocol.js';
import type { SnapshotInfo } from '../../src/drive/status.js';
import { cli, describeMount, isMounted, type MountedDrive, mount, newDirectory } from '../support/mount.js';
import { Client } from '../support/processes.js';

async function done(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await cli(...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

async function refused(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await cli(...args);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  return stderr;
}

/** What the commands send, without starting a program. */
async function tell<C extends ControlCommand>(
  drive: MountedDrive,
  command: C,
  name?: string,
): Promise<CommandResults[C]> {
  const record = (await findDrives()).find(({ mountPoint }) => mountPoint === drive.dir);
  return ask(record!, command, { name });
}

async function snapshotsOf(drive: MountedDrive): Promise<SnapshotInfo[]> {
  return (await tell(drive, 'status')).snapshots;
}

/** The end of every test finds an empty drive. */
async function deleteSnapshots(drive: MountedDrive): Promise<void> {
  for (const { name } of await snapshotsOf(drive)) await tell(drive, 'deleteSnapshot', name);
}

interface Seen {
  size: number;
  mtimeMs: number;
  mode: number;
  ino: number;
  content: string | null;
}

/** All that can be seen below a directory, by path. */
async function look(top: string, below = ''): Promise<Map<string, Seen>> {
  const seen = new Map<string, Seen>();
  for (const name of (await readdir(join(top, below))).sort()) {
    const path = join(below, name);
    const { size, mtimeMs, mode, ino } = await stat(join(top, path));
    const isDirectory = (mode & 0o170000) === 0o040000;
    const content = isDirectory ? null : await readFile(join(top, path), 'latin1');
    seen.set(path, { size, mtimeMs, mode, ino, content });
    if (isDirectory) for (const [more, value] of await look(top, path)) seen.set(more, value);
  }
  return seen;
}

const withoutNumbers = (seen: Map<string, Seen>) =>
  [...seen].map(([path, { ino: _, ...rest }]) => [path, rest]);

async function fill(drive: MountedDrive): Promise<void> {
  await mkdir(drive.path('tree/deep'), { recursive: true });
  for (let i = 0; i < 60; i++) {
    const directory = i % 2 === 0 ? 'tree' : 'tree/deep';
    await writeFile(drive.path(directory, `file-${i}`), Buffer.alloc(1 + i * 997, `before ${i} `));
  }
}

/** Everything becomes different: contents, sizes, names, kinds. */
async function change(drive: MountedDrive): Promise<void> {
  for (let i = 0; i < 60; i++) {
    const path = drive.path(i % 2 === 0 ? 'tree' : 'tree/deep', `file-${i}`);
    if (i % 5 === 0) await rm(path);
    else if (i % 5 === 1) await appendFile(path, 'more');
    else if (i % 5 === 2) await truncate(path, 3);
    else if (i % 5 === 3) await rename(path, `${path}-renamed`);
    else await writeFile(path, Buffer.alloc(1 + i * 997, `after ${i} `));
  }
  await rename(drive.path('tree/deep'), drive.path('moved'));
  await writeFile(drive.path('tree/deep'), 'a file where a directory was');
  await writeFile(drive.path('new'), 'new');
}

describeMount('snapshots of a drive', () => {
  for (const args of [[], ['--kernel-cache=off'], ['--direct-io']]) {
    it(`a rollback shows all of before, whatever the caches hold (${args.join(' ') || 'cached'})`, async () => {
      const drive = await mount({ args });
      await fill(drive);
      const before = await look(drive.dir);
      await tell(drive, 'snapshot', 'base');
      for (let round = 0; round < 2; round++) {
        await change(drive);
        // Names, sizes and contents of now are in the caches, missing names too.
        const changed = await look(drive.dir);
        await stat(drive.path('tree/file-0')).catch(() => {});
        expect(withoutNumbers(changed)).not.toEqual(withoutNumbers(before));
        await tell(drive, 'rollback', 'base');
        const after = await look(drive.dir);
        expect(withoutNumbers(after)).toEqual(withoutNumbers(before));
        const numbers = new Set([...before, ...changed].map(([, { ino }]) => ino));
        expect([...after].filter(([, { ino }]) => numbers.has(ino))).toEqual([]);
      }
      await writeFile(drive.path('tree/file-2'), 'works');
      expect(await readFile(drive.path('tree/file-2'), 'utf8')).toBe('works');
      await deleteSnapshots(drive);
    });
  }

  it('what programs have open leads nowhere, and changes nothing', async () => {
    const drive = await mount();
    await fill(drive);
    await writeFile(drive.path('held'), Buffer.alloc(300_000, 'old '));
    const before = await look(drive.dir);
    await tell(drive, 'snapshot', 'base');
    await writeFile(drive.path('held'), Buffer.alloc(300_000, 'new '));

    const client = new Client();
    const file = await client.do<number>('openSync', drive.path('held'), 'r+');
    await client.do('readAt', file, 10, 0);
    await client.do('chdir', drive.path('tree/deep'));
    const script = fileURLToPath(new URL('../support/clients/mapped-holder.py', import.meta.url));
    const mapped = spawn('python3', [script, drive.path('held')], { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines: string[] = [];
    const output = createInterface(mapped.stdout).on('line', (line) => lines.push(line));
    await once(output, 'line');

    await tell(drive, 'rollback', 'base');
    expect(await client.errorOf('writeAt', file, 'late', 0)).not.toBe('OK');
    expect(await client.errorOf('ftruncateSync', file, 0)).not.toBe('OK');
    expect(await client.errorOf('readdirSync', '.')).not.toBe('OK');
    expect(await client.errorOf('writeFileSync', 'lost', 'lost')).not.toBe('OK');
    const ended = once(mapped, 'close');
    mapped.stdin.end('\n');
    const [, signal] = (await ended) as [number | null, NodeJS.Signals | null];
    expect(signal === 'SIGBUS' || lines.includes('refused')).toBe(true);
    expect(withoutNumbers(await look(drive.dir))).toEqual(withoutNumbers(before));
    await client.end();
    await deleteSnapshots(drive);
  });

  for (const args of [[], ['--kernel-cache=off']]) {
    it(`what the system has cached of an open file is gone, too (${args[0] ?? 'cached'})`, async () => {
      const drive = await mount({ args });
      const paths = Array.from({ length: 20 }, (_, i) => drive.path(`held-${i}`));
      for (const path of paths) await writeFile(path, Buffer.alloc(300_000, 'old '));
      await tell(drive, 'snapshot', 'base');
      const files = [];
      for (const path of paths) {
        await writeFile(path, Buffer.alloc(300_000, 'new '));
        const file = await open(path, 'r');
        // All of it, so that all of it is in the caches.
        expect((await file.readFile()).toString('latin1', 299_996)).toBe('new ');
        files.push(file);
      }
      await tell(drive, 'rollback', 'base');
      for (const file of files) {
        for (const offset of [0, 4096, 299_996]) {
          await expect(file.read(Buffer.alloc(4), 0, 4, offset)).rejects.toThrow(/ENOTCONN|ECONNABORTED|EIO/);
        }
        await file.close().catch(() => {});
      }
      await deleteSnapshots(drive);
    });
  }

  it('are listed, named, counted by status, and refused with a reason', async () => {
    const drive = await mount({ capacity: '8M' });
    expect(await done('snapshots', drive.dir)).toBe(`There are no snapshots of ${drive.dir}.\n`);
    await writeFile(drive.path('f'), Buffer.alloc(3 * 2 ** 20, 1));
    expect(await done('snapshot', drive.dir, 'a b/ü')).toBe(
      `took snapshot "a b/ü" of ${drive.dir}: 1 file or directory, 3 MiB\n`,
    );
    expect(await done('snapshot', drive.dir)).toMatch(/took snapshot "\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"/);
    const [named, timed] = await snapshotsOf(drive);
    expect(named).toMatchObject({ name: 'a b/ü', files: 1, bytes: 3 * 2 ** 20 });
    expect(Math.abs(Date.parse(named!.createdAt) - Date.now())).toBeLessThan(60_000);
    const table = await done('snapshots', drive.dir);
    expect(table).toContain('They take 3 MiB of the drive together.');
    expect(table).toContain(timed!.name);
    // 3 MiB of the file and 3 MiB of both snapshots, which share all pages.
    const status = await drive.status();
    expect(status).toMatchObject({ snapshotBytes: 3 * 2 ** 20, reservedBytes: 6 * 2 ** 20 });
    expect(status.snapshots).toEqual([named, timed]);
    expect(await drive.freeBytes()).toBe(2 * 2 ** 20);
    expect(await done('status', drive.dir)).toContain('2 (a b/ü, ');

    expect(await refused('snapshot', drive.dir, 'a b/ü')).toContain('There is a snapshot "a b/ü" already');
    expect(await refused('rollback', drive.dir, 'none')).toContain(
      'There is no snapshot "none"; there are "a b/ü", ',
    );
    expect(await refused('snapshot', drive.dir, 'none', '--delete')).toContain('There is no snapshot "none"');
    await expect(tell(drive, 'snapshot', 'a\tb')).rejects.toMatchObject({ code: 'BAD_VALUE' });
    expect(await refused('snapshots', newDirectory())).toContain('no drive of yours is mounted at');
    await deleteSnapshots(drive);
    expect(await drive.freeBytes()).toBe(5 * 2 ** 20);
  });

  it('one that has no room is refused with the numbers, and nothing has changed', async () => {
    const drive = await mount({ capacity: '8M' });
    await writeFile(drive.path('f'), Buffer.alloc(5 * 2 ** 20, 1));
    const bytes = `${5 * 2 ** 20} bytes`;
    expect(await refused('snapshot', drive.dir, 'large')).toContain(
      `The snapshot needs 5 MiB (${bytes}), but 3 MiB (${3 * 2 ** 20} bytes) are free`,
    );
    expect(await snapshotsOf(drive)).toEqual([]);
    await truncate(drive.path('f'), 3 * 2 ** 20);
    await tell(drive, 'snapshot', 'base');
    await rm(drive.path('f'));
    await writeFile(drive.path('g'), Buffer.alloc(2 ** 20, 2));
    await tell(drive, 'snapshot', 'more');
    // 4 MiB are the snapshots', and a file with a hole takes the rest.
    const held = await open(drive.path('h'), 'w+');
    await truncate(drive.path('h'), 2 ** 20);
    await rm(drive.path('g'));
    await writeFile(drive.path('i'), Buffer.alloc(3 * 2 ** 20, 3));
    expect(await drive.freeBytes()).toBe(0);
    await rm(drive.path('i'));
    await tell(drive, 'snapshot', 'base2');
    await tell(drive, 'rollback', 'base');
    expect((await readFile(drive.path('f'))).equals(Buffer.alloc(3 * 2 ** 20, 1))).toBe(true);
    await held.close().catch(() => {});
    await deleteSnapshots(drive);
  });

  it('rollbacks, snapshots, checks and programs at the same time all come to an end', async () => {
    const drive = await mount();
    await fill(drive);
    const before = withoutNumbers(await look(drive.dir));
    await tell(drive, 'snapshot', 'base');
    let isOver = false;
    const programs = [1, 2].map(async (number) => {
      const client = new Client();
      while (!isOver) {
        await client.try('writeFileSync', drive.path('tree', `file-${number}`), 'x'.repeat(5000));
        await client.try('readdirSync', drive.path('tree'));
        await client.try('readFileSync', drive.path('tree/deep/file-3'));
      }
      await client.end();
    });
    const results = await Promise.allSettled([
      tell(drive, 'rollback', 'base'),
      tell(drive, 'selfCheck'),
      tell(drive, 'rollback', 'base'),
      tell(drive, 'selfCheck'),
      tell(drive, 'snapshot', 'beside'),
      tell(drive, 'rollback', 'base'),
      tell(drive, 'selfCheck'),
    ]);
    isOver = true;
    await Promise.all(programs);
    expect(results.filter(({ status }) => status === 'rejected')).toEqual([]);
    await tell(drive, 'rollback', 'base');
    expect(withoutNumbers(await look(drive.dir))).toEqual(before);
    await deleteSnapshots(drive);
  });

  it('an unmount and a signal wait for a rollback that is under way', async () => {
    for (const end of [
      (drive: MountedDrive) => cli('unmount', drive.dir),
      (drive: MountedDrive) => drive.signal('SIGTERM'),
    ]) {
      const drive = await mount();
      await fill(drive);
      await tell(drive, 'snapshot', 'base');
      const rollback = tell(drive, 'rollback', 'base').catch(() => {});
      // The moment is a matter of luck; each must end well.
      await tell(drive, 'status');
      await end(drive);
      await rollback;
      expect(await drive.exited).toEqual({ code: 0, signal: null });
      expect(await isMounted(drive.dir)).toBe(false);
    }
  });

  it('a drive that cannot be mounted again ends with the reason, and is in its image', async () => {
    const parent = newDirectory();
    for (const withImage of [false, true]) {
      const place = join(parent, withImage ? 'image' : 'plain');
      const image = join(newDirectory(), 'drive.tar');
      mkdirSync(join(place, 'drive'), { recursive: true });
      const drive = await mount({
        dir: join(place, 'drive'),
        args: withImage ? ['--image', image] : [],
        broken: true,
      });
      await writeFile(drive.path('f'), 'before');
      await tell(drive, 'snapshot', 'base');
      await writeFile(drive.path('f'), 'after');
      // The kernel lets a directory above a mount be renamed.
      renameSync(place, `${place}-elsewhere`);
      const stderr = await refused('rollback', drive.dir, 'base');
      expect(stderr).toContain('was rolled back to "base", but could not be mounted again, and has ended');
      expect(stderr).toContain(`${drive.dir} does not exist`);
      expect(await drive.exited).toEqual({ code: 1, signal: null });
      expect(drive.errors).toContain(withImage ? 'Its image has what was on it.' : 'Its contents are gone.');
      if (!withImage) continue;
      const again = await mount({ args: ['--image', image] });
      expect(await readFile(again.path('f'), 'utf8')).toBe('before');
    }
  });

  it('a drive that dies while it is rolled back leaves no mount that hangs', async () => {
    const drive = await mount({ broken: true });
    await fill(drive);
    await tell(drive, 'snapshot', 'base');
    const rollback = tell(drive, 'rollback', 'base').catch(() => {});
    await tell(drive, 'status').catch(() => {});
    await drive.kill();
    await rollback;
    expect(await cli('status', drive.dir)).toMatchObject({ code: 1 });
    await cli('unmount', drive.dir);
    expect(await isMounted(drive.dir)).toBe(false);
  });

  it('a rollback is part of the image', async () => {
    const image = join(newDirectory(), 'drive.tar');
    const drive = await mount({ args: ['--image', image] });
    await writeFile(drive.path('f'), 'before');
    await tell(drive, 'snapshot', 'base');
    await writeFile(drive.path('f'), 'after');
    await tell(drive, 'save');
    await tell(drive, 'rollback', 'base');
    expect(await drive.unmount()).toEqual({ code: 0, signal: null });
    const again = await mount({ args: ['--image', image] });
    expect(await readFile(again.path('f'), 'utf8')).toBe('before');
  });
});
