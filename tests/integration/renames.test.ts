/** rename(2): one step for everybody who looks, whatever is replaced, and nothing lost when it is refused. */
import { expect, it } from 'vitest';
import { describeMount, mount } from '../support/mount.js';
import { python } from '../support/processes.js';

/**
 * renameat2 with flags; the name of the error, or null. A child that does something over and over while the parent
 * looks.
 */
const PRELUDE = `
import ctypes, errno, os, shutil, sys
libc = ctypes.CDLL(None, use_errno=True)
NOREPLACE, EXCHANGE, WHITEOUT = 1, 2, 4
def rename2(one, other, flags):
    if libc.renameat2(-100, one.encode(), -100, other.encode(), flags) == 0: return None
    return errno.errorcode[ctypes.get_errno()]
def rename(one, other):
    try: os.rename(one, other)
    except OSError as error: return errno.errorcode[error.errno]
def while_child(work, look):
    child, looks = os.fork(), 0
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally: os._exit(code)
    while os.waitpid(child, os.WNOHANG)[0] == 0:
        for _ in range(50): look()
        looks += 50
    return looks
def put(path, text):
    with open(path, 'w') as file: file.write(text)
def get(path):
    with open(path) as file: return file.read()
os.chdir(sys.argv[1])
`;

async function passes(code: string, args: string[] = []): Promise<string> {
  const drive = await mount({ args });
  const result = await python(PRELUDE + code, drive.dir);
  expect(result.stderr).toBe('');
  expect(result.code).toBe(0);
  return result.stdout.trim();
}

const CACHES: [string, string[]][] = [
  ['kernel cache on', []],
  ['kernel cache off', ['--kernel-cache=off', '--file-info-timeout', '0']],
  ['case-insensitive', ['--no-case-sensitive']],
];

describeMount('renames', () => {
  for (const [name, args] of CACHES) {
    it(`a directory takes an empty one's place without a moment in which neither is there (${name})`, async () => {
      const looks = await passes(
        `
def work():
    for _ in range(1500):
        os.mkdir('y')
        os.rename('y', 'x')
os.mkdir('x')
print(while_child(work, lambda: os.close(os.open('x', os.O_RDONLY))))
`,
        args,
      );
      expect(Number(looks)).toBeGreaterThan(100);
    });

    it(`two names change places in one step, files, directories and links alike (${name})`, async () => {
      await passes(
        `
os.mkdir('d')
put('d/inside', 'inside')
put('f', 'file')
assert rename2('d', 'f', EXCHANGE) is None
assert get('d') == 'file' and get('f/inside') == 'inside'
os.symlink('f', 'l')
assert rename2('l', 'f/inside', EXCHANGE) is None
assert os.readlink('f/inside') == 'f' and get('l') == 'inside'
assert sorted(os.listdir('.')) == ['d', 'f', 'l'] and os.listdir('f') == ['inside']
assert rename2('l', 'missing', EXCHANGE) == 'ENOENT'
assert rename2('f', 'f/inside', EXCHANGE) == 'EINVAL'
assert rename2('l', 'l', EXCHANGE) is None
assert rename2('l', 'd', NOREPLACE) == 'EEXIST'
assert rename2('l', 'other', WHITEOUT | EXCHANGE) == 'EINVAL'
`,
        args,
      );
    });
  }

  it('names that change places are never absent, and no third content shows', async () => {
    const looks = await passes(`
put('a', 'one')
put('b', 'two')
def work():
    for _ in range(3000): assert rename2('a', 'b', EXCHANGE) is None
def look():
    assert get('a') in ('one', 'two') and get('b') in ('one', 'two')
print(while_child(work, look))
`);
    expect(Number(looks)).toBeGreaterThan(100);
  });

  it('refused, both are as they were', async () => {
    await passes(`
os.mkdir('empty')
os.mkdir('full')
put('full/x', 'x')
put('f', 'f')
assert rename('empty', 'full') == 'ENOTEMPTY'
assert rename('empty', 'f') == 'ENOTDIR'
assert rename('f', 'empty') == 'EISDIR'
name = 'e' * 200
def tree(first):
    os.mkdir(first)
    os.chdir(first)
    for _ in range(25):
        os.mkdir(name)
        os.chdir(name)
    bottom = os.open('.', os.O_RDONLY)
    os.chdir(sys.argv[1])
    return bottom
os.close(tree('one'))
bottom = tree('two')
os.mkdir('one', dir_fd=bottom)
try:
    os.rename('one', 'one', dst_dir_fd=bottom)
    assert False
except OSError as error: assert error.errno == errno.ENAMETOOLONG
assert os.listdir(bottom) == ['one'] and os.listdir('one') == [name]
assert sorted(os.listdir('.')) == ['empty', 'f', 'full', 'one', 'two']
shutil.rmtree('one')
shutil.rmtree('two')
`);
  });
});
