/**
 * Reads an image, entry by entry. It may come from anyone: whatever it holds, the end is either the
 * manifest, when all of it was well-formed and every byte is as it was written, or an ImageError.
 */
import { SCRATCH_BYTES } from './checksum/pieces.js';
import type { ImageSource } from './compression.js';
import {
  BLOCK_BYTES,
  IMAGE_VERSION,
  Key,
  MANIFEST_MARK,
  type Manifest,
  parseManifest,
  parseTime,
  versionOf,
} from './format.js';
import { ImageError } from './image-error.js';
import { type TarItem, TarReader } from './tar/tar-reader.js';

const MIN_MEMORY_BYTES = 2 ** 16;
const MAX_MANIFEST_BYTES = 2 ** 16;
/** Of a file with holes: more than a file of 1 TiB has pages of 64 KiB. */
const MAX_EXTENTS = 2 ** 24;
const MAX_DIGITS = 16;

export interface ImageEntry {
  /** In the archive. */
  readonly offset: number;
  /** As tar programs show it (posix-name.ts), without `/` at the end; '' for the root. */
  readonly path: string;
  /** '' for the root. UTF-16 as it was in the volume, unchecked but for `/`, `\` and NUL. */
  readonly name: string;
  /** Path of its directory, as entries before have it; null for the root. */
  readonly parent: string | null;
  /** `hardlink`: one more name of the file at the path `link`, which comes before it. */
  readonly kind: 'directory' | 'file' | 'link' | 'hardlink';
  /** Of a link: whether its inode is a directory. */
  readonly isDirectory: boolean;
  readonly attributes: number;
  readonly times: { creation: bigint; lastAccess: bigint; lastWrite: bigint; change: bigint };
  readonly security: Uint8Array;
  readonly reparse: Uint8Array | null;
  /** A packed list, unchecked. */
  readonly extendedAttributes: Uint8Array | null;
  readonly link: string | null;
  /** The name of a stream of the entry before, or of the one before that and so on; unchecked but for NUL and `:`. */
  readonly stream: string | null;
  /** Holes included. */
  readonly sizeBytes: number;
}

export interface ImageVisitor {
  entry(entry: ImageEntry): void;
  /** Content of the entry before, in order; the bytes are valid during the call. What is left out is a hole. */
  data?(offset: number, bytes: Uint8Array): void;
  /** After the content of an entry. */
  end?(entry: ImageEntry): void;
}

const DIRECTORY_ATTRIBUTE = 0x10;

/** Throws ImageError. The source is closed then. What the visitor gets as data lies in `memory`. */
export async function readImage(
  source: ImageSource,
  visitor: ImageVisitor,
  memory = ownMemory(source.lengthBytes),
): Promise<Manifest> {
  const tar = new TarReader(source, memory);
  try {
    return await readArchive(tar, visitor);
  } finally {
    await tar.close();
  }
}

/** Little for a small file: it is zeroed, which takes longer than to read one. */
function ownMemory(lengthBytes: number): Uint8Array {
  const bytes = Math.min(Math.max(lengthBytes, MIN_MEMORY_BYTES), SCRATCH_BYTES);
  return new Uint8Array(new SharedArrayBuffer(bytes));
}

async function readArchive(tar: TarReader, visitor: ImageVisitor): Promise<Manifest> {
  let isFirst = true;
  for (let item: TarItem | null = await firstItem(tar); item !== null; item = await tar.next()) {
    if (item.pax.text(Key.COMMENT) === MANIFEST_MARK && !isFirst) return readManifest(tar, item);
    const entry = entryOf(tar, item, isFirst);
    isFirst = false;
    visitor.entry(entry);
    if (entry.kind === 'file') await readContent(tar, item, entry, visitor);
    visitor.end?.(entry);
  }
  throw tar.damage(tar.offset, 'has no manifest at its end: it is incomplete');
}

/** Whether a file begins as an image does, of whatever version. */
export async function isImage(source: ImageSource): Promise<boolean> {
  const tar = new TarReader({ ...source, lengthBytes: 0 }, ownMemory(0));
  try {
    await firstItem(tar);
    return true;
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    return error.code === 'NEWER';
  } finally {
    await tar.close();
  }
}

