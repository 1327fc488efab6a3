/**
 * The snapshots' part of the volume's self-check: recounts what each says of itself. Reads only; yields after each
 * inode, and no snapshot may come or go meanwhile.
 */
import type { PoolCheck } from '../content/page-pool-check.js';
import type { DirectoryEntry, Inode } from '../inode.js';
import { heapBytesOf, heapBytesOfLink } from '../inode-heap.js';
import type { Snapshot } from '../snapshots/snapshot.js';
import type { Snapshots } from '../snapshots/snapshots.js';
import { checkDirectory } from './directory-check.js';
import { LinkCheck } from './link-check.js';

/** Adds files to the pool's check and to the violations; `meet` is told of each inode. */
export function* checkSnapshots(
  snapshots: Snapshots,
  pool: PoolCheck,
  violations: string[],
  meet: (inode: Inode) => void,
): Generator<void> {
  const sums = noSums();
  for (const snapshot of snapshots.all) {
    const where = `Snapshots: in "${snapshot.name}" `;
    const found = { ...noSums(), lengthBytes: 0, filePages: 0 };
    const links = new LinkCheck(snapshot.hardLinks, where, violations);
    const waiting: DirectoryEntry[] = [snapshot.root];
    for (let entry = waiting.pop(); entry !== undefined; entry = waiting.pop()) {
      const { inode } = entry;
      if (entry === inode) {
        meet(inode);
        found.inodeCount += 1;
        found.heapBytes += heapBytesOf(inode);
        found.reparseBytes += inode.reparse?.data.length ?? 0;
        found.attributeBytes += inode.extendedAttributes?.list.length ?? 0;
        found.lengthBytes += inode.fileSize;
        found.filePages += inode.file?.reservedPages ?? 0;
        if (inode.file !== null) pool.addFrozen(inode.file);
        checkInode(snapshot, inode, violations);
        checkDirectory(inode, where, violations, (child) => waiting.push(child));
        inode.streams?.forEachPair((_key, stream) => {
          if (stream.main !== inode || stream.parent !== inode)
            violations.push(`${where}"${inode.name}" has the stream "${stream.name}", which is not its own`);
          waiting.push(stream);
        });
      } else {
        links.add(entry);
        found.heapBytes += heapBytesOfLink(entry);
      }
      yield;
    }
    links.finish();
    compare(`"${snapshot.name}"`, found, snapshot, violations);
    sums.inodeCount += found.inodeCount;
    sums.heapBytes += found.heapBytes;
    sums.reparseBytes += found.reparseBytes;
    sums.attributeBytes += found.attributeBytes;
  }
  compare('all', sums, snapshots, violations);
  pool.endSnapshots();
}

const noSums = () => ({ inodeCount: 0, heapBytes: 0, reparseBytes: 0, attributeBytes: 0 });

function checkInode(snapshot: Snapshot, inode: Inode, violations: string[]): void {
  const complain = (what: string) =>
    violations.push(`Snapshots: "${inode.name}" (${inode.indexNumber}) in "${snapshot.name}" ${what}`);
  if (inode.slot !== 0 || inode.openCount !== 0) complain('is open');
  if (inode.file?.isDisposed === true) complain('has lost its content');
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
