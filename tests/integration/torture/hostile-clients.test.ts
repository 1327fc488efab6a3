/**
 * Memory that clients cause beside the content of files: names, handles, listings, locks, requests under way. Whatever
 * they try, the process that serves them stays within bounds, and works afterwards.
 */
import { expect, it } from 'vitest';
import { pythonClient } from '../../support/compiled-client.js';
import { describeMount, mount } from '../../support/mount.js';
import { run } from '../../support/processes.js';

/**
 * MiB by which the process may grow: 4,000 files of the first attack, the pages of a file of 11 MiB, the buffers of 33
 * requests of 1 MiB, and a heap that is not collected at once. A listing kept for each open directory took ten times as
 * much.
 */
const MAX_GROWTH_MIB = 100;

interface Attack {
  attack: string;
  growthMiB: number;
  said: string;
}

describeMount('hostile clients', () => {
  for (const [mode, args] of [
    ['kernel cache on', []],
    ['kernel cache off', ['--kernel-cache=off']],
  ] as const) {
    it(`cause no memory that nobody counts (${mode})`, async () => {
      const drive = await mount({ args: [...args] });
      const { stdout, stderr, code } = await run('python3', [
        pythonClient('hostile'),
        drive.dir,
        String(drive.pid),
      ]);
      expect(stderr).toBe('');
      expect(code).toBe(0);
      const attacks = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Attack);
      expect(attacks).toHaveLength(9);
      for (const { attack, growthMiB, said } of attacks) {
        expect(['made', 'all', 'none', 'ENOMEM', 'ENOSPC'], attack).toContain(said);
        expect(growthMiB, attack).toBeLessThan(MAX_GROWTH_MIB);
      }
    });
  }
});
