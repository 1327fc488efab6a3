/** fallocate's holes and zeros, and lseek that finds them: memory goes back, room stays reserved. */
import { expect, it } from 'vitest';
import { describeMount, mount } from '../support/mount.js';
import { python } from '../support/processes.js';

const HOLES = `
import ctypes, errno, mmap, os, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
KEEP_SIZE, PUNCH_HOLE, COLLAPSE_RANGE, ZERO_RANGE, INSERT_RANGE = 1, 2, 8, 16, 32
PAGE = 4096
os.chdir(sys.argv[1])
def fallocate(fd, mode, at, length):
    if libc.fallocate(fd, mode, at, length) != 0: raise OSError(ctypes.get_errno(), 'fallocate')
def fails(code, call, *arguments):
    try: call(*arguments)
    except OSError as error: assert error.errno == code, error
    else: assert False, 'no error'
def free(): return os.statvfs('.').f_bfree
fd = os.open('f', os.O_CREAT | os.O_RDWR)
data = bytearray(bytes(range(1, 251)) * (PAGE // 10))
size = len(data)
assert os.write(fd, data) == size
room = free()
for mode in [KEEP_SIZE | PUNCH_HOLE, KEEP_SIZE | ZERO_RANGE, ZERO_RANGE]:
    for at, length in [(PAGE, 2 * PAGE), (100, 50), (4 * PAGE + 10, 3 * PAGE), (5 * PAGE, PAGE), (size - 10, 10), (0, PAGE)]:
        fallocate(fd, mode, at, length)
        data[at:at + length] = bytes(length)
        assert os.pread(fd, size + 10, 0) == data, (mode, at, length)
        assert os.fstat(fd).st_size == size and free() == room
        data[at:at + length] = b'z' * length
        assert os.pwrite(fd, b'z' * length, at) == length
old = (1000 * 10**9, 1000 * 10**9)
os.utime(fd, ns=old)
fallocate(fd, KEEP_SIZE | PUNCH_HOLE, size, 10 * PAGE)
fallocate(fd, KEEP_SIZE | PUNCH_HOLE, PAGE, 3 * PAGE)
assert os.fstat(fd).st_size == size and os.fstat(fd).st_mtime > 1000 and free() == room
assert os.lseek(fd, 0, os.SEEK_HOLE) == PAGE and os.lseek(fd, PAGE, os.SEEK_DATA) == 4 * PAGE
assert os.lseek(fd, 5, os.SEEK_DATA) == 5 and os.lseek(fd, 4 * PAGE, os.SEEK_HOLE) == size
fails(errno.ENXIO, os.lseek, fd, size, os.SEEK_DATA)
fails(errno.ENXIO, os.lseek, fd, size, os.SEEK_HOLE)
fallocate(fd, ZERO_RANGE, size - 4, 8)
assert os.fstat(fd).st_size == size + 4 and os.pread(fd, 9, size - 4) == bytes(8)
for mode in [COLLAPSE_RANGE, INSERT_RANGE]: fails(errno.EOPNOTSUPP, fallocate, fd, mode, PAGE, PAGE)
sparse = os.open('s', os.O_CREAT | os.O_RDWR)
os.ftruncate(sparse, 10 * PAGE)
fails(errno.ENXIO, os.lseek, sparse, 0, os.SEEK_DATA)
assert os.lseek(sparse, 5, os.SEEK_HOLE) == 5
mapping = mmap.mmap(sparse, 10 * PAGE)
mapping[3 * PAGE] = 7
assert os.lseek(sparse, 0, os.SEEK_DATA) == 3 * PAGE and os.lseek(sparse, 3 * PAGE, os.SEEK_HOLE) == 4 * PAGE
fallocate(sparse, KEEP_SIZE | PUNCH_HOLE, 3 * PAGE, PAGE)
assert mapping[3 * PAGE] == 0
`;

describeMount('holes', () => {
  for (const args of [[], ['--kernel-cache=off'], ['--no-case-sensitive'], ['--page-size', '64K']]) {
    it(`are made and found (${args.join(' ') || 'default'})`, async () => {
      const drive = await mount({ capacity: '16M', args });
      // With larger pages only whole ones become holes, so where they are found differs.
      const script = args.includes('--page-size') ? HOLES.replaceAll('PAGE = 4096', 'PAGE = 65536') : HOLES;
      const { code, stderr } = await python(script, drive.dir);
      expect(stderr).toBe('');
      expect(code).toBe(0);
    });
  }

  it('give memory back, and keep their room', async () => {
    const drive = await mount({ capacity: '16M' });
    const { code, stderr } = await python(
      `
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
os.chdir(sys.argv[1])
fd = os.open('f', os.O_CREAT | os.O_RDWR)
os.write(fd, b'x' * (15 << 20))
blocks = os.fstat(fd).st_blocks
assert libc.fallocate(fd, 3, 0, 15 << 20) == 0
assert os.fstat(fd).st_blocks == blocks and os.statvfs('.').f_bfree <= 256
# The room is there for what is written again.
assert os.pwrite(fd, b'y' * (15 << 20), 0) == 15 << 20 and os.pread(fd, 1, 5 << 20) == b'y'
`,
      drive.dir,
    );
    expect(stderr).toBe('');
    expect(code).toBe(0);
  });
});
