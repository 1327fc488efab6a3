/**
 * copy_file_range inside a drive: `cp` and Node's copyFile go through it, and no byte comes up to the kernel. Content
 * against what was written, room against the ledger, and what another program has mapped or cached.
 */
import { randomBytes } from 'node:crypto';
import { copyFile, readFile, stat, writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { describeMount, mount } from '../support/mount.js';
import { python, run } from '../support/processes.js';

const isRoot = process.getuid?.() === 0;
const BIG_BYTES = 20 * 2 ** 20 + 12345;

const HOLES = `
import os, sys
os.chdir(sys.argv[1])
with open('sparse', 'wb') as file:
    file.truncate(8 << 20)
    file.seek(3 << 20)
    file.write(b'x' * 5000)
source, target = os.open('sparse', os.O_RDONLY), os.open('copy', os.O_CREAT | os.O_WRONLY)
done = 0
while done < 8 << 20: done += os.copy_file_range(source, target, (8 << 20) - done, done, done)
assert open('copy', 'rb').read() == open('sparse', 'rb').read()
assert os.lseek(target, 0, os.SEEK_DATA) == 3 << 20
# What a reader has cached, and stored through a mapping, is what a copy replaces and takes along.
reader = open('copy', 'rb', buffering=0)
assert reader.read(4096) == bytes(4096)
assert os.copy_file_range(source, target, 100, 3 << 20, 50) == 100
assert os.pread(reader.fileno(), 200, 0) == bytes(50) + b'x' * 100 + bytes(50)
`;

const MAPPED = `
import mmap, os, sys
os.chdir(sys.argv[1])
source = os.open('m', os.O_CREAT | os.O_RDWR)
os.ftruncate(source, 8192)
mapping = mmap.mmap(source, 8192)
target = os.open('n', os.O_CREAT | os.O_WRONLY)
for round in range(50):
    mapping[100:105] = b'%05d' % round
    assert os.copy_file_range(source, target, 8192, 0, 0) == 8192
    assert os.pread(os.open('n', os.O_RDONLY), 5, 100) == b'%05d' % round
`;

const SET_IDS = `
import os, stat, sys
os.chdir(sys.argv[1])
open('a', 'w').write('content')
open('s', 'w').write('')
os.chmod('s', 0o6777)
def copy():
    source, target = os.open('a', os.O_RDONLY), os.open('s', os.O_WRONLY)
    assert os.copy_file_range(source, target, 7, 0, 0) == 7
    return stat.S_IMODE(os.stat('s').st_mode)
assert copy() == 0o6777
os.setgid(4242)
os.setuid(4242)
assert copy() == 0o777, oct(copy())
`;

describeMount('copies inside a drive', () => {
  for (const args of [[], ['--kernel-cache=off'], ['--no-case-sensitive'], ['--direct-io']]) {
    it(`have the content of the original (${args.join(' ') || 'as mounted by default'})`, async () => {
      const drive = await mount({ args, capacity: '128M' });
      const content = randomBytes(BIG_BYTES);
      await writeFile(drive.path('big'), content);
      const before = await drive.status();
      await copyFile(drive.path('big'), drive.path('by-node'));
      expect((await run('cp', [drive.path('big'), drive.path('by-cp')])).stderr).toBe('');
      for (const name of ['by-node', 'by-cp']) {
        expect((await readFile(drive.path(name))).equals(content)).toBe(true);
      }
      const after = await drive.status();
      expect(after.reservedBytes - before.reservedBytes).toBe(2 * Math.ceil(BIG_BYTES / 4096) * 4096);
      expect((await stat(drive.path('by-cp'))).size).toBe(BIG_BYTES);
      const { code, stderr } = await python(HOLES, drive.dir);
      expect([code, stderr]).toEqual([0, '']);
    });
  }

  it('take along what was stored through a mapping', async () => {
    const drive = await mount();
    expect(await python(MAPPED, drive.dir)).toMatchObject({ code: 0, stderr: '' });
  });

  it('end where room ends', async () => {
    const drive = await mount({ capacity: '8M' });
    await writeFile(drive.path('a'), randomBytes(5 * 2 ** 20));
    await expect(copyFile(drive.path('a'), drive.path('b'))).rejects.toMatchObject({ code: 'ENOSPC' });
    const { stdout } = await run('stat', ['-f', '-c', '%f', drive.dir]);
    expect(Number(stdout)).toBeLessThanOrEqual(3 * 256);
  });

  it.runIf(isRoot)('take set-id bits away, as a write does', async () => {
    const drive = await mount({ args: ['--allow-other', '--mode', '0777'] });
    expect(await python(SET_IDS, drive.dir)).toMatchObject({ code: 0, stderr: '' });
  });
});
