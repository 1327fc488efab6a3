/**
 * Windows: the installer, silently, with its choices as switches; an upgrade; and its removal, after which the prefix is
 * compared with what it was, file by file and key by key. Mounts are scripted (mounting.ts). What Wine's installer
 * answers proves little, so effects are what is looked at.
 *
 *   installer.js <path of the setup program> <folder of the portable zip>
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import koffi from 'koffi';
import { registryKey, textOf } from '../../src/os/registry.js';
import { check } from './check.js';
import {
  CONFIG,
  differences,
  everything,
  folder,
  INSTALLED,
  ramdrive,
  run,
  service,
  UNINSTALL_ENTRY,
  until,
} from './installed.js';

const [setup, portable] = process.argv.slice(2) as [string, string];
const IMAGES = 'C:\\ramdrive images';
const IMAGE = `${IMAGES}\\my drive.tar`;

const MENU = 'C:\\ProgramData\\Microsoft\\Windows\\Start Menu\\Programs\\ramdrive';
const menu = () => readdirSync(MENU).sort();

/** SLDF_RUNAS_USER in the flags of a shell link. */
const needsRights = (name: string) => (readFileSync(join(MENU, name)).readUInt32LE(20) & 0x2000) !== 0;

/** /D= has to be last and without quotes, whatever is in it. */
const install = (...switches: string[]) => run(setup, '/S', ...switches, `/D=${INSTALLED}`);

async function remove(): Promise<void> {
  run(join(INSTALLED, 'uninstall.exe'), '/S');
  await until(() => textOf(registryKey('HKLM', UNINSTALL_ENTRY).read('DisplayName')) === null);
  await until(() => !existsSync(INSTALLED));
}

await check('portable: the program starts from where it is, with its own node.exe', () => {
  const file = join(folder, 'version.txt');
  const output = openSync(file, 'w');
  const args = ['/c', join(portable, 'ramdrive.cmd'), '--version'];
  const { status } = spawnSync('C:\\windows\\system32\\cmd.exe', args, { stdio: ['ignore', output, output] });
  closeSync(output);
  assert.equal(status, 0);
  const { version } = JSON.parse(readFileSync(join(portable, 'app', 'package.json'), 'utf8'));
  assert.equal(readFileSync(file, 'utf8').trim(), version);
  const program = [join(portable, 'app', 'dist', 'src', 'cli', 'main.js'), 'doctor'];
  assert.equal(spawnSync(join(portable, 'node.exe'), program, { stdio: 'ignore' }).status, 0);
});

// What other programs of this suite have left there goes with the removal, too.
rmSync(join(process.env.LOCALAPPDATA!, 'ramdrive'), { recursive: true, force: true });
const before = everything();

await check('a wrong choice: exit code 2, and nothing is installed', () => {
  const wrong = [
    ['/LETTER=C:'],
    ['/LETTER=RR'],
    ['/LETTER=1:'],
    ['/CAPACITY=much'],
    ['/CAPACITY=0M'],
    ['/CAPACITY=2G2G'],
    ['/CAPACITY=2'],
    ['/CAPACITY=999999G'],
    ['/LABEL=back\\slash'],
    [`/LABEL=${'x'.repeat(33)}`],
    ['/IMAGE=drive.tar'],
    ['/IMAGE=C:\\nowhere\\drive.tar'],
    ['/IMAGE=C:\\windows'],
    ['/IMAGE=C:\\windows\\'],
    ['/IMAGE=C:\\windows\\dr\u00efve.tar'],
    ['/LETTER=V:', '/IMAGE=V:\\drive.tar'],
    ['/BOOT=maybe'],
    ['/TEMP=on'],
    ['/BOOT=no', '/TEMP=yes'],
    ['/LETTERS=R:'],
  ];
  for (const switches of wrong) assert.equal(install(...switches), 2, switches.join(' '));
  assert.deepEqual(differences(before, everything()), []);
});

await check('another setup at work: exit code 5', () => {
  const kernel32 = koffi.load('kernel32.dll');
  const create = kernel32.func('uintptr_t CreateMutexW(void *security, int owned, str16 name)');
  const close = kernel32.func('int CloseHandle(uintptr_t)');
  const mutex = create(null, 0, 'Global\\ramdrive-setup');
  try {
    assert.equal(install(), 5);
    assert.ok(!existsSync(INSTALLED));
  } finally {
    close(mutex);
  }
});

