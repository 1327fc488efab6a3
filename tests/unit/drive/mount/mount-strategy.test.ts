import { mkdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MountPointError } from '../../../../src/drive/errors.js';
import {
  isFinalFailure,
  mountAdvice,
  planMount,
  usesMountManager,
} from '../../../../src/drive/mount/mount-strategy.js';
import { parseMountInfo } from '../../../../src/drive/mount/mounts.js';
import { NtStatus } from '../../../../src/ntstatus.js';
import { temporaryFolder } from '../../../support/temporary-folder.js';

describe('planMount on Windows', () => {
  const plan = (mountPoint: string) => planMount(mountPoint, 'win32');

  it('tries the Mount Manager first, then the plain letter with a warning', async () => {
    const { attempts, preflight } = await plan('r:');
    expect(attempts.map(({ argument }) => argument)).toEqual(['\\\\.\\R:', 'R:']);
    expect(attempts[0]!.warning).toBeNull();
    expect(attempts[1]!.warning).toMatch(/R: was mounted for this logon session only/);
    expect(preflight).toBe('R:');
    expect(usesMountManager(await plan('r:'))).toBe(true);
  });

  it.each([
    ['\\\\.\\R:', ['\\\\.\\R:'], 'R:', 'WinFsp.Disk', true],
    ['*', [null], null, 'WinFsp.Disk', false],
    ['C:\\mnt\\ram', ['C:\\mnt\\ram'], 'C:\\mnt\\ram', 'WinFsp.Disk', false],
    ['\\\\ram\\drive', [], null, 'WinFsp.Net', false],
  ])('%s', async (mountPoint, expected, preflight, device, mountManager) => {
    const result = await plan(mountPoint);
    expect(result.attempts.map(({ argument }) => argument)).toEqual(expected);
    expect(result).toMatchObject({ preflight, device });
    expect(usesMountManager(result)).toBe(mountManager);
  });

  it('gives a share a letter when it is told to', async () => {
    const result = await planMount('\\\\ramdrive\\2G', 'win32', () => {}, 'user', 'X:');
    expect(result).toMatchObject({
      device: 'WinFsp.Net',
      volumePrefix: '\\ramdrive\\2G',
      attempts: [{ argument: 'X:', warning: null }],
      preflight: 'X:',
      name: 'X:',
    });
  });

  it.each([
    ['user', /this logon session only.*elevated.*Disk Management.*MountUseMountmgrFromFSD/],
    ['local-system', /every program sees it but Disk Management/],
    ['service', /through the WinFsp Launcher.*Disk Management/],
  ] as const)('says to %s who will not see a plain letter', async (account, expected) => {
    for (const mountPoint of ['R:', '*']) {
      const { attempts } = await planMount(mountPoint, 'win32', () => {}, account);
      expect(attempts.at(-1)!.warning).toMatch(expected);
    }
  });

  it('has advice for each way to be refused', () => {
    const advice = (status: number, account: 'user' | 'service' = 'user') =>
      mountAdvice(status, 'win32', account);
    expect(advice(NtStatus.OBJECT_NAME_COLLISION)).toMatch(/in use.*another one, or \*/);
    expect(advice(NtStatus.NO_SUCH_DEVICE, 'service')).toMatch(/driver does not run/);
    expect(advice(NtStatus.ACCESS_DENIED)).toMatch(/administrator/);
    expect(advice(NtStatus.ACCESS_DENIED, 'service')).toMatch(
      /service account.*WinFsp.Launcher.*LocalSystem/,
    );
    expect(advice(NtStatus.OBJECT_NAME_COLLISION, 'service')).toMatch(/in use/);
  });

  it('does not hide a taken letter behind a second attempt', () => {
    expect(isFinalFailure(NtStatus.OBJECT_NAME_COLLISION)).toBe(true);
    expect(isFinalFailure(NtStatus.ACCESS_DENIED)).toBe(false);
  });

  it.each(['R', 'RR:', '', 'C:', 'relative\\dir'].filter((text) => text !== 'C:'))(
    '%j is no mount point',
    async (text) => {
      await expect(plan(text)).rejects.toMatchObject({ name: 'MountPointError', code: 'MALFORMED' });
    },
  );
});

describe.runIf(process.platform === 'linux')('planMount on Linux', () => {
  const folder = temporaryFolder('mp');
  const codeOf = (path: string) =>
    planMount(path, 'linux').then(
      ({ release }) => release().then(() => 'fine'),
      (error: MountPointError) => {
        expect(error).toBeInstanceOf(MountPointError);
        expect(error.message).toContain(path);
        return error.code;
      },
    );

  it('accepts an empty directory, through a link too, under its real name', async () => {
    mkdirSync(join(folder, 'empty'));
    symlinkSync(join(folder, 'empty'), join(folder, 'link'));
    const { attempts, name, release } = await planMount(join(folder, 'link'), 'linux');
    expect(name).toBe(join(folder, 'empty'));
    // The directory that was checked, also when its name leads elsewhere by now.
    expect(attempts).toEqual([{ argument: expect.stringMatching(/^\/proc\/self\/fd\/\d+$/), warning: null }]);
    expect(readlinkSync(attempts[0]!.argument!)).toBe(name);
    await release();
  });

  it('refuses anything else by its own code', async () => {
    mkdirSync(join(folder, 'full'));
    writeFileSync(join(folder, 'full', 'file'), '');
    expect(await codeOf(join(folder, 'absent'))).toBe('MISSING');
    expect(await codeOf(join(folder, 'full'))).toBe('NOT_EMPTY');
    expect(await codeOf(join(folder, 'full', 'file'))).toBe('NOT_A_DIRECTORY');
    expect(await codeOf(join(folder, 'full', 'file', 'below'))).toBe('NOT_A_DIRECTORY');
    expect(await codeOf('/proc')).toBe('ALREADY_MOUNTED');
  });
});

describe('what to do about a refused mount on Linux', () => {
  it('is what fusermount3 said, with the line to add', () => {
    const said =
      "fusermount3: option allow_other only allowed if 'user_allow_other' is set in /etc/fuse.conf";
    const advice = mountAdvice(NtStatus.ACCESS_DENIED, 'linux', 'user', said);
    expect(advice).toContain(said);
    expect(advice).toContain('add the line "user_allow_other" to /etc/fuse.conf');
    expect(mountAdvice(NtStatus.ACCESS_DENIED, 'linux', 'user', 'fusermount3: no room')).toBe(
      'fusermount3: no room.',
    );
    expect(mountAdvice(NtStatus.ACCESS_DENIED, 'linux')).toContain('install fusermount3');
  });
});

describe('parseMountInfo', () => {
  it('reads names with blanks and letters beyond ASCII', () => {
    const text =
      '36 35 98:0 / /mnt/a\\040b\\134c rw,noatime shared:1 - fuse.ramdrive RAM\\040Drive rw\n' +
      '37 35 0:44 / /mnt/gr\\303\\274n rw - tmpfs tmpfs rw\n\n';
    expect(parseMountInfo(text)).toEqual([
      {
        id: 36,
        parentId: 35,
        device: '98:0',
        mountPoint: '/mnt/a b\\c',
        type: 'fuse.ramdrive',
        source: 'RAM Drive',
      },
      { id: 37, parentId: 35, device: '0:44', mountPoint: '/mnt/grün', type: 'tmpfs', source: 'tmpfs' },
    ]);
  });
});
