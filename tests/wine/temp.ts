/**
 * Windows: `ramdrive temp` on Wine's registry, whose types and values are compared byte by byte. The drive is a
 * directory that can be missing; the service that would mount it there is installed, and not started.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { numberValue, RegistryType, registryKey, textOf, textValue } from '../../src/os/registry.js';
import { packageRoot } from '../../src/package-root.js';
import { check } from './check.js';
import { commandLine } from './ramdrive.js';

const MOUNT_POINT = 'C:\\ramdrive test';
const DIRECTORY = `${MOUNT_POINT}\\Temp`;
const folder = mkdtempSync(join(tmpdir(), 'ramdrive-temp-'));
const ramdrive = commandLine(folder);
const environment = registryKey('HKCU', 'Environment');
const runKey = registryKey('HKCU', 'Software\\Microsoft\\Windows\\CurrentVersion\\Run');
const saved = registryKey('HKCU', 'Software\\ramdrive');
const config = join(folder, 'drive.jsonc');

/** What a mount would make appear, and disappear. */
function setDrive(isThere: boolean): void {
  if (isThere) mkdirSync(DIRECTORY, { recursive: true });
  else rmSync(MOUNT_POINT, { recursive: true });
}

function configure(settings: object): void {
  writeFileSync(config, JSON.stringify(settings));
}

const OLD_TEMP = textValue('%USERPROFILE%\\Old Temp', RegistryType.EXPAND_SZ);
const OLD_TMP = textValue('C:\\old', RegistryType.SZ);

function values() {
  return [environment.read('TEMP'), environment.read('TMP')];
}

const before = values();
environment.write('TEMP', OLD_TEMP);
environment.write('TMP', OLD_TMP);

await check('the registry: types, long values, missing keys', () => {
  const key = registryKey('HKCU', 'Software\\ramdrive-test\\deep');
  assert.equal(key.read('none'), null);
  key.remove('none');
  const long = textValue('x'.repeat(20_000), RegistryType.EXPAND_SZ);
  key.write('long', long);
  key.write('number', numberValue(7));
  assert.deepEqual(key.read('long'), long);
  assert.deepEqual(key.read('number'), numberValue(7));
  key.remove('long');
  assert.equal(key.read('long'), null);
  registryKey('HKCU', 'Software\\ramdrive-test').removeKey();
  assert.equal(key.read('number'), null);
  key.removeKey();
});

await check('refused while nothing mounts the drive at boot, and while it has no \\Temp', () => {
  const { status, errors } = ramdrive('temp', 'on');
  assert.equal(status, 1);
  assert.match(errors, /No service "ramdrive" mounts a drive at boot.*service install/);
  configure({ mountPoint: MOUNT_POINT, capacity: '64M' });
  assert.equal(ramdrive('service', 'install', '--config', config).status, 0);
  assert.match(ramdrive('temp', 'on').errors, /add "initialDirectories"/);
  configure({ mountPoint: MOUNT_POINT, capacity: '64M', initialDirectories: ['\\Temp'] });
  assert.match(ramdrive('temp', 'on').errors, /C:\\ramdrive test\\Temp is not there/);
  const start = registryKey('HKLM', 'SYSTEM\\CurrentControlSet\\Services\\ramdrive');
  start.write('Start', numberValue(3));
  assert.match(ramdrive('temp', 'on').errors, /does not start at boot/);
  start.write('Start', numberValue(2));
  assert.deepEqual(values(), [OLD_TEMP, OLD_TMP]);
});

await check('on: says what it changes, and does it', () => {
  setDrive(true);
  const { status, output, errors } = ramdrive('temp', 'on');
  assert.equal(status, 0, errors);
  assert.match(output, /TEMP: from %USERPROFILE%\\Old Temp to C:\\ramdrive test\\Temp/);
  assert.deepEqual(values(), [textValue(DIRECTORY), textValue(DIRECTORY)]);
  const report = ramdrive('temp', 'status');
  assert.equal(report.status, 0);
  assert.match(report.output, /^on, in C:\\ramdrive test\\Temp/);
});

await check('a logon without the drive falls back, by what the Run key has', () => {
  setDrive(false);
  const line = textOf(runKey.read('ramdrive temp'));
  assert.match(line ?? '', /^"[^"]*node\.exe" "[^"]*main\.js" "temp" "at-logon"$/);
  assert.equal(ramdrive('temp', 'at-logon').status, 0);
  assert.deepEqual(values(), [OLD_TEMP, OLD_TMP]);
  assert.match(ramdrive('temp', 'status').output, /was missing at the last logon/);
  setDrive(true);
  assert.equal(ramdrive('temp', 'at-logon').status, 0);
  assert.deepEqual(values(), [textValue(DIRECTORY), textValue(DIRECTORY)]);
});

await check('off after half of "on" was lost restores type and value, and leaves no key', () => {
  environment.write('TMP', OLD_TMP);
  const { status, output } = ramdrive('temp', 'off');
  assert.equal(status, 0);
  assert.match(output, /TEMP: from C:\\ramdrive test\\Temp to %USERPROFILE%\\Old Temp/);
  assert.deepEqual(values(), [OLD_TEMP, OLD_TMP]);
  assert.equal(saved.read('Directory'), null);
  assert.equal(runKey.read('ramdrive temp'), null);
  assert.equal(ramdrive('temp', 'off').status, 1);
});

/** Exit code 0 when it was not killed. */
function killed(action: 'on' | 'off', changes: number) {
  const program = join(packageRoot(), 'dist', 'tests', 'wine', 'temp-killed.js');
  const args = [program, action, DIRECTORY, `${changes}`];
  return spawnSync(process.execPath, args, { stdio: 'ignore', timeout: 60_000 }).status;
}

/** The changes before which the process was killed; what it leaves is restored and looked at each time. */
function killedBeforeEach(action: 'on' | 'off', restore: () => void): number {
  for (let changes = 0; ; changes++) {
    if (action === 'off') assert.equal(ramdrive('temp', 'on').status, 0);
    const status = killed(action, changes);
    restore();
    assert.deepEqual(values(), [OLD_TEMP, OLD_TMP], `${action}, ${changes}`);
    assert.equal(saved.read('Directory'), null);
    assert.equal(runKey.read('ramdrive temp'), null);
    if (status === 0) return changes;
  }
}

await check('"on" that is killed between any two steps: "off" restores', () => {
  const changes = killedBeforeEach('on', () => {
    // Where nothing was changed yet there is nothing to restore.
    if (saved.read('Directory') !== null) assert.equal(ramdrive('temp', 'off').status, 0);
  });
  assert.equal(changes, 6);
});

await check('"off" that is killed between any two steps: a second one goes on from there', () => {
  const changes = killedBeforeEach('off', () => {
    if (saved.read('Directory') !== null) assert.equal(ramdrive('temp', 'off').status, 0);
  });
  assert.equal(changes, 4);
});

await check('all is as before', () => {
  for (const [index, name] of ['TEMP', 'TMP'].entries()) {
    const value = before[index];
    if (value) environment.write(name, value);
    else environment.remove(name);
  }
  rmSync(MOUNT_POINT, { recursive: true, force: true });
  const { status, errors } = ramdrive('service', 'uninstall');
  assert.equal(status, 0, errors);
  assert.deepEqual(values(), before);
});
