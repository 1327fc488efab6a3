/** Pre-allocation: what cannot be had is refused, what takes time shows how far it is, and can be ended. */
import { readFileSync } from 'node:fs';
import { freemem } from 'node:os';
import { expect, it } from 'vitest';
import { MAIN } from '../support/machine.js';
import { cli, describeMount, isMounted, mount, newDirectory, startMount, within } from '../support/mount.js';
import { run } from '../support/processes.js';

const LARGE = '4G';
const hasRoom = freemem() > 6 * 2 ** 30;

/** More than a program has that has not begun to take memory. */
const BEGUN_BYTES = 256 * 2 ** 20;

function residentBytes(pid: number): number {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) * 1024;
}

describeMount('pre-allocation', () => {
  it('is refused beyond the available memory, before anything is taken', async () => {
    const dir = newDirectory();
    for (const more of [[], ['--background']]) {
      const { code, stdout, stderr } = await cli(
        'mount',
        dir,
        '--capacity',
        '900G',
        '--preallocate',
        ...more,
      );
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toMatch(/Pre-allocating 900 GiB takes more than the .* --force/);
    }
    expect(await isMounted(dir)).toBe(false);
  });

  it('takes memory that is there, and works', async () => {
    const drive = await mount({ capacity: '200M', args: ['--preallocate'] });
    expect((await drive.status()).residentBytes).toBeGreaterThan(200 * 2 ** 20);
  });

  it.runIf(hasRoom)('is ended at once by a signal', async () => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      const drive = startMount({ capacity: LARGE, args: ['--preallocate'], broken: true });
      await expect
        .poll(() => residentBytes(drive.pid), { timeout: 30_000, interval: 20 })
        .toBeGreaterThan(BEGUN_BYTES);
      expect(drive.output).toBe('');
      const begun = Date.now();
      drive.signal(signal);
      expect(await within(drive.exited, 20_000)).toEqual({ code: 1, signal: null });
      expect(Date.now() - begun).toBeLessThan(5_000);
      expect(drive.errors).toContain('Stopped before the drive was mounted');
      expect(await isMounted(drive.dir)).toBe(false);
    }
  });

  it('of a process in the background that is killed says by which signal, and what that means', async () => {
    const dir = newDirectory();
    const mounting = cli('mount', dir, '--capacity', LARGE, '--preallocate', '--force', '--background');
    let child = '';
    await expect
      .poll(
        async () => {
          const { stdout } = await run('pgrep', ['-f', `${MAIN} mount ${dir} .*--preallocate --force$`]);
          child = stdout.trim();
          return child === '' ? 0 : residentBytes(Number(child));
        },
        { timeout: 30_000, interval: 20 },
      )
      .toBeGreaterThan(BEGUN_BYTES);
    process.kill(Number(child), 'SIGKILL');
    const { code, stdout, stderr } = await mounting;
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/ended by SIGKILL while it started.*out of memory/);
    expect(await isMounted(dir)).toBe(false);
  });
});
