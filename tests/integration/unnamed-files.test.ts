/**
 * What Linux has beside names: files without one, the device that a rename leaves in the old place, the number of files
 * that there is room for; and overlayfs, which needs the second of its upper directory.
 */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { describeMount, mount } from '../support/mount.js';
import { python, run } from '../support/processes.js';

const isRoot = process.getuid?.() === 0;

const PRELUDE = `
import ctypes, errno, os, stat, sys, time
libc = ctypes.CDLL(None, use_errno=True)
NOREPLACE, WHITEOUT = 1, 4
def error(result):
    return None if result == 0 else errno.errorcode[ctypes.get_errno()]
def rename2(one, other, flags):
    return error(libc.renameat2(-100, one.encode(), -100, other.encode(), flags))
def link(fd, name):
    return error(libc.linkat(-100, b'/proc/self/fd/%d' % fd, -100, name.encode(), 0x400))
def unnamed(where, flags=0): return os.open(where, os.O_TMPFILE | os.O_RDWR | flags, 0o640)
def put(path, text):
    with open(path, 'w') as file: file.write(text)
def get(path):
    with open(path) as file: return file.read()
os.chdir(sys.argv[1])
`;

const UNNAMED = `
os.mkdir('d')
times = os.stat('d')
free = os.statvfs('.')
time.sleep(0.02)
fd = unnamed('d')
os.write(fd, b'x' * 5000)
now = os.statvfs('.')
assert now.f_bfree < free.f_bfree and now.f_ffree == free.f_ffree - 1 and now.f_files == free.f_files
assert os.listdir('d') == [] and os.stat('d').st_mtime_ns == times.st_mtime_ns
assert os.fstat(fd).st_nlink == 0 and stat.S_IMODE(os.fstat(fd).st_mode) == 0o640
assert link(fd, 'd') == 'EEXIST'
assert link(fd, 'd/f') is None and os.fstat(fd).st_nlink == 1 and len(get('d/f')) == 5000
os.close(fd)
assert os.stat('d/f').st_size == 5000
fd = unnamed('d', os.O_EXCL)
assert link(fd, 'd/g') == 'ENOENT'
os.close(fd)
os.unlink('d/f')
os.rmdir('d')
for _ in range(200):
    # A file goes when its release arrives, which no call waits for.
    if os.statvfs('.').f_ffree > free.f_ffree: break
    time.sleep(0.01)
assert (os.statvfs('.').f_ffree, os.statvfs('.').f_bfree) == (free.f_ffree + 1, free.f_bfree)
`;

const WHITEOUTS = `
def is_whiteout(path):
    info = os.lstat(path)
    return info.st_mode == stat.S_IFCHR and info.st_rdev == 0 and (info.st_uid, info.st_gid) == (os.getuid(), os.getgid())
put('a', 'a')
put('b', 'b')
assert rename2('a', 'b', WHITEOUT | NOREPLACE) == 'EEXIST' and get('a') == 'a'
assert rename2('a', 'b', WHITEOUT) is None and is_whiteout('a') and get('b') == 'a'
assert sorted(os.listdir('.')) == ['a', 'b'] and os.lstat('a').st_nlink == 1
assert rename2('b', 'c', WHITEOUT) is None and is_whiteout('b') and get('c') == 'a'
os.unlink('a')
assert rename2('b', 'a', WHITEOUT) is None and is_whiteout('a') and is_whiteout('b')
os.mkdir('d')
put('d/f', 'f')
assert rename2('d', 'e', WHITEOUT) is None and is_whiteout('d') and get('e/f') == 'f'
try: put('d/f', 'g')
except NotADirectoryError: pass
else: assert False
`;

/** Never is the old name absent or the new one wrong for anyone who looks. */
const ONE_STEP = `
put('x', 'content')
child = os.fork()
if child == 0:
    for _ in range(1500):
        assert rename2('x', 'y', WHITEOUT) is None
        assert rename2('y', 'x', WHITEOUT) is None
    os._exit(0)
looks = 0
while os.waitpid(child, os.WNOHANG)[0] == 0:
    os.lstat('x')
    looks += 1
assert looks > 100, looks
`;

