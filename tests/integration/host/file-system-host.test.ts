/**
 * FileSystemHost itself on real mounts: mounting and its failures, events, handlers on this thread and in a worker,
 * taking everything down. This process is its own client, by promises of node:fs only, which never block the thread
 * that serves.
 */
import { mkdtemp, open, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  FileSystemHost,
  type HostOptions,
  linuxExtensions,
  loadWinFsp,
  MountPointSyntaxError,
  NotifyAction,
  NotifyFilter,
  registeredCallbacks,
  type VolumeEnd,
  VolumeParamsError,
} from 'ramdrive/winfsp';
import { expect, it } from 'vitest';
import { MemoryFs, type MemoryNode } from '../../../dist/examples/memory-fs.js';
import { startedWorkers } from '../../../dist/src/winfsp/threads/idle-workers.js';
import { describeMount, isMounted, newDirectory } from '../../support/mount.js';
import { run } from '../../support/processes.js';

const PARAMS = { CaseSensitiveSearch: true, SectorSize: 4096 };
const MODULE = new URL('./memory-module.mjs', import.meta.url);

class Watched extends FileSystemHost {
  readonly events: unknown[][] = [];

  constructor(fileSystem: ConstructorParameters<typeof FileSystemHost>[0], options: HostOptions = {}) {
    super(fileSystem, { volumeParams: PARAMS, ...options });
    this.on('mounted', (where) => this.events.push(['mounted', where]));
    this.on('stopped', ({ reason }: VolumeEnd) => this.events.push(['stopped', reason]));
    this.on('error', (error, where) => this.events.push(['error', where, error.message]));
  }
}

async function within(host: FileSystemHost, dir: string, body: () => Promise<void>): Promise<void> {
  try {
    await body();
  } finally {
    if (await isMounted(dir)) {
      await run('umount', ['-l', dir]);
    }
    await host.unmount();
  }
}

