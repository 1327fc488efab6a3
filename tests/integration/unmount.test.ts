/** `ramdrive unmount`: nothing is taken from a program without a word, and what is lost is said. */
import { mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { MAIN } from '../support/machine.js';
import { cli, describeMount, isMounted, mount, within } from '../support/mount.js';
import { Client, python, run } from '../support/processes.js';
import { temporaryFolder } from '../support/temporary-folder.js';

describeMount('unmount', () => {
  it('refuses while a program has a file open there, and names it', async () => {
    const drive = await mount();
    await writeFile(drive.path('notes.txt'), 'notes');
    const client = new Client();
    await client.do('openSync', drive.path('notes.txt'), 'r+');
    const refused = await cli('unmount', drive.dir);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain(`${drive.dir} is in use`);
    expect(refused.stderr).toMatch(new RegExp(`process ${client.pid} \\(.*\\): notes\\.txt`));
    expect(refused.stderr).toContain(`ramdrive unmount --force ${drive.dir}`);
    // Nothing has changed.
    expect(await client.errorOf('readFileSync', drive.path('notes.txt'))).toBe('OK');
    expect((await drive.status()).pid).toBe(drive.pid);
    await client.end();
    expect(await cli('unmount', drive.dir)).toMatchObject({
      code: 0,
      stdout: `unmounted ${drive.dir} (discarded: 1 file or directory, 4 KiB)\n`,
      stderr: '',
    });
    expect(await within(drive.exited, 20_000)).toEqual({ code: 0, signal: null });
    expect(drive.errors).toBe('');
  });

  it('refuses while a program stands there or has mapped a file, and --force takes it away', async () => {
    const drive = await mount({ broken: true });
    await mkdir(drive.path('directory'));
    const client = new Client();
    await client.do('chdir', drive.path('directory'));
    await writeFile(drive.path('mapped'), 'x'.repeat(4096));
    const mapping = python(
      `
import mmap, os, sys, time
fd = os.open(sys.argv[1], os.O_RDWR); mapped = mmap.mmap(fd, 4096); os.close(fd)
open(sys.argv[2], 'w').close()
time.sleep(60)`,
      drive.path('mapped'),
      join(temporaryFolder('mapped'), 'ready'),
    );
    await expect
      .poll(async () => (await cli('unmount', drive.dir)).stderr, { timeout: 20_000 })
      .toContain('(mapped)');
    const { code, stderr } = await cli('unmount', drive.dir);
    expect(code).toBe(1);
    expect(stderr).toMatch(new RegExp(`process ${client.pid} \\(.*\\): working directory`));
    expect(stderr).toContain('mapped (mapped)');
    const forced = await cli('unmount', '--force', drive.dir);
    expect(forced).toMatchObject({ code: 0, stderr: '' });
    expect(forced.stdout).toContain('discarded: 2 files and directories');
    expect(await within(drive.exited, 20_000)).toEqual({ code: 0, signal: null });
    expect(await isMounted(drive.dir)).toBe(false);
    await client.end();
    void mapping;
  });

  it('refuses while another drive is mounted inside', async () => {
    const outer = await mount();
    await mkdir(outer.path('inner'));
    const inner = await mount({ dir: outer.path('inner') });
    const { code, stderr } = await cli('unmount', outer.dir);
    expect(code).toBe(1);
    expect(stderr).toContain(`mounted inside: ${inner.dir} (fuse.winfsp)`);
    await writeFile(inner.path('f'), 'still here');
    await inner.unmount();
  });

  it('works from a shell that stands in the drive, or in the directory below it', async () => {
    const below = await mount({ broken: true });
    const shell = await run('sh', [
      '-c',
      `cd '${below.dir}' && '${process.execPath}' '${MAIN}' unmount .; echo $?`,
    ]);
    // The shell itself stands there.
    expect(shell.stderr).toContain('working directory');
    expect(shell.stdout).toBe('1\n');
    const exec = await run('sh', [
      '-c',
      `cd '${below.dir}' && exec '${process.execPath}' '${MAIN}' unmount .`,
    ]);
    expect(exec).toMatchObject({ code: 0, stderr: '' });
    await within(below.exited, 20_000);

    const client = new Client();
    await client.do('chdir', below.dir);
    const above = await mount({ dir: below.dir, broken: true });
    expect(await cli('unmount', above.dir)).toMatchObject({ code: 0, stderr: '' });
    await client.end();
  });

  it('takes away a drive that does not answer, with --force only', async () => {
    const drive = await mount({ broken: true });
    await writeFile(drive.path('f'), 'content');
    drive.signal('SIGSTOP');
    const waiting = run('cat', [drive.path('absent')]);
    await sleep(300);
    const { code, stderr } = await cli('unmount', drive.dir);
    expect(code).toBe(1);
    expect(stderr).toContain('ramdrive unmount --force');
    const forced = await cli('unmount', '--force', drive.dir);
    expect(forced).toMatchObject({ code: 0, stderr: '' });
    expect(forced.stdout).toContain('was killed');
    expect(await within(drive.exited, 10_000)).toEqual({ code: null, signal: 'SIGKILL' });
    expect(await isMounted(drive.dir)).toBe(false);
    expect((await waiting).code).toBe(1);
    expect((await cli('status', drive.dir)).code).toBe(1);
  });

  it('finds a drive whatever XDG_RUNTIME_DIR says', async () => {
    const runtime = temporaryFolder('xdg');
    const drive = await mount({ env: { XDG_RUNTIME_DIR: runtime }, broken: true });
    for (const env of [{ XDG_RUNTIME_DIR: '' }, { XDG_RUNTIME_DIR: '/nonexistent' }]) {
      const { code, stdout } = await run(process.execPath, [MAIN, 'status', drive.dir], {
        env: { ...process.env, ...env },
      });
      expect({ code, found: stdout.includes(drive.dir) }).toEqual({ code: 0, found: true });
    }
    expect(await cli('unmount', drive.dir)).toMatchObject({ code: 0, stderr: '' });
  });

  it('unmounts a drive whose record is lost, and not while a program uses it', async () => {
    const drive = await mount({ broken: true });
    const { directory, id } = await recordOf(drive.dir);
    await run('rm', ['-f', join(directory, `${id}.json`)]);
    const file = await open(drive.path('f'), 'w');
    const refused = await cli('unmount', drive.dir);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(`process ${process.pid}`);
    await file.close();
    expect(await cli('unmount', drive.dir)).toMatchObject({ code: 0, stdout: `unmounted ${drive.dir}\n` });
    expect(await within(drive.exited, 20_000)).toEqual({ code: 0, signal: null });
  });
});

async function recordOf(mountPoint: string): Promise<{ directory: string; id: string }> {
  const { readRecords } = await import('../../dist/src/drive/control/drive-records.js');
  const found = readRecords().find(({ record }) => record.mountPoint === mountPoint);
  return { directory: found!.directory, id: found!.record.id };
}
