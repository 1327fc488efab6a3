/**
 * A drive whose process is stopped answers nothing: every command says so in a few seconds, and nothing happens behind
 * one's back.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { cli, describeMount, isMounted, type MountedDrive, mount } from '../support/mount.js';

/** 3 s of waiting for the drive, and the start of the program on a busy machine. */
const LIMIT_MS = 12_000;

async function whileStopped(drive: MountedDrive, work: () => Promise<void>): Promise<void> {
  drive.signal('SIGSTOP');
  try {
    await expect
      .poll(async () => /\) [Tt]/.test(await readFile(`/proc/${drive.pid}/stat`, 'latin1')))
      .toBe(true);
    await work();
  } finally {
    drive.signal('SIGCONT');
  }
}

async function timed(...args: string[]) {
  const start = Date.now();
  const result = await cli(...args);
  expect(Date.now() - start).toBeLessThan(LIMIT_MS);
  return result;
}

describeMount('a stopped drive', () => {
  // With and without attributes in the kernel's cache: a look at the mount point itself must not hang either.
  for (const args of [[], ['--kernel-cache=off', '--file-info-timeout', '0']]) {
    it(`is named by status, doctor and unmount, and the others are shown (${args.join(' ')})`, async () => {
      const drive = await mount({ args });
      const other = await mount();
      await writeFile(drive.path('f'), 'content');
      await whileStopped(drive, async () => {
        const advice = `process ${drive.pid} is stopped: kill -CONT ${drive.pid}`;
        const all = await timed('status');
        expect(all).toMatchObject({ code: 1, stdout: expect.stringContaining(other.dir) });
        expect(all.stderr).toContain(advice);
        expect(await timed('status', drive.dir, '--check')).toMatchObject({
          code: 1,
          stderr: expect.stringContaining(advice),
        });
        const doctor = await timed('doctor');
        expect(doctor.stdout).toContain(`kill -CONT ${drive.pid}`);
        expect(doctor.stdout).toContain(other.dir);
        expect(await timed('unmount', drive.dir)).toMatchObject({
          code: 1,
          stderr: expect.stringContaining(advice),
        });
        expect(await timed('mount', drive.dir)).toMatchObject({ code: 2 });
        expect(await timed('mount', drive.path('.'))).toMatchObject({ code: 2 });
      });
      // What was given up is not done later.
      await sleep(500);
      expect(await isMounted(drive.dir)).toBe(true);
      expect(await readFile(drive.path('f'), 'utf8')).toBe('content');
      expect((await drive.status()).pid).toBe(drive.pid);
    });
  }

  it('is no work of Ctrl+Z', async () => {
    const drive = await mount();
    drive.signal('SIGTSTP');
    await expect.poll(() => drive.errors).toContain('Ctrl+Z');
    await writeFile(drive.path('f'), 'content');
    expect(await readFile(drive.path('f'), 'utf8')).toBe('content');
    expect((await drive.status()).pid).toBe(drive.pid);
  });
});
