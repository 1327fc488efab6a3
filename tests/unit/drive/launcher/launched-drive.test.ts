import { describe, expect, it } from 'vitest';
import { launchedSettings } from '../../../../src/drive/launcher/launched-drive.js';

describe('what WinFsp’s Launcher hands over', () => {
  it('is a share, its capacity and a letter', () => {
    expect(launchedSettings('\\ramdrive\\2G', 'x:')).toMatchObject({
      mountPoint: '\\\\ramdrive\\2G',
      shareLetter: 'X:',
      capacityBytes: 2 * 2 ** 30,
      label: 'RAM Drive',
    });
  });

  it('may have a name, and no letter', () => {
    const settings = launchedSettings('\\RAMDRIVE\\64m-My_Build', '');
    expect(settings).toMatchObject({
      mountPoint: '\\\\ramdrive\\64m-My_Build',
      capacityBytes: 64 * 2 ** 20,
      label: 'My_Build',
    });
    expect(settings.shareLetter).toBeUndefined();
  });

  it('may be a part of the memory', () => {
    expect(launchedSettings('\\ramdrive\\1%', '').capacityBytes).toBeGreaterThan(0);
  });

  it.each([
    ['\\ramdrive\\', ''],
    ['\\ramdrive\\much', ''],
    ['\\ramdrive\\-1G', ''],
    ['\\ramdrive\\0G', ''],
    ['\\ramdrive\\2000T', ''],
    ['\\ramdrive\\101%', ''],
    ['\\ramdrive\\2', ''],
    ['\\ramdrive\\2G\\deeper', ''],
    ['\\ramdrive\\2G-', ''],
    ['\\ramdrive\\2G-with space', ''],
    [`\\ramdrive\\2G-${'x'.repeat(33)}`, ''],
    ['\\other\\2G', ''],
    ['\\\\ramdrive\\2G', ''],
    // A trailing backslash, after which the Launcher's quotes no longer fit.
    ['\\ramdrive\\2G" X:', ''],
    ['\\ramdrive\\2G" --image "C:\\file', 'X:'],
    ['\\ramdrive\\2G', 'XX:'],
    ['\\ramdrive\\2G', 'C:\\Windows'],
    ['\\ramdrive\\2G', '*'],
  ])('%j %j is refused, with what was expected', (share, letter) => {
    expect(() => launchedSettings(share, letter)).toThrow(/expected .*got /s);
  });
});
