/**
 * The volume's self-check: walks all names, all open inodes and the whole pool, and says in words what does not fit
 * together. Reads only, and uses no counter of the volume but to compare it with what it counted itself. Callable on a
 * live volume between two requests.
 */

import type { AttributeRoom } from './attribute-room.js';
import type { PagePool } from './content/page-pool.js';
import type { PagedFile } from './content/paged-file.js';
import type { ContextTable } from './context-table.js';
import { Attribute } from './file-attributes.js';
import type { Inode } from './inode.js';
import { heapBytesOf, heapBytesOfLink } from './inode-heap.js';
import { foldText } from './names/case-folding.js';
import { checkLinks } from './names/link-check.js';
import { isName, type NameTree } from './names/name-tree.js';
import type { SecurityDescriptor, SecurityStore } from './security/security-store.js';
import { checkSnapshots } from './snapshots/snapshot-check.js';
import type { Snapshots } from './snapshots/snapshots.js';

export interface VolumeView {
  tree: NameTree;
  contexts: ContextTable;
  securities: SecurityStore;
  pool: PagePool;
  inodeCount: number;
  openCount: number;
  lastIndexNumber: number;
  reparseBytes: number;
  attributeBytes: number;
  attributeRoom: AttributeRoom;
  heapBytes: number;
  snapshots: Snapshots;
}

export function checkVolume(volume: VolumeView): string[] {
  const { tree, contexts } = volume;
  const violations: string[] = [];
  const seen = new Set<Inode>();
  const indexNumbers = new Set<number>();
  const users = new Map<SecurityDescriptor, number>();
  const files: PagedFile[] = [];
  let opens = 0;
  let reparseBytes = 0;
  let attributeBytes = 0;
  let heapBytes = 0;

  /** What holds for every inode, with or without a name. */
  const meet = (inode: Inode): void => {
    const complain = (what: string) =>
      violations.push(`Inodes: "${inode.name}" (${inode.indexNumber}) ${what}`);
    if (seen.has(inode)) {
      complain('is there twice');
      return;
    }
    seen.add(inode);
    if (!(inode.indexNumber > 0 && inode.indexNumber <= volume.lastIndexNumber))
      complain('has no index number');
    if (indexNumbers.has(inode.indexNumber)) complain('shares its index number');
    indexNumbers.add(inode.indexNumber);
    users.set(inode.security, (users.get(inode.security) ?? 0) + 1);
    opens += inode.openCount;
    reparseBytes += inode.reparse?.data.length ?? 0;
    attributeBytes += inode.extendedAttributes?.list.length ?? 0;
    heapBytes += heapBytesOf(inode);
    if (inode.file !== null) {
      files.push(inode.file);
      if (inode.file.isDisposed) complain('is alive, but its content is disposed');
      if (inode.children !== null) complain('is a file with children');
    }
    if (inode.isDirectory !== ((inode.attributes & Attribute.DIRECTORY) !== 0)) {
      complain(`does not fit its attributes ${inode.attributes}`);
    }
    if ((inode.reparse !== null) !== ((inode.attributes & Attribute.REPARSE_POINT) !== 0)) {
      complain(`does not fit its reparse point, with attributes ${inode.attributes}`);
    }
    if (inode.children !== null && (inode.children.size === 0 || inode.reparse !== null)) {
      complain(`has ${inode.children.size} children, which it must not have`);
    }
    if (inode.openCount > 0 !== (contexts.inodeOf(inode.context) === inode)) {
      complain(`is open ${inode.openCount} times, with context ${inode.context}`);
    }
  };

  let named = 0;
  const directories: Inode[] = [tree.root];
  meet(tree.root);
  if (tree.root.parent !== tree.root) violations.push('Names: the root is not its own parent');
  for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
    let previous = '';
    // By position, not by look-up: a tree that is out of order would show a part of itself only.
    for (const [key, entry] of directory.children?.entries() ?? []) {
      const { inode } = entry;
      const complain = (what: string) =>
        violations.push(`Names: "${entry.name}" (${inode.indexNumber}) ${what}`);
      named++;
      if (!(key > previous)) complain('is listed out of order');
      previous = key;
      if (entry.parent !== directory) complain('is listed by a directory that is not its parent');
      if (entry.key !== key || foldText(entry.name, tree.folding) !== key)
        complain('is not listed by its name');
      if (!isName(entry.name, 0)) complain('has a name that none may have');
      if (tree.index.find(directory, entry.name, 0, entry.name.length) !== entry) {
        complain('is not found by its name');
      }
      if (entry !== inode) {
        heapBytes += heapBytesOfLink(entry);
        continue;
      }
      meet(inode);
      if (inode.isDirectory) directories.push(inode);
    }
  }
  violations.push(...checkLinks(tree.root, tree.hardLinks, 'Names: '));
  if (tree.index.count !== named) {
    violations.push(`Names: ${named} names are listed, the index counts ${tree.index.count}`);
  }
  let indexed = 0;
  tree.index.visit(() => {
    indexed++;
  });
  if (indexed !== named) violations.push(`Names: ${named} names are listed, ${indexed} are in the index`);

  contexts.visit((inode) => {
    if (inode.openCount <= 0) violations.push(`Handles: "${inode.name}" has a context, but is not open`);
    if (inode.parent !== null) {
      if (!seen.has(inode))
        violations.push(`Names: "${inode.name}" is open and has a parent, but is not listed`);
      return;
    }
    if (inode.children !== null) violations.push(`Names: "${inode.name}" has no name any more, but children`);
    meet(inode);
  });
  if (opens !== volume.openCount) {
    violations.push(`Handles: ${opens} opens are held, the volume counts ${volume.openCount}`);
  }
  if (seen.size !== volume.inodeCount) {
    violations.push(`Inodes: ${seen.size} are there, the volume counts ${volume.inodeCount}`);
  }
  if (reparseBytes !== volume.reparseBytes) {
    violations.push(
      `Inodes: ${reparseBytes} bytes of reparse points, the volume counts ${volume.reparseBytes}`,
    );
  }
  if (attributeBytes !== volume.attributeBytes) {
    violations.push(
      `Inodes: ${attributeBytes} bytes of extended attributes, the volume counts ${volume.attributeBytes}`,
    );
  }
  const allAttributeBytes = attributeBytes + volume.snapshots.attributeBytes;
  if (allAttributeBytes !== volume.attributeRoom.bytes) {
    violations.push(
      `FreeBytesAccurate: ${allAttributeBytes} bytes of extended attributes with those of snapshots, ` +
        `room is taken for ${volume.attributeRoom.bytes}`,
    );
  }
  if (heapBytes !== volume.heapBytes) {
    violations.push(`Inodes: they take ${heapBytes} bytes of heap, the volume counts ${volume.heapBytes}`);
  }
  const { reservedPages } = volume.snapshots;
  const attributePages = Math.ceil(allAttributeBytes / volume.pool.pageSizeBytes);
  const snapshotFiles = checkSnapshots(volume.snapshots, users, violations);
  violations.push(
    ...volume.securities.check(users),
    ...volume.pool.check(files, { files: snapshotFiles, reservedPages }, attributePages),
  );
  return violations;
}
