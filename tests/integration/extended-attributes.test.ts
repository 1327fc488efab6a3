/** Extended attributes on a drive: programs that copy them, capabilities, other users, the ledger, and an image. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { canDropCaches } from '../support/machine.js';
import { describeMount, mount } from '../support/mount.js';
import { run } from '../support/processes.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const isRoot = process.getuid?.() === 0;
const folder = temporaryFolder('extended-attributes');

/** What went wrong in a script that runs in the test's folder; '' for nothing. */
async function python(script: string, ...args: string[]): Promise<string> {
  const { code, stderr } = await run('python3', [
    '-c',
    `import os\nos.chdir('${folder}')\n${script}`,
    ...args,
  ]);
  return code === 0 ? stderr : `${code}: ${stderr}`;
}

const ALL = `
import os, sys
def attributes(path):
    return sorted((name, os.getxattr(path, name, follow_symlinks=False).hex())
                  for name in os.listxattr(path, follow_symlinks=False))
def fill(root):
    os.makedirs(root + '/d')
    open(root + '/d/f', 'w').write('content')
    os.setxattr(root + '/d/f', 'user.text', b'value')
    os.setxattr(root + '/d/f', 'user.empty', b'')
    os.setxattr(root + '/d', 'user.binary', bytes(range(256)) * 10)
    if os.getuid() == 0:
        os.setxattr(root + '/d', 'trusted.t', b'1')
        os.symlink('f', root + '/d/l')
        os.setxattr(root + '/d/l', 'trusted.l', b'1', follow_symlinks=False)
def tree(root):
    return {os.path.relpath(os.path.join(path, name), root): attributes(os.path.join(path, name))
            for path, directories, files in os.walk(root) for name in directories + files}
`;

describeMount('extended attributes', () => {
  it('are copied from and to other file systems', async () => {
    const drive = await mount();
    const script = `${ALL}
import shutil, subprocess
fill('outside')
subprocess.run(['cp', '-a', 'outside', sys.argv[1] + '/there'], check=True)
subprocess.run(['cp', '-a', sys.argv[1] + '/there', 'back'], check=True)
assert tree('outside') == tree(sys.argv[1] + '/there') == tree('back'), (tree('outside'), tree('back'))
assert len(attributes('outside/d/f')) == 2
`;
    expect(await python(script, drive.dir)).toBe('');
  });

  it.skipIf(!isRoot)(
    `of a capability go when a file is changed${isRoot ? '' : ' (skipped: only root can give one)'}`,
    async () => {
      const drive = await mount();
      const script = `
import os, sys
path = sys.argv[1] + '/program'
open(path, 'w').write('#!')
capability = bytes.fromhex('0100000200200000000000000000000000000000')
def again(change):
    os.setxattr(path, 'security.capability', capability)
    os.setxattr(path, 'user.other', b'1')
    assert os.getxattr(path, 'security.capability') == capability
    change()
    assert os.listxattr(path) == ['user.other'], (change, os.listxattr(path))
again(lambda: open(path, 'a').write('x'))
again(lambda: open(path, 'w').close())
again(lambda: os.truncate(path, 1))
again(lambda: os.chown(path, 5, 5))
`;
      expect(await python(script, drive.dir)).toBe('');
    },
  );

  it.skipIf(!isRoot)(
    `that are trusted are not listed for others${isRoot ? '' : ' (skipped: only root can make them)'}`,
    async () => {
      const drive = await mount({ args: ['--allow-other'] });
      const script = `
import os, sys
path = sys.argv[1] + '/f'
open(path, 'w').close()
os.setxattr(path, 'trusted.t', b'1')
os.setxattr(path, 'user.u', b'1')
os.setuid(65534)
assert os.listxattr(path) == ['user.u']
try:
    os.setxattr(path, 'user.v', b'1')
    sys.exit('another user may set one')
except PermissionError:
    pass
`;
      expect(await python(script, drive.dir)).toBe('');
    },
  );

  it('take room, and give it back', async () => {
    const drive = await mount({ args: ['--capacity', '16M'] });
    const free = await drive.freeBytes();
    const script = `
import errno, os, sys
os.chdir(sys.argv[1])
made = 0
try:
    for made in range(5000):
        open(str(made), 'w').close()
        os.setxattr(str(made), 'user.large', b'x' * 15000)
except OSError as error:
    assert error.errno == errno.ENOSPC, error
assert 1000 < made < 1200, made
`;
    expect(await python(script, drive.dir)).toBe('');
    expect(await drive.freeBytes()).toBeLessThan(16384);
    const remove = 'import os, sys; [os.remove(file.path) for file in os.scandir(sys.argv[1])]';
    expect(await python(remove, drive.dir)).toBe('');
    if (canDropCaches()) expect(await drive.freeBytes()).toBe(free);
  });

  it('are the same at the next start from an image', async () => {
    const args = ['--image', join(folder, 'drive.tar')];
    const first = await mount({ args });
    const script = `${ALL}
import json
if sys.argv[2] == 'fill':
    fill(sys.argv[1])
    json.dump(tree(sys.argv[1]), open('expected', 'w'))
else:
    found = json.loads(json.dumps(tree(sys.argv[1])))
    assert found == json.load(open('expected')) and found['d/f'], found
`;
    expect(await python(script, first.dir, 'fill')).toBe('');
    await first.unmount();
    const second = await mount({ args });
    expect(await python(script, second.dir, 'compare')).toBe('');
  });
});
