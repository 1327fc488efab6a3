/** Writes the image of a volume into an open file (format.ts). Throws what the file system throws. */

import { attributesOf, EMPTY_VALUE_FLAG, type ExtendedAttributes } from '../volume/extended-attributes.js';
import type { Scratch } from './checksum/pieces.js';
import type { Compression } from './compression.js';
import {
  BLOCK_BYTES,
  Key,
  MANIFEST_MARK,
  MARK_TEXT,
  type Manifest,
  timeText,
  XATTR_PREFIX,
} from './format.js';
import { posixOwner } from './posix-owner.js';
import { specialFileOf } from './special-file.js';
import { linkTargetOf } from './symbolic-link.js';
import { bytesOfName } from './tar/posix-name.js';
import { type TarEntry, TarWriter } from './tar/tar-writer.js';
import type { ViewedInode, VolumeView } from './volume-view.js';

/** Holes smaller than this, all together, are written as zeros. */
const MIN_HOLE_BYTES = 4096;
const UNIX_EPOCH_UNITS = 116_444_736_000_000_000n;
const UNITS_PER_SECOND = 10_000_000n;

/** `onProgress`: bytes of content written so far, after each file. */
export function writeImage(
  view: VolumeView,
  descriptor: number,
  scratch: Scratch,
  compression: Compression,
  onProgress: (bytes: number) => void = () => {},
): Manifest {
  const tar = new TarWriter(descriptor, scratch, compression, view.dataBytes);
  try {
    return writeEntries(view, tar, onProgress);
  } finally {
    tar.close();
  }
}

function writeEntries(view: VolumeView, tar: TarWriter, onProgress: (bytes: number) => void): Manifest {
  const counts = { directories: 0, files: 0, links: 0, streams: 0, bytes: 0 };
  const topNames = new Set<string>();
  /** Paths of directories in the archive, which is not always how their names are spelt. */
  const paths = new Map<string, string>();
  /** Of files with several names: the path of the first, by index number. */
  const firstPaths = new Map<number, string>();
  view.visit((inode) => {
    const path = pathOf(inode, paths);
    if (inode.names.length === 1) topNames.add(path);
    if (inode.stream !== null) {
      writeInode(tar, inode, `${path}:${tarName(inode.stream, inode.indexNumber)}`);
      counts.streams++;
      counts.bytes += inode.sizeBytes;
    } else if (inode.names.length === 0) writeInode(tar, inode, './');
    else {
      const first = firstPaths.get(inode.indexNumber);
      const kind = writeInode(tar, inode, path, first);
      counts[kind]++;
      if (first === undefined) counts.bytes += inode.sizeBytes;
      if (first === undefined && view.linked.has(inode.indexNumber)) firstPaths.set(inode.indexNumber, path);
    }
    onProgress(tar.contentBytes);
  });
  const sha256 = tar.sha256();
  const savedAt = new Date().toISOString();
  const { label, caseSensitive } = view;
  const manifest = { label, caseSensitive, savedAt, ...counts, sha256 };
  writeManifest(tar, manifest, topNames);
  tar.finish();
  return manifest;
}

function writeInode(
  tar: TarWriter,
  inode: ViewedInode,
  path: string,
  hardLinkTo?: string,
): 'directories' | 'files' | 'links' {
  if (hardLinkTo !== undefined) {
    tar.entry({
      ...fieldsOf(inode),
      path,
      type: 'link',
      link: hardLinkTo,
      sizeBytes: 0,
      pax: paxOf(inode, true),
    });
    return 'links';
  }
  // To tar only a file has content; a reparse point that has some is a file to it.
  const reparse = inode.sizeBytes === 0 ? inode.reparse : null;
  const link = reparse === null ? null : linkTargetOf(reparse);
  const special = reparse === null || inode.isDirectory ? null : specialFileOf(reparse);
  const type = link !== null ? 'symlink' : inode.isDirectory ? 'directory' : (special?.type ?? 'file');
  const entry: TarEntry = {
    ...fieldsOf(inode),
    path: type === 'directory' && path !== './' ? `${path}/` : path,
    type,
    link,
    ...(special !== null && { major: special.major, minor: special.minor }),
    sizeBytes: type === 'file' ? inode.sizeBytes : 0,
    pax: paxOf(inode),
  };
  if (type !== 'file' || inode.sizeBytes === 0) tar.entry(entry);
  else writeContent(tar, inode, entry);
  return type === 'symlink' ? 'links' : inode.isDirectory ? 'directories' : 'files';
}

function fieldsOf({
  security,
  times,
}: ViewedInode): Pick<TarEntry, 'uid' | 'gid' | 'mode' | 'writeTimeSeconds'> {
  const { owner } = securityFields(security);
  return {
    ...owner,
    writeTimeSeconds: Number((times.lastWrite - UNIX_EPOCH_UNITS) / UNITS_PER_SECOND),
  };
}

/** Files share their descriptors: what is written of each is made once. */
const ofSecurities = new WeakMap<Uint8Array, { owner: ReturnType<typeof posixOwner>; text: string }>();

function securityFields(security: Uint8Array): { owner: ReturnType<typeof posixOwner>; text: string } {
  let fields = ofSecurities.get(security);
  if (fields === undefined) {
    fields = { owner: posixOwner(security), text: Buffer.from(security).toString('base64') };
    ofSecurities.set(security, fields);
  }
  return fields;
}

