/** What must never happen, made to happen: memory that the system refuses, handlers that throw, a worker that dies. */
import { open, readdir, readFile, rename, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { defaultSettings } from '../../dist/src/drive/config/settings.js';
import { VolumeThread } from '../../dist/src/drive/volume-thread.js';
import { DEVICE_DISK } from '../../dist/src/winfsp/index.js';
import { differenceIn, errorOf, KIB, MIB, pattern, writeFully, writeNew } from '../support/bytes.js';
import { cli, describeMount, isMounted, mount, startMount, within } from '../support/mount.js';
import { Client, run } from '../support/processes.js';
import { temporaryFolder } from '../support/temporary-folder.js';

describeMount('memory that the system refuses', () => {
  it('is "disk full" for the one who asked, changes nothing, and the drive lives on', async () => {
    const drive = await mount({
      capacity: '64M',
      faults: { failCommitAboveBytes: 16 * MIB },
    });
    await writeNew(drive.path('fits'), 12 * MIB, 1);
    const file = await open(drive.path('does-not'), 'wx+');
    try {
      await writeFully(file, pattern(MIB, 2), 0);
      expect(await errorOf(file.truncate(8 * MIB))).toBe('ENOSPC');
      expect((await file.stat()).size).toBe(MIB);
      const error = await errorOf(
        (async () => {
          for (let at = 1; at < 8; at++) {
            await writeFully(file, pattern(MIB, 2), at * MIB);
          }
        })(),
      );
      expect(error).toBe('ENOSPC');
    } finally {
      await file.close();
    }
    const { size } = await stat(drive.path('does-not'));
    expect(size % MIB).toBe(0);
    expect(await differenceIn(drive.path('does-not'), size, 2)).toBe(null);
    expect(await differenceIn(drive.path('fits'), 12 * MIB, 1)).toBe(null);
    const status = await drive.status();
    expect(status.selfCheck?.violations).toEqual([]);
    expect(status.reservedBytes).toBe(12 * MIB + size);
    // What is given back can be had again.
    await unlink(drive.path('fits'));
    await writeNew(drive.path('again'), 10 * MIB, 3);
    expect(await differenceIn(drive.path('again'), 10 * MIB, 3)).toBe(null);
  });

  it('refuses creation of nothing: files without content still work', async () => {
    const drive = await mount({ faults: { failCommitAboveBytes: 0 } });
    await writeFile(drive.path('empty'), '');
    expect(await errorOf(writeFile(drive.path('one'), 'x'))).toBe('ENOSPC');
    expect((await readdir(drive.dir)).sort()).toEqual(['empty', 'one']);
    expect((await stat(drive.path('one'))).size).toBe(0);
  });

  it('is told at start when the capacity is pre-allocated', async () => {
    const drive = startMount({
      capacity: '64M',
      args: ['--preallocate'],
      faults: { failCommitAboveBytes: MIB },
      broken: true,
    });
    expect((await drive.exited).code).toBe(1);
    expect(drive.errors).toMatch(/memory|allocat|commit/i);
    expect(await isMounted(drive.dir)).toBe(false);
  });

  it('is told at start when the process may not have the address space', async () => {
    const drive = await mount({ capacity: '64M' });
    const other = await run('sh', [
      '-c',
      `ulimit -v 900000 && exec '${process.execPath}' dist/src/cli/main.js mount '${drive.path('nested')}' --capacity 64G`,
    ]);
    // Whatever gives up first, Node itself or the drive: no success, and nothing mounted.
    expect(other.code).not.toBe(0);
  });

  it('is not kept by a start that fails', async () => {
    const capacityBytes = 2 ** 40;
    const settings = {
      ...defaultSettings(process.platform),
      mountPoint: '',
      pageSizeBytes: MIB,
      capacityBytes,
      traceFile: join(temporaryFolder('maps'), 'none', 'trace'),
    };
    await expect(
      VolumeThread.start(settings, { device: DEVICE_DISK, volumePrefix: undefined }),
    ).rejects.toThrow(/ENOENT/);
    const sizes = (await readFile('/proc/self/maps', 'utf8')).split('\n').map((line) => {
      const [, from = '0', to = '0'] = /^([0-9a-f]+)-([0-9a-f]+) /.exec(line) ?? [];
      return Number.parseInt(to, 16) - Number.parseInt(from, 16);
    });
    expect(Math.max(...sizes)).toBeLessThan(capacityBytes);
  });
});

describeMount('a heap that files have filled', () => {
  it('is "disk full" for the one who makes another, and the drive lives on', async () => {
    const drive = await mount({
      faults: { workerHeapMib: 32 },
      args: ['--no-case-sensitive'],
    });
    // Names that take as much as any: two bytes a unit, and their folded form beside them.
    const path = (number: number) => drive.path(`${number}${'я'.repeat(240)}`);
    let made = 0;
    let error = 'OK';
    const make = async () => {
      while (error === 'OK' && made < 100_000) {
        const number = made++;
        const failure = await errorOf(writeFile(path(number), ''));
        if (failure !== 'OK') {
          error = failure;
        }
      }
    };
    await Promise.all(Array.from({ length: 8 }, make));
    expect(error).toBe('ENOSPC');
    expect(made).toBeGreaterThan(8000);
    // Room for content is another matter, and so are names that do not get longer.
    await writeFile(path(0), 'content');
    await rename(path(1), path(1).replace('я', 'э'));
    expect((await drive.status()).selfCheck?.violations).toEqual([]);

    // What goes makes room, over and over.
    for (let round = 0; round < 3; round++) {
      for (let number = 100; number < 200; number++) {
        await unlink(path(number));
      }
      for (let number = 100; number < 200; number++) {
        await writeFile(path(number), '');
      }
    }
    expect(await readFile(path(0), 'utf8')).toBe('content');
    expect((await drive.status()).selfCheck?.violations).toEqual([]);
  });
});

describeMount('a handler that throws', () => {
  it('fails that one request, is reported, and everything else goes on', async () => {
    const drive = await mount({
      faults: { throwOnName: 'unlucky' },
      handlerErrors: true,
    });
    await writeFile(drive.path('before'), 'before');
    for (let i = 0; i < 20; i++) {
      expect(await errorOf(writeFile(drive.path('unlucky'), 'x'))).not.toBe('OK');
    }
    await writeFile(drive.path('after'), 'after');
    expect(await readFile(drive.path('before'), 'utf8')).toBe('before');
    expect((await readdir(drive.dir)).sort()).toEqual(['after', 'before']);
    const status = await drive.status();
    expect(status.errors.handlerErrors).toBeGreaterThanOrEqual(20);
    expect(status.errors.last).toContain('Injected');
    expect(status.selfCheck?.violations).toEqual([]);
    expect(drive.errors).toContain('Injected');
  });

  // Each callback of a running drive, and an operation that leads there.
  const OPERATIONS: [string, (path: string) => Promise<unknown>][] = [
    ['write', (path) => writeFile(path, 'content')],
    ['read', (path) => readFile(path)],
    ['create', (path) => writeFile(`${path}-new`, '')],
    ['setFileSize', (path) => writeFile(path, Buffer.alloc(9000))],
    ['canDelete', (path) => unlink(path)],
    ['rename', (path) => import('node:fs/promises').then(({ rename }) => rename(path, `${path}2`))],
    ['setBasicInfo', (path) => import('node:fs/promises').then(({ utimes }) => utimes(path, 1, 1))],
    ['getVolumeInfo', (path) => import('node:fs/promises').then(({ statfs }) => statfs(path))],
    ['flush', (path) => fsync(path)],
    ['readDirectory', (path) => readdir(dirname(path))],
  ];
  for (const [callback, operation] of OPERATIONS) {
    it(`never answers "success" for ${callback}`, async () => {
      const drive = await mount({
        faults: { throwIn: [callback] },
        handlerErrors: true,
        // Emptying the drive needs some of these callbacks.
        broken: true,
      });
      const path = drive.path('f');
      if (callback !== 'create') {
        await writeFile(path, '').catch(() => {});
      }
      if (callback === 'read') {
        await writeFile(path, 'some content');
      }
      const error = await errorOf(operation(path));
      const status = await drive.status();
      if (status.errors.handlerErrors > 0) {
        expect(error).not.toBe('OK');
      } else {
        // The kernel came by without this callback. That is allowed for few.
        expect(['canDelete', 'setFileSize', 'flush']).toContain(callback);
      }
      expect(status.selfCheck?.violations).toEqual([]);
      expect(drive.exit).toBe(null);
      drive.signal('SIGTERM');
      expect(await drive.exited).toEqual({ code: 0, signal: null });
      expect(await isMounted(drive.dir)).toBe(false);
    });
  }
});

async function fsync(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

describeMount('a worker that dies', () => {
  it('takes the mount with it: clients get errors, the process says why and ends with 1, and the place can be used again', async () => {
    const drive = await mount({ faults: { dieOnName: 'deadly' }, broken: true });
    await writeFile(drive.path('data'), pattern(100 * KIB));
    const clients = [new Client(), new Client()];
    const files = await Promise.all(
      clients.map((client, i) => client.do<number>('openSync', drive.path(`c${i}`), 'w')),
    );
    expect(await errorOf(stat(drive.path('deadly')))).not.toBe('OK');
    const exit = await within(drive.exited, 20_000);
    expect(exit).toEqual({ code: 1, signal: null });
    expect(drive.errors).toMatch(/died/);
    expect(await isMounted(drive.dir)).toBe(false);
    for (const [i, client] of clients.entries()) {
      expect(await client.errorOf('writeSync', files[i], 'x')).not.toBe('OK');
    }
    await Promise.all(clients.map((client) => client.end()));
    expect((await cli('status', drive.dir)).code).toBe(1);
    const again = await mount({ dir: drive.dir });
    await writeFile(again.path('data'), 'alive');
  });

  it('ends requests that wait for it', async () => {
    const drive = await mount({ faults: { dieOnName: 'deadly' }, broken: true });
    const clients = Array.from({ length: 6 }, () => new Client());
    let ended = 0;
    const loads = clients.map(async (client, i) => {
      while (drive.exit === null) {
        if ((await client.errorOf('writeFileSync', drive.path(`f${i}`), pattern(64 * KIB, i))) !== 'OK') {
          break;
        }
      }
      ended++;
    });
    await sleep(300);
    await errorOf(stat(drive.path('deadly')));
    expect(await within(drive.exited, 20_000)).toEqual({ code: 1, signal: null });
    expect(await within(Promise.all(loads), 20_000)).not.toBe(null);
    expect(ended).toBe(clients.length);
    await rm(drive.dir, { recursive: true });
  });
});
