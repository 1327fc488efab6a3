/**
 * The volume's self-check: walks all names, all open inodes and the whole pool, and says in words what does not fit
 * together. Reads only, and uses no counter of the volume but to compare it with what it counted itself.
 *
 * It goes in pieces, between which requests change the volume. What is said of one inode or name is looked at in one
 * step. Sums are right at the end because the volume tells beforehand what it is about to change: that is taken out of
 * the sums again, and counted once more later. When nothing is left to be counted, the sums are compared in the same
 * step. Whoever changes the set of snapshots, or the whole tree, has to begin a new check.
 */

import type { AttributeRoom } from '../content/attribute-room.js';
import type { PagePool } from '../content/page-pool.js';
import type { PoolCheck } from '../content/page-pool-check.js';
import type { ContextTable } from '../context-table.js';
import { Attribute } from '../file-attributes.js';
import type { DirectoryEntry, Inode } from '../inode.js';
import { heapBytesOf, heapBytesOfLink } from '../inode-heap.js';
import { foldText } from '../names/case-folding.js';
import { isName, type NameTree } from '../names/name-tree.js';
import type { SecurityDescriptor, SecurityStore } from '../security/security-store.js';
import type { Snapshots } from '../snapshots/snapshots.js';
import { checkDirectory } from './directory-check.js';
import { LinkCheck } from './link-check.js';
import { checkSnapshots } from './snapshot-check.js';
import { checkStreams } from './stream-check.js';

/** The volume as it is at the moment of each look. */
export interface VolumeView {
  readonly tree: NameTree;
  readonly contexts: ContextTable;
  readonly securities: SecurityStore;
  readonly pool: PagePool;
  readonly inodeCount: number;
  readonly openCount: number;
  readonly lastIndexNumber: number;
  readonly reparseBytes: number;
  readonly attributeBytes: number;
  readonly attributeRoom: AttributeRoom;
  readonly heapBytes: number;
  readonly snapshots: Snapshots;
}

/** The clock is looked at after the first step, and then after so many. */
const STEPS_PER_LOOK = 16;
/** Of the index of names, which has fewer names than buckets; more than can come between two pieces. */
const BUCKETS_PER_STEP = 64;
/** So few that were changed are counted again in one step, so that a check under changes comes to its end. */
const MAX_LAST_CHANGED = 512;

export class VolumeCheck {
  readonly #volume: VolumeView;
  readonly #violations: string[] = [];
  readonly #steps: Generator<void, string[]>;
  /** What directories list, and is to be counted. */
  #waiting: DirectoryEntry[] = [];
  /** What has come or was changed since the check began, and is to be counted once all others are. */
  readonly #changed = new Set<DirectoryEntry>();

  // What is counted, and the sums over it.
  readonly #byIndexNumber = new Map<number, Inode>();
  readonly #listed = new Set<Inode>();
  readonly #users = new Map<SecurityDescriptor, number>();
  readonly #pool: PoolCheck;
  readonly #links: LinkCheck;
  #names = 0;
  #reparseBytes = 0;
  #attributeBytes = 0;
  #heapBytes = 0;

  constructor(volume: VolumeView) {
    this.#volume = volume;
    this.#pool = volume.pool.startCheck(this.#violations);
    this.#links = new LinkCheck(volume.tree.hardLinks, 'Names: ', this.#violations);
    this.#steps = this.#walk();
  }

  /** Goes on for about so long. All violations when it is through; null before. */
  run(milliseconds: number): string[] | null {
    const end = performance.now() + milliseconds;
    for (let step = 1; ; step++) {
      const { done, value } = this.#steps.next();
      if (done === true) return value;
      if (step % STEPS_PER_LOOK === 1 && performance.now() >= end) return null;
    }
  }

