/** Many drives, one after the other: nothing is left of them. */
import { writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { KIB, pattern } from '../support/bytes.js';
import { cli, describeMount, isMounted, mount, newDirectory, within } from '../support/mount.js';
import { run } from '../support/processes.js';

describeMount('cycles', () => {
  it('mounts, unmounts and exits a hundred times without leaving a process or a mount', async () => {
    const dir = newDirectory();
    for (let round = 0; round < 100; round++) {
      const drive = await mount({ dir, broken: true });
      if (round % 2 === 0) {
        await writeFile(drive.path('f'), pattern(10 * KIB));
      }
      if (round % 3 === 0) {
        drive.signal('SIGTERM');
      } else if (round % 3 === 1) {
        drive.signal('SIGINT');
      } else {
        expect(await cli('unmount', dir)).toMatchObject({ code: 0 });
      }
      expect([round, await within(drive.exited, 30_000)]).toEqual([round, { code: 0, signal: null }]);
      expect(await isMounted(dir)).toBe(false);
      await drive.forceAway();
    }
    const { stdout } = await cli('status', '--json');
    expect(
      (JSON.parse(stdout) as { mountPoint: string }[]).map(({ mountPoint }) => mountPoint),
    ).not.toContain(dir);
    const { stdout: processes } = await run('ps', ['-eo', 'args']);
    expect(processes.split('\n').filter((line) => line.includes(dir))).toEqual([]);
  });
});
