/**
 * Windows: `ramdrive register`, and a drive that WinFsp's own Launcher starts for it, under Wine's service manager. What
 * `net use` sends to the Launcher is sent by its own launchctl; mounts are scripted (mounting.ts).
 *
 * Where that ends: Wine has no network providers, so `net use` itself is not run, and it passes on no Ctrl+Break, so the
 * Launcher ends the process where Windows would let it stop.
 *
 *   launcher.js <directory of WinFsp's binaries>
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { registryKey, textOf, textValue } from '../../src/os/registry.js';
import { check, note } from './check.js';
import { commandLine } from './ramdrive.js';
import { WINFSP_KEY } from './registry.js';

const binaries = process.argv[2]!;
const folder = mkdtempSync(join(tmpdir(), 'ramdrive-launcher-'));
const ramdrive = commandLine(folder);
const SERVICE = 'WinFsp.Launcher';
const key = registryKey('HKLM', 'SOFTWARE\\WOW6432Node\\WinFsp\\Services\\ramdrive');

function run(program: string, ...args: string[]) {
  const path = join(folder, 'output.txt');
  const output = openSync(path, 'w');
  const { status } = spawnSync(program, args, { stdio: ['ignore', output, output], timeout: 60_000 });
  closeSync(output);
  return { status, text: readFileSync(path, 'utf8') };
}

const sc = (...args: string[]) => run('C:\\windows\\system32\\sc.exe', ...args);
/** Its exit code is 0 in any case: OK or KO is what counts. */
const launchctl = (...args: string[]) => run(join(binaries, 'launchctl-x64.exe'), ...args).text.trim();

async function until(what: string, condition: () => boolean): Promise<void> {
  for (let tries = 0; !condition(); tries++) {
    assert.ok(tries < 100, `${what} takes too long`);
    await sleep(200);
  }
}

await check('without WinFsp there is nothing to register with', () => {
  const winfsp = registryKey('HKLM', WINFSP_KEY.replace('HKLM\\', ''));
  const installDir = winfsp.read('InstallDir')!;
  winfsp.remove('InstallDir');
  try {
    const { status, errors } = ramdrive('register');
    assert.equal(status, 1);
    assert.match(errors, /WinFsp is not installed: winget/);
  } finally {
    winfsp.write('InstallDir', installDir);
  }
});

await check('register: this program, as the user who asks; a class of another program stays', () => {
  assert.equal(ramdrive('unregister').status, 1);
  key.write('Executable', textValue('C:\\other.exe'));
  const refused = ramdrive('register');
  assert.equal(refused.status, 1);
  assert.match(refused.errors, /Another program has this name.*C:\\other\.exe/);
  key.removeKey();
  const { status, output, errors } = ramdrive('register');
  assert.equal(status, 0, errors);
  assert.match(output, /net use X: \\\\ramdrive\\2G/);
  assert.equal(textOf(key.read('Executable')), process.execPath);
  assert.match(textOf(key.read('CommandLine'))!, /^"[^"]*main\.js" launch %1 %2$/);
  assert.equal(textOf(key.read('RunAs')), '.');
});

assert.equal(sc('create', SERVICE, 'binPath=', join(binaries, 'launcher-x64.exe')).status, 0);
assert.equal(sc('start', SERVICE).status, 0);

await check('the Launcher starts a drive with a letter, which the user’s commands find', async () => {
  assert.match(launchctl('start', 'ramdrive', '64M-Test', '\\ramdrive\\64M-Test', 'X:'), /^OK/);
  assert.match(launchctl('list'), /ramdrive 64M-Test/);
  await until('the start', () => ramdrive('status', 'X:').status === 0);
  assert.match(ramdrive('status', 'X:').output, /64(\.0)? MiB/);
  assert.match(launchctl('start', 'ramdrive', '64M-Test', '\\ramdrive\\64M-Test', 'Y:'), /^KO/);
});

await check('another one, as a share without a letter', async () => {
  assert.match(launchctl('start', 'ramdrive', '32M', '\\ramdrive\\32M', ''), /^OK/);
  await until('the start', () => ramdrive('status', '\\\\ramdrive\\32M').status === 0);
});

await check('"ramdrive unmount" ends one, and the Launcher knows', async () => {
  assert.equal(ramdrive('unmount', '\\\\ramdrive\\32M').status, 0);
  await until('the end', () => !launchctl('list').includes('32M\n') && !/ 32M$/.test(launchctl('list')));
  assert.notEqual(ramdrive('status', '\\\\ramdrive\\32M').status, 0);
});

await check('the Launcher ends one', async () => {
  assert.match(launchctl('stop', 'ramdrive', '64M-Test'), /^OK/);
  await until('the end', () => !launchctl('list').includes('64M-Test'));
  assert.notEqual(ramdrive('status', 'X:').status, 0);
});

await check('bad names start nothing that stays', async () => {
  for (const [instance, share] of [
    ['much', '\\ramdrive\\much'],
    ['2G', '\\ramdrive\\2G" --image "C:\\image.tar'],
    ['2G\\', '\\ramdrive\\2G\\'],
  ] as const) {
    assert.match(launchctl('start', 'ramdrive', instance, share, 'X:'), /^OK/);
    await until('the end', () => launchctl('list').trim() === 'OK');
  }
  assert.notEqual(ramdrive('status', 'X:').status, 0);
  const { status, errors } = ramdrive('launch', '\\ramdrive\\much', 'X:');
  assert.equal(status, 2);
  assert.match(errors, /expected \\\\ramdrive\\ and a capacity such as 2G.*got "\\\\\\\\ramdrive\\\\much"/);
  assert.equal(ramdrive('launch', '\\ramdrive\\64M', 'X:', 'more').status, 2);
});

sc('stop', SERVICE);
assert.equal(sc('delete', SERVICE).status, 0);

await check('unregister leaves nothing', () => {
  assert.equal(ramdrive('unregister').status, 0);
  assert.equal(key.read('Executable'), null);
  assert.match(ramdrive('unregister').errors, /Not registered/);
});

note('WinFsp’s own Launcher 2.1; "net use" and Ctrl+Break need Windows');
