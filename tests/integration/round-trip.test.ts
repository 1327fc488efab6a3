/**
 * A drive with everything that Linux programs can make, saved, mounted again, and unpacked by other programs: every
 * file is exactly what it was, with all 4,096 modes for owners and groups that are equal and that are not.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, closeSync, mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { cli, describeMount, type MountedDrive, mount } from '../support/mount.js';
import { run } from '../support/processes.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const MODES = 0o10000;
/** Equal and different. */
const IDS = [
  [1001, 1001],
  [20_480, 4095],
] as const;
const folder = temporaryFolder('round-trip-mount');
const isRoot = process.getuid?.() === 0;
const needsRoot = isRoot ? '' : ' (skipped: only root can give files away and make devices)';

const FILL = `
import os, socket, stat, sys
os.chdir(os.fsencode(sys.argv[1]))
def put(name, content=b'x'):
    with open(name, 'wb') as file: file.write(content)
names = [b'n' * 255, '語'.encode() * 85, b'caf\\xe9', b'\\xff\\x80\\xfe', b'back\\\\slash', b'line\\nend', b'-rf', b'a=b',
         b' 12 path=x ', '😀'.encode(), b'tail. ', b'~1', bytes(range(1, 47)), bytes(range(48, 256))]
os.mkdir(b'names')
for index, name in enumerate(names):
    put(b'names/' + name, name * (index * 100))
    os.mkdir(b'names/d' + name[:254])
    put(b'names/d' + name[:254] + b'/' + name)
    os.link(b'names/' + name, b'names/l' + name[:254])
    os.symlink(name, b'names/s' + name[:254])
deep = b'.'
for _ in range(10):
    deep += b'/' + b'd' * 120
    os.mkdir(deep)
put(deep + b'/' + b'f' * 200)
os.link(deep + b'/' + b'f' * 200, b'shallow')
os.mkdir(b'kinds')
os.mkfifo(b'kinds/fifo')
os.link(b'kinds/fifo', b'kinds/fifo again')
os.mknod(b'kinds/character', stat.S_IFCHR | 0o640, os.makedev(1, 3))
os.mknod(b'kinds/block', stat.S_IFBLK | 0o604, os.makedev(259, 70000))
os.symlink(b'/nowhere/' + b'x' * 3000, b'kinds/long link')
os.symlink(b'../names', b'kinds/to a directory')
os.link(b'kinds/to a directory', b'kinds/linked link', follow_symlinks=False)
os.mkdir(b'holes')
for number, pieces in enumerate([[], [(0, 1)], [(4096, 4096)], [(12288, 10), (40960, 5000)], [(100, 8192), (99999, 1)]]):
    with open(b'holes/%d' % number, 'wb') as file:
        for at, length in pieces:
            file.seek(at)
            file.write(bytes([number + 1]) * length)
        file.truncate(131072 + number)
os.link(b'holes/3', b'kinds/holes')
os.mkdir(b'attributes')
put(b'attributes/f')
os.setxattr(b'attributes/f', 'user.text', b'value\\n=')
os.setxattr(b'attributes/f', 'user.empty', b'')
os.setxattr(b'attributes', 'user.binary', bytes(range(256)) * 8)
os.setxattr(b'attributes/f', 'trusted.t', b'1')
os.mkdir(b'times')
# To 100 ns, before 1970, beyond 2038 and 2106.
for time in [0, 100, 1234567890_123456700, 999999999_999999900, 2**31 * 10**9 + 100, 2**33 * 10**9, -100, -3_500_000_000, -10**18]:
    name = b'times/%d' % time
    put(name)
    os.utime(name, ns=(time + 700, time))
os.symlink(b'x', b'times/link')
os.utime(b'times/link', ns=(100, 1234567890_765432100), follow_symlinks=False)
os.utime(b'times', ns=(300, 1_000_000_000_000_000_200))
`;

/** What is below a directory, one JSON object a path, names as hexadecimal digits. */
const TELL = `
import hashlib, json, os, stat, sys
os.chdir(os.fsencode(sys.argv[1]))
skip = set(os.fsencode(name) for name in sys.argv[2:])
paths = []
for directory, directories, files in os.walk(b'.'):
    paths += [os.path.join(directory, name) for name in directories + files if name not in skip]
before = {path: os.lstat(path) for path in sorted(paths)}
first = {}
def extents(path, size):
    found, fd, at = [], os.open(path, os.O_RDONLY), 0
    try:
        while at < size:
            at = os.lseek(fd, at, os.SEEK_DATA)
            end = os.lseek(fd, at, os.SEEK_HOLE)
            found.append([at, end])
            at = end
    except OSError: pass
    os.close(fd)
    return found
all = {}
for path, s in before.items():
    isFile = stat.S_ISREG(s.st_mode)
    all[path.hex()] = {
        'mode': oct(s.st_mode), 'uid': s.st_uid, 'gid': s.st_gid, 'links': s.st_nlink, 'size': s.st_size,
        'rdev': s.st_rdev, 'mtime': str(s.st_mtime_ns), 'atime': str(s.st_atime_ns), 'ctime': str(s.st_ctime_ns),
        'linkedTo': first.setdefault((s.st_dev, s.st_ino), path.hex()),
        'target': os.readlink(path).hex() if stat.S_ISLNK(s.st_mode) else None,
        'content': hashlib.sha256(open(path, 'rb').read()).hexdigest() if isFile else None,
        'extents': extents(path, s.st_size) if isFile else None,
        'attributes': sorted([name, os.getxattr(path, name, follow_symlinks=False).hex()]
                             for name in os.listxattr(path, follow_symlinks=False)),
    }
print(json.dumps(all))
`;

