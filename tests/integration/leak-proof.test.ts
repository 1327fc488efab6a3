/**
 * A hundred mounts in one process leave nothing and start no more threads; `npm run leak-proof` does it a thousand
 * times, which is when memory tells.
 */
import { expect, it } from 'vitest';
import { PROJECT } from '../support/machine.js';
import { describeMount } from '../support/mount.js';
import { run } from '../support/processes.js';

describeMount('leak proof', () => {
  it('100 cycles of mount, use and unmount: nothing grows', async () => {
    const { code, stdout, stderr } = await run(process.execPath, [
      '--expose-gc',
      `${PROJECT}dist/scripts/leak-proof.js`,
      '--cycles',
      '100',
    ]);
    console.log(stdout);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^100 cycles, /);
    expect(code, stdout).toBe(0);
  });
});