async function firstItem(tar: TarReader): Promise<TarItem> {
  let item: TarItem | null = null;
  try {
    item = await tar.next();
  } catch (error) {
    // Not even a tar archive.
    if (!(error instanceof ImageError) || error.code !== 'DAMAGED') throw error;
  }
  const version = versionOf(item?.pax.text(Key.COMMENT));
  if (item === null || version === null) {
    throw new ImageError('FOREIGN', 'it is no image of a RAM drive');
  }
  if (version > IMAGE_VERSION) {
    throw new ImageError(
      'NEWER',
      `it is of version ${version}, and this program knows versions up to ${IMAGE_VERSION}: a newer ramdrive made it`,
    );
  }
  return item;
}

async function readManifest(tar: TarReader, item: TarItem): Promise<Manifest> {
  const sha256 = tar.sha256Before();
  if (item.sizeBytes > MAX_MANIFEST_BYTES)
    throw tar.damage(item.offset, 'has a manifest of an impossible size');
  const manifest = parseManifest((await tar.read(item.sizeBytes)).toString('utf8'));
  if (manifest === null) throw tar.damage(item.offset, 'has a manifest that cannot be understood');
  if (manifest.sha256 !== sha256) {
    throw tar.damage(item.offset, `is damaged somewhere: its SHA-256 is ${sha256}, not ${manifest.sha256}`);
  }
  await tar.skipPadding(item.sizeBytes);
  if (!(await tar.isAtEnd())) throw tar.damage(tar.offset, 'has something behind its manifest');
  return manifest;
}

function entryOf(tar: TarReader, item: TarItem, isFirst: boolean): ImageEntry {
  const { header, pax, offset } = item;
  const damage = (what: string) => tar.damage(offset, `has an entry "${path}" ${what}`);
  const given = pax.name(Key.SPARSE_NAME) ?? pax.name(Key.PATH) ?? header.name;
  let path = given.replace(/\/$/, '');
  if (isFirst !== (path === '.')) throw damage('where the root should be, or again');
  if (isFirst) path = '';
  const stream = pax.has(Key.STREAM) ? (base64(pax.text(Key.STREAM))?.toString('utf16le') ?? '') : null;
  if (stream !== null && (isFirst || /[\\/:\0]/.test(stream) || stream === ''))
    throw damage('with a stream that none can be');
  const names = path.split('/');
  if (!isFirst && stream === null && names.some((name) => name === '' || name === '.' || name === '..')) {
    throw damage('with a path that leads elsewhere');
  }
  const kind = KINDS[header.type ?? ''];
  if (kind === undefined) throw damage(`of a kind that is not known (${header.type ?? 'no tar type'})`);
  const attributes = /^0x[0-9a-f]{1,8}$/.exec(pax.text(Key.ATTRIBUTES) ?? '');
  const security = base64(pax.text(Key.SECURITY));
  const reparse = pax.has(Key.REPARSE) ? base64(pax.text(Key.REPARSE)) : null;
  const extendedAttributes = pax.has(Key.EXTENDED) ? base64(pax.text(Key.EXTENDED)) : null;
  const times = {
    creation: parseTime(pax.text(Key.CREATION)),
    lastAccess: parseTime(pax.text(Key.ACCESS)),
    lastWrite: parseTime(pax.text(Key.WRITE)),
    change: parseTime(pax.text(Key.CHANGE)),
  };
  if (attributes === null) throw damage('without attributes');
  if (security === undefined) throw damage('without a security descriptor');
  const isSpecial = header.type !== 'file' && kind !== 'directory' && kind !== 'hardlink';
  if (reparse === undefined || (isSpecial && reparse === null)) throw damage('without its reparse data');
  if (extendedAttributes === undefined) throw damage('with extended attributes that are none');
  if (!hasAll(times)) throw damage('without one of its times, or with one that is none');
  const isDirectory =
    kind === 'directory' || (kind === 'link' && (Number(attributes[0]) & DIRECTORY_ATTRIBUTE) !== 0);
  if (stream !== null && kind !== 'file') throw damage('which should be a stream');
  if (isFirst && kind !== 'directory') throw damage('which should be the root');
  if (kind !== 'file' && item.sizeBytes !== 0) throw damage(`with ${item.sizeBytes} bytes, which is no file`);
  const name = nameOf(pax.text(Key.NAME), names.at(-1) as string);
  if (name === undefined || /[\\/\0]/.test(name)) throw damage('with a name that no file can have');
  return {
    offset,
    path,
    name,
    parent: isFirst ? null : names.slice(0, -1).join('/'),
    kind,
    isDirectory,
    attributes: Number(attributes[0]),
    times,
    security,
    reparse,
    extendedAttributes,
    link: kind === 'link' || kind === 'hardlink' ? (pax.name(Key.LINK) ?? header.linkname) : null,
    stream,
    sizeBytes: kind === 'file' ? sizeOf(item, damage) : 0,
  };
}

