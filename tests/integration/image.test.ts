/**
 * `mount --image`: what is on a drive is there again at its next start, however it ends; and the last image is never
 * lost.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import {
  chmod,
  mkdir,
  readdir,
  readFile,
  readlink,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { verifyImage } from '../../src/image/image-file.js';
import { cli, describeMount, type MountedDrive, mount } from '../support/mount.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const folder = temporaryFolder('drive-image');
let number = 0;

/** In a directory of its own, which can be moved away. */
function newImage(): { directory: string; file: string; args: string[] } {
  const directory = join(folder, String(++number));
  mkdirSync(directory);
  const file = join(directory, 'drive.tar');
  return { directory, file, args: ['--image', file] };
}

async function fill(drive: MountedDrive): Promise<void> {
  await mkdir(drive.path('d/e'), { recursive: true });
  await writeFile(drive.path('d/e/f'), Buffer.alloc(3_000_001, 7));
  await writeFile(drive.path('d/script'), '#!/bin/sh\n');
  await chmod(drive.path('d/script'), 0o4751);
  await symlink('e/f', drive.path('d/link'));
  await utimes(drive.path('d/e'), 1_000_000_000, 1_234_567_890.5);
}

async function expectFilled(drive: MountedDrive): Promise<void> {
  expect((await readFile(drive.path('d/e/f'))).equals(Buffer.alloc(3_000_001, 7))).toBe(true);
  expect((await stat(drive.path('d/script'))).mode & 0o7777).toBe(0o4751);
  expect(await readlink(drive.path('d/link'))).toBe('e/f');
  expect((await stat(drive.path('d/e'))).mtimeMs).toBe(1_234_567_890_500);
}

function signalled(drive: MountedDrive, name: NodeJS.Signals): Promise<unknown> {
  drive.signal(name);
  return drive.exited;
}

const ENDS: [how: string, end: (drive: MountedDrive) => Promise<unknown>][] = [
  ['ramdrive unmount', (drive) => drive.unmount()],
  ['SIGTERM', (drive) => signalled(drive, 'SIGTERM')],
  ['Ctrl+C', (drive) => signalled(drive, 'SIGINT')],
  [
    'an unmount from outside',
    (drive) => {
      spawnSync('fusermount3', ['-u', drive.dir]);
      return drive.exited;
    },
  ],
];

describeMount('a drive with an image', () => {
  it.each(ENDS)('is the same at its next start after %s', async (_how, end) => {
    const { file, args } = newImage();
    const first = await mount({ args });
    await fill(first);
    expect(await end(first)).toMatchObject({ code: 0 });
    expect(first.errors).not.toContain('not saved');
    expect(await verifyImage(file, { entry() {} })).toMatchObject({ files: 2, directories: 2, links: 1 });
    const second = await mount({ args });
    await expectFilled(second);
  });

  it('has it compressed where its name says so, and is saved so at any time', async () => {
    const { directory } = newImage();
    const file = join(directory, 'drive.tar.gz');
    const first = await mount({ args: ['--image', file] });
    await fill(first);
    expect(await cli('save', first.dir)).toMatchObject({ code: 0, stderr: '' });
    expect(statSync(file).size).toBeLessThan(100_000);
    await writeFile(first.path('later'), 'later');
    await first.unmount();
    expect(spawnSync('gzip', ['-t', file]).status).toBe(0);
    expect(await verifyImage(file, { entry() {} })).toMatchObject({ files: 3 });
    const second = await mount({ args: ['--image', file] });
    await expectFilled(second);
    expect(await readFile(second.path('later'), 'utf8')).toBe('later');
    const refused = await cli('save', second.dir, join(directory, 'drive.zip'));
    expect(refused.stderr).toContain('not ".zip"');
  });

  it('is saved while it is used, by `ramdrive save`, and a killed drive has what was saved then', async () => {
    const { directory, file, args } = newImage();
    const drive = await mount({ args, broken: true });
    await fill(drive);
    const saved = await cli('save', drive.dir);
    expect(saved.stderr).toBe('');
    expect(saved.stdout).toMatch(/^saved .* to .*drive\.tar: 2 files in /);
    await writeFile(drive.path('later'), '');
    await drive.kill();
    expect(await readdir(directory)).toEqual(['drive.tar']);
    expect(await verifyImage(file, { entry() {} })).toMatchObject({ files: 2 });
  });

  it('stays mounted when it cannot be saved, and is saved when that works again', async () => {
    const { directory, file, args } = newImage();
    const drive = await mount({ args });
    await fill(drive);
    renameSync(directory, `${directory}.away`);
    const refused = await cli('unmount', drive.dir);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('is not saved: ENOENT');
    await expectFilled(drive);
    drive.signal('SIGTERM');
    await expect.poll(() => drive.errors, { timeout: 10_000 }).toContain('the drive stays mounted');
    await expectFilled(drive);
    renameSync(`${directory}.away`, directory);
    await drive.unmount();
    expect(await verifyImage(file, { entry() {} })).toMatchObject({ files: 2 });
  });

  it('does not start from an image that is damaged, foreign or too large, and leaves the file as it was', async () => {
    const { file, args } = newImage();
    const first = await mount({ args });
    await fill(first);
    await first.unmount();
    const image = readFileSync(file);
    const refusal = async (content: Buffer, ...more: string[]) => {
      writeFileSync(file, content);
      const place = temporaryFolder('not-mounted');
      const { code, stderr } = await cli('mount', place, ...args, ...more);
      expect(code).toBe(1);
      expect(readFileSync(file).equals(content)).toBe(true);
      return stderr;
    };
    const damaged = Buffer.from(image);
    damaged[damaged.indexOf(Buffer.alloc(600, 7)) + 500]! ^= 1;
    expect(await refusal(damaged)).toMatch(/drive\.tar cannot be loaded: the image is damaged somewhere/);
    expect(await refusal(image.subarray(0, image.length / 2))).toMatch(/ends too early/);
    expect(await refusal(Buffer.from('something else'))).toMatch(/it is no image of a RAM drive/);
    expect(await refusal(image, '--capacity', '1M')).toMatch(/its files need 3,0\d\d,\d\d\d bytes/);
    rmSync(file);
  });

  it('does not take an image on the drive itself', async () => {
    const place = temporaryFolder('own');
    const { code, stderr } = await cli('mount', place, '--image', join(place, 'drive.tar'));
    expect(code).toBe(2);
    expect(stderr).toContain('lies on the drive itself');
    expect(existsSync(join(place, 'drive.tar'))).toBe(false);
  });
});
