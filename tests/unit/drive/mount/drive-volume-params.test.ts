import { describe, expect, it } from 'vitest';
import { defaultSettings } from '../../../../src/drive/config/settings.js';
import { volumeParamsOf } from '../../../../src/drive/mount/drive-volume-params.js';
import { FILE_INFO_TIMEOUT_INFINITE } from '../../../../src/winfsp/index.js';

const settings = { ...defaultSettings('linux'), mountPoint: '/mnt/ram' };

describe('volumeParamsOf', () => {
  it.each([4096, 65536, 2 ** 20])('the allocation unit is the page of %d bytes', (pageSizeBytes) => {
    const params = volumeParamsOf({ ...settings, pageSizeBytes }, undefined, 'linux');
    expect(params.SectorSize! * params.SectorsPerAllocationUnit!).toBe(pageSizeBytes);
    expect(params.SectorsPerAllocationUnit).toBeLessThanOrEqual(0xffff);
  });

  it('the kernel caches forever, or for as long as was asked; free space never', () => {
    expect(volumeParamsOf(settings, undefined).FileInfoTimeout).toBe(FILE_INFO_TIMEOUT_INFINITE);
    const uncached = { ...settings, kernelCache: false, fileInfoTimeoutMs: 0 };
    expect(volumeParamsOf(uncached, undefined).FileInfoTimeout).toBe(0);
    expect(volumeParamsOf(settings, undefined).VolumeInfoTimeout).toBe(0);
  });

  it('POSIX deletes are for Linux, prefixes for shares', () => {
    expect(volumeParamsOf(settings, undefined, 'linux').SupportsPosixUnlinkRename).toBe(true);
    const windows = volumeParamsOf(settings, '\\ram\\drive', 'win32');
    expect(windows.SupportsPosixUnlinkRename).toBe(false);
    expect(windows.Prefix).toBe('\\ram\\drive');
    expect(volumeParamsOf(settings, undefined)).not.toHaveProperty('Prefix');
  });

  it('what the Subsystem for Linux keeps is for Windows', () => {
    expect(volumeParamsOf(settings, undefined, 'linux').WslFeatures).toBe(false);
    expect(volumeParamsOf(settings, undefined, 'win32').WslFeatures).toBe(true);
  });

  it('streams are for Windows', () => {
    expect(volumeParamsOf(settings, undefined, 'linux').NamedStreams).toBe(false);
    expect(volumeParamsOf(settings, undefined, 'win32').NamedStreams).toBe(true);
    expect(volumeParamsOf(settings, undefined).StreamInfoTimeout).toBe(0);
  });

  it('is created now', () => {
    const seconds =
      Number(volumeParamsOf(settings, undefined).VolumeCreationTime! / 10_000_000n) - 11_644_473_600;
    expect(Math.abs(seconds - Date.now() / 1000)).toBeLessThan(5);
  });
});
