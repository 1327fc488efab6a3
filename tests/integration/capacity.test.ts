/**
 * The capacity ledger on a mount: exact to the byte, nothing lost, nothing leaked (FreeBytesAccurate, NoSilentLoss,
 * AllOrNothing).
 */
import { mkdir, open, readdir, rm, stat, truncate, unlink } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { differenceIn, errorOf, KIB, MIB, pattern, writeFully, writeNew } from '../support/bytes.js';
import { describeMount, type MountedDrive, mount } from '../support/mount.js';
import { Client, python, run } from '../support/processes.js';

const CACHE_MODES: [string, string[]][] = [
  ['kernel cache on', []],
  ['kernel cache off', ['--kernel-cache=off', '--file-info-timeout', '0']],
];

describeMount('capacity', () => {
  for (const [mode, args] of CACHE_MODES) {
    it(`fits a file of exactly the free size, and refuses one byte more without changing anything (${mode})`, async () => {
      const drive = await mount({ capacity: '16M', args });
      const free = await drive.freeBytes();
      expect(free).toBe(16 * MIB);
      await writeNew(drive.path('full'), free, 7);
      expect(await drive.freeBytes()).toBe(0);
      const file = await open(drive.path('full'), 'r+');
      try {
        expect(await errorOf(file.write(Buffer.from('x'), 0, 1, free))).toBe('ENOSPC');
        expect(await errorOf(file.truncate(free + 1))).toBe('ENOSPC');
        expect((await file.stat()).size).toBe(free);
        // What lies inside can still be written: its room is paid for.
        await writeFully(file, pattern(MIB, 7), 0);
      } finally {
        await file.close();
      }
      expect(await differenceIn(drive.path('full'), free, 7)).toBe(null);
      // A file without a byte costs nothing; its first byte does.
      const other = await open(drive.path('other'), 'wx');
      expect(await errorOf(other.write('x'))).toBe('ENOSPC');
      expect((await other.stat()).size).toBe(0);
      await other.close();
      await unlink(drive.path('full'));
      expect(await drive.freeBytes()).toBe(free);
    });

    it(`is exact in its last page too (${mode})`, async () => {
      const drive = await mount({ capacity: '64K', pageSize: '16K', args });
      await writeNew(drive.path('a'), 48 * KIB + 1);
      expect(await drive.freeBytes()).toBe(0);
      // The page is reserved whole, so the file may grow to its end and no byte further.
      await truncate(drive.path('a'), 64 * KIB);
      expect(await errorOf(truncate(drive.path('a'), 64 * KIB + 1))).toBe('ENOSPC');
      expect((await stat(drive.path('a'))).size).toBe(64 * KIB);
      await truncate(drive.path('a'), 48 * KIB);
      expect(await drive.freeBytes()).toBe(16 * KIB);
    });

    it(`reserves holes, so that who was told yes can write (${mode})`, async () => {
      const drive = await mount({ capacity: '16M', args });
      const a = await open(drive.path('a'), 'wx');
      const b = await open(drive.path('b'), 'wx');
      try {
        await a.truncate(10 * MIB);
        expect(await drive.freeBytes()).toBe(6 * MIB);
        expect(await errorOf(b.truncate(10 * MIB))).toBe('ENOSPC');
        expect((await b.stat()).size).toBe(0);
        await b.truncate(6 * MIB);
        for (let at = 0; at < 10 * MIB; at += MIB) {
          await writeFully(a, pattern(MIB, 3), at);
        }
        for (let at = 0; at < 6 * MIB; at += MIB) {
          await writeFully(b, pattern(MIB, 4), at);
        }
      } finally {
        await a.close();
        await b.close();
      }
      expect(await differenceIn(drive.path('a'), 10 * MIB, 3)).toBe(null);
      expect(await differenceIn(drive.path('b'), 6 * MIB, 4)).toBe(null);
    });

    it(`lets exactly one of two processes extend when both together would exceed it (${mode})`, async () => {
      const drive = await mount({ capacity: '16M', args });
      const clients = [new Client(), new Client()];
      for (let round = 0; round < 20; round++) {
        const paths = [drive.path(`a${round}`), drive.path(`b${round}`)];
        const files = await Promise.all(
          clients.map((client, i) => client.do<number>('openSync', paths[i], 'wx')),
        );
        const results = await Promise.all(
          clients.map((client, i) => client.errorOf('ftruncateSync', files[i], 10 * MIB)),
        );
        expect([...results].sort()).toEqual(['ENOSPC', 'OK']);
        const winner = results.indexOf('OK');
        for (let at = 0; at < 10; at++) {
          expect(
            await clients[winner]!.do('writeSync', files[winner], pattern(MIB, round), 0, MIB, at * MIB),
          ).toBe(MIB);
        }
        await Promise.all(clients.map((client, i) => client.do('closeSync', files[i])));
        expect(await differenceIn(paths[winner]!, 10 * MIB, round)).toBe(null);
        expect((await stat(paths[1 - winner]!)).size).toBe(0);
        await Promise.all(paths.map((path) => unlink(path)));
      }
    });
  }

  it('leaks nothing in 200 rounds of filling and emptying', async () => {
    const drive = await mount({ capacity: '8M' });
    const free = await drive.freeBytes();
    const files = (await drive.status()).files;
    for (let round = 0; round < 200; round++) {
      await fillWithMany(drive, round);
      expect(await drive.freeBytes()).toBe(0);
      await emptyInSomeOrder(drive, round);
      expect(await drive.freeBytes()).toBe(free);
      if (round % 20 === 19) {
        const status = await drive.status();
        expect(status).toMatchObject({ reservedBytes: 0, allocatedBytes: 0, files, freeBytes: free });
        expect(status.selfCheck?.violations).toEqual([]);
      }
    }
  });

  it('gives memory back to the system after deletes', async () => {
    const drive = await mount({ capacity: '512M', pageSize: '64K' });
    const before = (await drive.status()).residentBytes;
    await writeNew(drive.path('big'), 400 * MIB);
    const full = (await drive.status()).residentBytes;
    expect(full - before).toBeGreaterThan(350 * MIB);
    await unlink(drive.path('big'));
    const after = (await drive.status()).residentBytes;
    expect(after - before).toBeLessThan(100 * MIB);
  });

  it('agrees with df and with the sum of what files reserve', async () => {
    const drive = await mount({ capacity: '32M' });
    await mkdir(drive.path('d'));
    let reserved = 0;
    for (const [i, size] of [0, 1, 4095, 4096, 4097, 100_000, 5 * MIB].entries()) {
      await writeNew(drive.path('d', `f${i}`), size, i);
      const { blocks, size: length } = await stat(drive.path('d', `f${i}`));
      expect(length).toBe(size);
      expect(blocks * 512).toBe(Math.ceil(size / 4096) * 4096);
      reserved += blocks * 512;
    }
    expect((await drive.status()).reservedBytes).toBe(reserved);
    expect(await drive.freeBytes()).toBe(32 * MIB - reserved);
    const { stdout } = await run('df', ['-B1', '--output=size,used,avail', drive.dir]);
    expect(stdout.trim().split('\n')[1]!.trim().split(/\s+/).map(Number)).toEqual([
      32 * MIB,
      reserved,
      32 * MIB - reserved,
    ]);
  });

  it('keeps the room of an allocation that is larger than the file until it is cut, as tmpfs does', async () => {
    const drive = await mount({ capacity: '16M' });
    const { code, stderr } = await python(
      `
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
KEEP_SIZE, MIB = 1, 1 << 20
fd = os.open(sys.argv[1] + '-other', os.O_CREAT | os.O_WRONLY)
os.posix_fallocate(fd, 0, MIB)
try:
    os.posix_fallocate(fd, 0, 17 * MIB)
    assert False
except OSError as error:
    assert error.errno == 28, error
assert os.fstat(fd).st_size == MIB
os.close(fd)
os.unlink(sys.argv[1] + '-other')
fd = os.open(sys.argv[1], os.O_CREAT | os.O_RDWR)
free = lambda: os.statvfs(sys.argv[1]).f_bavail * os.statvfs(sys.argv[1]).f_bsize
assert libc.fallocate(fd, KEEP_SIZE, 0, 10 * MIB) == 0, ctypes.get_errno()
assert os.fstat(fd).st_size == 0
assert os.fstat(fd).st_blocks * 512 == 10 * MIB, os.fstat(fd).st_blocks
assert free() == 6 * MIB, free()
assert libc.fallocate(fd, KEEP_SIZE, 0, 17 * MIB) == -1 and ctypes.get_errno() == 28, ctypes.get_errno()
assert libc.fallocate(fd, 0, 0, 12 * MIB) == 0, ctypes.get_errno()
assert os.fstat(fd).st_size == 12 * MIB
assert os.pread(fd, 10, 5 * MIB) == bytes(10)
os.ftruncate(fd, 0)
assert free() == 16 * MIB, free()
assert libc.fallocate(fd, KEEP_SIZE, 0, 10 * MIB) == 0, ctypes.get_errno()
os.write(fd, bytes(MIB))
os.close(fd)
assert free() == 6 * MIB and os.stat(sys.argv[1]).st_blocks * 512 == 10 * MIB, free()
os.truncate(sys.argv[1], 2 * MIB)
assert free() == 6 * MIB, free()
os.truncate(sys.argv[1], 2 * MIB)
assert free() == 14 * MIB and os.stat(sys.argv[1]).st_blocks * 512 == 2 * MIB, free()
fd = os.open(sys.argv[1], os.O_RDWR | os.O_TRUNC)
assert libc.fallocate(fd, KEEP_SIZE, 0, 10 * MIB) == 0, ctypes.get_errno()
os.ftruncate(fd, 0)
assert free() == 16 * MIB, free()
os.close(fd)
`,
      drive.path('f'),
    );
    expect(stderr).toBe('');
    expect(code).toBe(0);
  });

  it('reserves one file no more than the drive has: the largest sizes are refused', async () => {
    const drive = await mount({ capacity: '16M' });
    const file = await open(drive.path('f'), 'wx');
    for (const size of [16 * MIB + 1, 2 ** 31, 2 ** 32, 2 ** 40, 2 ** 52]) {
      expect(['ENOSPC', 'EFBIG']).toContain(await errorOf(file.truncate(size)));
      expect((await file.stat()).size).toBe(0);
    }
    await file.close();
    expect(await drive.freeBytes()).toBe(16 * MIB);
  });

  it('lets several processes fight for the last pages without losing one', async () => {
    const drive = await mount({ capacity: '4M' });
    const clients = [1, 2, 3, 4].map(() => new Client());
    for (let round = 0; round < 5; round++) {
      const counts = await Promise.all(
        clients.map(async (client, i) => {
          let stored = 0;
          for (let n = 0; ; n++) {
            const error = await client.errorOf(
              'writeFileSync',
              drive.path(`${i}-${n}`),
              pattern(64 * KIB, n),
            );
            if (error !== 'OK') {
              expect(error).toBe('ENOSPC');
              await client.do('unlinkSync', drive.path(`${i}-${n}`));
              return stored;
            }
            stored++;
          }
        }),
      );
      // Files that were refused half way may have been refused for room that another refused one held for a moment.
      const used = counts.reduce((sum, count) => sum + count, 0) * 64 * KIB;
      expect(await drive.freeBytes()).toBe(4 * MIB - used);
      expect(used).toBeGreaterThan(3 * MIB);
      for (const name of await readdir(drive.dir)) {
        expect(await differenceIn(drive.path(name), 64 * KIB, Number(name.split('-')[1]))).toBe(null);
        await unlink(drive.path(name));
      }
      expect(await drive.freeBytes()).toBe(4 * MIB);
    }
  });
});

/** Files of growing odd sizes, until the last one takes exactly what is left. */
async function fillWithMany(drive: MountedDrive, round: number): Promise<void> {
  for (let n = 0; ; n++) {
    const free = await drive.freeBytes();
    if (free === 0) {
      return;
    }
    const size = Math.min(free, 1 + ((round * 7919 + n * 104_729) % (2 * MIB)));
    await writeNew(drive.path(`f${n}`), size, n);
  }
}

async function emptyInSomeOrder(drive: MountedDrive, round: number): Promise<void> {
  const names = await readdir(drive.dir);
  switch (round % 3) {
    case 0:
      for (const name of names) {
        await unlink(drive.path(name));
      }
      break;
    case 1:
      // Truncated first, then removed.
      await Promise.all(names.map((name) => truncate(drive.path(name), round)));
      await Promise.all(names.map((name) => unlink(drive.path(name))));
      break;
    default:
      await Promise.all(names.reverse().map((name) => rm(drive.path(name))));
  }
}