type Told = Record<string, Record<string, unknown>>;

async function python(script: string, ...args: string[]): Promise<string> {
  const { code, stderr, stdout } = await run('python3', ['-c', script, ...args]);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return stdout;
}

const tell = async (directory: string, ...skip: string[]): Promise<Told> =>
  JSON.parse(await python(TELL, directory, ...skip));

function expectSame(given: Told, due: Told): void {
  expect(Object.keys(given).sort()).toEqual(Object.keys(due).sort());
  const different = Object.keys(due).filter(
    (path) => JSON.stringify(given[path]) !== JSON.stringify(due[path]),
  );
  const shown = different.slice(0, 5);
  const name = (path: string) => Buffer.from(path, 'hex').toString('latin1');
  expect(shown.map((path) => [name(path), given[path]])).toEqual(
    shown.map((path) => [name(path), due[path]]),
  );
}

function allModes(drive: MountedDrive): void {
  for (const [uid, gid] of IDS) {
    const directory = drive.path(`modes-${uid}-${gid}`);
    mkdirSync(directory);
    for (let mode = 0; mode < MODES; mode++) {
      const path = join(directory, `${mode}`);
      closeSync(openSync(path, 'w'));
      chownSync(path, uid, gid);
      chmodSync(path, mode);
    }
    chownSync(directory, uid, gid);
  }
}

const UNPACKERS: [program: string, args: string[]][] = [
  ['tar', ['--warning=no-unknown-keyword', '--warning=no-timestamp', '-xpf']],
  // Root has modes restored anyway; -p would restore attributes, too, which Linux allows links none of.
  ['bsdtar', ['--no-xattrs', '-xf']],
  [
    'python3',
    ['-c', "import sys, tarfile; tarfile.open(sys.argv[1]).extractall('.', filter='fully_trusted')"],
  ],
];

/** On a busy machine a save takes long enough to be told of. */
const PROGRESS_AT_MOST = expect.stringMatching(/^(ramdrive: saving: .*\n)*$/);

describeMount('a drive that is saved', () => {
  it.skipIf(!isRoot)(`and mounted again has every file exactly as it was${needsRoot}`, async () => {
    const image = join(folder, 'drive.tar');
    const first = await mount({ args: ['--image', image] });
    await python(FILL, first.dir);
    allModes(first);
    const due = await tell(first.dir);
    const running = join(folder, 'running.tar');
    expect(await cli('save', first.dir, running)).toMatchObject({ code: 0, stderr: PROGRESS_AT_MOST });
    await first.unmount();
    for (const saved of [running, image]) {
      const drive = await mount({ args: ['--image', saved] });
      expectSame(await tell(drive.dir), due);
      await drive.unmount();
    }
  });

  for (const [program, args] of UNPACKERS) {
    const isThere = spawnSync(program, ['--version']).error === undefined;
    const reason = isThere ? needsRoot : ' (skipped: it is not installed)';
    it.skipIf(!isRoot || !isThere)(`is unpacked by ${program}${reason}`, async () => {
      const drive = await mount();
      await python(FILL, drive.dir);
      allModes(drive);
      const image = join(folder, `for-${program}.tar`);
      expect(await cli('save', drive.dir, image)).toMatchObject({ code: 0, stderr: PROGRESS_AT_MOST });
      const into = mkdtempSync(join(folder, 'unpacked-'));
      const { status, stderr } = spawnSync(program, [...args, image], { cwd: into, encoding: 'utf8' });
      expect(stderr).toBe('');
      expect(status).toBe(0);
      const due = await tell(drive.dir);
      const given = await tell(into, '.ramdrive-manifest.json');
      expectSame(portable(given, program, due), portable(due, program, due));
      rmSync(into, { recursive: true });
    });
  }
});

/** What every program unpacks. Python makes links anew: without times, and a second name is a link of its own. */
function portable(all: Told, program: string, due: Told): Told {
  return Object.fromEntries(
    Object.entries(all).map(([path, file]) => {
      const { mode, uid, gid, links, size, rdev, linkedTo, target, content, mtime } = file;
      const kept = { mode, uid, gid, rdev, target, content };
      if (target !== null && program === 'python3') return [path, kept];
      const isDirectory = String(mode).startsWith('0o4');
      const time = timeFor(program, BigInt(String(mtime)), BigInt(String(due[path]?.mtime ?? 0)));
      return [path, { ...kept, time, linkedTo, ...(!isDirectory && { links, size }) }];
    }),
  );
}

function timeFor(program: string, mtime: bigint, due: bigint): string {
  // A floating-point number.
  if (program === 'python3') return String(Math.round(Number(mtime) / 1e4));
  // bsdtar 3.6.2 adds the fraction of a time before 1970, where GNU tar takes it off.
  if (program === 'bsdtar' && due < 0n && due % 1_000_000_000n !== 0n) return 'not compared';
  return String(mtime);
}
