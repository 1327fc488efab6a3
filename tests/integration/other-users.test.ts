/**
 * What another user of the machine can do with a drive: nothing without `--allow-other`, and with it what modes let
 * them.
 */
import { chmod, chown, mkdir, writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { readRecords } from '../../src/drive/control/drive-records.js';
import { cli, describeMount, isMounted, mount } from '../support/mount.js';
import { type Finished, run } from '../support/processes.js';

const STRANGER = 65534;

function asStranger(...command: string[]): Promise<Finished> {
  return run('setpriv', [`--reuid=${STRANGER}`, `--regid=${STRANGER}`, '--clear-groups', ...command], {
    env: { ...process.env, LC_ALL: 'C' },
  });
}

describeMount('another user', () => {
  const isRoot = process.getuid?.() === 0;
  if (!isRoot) {
    console.log('skipped: another user: takes root, to become one.');
  }

  it.runIf(isRoot)('gets nowhere without --allow-other', async () => {
    const drive = await mount({ args: ['--mode', '777'] });
    await writeFile(drive.path('open'), 'open to all', { mode: 0o666 });
    for (const command of [
      ['ls', drive.dir],
      ['cat', drive.path('open')],
      ['touch', drive.path('new')],
    ]) {
      const { code, stdout, stderr } = await asStranger(...command);
      expect([command, code === 0, stdout]).toEqual([command, false, '']);
      expect(stderr).toContain('Permission denied');
    }
  });

  it.runIf(isRoot)('does with --allow-other what owner and mode let them, and no more', async () => {
    const drive = await mount({ args: ['--allow-other'] });
    await chmod(drive.dir, 0o755);
    await writeFile(drive.path('secret'), 'secret', { mode: 0o600 });
    await writeFile(drive.path('public'), 'public', { mode: 0o644 });
    await mkdir(drive.path('theirs'));
    await chown(drive.path('theirs'), STRANGER, STRANGER);
    expect(await asStranger('cat', drive.path('public'))).toMatchObject({ code: 0, stdout: 'public' });
    for (const command of [
      ['cat', drive.path('secret')],
      ['sh', '-c', `echo x >> '${drive.path('public')}'`],
      ['touch', drive.path('new')],
      ['rm', '-f', drive.path('secret')],
      ['chmod', '666', drive.path('secret')],
      ['mv', drive.path('public'), drive.path('theirs')],
      ['truncate', '-s', '0', drive.path('public')],
    ]) {
      const { code, stdout } = await asStranger(...command);
      expect([command, code === 0, stdout]).toEqual([command, false, '']);
    }
    expect(await asStranger('sh', '-c', `echo x > '${drive.path('theirs', 'f')}'`)).toMatchObject({
      code: 0,
    });
  });

  it.runIf(isRoot)('can neither unmount it nor ask for its status', async () => {
    const drive = await mount({ args: ['--allow-other'] });
    expect((await asStranger('fusermount3', '-u', drive.dir)).code).not.toBe(0);
    const { directory } = readRecords().find(({ record }) => record.mountPoint === drive.dir)!;
    expect((await asStranger('ls', directory)).stderr).toContain('Permission denied');
    expect(await isMounted(drive.dir)).toBe(true);
    expect((await cli('status', drive.dir)).code).toBe(0);
  });
});
