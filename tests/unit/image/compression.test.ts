/** Compressed images: what is read is what was written, whoever packed it, and damage and bombs end in an error. */
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import zlib from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { problemOfName } from '../../../src/image/compression.js';
import { Key, MARK_TEXT } from '../../../src/image/format.js';
import { ImageError } from '../../../src/image/image-error.js';
import { ImageFile, verifyImage } from '../../../src/image/image-file.js';
import { TarWriter } from '../../../src/image/tar/tar-writer.js';
import { viewOf } from '../../../src/image/volume-view.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { contentOf } from './content-of.js';
import { content, fullVolume, PAX, type Rig, rig } from './volumes.js';

const folder = temporaryFolder('compression');
let number = 0;
const newPath = (ending: string) => join(folder, `${++number}${ending}`);

async function saved({ volume, scratch }: Rig, path: string): Promise<string> {
  await new ImageFile(path).save(viewOf(volume), scratch);
  return path;
}

const NOISE = content(3_000_000, 1);
/** With content of several pieces that can be compressed, and of several that cannot. */
const large = fullVolume({ pageCount: 4096 });
large.put(large.make('\\zeros'), 0, Buffer.alloc(3_000_000));
large.put(large.make('\\noise'), 0, NOISE);

async function expectLoaded(path: string, before: Rig): Promise<void> {
  const after = rig({ pageCount: 4096 });
  await new ImageFile(path).load(after.volume, after.scratch);
  expect(contentOf(after)).toEqual(contentOf(before));
  expect(after.volume.selfCheck()).toEqual([]);
}

const hexOf = (path: string) => readFileSync(path).toString('hex', 0, 4);

async function refusal(work: Promise<unknown>): Promise<ImageError> {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof ImageError) return error;
  throw error ?? new Error('not refused');
}

const isThere = (program: string) => spawnSync(program, ['--version']).error === undefined;
const why = (missing: string | null) => (missing === null ? '' : ` (skipped: ${missing})`);

const PYTHON = "import sys, tarfile; tarfile.open(sys.argv[1]).extractall('.', filter='fully_trusted')";
const FORMATS = [
  {
    ending: '.tar.gz',
    other: '.TGZ',
    magic: '1f8b',
    packer: ['gzip', '-c9'],
    unpackers: [
      ['tar', '--warning=no-unknown-keyword', '--warning=no-timestamp', '-xf'],
      ['bsdtar', '--no-xattrs', '-xf'],
      ['python3', '-c', PYTHON],
    ],
  },
  {
    ending: '.tar.zst',
    other: '.tzst',
    magic: '28b52ffd',
    packer: ['zstd', '-qc'],
    unpackers: [
      ['tar', '--warning=no-unknown-keyword', '--warning=no-timestamp', '-xf'],
      ['bsdtar', '--no-xattrs', '-xf'],
    ],
  },
];