/** What programs do to a tree that lies under another, as text: the merged tree, and the upper directory alone. */
const OVERLAY = `
set -e
cd "$1"
mkdir upper work
mount -t overlay overlay -o "lowerdir=$2,upperdir=upper,workdir=work" "$3"
cd "$3"
echo changed >> file
rm gone
mv directory moved
mkdir directory && echo new > directory/new
rm -r tree && mkdir tree && echo opaque > tree/file
ln moved/one moved/two
chmod 0751 executable
ln -sf moved/one link
setfattr -n user.a -v b file
list() { find "$1" -mindepth 1 -printf '%P %y %m %U:%G %l\\n' | sort; find "$1" -type f -printf '%P ' -exec cat {} \\; | sort; }
list .
cd "$1"
umount "$3"
list upper | sed 's/^#[0-9a-f]*//'
find upper | sort | xargs getfattr -hd -m - | grep -Ev 'origin|uuid'
mount -t overlay overlay -o "lowerdir=$2,upperdir=upper,workdir=work" "$3"
list "$3"
`;

const LOWER = `set -e
mkdir -p lower/directory lower/tree/deep place tmpfs && cd lower
echo one > directory/one; echo file > file; echo gone > gone; echo x > tree/deep/x; echo y > executable; ln -s file link`;

describeMount('files without a name, whiteouts', () => {
  for (const args of [[], ['--kernel-cache=off'], ['--no-case-sensitive'], ['--direct-io']]) {
    const name = args.join(' ') || 'as mounted by default';
    it(`leave nothing and count as files (${name})`, async () => {
      const drive = await mount({ args });
      for (const script of [UNNAMED, WHITEOUTS]) {
        expect(await python(PRELUDE + script, drive.dir)).toMatchObject({ code: 0, stderr: '' });
      }
      expect(await drive.unmount()).toMatchObject({ code: 0 });
    });
  }

  it('a whiteout is there in the step in which the name goes', async () => {
    const drive = await mount();
    expect(await python(PRELUDE + ONE_STEP, drive.dir)).toMatchObject({ code: 0, stderr: '' });
  });

  it('a whiteout without room is refused, and nothing has changed', async () => {
    const drive = await mount();
    const script = `put('a', 'a')
assert rename2('a', 'missing/b', WHITEOUT) == 'ENOENT' and get('a') == 'a' and os.listdir('.') == ['a']`;
    expect(await python(PRELUDE + script, drive.dir)).toMatchObject({ code: 0, stderr: '' });
  });
});

const hasOverlay = /\boverlay$/m.test(readFileSync('/proc/filesystems', 'utf8'));

describeMount('overlayfs', () => {
  // Not skipped but for a user who may not mount, or a kernel that has none.
  it.runIf(isRoot && hasOverlay)(
    'makes of a drive as its upper directory what it makes of tmpfs',
    async () => {
      const drive = await mount();
      const script = `${LOWER}
mount -t tmpfs tmpfs ../tmpfs
printf '%s' '${OVERLAY.replaceAll("'", `'\\''`)}' > ../overlay.sh
for upper in "$1" "$PWD/../tmpfs"; do echo "-- upper"; sh ../overlay.sh "$upper" "$PWD" "$(realpath ../place)"; umount ../place; done`;
      // In a namespace of its own: whatever happens, no mount is left.
      const { code, stdout, stderr } = await run('unshare', [
        '-m',
        'sh',
        '-ec',
        `cd "$(mktemp -d)"\n${script}`,
        'sh',
        drive.dir,
      ]);
      expect([code, stderr]).toEqual([0, '']);
      const [, onDrive, onTmpfs] = stdout.split('-- upper\n');
      expect(onDrive).toContain('gone c 0');
      expect(onDrive).toContain('changed');
      expect(onDrive).toBe(onTmpfs);
    },
  );
});
