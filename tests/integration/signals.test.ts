/** How a drive ends: by signals under load, by SIGKILL, by umount; and that nothing is left of it. */
import { open, readdir, readFile, stat, statfs, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { errorOf, KIB, pattern } from '../support/bytes.js';
import {
  cli,
  describeMount,
  isMounted,
  type MountedDrive,
  mount,
  startMount,
  within,
} from '../support/mount.js';
import { Client, run } from '../support/processes.js';

/** Clients that write, list and delete without pause until they meet an error. Resolves when all have. */
function loadOn(drive: MountedDrive): { started: Promise<unknown>; ended: Promise<string[]> } {
  const clients = Array.from({ length: 4 }, () => new Client());
  const started = Promise.all(clients.map((client, i) => client.do('mkdirSync', drive.path(`c${i}`))));
  const ended = started.then(() =>
    Promise.all(
      clients.map(async (client, i) => {
        for (let n = 0; ; n++) {
          const path = drive.path(`c${i}`, `f${n % 20}`);
          for (const attempt of [
            () => client.errorOf('writeFileSync', path, pattern(40 * KIB, n)),
            () => client.errorOf('readFileSync', path),
            () => client.errorOf('readdirSync', drive.path(`c${i}`)),
          ]) {
            const error = await attempt();
            if (error !== 'OK') {
              return error;
            }
          }
        }
      }),
    ),
  );
  return { started, ended };
}

describeMount('signals', () => {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    it(`${signal} under load unmounts and exits with 0; clients get errors and nobody hangs`, async () => {
      const drive = await mount({ broken: true });
      const load = loadOn(drive);
      await load.started;
      await sleep(500);
      drive.signal(signal);
      expect(await within(drive.exited, 30_000)).toEqual({ code: 0, signal: null });
      expect(await isMounted(drive.dir)).toBe(false);
      const errors = await within(load.ended, 30_000);
      expect(errors).not.toBe(null);
      // Depending on the moment: the mount is gone, the connection is, or the directory under it is empty.
      for (const error of errors!) {
        expect(['ENOENT', 'ENOTCONN', 'EIO', 'ECONNABORTED', 'ENODEV', 'EINTR']).toContain(error);
      }
      expect(await readdir(drive.dir)).toEqual([]);
      expect(drive.errors).not.toMatch(/Error|at .*\.js:/);
    });

    it(`${signal} twice within a keystroke is one`, async () => {
      const drive = await mount({ broken: true });
      drive.signal(signal);
      drive.signal(signal);
      expect(await within(drive.exited, 30_000)).toEqual({ code: 0, signal: null });
      expect(await isMounted(drive.dir)).toBe(false);
    });
  }

  it('SIGTERM while a process stands in the drive and has files open there', async () => {
    const drive = await mount({ broken: true });
    const client = new Client();
    await client.do('chdir', drive.dir);
    const fd = await client.do<number>('openSync', 'f', 'w');
    drive.signal('SIGTERM');
    expect(await within(drive.exited, 30_000)).toEqual({ code: 0, signal: null });
    expect(await isMounted(drive.dir)).toBe(false);
    expect(await client.errorOf('writeSync', fd, 'x')).not.toBe('OK');
    await client.end();
  });

  it('SIGTERM during the start leaves nothing', async () => {
    for (const delayMs of [0, 50, 100, 150, 200, 250, 300]) {
      const drive = startMount({ broken: true });
      await sleep(delayMs);
      drive.signal('SIGTERM');
      expect(await within(drive.exited, 30_000)).not.toBe(null);
      expect(await isMounted(drive.dir)).toBe(false);
    }
  });

  it('after SIGKILL programs get ENOTCONN, but not for what is cached, nor from close; df names the place', async () => {
    const drive = await mount({ broken: true });
    await writeFile(drive.path('file'), 'written');
    const file = await open(drive.path('file'), 'r+');
    await stat(drive.path('file'));
    await drive.kill();
    expect((await stat(drive.path('file'))).size).toBe(7);
    expect((await file.stat()).size).toBe(7);
    const calls = [
      () => readdir(drive.dir),
      () => statfs(drive.dir),
      () => file.sync(),
      () => file.write('more'),
    ];
    for (const call of calls) expect(await errorOf(call())).toBe('ENOTCONN');
    await file.close();
    const df = await run('df', [drive.dir]);
    expect(df.code).toBe(1);
    expect(df.stderr).toContain(`${drive.dir}: Transport endpoint is not connected`);
  });

  it('after SIGKILL the place is mounted again, with a word about the dead mount', async () => {
    const drive = await mount({ broken: true });
    await writeFile(drive.path('lost'), 'lost');
    const load = loadOn(drive);
    await load.started;
    await sleep(200);
    await drive.kill();
    expect(await within(load.ended, 30_000)).not.toBe(null);
    const again = await mount({ dir: drive.dir });
    expect(again.errors).toMatch(/dead mount/);
    expect(await readdir(again.dir)).toEqual([]);
    await writeFile(again.path('new'), 'new');
    expect(await readFile(again.path('new'), 'utf8')).toBe('new');
    expect((await again.status()).pid).toBe(again.pid);
  });

  it('after SIGKILL exactly one of several mounts that start at once gets the place', async () => {
    for (let round = 0; round < 3; round++) {
      const dead = await mount({ broken: true });
      await dead.kill();
      const drives = Array.from({ length: 4 }, () => startMount({ dir: dead.dir, broken: true }));
      const ready = await Promise.allSettled(drives.map((drive) => drive.ready()));
      const served = drives.filter((_, i) => ready[i]!.status === 'fulfilled');
      expect(served).toHaveLength(1);
      for (const drive of drives) {
        if (drive !== served[0]) {
          expect(drive.errors).toContain('Another drive serves');
        }
      }
      expect((await served[0]!.status()).pid).toBe(served[0]!.pid);
      expect(await served[0]!.unmount()).toEqual({ code: 0, signal: null });
    }
  });

  it('after SIGKILL "unmount" clears the dead mount', async () => {
    const drive = await mount({ broken: true });
    await drive.kill();
    await expect(stat(drive.dir)).rejects.toThrow();
    expect(await cli('unmount', drive.dir)).toMatchObject({ code: 0 });
    expect(await readdir(drive.dir)).toEqual([]);
    expect(await isMounted(drive.dir)).toBe(false);
  });

  it('ends by itself when someone else unmounts', async () => {
    for (const args of [[], ['-l']]) {
      const drive = await mount({ broken: true });
      await writeFile(drive.path('f'), 'f');
      const { code, stderr } = await run('umount', [...args, drive.dir]);
      expect(stderr).toBe('');
      expect(code).toBe(0);
      expect(await within(drive.exited, 30_000)).toEqual({ code: 0, signal: null });
      expect(drive.errors).toContain('unmounted from outside');
    }
  });

  it('unmounts while files are busy, and the clients are told', async () => {
    const drive = await mount({ broken: true });
    const load = loadOn(drive);
    await load.started;
    await sleep(200);
    expect(await cli('unmount', '--force', drive.dir)).toMatchObject({ code: 0, stderr: '' });
    expect(await within(drive.exited, 30_000)).toEqual({ code: 0, signal: null });
    expect(await within(load.ended, 30_000)).not.toBe(null);
  });
});
