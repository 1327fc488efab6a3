/**
 * Files that lose their name, change it or are replaced while processes have them open; directories that someone
 * stands in.
 */
import { mkdir, readdir, readFile, rename, rmdir, stat, unlink, writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { errorOf, MIB, pattern } from '../support/bytes.js';
import { describeMount, mount } from '../support/mount.js';
import { Client } from '../support/processes.js';

const MODES: [string, string[]][] = [
  ['kernel cache on', []],
  ['kernel cache off', ['--kernel-cache=off', '--file-info-timeout', '0']],
];

for (const [mode, args] of MODES) {
  describeMount(`open files (${mode})`, () => {
    it('keeps the data of a deleted file for those who have it open, and its room until the last closes', async () => {
      const drive = await mount({ capacity: '16M', args });
      const [a, b] = [new Client(), new Client()];
      const path = drive.path('f');
      await writeFile(path, pattern(MIB, 1));
      const [fa, fb] = [
        await a.do<number>('openSync', path, 'r+'),
        await b.do<number>('openSync', path, 'r+'),
      ];
      await unlink(path);
      expect(await errorOf(stat(path))).toBe('ENOENT');
      expect(await readdir(drive.dir)).toEqual([]);
      expect(await drive.freeBytes()).toBe(15 * MIB);
      await a.do('writeAt', fa, 'after the delete', 2 * MIB);
      expect(await b.do('sizeOf', fb)).toBe(2 * MIB + 16);
      expect(Buffer.from(await b.do<Buffer>('readAt', fb, 16, 2 * MIB)).toString()).toBe('after the delete');
      // The name is free at once.
      await writeFile(path, 'new');
      expect(Buffer.from(await b.do<Buffer>('readAt', fb, 4, 0))).toEqual(pattern(4, 1));
      await a.do('closeSync', fa);
      expect(await drive.freeBytes()).toBeLessThan(15 * MIB);
      await b.do('closeSync', fb);
      expect(await readFile(path, 'utf8')).toBe('new');
      await unlink(path);
      await expect.poll(() => drive.freeBytes()).toBe(16 * MIB);
    });

    it('closes first and deletes afterwards', async () => {
      const drive = await mount({ capacity: '16M', args });
      const [a, b] = [new Client(), new Client()];
      const path = drive.path('f');
      const fa = await a.do<number>('openSync', path, 'w+');
      await a.do('writeSync', fa, pattern(MIB));
      const fb = await b.do<number>('openSync', path, 'r');
      await a.do('closeSync', fa);
      await b.do('closeSync', fb);
      await a.do('unlinkSync', path);
      expect(await b.errorOf('openSync', path, 'r')).toBe('ENOENT');
      expect(await drive.freeBytes()).toBe(16 * MIB);
    });

    it('renames an open file: the descriptor stays with the file, the old name is gone', async () => {
      const drive = await mount({ args });
      const [a, b] = [new Client(), new Client()];
      await mkdir(drive.path('d'));
      const fa = await a.do<number>('openSync', drive.path('old'), 'w+');
      await a.do('writeAt', fa, 'before ', 0);
      await b.do('renameSync', drive.path('old'), drive.path('d', 'new'));
      await a.do('writeAt', fa, 'after', 7);
      expect(await readFile(drive.path('d', 'new'), 'utf8')).toBe('before after');
      expect(await a.errorOf('statSync', drive.path('old'))).toBe('ENOENT');
      // Deleted under the new name, still open.
      await b.do('unlinkSync', drive.path('d', 'new'));
      await rmdir(drive.path('d'));
      expect(Buffer.from(await a.do<Buffer>('readAll', fa)).toString()).toBe('before after');
      await a.do('closeSync', fa);
    });

    it('deletes and then renames another over the name, with both open', async () => {
      const drive = await mount({ args });
      const [a, b] = [new Client(), new Client()];
      await writeFile(drive.path('x'), 'x');
      await writeFile(drive.path('y'), 'y');
      const fx = await a.do<number>('openSync', drive.path('x'), 'r');
      const fy = await b.do<number>('openSync', drive.path('y'), 'r');
      await b.do('unlinkSync', drive.path('x'));
      await a.do('renameSync', drive.path('y'), drive.path('x'));
      expect(Buffer.from(await a.do<Buffer>('readAll', fx)).toString()).toBe('x');
      expect(Buffer.from(await b.do<Buffer>('readAll', fy)).toString()).toBe('y');
      expect(await readFile(drive.path('x'), 'utf8')).toBe('y');
      await a.do('closeSync', fx);
      await b.do('closeSync', fy);
    });

    it('replaces an open file by a rename, as editors save: old readers keep the old, new ones see the new', async () => {
      const drive = await mount({ capacity: '16M', args });
      const [reader, writer] = [new Client(), new Client()];
      const target = drive.path('document');
      await writeFile(target, 'version 0');
      for (let version = 1; version <= 20; version++) {
        const old = await reader.do<number>('openSync', target, 'r');
        await writer.do('writeFileSync', drive.path('document.tmp'), `version ${version}`);
        await writer.do('renameSync', drive.path('document.tmp'), target);
        expect(Buffer.from(await reader.do<Buffer>('readAll', old)).toString()).toBe(
          `version ${version - 1}`,
        );
        expect(await readFile(target, 'utf8')).toBe(`version ${version}`);
        await reader.do('closeSync', old);
      }
      expect(await readdir(drive.dir)).toEqual(['document']);
      expect(await drive.freeBytes()).toBe(16 * MIB - 4096);
    });

    it('lets a replaced open file be written and closed without touching its successor', async () => {
      const drive = await mount({ args });
      const [a, b] = [new Client(), new Client()];
      await writeFile(drive.path('t'), 'old');
      const ft = await a.do<number>('openSync', drive.path('t'), 'r+');
      await writeFile(drive.path('s'), 'successor');
      await b.do('renameSync', drive.path('s'), drive.path('t'));
      await a.do('writeAt', ft, 'still mine', 0);
      await a.do('ftruncateSync', ft, 5);
      expect(Buffer.from(await a.do<Buffer>('readAll', ft)).toString()).toBe('still');
      await a.do('closeSync', ft);
      expect(await readFile(drive.path('t'), 'utf8')).toBe('successor');
    });

    it('moves directories with open files below, up and down', async () => {
      const drive = await mount({ args });
      const [a, b] = [new Client(), new Client()];
      await mkdir(drive.path('p/q/r'), { recursive: true });
      await mkdir(drive.path('other'));
      const fd = await a.do<number>('openSync', drive.path('p/q/r/f'), 'w+');
      await b.do('renameSync', drive.path('p/q'), drive.path('other/q2'));
      await a.do('writeAt', fd, 'moved', 0);
      expect(await readFile(drive.path('other/q2/r/f'), 'utf8')).toBe('moved');
      expect(await errorOf(rename(drive.path('other'), drive.path('other/q2/inside')))).toBe('EINVAL');
      await b.do('renameSync', drive.path('other/q2/r'), drive.path('r'));
      expect(await readFile(drive.path('r/f'), 'utf8')).toBe('moved');
      await a.do('closeSync', fd);
    });

    it("survives that a directory is someone's cwd when it is renamed and removed", async () => {
      const drive = await mount({ args });
      const a = new Client();
      await mkdir(drive.path('d'));
      await a.do('chdir', drive.path('d'));
      await a.do('writeFileSync', 'f', 'relative');
      await rename(drive.path('d'), drive.path('e'));
      expect(await a.do('cwd')).toBe(drive.path('e'));
      expect(await a.do('readFileSync', 'f', 'utf8')).toBe('relative');
      expect(await errorOf(rmdir(drive.path('e')))).toBe('ENOTEMPTY');
      await a.do('unlinkSync', 'f');
      await rmdir(drive.path('e'));
      expect(await readdir(drive.dir)).toEqual([]);
      expect(await a.errorOf('writeFileSync', 'g', 'nowhere')).toBe('ENOENT');
      expect(await a.errorOf('readdirSync', '.')).toMatch(/OK|ENOENT/);
      // A new directory of the same name is another one.
      await mkdir(drive.path('e'));
      expect(await a.errorOf('statSync', 'f')).toBe('ENOENT');
      await a.end();
    });

    it('refuses what does not fit: directory over file, file over directory, full directory', async () => {
      const drive = await mount({ args });
      await mkdir(drive.path('d/sub'), { recursive: true });
      await mkdir(drive.path('empty'));
      await writeFile(drive.path('f'), 'f');
      expect(await errorOf(rename(drive.path('d'), drive.path('f')))).toBe('ENOTDIR');
      expect(await errorOf(rename(drive.path('f'), drive.path('d')))).toBe('EISDIR');
      expect(await errorOf(rename(drive.path('empty'), drive.path('d')))).toBe('ENOTEMPTY');
      expect(await errorOf(rmdir(drive.path('d')))).toBe('ENOTEMPTY');
      expect(await errorOf(unlink(drive.path('d')))).toMatch(/EISDIR|EPERM/);
      expect(await errorOf(rmdir(drive.path('f')))).toBe('ENOTDIR');
      await rename(drive.path('d'), drive.path('empty'));
      expect((await readdir(drive.dir)).sort()).toEqual(['empty', 'f']);
      expect(await readdir(drive.path('empty'))).toEqual(['sub']);
      await rename(drive.path('f'), drive.path('f'));
      expect(await readFile(drive.path('f'), 'utf8')).toBe('f');
    });

    it('has a winner when several processes create, delete and rename the same name', async () => {
      const drive = await mount({ capacity: '16M', args });
      const clients = [1, 2, 3, 4].map(() => new Client());
      const name = drive.path('lock');
      for (let round = 0; round < 50; round++) {
        const created = await Promise.all(clients.map((client) => client.try('openSync', name, 'wx')));
        expect(created.filter((outcome) => 'value' in outcome)).toHaveLength(1);
        const removed = await Promise.all(
          clients.map((client, i) =>
            i % 2 === 0
              ? client.errorOf('unlinkSync', name)
              : client.errorOf('renameSync', name, drive.path(`won-by-${i}`)),
          ),
        );
        expect(removed.filter((error) => error === 'OK')).toHaveLength(1);
        expect(removed.filter((error) => error === 'ENOENT')).toHaveLength(3);
        for (const [i, outcome] of created.entries()) {
          if ('value' in outcome) {
            await clients[i]!.do('closeSync', outcome.value);
          }
        }
        for (const left of await readdir(drive.dir)) {
          await unlink(drive.path(left));
        }
      }
    });

    it('truncates and extends a file that another process has open, and shows no old bytes', async () => {
      const drive = await mount({ args });
      const [a, b] = [new Client(), new Client()];
      const path = drive.path('f');
      const fa = await a.do<number>('openSync', path, 'w+');
      const fb = await b.do<number>('openSync', path, 'r+');
      await a.do('writeAt', fa, 'secret secret secret', 0);
      await b.do('ftruncateSync', fb, 3);
      expect(Buffer.from(await a.do<Buffer>('readAll', fa)).toString()).toBe('sec');
      await a.do('ftruncateSync', fa, 10);
      expect(Buffer.from(await b.do<Buffer>('readAll', fb))).toEqual(Buffer.from('sec\0\0\0\0\0\0\0'));
      // O_TRUNC by a third opener.
      await writeFile(path, 'x');
      expect(Buffer.from(await a.do<Buffer>('readAll', fa)).toString()).toBe('x');
      await a.do('closeSync', fa);
      await b.do('closeSync', fb);
    });
  });
}
