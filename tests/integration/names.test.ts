/** Names: the longest, the oddest, and paths to the limit. On Linux a name may hold everything but `/` and NUL. */
import { mkdir, readdir, readFile, rename, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { errorOf } from '../support/bytes.js';
import { describeMount, mount } from '../support/mount.js';
import { python } from '../support/processes.js';

/** 255 units each, of 1, 2 and 3 bytes a character, and surrogate pairs of 4 bytes. */
const LONGEST = ['a'.repeat(255), 'é'.repeat(255), '語'.repeat(255), `${'😀'.repeat(127)}x`];
const ODD = [
  'ß',
  'SS',
  'ss',
  'İ',
  'I',
  'i',
  'ı',
  'ſ',
  'K', // KELVIN SIGN
  'k',
  'Å', // ANGSTROM SIGN
  'å',
  'e\u0301', // decomposed: not the same name as é
  'é',
  '😀',
  '\ufffd',
  'trailing.',
  'trailing..',
  'trailing ',
  'trailing',
  ' leading',
  '.hidden',
  '...',
  'a:b',
  'stream:$DATA',
  'back\\slash',
  '\\',
  '*',
  '?',
  '"<>|',
  'new\nline',
  '\u0001',
  '\u007f',
  'CON',
  'nul.txt',
  'COM1',
  '~',
  '%41',
  '#',
  '--help',
  '\ue000',
  '\uffff',
];

describeMount('names', () => {
  it('keeps names of 255 units, and refuses 256', async () => {
    const drive = await mount();
    for (const name of LONGEST) {
      await writeFile(drive.path(name), name);
      expect(await readFile(drive.path(name), 'utf8')).toBe(name);
      expect(await errorOf(writeFile(drive.path(`${name}x`), ''))).toBe('ENAMETOOLONG');
      expect(await errorOf(mkdir(drive.path(`${name}y`)))).toBe('ENAMETOOLONG');
      expect(await errorOf(rename(drive.path(name), drive.path(`${name}z`)))).toBe('ENAMETOOLONG');
    }
    expect((await readdir(drive.dir)).sort()).toEqual([...LONGEST].sort());
    await writeFile(drive.path('short'), '');
    for (const name of LONGEST) {
      await rename(drive.path('short'), drive.path(name));
      expect(await readFile(drive.path(name), 'utf8')).toBe('');
      await rename(drive.path(name), drive.path('short'));
    }
  });

  it('keeps odd names apart, exactly as they were given', async () => {
    const drive = await mount();
    for (const [i, name] of ODD.entries()) {
      await writeFile(drive.path(name), String(i), { flag: 'wx' });
    }
    expect((await readdir(drive.dir)).sort()).toEqual([...ODD].sort());
    for (const [i, name] of ODD.entries()) {
      expect(await readFile(drive.path(name), 'utf8')).toBe(String(i));
    }
    for (const [i, name] of ODD.entries()) {
      await rename(drive.path(name), drive.path(`${name}.renamed`));
      expect(await readFile(drive.path(`${name}.renamed`), 'utf8')).toBe(String(i));
      await unlink(drive.path(`${name}.renamed`));
    }
    for (const name of ODD) {
      await mkdir(drive.path(name));
      await writeFile(drive.path(name, name), name);
    }
    for (const name of ODD) {
      expect(await readdir(drive.path(name))).toEqual([name]);
    }
  });

  it('carries bytes that are no UTF-8 through names, listings and targets of links, and back', async () => {
    for (const args of [[], ['--kernel-cache=off'], ['--no-case-sensitive']]) {
      const drive = await mount({ args });
      const { stdout, stderr } = await python(
        `
import os, sys
top = os.fsencode(sys.argv[1])
names = [b'\\xff', b'\\xc3', b'\\xc0\\x80', b'\\xed\\xa0\\x80', b'\\xf4\\x90\\x80\\x80', b'a\\x80', b'caf\\xe9', b'\\xef\\x81\\x9c', b'\\xef\\x81', b'back\\\\slash',
         'caf\\u00e9'.encode(), bytes(range(128, 256)), b'\\xe9' * 255]
os.chdir(top)
for name in names:
    with open(name, 'xb') as file:
        file.write(name)
    assert open(name, 'rb').read() == name
assert sorted(os.listdir(b'.')) == sorted(names), os.listdir(b'.')
for name in names:
    os.rename(name, b'other'); os.rename(b'other', name)
    os.mkdir(b'directory'); os.mkdir(b'directory/' + name); open(b'directory/' + name + b'/' + name, 'wb').close()
    assert os.listdir(b'directory/' + name) == [name]
    os.symlink(name, b'link')
    assert os.readlink(b'link') == name and os.lstat(b'link').st_size == len(name) and open(b'link', 'rb').read() == name
    os.unlink(b'link'); os.unlink(b'directory/' + name + b'/' + name); os.rmdir(b'directory/' + name); os.rmdir(b'directory')
try:
    open(b'\\xe9' * 256, 'wb'); print('256 bytes')
except OSError as error:
    assert error.errno == 36
for name in names:
    os.unlink(name)
print(os.listdir(b'.'))
`,
        drive.dir,
      );
      expect(stderr).toBe('');
      expect(stdout).toBe('[]\n');
    }
  });

  it('holds a tree as deep as a path can say, and deeper by relative paths or with a clear refusal', async () => {
    const drive = await mount();
    const { stdout, stderr, code } = await python(
      `
import errno, os, shutil, sys
top = sys.argv[1]
# As deep as an absolute path of PATH_MAX bytes (with its NUL) reaches.
path = top
while len(path) + 2 <= 4095:
    path += '/d'
    os.mkdir(path)
leaf = path + '/f' if len(path) + 2 <= 4095 else path
print(len(path))
assert os.path.isdir(path)
# Deeper: only relative paths reach there.
os.chdir(path)
name, depth = 'x' * 200, 0
try:
    while depth < 100:
        os.mkdir(name)
        os.chdir(name)
        depth += 1
except OSError as error:
    assert error.errno == errno.ENAMETOOLONG, error
print(depth)
with open('leaf', 'w') as f:
    f.write('deep')
assert open('leaf').read() == 'deep'
os.unlink('leaf')
for _ in range(depth):
    os.chdir('..')
    os.rmdir(name)
os.chdir('/')
while path != top:
    os.rmdir(path)
    path = os.path.dirname(path)
`,
      drive.dir,
    );
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(Number(stdout.split('\n')[0])).toBeGreaterThanOrEqual(4093);
  });

  it('refuses to join two deep trees into one that nobody could delete', async () => {
    const drive = await mount();
    const { stdout, stderr, code } = await python(
      `
import errno, os, shutil, sys
top = sys.argv[1]
name = 'e' * 200
def tree(first, depth):
    os.chdir(top); os.mkdir(first); os.chdir(first)
    for _ in range(depth): os.mkdir(name); os.chdir(name)
    open('leaf', 'w').close()
    bottom = os.open('.', os.O_RDONLY); os.chdir(top)
    return bottom
def join(one, bottom):
    try: os.rename(one, one, dst_dir_fd=bottom)
    except OSError as error: return errno.errorcode[error.errno]
    finally: os.close(bottom)
tree('one', 25)
print(join('one', tree('two', 25)))
tree('small', 10)
print(join('small', tree('large', 25)))
for entry in os.listdir(top): shutil.rmtree(entry)
print(os.listdir(top))
`,
      drive.dir,
    );
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout.trim().split('\n')).toEqual(['ENAMETOOLONG', 'None', '[]']);
    expect((await drive.status()).files).toBe(0);
  });

  it('lists each of many entries exactly once, while others come and go', async () => {
    const drive = await mount({ capacity: '256M' });
    const names = Array.from({ length: 5000 }, (_, i) => `stay-${i}`);
    await mkdir(drive.path('d'));
    for (let i = 0; i < names.length; i += 100) {
      await Promise.all(names.slice(i, i + 100).map((name) => writeFile(drive.path('d', name), '')));
    }
    let busy = true;
    const churn = (async () => {
      for (let i = 0; busy; i++) {
        await writeFile(drive.path('d', `come-and-go-${i % 50}`), '');
        await rm(drive.path('d', `come-and-go-${(i * 7) % 50}`), { force: true });
      }
    })();
    try {
      for (let round = 0; round < 20; round++) {
        const listed = (await readdir(drive.path('d'))).filter((name) => name.startsWith('stay-'));
        expect(listed.length).toBe(names.length);
        expect(new Set(listed).size).toBe(names.length);
      }
    } finally {
      busy = false;
      await churn;
    }
  });
});