/** A hard link tells of the inode once more, but for what only a first name can be given. */
function paxOf(inode: ViewedInode, isHardLink = false): Record<string, string | Uint8Array> {
  const { names, times, extendedAttributes } = inode;
  const pax: Record<string, string | Uint8Array> =
    extendedAttributes === null || isHardLink ? {} : linuxAttributes(extendedAttributes);
  if (inode.stream !== null) pax[Key.STREAM] = base64OfUnits(inode.stream);
  else if (names.length === 0) pax[Key.COMMENT] = MARK_TEXT;
  pax[Key.WRITE] = timeText(times.lastWrite);
  pax[Key.ACCESS] = timeText(times.lastAccess);
  pax[Key.CHANGE] = timeText(times.change);
  pax[Key.CREATION] = timeText(times.creation);
  pax[Key.ATTRIBUTES] = `0x${inode.attributes.toString(16)}`;
  pax[Key.SECURITY] = securityFields(inode.security).text;
  if (!isHardLink) {
    if (inode.reparse !== null) pax[Key.REPARSE] = Buffer.from(inode.reparse).toString('base64');
    if (extendedAttributes !== null)
      pax[Key.EXTENDED] = Buffer.from(extendedAttributes.list).toString('base64');
  }
  const name = inode.stream === null ? names.at(-1) : undefined;
  if (name !== undefined && tarName(name, inode.indexNumber) !== name) pax[Key.NAME] = base64OfUnits(name);
  return pax;
}

function base64OfUnits(text: string): string {
  return Buffer.from(text, 'utf16le').toString('base64');
}

/** Those that a Linux drive has, and a keyword of pax can name; not needed to read them back. */
function linuxAttributes(attributes: ExtendedAttributes): Record<string, Uint8Array> {
  return Object.fromEntries(
    attributesOf(attributes)
      .filter(({ name }) => /^(user|trusted|security)\.[!-<>-~]+$/.test(name))
      .map(({ name, flags, value }) => [
        XATTR_PREFIX + name,
        (flags & EMPTY_VALUE_FLAG) === 0 ? value : new Uint8Array(0),
      ]),
  );
}

/**
 * A name as tar can hold it: its bytes, if it has any. Otherwise U+FFFD stands in it for what has none, and a
 * number makes it one that nothing else has; hence a name that only looks like such a one gets a number, too.
 */
function tarName(name: string, indexNumber: number): string {
  if (isTarName(name)) return name;
  const safe = name.replaceAll(/[\p{Surrogate}/]/gu, '\ufffd');
  return `${safe.includes('\ufffd') ? safe : `${safe}\ufffd`}~${indexNumber}`;
}

function isTarName(name: string): boolean {
  return !/\/|\ufffd.*~\d+$/s.test(name) && bytesOfName(name) !== null;
}

function pathOf(inode: ViewedInode, paths: Map<string, string>): string {
  if (inode.names.length === 0) return '';
  const above = paths.get(inode.names.slice(0, -1).join('\\')) ?? '';
  const name = tarName(inode.names.at(-1) as string, inode.indexNumber);
  const path = above === '' ? name : `${above}/${name}`;
  if (inode.isDirectory) paths.set(inode.names.join('\\'), path);
  return path;
}

function writeContent(tar: TarWriter, inode: ViewedInode, entry: TarEntry): void {
  let extents = inode.extents();
  const dataBytes = extents.reduce((sum, [, length]) => sum + length, 0);
  if (inode.sizeBytes - dataBytes < MIN_HOLE_BYTES) {
    extents = [[0, inode.sizeBytes]];
    tar.entry(entry);
  } else {
    // The name in the header is for programs that know nothing of holes: they unpack the map with what is there.
    const slash = entry.path.lastIndexOf('/') + 1;
    const pax = {
      ...entry.pax,
      [Key.SPARSE_MAJOR]: '1',
      [Key.SPARSE_MINOR]: '0',
      [Key.SPARSE_NAME]: entry.path,
      [Key.SPARSE_SIZE]: String(inode.sizeBytes),
    };
    // The last extent tells of a hole at the end.
    const map = Buffer.from(
      [extents.length + 1, ...extents.flat(), inode.sizeBytes, 0].map((number) => `${number}\n`).join(''),
    );
    const mapBytes = Math.ceil(map.length / BLOCK_BYTES) * BLOCK_BYTES;
    const path = `${entry.path.slice(0, slash)}GNUSparseFile.0/${entry.path.slice(slash)}`;
    tar.entry({ ...entry, path, sizeBytes: mapBytes + dataBytes, pax });
    tar.write(Buffer.concat([map], mapBytes));
  }
  for (const [offset, length] of extents) {
    tar.fill(length, (done, count, address) => inode.read(offset + done, count, address));
  }
  tar.end();
}

/** Under a name that nothing else in the archive has. */
function writeManifest(tar: TarWriter, manifest: Manifest, taken: ReadonlySet<string>): void {
  const text = Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`);
  const seconds = Math.floor(Date.parse(manifest.savedAt) / 1000);
  let path = '.ramdrive-manifest.json';
  for (let number = 2; taken.has(path); number++) path = `.ramdrive-manifest-${number}.json`;
  const pax = { [Key.COMMENT]: MANIFEST_MARK };
  const fields = { type: 'file', link: null, mode: 0o644, uid: 0, gid: 0 } as const;
  tar.entry({ ...fields, path, sizeBytes: text.length, writeTimeSeconds: seconds, pax });
  tar.write(text);
  tar.end();
}
