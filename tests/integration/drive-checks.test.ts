/** The checks that the workflow runs on a drive letter and a directory of Windows, here on a FUSE mount. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { PROJECT } from '../support/machine.js';
import { describeMount } from '../support/mount.js';

const program = join(PROJECT, 'dist', 'scripts', 'ci', 'drive-checks.js');

describeMount('drive-checks', () => {
  it('pass on a mounted drive, which is gone afterwards', () => {
    const directory = mkdtempSync(join(tmpdir(), 'ramdrive-checks-'));
    try {
      const { status, stdout, stderr } = spawnSync(process.execPath, [program, directory], {
        encoding: 'utf8',
        timeout: 200_000,
      });
      expect(stderr).toBe('');
      expect(stdout).not.toContain('FAILED');
      expect(stdout).toContain('all passed');
      expect(status).toBe(0);
    } finally {
      rmdirSync(directory);
    }
  });

  it('say what is missing', () => {
    const { status, stderr } = spawnSync(process.execPath, [program], { encoding: 'utf8' });
    expect(status).toBe(2);
    expect(stderr).toContain('mount point is missing');
  });
});
