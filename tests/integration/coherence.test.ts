/**
 * What one program writes by one way another reads by another way, at once and for good; and what a change does beside
 * its bytes: its times, the set-user-id and set-group-id bits. The kernel's own file systems are the reference: a tmpfs
 * is asked the same.
 *
 * Takes about 25 seconds. Longer, with a pair of ways for a second each: `npm run coherence`.
 */
import { chmodSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { compiledClient, pythonClient } from '../support/compiled-client.js';
import { describeMount, mount } from '../support/mount.js';
import { run } from '../support/processes.js';

const MS_PER_PAIR = process.env.COHERENCE_MS ?? '40';
const PAIRS = 77;
const TMPFS_MAGIC = 0x01021994;

const MODES: [string, string[]][] = [
  ['kernel cache on', []],
  ['kernel cache off', ['--kernel-cache=off']],
  ['a time-out', ['--file-info-timeout', '1000']],
  ['direct I/O', ['--direct-io']],
  ['case-insensitive', ['--no-case-sensitive']],
];

/** A directory of the kernel's own file system in memory, or null. */
function tmpfsDirectory(): string | null {
  try {
    return statfsSync('/dev/shm').type === TMPFS_MAGIC ? mkdtempSync('/dev/shm/ramdrive-test-') : null;
  } catch {
    return null;
  }
}

for (const [mode, args] of MODES) {
  describeMount(`coherence (${mode})`, () => {
    it(
      'shows what was written, whichever way it was written and is read',
      async () => {
        const drive = await mount({ args });
        const limitMs = Number(MS_PER_PAIR) * PAIRS + 120_000;
        const { stdout, stderr, code } = await run(
          compiledClient('coherence'),
          [drive.path('f'), MS_PER_PAIR],
          { limitMs },
        );
        expect(stderr).toBe('');
        expect(stdout).not.toContain('STALE');
        expect(stdout).toMatch(/^\d+ pairs of ways, 0 stale/m);
        expect(code).toBe(0);
      },
      Number(MS_PER_PAIR) * PAIRS + 240_000,
    );

    it('moves times with stores through a mapping, and keeps a time that was set after them', async () => {
      const drive = await mount({ args });
      const { stdout, stderr, code } = await run('python3', [pythonClient('mapped-write-times'), drive.dir]);
      expect({ stdout, stderr, code }).toEqual({ stdout: '', stderr: '', code: 0 });
    });

    it('takes set-user-id and set-group-id bits away where tmpfs does', async (context) => {
      const reference = tmpfsDirectory();
      if (process.getuid!() !== 0 || reference === null) {
        context.skip('takes root, to become other users, and a tmpfs at /dev/shm to compare with');
        return;
      }
      try {
        chmodSync(reference, 0o777);
        const drive = await mount({ args: [...args, '--allow-other'] });
        chmodSync(drive.dir, 0o777);
        const [expected, seen] = await Promise.all(
          [reference, drive.dir].map((directory) => run('python3', [pythonClient('set-id-bits'), directory])),
        );
        expect(expected!.stdout.split('\n').length).toBeGreaterThan(700);
        expect(seen!.stderr).toBe('');
        expect(seen!.stdout.split('\n')).toEqual(expected!.stdout.split('\n'));
      } finally {
        rmSync(reference, { recursive: true });
      }
    });
  });
}
