/** What only Linux can do to Wine's files: Wine runs its programs, too, and tells nothing of their end. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Linux' path of one on C:. */
export function unixPath(path: string): string {
  return `${process.env.WINEPREFIX}/drive_c${realpathSync.native(path).slice(2).replaceAll('\\', '/')}`;
}

/** Runs a program of Linux to its end, and answers what it prints. */
export function runUnix(...command: string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'ramdrive-unix-'));
  const script = 'out=$1; shift; "$@" > "$out/output" && mv "$out/output" "$out/done"';
  const args = ['/unix', '/bin/sh', '-c', script, 'sh', unixPath(folder), ...command];
  spawnSync('C:\\windows\\system32\\start.exe', args, { stdio: 'ignore' });
  const done = join(folder, 'done');
  const begun = Date.now();
  while (statSync(done, { throwIfNoEntry: false }) === undefined) {
    assert.ok(Date.now() - begun < 30_000, `it did not end in order: ${command.join(' ')}`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
  }
  const output = readFileSync(done, 'utf8');
  rmSync(folder, { recursive: true });
  return output;
}

/** Only root can give files away. */
export function isRoot(): boolean {
  return runUnix('/usr/bin/id', '-u').trim() === '0';
}
