/**
 * An image gives back what was in the volume; other programs can unpack it; what it is not is said, and never loaded.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MARK_TEXT } from '../../../src/image/format.js';
import { ImageError } from '../../../src/image/image-error.js';
import { ImageFile, verifyImage } from '../../../src/image/image-file.js';
import type { ImageEntry } from '../../../src/image/image-reader.js';
import { viewOf } from '../../../src/image/volume-view.js';
import { eaList } from '../../support/ea-list.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { contentOf } from './content-of.js';
import { content, fullVolume, LONG_NAME, PAGE, type Rig, rig } from './volumes.js';

const folder = temporaryFolder('image');
let number = 0;
const newPath = () => join(folder, `${++number}.tar`);

async function saved({ volume, scratch }: Rig, path = newPath()): Promise<string> {
  await new ImageFile(path).save(viewOf(volume), scratch);
  return path;
}

async function load(path: string, into: Rig): Promise<void> {
  await new ImageFile(path).load(into.volume, into.scratch);
}

async function refusal(work: () => Promise<unknown>): Promise<ImageError> {
  try {
    await work();
  } catch (error) {
    if (error instanceof ImageError) return error;
    throw error;
  }
  throw new Error('not refused');
}

function putChecksum(image: Buffer, at: number): void {
  if (image.toString('latin1', at + 257, at + 262) !== 'ustar') return;
  image.fill(' ', at + 148, at + 156);
  const sum = image.subarray(at, at + 512).reduce((all, byte) => all + byte, 0);
  image.write(`${sum.toString(8).padStart(6, '0')} `, at + 148);
}

describe('a volume saved and loaded', () => {
  it('is the same in every field of every inode', async () => {
    const before = fullVolume();
    const after = rig({ label: 'other' });
    await load(await saved(before), after);
    expect(contentOf(after)).toEqual(contentOf(before));
    expect(after.volume.label).toBe('Label');
    expect(after.volume.selfCheck()).toEqual([]);
    // Holes are holes again.
    expect(after.volume.pool.allocatedPages).toBe(before.volume.pool.allocatedPages);
    expect(after.volume.freeBytes).toBe(before.volume.freeBytes);
    expect(after.volume.openCount).toBe(0);
  });

  it('is the same in pages of another size, and saved again', async () => {
    const before = fullVolume();
    const middle = rig({ pageSizeBytes: 65536, pageCount: 64 });
    await load(await saved(before), middle);
    const after = rig();
    await load(await saved(middle), after);
    expect(contentOf(after)).toEqual(contentOf(before));
  });

  it('is refused where attributes that were apart are one', async () => {
    const before = rig();
    before.volume.setExtendedAttributes(before.make('\\f'), eaList({ 'user.a': '1', 'user.A': '2' }));
    const path = await saved(before);
    expect((await refusal(() => load(path, rig({ caseSensitive: false })))).message).toContain(
      'attributes of "f"',
    );
  });

  it('is a volume with nothing in it, when there was nothing', async () => {
    const after = fullVolume();
    const empty = rig();
    await load(await saved(rig()), empty);
    expect(Object.keys(contentOf(empty))).toEqual(['\\']);
    expect(after.volume.selfCheck()).toEqual([]);
  });
});

describe('names that tar cannot say', () => {
  it('get one that nothing else has, whatever others are called', async () => {
    const before = rig();
    const broken = before.make('\\a\ud800', true);
    before.make(`\\a\ufffd~${broken.indexNumber}`, true);
    before.make(`\\a\ufffd~${broken.indexNumber}\\b`);
    const after = rig();
    await load(await saved(before), after);
    expect(contentOf(after)).toEqual(contentOf(before));
  });
});

describe('other programs', () => {
  const isRoot = process.getuid?.() === 0;
  it.skipIf(!isRoot)(
    `tar unpacks extended attributes${isRoot ? '' : " (skipped: trusted ones are root's)"}`,
    async () => {
      const into = temporaryFolder('unpacked-attributes');
      const args = [
        '--warning=no-unknown-keyword',
        '--xattrs',
        '--xattrs-include=*',
        '-xf',
        await saved(fullVolume()),
      ];
      expect(spawnSync('tar', [...args, 'attributes'], { cwd: into }).stderr.toString()).toBe('');
      const script =
        'import os; print({n: os.getxattr("attributes", n) for n in sorted(os.listxattr("attributes"))})';
      const { stdout } = spawnSync('python3', ['-c', script], { cwd: into, encoding: 'utf8' });
      expect(stdout).toContain("'trusted.b': b'\\x00\\xff'");
      expect(stdout).toContain("'user.empty': b''");
      expect(stdout).toContain("'user.text': b'value\\n'");
    },
  );

  it.skipIf(!isRoot)(
    `tar unpacks a device${isRoot ? '' : ' (skipped: only root can make one)'}`,
    async () => {
      const before = rig();
      before.volume.setReparsePoint(
        before.make('\\device'),
        Buffer.from('2500008008000000bc0a000045230100', 'hex'),
      );
      const path = await saved(before);
      const into = temporaryFolder('unpacked-device');
      const { status, stderr } = spawnSync('tar', ['--warning=no-unknown-keyword', '-xf', path], {
        cwd: into,
      });
      expect([status, stderr.toString()]).toEqual([0, '']);
      const device = lstatSync(join(into, 'device'));
      expect(device.isCharacterDevice()).toBe(true);
      // The kernel's form of 0xabc:0x12345.
      expect(device.rdev).toBe(0x123abc45);
      const after = rig();
      await load(path, after);
      expect(contentOf(after)).toEqual(contentOf(before));
    },
  );

  const unpackers: [string, string[]][] = [
    ['tar', ['--warning=no-unknown-keyword', '--warning=no-timestamp', '-xf']],
    ['bsdtar', ['--no-xattrs', '-xf']],
    [
      'python3',
      ['-c', "import sys, tarfile; tarfile.open(sys.argv[1]).extractall('.', filter='fully_trusted')"],
    ],
  ];
  for (const [program, args] of unpackers) {
    const isThere = spawnSync(program, ['--version']).error === undefined;
    it.skipIf(!isThere)(
      `${program} unpacks it: content, holes, links, times${isThere ? '' : ' (skipped: it is not installed)'}`,
      async () => {
        const into = temporaryFolder(`unpacked-${program}`);
        const path = await saved(fullVolume());
        const { status, stderr } = spawnSync(program, [...args, path], { cwd: into, encoding: 'utf8' });
        expect(stderr).toBe('');
        expect(status).toBe(0);
        const bytes = (name: string) => readFileSync(join(into, name));
        expect(bytes('dir/one byte')).toEqual(content(1, 1));
        expect(bytes('dir/many pages')).toEqual(content(10 * PAGE + 7, 3));
        expect(bytes(`dir/${LONG_NAME}`)).toEqual(content(100, 4));
        expect(bytes('naïve – 😀/x')).toEqual(content(10, 5));
        const holes = Buffer.alloc(20 * PAGE + 1);
        holes.set(content(PAGE, 7), 3 * PAGE);
        holes.set(content(PAGE, 8), 7 * PAGE + 100);
        expect(bytes('holes').equals(holes)).toBe(true);
        expect(bytes('dir/only a hole')).toEqual(Buffer.alloc(9 * PAGE));
        expect(readlinkSync(join(into, 'link'))).toBe('dir/one byte');
        expect(readlinkSync(join(into, 'dir/to directory'))).toBe('../dir');
        const raw = (text: string) => Buffer.from(`${into}/${text}`, 'latin1');
        expect(readFileSync(raw('caf\xe9/\xff\x80'))).toEqual(content(30, 9));
        expect(readFileSync(raw('caf\xe9/hole \xe9'))).toEqual(Buffer.alloc(9 * PAGE));
        expect(readlinkSync(raw('link to bytes'), 'latin1')).toBe('caf\xe9/\xff\x80');
        expect(bytes('back\\slash\nline')).toEqual(content(40, 10));
        expect(readlinkSync(join(into, 'long link'))).toBe(`dir/${'x'.repeat(300)}`);
        expect(lstatSync(join(into, 'pipe')).isFIFO()).toBe(true);
        expect(bytes('pipe with content')).toEqual(content(10, 9));
        const { mode, mtimeNs } = lstatSync(join(into, 'linux'), { bigint: true });
        expect((Number(mode) & 0o777).toString(8)).toBe('750');
        // Python keeps times as floating-point numbers.
        const exact = (133_444_736_001_234_567n - 116_444_736_000_000_000n) * 100n;
        if (program === 'python3') expect(Math.abs(Number(mtimeNs - exact))).toBeLessThan(1000);
        else expect(mtimeNs).toBe(exact);
        expect(existsSync(join(into, '.ramdrive-manifest-2.json'))).toBe(true);
      },
    );
  }
});

describe('what is wrong', () => {
  it('with a byte anywhere is found, and is always an ImageError', async () => {
    const image = readFileSync(await saved(fullVolume()));
    const path = newPath();
    const silent: number[] = [];
    for (let at = 0; at < image.length; at += 1 + (at % 239)) {
      const damaged = Buffer.from(image);
      damaged[at]! ^= 1 << (at % 8);
      // The checksum of a header is right again, so that what it says is looked at.
      if (at % 3 === 0) putChecksum(damaged, at - (at % 512));
      writeFileSync(path, damaged);
      try {
        await verifyImage(path, { entry() {} });
        silent.push(at);
      } catch (error) {
        if (!(error instanceof ImageError)) throw error;
      }
    }
    // In the manifest itself, of what says nothing of the content: counts, times, the padding behind it.
    const manifestAt = image.indexOf('.ramdrive-manifest-2.json') - 1024;
    expect(silent.filter((at) => at < manifestAt)).toEqual([]);
  });

  it('with the length is found wherever it ends', async () => {
    const image = readFileSync(await saved(fullVolume()));
    const path = newPath();
    const end = image.lastIndexOf('}\n') + 1;
    for (let length = 0; length < end; length += 211) {
      writeFileSync(path, image.subarray(0, length));
      expect((await refusal(() => verifyImage(path, { entry() {} }))).code).toMatch(/^(FOREIGN|DAMAGED)$/);
    }
    writeFileSync(path, Buffer.concat([image, Buffer.from('more')]));
    expect((await refusal(() => verifyImage(path, { entry() {} }))).message).toContain(
      'something behind its manifest',
    );
  });

  it('with the file is said: no image, another archive, a later version', async () => {
    const path = newPath();
    writeFileSync(path, 'just a text');
    expect((await refusal(() => load(path, rig()))).code).toBe('FOREIGN');
    const other = newPath();
    expect(spawnSync('tar', ['-cf', other, '-C', folder, '--exclude=*.tar', '.']).status).toBe(0);
    expect((await refusal(() => load(other, rig()))).code).toBe('FOREIGN');
    const image = readFileSync(await saved(rig()));
    const at = image.indexOf(MARK_TEXT) + MARK_TEXT.length - 1;
    image[at] = 0x32;
    writeFileSync(path, image);
    expect(await refusal(() => load(path, rig()))).toMatchObject({
      code: 'NEWER',
      message: expect.stringContaining('version 2'),
    });
  });

  it('with the drive is said: how much room it takes, which names are one', async () => {
    const full = await saved(fullVolume());
    const small = await refusal(() => load(full, rig({ pageCount: 20 })));
    expect(small.code).toBe('DOES_NOT_FIT');
    const reserved = fullVolume().volume;
    expect(small.message).toContain((reserved.totalBytes - reserved.freeBytes).toLocaleString('en'));
    const names = rig();
    for (const name of ['readme', 'README', 'Other', 'OTHER']) names.make(`\\${name}`);
    const collision = await refusal(async () => load(await saved(names), rig({ caseSensitive: false })));
    expect(collision.code).toBe('DOES_NOT_FIT');
    expect(collision.message).toContain('"Other" and "OTHER"');
    expect(collision.message).toContain('"readme" and "README"');
  });
});

describe('the file', () => {
  it('is replaced as a whole, and not at all when that fails', async () => {
    const path = newPath();
    const one = fullVolume();
    const file = new ImageFile(path);
    expect(await file.load(one.volume, one.scratch)).toBeNull();
    await file.save(viewOf(one.volume), one.scratch);
    const first = readFileSync(path);
    one.make('\\new');
    const broken = { ...viewOf(one.volume), visit: () => { throw new Error('no room on the disk'); } }; // biome-ignore format: short
    expect(await refusal(() => file.save(broken, one.scratch))).toMatchObject({
      code: 'NOT_SAVED',
      message: expect.stringContaining('no room on the disk'),
    });
    expect(readFileSync(path).equals(first)).toBe(true);
    const beside = () => readdirSync(folder).filter((name) => name.startsWith(`${basename(path)}.`));
    expect(beside()).toEqual([]);
    const gone = spawnSync('true').pid;
    const ofAnotherDrive = `${path}.${process.pid}-0123456789ab.partial`;
    writeFileSync(`${path}.${gone}-0123456789ab.partial`, 'of a process that was killed');
    writeFileSync(ofAnotherDrive, 'of a drive that saves to the same file');
    await file.save(viewOf(one.volume), one.scratch);
    const entries: ImageEntry[] = [];
    await verifyImage(path, { entry: (entry) => entries.push(entry) });
    expect(entries.map((entry) => entry.path)).toContain('new');
    expect(beside()).toEqual([basename(ofAnotherDrive)]);
  });

  it('is left alone when it is not what this drive has loaded or saved', async () => {
    const path = newPath();
    const one = fullVolume();
    const file = new ImageFile(path);
    writeFileSync(path, 'of someone else');
    expect((await refusal(() => file.save(viewOf(one.volume), one.scratch))).message).toContain(
      'another program has changed',
    );
    expect(readFileSync(path, 'utf8')).toBe('of someone else');
    expect((await refusal(() => file.load(one.volume, one.scratch))).code).toBe('FOREIGN');
    const any = new ImageFile(path, { replacesImages: true });
    expect((await refusal(() => any.save(viewOf(one.volume), one.scratch))).message).toContain(
      'no image of a drive',
    );
    expect(readFileSync(path, 'utf8')).toBe('of someone else');
    await saved(rig(), path.replace('.tar', '-other.tar'));
    const other = new ImageFile(path.replace('.tar', '-other.tar'), { replacesImages: true });
    expect((await other.save(viewOf(one.volume), one.scratch)).files).toBeGreaterThan(5);
  });
});
