import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { packageRoot } from '../../../src/package-root.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

it('says how long a suite took the last time, and passes its exit code on', () => {
  const folder = temporaryFolder('timed');
  mkdirSync(join(folder, 'scripts'));
  cpSync(join(packageRoot(), 'scripts', 'timed.mjs'), join(folder, 'scripts', 'timed.mjs'));
  const run = (...args: string[]) => {
    const all = [join(folder, 'scripts', 'timed.mjs'), ...args];
    const { status, stdout, stderr } = spawnSync(process.execPath, all, { encoding: 'utf8' });
    return { status, stdout, stderr };
  };
  const slow = ['suite', 'node', '-e', 'setTimeout(() => console.log("done"), 2100)'];
  expect(run(...slow)).toEqual({
    status: 0,
    stdout: 'done\n',
    stderr: 'suite: how long it takes is not known on this machine yet.\n',
  });
  expect(run(...slow).stderr).toMatch(/^suite: took \d+ seconds here the last time\.\n$/);
  // A run that fails says nothing about the time.
  const before = readFileSync(join(folder, '.cache', 'durations.json'), 'utf8');
  expect(run('broken', 'node', '-e', 'process.exit(3)').status).toBe(3);
  expect(readFileSync(join(folder, '.cache', 'durations.json'), 'utf8')).toBe(before);
});