  /** Something of this inode or this name is about to change, or has just come: whatever the check counts of it. */
  changing(entry: DirectoryEntry): void {
    if (this.#isCounted(entry)) this.#uncount(entry);
    this.#changed.add(entry);
    // It may move to where the walk has been; what is in it is still to be met.
    if (entry.inode.children !== null && !this.#listed.has(entry.inode)) this.#waiting.push(entry);
  }

  /** An inode that has lost its last name and its last handle is about to go. */
  going(inode: Inode): void {
    this.changing(inode);
    this.#changed.delete(inode);
  }

  *#walk(): Generator<void, string[]> {
    const { tree, contexts, snapshots, pool } = this.#volume;
    yield* checkSnapshots(snapshots, this.#pool, this.#violations, ({ security }) => this.#use(security, 1));
    if (tree.root.parent !== tree.root) this.#violations.push('Names: the root is not its own parent');
    this.#countInode(tree.root);
    contexts.visit((inode) => {
      if (inode.deleted) this.#waiting.push(inode);
    });
    for (let entry = this.#waiting.pop(); entry !== undefined; entry = this.#waiting.pop()) {
      this.#count(entry);
      yield;
    }
    yield* this.#checkIndex();
    yield* this.#countChanged();
    // In the step that has found nothing left.
    this.#links.finish();
    this.#checkHandles();
    this.#compareSums();
    this.#violations.push(...this.#volume.securities.check(this.#users));
    const attributeBytes = this.#attributeBytes + snapshots.attributeBytes;
    return this.#pool.finish(snapshots.reservedPages, Math.ceil(attributeBytes / pool.pageSizeBytes));
  }

  /** Until nothing is left. */
  *#countChanged(): Generator<void> {
    while (this.#waiting.length + this.#changed.size > 0) {
      if (this.#waiting.length === 0) {
        this.#waiting = [...this.#changed];
        this.#changed.clear();
      }
      this.#count(this.#waiting.pop() as DirectoryEntry);
      if (this.#waiting.length + this.#changed.size > MAX_LAST_CHANGED) yield;
    }
  }

  /** Each name was found in the index when it was counted; here the other way. */
  *#checkIndex(): Generator<void> {
    const { index } = this.#volume.tree;
    for (let bucket = 0; bucket < index.bucketCount; bucket++) {
      index.visit(bucket, (entry) => {
        if (!this.#isCounted(entry) && !this.#changed.has(entry))
          this.#complain('Names', entry, 'is in the index, but in no directory');
      });
      if (bucket % BUCKETS_PER_STEP === 0) yield;
    }
  }

  #isCounted(entry: DirectoryEntry): boolean {
    const { inode } = entry;
    return entry === inode ? this.#byIndexNumber.get(inode.indexNumber) === inode : this.#links.has(entry);
  }

  #count(entry: DirectoryEntry): void {
    // Counted where it was met before, or gone in the meantime.
    if (this.#isCounted(entry)) return;
    if (entry.parent === null && (entry !== entry.inode || entry.inode.openCount === 0)) return;
    if (this.#hasName(entry)) this.#countName(entry);
    if (entry === entry.inode) {
      this.#countInode(entry.inode);
      return;
    }
    this.#links.add(entry);
    this.#heapBytes += heapBytesOfLink(entry);
  }

  #hasName(entry: DirectoryEntry): boolean {
    return entry.parent !== null && entry !== this.#volume.tree.root && entry.inode.main === entry.inode;
  }

  #countName(entry: DirectoryEntry): void {
    const { tree } = this.#volume;
    const { name, key } = entry;
    this.#names += 1;
    if (foldText(name, tree.folding) !== key) this.#complain('Names', entry, 'is not listed by its name');
    if (!isName(name, 0)) this.#complain('Names', entry, 'has a name that none may have');
    if (tree.index.find(entry.parent as Inode, name, 0, name.length) !== entry)
      this.#complain('Names', entry, 'is not found by its name');
  }

