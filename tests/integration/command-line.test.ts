/** The commands as a user types them, against running drives. */
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { MIB } from '../support/bytes.js';
import { MAIN } from '../support/machine.js';
import { cli, describeMount, isMounted, mount, newDirectory } from '../support/mount.js';
import { run } from '../support/processes.js';

describeMount('command line', () => {
  it('prints one line when the drive can be used, and serves until it is told to stop', async () => {
    const drive = await mount();
    expect(drive.output).toBe(`mounted ${drive.dir}\n`);
    expect(drive.errors).toBe('');
    expect(await drive.unmount()).toEqual({ code: 0, signal: null });
    expect(drive.output).toBe(`mounted ${drive.dir}\n`);
    expect(drive.errors).toBe('');
  });

  it('shows the status of one drive and of all', async () => {
    const one = await mount({ capacity: '32M', args: ['--label', 'One drive'] });
    const two = await mount({ capacity: '16M' });
    await writeFile(one.path('f'), Buffer.alloc(MIB));
    expect(await one.status()).toMatchObject({
      mountPoint: one.dir,
      label: 'One drive',
      pid: one.pid,
      capacityBytes: 32 * MIB,
      reservedBytes: MIB,
      allocatedBytes: MIB,
      freeBytes: 31 * MIB,
      files: 1,
      kernelCache: true,
      strictViolations: { count: 0, texts: [] },
      errors: { handlerErrors: 0, last: null },
      selfCheck: { violations: [] },
    });
    const all = JSON.parse((await cli('status', '--json')).stdout) as { mountPoint: string }[];
    const places = all.map(({ mountPoint }) => mountPoint);
    expect(places).toContain(one.dir);
    expect(places).toContain(two.dir);
    const figures = await cli('status', two.dir);
    expect(figures.code).toBe(0);
    expect(figures.stdout).toMatch(/self-check +not run/);
    const { stdout, code } = await cli('status', one.dir, '--check');
    expect(code).toBe(0);
    expect(stdout).toContain('One drive');
    expect(stdout).toContain('clean');
  });

  it('makes a drive that cannot be written, with permissions as asked', async () => {
    const drive = await mount({
      args: ['--read-only', '--mode', '0750', '--initial-directory', '/Temp'],
      broken: true,
    });
    for (const path of [drive.dir, drive.path('Temp')]) {
      expect((await stat(path)).mode & 0o7777).toBe(0o750);
    }
    await expect(writeFile(drive.path('f'), '')).rejects.toMatchObject({ code: 'EROFS' });
    await expect(rm(drive.path('Temp'), { recursive: true })).rejects.toMatchObject({ code: 'EROFS' });
    expect(await drive.unmount()).toEqual({ code: 0, signal: null });
  });

  it('counts requests by kind', async () => {
    const drive = await mount();
    await writeFile(drive.path('f'), Buffer.alloc(64 * 1024));
    await readFile(drive.path('f'));
    const { requests } = await drive.status();
    const write = requests.kinds.find(({ kind }) => kind === 'Write');
    expect(write?.count).toBeGreaterThan(0);
    expect(write?.bytes).toBe(64 * 1024);
    expect(write?.failures).toBe(0);
  });

  it('mounts in the background and unmounts', async () => {
    const dir = newDirectory();
    const { code, stdout, stderr } = await run(
      process.execPath,
      [MAIN, 'mount', dir, '--background', '--capacity', '16M'],
      {
        env: { ...process.env, WINFSP_LINUX_STRICT: '1' },
      },
    );
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: `mounted ${dir}\n`, stderr: '' });
    try {
      await writeFile(`${dir}/f`, 'content');
      expect(await readFile(`${dir}/f`, 'utf8')).toBe('content');
      const status = JSON.parse((await cli('status', dir, '--json')).stdout) as { pid: number };
      expect(await cli('unmount', dir)).toMatchObject({
        code: 0,
        stdout: `unmounted ${dir} (discarded: 1 file or directory, 4 KiB)\n`,
        stderr: '',
      });
      await expect
        .poll(
          () =>
            stat(`/proc/${status.pid}`).then(
              () => 'alive',
              () => 'gone',
            ),
          { timeout: 10_000 },
        )
        .toBe('gone');
    } finally {
      await cli('unmount', dir);
    }
    expect(await isMounted(dir)).toBe(false);
  });

  it('tells at once why a mount in the background failed, with the same exit code', async () => {
    const { code, stdout, stderr } = await cli('mount', '/does/not/exist', '--background');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('/does/not/exist');
  });

  it('examines the machine', async () => {
    const { code, stdout } = await cli('doctor');
    expect(code).toBe(0);
    expect(stdout).toContain('libwinfsp.so');
    expect(stdout).toContain('/dev/fuse');
  });

  it('explains itself', async () => {
    expect((await cli('--help')).stdout).toContain('mount');
    expect((await cli('mount', '--help')).stdout).toContain('--capacity');
    const { code, stderr } = await cli('muont');
    expect(code).toBe(2);
    expect(stderr).toContain('mount');
    expect((await cli()).code).not.toBe(1);
  });

  it('works for a reader who goes away: a closed pipe is no crash', async () => {
    const drive = await mount();
    const { code } = await run('sh', [
      '-c',
      `'${process.execPath}' '${MAIN}' status | head -c 1 >/dev/null; true`,
    ]);
    expect(code).toBe(0);
    expect(await drive.status()).toMatchObject({ pid: drive.pid });
  });

  it('serves a drive whose reader has gone away', async () => {
    const drive = await mount({
      faults: { throwOnName: 'unlucky' },
      handlerErrors: true,
    });
    drive.child.stdout!.destroy();
    drive.child.stderr!.destroy();
    await writeFile(drive.path('f'), 'content');
    // Each is worth a message, which nobody can be told any more.
    for (let i = 0; i < 20; i++) {
      await expect(stat(drive.path('unlucky'))).rejects.toThrow();
    }
    const status = await drive.status();
    expect(status.pid).toBe(drive.pid);
    expect(status.errors.handlerErrors).toBeGreaterThanOrEqual(20);
    expect(await readFile(drive.path('f'), 'utf8')).toBe('content');
    expect(await drive.unmount()).toEqual({ code: 0, signal: null });
  });

  it('says in its exit code that its output was lost, and that of a drive ends nothing', async () => {
    const drive = await mount();
    const lost = await run('sh', ['-c', `'${process.execPath}' '${MAIN}' status >/dev/full`]);
    expect(lost.code).toBe(1);
    const dir = newDirectory();
    const other = run('sh', [
      '-c',
      `exec '${process.execPath}' '${MAIN}' mount '${dir}' --capacity 16M >/dev/full 2>&1`,
    ]);
    await expect.poll(() => isMounted(dir), { timeout: 20_000 }).toBe(true);
    await expect.poll(async () => (await cli('status', dir)).code, { timeout: 20_000 }).toBe(0);
    await writeFile(`${dir}/f`, 'content');
    expect(await cli('unmount', dir)).toMatchObject({ code: 0 });
    expect((await other).code).toBe(1);
    expect(await drive.unmount()).toEqual({ code: 0, signal: null });
  });
});
