/**
 * Windows: which mount forms are tried in which order, and what a user reads, by the calls that the library records
 * (WINFSP_LINUX_MOUNT_LOG) and the answers it was told to give (WINFSP_LINUX_MOUNT_RULES;
 * native/winfsp-linux/src/script/mount_script.c).
 */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultSettings } from '../../src/drive/config/settings.js';
import { MountError, MountPointError } from '../../src/drive/errors.js';
import { allowMountManager } from '../../src/drive/mount/mount-strategy.js';
import { RamDrive } from '../../src/drive/ram-drive.js';
import { NtStatus } from '../../src/ntstatus.js';
import { currentAccount, currentUserSid } from '../../src/os/windows-account.js';
import { systemDirectory } from '../../src/os/windows-directories.js';
import { check, note } from './check.js';
import { deleteValue, readValue } from './registry.js';

const log = join(mkdtempSync(join(tmpdir(), 'ramdrive-mount-')), 'calls.txt');
process.env.WINFSP_LINUX_MOUNT_LOG = log;
const DENIED = 'c0000022';
const COLLISION = 'c0000035';
const NO_DEVICE = 'c000000e';

interface Outcome {
  /** Calls but those for the device, with their result unless it was success. */
  calls: string[];
  warnings: string[];
  mountPoint: string | null;
  error: unknown;
}

async function mount(mountPoint: string, rules: Record<string, string> = {}): Promise<Outcome> {
  process.env.WINFSP_LINUX_MOUNT_RULES = Object.entries(rules)
    .map(([call, status]) => `${call}=${status}`)
    .join(';');
  rmSync(log, { force: true });
  const warnings: string[] = [];
  let found: string | null = null;
  let error: unknown = null;
  try {
    const settings = { ...defaultSettings('win32'), mountPoint, capacityBytes: 2 ** 20 };
    const drive = await RamDrive.start(settings, { onWarning: (text) => warnings.push(text) });
    found = drive.mountPoint;
    assert.deepEqual((await drive.selfCheck()).violations, []);
    await drive.stop();
  } catch (thrown) {
    error = thrown;
  }
  const calls = (existsSync(log) ? readFileSync(log, 'utf8') : '')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('Device '))
    .map((line) => line.replace(/ 00000000$/, ''));
  return { calls, warnings, mountPoint: found, error };
}

await check(
  'a directory needs no switch; the first letter sets MountUseMountmgrFromFSD and says so',
  async () => {
    deleteValue('MountUseMountmgrFromFSD');
    assert.deepEqual((await mount('C:\\mnt\\ram')).warnings, []);
    assert.equal(readValue('MountUseMountmgrFromFSD'), null);
    assert.match(
      (await mount('R:')).warnings.join(),
      /^the registry switch MountUseMountmgrFromFSD .*was set/,
    );
  },
);
await check('R: is mounted through the Mount Manager, without a warning, and unmounted', async () => {
  const { calls, warnings, mountPoint, error } = await mount('R:');
  assert.equal(error, null);
  assert.deepEqual(calls, ['Preflight R:', 'SetMountPoint \\\\.\\R:', 'RemoveMountPoint \\\\.\\R:']);
  assert.deepEqual([warnings, mountPoint], [[], 'R:']);
});
await check('Mount Manager refused: the plain letter, and who will not see it', async () => {
  const { calls, warnings, mountPoint } = await mount('r:', { 'SetMountPoint \\\\.\\R:': DENIED });
  assert.deepEqual(calls, [
    'Preflight R:',
    `SetMountPoint \\\\.\\R: ${DENIED}`,
    'SetMountPoint R:',
    'RemoveMountPoint R:',
  ]);
  assert.equal(mountPoint, 'R:');
  assert.match(warnings.join(), /R: was mounted for this logon session only: .*elevated.*Disk Management/);
});
await check('both refused: one error with what to do, nothing left', async () => {
  const { calls, error } = await mount('R:', {
    'SetMountPoint \\\\.\\R:': DENIED,
    'SetMountPoint R:': DENIED,
  });
  assert.ok(error instanceof MountError && error.ntStatus === NtStatus.ACCESS_DENIED);
  assert.match(error.message, /R:.*STATUS_ACCESS_DENIED.*administrator/);
  assert.equal(calls.length, 3);
});
await check('the letter is taken: said before anything is made', async () => {
  const { calls, error } = await mount('R:', { 'Preflight R:': COLLISION });
  assert.ok(error instanceof MountPointError && error.code === 'ALREADY_MOUNTED');
  assert.match(error.message, /R: is in use.*another one/);
  assert.deepEqual(calls, [`Preflight R: ${COLLISION}`]);
});
await check('the letter is taken in between: no second attempt that would hide it', async () => {
  const { calls, error } = await mount('R:', { 'SetMountPoint \\\\.\\R:': COLLISION });
  assert.ok(error instanceof MountError && error.ntStatus === NtStatus.OBJECT_NAME_COLLISION);
  assert.equal(calls.length, 2);
});
for (const mountPoint of ['R:', '*', 'C:\\mnt\\ram']) {
  await check(`no driver (${mountPoint}): says so, and how to start it`, async () => {
    const { calls, error } = await mount(mountPoint, { 'Device WinFsp.Disk': NO_DEVICE });
    assert.ok(error instanceof MountError && error.ntStatus === NtStatus.NO_SUCH_DEVICE);
    assert.match(error.message, /driver does not run.*sc start WinFsp/);
    assert.deepEqual(calls, []);
  });
}
await check('* takes the first free letter, and warns', async () => {
  const { calls, warnings, mountPoint } = await mount('*', { 'SetMountPoint Z:': COLLISION });
  assert.equal(mountPoint, 'Y:');
  assert.ok(calls.includes('SetMountPoint Y:'));
  assert.match(warnings.join(), /logon session only/);
});
await check('a directory is mounted as it was given', async () => {
  const { calls, warnings } = await mount('C:\\mnt\\ram');
  assert.deepEqual(calls, [
    'Preflight C:\\mnt\\ram',
    'SetMountPoint C:\\mnt\\ram',
    'RemoveMountPoint C:\\mnt\\ram',
  ]);
  assert.deepEqual(warnings, []);
});
await check('a share needs no mount', async () => {
  const { calls, error } = await mount('\\\\ram\\drive');
  assert.equal(error, null);
  assert.deepEqual(calls, []);
});
await check('MountUseMountmgrFromFSD is set by anyone who may', async () => {
  deleteValue('MountUseMountmgrFromFSD');
  const told: string[] = [];
  assert.equal(await allowMountManager((message) => told.push(message)), true);
  assert.equal(readValue('MountUseMountmgrFromFSD'), '0x1');
  assert.match(told.join(), /MountUseMountmgrFromFSD .*was set.*reg delete/);
  assert.equal(await allowMountManager((message) => told.push(message)), true);
  assert.equal(told.length, 1, 'told once only');
});
await check('who may not set it goes on without', async () => {
  assert.equal(await allowMountManager(() => {}, 'C:\\absent\\reg.exe'), false);
});
await check('reg.exe is the system’s, whatever a variable says', async () => {
  const before = process.env.SystemRoot;
  process.env.SystemRoot = 'C:\\absent';
  try {
    assert.match(systemDirectory(), /^[A-Z]:\\windows\\system32$/i);
    assert.equal(await allowMountManager(), true);
  } finally {
    process.env.SystemRoot = before;
  }
});
await check('the account of this process is asked from the system', () => {
  assert.match(currentUserSid()!, /^S-1-5-/);
  note(`this account: ${currentUserSid()}, ${currentAccount()}`);
});
