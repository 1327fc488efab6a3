/**
 * Windows: the installer that carries WinFsp's own setup, where WinFsp is missing, too old or there. Windows' msiexec is
 * played (msiexec.c): what it is asked is looked at, and what the installer makes of its exit code. What WinFsp's setup
 * then does is not shown: under 64-bit Wine it waits without end in its first custom action (Action.InstanceID), which
 * lies in a 32-bit library. A copy without its custom actions installs files, registry values and the Launcher there.
 *
 *   installer-winfsp.js <path of the setup program> <SHA-256 of WinFsp's setup> <msiexec> <library 1.9> <library 1.10>
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { registryKey, textOf, textValue } from '../../src/os/registry.js';
import { check } from './check.js';
import { differences, everything, INSTALLED, run, UNINSTALL_ENTRY, until } from './installed.js';

const [setup, sha256, msiexec, oldLibrary, newLibrary] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string,
];
const SYSTEM_MSIEXEC = 'C:\\windows\\system32\\msiexec.exe';
const PLACE = 'C:\\ramdrive msi';
const ASKED = join(PLACE, 'asked.txt');
const winfsp = registryKey('HKLM', 'SOFTWARE\\WOW6432Node\\WinFsp');
const installDir = winfsp.read('InstallDir')!;
const kept = readFileSync(SYSTEM_MSIEXEC);

/** The exit code of the setup, where WinFsp's would end with this one. */
function install(exitCode: number): number | null {
  process.env.RAMDRIVE_TEST_MSIEXEC = `${exitCode}`;
  rmSync(ASKED, { force: true });
  return run(setup, '/S', '/BOOT=no', '/CAPACITY=64M', `/D=${INSTALLED}`);
}

async function remove(): Promise<void> {
  run(join(INSTALLED, 'uninstall.exe'), '/S');
  await until(() => textOf(registryKey('HKLM', UNINSTALL_ENTRY).read('DisplayName')) === null);
  await until(() => !existsSync(INSTALLED));
}

/** WinFsp, as far as an installer looks at it. */
function setLibrary(library: string): void {
  mkdirSync(join(PLACE, 'bin'), { recursive: true });
  copyFileSync(library, join(PLACE, 'bin', 'winfsp-x64.dll'));
  winfsp.write('InstallDir', textValue(`${PLACE}\\`));
}

mkdirSync(PLACE, { recursive: true });
rmSync(join(process.env.LOCALAPPDATA!, 'ramdrive'), { recursive: true, force: true });
rmSync(SYSTEM_MSIEXEC);
copyFileSync(msiexec, SYSTEM_MSIEXEC);
winfsp.remove('InstallDir');
const before = everything();

await check('WinFsp is missing: its own setup is run, silently, without a restart', async () => {
  assert.equal(install(0), 0);
  assert.match(
    readFileSync(ASKED, 'utf16le'),
    /^"?C:\\windows\\system32\\msiexec\.exe"? \/i "[^"]+\\winfsp\.msi" \/qn \/norestart$/i,
  );
  const given = readFileSync(join(PLACE, 'given.msi'));
  assert.equal(createHash('sha256').update(given).digest('hex'), sha256);
  await remove();
});

await check('it wants a restart: no failure', async () => {
  assert.equal(install(3010), 0);
  await remove();
});

await check('it fails: exit code 4, and nothing is installed', () => {
  assert.equal(install(1603), 4);
  assert.ok(existsSync(ASKED));
  assert.deepEqual(differences(before, everything()), []);
});

await check('WinFsp 1.9 is too old: its setup is run', async () => {
  setLibrary(oldLibrary);
  assert.equal(install(0), 0);
  assert.ok(existsSync(ASKED));
  await remove();
});

await check('WinFsp 1.10 is there: its setup is not run', async () => {
  setLibrary(newLibrary);
  assert.equal(install(1603), 0);
  assert.ok(!existsSync(ASKED));
  await remove();
});

await check('all is as before', () => {
  winfsp.write('InstallDir', installDir);
  writeFileSync(SYSTEM_MSIEXEC, kept);
  rmSync(PLACE, { recursive: true });
  assert.deepEqual(winfsp.read('InstallDir'), installDir);
});