describeMount('FileSystemHost', () => {
  it.each([
    ['on this thread', () => new MemoryFs({ caseSensitive: true })],
    ['in a worker', () => MODULE],
  ])('%s: mounts, serves, unmounts, and does it again', async (_name, make) => {
    const dir = newDirectory();
    const callbacks = registeredCallbacks();
    const host = new Watched(make(), { workerData: {} });
    await within(host, dir, async () => {
      let started = 0;
      for (let round = 0; round < 3; round++) {
        expect(host.mountPoint).toBeNull();
        expect(host.statistics).toBeNull();
        expect(await host.mount(dir)).toBe(dir);
        expect(host.mountPoint).toBe(dir);
        await writeFile(join(dir, 'f'), `round ${round}`);
        expect(await readFile(join(dir, 'f'), 'utf8')).toBe(`round ${round}`);
        expect(host.statistics!.requests).toBeGreaterThan(0);
        await host.notify([{ fileName: '\\f', filter: NotifyFilter.SIZE, action: NotifyAction.MODIFIED }]);
        await Promise.all([host.unmount(), host.unmount()]);
        expect(await isMounted(dir)).toBe(false);
        // Workers that served before do it again.
        expect(startedWorkers()).toBe(round === 0 ? startedWorkers() : started);
        started = startedWorkers();
      }
      const once = [
        ['mounted', dir],
        ['stopped', 'stopped'],
      ];
      expect(host.events).toEqual([...once, ...once, ...once]);
      expect(registeredCallbacks()).toBe(callbacks);
    });
  });

  it('in a worker: each mount begins anew, whether the module exports a function or the file system itself', async () => {
    const dir = newDirectory();
    for (const module of [MODULE, new URL('./object-module.mjs', import.meta.url)]) {
      const host = new Watched(module, { workerData: {} });
      await within(host, dir, async () => {
        for (let round = 0; round < 2; round++) {
          await host.mount(dir);
          await writeFile(join(dir, 'f'), 'x', { flag: 'wx' });
          await host.unmount();
        }
      });
    }
  });

  it('in a worker: data that cannot be sent there is refused', async () => {
    const dir = newDirectory();
    await expect(new Watched(MODULE, { workerData: () => {} }).mount(dir)).rejects.toThrow(/cloned/);
    expect(await isMounted(dir)).toBe(false);
  });

  it('refuses what cannot be mounted, and leaves nothing behind', async () => {
    const dir = newDirectory();
    const callbacks = registeredCallbacks();
    const fs = new MemoryFs({ caseSensitive: true });
    const host = new Watched(fs);
    await expect(host.mount('relative')).rejects.toThrow(MountPointSyntaxError);
    await expect(host.mount(join(dir, 'missing'))).rejects.toMatchObject({ name: 'WinFspCallError' });
    const wrong = new Watched(fs, { volumeParams: { SectorSize: 1000 } });
    await expect(wrong.mount(dir)).rejects.toThrow(VolumeParamsError);
    await expect(new Watched(fs, { volumeParams: { Nonsense: 1 } as never }).mount(dir)).rejects.toThrow(
      /Nonsense/,
    );
    expect(host.events).toEqual([]);
    expect(registeredCallbacks()).toBe(callbacks);
    await within(host, dir, async () => {
      await host.mount(dir);
      await expect(host.mount(dir)).rejects.toThrow(/already/);
    });
    await expect(host.notify([])).rejects.toMatchObject({ ntStatusName: 'STATUS_VOLUME_DISMOUNTED' });
  });

  it.each([
    ['throws', /no file system today/],
    ['nothing', /default export/],
  ])('a module that %s is told apart', async (behaviour, message) => {
    const dir = newDirectory();
    await expect(new Watched(MODULE, { workerData: { behaviour } }).mount(dir)).rejects.toThrow(message);
    const missing = new Watched(new URL('./missing.mjs', import.meta.url));
    await expect(missing.mount(dir)).rejects.toThrow(/missing\.mjs/);
    expect(await isMounted(dir)).toBe(false);
  });

  it('in a worker a promise is a bug that is told', async () => {
    const dir = newDirectory();
    const host = new Watched(MODULE, { workerData: { behaviour: 'promises' } });
    await within(host, dir, async () => {
      await host.mount(dir);
      await writeFile(join(dir, 'f'), 'x');
      await expect(readFile(join(dir, 'f'))).rejects.toThrow();
      await host.unmount();
      expect(host.events[1]).toEqual(['error', 'Read', expect.stringMatching(/promise/)]);
    });
  });

  it('a worker that dies takes its mount along; anyone who waits is released', async () => {
    const dir = newDirectory();
    const host = new Watched(MODULE, { workerData: { behaviour: 'dies' } });
    await within(host, dir, async () => {
      await host.mount(dir);
      await writeFile(join(dir, 'f'), 'x');
      const stopped = new Promise((resolve) => host.once('stopped', resolve));
      await expect(utimes(join(dir, 'f'), 1, 1)).rejects.toThrow();
      expect(await stopped).toMatchObject({ reason: 'died' });
      expect(host.mountPoint).toBeNull();
    });
  });

  it('unmounted from outside: the reason is told, open contexts are closed', async () => {
    const dir = newDirectory();
    const fs = new MemoryFs({ caseSensitive: true });
    const host = new Watched(fs);
    await within(host, dir, async () => {
      await host.mount(dir);
      await writeFile(join(dir, 'f'), 'x');
      const stopped = new Promise((resolve) => host.once('stopped', resolve));
      expect((await run('umount', [dir])).code).toBe(0);
      expect(await stopped).toEqual({ reason: 'volume-gone', error: null });
      expect(fs.openCount).toBe(0);
      expect(host.mountPoint).toBeNull();
    });
  });

  it('a method that is absent is a capability that is absent', async () => {
    const dir = newDirectory();
    class Fixed extends MemoryFs {}
    const fs = new Fixed({ caseSensitive: true });
    for (const method of ['canDelete', 'rename', 'setFileSize', 'write'] as const) {
      Object.defineProperty(fs, method, { value: undefined });
    }
    const host = new Watched(fs);
    await within(host, dir, async () => {
      await host.mount(dir);
      await writeFile(join(dir, 'f'), '');
      await expect(writeFile(join(dir, 'f'), 'x')).rejects.toThrow();
      await expect(rm(join(dir, 'f'))).rejects.toThrow();
      expect((await stat(join(dir, 'f'))).size).toBe(0);
      expect(host.events).toEqual([['mounted', dir]]);
    });
  });

  it('`await using` unmounts; a bug without a listener is a warning and no crash', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'ramdrive-test-'));
    class Broken extends MemoryFs {
      override read(_node: MemoryNode): number {
        throw new Error('a bug');
      }
    }
    const warnings: Error[] = [];
    const listen = (warning: Error) => warnings.push(warning);
    process.on('warning', listen);
    try {
      const host = new FileSystemHost(new Broken({ caseSensitive: true }), { volumeParams: PARAMS });
      await within(host, dir, async () => {
        await host.mount(dir);
        await writeFile(join(dir, 'f'), 'x');
        await expect(readFile(join(dir, 'f'))).rejects.toThrow();
        await host[Symbol.asyncDispose]();
        expect(await isMounted(dir)).toBe(false);
        await expect.poll(() => warnings.map(({ message }) => message).join()).toMatch(/Read: Error: a bug/);
      });
    } finally {
      process.off('warning', listen);
      await rm(dir, { recursive: true, force: true });
    }
  });

  it.each([false, true])(
    'a file that changes its indexNumber is EIO, and the mount lives (case: %s)',
    async (caseSensitive) => {
      class Changing extends MemoryFs {
        change = 0;

        override getFileInfo(node: MemoryNode) {
          const info = super.getFileInfo(node);
          return {
            ...info,
            indexNumber: Number(info.indexNumber) + (node.children === null ? this.change : 0),
          };
        }
      }
      const fileSystem = new Changing({ caseSensitive });
      const dir = newDirectory();
      const library = linuxExtensions(loadWinFsp())!;
      library.setOption(0, 'strict', 1);
      const before = library.violations(0).length;
      const host = new Watched(fileSystem, { volumeParams: { CaseSensitiveSearch: caseSensitive } });
      await within(host, dir, async () => {
        await host.mount(dir);
        const path = join(dir, 'f');
        await writeFile(path, 'content');
        const file = await open(path, 'r+');
        fileSystem.change = 1000;
        await expect(file.stat()).rejects.toMatchObject({ code: 'EIO' });
        await expect(file.truncate(1)).rejects.toMatchObject({ code: 'EIO' });
        await expect(file.sync()).rejects.toMatchObject({ code: 'EIO' });
        fileSystem.change = 0;
        await file.close();
        expect((await stat(path)).size).toBe(1);
        await rm(path);
        expect(library.violations(0).slice(before).join()).toMatch(/IndexNumber changed/);
      });
      library.setOption(0, 'strict', 0);
    },
  );
});
