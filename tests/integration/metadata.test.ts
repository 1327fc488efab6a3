/**
 * What stat says: times to 100 ns, modes and owners, links, identity; and that it survives being forgotten by the
 * kernel.
 */

import { writeFileSync } from 'node:fs';
import {
  access,
  chmod,
  chown,
  constants,
  link,
  lstat,
  mkdir,
  readFile,
  readlink,
  rename,
  stat,
  symlink,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { errorOf } from '../support/bytes.js';
import { canDropCaches } from '../support/machine.js';
import { describeMount, mount } from '../support/mount.js';
import { python } from '../support/processes.js';

/** Afterwards the kernel has to ask the drive. */
function forget(): void {
  if (canDropCaches()) {
    writeFileSync('/proc/sys/vm/drop_caches', '2');
  }
}

const MODES: [string, string[]][] = [
  ['kernel cache on', []],
  ['kernel cache off', ['--kernel-cache=off', '--file-info-timeout', '0']],
];

for (const [mode, args] of MODES) {
  describeMount(`metadata (${mode})`, () => {
    it('tells when a file was made, as long as it lives', async () => {
      const drive = await mount({ args });
      const before = Date.now() - 50;
      await writeFile(drive.path('born'), 'x');
      const { birthtimeMs } = await stat(drive.path('born'));
      expect(birthtimeMs).toBeGreaterThan(before);
      expect(birthtimeMs).toBeLessThanOrEqual(Date.now());
      await sleep(30);
      await writeFile(drive.path('born'), 'again');
      await rename(drive.path('born'), drive.path('moved'));
      for (let look = 0; look < 2; look++) {
        const now = await stat(drive.path('moved'));
        expect([now.birthtimeMs, now.size]).toEqual([birthtimeMs, 5]);
        expect(now.mtimeMs).toBeGreaterThan(birthtimeMs);
        forget();
      }
    });

    it('keeps times exactly to 100 ns', async () => {
      const drive = await mount({ args });
      await writeFile(drive.path('f'), '');
      const { stderr, code } = await python(
        `
import os, sys
path = sys.argv[1]
for atime, mtime in [(1, 1_234_567_890_123_456_700), (1_700_000_000_999_999_900, 100), (4_102_444_800_000_000_100, 2**60 // 100 * 100)]:
    os.utime(path, ns=(atime // 100 * 100, mtime))
    if len(sys.argv) > 2:
        open('/proc/sys/vm/drop_caches', 'w').write('2')
    s = os.stat(path)
    assert s.st_mtime_ns == mtime, (s.st_mtime_ns, mtime)
    assert s.st_atime_ns == atime // 100 * 100, (s.st_atime_ns, atime)
`,
        drive.path('f'),
        ...(canDropCaches() ? ['forget'] : []),
      );
      expect(stderr).toBe('');
      expect(code).toBe(0);
    });

    it('moves the write time when content changes, the change time when anything does', async () => {
      const drive = await mount({ args });
      const path = drive.path('f');
      await writeFile(path, 'one');
      await utimes(path, 1000, 1000);
      const before = await stat(path);
      await sleep(20);
      await chmod(path, 0o600);
      const changed = await stat(path);
      expect(changed.mtimeMs).toBe(1_000_000);
      expect(changed.ctimeMs).toBeGreaterThan(before.ctimeMs);
      await writeFile(path, 'two');
      forget();
      expect((await stat(path)).mtimeMs).toBeGreaterThan(1_600_000_000_000);
      const directory = await stat(drive.dir);
      await sleep(20);
      await writeFile(drive.path('another'), '');
      expect((await stat(drive.dir)).mtimeMs).toBeGreaterThan(directory.mtimeMs);
    });

    it('keeps modes and owners through renames and forgetting', async () => {
      const drive = await mount({ args });
      await writeFile(drive.path('f'), 'x');
      await mkdir(drive.path('d'));
      for (const bits of [0o777, 0o644, 0o600, 0o400, 0o000, 0o070, 0o007, 0o4755, 0o2755, 0o1777, 0o111]) {
        await chmod(drive.path('f'), bits);
        await chmod(drive.path('d'), bits);
        forget();
        expect(((await stat(drive.path('f'))).mode & 0o7777).toString(8)).toBe(bits.toString(8));
        expect(((await stat(drive.path('d'))).mode & 0o7777).toString(8)).toBe(bits.toString(8));
      }
      await chmod(drive.path('d'), 0o755);
      if (process.getuid?.() === 0) {
        await chown(drive.path('f'), 1234, 5678);
        await chmod(drive.path('f'), 0o640);
        await rename(drive.path('f'), drive.path('d/g'));
        forget();
        expect(await stat(drive.path('d/g'))).toMatchObject({ uid: 1234, gid: 5678, mode: 0o100640 });
        expect(await readFile(drive.path('d/g'), 'utf8')).toBe('x');
      }
    });

    it('gives new files the mode of their creator and its umask', async () => {
      const drive = await mount({ args });
      const old = process.umask();
      const { stderr, code } = await python(
        `
import os, stat, sys
os.chdir(sys.argv[1])
os.umask(0o027)
fd = os.open('f', os.O_CREAT | os.O_WRONLY, 0o666)
os.mkdir('d', 0o777)
# Read-only from birth, and yet its creator writes through the descriptor he got.
ro = os.open('ro', os.O_CREAT | os.O_WRONLY, 0o444)
os.write(ro, b'written')
assert stat.S_IMODE(os.stat('f').st_mode) == 0o640
assert stat.S_IMODE(os.stat('d').st_mode) == 0o750
assert stat.S_IMODE(os.stat('ro').st_mode) == 0o440
assert os.stat('f').st_uid == os.getuid()
`,
        drive.dir,
      );
      expect(stderr).toBe('');
      expect(code).toBe(0);
      expect(process.umask()).toBe(old);
    });

    it('has symbolic links that say what they were told', async () => {
      const drive = await mount({ args });
      await writeFile(drive.path('target'), 'reached');
      for (const [name, to] of [
        ['relative', 'target'],
        ['absolute', drive.path('target')],
        ['dangling', 'nowhere/at all'],
        ['odd', 'ünïcode/語:*\\'],
      ] as const) {
        await symlink(to, drive.path(name));
        forget();
        expect(await readlink(drive.path(name))).toBe(to);
        expect((await lstat(drive.path(name))).isSymbolicLink()).toBe(true);
        expect((await lstat(drive.path(name))).size).toBe(Buffer.byteLength(to));
      }
      expect(await readFile(drive.path('relative'), 'utf8')).toBe('reached');
      expect(await readFile(drive.path('absolute'), 'utf8')).toBe('reached');
      expect(await errorOf(readFile(drive.path('dangling')))).toBe('ENOENT');
      await symlink('.', drive.path('loop'));
      expect(await readFile(drive.path('loop/loop/loop/target'), 'utf8')).toBe('reached');
      await rename(drive.path('relative'), drive.path('renamed'));
      await unlink(drive.path('renamed'));
      expect(await readFile(drive.path('target'), 'utf8')).toBe('reached');
      await link(drive.path('target'), drive.path('hard'));
      expect(await readFile(drive.path('hard'), 'utf8')).toBe('reached');
    });

    it('has symbolic links that lead where Linux says', async () => {
      const drive = await mount({ args });
      await mkdir(drive.path('d/e'), { recursive: true });
      await writeFile(drive.path('d/f'), 'reached');
      await writeFile(drive.path('top'), 'the top');
      for (const [name, to, below] of [
        ['slash', 'd/', 'f'],
        ['slashes', 'd//', 'f'],
        ['root', '.', 'd/f'],
        ['d/up', '..', 'd/f'],
        ['d/upSlash', '../', 'd/f'],
        ['d/e/twice', '../../d/.', 'f'],
      ] as const) {
        await symlink(to, drive.path(name));
        forget();
        expect(await readlink(drive.path(name))).toBe(to);
        expect(await readFile(drive.path(`${name}/${below}`), 'utf8'), name).toBe('reached');
        expect((await stat(drive.path(name))).isDirectory(), name).toBe(true);
      }
      await symlink('top/', drive.path('file'));
      expect(await errorOf(readFile(drive.path('file')))).toBe('ENOTDIR');
      // Linux follows 40 (MAXSYMLINKS), Windows with WinFsp 31.
      await symlink('d/f', drive.path('1'));
      for (let i = 2; i <= 41; i++) await symlink(`${i - 1}`, drive.path(`${i}`));
      expect(await readFile(drive.path('40'), 'utf8')).toBe('reached');
      expect(await errorOf(readFile(drive.path('41')))).toBe('ELOOP');
    });

    it('gives every file its own inode number, kept through renames', async () => {
      const drive = await mount({ args });
      const seen = new Set<number>();
      for (let i = 0; i < 100; i++) {
        await writeFile(drive.path(`f${i}`), '');
        const { ino, nlink } = await stat(drive.path(`f${i}`));
        expect(ino).toBeGreaterThan(0);
        expect(nlink).toBe(1);
        expect(seen.has(ino)).toBe(false);
        seen.add(ino);
        await rename(drive.path(`f${i}`), drive.path(`g${i}`));
        forget();
        expect((await stat(drive.path(`g${i}`))).ino).toBe(ino);
      }
    });

    it.runIf(process.getuid?.() === 0)('lets permissions decide, for those who are not root', async () => {
      const drive = await mount({ args: [...args, '--allow-other'] });
      await chmod(drive.dir, 0o777);
      await writeFile(drive.path('private'), 'private', { mode: 0o600 });
      await writeFile(drive.path('public'), 'public', { mode: 0o644 });
      const { stderr, code } = await python(
        `
import os, sys
os.chdir(sys.argv[1])
os.setgid(65534); os.setuid(65534)
assert open('public').read() == 'public'
for call in (lambda: open('private'), lambda: open('public', 'w'), lambda: os.chmod('public', 0o777), lambda: os.chown('public', 65534, -1)):
    try:
        call()
        raise AssertionError('allowed')
    except PermissionError:
        pass
with open('own', 'w') as f:
    f.write('mine')
assert os.stat('own').st_uid == 65534
os.mkdir('d')
os.rename('own', 'd/own')
os.unlink('d/own')
os.rmdir('d')
`,
        drive.dir,
      );
      expect(stderr).toBe('');
      expect(code).toBe(0);
      expect(await errorOf(access(drive.path('private'), constants.R_OK))).toBe('OK');
    });

    it('answers statfs truthfully', async () => {
      const drive = await mount({ capacity: '64M', pageSize: '16K', args });
      const { stdout, code } = await python(
        'import os, sys; s = os.statvfs(sys.argv[1]); print(s.f_frsize * s.f_blocks, s.f_frsize * s.f_bfree, s.f_namemax)',
        drive.dir,
      );
      expect(code).toBe(0);
      expect(stdout.trim().split(' ').map(Number)).toEqual([64 * 2 ** 20, 64 * 2 ** 20, 255]);
    });
  });
}