await check('no WinFsp: exit code 4, and nothing is installed', () => {
  const key = registryKey('HKLM', 'SOFTWARE\\WOW6432Node\\WinFsp');
  const value = key.read('InstallDir')!;
  key.remove('InstallDir');
  try {
    assert.equal(install(), 4);
    assert.ok(!existsSync(INSTALLED));
  } finally {
    key.write('InstallDir', value);
  }
});

await check('without boot: no service; what is installed but cannot be set up: exit code 6', async () => {
  assert.equal(install('/BOOT=no', '/CAPACITY=64M'), 0);
  assert.equal(service.read('ImagePath'), null);
  assert.ok(existsSync(CONFIG));
  assert.deepEqual(menu(), ['Edit configuration.lnk', 'Mount.lnk', 'Status.lnk', 'Uninstall.lnk']);
  await remove();
  // A configuration that is there stays, whatever is in it.
  mkdirSync(dirname(CONFIG));
  writeFileSync(CONFIG, '{ "capacity": "much" }');
  assert.equal(install('/CAPACITY=64M'), 6);
  assert.equal(readFileSync(CONFIG, 'utf8'), '{ "capacity": "much" }');
  assert.ok(existsSync(join(INSTALLED, 'node.exe')));
  await remove();
});

await check('silent: files, configuration, service and uninstall entry are as chosen', () => {
  mkdirSync(IMAGES);
  assert.equal(install('/LETTER=V:', '/CAPACITY=64M', '/LABEL=Test', `/IMAGE=${IMAGE}`), 0);
  assert.deepEqual(readFileSync(join(INSTALLED, 'node.exe')), readFileSync(process.execPath));
  assert.ok(existsSync(join(INSTALLED, 'ramdrive.cmd')));
  const config = readFileSync(CONFIG, 'utf8');
  for (const part of ['"mountPoint": "V:"', '"capacity": "64M"', '"label": "Test"', JSON.stringify(IMAGE)]) {
    assert.ok(config.includes(part), config);
  }
  const image = textOf(service.read('ImagePath')) ?? '';
  assert.ok(image.startsWith(`"${INSTALLED}\\node.exe" "`), image);
  assert.equal(textOf(registryKey('HKLM', UNINSTALL_ENTRY).read('InstallLocation')), INSTALLED);
  assert.equal(ramdrive('service', 'status'), 0);
  assert.equal(ramdrive('status', 'V:'), 0);
  assert.deepEqual(menu(), ['Edit configuration.lnk', 'Restart.lnk', 'Status.lnk', 'Uninstall.lnk']);
  assert.deepEqual(menu().filter(needsRights), ['Edit configuration.lnk', 'Restart.lnk', 'Status.lnk']);
});

await check('stopping the service saves the image, starting it loads it', () => {
  assert.ok(!existsSync(IMAGE));
  assert.equal(ramdrive('service', 'stop'), 0);
  assert.equal(ramdrive('image', 'verify', IMAGE), 0);
  assert.equal(ramdrive('service', 'start'), 0);
  assert.equal(ramdrive('status', 'V:'), 0);
});

await check('a program of ramdrive that runs: exit code 3, and the service runs on', async () => {
  const file = join(INSTALLED, 'app', 'package.json');
  const version = readFileSync(file, 'utf8');
  const program = spawn(join(INSTALLED, 'node.exe'), ['-e', 'setTimeout(() => {}, 100_000)'], {
    stdio: 'ignore',
  });
  await sleep(2000);
  try {
    assert.equal(run(setup, '/S'), 3);
  } finally {
    program.kill();
  }
  assert.equal(readFileSync(file, 'utf8'), version);
  assert.equal(ramdrive('service', 'status'), 0);
  await sleep(1000);
});

await check('upgrade: the configuration stays, the program is new, the service runs again', () => {
  const config = readFileSync(CONFIG, 'utf8').replace('64M', '32M');
  writeFileSync(CONFIG, config);
  const stale = join(INSTALLED, 'app', 'dist', 'src', 'stale.js');
  writeFileSync(stale, '');
  assert.equal(install('/CAPACITY=128M'), 2);
  assert.equal(run(setup, '/S'), 0);
  assert.equal(readFileSync(CONFIG, 'utf8'), config);
  assert.ok(!existsSync(stale));
  assert.equal(ramdrive('service', 'status'), 0);
});

await check('removal leaves nothing', async () => {
  assert.ok(before.size > 1000);
  await remove();
  // What the user has kept is not the installer's to remove.
  assert.ok(existsSync(IMAGE));
  rmSync(IMAGES, { recursive: true });
  assert.deepEqual(differences(before, everything()), []);
});
