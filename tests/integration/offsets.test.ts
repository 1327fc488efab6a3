/** Boundaries: pages, 4 KiB, 2^31, 2^32; sparse files; the end of a file; everything of length zero. */
import { appendFile, open, readFile, stat, truncate, unlink, writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { errorOf, GIB, KIB, MIB, pattern, readFully, writeFully } from '../support/bytes.js';
import { describeMount, mount } from '../support/mount.js';
import { python } from '../support/processes.js';

const MODES: [string, string[]][] = [
  ['kernel cache on', []],
  ['kernel cache off', ['--kernel-cache=off', '--file-info-timeout', '0']],
  ['direct I/O', ['--direct-io']],
];

for (const [mode, args] of MODES) {
  describeMount(`offsets (${mode})`, () => {
    it('reads and writes around 4 KiB and page boundaries, byte for byte', async () => {
      const drive = await mount({ pageSize: '16K', args });
      const size = 80 * KIB;
      const expected = Buffer.alloc(size);
      const file = await open(drive.path('f'), 'wx+');
      try {
        await file.truncate(size);
        let seed = 1;
        for (const boundary of [0, 4 * KIB, 8 * KIB, 16 * KIB, 32 * KIB, 48 * KIB, 64 * KIB]) {
          for (const start of [boundary - 1, boundary, boundary + 1]) {
            for (const length of [1, 2, 4095, 4096, 4097, 16_383, 16_384, 16_385]) {
              if (start < 0 || start + length > size) {
                continue;
              }
              const bytes = pattern(length, ++seed);
              await writeFully(file, bytes, start);
              bytes.copy(expected, start);
            }
          }
        }
        const actual = Buffer.alloc(size);
        expect(await readFully(file, actual, 0)).toBe(size);
        expect(actual.equals(expected)).toBe(true);
        for (const boundary of [4 * KIB, 16 * KIB, 64 * KIB]) {
          for (const start of [boundary - 1, boundary, boundary + 1]) {
            for (const length of [1, 2, 4097, 16_385]) {
              const end = Math.min(start + length, size);
              const piece = Buffer.alloc(length);
              expect(await readFully(file, piece, start)).toBe(end - start);
              expect(piece.subarray(0, end - start).equals(expected.subarray(start, end))).toBe(true);
            }
          }
        }
      } finally {
        await file.close();
      }
    });

    it('keeps bytes at 2^31 and 2^32, one less and one more, zeros around them, and no memory for the holes', async () => {
      const drive = await mount({ capacity: '16G', args });
      const before = (await drive.status()).residentBytes;
      const file = await open(drive.path('sparse'), 'wx+');
      try {
        for (const middle of [2 ** 31, 2 ** 32]) {
          for (const offset of [middle - 1, middle, middle + 1]) {
            const bytes = Buffer.from([1 + (offset % 251), 2, 3]);
            await writeFully(file, bytes, offset);
            expect((await file.stat()).size).toBe(offset + 3);
            const around = Buffer.alloc(4096 + 3, 0xee);
            expect(await readFully(file, around, offset - 4096)).toBe(4096 + 3);
            expect(around.subarray(4096)).toEqual(bytes);
            expect(around.subarray(0, 4094).every((byte) => byte === 0)).toBe(true);
          }
        }
        // Past the end, and across it.
        const size = 2 ** 32 + 4;
        expect((await file.read(Buffer.alloc(10), 0, 10, size)).bytesRead).toBe(0);
        expect((await file.read(Buffer.alloc(10), 0, 10, size + 2 ** 33)).bytesRead).toBe(0);
        expect((await file.read(Buffer.alloc(10), 0, 10, size - 4)).bytesRead).toBe(4);
        for (const length of [2 ** 32 + 1, 2 ** 32, 2 ** 32 - 1, 2 ** 31 + 1, 2 ** 31, 2 ** 31 - 1, 0]) {
          await file.truncate(length);
          expect((await file.stat()).size).toBe(length);
          expect((await file.stat()).blocks * 512).toBe(Math.ceil(length / 4096) * 4096);
        }
      } finally {
        await file.close();
      }
      const status = await drive.status();
      expect(status.reservedBytes).toBe(0);
      expect(status.residentBytes - before).toBeLessThan(200 * MIB);
      expect(await drive.freeBytes()).toBe(16 * GIB);
    });

    it('shows zeros where a file was cut and grown again', async () => {
      const drive = await mount({ args });
      const path = drive.path('f');
      for (const cut of [0, 1, 4095, 4096, 4097, 8191, 12_288]) {
        await writeFile(path, Buffer.alloc(20_000, 0xff));
        await truncate(path, cut);
        await truncate(path, 20_000);
        const bytes = await readFile(path);
        expect(bytes.length).toBe(20_000);
        expect(bytes.subarray(0, cut).every((byte) => byte === 0xff)).toBe(true);
        expect(bytes.subarray(cut).every((byte) => byte === 0)).toBe(true);
      }
    });

    it('takes lengths of zero everywhere', async () => {
      const drive = await mount({ args });
      const path = drive.path('empty');
      await writeFile(path, '');
      expect(await stat(path)).toMatchObject({ size: 0, blocks: 0 });
      expect((await readFile(path)).length).toBe(0);
      const file = await open(path, 'r+');
      expect((await file.write(Buffer.alloc(0), 0, 0, 0)).bytesWritten).toBe(0);
      expect((await file.write(Buffer.alloc(0), 0, 0, 1_000_000)).bytesWritten).toBe(0);
      expect((await file.read(Buffer.alloc(1), 0, 0, 0)).bytesRead).toBe(0);
      expect((await file.read(Buffer.alloc(1), 0, 1, 0)).bytesRead).toBe(0);
      await file.truncate(0);
      await file.sync();
      await file.close();
      await appendFile(path, '');
      expect((await stat(path)).size).toBe(0);
      await unlink(path);
    });

    it('does not read or write before the start or beyond any length', async () => {
      const drive = await mount({ args });
      const { stderr, code } = await python(
        `
import errno, os, sys
fd = os.open(sys.argv[1], os.O_CREAT | os.O_RDWR)
def refused(call, *codes):
    try:
        call()
    except OSError as error:
        assert error.errno in codes, error
    else:
        raise AssertionError('not refused')
refused(lambda: os.pread(fd, 1, -1), errno.EINVAL)
refused(lambda: os.pwrite(fd, b'x', -1), errno.EINVAL)
refused(lambda: os.ftruncate(fd, -1), errno.EINVAL)
refused(lambda: os.pwrite(fd, b'xx', 2**63 - 2), errno.EFBIG, errno.EINVAL)
refused(lambda: os.ftruncate(fd, 2**63 - 1), errno.EFBIG)
refused(lambda: os.ftruncate(fd, 2**53), errno.EFBIG)
assert os.fstat(fd).st_size == 0
`,
        drive.path('f'),
      );
      expect(stderr).toBe('');
      expect(code).toBe(0);
    });

    it('writes vectors and single bytes to the same result', async () => {
      const drive = await mount({ args });
      const bytes = pattern(10_000, 5);
      const file = await open(drive.path('v'), 'wx+');
      const parts: Buffer[] = [];
      for (let at = 0, n = 1; at < bytes.length; at += n, n = (n * 3) % 701 || 1) {
        parts.push(bytes.subarray(at, Math.min(at + n, bytes.length)));
      }
      await file.writev(parts, 0);
      await file.close();
      expect((await readFile(drive.path('v'))).equals(bytes)).toBe(true);
      const single = await open(drive.path('s'), 'wx+');
      for (let at = 0; at < 300; at++) {
        await single.write(bytes, at, 1, at);
      }
      await single.close();
      expect((await readFile(drive.path('s'))).equals(bytes.subarray(0, 300))).toBe(true);
      expect(await errorOf(stat(drive.path('none')))).toBe('ENOENT');
    });
  });
}
