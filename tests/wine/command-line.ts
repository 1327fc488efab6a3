/** Windows: the command line as a user types it, in processes of its own. Mounts are scripted (mounting.ts). */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../src/package-root.js';
import { check } from './check.js';

const main = join(packageRoot(), 'dist', 'src', 'cli', 'main.js');
const folder = mkdtempSync(join(tmpdir(), 'ramdrive-cli-'));
let runs = 0;

/** Output goes through files: a Wine process cannot write to pipes of every kind. */
function run(args: string[], env: Record<string, string> = {}) {
  const paths = [join(folder, `${++runs}.out`), join(folder, `${runs}.err`)];
  const [out, err] = paths.map((path) => openSync(path, 'w')) as [number, number];
  const { status } = spawnSync(process.execPath, [main, ...args], {
    stdio: ['ignore', out, err],
    env: { ...process.env, ...env },
    timeout: 60_000,
  });
  closeSync(out);
  closeSync(err);
  const [output, errors] = paths.map((path) => readFileSync(path, 'utf8'));
  return { status, output: output!, errors: errors! };
}

const children: ChildProcess[] = [];

interface Serving {
  child: ChildProcess;
  exited: Promise<number | null>;
  text: () => string;
}

async function serve(...args: string[]): Promise<Serving> {
  const path = join(folder, `${++runs}.serving`);
  const output = openSync(path, 'w');
  const child = spawn(process.execPath, [main, 'mount', ...args], { stdio: ['ignore', output, output] });
  closeSync(output);
  children.push(child);
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const text = () => readFileSync(path, 'utf8');
  for (let i = 0; i < 300 && !text().includes('mounted'); i++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.match(text(), /mounted /);
  return { child, exited, text };
}

await check('doctor finds everything', () => {
  const { status, output } = run(['doctor']);
  assert.equal(status, 0);
  assert.match(output, /WinFsp library +2\.1/);
  assert.match(output, /WinFsp driver +running/);
});
await check('doctor without a driver and without a library: exit code 1, and what to do', () => {
  const noDriver = run(['doctor'], { WINFSP_LINUX_MOUNT_RULES: 'Device WinFsp.Disk=c000000e' });
  assert.equal(noDriver.status, 1);
  assert.match(noDriver.output + noDriver.errors, /WinFsp driver +does not answer/);
  const noLibrary = run(['doctor'], { RAMDRIVE_WINFSP_LIBRARY: 'C:\\absent\\winfsp-x64.dll' });
  assert.equal(noLibrary.status, 1);
});
await check('mount, status, status --json, a second mount, unmount', async () => {
  const { exited, text } = await serve('R:', '--capacity', '64M');
  assert.match(text(), /mounted R:/);
  assert.match(run(['status', 'r:\\']).output, /64(\.0)? MiB/);
  const status = JSON.parse(run(['status', 'R:', '--json']).output) as {
    capacityBytes: number;
    freeBytes: number;
  };
  assert.deepEqual([status.capacityBytes, status.freeBytes], [64 * 2 ** 20, 64 * 2 ** 20]);
  const second = run(['mount', 'r:', '--capacity', '64M']);
  assert.notEqual(second.status, 0);
  assert.match(second.errors, /Another drive serves r: already/);
  assert.equal(run(['unmount', 'R:']).status, 0);
  assert.equal(await exited, 0);
  assert.match(run(['status']).output + run(['status']).errors, /[Nn]o /);
});
await check('mount --background returns when it is mounted, and unmount ends it', () => {
  const mounted = run(['mount', 'S:', '--capacity', '16M', '--background']);
  assert.equal(mounted.status, 0, mounted.errors);
  assert.match(mounted.output, /mounted S:/);
  assert.equal(run(['unmount', 'S:']).status, 0);
});
await check('a killed drive leaves a record that nobody believes', async () => {
  const { child, exited } = await serve('T:', '--capacity', '16M');
  child.kill('SIGKILL');
  await exited;
  assert.notEqual(run(['status', 'T:']).status, 0);
  const again = await serve('T:', '--capacity', '16M');
  assert.equal(run(['unmount', 'T:']).status, 0);
  assert.equal(await again.exited, 0);
});
await check('a taken letter, a refused mount, bad input: their own message and exit code', () => {
  const taken = run(['mount', 'R:', '--capacity', '16M'], {
    WINFSP_LINUX_MOUNT_RULES: 'Preflight R:=c0000035',
  });
  assert.notEqual(taken.status, 0);
  assert.match(taken.errors, /R: is in use/);
  const refused = run(['mount', 'C:\\mnt', '--capacity', '16M'], {
    WINFSP_LINUX_MOUNT_RULES: 'SetMountPoint C:\\mnt=c0000022',
  });
  assert.notEqual(refused.status, 0);
  assert.match(refused.errors, /ACCESS_DENIED/);
  const bad = run(['mount', 'R:', '--capacity', 'much']);
  assert.equal(bad.status, 2);
  assert.match(bad.errors, /--capacity.*much/s);
});

// What a failed check has left running would keep this program.
for (const child of children) {
  child.kill('SIGKILL');
}