for (const { ending, other, magic, packer, unpackers } of FORMATS) {
  const missing = problemOfName(`a${ending}`);
  describe.skipIf(missing !== null)(`${ending}${why(missing)}`, () => {
    it('gives back every field of every inode, and is smaller', async () => {
      const path = await saved(large, newPath(ending));
      await expectLoaded(path, large);
      expect(hexOf(path)).toMatch(new RegExp(`^${magic}`));
      const plain = await saved(large, newPath('.tar'));
      expect(statSync(path).size).toBeLessThan(statSync(plain).size - 3_000_000);
      expect(hexOf(await saved(large, newPath(other)))).toMatch(new RegExp(`^${magic}`));
    });

    it('is known by its content, whatever it is called', async () => {
      const packed = newPath('.tar');
      writeFileSync(packed, readFileSync(await saved(large, newPath(ending))));
      await expectLoaded(packed, large);
      const plain = newPath(ending);
      writeFileSync(plain, readFileSync(await saved(large, newPath('.tar'))));
      await expectLoaded(plain, large);
    });

    it('is replaced as another image is', async () => {
      const path = await saved(large, newPath(ending));
      const one = rig();
      const any = new ImageFile(path, { replacesImages: true });
      expect((await any.save(viewOf(one.volume), one.scratch)).files).toBe(0);
    });

    const program = packer[0] as string;
    const noPacker = isThere(program) ? null : `${program} is not installed`;
    it.skipIf(noPacker !== null)(`packed by ${program} in one piece is loaded${why(noPacker)}`, async () => {
      const path = await saved(large, newPath('.tar'));
      const { stdout } = spawnSync(program, [...packer.slice(1), path], { maxBuffer: 2 ** 26 });
      writeFileSync(path, stdout);
      expect(hexOf(path)).toMatch(new RegExp(`^${magic}`));
      await expectLoaded(path, large);
    });

    for (const [unpacker = '', ...args] of unpackers) {
      const noUnpacker = isThere(unpacker) ? null : `${unpacker} is not installed`;
      it.skipIf(noUnpacker !== null)(`is unpacked by ${unpacker}${why(noUnpacker)}`, async () => {
        const into = temporaryFolder(`unpacked-${unpacker}`);
        const path = await saved(large, newPath(ending));
        const { status, stderr } = spawnSync(unpacker, [...args, path], { cwd: into, encoding: 'utf8' });
        expect([status, stderr]).toEqual([0, '']);
        expect(readFileSync(join(into, 'zeros')).equals(Buffer.alloc(3_000_000))).toBe(true);
        expect(readFileSync(join(into, 'noise')).equals(NOISE)).toBe(true);
        expect(readFileSync(join(into, 'dir/one byte'))).toEqual(content(1, 1));
      });
    }

    it('with a byte changed anywhere is refused, or unpacks to the same', async () => {
      const before = fullVolume();
      const image = readFileSync(await saved(before, newPath(ending)));
      const path = newPath(ending);
      for (let at = 0; at < image.length; at += 1 + (at % 397)) {
        const damaged = Buffer.from(image);
        damaged[at]! ^= 1 << (at % 8);
        writeFileSync(path, damaged);
        const after = rig();
        const error = await new ImageFile(path).load(after.volume, after.scratch).then(
          () => null,
          (reason: unknown) => reason,
        );
        expect(after.volume.selfCheck()).toEqual([]);
        if (error === null) expect(contentOf(after)).toEqual(contentOf(before));
        else expect(error).toBeInstanceOf(ImageError);
      }
    });

    it('cut anywhere is refused with the place', async () => {
      const image = readFileSync(await saved(large, newPath(ending)));
      const path = newPath(ending);
      for (let length = image.length - 1; length > 0; length -= 1 + Math.floor(image.length / 40)) {
        writeFileSync(path, image.subarray(0, length));
        const { code, message } = await refusal(verifyImage(path, { entry() {} }));
        expect(code).toMatch(/^(FOREIGN|DAMAGED)$/);
        if (code === 'DAMAGED') expect(message).toMatch(/byte [\d,]+/);
      }
      // Node takes what is no frame behind a file of zstd for its end.
      if (ending !== '.tar.gz') return;
      writeFileSync(path, Buffer.concat([image, Buffer.from('more')]));
      expect((await refusal(verifyImage(path, { entry() {} }))).message).toMatch(/byte [\d,]+/);
    });
  });
}

describe('a bomb', () => {
  it('is read on for some capacities after the drive is full, and no further', async () => {
    const GIB = 2 ** 30;
    const path = newPath('.tar.gz');
    const head = newPath('.tar');
    const descriptor = openSync(head, 'wx');
    const tar = new TarWriter(descriptor, rig().scratch);
    const fields = { link: null, mode: 0o644, uid: 0, gid: 0, writeTimeSeconds: 0, sizeBytes: 0 };
    tar.entry({ ...fields, path: './', type: 'directory', pax: { ...PAX, [Key.COMMENT]: MARK_TEXT } });
    tar.entry({ ...fields, path: 'f', type: 'file', sizeBytes: 4 * GIB, pax: PAX });
    tar.finish();
    closeSync(descriptor);
    const zeros = zlib.gzipSync(Buffer.alloc(2 ** 24));
    writeFileSync(path, Buffer.concat([zlib.gzipSync(readFileSync(head)), ...new Array(256).fill(zeros)]));
    const { volume, scratch } = rig();
    let doneBytes = 0;
    const load = new ImageFile(path).load(volume, scratch, (bytes) => {
      doneBytes = bytes;
    });
    const { code, message } = await refusal(load);
    expect(code).toBe('DOES_NOT_FIT');
    expect(message).toContain('need more than 4,294,967,296 bytes');
    expect(doneBytes).toBeLessThan(9 * volume.totalBytes);
    expect(volume.selfCheck()).toEqual([]);
  });
});

describe('a name', () => {
  it.each(['.tar.xz', '.tar.bz2', '.7z', '.zip', '.txz'])('that ends with %s is refused', async (ending) => {
    const { volume, scratch } = rig();
    const error = await refusal(new ImageFile(newPath(ending)).save(viewOf(volume), scratch));
    expect(error.code).toBe('NOT_SAVED');
    expect(error.message).toContain('images are tar archives: ".tar", ".tar.gz" or ".tar.zst", not');
  });

  it.each(['drive', 'drive.tar', 'drive.img', 'drive.gz', 'x.tgz'])('like %s is fine', (name) => {
    expect(problemOfName(name)).toBeNull();
  });
});
