/** All that an image has to give back of a volume, so that two of them can be compared. */
import type { PagedFile } from '../../../src/volume/content/paged-file.js';
import type { Inode } from '../../../src/volume/inode.js';
import { OrderedChildren } from '../../../src/volume/names/ordered-children.js';
import type { Rig } from './volumes.js';

/**
 * What says where an inode is, and what has it open. Every other field is compared as it is, also one that is new: it
 * belongs into images, or here with a reason.
 */
const NOT_KEPT: ReadonlySet<string> = new Set([
  // Never used again.
  'indexNumber',
  // Its names are compared as those of the entries in directories; which of them is the inode's own may differ.
  'name',
  'key',
  'hash',
  'next',
  'parent',
  'children',
  // Of open files.
  'context',
  'openCount',
]);

interface ContentOptions {
  /** Which pages are holes, too: for volumes with pages of one size. */
  holes?: boolean;
}

/** By path. */
export function contentOf(
  { volume, scratch }: Rig,
  { holes = false }: ContentOptions = {},
): Record<string, unknown> {
  const names = new Map<Inode, string[]>([[volume.root, ['\\']]]);
  const pending = [{ inode: volume.root, path: '' }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { inode: directory, path: above } = next;
    directory.children?.forEachPair((_key, { name, inode }) => {
      const path = `${above}\\${name}`;
      names.set(inode, [...(names.get(inode) ?? []), path].sort());
      if (inode.children !== null) pending.push({ inode, path });
    });
  }
  const all: Record<string, unknown> = {};
  for (const [inode, paths] of names) {
    const fields: Record<string, unknown> = { names: paths };
    for (const [field, value] of Object.entries(inode)) {
      if (!NOT_KEPT.has(field)) fields[field] = plain(value, scratch, holes);
    }
    for (const path of paths) all[path] = fields;
  }
  return all;
}

/** Of one value of a field: bytes as text, which a failure can show and which is compared fast. */
function plain(value: unknown, scratch: Rig['scratch'], holes: boolean): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (value === null || typeof value !== 'object') return value;
  if (value instanceof OrderedChildren) {
    return [...(value as OrderedChildren<Inode>).values()].map(({ name, file }) => ({
      name,
      file: plain(file, scratch, holes),
    }));
  }
  if ('table' in value) return fileOf(value as PagedFile, scratch, holes);
  // Shared by inodes, and known by its bytes.
  if ('users' in value && 'bytes' in value) return plain(value.bytes, scratch, holes);
  return Object.fromEntries(
    Object.entries(value).map(([field, inner]) => [field, plain(inner, scratch, holes)]),
  );
}

function fileOf(file: PagedFile, { address, bytes }: Rig['scratch'], holes: boolean): unknown {
  const content = Buffer.alloc(file.lengthBytes);
  for (let at = 0; at < content.length; at += bytes.length) {
    const count = file.read(at, Math.min(bytes.length, content.length - at), address);
    content.set(bytes.subarray(0, count), at);
  }
  const pages = Math.ceil(file.lengthBytes / file.pool.pageSizeBytes);
  const isHole = Array.from({ length: pages }, (_, index) => (file.table.pageAt(index) < 0 ? '-' : '#'));
  return { content: content.toString('latin1'), ...(holes && { pages: isHole.join('') }) };
}
