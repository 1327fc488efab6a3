/** The snapshots' part of the volume's self-check: recounts what each says of itself. Reads only. */
import type { PagedFile } from '../content/paged-file.js';
import type { Inode } from '../inode.js';
import { heapBytesOf, heapBytesOfLink } from '../inode-heap.js';
import { checkLinks } from '../names/link-check.js';
import type { SecurityDescriptor } from '../security/security-store.js';
import type { Snapshot } from './snapshot.js';
import type { Snapshots } from './snapshots.js';

/** Answers the files of all snapshots; adds to the users of security descriptors, and to the violations. */
export function checkSnapshots(
  snapshots: Snapshots,
  users: Map<SecurityDescriptor, number>,
  violations: string[],
): PagedFile[] {
  const files: PagedFile[] = [];
  const sums = noSums();
  for (const snapshot of snapshots.all) {
    const found = { ...noSums(), lengthBytes: 0, filePages: 0 };
    snapshot.visit((inode) => {
      found.inodeCount += 1;
      found.heapBytes += heapBytesOf(inode);
      found.reparseBytes += inode.reparse?.data.length ?? 0;
      found.attributeBytes += inode.extendedAttributes?.list.length ?? 0;
      found.lengthBytes += inode.fileSize;
      found.filePages += inode.file?.reservedPages ?? 0;
      users.set(inode.security, (users.get(inode.security) ?? 0) + 1);
      if (inode.file !== null) files.push(inode.file);
      checkInode(snapshot, inode, violations);
    });
    snapshot.hardLinks.visit((_inode, links) => {
      for (const link of links) found.heapBytes += heapBytesOfLink(link);
    });
    violations.push(...checkLinks(snapshot.root, snapshot.hardLinks, `Snapshots: in "${snapshot.name}" `));
    compare(`"${snapshot.name}"`, found, snapshot, violations);
    sums.inodeCount += found.inodeCount;
    sums.heapBytes += found.heapBytes;
    sums.reparseBytes += found.reparseBytes;
    sums.attributeBytes += found.attributeBytes;
  }
  compare('all', sums, snapshots, violations);
  return files;
}

const noSums = () => ({ inodeCount: 0, heapBytes: 0, reparseBytes: 0, attributeBytes: 0 });

function checkInode(snapshot: Snapshot, inode: Inode, violations: string[]): void {
  const complain = (what: string) =>
    violations.push(`Snapshots: "${inode.name}" (${inode.indexNumber}) in "${snapshot.name}" ${what}`);
  if (inode.context !== 0 || inode.openCount !== 0) complain('is open');
  if (inode.file?.isDisposed === true) complain('has lost its content');
  for (const [key, child] of inode.children?.entries() ?? []) {
    if (child.parent !== inode || child.key !== key) complain(`lists "${child.name}", which is not its own`);
  }
}

function compare<Sums extends Record<string, number>>(
  which: string,
  found: Sums,
  counted: { readonly [Sum in keyof Sums]: number },
  violations: string[],
): void {
  for (const [sum, value] of Object.entries(found)) {
    if (counted[sum] === value) continue;
    violations.push(`Snapshots: ${which}: ${sum} is ${value}, counted is ${counted[sum]}`);
  }
}