  #countInode(inode: Inode): void {
    const { indexNumber, file } = inode;
    if (this.#byIndexNumber.has(indexNumber)) this.#complain('Inodes', inode, 'shares its index number');
    this.#byIndexNumber.set(indexNumber, inode);
    this.#addSums(inode, 1);
    if (file !== null) this.#pool.add(file);
    this.#checkInode(inode);
    const streams = checkStreams(inode, this.#volume.tree.folding, (stream) => this.#waiting.push(stream));
    this.#violations.push(...streams);
    if (!inode.isDirectory || this.#listed.has(inode)) return;
    this.#listed.add(inode);
    checkDirectory(inode, 'Names: ', this.#violations, (child) => this.#waiting.push(child));
  }

  #uncount(entry: DirectoryEntry): void {
    const { inode } = entry;
    if (this.#hasName(entry)) this.#names -= 1;
    if (entry !== inode) {
      this.#links.remove(entry);
      this.#heapBytes -= heapBytesOfLink(entry);
      return;
    }
    this.#byIndexNumber.delete(inode.indexNumber);
    this.#addSums(inode, -1);
    if (inode.file !== null) this.#pool.remove(inode.file);
  }

  #addSums(inode: Inode, sign: 1 | -1): void {
    this.#use(inode.security, sign);
    this.#reparseBytes += sign * (inode.reparse?.data.length ?? 0);
    this.#attributeBytes += sign * (inode.extendedAttributes?.list.length ?? 0);
    this.#heapBytes += sign * heapBytesOf(inode);
  }

  #use(security: SecurityDescriptor, sign: 1 | -1): void {
    const users = (this.#users.get(security) ?? 0) + sign;
    if (users === 0) this.#users.delete(security);
    else this.#users.set(security, users);
  }

  /** What holds for every inode by itself, with or without a name. */
  #checkInode(inode: Inode): void {
    const { lastIndexNumber, contexts } = this.#volume;
    const complain = (what: string) => this.#complain('Inodes', inode, what);
    if (!(inode.indexNumber > 0 && inode.indexNumber <= lastIndexNumber)) complain('has no index number');
    if (inode.file !== null) {
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
    const context = contexts.contextOf(inode);
    if (inode.openCount > 0 !== (contexts.inodeOf(context) === inode)) {
      complain(`is open ${inode.openCount} times, with context ${context}`);
    }
  }

  #checkHandles(): void {
    let opens = 0;
    this.#volume.contexts.visit((inode) => {
      const { name } = inode;
      opens += inode.openCount;
      if (inode.openCount <= 0) this.#violations.push(`Handles: "${name}" has a context, but is not open`);
      if (inode.parent === null) {
        if (inode.children !== null)
          this.#violations.push(`Names: "${name}" has no name any more, but children`);
      } else if (!this.#isCounted(inode)) {
        this.#violations.push(`Names: "${name}" is open and has a parent, but is not listed`);
      }
    });
    const { openCount } = this.#volume;
    if (opens !== openCount)
      this.#violations.push(`Handles: ${opens} opens are held, the volume counts ${openCount}`);
  }

  #compareSums(): void {
    const { tree, inodeCount, reparseBytes, attributeBytes, heapBytes, attributeRoom, snapshots } =
      this.#volume;
    const violations = this.#violations;
    const names = this.#names;
    if (tree.index.count !== names) {
      violations.push(`Names: ${names} names are listed, the index counts ${tree.index.count}`);
    }
    if (this.#byIndexNumber.size !== inodeCount) {
      violations.push(`Inodes: ${this.#byIndexNumber.size} are there, the volume counts ${inodeCount}`);
    }
    if (this.#reparseBytes !== reparseBytes) {
      violations.push(
        `Inodes: ${this.#reparseBytes} bytes of reparse points, the volume counts ${reparseBytes}`,
      );
    }
    if (this.#attributeBytes !== attributeBytes) {
      violations.push(
        `Inodes: ${this.#attributeBytes} bytes of extended attributes, the volume counts ${attributeBytes}`,
      );
    }
    const allAttributeBytes = this.#attributeBytes + snapshots.attributeBytes;
    if (allAttributeBytes !== attributeRoom.bytes) {
      violations.push(
        `FreeBytesAccurate: ${allAttributeBytes} bytes of extended attributes with those of snapshots, ` +
          `room is taken for ${attributeRoom.bytes}`,
      );
    }
    if (this.#heapBytes !== heapBytes) {
      violations.push(`Inodes: they take ${this.#heapBytes} bytes of heap, the volume counts ${heapBytes}`);
    }
  }

  #complain(where: string, { name, inode }: DirectoryEntry, what: string): void {
    this.#violations.push(`${where}: "${name}" (${inode.indexNumber}) ${what}`);
  }
}
