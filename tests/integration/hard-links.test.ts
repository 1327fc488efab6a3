/** link(2): a file by several names, on drives of each kind, and the programs that make such files. */
import { expect, it } from 'vitest';
import { HARD_LINK_MAKERS, hardLinkScript } from '../../scripts/realworld/hard-links.js';
import { describeMount, mount } from '../support/mount.js';
import { python, run } from '../support/processes.js';

const NAMES = `
import errno, fcntl, mmap, os, sys
os.chdir(sys.argv[1])
def put(path, text):
    with open(path, 'w') as file: file.write(text)
def get(path):
    with open(path) as file: return file.read()
def fails(code, call, *arguments):
    try: call(*arguments)
    except OSError as error: assert error.errno == code, error
    else: assert False, 'no error'
os.mkdir('d')
put('a', 'one')
os.link('a', 'b')
os.link('b', 'd/c')
for name in ['a', 'b', 'd/c']:
    assert os.stat(name).st_nlink == 3 and os.stat(name).st_ino == os.stat('a').st_ino, name
fails(errno.EEXIST, os.link, 'a', 'b')
fails(errno.EPERM, os.link, 'd', 'e')
put('b', 'two')
assert get('a') == 'two' and get('d/c') == 'two'
free = os.statvfs('.').f_bfree
first = os.open('a', os.O_RDWR)
second = os.open('d/c', os.O_RDWR)
assert os.fstat(first).st_ino == os.fstat(second).st_ino
fcntl.flock(first, fcntl.LOCK_EX | fcntl.LOCK_NB)
fails(errno.EWOULDBLOCK, fcntl.flock, second, fcntl.LOCK_EX | fcntl.LOCK_NB)
mapping = mmap.mmap(first, 3)
os.pwrite(second, b'T', 0)
assert mapping[:] == b'Two'
os.unlink('a')
os.rename('d/c', 'd/e')
os.rename('b', 'd/e')  # one file: nothing happens
assert sorted(os.listdir('.')) == ['b', 'd'] and os.listdir('d') == ['e']
assert os.fstat(first).st_nlink == 2 and get('b') == 'Two' and get('d/e') == 'Two'
put('other', 'x')
os.rename('other', 'b')
assert get('d/e') == 'Two' and get('b') == 'x' and os.stat('d/e').st_nlink == 1
os.unlink('d/e')
assert os.fstat(second).st_nlink == 0 and os.pread(second, 3, 0) == b'Two'
mapping.close()
os.close(first)
os.close(second)
assert os.statvfs('.').f_bfree == free
os.mkdir('d/f')
assert os.stat('d').st_nlink == 3 and os.stat('.').st_nlink == 3
`;

/** Those of scripts/realworld/hard-links.ts whose programs are everywhere. */
const MAKERS = ['cp -al', 'cp -a', 'tar -x', 'git clone --local'] as const;

describeMount('hard links', () => {
  for (const args of [[], ['--no-case-sensitive'], ['--kernel-cache=off'], ['--direct-io']]) {
    it(`are names of one file (${args.join(' ') || 'default'})`, async () => {
      const drive = await mount({ args });
      const result = await python(NAMES, drive.dir);
      expect(result.stderr).toBe('');
      expect(result.code).toBe(0);
    });
  }

  it('are told apart in any case on a drive that does not tell case apart', async () => {
    const drive = await mount({ args: ['--no-case-sensitive'] });
    const { stderr } = await python(
      `
import os, sys
os.chdir(sys.argv[1])
with open('Abc', 'w') as file: file.write('x')
os.link('aBC', 'Bcd')
os.rename('bcd', 'BCD')
assert sorted(os.listdir('.')) == ['Abc', 'BCD'], os.listdir('.')
held = os.open('abc', os.O_RDWR)
os.unlink('ABC')
assert os.listdir('.') == ['BCD'] and os.fstat(held).st_nlink == 1
other = os.open('bcd', os.O_RDWR)
assert os.fstat(other).st_ino == os.fstat(held).st_ino
os.pwrite(other, b'y', 0)
assert os.pread(held, 1, 0) == b'y'
`,
      drive.dir,
    );
    expect(stderr).toBe('');
  });

  for (const name of MAKERS) {
    it(`are made by ${name}`, async () => {
      const drive = await mount();
      const script = hardLinkScript(HARD_LINK_MAKERS[name]);
      const result = await run('bash', ['-euc', `cd "$1"; ${script}`, 'bash', drive.dir]);
      expect(result.stderr).toBe('');
      expect(result.code).toBe(0);
    });
  }
});