describeMount('names on a case-insensitive drive', () => {
  const args = ['--no-case-sensitive'];

  it('finds a name in every spelling and keeps the first', async () => {
    const drive = await mount({ args });
    await writeFile(drive.path('ReadMe.TXT'), 'text');
    for (const spelling of ['readme.txt', 'README.TXT', 'ReadMe.TXT']) {
      expect(await readFile(drive.path(spelling), 'utf8')).toBe('text');
      expect(await errorOf(writeFile(drive.path(spelling), '', { flag: 'wx' }))).toBe('EEXIST');
      expect(await errorOf(mkdir(drive.path(spelling)))).toBe('EEXIST');
    }
    expect(await readdir(drive.dir)).toEqual(['ReadMe.TXT']);
    expect((await stat(drive.path('README.txt'))).ino).toBe((await stat(drive.path('ReadMe.TXT'))).ino);
  });

  it('forgets every spelling when the file goes, whatever was looked up before', async () => {
    const drive = await mount({ args });
    for (const [made, seen, removed] of [
      ['Foo', 'foo', 'FOO'],
      ['bar', 'BAR', 'Bar'],
    ] as const) {
      // Looked up while missing, so that a cached "no such file" would show.
      expect(await errorOf(stat(drive.path(seen)))).toBe('ENOENT');
      await writeFile(drive.path(made), '');
      await stat(drive.path(seen));
      await unlink(drive.path(removed));
      for (const spelling of [made, seen, removed]) {
        expect(await errorOf(stat(drive.path(spelling)))).toBe('ENOENT');
      }
      await writeFile(drive.path(removed), 'second');
      expect(await readFile(drive.path(made), 'utf8')).toBe('second');
      await rename(drive.path(seen), drive.path('elsewhere'));
      for (const spelling of [made, seen, removed]) {
        expect(await errorOf(stat(drive.path(spelling)))).toBe('ENOENT');
      }
      await unlink(drive.path('ELSEWHERE'));
    }
  });

  it('changes only the case in a rename', async () => {
    const drive = await mount({ args });
    await writeFile(drive.path('name'), 'same');
    await rename(drive.path('name'), drive.path('NAME'));
    expect(await readdir(drive.dir)).toEqual(['NAME']);
    expect(await readFile(drive.path('name'), 'utf8')).toBe('same');
    await mkdir(drive.path('dir/sub'), { recursive: true });
    await rename(drive.path('dir'), drive.path('Dir'));
    expect((await readdir(drive.dir)).sort()).toEqual(['Dir', 'NAME']);
    expect(await readdir(drive.path('dIR'))).toEqual(['sub']);
  });

  it('folds unit by unit as Windows does: no ß for ss, no İ for i', async () => {
    const drive = await mount({ args });
    const pairs: [string, string, boolean][] = [
      ['É', 'é', true],
      ['Σ', 'σ', true],
      ['Я', 'я', true],
      ['ß', 'SS', false],
      ['İ', 'i', false],
      ['e\u0301', 'é', false],
      ['a.', 'a', false],
    ];
    for (const [one, other, same] of pairs) {
      await writeFile(drive.path(one), '');
      expect([one, other, await errorOf(stat(drive.path(other)))]).toEqual([
        one,
        other,
        same ? 'OK' : 'ENOENT',
      ]);
      await unlink(drive.path(one));
    }
  });

  it('keeps apart what NTFS keeps apart, though Unicode gives it one capital', async () => {
    const drive = await mount({ args });
    const names = [
      '10 \u00b5m',
      '10 \u03bcm',
      '\u03bb\u03cc\u03b3\u03bf\u03c2',
      '\u03bb\u03cc\u03b3\u03bf\u03c3',
    ];
    for (const name of names) await writeFile(drive.path(name), name, { flag: 'wx' });
    expect((await readdir(drive.dir)).sort()).toEqual(names);
    for (const name of names) expect(await readFile(drive.path(name), 'utf8')).toBe(name);
  });

  it('replaces a file by a rename to another spelling', async () => {
    const drive = await mount({ args });
    await writeFile(drive.path('Target'), 'old');
    await writeFile(drive.path('source'), 'new');
    await rename(drive.path('source'), drive.path('TARGET'));
    expect(await readFile(drive.path('target'), 'utf8')).toBe('new');
    expect((await readdir(drive.dir)).length).toBe(1);
    expect((await drive.status()).files).toBe(1);
  });
});
