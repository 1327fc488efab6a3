/** Images made to do harm, whole in every other way, end in an error that names the entry and its place. */
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Key, MANIFEST_MARK, MARK_TEXT } from '../../../src/image/format.js';
import { ImageError } from '../../../src/image/image-error.js';
import { ImageFile } from '../../../src/image/image-file.js';
import { type TarEntry, TarWriter } from '../../../src/image/tar/tar-writer.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { linkData, PAGE, PAX, rig } from './volumes.js';

const folder = temporaryFolder('hostile');
let number = 0;

type Made = Partial<Omit<TarEntry, 'type'>> & { type?: string; content?: Uint8Array };

const ROOT: Made = { path: './', type: 'directory', pax: { ...PAX, [Key.COMMENT]: MARK_TEXT } };

/** What loading an image of these entries, with a proper root and manifest, ends in. */
async function refusal(entries: Made[], root: Made = ROOT): Promise<string> {
  const path = join(folder, `${++number}.tar`);
  const descriptor = openSync(path, 'wx');
  const tar = new TarWriter(descriptor, rig().scratch);
  const write = ({ content = Buffer.alloc(0), type = 'file', path: name = 'f', ...rest }: Made) => {
    const fields = { link: null, mode: 0o644, uid: 0, gid: 0, writeTimeSeconds: 0, pax: PAX };
    tar.entry({ ...fields, sizeBytes: content.length, ...rest, path: name, type: type as TarEntry['type'] });
    tar.write(content);
    tar.end();
  };
  for (const entry of [root, ...entries]) write(entry);
  const counts = { directories: 0, files: 0, links: 0, bytes: 0 };
  const manifest = { label: '', caseSensitive: true, savedAt: '', ...counts, sha256: tar.sha256() };
  write({ content: Buffer.from(JSON.stringify(manifest)), pax: { [Key.COMMENT]: MANIFEST_MARK } });
  tar.finish();
  closeSync(descriptor);
  const { volume, scratch } = rig({ pageCount: 64, maxPathUnits: 100 });
  try {
    await new ImageFile(path).load(volume, scratch);
  } catch (error) {
    expect(volume.selfCheck()).toEqual([]);
    if (error instanceof ImageError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'loaded';
}

const without = (key: string): Made => ({
  pax: Object.fromEntries(Object.entries(PAX).filter(([k]) => k !== key)),
});
const and = (pax: Record<string, string>): Made => ({ pax: { ...PAX, ...pax } });
const sparse = (map: string, dataBytes: number, size: number | string, name = 'f'): Made => {
  const head = Buffer.alloc(Math.ceil(map.length / 512) * 512);
  head.write(map);
  const pax = {
    ...PAX,
    [Key.SPARSE_MAJOR]: '1',
    [Key.SPARSE_MINOR]: '0',
    [Key.SPARSE_NAME]: name,
    [Key.SPARSE_SIZE]: String(size),
  };
  return { content: Buffer.concat([head, Buffer.alloc(dataBytes, 1)]), pax };
};

it('what this test makes is loaded when nothing is wrong', async () => {
  const link = { type: 'symlink', path: 'd/l', link: 'x', ...and({ [Key.REPARSE]: Buffer.from(linkData('x')).toString('base64') }) }; // biome-ignore format: a line an entry
  const entries = [{ path: 'd/', type: 'directory' }, { path: 'd/f', content: Buffer.alloc(5) }, link];
  expect(await refusal([...entries, sparse('1\n4096\n10\n', 10, 9000)])).toBe('loaded');
});

const WRONG: [what: string, entries: Made[], expected: string][] = [
  ['leads above the root', [{ path: '../etc' }], 'leads elsewhere'],
  ['leads above the root in the middle', [{ path: 'a/../../b' }], 'leads elsewhere'],
  ['is absolute', [{ path: '/etc/passwd' }], 'leads elsewhere'],
  ['has an empty name', [{ path: 'a//b' }], 'leads elsewhere'],
  ['leads above the root by the name of a sparse file', [sparse('0\n', 0, 1, '../x')], 'leads elsewhere'],
  ['has a name with a separator', [and({ [Key.NAME]: Buffer.from('a\\b', 'utf16le').toString('base64') })], 'a name that no file'],
  ['has the name ..', [and({ [Key.NAME]: Buffer.from('..', 'utf16le').toString('base64') })], 'OBJECT_NAME_INVALID'],
  ['has a name that is no base64', [and({ [Key.NAME]: '*' })], 'a name that no file'],
  ['has too long a name', [{ path: 'x'.repeat(256) }], 'OBJECT_NAME_INVALID'],
  ['has too long a path', [{ path: 'd/', type: 'directory' }, { path: `d/${'x'.repeat(99)}` }], 'NAME_TOO_LONG'],
  ['is there twice', [{ path: 'f' }, { path: 'f' }], 'is there twice'],
  ['is a directory twice', [{ path: 'd/', type: 'directory' }, { path: 'd/', type: 'directory' }], 'is there twice'],
  ['comes before its directory', [{ path: 'd/f' }], 'comes before its directory'],
  ['lies below a file', [{ path: 'f' }, { path: 'f/g' }], 'comes before its directory'],
  ['lies below a link', [{ type: 'symlink', path: 'l', link: 'd', ...and({ [Key.REPARSE]: Buffer.from(linkData('d')).toString('base64') }) }, { path: 'l/g' }], 'comes before its directory'],
  ['is the root again', [{ path: './', type: 'directory' }], 'where the root should be'],
  ['is a hard link to nothing', [{ type: 'link', link: 'g' }], 'which is no file before it'],
  ['is a hard link to itself', [{ type: 'link', link: 'f' }], 'which is no file before it'],
  ['is a hard link to what comes later', [{ type: 'link', link: 'g' }, { path: 'g' }], 'which is no file before it'],
  ['is a hard link to what lies nowhere', [{ type: 'link', link: '../g' }], 'which is no file before it'],
  ['is a hard link to a directory', [{ path: 'd/', type: 'directory' }, { type: 'link', link: 'd' }], 'FILE_IS_A_DIRECTORY'],
  ['is a hard link to the root', [{ type: 'link', link: '' }], 'FILE_IS_A_DIRECTORY'],
  ['is a hard link that is a file, too', [{ path: 'g' }, { path: 'f' }, { type: 'link', link: 'g' }], 'is there twice'],
  ['is a hard link with content', [{ path: 'g' }, { type: 'link', link: 'g', content: Buffer.alloc(9) }], 'which is no file'],
  ['is of a kind of long ago', [{ type: 'contiguous-file' }], 'of a kind that is not known'],
  ['is a device without data', [{ type: 'character-device' }], 'without its reparse data'],
  ['is a directory with content', [{ path: 'd/', type: 'directory', content: Buffer.alloc(9) }], 'which is no file'],
  ['has no descriptor', [without(Key.SECURITY)], 'without a security descriptor'],
  ['has a descriptor that is none', [and({ [Key.SECURITY]: 'AAAA' })], 'INVALID_SECURITY_DESCR'],
  ['has no attributes', [without(Key.ATTRIBUTES)], 'without attributes'],
  ['has attributes that are none', [and({ [Key.ATTRIBUTES]: '0x123456789' })], 'without attributes'],
  ['has no creation time', [without(Key.CREATION)], 'without one of its times'],
  ['has a time beyond all times', [and({ [Key.WRITE]: '999999999999' })], 'without one of its times'],
  ['has reparse data that are none', [and({ [Key.REPARSE]: 'AAAA' })], 'IO_REPARSE_DATA_INVALID'],
  ['has attributes that are no list', [and({ [Key.EXTENDED]: 'AAAA' })], 'EA_LIST_INCONSISTENT'],
  ['has attributes that are no base64', [and({ [Key.EXTENDED]: '%' })], 'with extended attributes that are none'],
  ['is a link without data', [{ type: 'symlink', link: 'x' }], 'without its reparse data'],
  ['is larger than the archive', [{ sizeBytes: 2 ** 40 }], 'ends too early'],
  ['has a size beyond numbers', [and({ size: '99999999999999999999' })], 'has an entry of "99999999999999999999" bytes'],
  ['has a negative size', [and({ size: '-5' })], 'has an entry of "-5" bytes'],
  ['is sparse in another format', [and({ [Key.SPARSE_MAJOR]: '2' })], 'in the format 2.undefined'],
  ['has extents that overlap', [sparse('2\n0\n10\n5\n10\n', 20, 100)], 'a map of holes that is none'],
  ['has extents beyond its end', [sparse('1\n95\n10\n', 10, 100)], 'a map of holes that is none'],
  ['has a map without an end', [sparse('1', 0, 100)], 'a map of holes that is none'],
  ['has a map of a billion extents', [sparse('1000000000\n', 0, 100)], 'a map of holes that is none'],
  ['has a map of something else', [sparse('1\n-5\n10\n', 10, 100)], 'a map of holes that is none'],
  ['has more data than its map', [sparse('1\n0\n10\n', 20, 100)], 'whose parts are not as long'],
  ['has an impossible size', [sparse('0\n', 0, '99999999999999999')], 'of an impossible size'],
]; // biome-ignore format: a line a case
it.each(WRONG)('an entry that %s', async (_what, entries, expected) => {
  const message = await refusal(entries);
  expect(message).toContain(expected);
  expect(message).toMatch(/^DAMAGED: .*at byte/);
});

it('a file that is a hole of 4 PiB, or half a million files, do not fit; nobody waits for memory', async () => {
  expect(await refusal([sparse('0\n', 0, 2 ** 52)])).toMatch(/^DOES_NOT_FIT: .*4,503,599,627,370,496 bytes/);
  expect(await refusal([{ content: Buffer.alloc(65 * PAGE) }])).toMatch(/^DOES_NOT_FIT/);
});

it('pax headers are bounded', async () => {
  expect(await refusal([and({ comment: 'x'.repeat(2 ** 20) })])).toContain('a pax header of');
});
