/**
 * Windows: TEMP by the installer, for a drive that comes and goes with its service. Mounts are scripted (mounting.ts),
 * so the drive's letter is played: while the service runs, it stands for a folder. The installer and the uninstaller
 * are started with TEMP on it, as they are on such a machine; what they have unpacked there goes when the service
 * stops.
 *
 *   installer-temp.js <path of the setup program>
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { RegistryType, registryKey, textOf, textValue } from '../../src/os/registry.js';
import { queryService } from '../../src/os/windows-service/manager.js';
import { ServiceState } from '../../src/os/windows-service/states.js';
import { check } from './check.js';
import { CONFIG, differences, everything, INSTALLED, ramdrive, UNINSTALL_ENTRY, until } from './installed.js';
import { runUnix } from './unix.js';

const [setup] = process.argv.slice(2) as [string];
const PLACE = 'C:\\ramdrive played';
const DIRECTORY = 'V:\\Temp';
const OLD_TEMP = textValue('%USERPROFILE%\\Old Temp', RegistryType.EXPAND_SZ);
const OLD_TMP = textValue('C:\\windows\\Temp', RegistryType.SZ);
const environment = registryKey('HKCU', 'Environment');
const saved = registryKey('HKCU', 'Software\\ramdrive');
const values = () => [environment.read('TEMP'), environment.read('TMP')];

let isThere = false;

/** A letter of Wine's is a link of Linux; DefineDosDeviceW answers that it made one, and does not (Wine 8). */
function setDrive(present: boolean): void {
  const link = `${process.env.WINEPREFIX}/dosdevices/v:`;
  if (present) runUnix('/bin/ln', '-sfn', '../drive_c/ramdrive played', link);
  else runUnix('/bin/rm', '-f', link);
  isThere = present;
}

/** What TEMP was each time when the service had stopped. */
const tempAtStops: (string | null)[] = [];
function followService(): void {
  const runs = queryService('ramdrive')?.state === ServiceState.RUNNING;
  if (runs === isThere) return;
  setDrive(runs);
  if (!runs) tempAtStops.push(textOf(environment.read('TEMP')));
}

function start(program: string, args: string[], temp?: string): Promise<number | null> {
  const env = temp === undefined ? process.env : { ...process.env, TEMP: temp, TMP: temp };
  const child = spawn(program, args, { env, stdio: 'ignore', windowsVerbatimArguments: true });
  return new Promise((resolve) => child.once('exit', resolve));
}

mkdirSync(join(PLACE, 'Temp'), { recursive: true });
// What other programs of this suite have left there goes with the removal, too.
rmSync(join(process.env.LOCALAPPDATA!, 'ramdrive'), { recursive: true, force: true });
const atFirst = values();
environment.write('TEMP', OLD_TEMP);
environment.write('TMP', OLD_TMP);
const before = everything();
const timer = setInterval(followService, 50);

await check('/TEMP=yes: the service is there, and TEMP is on its drive', async () => {
  const args = ['/S', '/LETTER=V:', '/CAPACITY=64M', '/TEMP=yes', `/D=${INSTALLED}`];
  assert.equal(await start(setup, args), 0);
  assert.deepEqual(values(), [textValue(DIRECTORY), textValue(DIRECTORY)]);
  assert.deepEqual([saved.read('TEMP'), saved.read('TMP')], [OLD_TEMP, OLD_TMP]);
  assert.equal(ramdrive('temp', 'status'), 0);
  assert.ok(isThere);
});

await check('an upgrade with TEMP on the drive: the service stops and runs again, TEMP stays', async () => {
  tempAtStops.length = 0;
  assert.equal(await start(setup, ['/S'], DIRECTORY), 0);
  assert.equal(ramdrive('service', 'status'), 0);
  assert.deepEqual(tempAtStops, [DIRECTORY]);
  assert.deepEqual(values(), [textValue(DIRECTORY), textValue(DIRECTORY)]);
  assert.ok(existsSync(CONFIG));
});

await check(
  'a removal with TEMP on the drive: the old values are back first, and nothing is left',
  async () => {
    await until(() => isThere);
    tempAtStops.length = 0;
    await start(join(INSTALLED, 'uninstall.exe'), ['/S'], DIRECTORY);
    await until(() => textOf(registryKey('HKLM', UNINSTALL_ENTRY).read('DisplayName')) === null);
    await until(() => !existsSync(INSTALLED));
    assert.deepEqual(tempAtStops, ['%USERPROFILE%\\Old Temp']);
    assert.deepEqual(values(), [OLD_TEMP, OLD_TMP]);
    assert.deepEqual(differences(before, everything()), []);
  },
);

await check('all is as before', () => {
  clearInterval(timer);
  if (isThere) setDrive(false);
  rmSync(PLACE, { recursive: true });
  for (const [index, name] of ['TEMP', 'TMP'].entries()) {
    const value = atFirst[index];
    if (value) environment.write(name, value);
    else environment.remove(name);
  }
  assert.deepEqual(values(), atFirst);
});
