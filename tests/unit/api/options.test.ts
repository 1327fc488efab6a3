/** Options of RamDrive.mount(): the settings of the configuration file, and errors that say what to do. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { packError, unpackError } from '../../../src/api/drive-process-messages.js';
import { type RamDriveOptions, resolveOptions } from '../../../src/api/options.js';
import { DriveError, MountPointError } from '../../../src/drive/errors.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

it('without a mount point: a temporary directory on Linux, the first free letter on Windows', () => {
  expect(resolveOptions({}, 'linux')).toMatchObject({
    temporary: true,
    settings: { capacityBytes: 2 ** 30 },
  });
  const onWindows = resolveOptions({}, 'win32');
  expect(onWindows).toMatchObject({ temporary: false, settings: { mountPoint: '*', caseSensitive: false } });
  // Which directory that is nobody knows yet: an image may lie anywhere.
  const image = '/somewhere/drive.tar';
  expect(resolveOptions({ image }, 'linux')).toMatchObject({
    temporary: true,
    settings: { imageFile: image },
  });
  expect(resolveOptions({ mountPoint: '/mnt/x' }, 'linux')).toMatchObject({
    temporary: false,
    settings: { mountPoint: '/mnt/x' },
  });
});

it('values are those of the configuration file', () => {
  const { settings } = resolveOptions(
    { capacity: 2 ** 20, pageSize: '64K', initialDirectories: ['/a/b'], force: true },
    'linux',
  );
  expect(settings).toMatchObject({
    capacityBytes: 2 ** 20,
    pageSizeBytes: 65_536,
    label: 'RAM Drive',
    initialDirectories: ['\\a\\b'],
    force: true,
  });
});

it('a configuration file, whose settings give way to those given here', () => {
  const file = join(temporaryFolder('api'), 'drive.jsonc');
  writeFileSync(file, '{ "mountPoint": "/mnt/ram", "capacity": "2M", "label": "FILE" }');
  expect(resolveOptions({ config: file, label: 'HERE' }, 'linux')).toMatchObject({
    temporary: false,
    settings: { mountPoint: '/mnt/ram', capacityBytes: 2 ** 21, label: 'HERE' },
  });
  writeFileSync(file, '{ "capacity": "2M" }');
  expect(resolveOptions({ config: file }, 'linux').temporary).toBe(true);
});

it.each([
  [{ capacty: '1G' }, 'capacty: unknown option. Did you mean "capacity"?'],
  [{ zzz: 1 }, /^zzz: unknown option\. Options are mountPoint, capacity, .*, config\.$/],
  [{ capacity: '5X' }, /^capacity: expected a size such as 64K, 512M or 2G.*, got "5X"\.$/],
  [{ force: 1 }, 'force: expected true or false, got 1.'],
  [{ config: 5 }, 'config: expected the path of a file, got 5.'],
  [{ kernelCache: 'on' }, 'kernelCache: expected true or false, got "on".'],
  [{ config: '/does/not/exist' }, /^The configuration file \/does\/not\/exist cannot be read/],
  ['512M', 'options: expected an object with settings, such as { capacity: "512M" }.'],
])('%j is refused with what to do', (options, message) => {
  expect(() => resolveOptions(options as RamDriveOptions, 'linux')).toThrow(
    expect.objectContaining({ name: 'ConfigError', message: expect.stringMatching(message) }),
  );
});

it('errors of the drive’s process arrive as what they were', () => {
  const sent = new MountPointError('NOT_EMPTY', '/mnt', 'It is not empty.', 'Empty it.');
  const got = unpackError(JSON.parse(JSON.stringify(packError(sent))));
  expect(got).toBeInstanceOf(MountPointError);
  expect(got).toMatchObject({ ...sent, name: 'MountPointError', message: 'It is not empty. Empty it.' });
  expect(unpackError(packError(new RangeError('odd')))).toBeInstanceOf(DriveError);
  expect(unpackError(packError('a text')).message).toBe('a text');
});
