import { describe, expect, it } from 'vitest';
import { MountPointSyntaxError, parseMountPoint } from '../../../../src/winfsp/library/mount-point.js';

describe('mount points', () => {
  it.each([
    ['R:', 'drive', 'R:'],
    ['r:\\', 'drive', 'R:'],
    ['\\\\.\\r:', 'mount-manager-drive', '\\\\.\\R:'],
    ['\\\\?\\R:', 'mount-manager-drive', '\\\\.\\R:'],
    ['*', 'any-drive', null],
    ['*:', 'any-drive', null],
    ['C:\\mnt\\ram', 'directory', 'C:\\mnt\\ram'],
    ['C:/mnt/ram', 'directory', 'C:\\mnt\\ram'],
    ['C:\\mnt\\ram\\', 'directory', 'C:\\mnt\\ram'],
    ['C:/mnt/ram/', 'directory', 'C:\\mnt\\ram'],
    ['C:\\\\mnt\\\\ram\\\\', 'directory', 'C:\\mnt\\ram'],
    ['C:\\mnt\\.\\x\\..\\ram\\.', 'directory', 'C:\\mnt\\ram'],
    ['\\\\.\\C:\\mnt\\', 'mount-manager-directory', '\\\\.\\C:\\mnt'],
    ['\\\\.\\C:\\mnt', 'mount-manager-directory', '\\\\.\\C:\\mnt'],
  ])('Windows: %s is a %s', (text, form, argument) => {
    expect(parseMountPoint(text, 'win32')).toMatchObject({
      form,
      argument,
      device: 'WinFsp.Disk',
      needsMountPoint: true,
      volumePrefix: undefined,
    });
  });

  it('Windows: a share is a network volume with a prefix of one backslash', () => {
    expect(parseMountPoint('\\\\server\\share', 'win32')).toEqual({
      form: 'unc',
      device: 'WinFsp.Net',
      volumePrefix: '\\server\\share',
      argument: null,
      needsMountPoint: false,
    });
  });

  it('Linux: an absolute directory', () => {
    expect(parseMountPoint('/mnt/ram', 'linux')).toMatchObject({ form: 'directory', argument: '/mnt/ram' });
  });

  it.each([
    ['win32', ''],
    ['win32', 'RAM'],
    ['win32', '1:'],
    ['win32', 'ram\\dir'],
    ['win32', '\\dir'],
    ['win32', 'C:dir'],
    ['win32', '\\\\server'],
    ['win32', 'C:\\a*b'],
    ['win32', 'C:\\\\'],
    ['win32', 'C:\\.'],
    ['win32', 'C:/dir/..'],
    ['win32', '\\\\.\\C:\\.'],
    ['linux', 'mnt'],
    ['linux', ''],
    ['linux', '/a\0b'],
  ])('%s: "%s" is refused', (platform, text) => {
    expect(() => parseMountPoint(text, platform)).toThrow(MountPointSyntaxError);
  });
});