const KINDS: Readonly<Record<string, ImageEntry['kind']>> = {
  file: 'file',
  directory: 'directory',
  symlink: 'link',
  link: 'hardlink',
  // Empty files: their reparse data say what they are.
  fifo: 'file',
  'character-device': 'file',
  'block-device': 'file',
};

type Times = ImageEntry['times'];

function hasAll(times: { [Which in keyof Times]: bigint | null }): times is Times {
  return Object.values(times).every((time) => time !== null);
}

function nameOf(encoded: string | undefined, otherwise: string): string | undefined {
  return encoded === undefined ? otherwise : base64(encoded)?.toString('utf16le');
}

/** undefined when it is not given, or no base64. */
function base64(text: string | undefined): Buffer | undefined {
  return text === undefined || !/^[A-Za-z0-9+/]*={0,2}$/.test(text) ? undefined : Buffer.from(text, 'base64');
}

const isSparse = ({ pax }: TarItem) => pax.has(Key.SPARSE_MAJOR);

function sizeOf(item: TarItem, damage: (what: string) => ImageError): number {
  if (!isSparse(item)) return item.sizeBytes;
  const version = `${item.pax.text(Key.SPARSE_MAJOR)}.${item.pax.text(Key.SPARSE_MINOR)}`;
  if (version !== '1.0') throw damage(`with holes in the format ${version}, not 1.0`);
  const size = item.pax.text(Key.SPARSE_SIZE) ?? '';
  if (!/^\d{1,16}$/.test(size) || !Number.isSafeInteger(Number(size))) throw damage('of an impossible size');
  return Number(size);
}

async function readContent(
  tar: TarReader,
  item: TarItem,
  entry: ImageEntry,
  visitor: ImageVisitor,
): Promise<void> {
  const { extents, mapBytes } = isSparse(item)
    ? await readMap(tar, item, entry)
    : { extents: [[0, item.sizeBytes] as const], mapBytes: 0 };
  const dataBytes = extents.reduce((sum, [, length]) => sum + length, 0);
  if (mapBytes + dataBytes !== item.sizeBytes) {
    throw tar.damage(item.offset, `has an entry "${entry.path}" whose parts are not as long as it is`);
  }
  for (const [offset, length] of extents) {
    for (let done = 0; done < length; ) {
      const bytes = await tar.some(length - done);
      visitor.data?.(offset + done, bytes);
      done += bytes.length;
    }
  }
  await tar.skipPadding(item.sizeBytes);
}

/** Numbers, one a line, in whole blocks: how many extents there are, then offset and length of each. */
async function readMap(
  tar: TarReader,
  item: TarItem,
  entry: ImageEntry,
): Promise<{ extents: [offset: number, length: number][]; mapBytes: number }> {
  const damage = () =>
    tar.damage(item.offset, `has an entry "${entry.path}" with a map of holes that is none`);
  const numbers: number[] = [];
  let digits = '';
  let mapBytes = 0;
  for (let wanted = 1; numbers.length < wanted; ) {
    mapBytes += BLOCK_BYTES;
    if (mapBytes > item.sizeBytes) throw damage();
    for (const byte of await tar.read(BLOCK_BYTES)) {
      if (numbers.length === wanted) break;
      if (byte >= 0x30 && byte <= 0x39 && digits.length < MAX_DIGITS) digits += String.fromCharCode(byte);
      else if (byte === 0x0a && digits !== '') {
        numbers.push(Number(digits));
        digits = '';
        if (numbers.length === 1) wanted = 1 + 2 * (numbers[0] as number);
        if (wanted > 2 * MAX_EXTENTS) throw damage();
      } else throw damage();
    }
  }
  const extents: [number, number][] = [];
  for (let at = 1, end = 0; at < numbers.length; at += 2) {
    const [offset, length] = [numbers[at] as number, numbers[at + 1] as number];
    if (offset < end || !(offset + length <= entry.sizeBytes)) throw damage();
    end = offset + length;
    extents.push([offset, length]);
  }
  return { extents, mapBytes };
}
