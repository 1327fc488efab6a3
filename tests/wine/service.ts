/**
 * Windows: a drive as a service under Wine's service manager, from a configuration file whose path has spaces. The
 * service manager starts the same program with the arguments of ImagePath; mounts are scripted (mounting.ts).
 *
 * Wine does not send SHUTDOWN and PRESHUTDOWN and does not keep the event log: unit tests of the service's process
 * stand in for that (tests/unit/drive/service). It stops all services when the last ordinary process ends, which is
 * this one.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { check, note } from './check.js';
import { commandLine } from './ramdrive.js';
import { readValue } from './registry.js';
import { isRoot, runUnix, unixPath } from './unix.js';

const folder = join(mkdtempSync(join(tmpdir(), 'ramdrive-service-')), 'a folder with spaces');
const NAME = 'ramdrive-test';
const KEY = `HKLM\\SYSTEM\\CurrentControlSet\\Services\\${NAME}`;
mkdirSync(folder);
const ramdrive = commandLine(folder);

function service(action: string, ...args: string[]) {
  return ramdrive('service', action, '--name', NAME, ...args);
}

function configure(name: string, settings: object): string {
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify(settings));
  return path;
}

const good = configure('my drive.jsonc', { mountPoint: 'R:', capacity: '64M', label: 'Service' });

await check('what is wrong with the configuration is said at installation, with exit code 2', () => {
  const wrong = configure('wrong.jsonc', { mountPoint: 'R:', capacity: 'much' });
  const { status, errors } = service('install', '--config', wrong);
  assert.equal(status, 2);
  assert.match(errors, /capacity: expected a size/);
  assert.equal(service('status').output.trim(), `"${NAME}" is not installed`);
  assert.equal(ramdrive('service', 'install', '--name', 'a b', '--config', good).status, 2);
});

await check('a configuration that another user can change is refused', () => {
  if (!isRoot()) {
    note('skipped: only root can give a configuration to another user');
    return;
  }
  const theirs = join(folder, 'of another');
  mkdirSync(theirs);
  const path = join(theirs, 'drive.jsonc');
  writeFileSync(path, '{ "mountPoint": "R:", "capacity": "64M" }');
  for (const place of [path, theirs]) {
    runUnix('/bin/chown', '12345', unixPath(place));
    const { status, errors } = service('install', '--config', path);
    assert.equal(status, 1);
    assert.ok(errors.includes(`${place} belongs to another user`), errors);
    assert.equal(readValue('ImagePath', KEY), null);
    runUnix('/bin/chown', '0', unixPath(place));
  }
});

await check('install: quoted paths, starts with Windows, one of its kind', () => {
  const { status, output, errors } = service('install', '--config', good);
  assert.equal(status, 0, errors);
  assert.match(output, /installed the service/);
  const image = readValue('ImagePath', KEY);
  assert.ok(image !== null);
  assert.ok(image.startsWith(`"${process.execPath}" "`), `${image}`);
  assert.ok(image.endsWith(`"--config" "${good}"`), image);
  assert.equal(readValue('Start', KEY), '0x2');
  assert.match(service('status').output, /is stopped/);
  const again = service('install', '--config', good);
  assert.equal(again.status, 1);
  assert.match(again.errors, /there already/);
});

await check('start: RUNNING when mounted, and the drive answers', () => {
  const { status, errors } = service('start');
  assert.equal(status, 0, errors);
  const report = service('status');
  assert.equal(report.status, 0);
  assert.match(report.output, /is running, process \d+/);
  assert.match(ramdrive('status', 'R:').output, /64(\.0)? MiB/);
  assert.match(service('start').errors, /runs already/);
});

await check('stop: STOPPED when unmounted', () => {
  const { status, errors } = service('stop');
  assert.equal(status, 0, errors);
  assert.match(service('status').output, /is stopped/);
  assert.notEqual(ramdrive('status', 'R:').status, 0);
});

await check('"ramdrive unmount" ends the service too', () => {
  assert.equal(service('start').status, 0);
  assert.equal(ramdrive('unmount', 'R:').status, 0);
  assert.equal(service('stop').status, 0);
  assert.match(service('status').output, /is stopped/);
});

await check('a stop whose save fails: it goes on RUNNING with its drive', () => {
  const images = join(folder, 'images');
  const image = join(images, 'drive.tar');
  mkdirSync(images);
  configure('my drive.jsonc', { mountPoint: 'R:', capacity: '64M', image });
  assert.equal(service('start').status, 0);
  rmSync(images, { recursive: true });
  const { status, errors } = service('stop');
  assert.equal(status, 1);
  assert.match(errors, /still runs/);
  assert.match(service('status').output, /is running, process \d+/);
  assert.equal(ramdrive('status', 'R:').status, 0);
  // Wine's manager takes no second STOP (1061), whatever the service says of itself: the drive is ended instead.
  mkdirSync(images);
  assert.equal(ramdrive('unmount', 'R:').status, 0);
  assert.equal(ramdrive('image', 'verify', image).status, 0);
  assert.match(service('status').output, /is stopped/);
});

await check('a start that fails says so, with the exit code of the service', () => {
  writeFileSync(good, '{ "mountPoint": "R:", "capacity": "much" }');
  const { status, errors } = service('start');
  assert.equal(status, 1);
  assert.match(errors, /did not start \(exit code 2\)/);
  assert.match(service('status').output, /is stopped, last exit code 2/);
});

await check('"service run" in a console says what it is for', () => {
  const { status, errors } = service('run', '--config', good);
  assert.equal(status, 1);
  assert.match(errors, /not started by the service manager/);
});

await check('uninstall stops it and leaves nothing', () => {
  writeFileSync(good, '{ "mountPoint": "R:", "capacity": "64M" }');
  assert.equal(service('start').status, 0);
  const { status, errors } = service('uninstall');
  assert.equal(status, 0, errors);
  assert.match(service('status').output, /not installed/);
  assert.equal(readValue('ImagePath', KEY), null);
  const again = service('uninstall');
  assert.equal(again.status, 1);
  assert.match(again.errors, /no service/);
});
