import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';

const installer = (...args: string[]) =>
  spawnSync(process.execPath, ['scripts/installer.mjs', ...args], { encoding: 'utf8' });

it.each([
  ['nowhere.msi', /--winfsp is "nowhere\.msi", which is not there/],
  [
    'package.json',
    /--winfsp is "package\.json" with the SHA-256 [0-9a-f]{64}; expected winfsp-.*\.msi, which has 073a70e0/,
  ],
])('bundles nothing but the recorded installer of WinFsp, and not %s', (path, expected) => {
  const { status, stderr } = installer('--winfsp', path);
  expect(status).toBe(2);
  expect(stderr).toMatch(expected);
});
