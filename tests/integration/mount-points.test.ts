/** Places and settings that cannot be: a clear sentence, exit code 2, and nothing left behind. */
import { mkdir, readdir, rmdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { cli, describeMount, isMounted, mount, newDirectory } from '../support/mount.js';
import { run } from '../support/processes.js';

describeMount('mount points', () => {
  it('refuses a directory that is missing, and says how to make it', async () => {
    const dir = join(newDirectory(), 'missing');
    const { code, stderr, stdout } = await cli('mount', dir);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(dir);
    expect(stderr).toContain('mkdir -p');
    await expect(stat(dir)).rejects.toThrow('ENOENT');
  });

  it('refuses a file', async () => {
    const file = join(newDirectory(), 'file');
    await writeFile(file, '');
    const { code, stderr } = await cli('mount', file);
    expect(code).toBe(2);
    expect(stderr).toContain('not a directory');
  });

  it('refuses a directory that is not empty, and names what is in it', async () => {
    const dir = newDirectory();
    await writeFile(join(dir, 'precious'), 'precious');
    const { code, stderr } = await cli('mount', dir);
    expect(code).toBe(2);
    expect(stderr).toContain('precious');
    expect(await isMounted(dir)).toBe(false);
    expect(await readdir(dir)).toEqual(['precious']);
  });

  it('refuses a second mount at the same place, by every spelling of it, and the first goes on', async () => {
    const drive = await mount();
    await writeFile(drive.path('f'), 'first');
    const link = join(newDirectory(), 'link');
    await symlink(drive.dir, link);
    for (const spelling of [
      drive.dir,
      `${drive.dir}/`,
      `${drive.dir}/../${drive.dir.split('/').pop()}`,
      link,
    ]) {
      const { code, stderr } = await cli('mount', spelling);
      expect([spelling, code]).toEqual([spelling, 2]);
      expect(stderr).toMatch(/mount/);
    }
    expect(await readdir(drive.dir)).toEqual(['f']);
    expect((await drive.status()).mountPoint).toBe(drive.dir);
  });

  it('refuses a place where another file system is mounted', async () => {
    const { code, stderr } = await cli('mount', '/proc');
    expect(code).toBe(2);
    expect(stderr).toContain('mount point already');
  });

  it('mounts below another drive, and both unmount in order', async () => {
    const outer = await mount();
    await mkdir(outer.path('inner'));
    const inner = await mount({ dir: outer.path('inner') });
    await writeFile(inner.path('f'), 'inner');
    expect((await inner.status()).mountPoint).toBe(inner.dir);
    await inner.unmount();
    expect(await readdir(outer.path('inner'))).toEqual([]);
  });

  it.runIf(process.getuid?.() === 0)('refuses a directory that this user may not write', async () => {
    const dir = newDirectory();
    // As an ordinary user, if the program can be run by one at all.
    const asNobody = (...args: string[]) =>
      run('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, ...args]);
    const main = new URL('../../dist/src/cli/main.js', import.meta.url).pathname;
    if ((await asNobody(main, '--help')).code !== 0) {
      console.log('skipped: an ordinary user cannot run the program from this directory.');
      return;
    }
    const { code, stderr } = await asNobody(main, 'mount', dir);
    expect(code).toBe(2);
    expect(stderr).toMatch(/not writable|cannot be used/);
    expect(await isMounted(dir)).toBe(false);
  });

  it('handles odd mount points: blanks, quotes, umlauts, line breaks', async () => {
    const base = newDirectory();
    for (const name of [
      'with blank',
      'quote\'and"double',
      'ümlaut-語',
      'line\nbreak',
      'back\\slash',
      '040',
    ]) {
      const dir = join(base, name);
      await mkdir(dir);
      const drive = await mount({ dir });
      await writeFile(drive.path('f'), name);
      expect((await drive.status()).mountPoint).toBe(dir);
      expect(await drive.unmount()).toEqual({ code: 0, signal: null });
      expect(await isMounted(dir)).toBe(false);
      await rmdir(dir);
    }
  });

  it('says no to commands on places that are no drives', async () => {
    const dir = newDirectory();
    for (const command of ['unmount', 'status']) {
      const { code, stderr } = await cli(command, dir);
      expect(code).toBe(1);
      expect(stderr).toContain(dir);
    }
  });
});

describeMount('settings that cannot be', () => {
  // [options, what the message must name]
  const REFUSED: [string[], RegExp][] = [
    [['--capacity', '0'], /--capacity.*expected/],
    [['--capacity', '-5M'], /capacity/],
    [['--capacity', 'lots'], /--capacity.*"lots"/],
    [['--capacity', '10X'], /--capacity.*"10X"/],
    [['--capacity', '1e9G'], /--capacity/],
    [['--capacity', '99999T'], /--capacity/],
    [['--capacity', '3K'], /capacity/],
    [['--page-size', '3000'], /--page-size.*power of two/],
    [['--page-size', '2K'], /--page-size/],
    [['--page-size', '2M'], /--page-size/],
    [['--capacity', '32K', '--page-size', '64K'], /capacity/],
    [['--label', 'x'.repeat(33)], /--label.*32/],
    [['--label', 'tab\there'], /--label/],
    [['--kernel-cache=maybe'], /kernel-cache/],
    [['--kernel-cache=on', '--file-info-timeout', '5'], /kernel.?cache/i],
    [['--kernel-cache=off', '--file-info-timeout', 'soon'], /file-info-timeout/],
    [['--kernel-cache=off', '--file-info-timeout', '-1'], /file-info-timeout/],
    [['--initial-directory', 'relative'], /--initial-directory/],
    [['--initial-directory', '/a/../b'], /--initial-directory/],
    [['--initial-directory', '/'], /--initial-directory/],
    [['--config', '/does/not/exist.jsonc'], /exist\.jsonc/],
    [['--capcity', '1G'], /--capacity/],
    [['surplus'], /too many|argument/],
  ];
  for (const [options, message] of REFUSED) {
    it(`refuses ${options.join(' ')}`, async () => {
      const dir = newDirectory();
      const { code, stdout, stderr } = await cli('mount', dir, ...options);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toMatch(message);
      expect(stderr).not.toMatch(/ {4}at /);
      expect(await isMounted(dir)).toBe(false);
    });
  }

  const FILES: [string, string, RegExp][] = [
    ['no JSON', '{ "capacity": ', /:1:\d+/],
    ['an empty file', '', /:1:1/],
    ['a list', '[]', /object/],
    ['an unknown key', '{\n  "capcity": "1G"\n}', /:2:3.*capcity.*"capacity"/s],
    ['a wrong type', '{\n\n  "label": 5 }', /:3:\d+.*label/s],
    ['a key given twice', '{ "label": "a", "label": "b" }', /second time/],
    ['two wrong values, both told', '{\n"capacity": "x",\n"pageSize": 3 }', /:2:[\s\S]*:3:/],
    ['a wrong entry of a list', '{ "initialDirectories": [\n"/ok",\n"bad" ] }', /:3:/],
  ];
  for (const [what, text, message] of FILES) {
    it(`refuses a configuration file with ${what}`, async () => {
      const dir = newDirectory();
      const file = join(newDirectory(), 'drive.jsonc');
      await writeFile(file, text);
      const { code, stderr } = await cli('mount', dir, '--config', file);
      expect(code).toBe(2);
      expect(stderr).toContain('drive.jsonc');
      expect(stderr).toMatch(message);
      expect(await isMounted(dir)).toBe(false);
    });
  }

  it('takes a configuration file, and the command line wins over it', async () => {
    const file = join(newDirectory(), 'drive.jsonc');
    await writeFile(
      file,
      `\uFEFF// comment
{
  "capacity": "32M", /* and another */
  "pageSize": "16K",
  "label": "from the file",
  "kernelCache": false,
  "initialDirectories": ["/Temp", "\\\\Deep\\\\Down"],
}`,
    );
    const drive = await mount({ capacity: '16M', pageSize: '8K', args: ['--config', file] });
    expect(await drive.status()).toMatchObject({
      capacityBytes: 16 * 2 ** 20,
      pageSizeBytes: 8192,
      label: 'from the file',
      kernelCache: false,
    });
    expect((await readdir(drive.dir)).sort()).toEqual(['Deep', 'Temp']);
    expect(await readdir(drive.path('Deep'))).toEqual(['Down']);
    await writeFile(drive.path('Temp', 'f'), 'usable by its creator');
  });
});
