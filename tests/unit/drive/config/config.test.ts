import { chmodSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type OptionValue, resolveSettings } from '../../../../src/drive/config/config.js';
import { MAX_CAPACITY_BYTES, MIN_PAGE_SIZE_BYTES } from '../../../../src/drive/config/limits.js';
import type { SettingName } from '../../../../src/drive/config/settings.js';
import { ConfigError } from '../../../../src/drive/errors.js';
import { readMemory } from '../../../../src/drive/mount/memory.js';
import { MAX_PAGE_COUNT } from '../../../../src/volume/content/page-memory.js';
import { temporaryFolder } from '../../../support/temporary-folder.js';

const option = (setting: SettingName, value: unknown, name = `--${setting}`): OptionValue => ({
  setting,
  option: name,
  value,
});
const at = option('mountPoint', '/mnt/ram', '<mountpoint>');

function configFile(text: string): string {
  const path = join(temporaryFolder('config'), 'drive.jsonc');
  writeFileSync(path, text);
  return path;
}

function problemOf(options: OptionValue[], platform: NodeJS.Platform = 'linux', configPath?: string): string {
  try {
    resolveSettings({ options, platform, configPath });
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message;
  }
  return '';
}

describe('resolveSettings', () => {
  it('has defaults for everything but the mount point of a Linux drive', () => {
    expect(resolveSettings({ options: [at], platform: 'linux' })).toStrictEqual({
      mountPoint: '/mnt/ram',
      capacityBytes: 2 ** 30,
      pageSizeBytes: 4096,
      preallocate: false,
      label: 'RAM Drive',
      kernelCache: true,
      fileInfoTimeoutMs: 1000,
      caseSensitive: true,
      initialDirectories: [],
      directIo: false,
      allowOther: false,
      readOnly: false,
      mode: 0o755,
    });
    expect(problemOf([])).toMatch(/No mount point: name an empty directory/);
  });

  it('is case-insensitive and mounts at R: on Windows', () => {
    const settings = resolveSettings({ options: [], platform: 'win32' });
    expect(settings).toMatchObject({ mountPoint: 'R:', caseSensitive: false });
  });

  it('takes a relative mount point of a file from where the file is, and knows ~', () => {
    const configPath = configFile('{ "mountPoint": "drives/ram" }');
    const mountPointOf = (options: OptionValue[], path?: string) =>
      resolveSettings({ configPath: path, options, platform: 'linux' }).mountPoint;
    expect(mountPointOf([], configPath)).toBe(join(dirname(configPath), 'drives/ram'));
    expect(mountPointOf([option('mountPoint', 'drives/ram')], configPath)).toBe(resolve('drives/ram'));
    expect(mountPointOf([], configFile('{ "mountPoint": "~/ram" }'))).toBe(join(homedir(), 'ram'));
    expect(mountPointOf([option('mountPoint', '~')])).toBe(homedir());
    expect(mountPointOf([option('mountPoint', './~x')])).toBe(resolve('~x'));
  });

  it.each(['R:', 'r:\\', '*', '\\\\server\\share', '\\\\.\\R:'])(
    'says that %s is for Windows',
    (mountPoint) => {
      expect(problemOf([option('mountPoint', mountPoint)])).toMatch(
        /is for Windows\. On Linux name an empty directory/,
      );
    },
  );

  it.runIf(process.platform === 'linux')('reads no file that everybody can write', () => {
    const configPath = configFile('{ "mountPoint": "/mnt/a" }');
    chmodSync(configPath, 0o666);
    expect(problemOf([], 'linux', configPath)).toMatch(/drive\.jsonc cannot be read: everybody can write it/);
    chmodSync(configPath, 0o664);
    expect(problemOf([], 'linux', configPath)).toBe('');
  });

  it.each(['force', 'trace', 'traceFile', 'library', 'config'])('a file cannot say "%s"', (name) => {
    const configPath = configFile(`{ "mountPoint": "/mnt/a", "${name}": true }`);
    expect(problemOf([], 'linux', configPath)).toMatch(`unknown setting "${name}"`);
  });

  it('takes a part of the memory as capacity', () => {
    const { capacityBytes } = resolveSettings({
      options: [at, option('capacity', '50%')],
      platform: 'linux',
    });
    expect(capacityBytes).toBe(Math.floor(readMemory().totalBytes / 2 / 4096) * 4096);
    for (const capacity of ['0%', '101%', '-5%', '%']) {
      expect(problemOf([at, option('capacity', capacity)])).toMatch(
        /--capacity: expected a size .* or a part of the memory/,
      );
    }
  });

  it('takes permissions in octal', () => {
    expect(resolveSettings({ options: [at, option('mode', '0700')], platform: 'linux' }).mode).toBe(0o700);
    expect(problemOf([at, option('mode', '0800')])).toMatch(
      /--mode: expected permissions as three octal digits/,
    );
  });

  it('lets the command line win setting by setting', () => {
    const configPath = configFile(
      '{ "mountPoint": "/mnt/a", "capacity": "2G", "label": "file", "preallocate": true }',
    );
    const options = [option('capacity', '64M'), option('preallocate', false)];
    expect(resolveSettings({ configPath, options, platform: 'linux' })).toMatchObject({
      mountPoint: '/mnt/a',
      capacityBytes: 64 * 2 ** 20,
      label: 'file',
      preallocate: false,
    });
  });

  it('cuts the capacity to whole pages and refuses less than one', () => {
    const options = [at, option('capacity', 200_000), option('pageSize', '64K')];
    expect(resolveSettings({ options, platform: 'linux' }).capacityBytes).toBe(196_608);
    expect(problemOf([at, option('capacity', '63K'), option('pageSize', '64K')])).toBe(
      '--capacity: expected at least one page of 64 KiB, got 64512 bytes.',
    );
  });

  it('needs no limit of pages: the largest capacity has fewer than a volume can number', () => {
    expect(MAX_CAPACITY_BYTES / MIN_PAGE_SIZE_BYTES).toBeLessThan(MAX_PAGE_COUNT);
    const most = resolveSettings({ options: [at, option('capacity', '1T')], platform: 'linux' });
    expect(most).toMatchObject({ capacityBytes: MAX_CAPACITY_BYTES, pageSizeBytes: MIN_PAGE_SIZE_BYTES });
    expect(problemOf([at, option('capacity', MAX_CAPACITY_BYTES + 4096)])).toMatch(/from one page to 1 TiB/);
  });

  it('names the option, the value and what was expected', () => {
    expect(problemOf([at, option('capacity', 'lots', '--capacity')])).toBe(
      '--capacity: expected a size such as 64K, 512M or 2G, or a number of bytes, from one page to 1 TiB, or a part of the memory such as 50%, got "lots".',
    );
  });

  it('takes a finite time-out or direct I/O as a word against the kernel cache, but no contradiction', () => {
    const settingsWith = (value: OptionValue) => resolveSettings({ options: [at, value], platform: 'linux' });
    expect(settingsWith(option('fileInfoTimeout', 0))).toMatchObject({
      kernelCache: false,
      fileInfoTimeoutMs: 0,
    });
    expect(settingsWith(option('directIo', true))).toMatchObject({ kernelCache: false, directIo: true });
    expect(settingsWith(option('directIo', false)).kernelCache).toBe(true);
    expect(problemOf([at, option('kernelCache', true), option('fileInfoTimeout', 5)])).toMatch(
      /^--fileInfoTimeout: works only without the kernel cache/,
    );
    const configPath = configFile('{\n "kernelCache": true,\n "directIo": true }');
    expect(problemOf([at], 'linux', configPath)).toMatch(/drive\.jsonc:3:14: directIo: works only without/);
  });

  it('takes an image anywhere but on the drive itself', () => {
    const imageOf = (path: string) =>
      resolveSettings({ options: [at, option('image', path)], platform: 'linux' }).imageFile;
    expect(imageOf('/mnt/image.tar')).toBe('/mnt/image.tar');
    expect(imageOf('/mnt/ram.tar')).toBe('/mnt/ram.tar');
    expect(imageOf('image.tar')).toBe(resolve('image.tar'));
    for (const path of ['/mnt/ram/image.tar', '/mnt/ram/a/../b', '/mnt/ram/..image.tar', '/mnt/x/../ram/i']) {
      expect(problemOf([at, option('image', path)])).toBe(
        `--image: "${path}" lies on the drive itself. Choose a place elsewhere.`,
      );
    }
    const configPath = configFile('{ "image": "here.tar" }');
    expect(resolveSettings({ options: [at], platform: 'linux', configPath }).imageFile).toBe(
      join(dirname(configPath), 'here.tar'),
    );
  });

  it('takes no image that is called as if it were packed in a way that it cannot be', () => {
    expect(problemOf([at, option('image', '/mnt/image.zip')])).toBe(
      '--image: "/mnt/image.zip": images are tar archives: ".tar", ".tar.gz" or ".tar.zst", not ".zip".',
    );
  });

  it('shows what was given as it was given', () => {
    expect(problemOf([at, option('preallocate', 'yes')])).toMatch(/got "yes"\.$/);
    expect(problemOf([at, option('preallocate', 1)])).toMatch(/got 1\.$/);
    expect(problemOf([at, option('label', 'x'.repeat(200))])).toMatch(/got "x{76}\.\.\.\.$/);
  });

  it('refuses settings of FUSE on Windows', () => {
    expect(problemOf([option('allowOther', true)], 'win32')).toMatch(
      /^--allowOther: is for Linux mounts only/,
    );
  });
});
