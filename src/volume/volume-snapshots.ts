/**
 * VolumeSnapshots: the part of a RAM volume that takes, rolls back and deletes snapshots. What holds for all methods is
 * said at RamVolume.
 */
import { NtStatus } from '../ntstatus.js';
import type { PagedFile } from './content/paged-file.js';
import type { Inode } from './inode.js';
import { heapBytesOf } from './inode-heap.js';
import { NameTree } from './names/name-tree.js';
import { copyTree, Snapshot, visitTree } from './snapshots/snapshot.js';
import { VolumeMoves } from './volume-moves.js';

/** No user's snapshot can be called so. */
const OF_A_SAVE = '\0save';

/** Reparse points lie outside of the capacity that the ledger counts; all together are bounded instead. */
export const MAX_TOTAL_REPARSE_BYTES = 64 * 2 ** 20;

export abstract class VolumeSnapshots extends VolumeMoves {
  /** What is being saved; no user knows of it. */
  #saved: Snapshot | null = null;
  /** What it reserves: for its files, and all together. */
  #savedFilePages = 0;
  #savingPages = 0;

  /** In the order in which they were taken. */
  get snapshots(): readonly Snapshot[] {
    return this.snapshotStore.all.filter((snapshot) => snapshot !== this.#saved);
  }

  /** Room that a save has borrowed. It counts as free: a program that needs it waits for the end of the save. */
  get savingPages(): number {
    return this.#savingPages;
  }

  override get freeBytes(): number {
    return super.freeBytes + this.#savingPages * this.pool.pageSizeBytes;
  }

  /** Room that the snapshots take: what is in any of them, counted once. */
  get snapshotBytes(): number {
    return (this.snapshotStore.reservedPages - this.#savedFilePages) * this.pool.pageSizeBytes;
  }

  /** Room that one more snapshot takes now: what is in files and not in a snapshot yet, and extended attributes. */
  get snapshotBytesNeeded(): number {
    const pages = this.snapshotStore.pagesNeeded(this.#unnamedFiles());
    let attributeBytes = this.attributeBytes;
    for (const inode of this.#unnamed()) attributeBytes -= inode.extendedAttributes?.list.length ?? 0;
    const attributePages = this.attributeRoom.pagesWith(attributeBytes) - this.attributeRoom.pages;
    return (pages + attributePages) * this.pool.pageSizeBytes;
  }

  /**
   * Keeps the whole tree as it is now; a file without a name is not in it. Costs a walk over all names. DISK_FULL
   * (room, memory, inodes or heap), OBJECT_NAME_COLLISION, OBJECT_NAME_INVALID, INSUFFICIENT_RESOURCES for one too
   * many, SHARING_VIOLATION during a save.
   */
  snapshot(name: string): number {
    if (this.#saved !== null) return NtStatus.SHARING_VIOLATION;
    const status = this.snapshotStore.admits(name);
    return status < 0 ? status : this.#take(name);
  }

  /**
   * A snapshot for a save, which borrows its room: it is not listed, counts as free, and no other is taken or deleted
   * until endSave. DISK_FULL as snapshot.
   */
  beginSave(): Snapshot | number {
    if (this.#saved !== null) throw new Error('two saves at once');
    const before = this.pool.reservedPages;
    const filesBefore = this.snapshotStore.reservedPages;
    const status = this.#take(OF_A_SAVE);
    if (status < 0) return status;
    this.#saved = this.snapshotStore.find(OF_A_SAVE) as Snapshot;
    this.#savingPages = this.pool.reservedPages - before;
    this.#savedFilePages = this.snapshotStore.reservedPages - filesBefore;
    return this.#saved;
  }

  /** When nobody reads it any more. */
  endSave(): void {
    if (this.#saved === null) throw new Error('no save to be ended');
    this.#remove(this.#saved);
    this.#saved = null;
    this.#savingPages = 0;
    this.#savedFilePages = 0;
  }

  #take(name: string): number {
    const unnamed = this.#unnamed();
    let heapBytes = this.heapBytes;
    let reparseBytes = this.reparseBytes;
    let attributeBytes = this.attributeBytes;
    for (const inode of unnamed) {
      heapBytes -= heapBytesOf(inode);
      reparseBytes -= inode.reparse?.data.length ?? 0;
      attributeBytes -= inode.extendedAttributes?.list.length ?? 0;
    }
    if (!this.#hasRoomFor(this.inodeCount - unnamed.length, heapBytes, reparseBytes))
      return NtStatus.DISK_FULL;
    const pages = this.snapshotStore.pagesNeeded(this.#unnamedFiles());
    const reserved = this.pool.reserve(pages);
    if (reserved < 0) return reserved;
    const roomy = this.attributeRoom.add(attributeBytes);
    if (roomy < 0) {
      this.pool.unreserve(pages);
      return roomy;
    }
    this.check = null;
    this.snapshotStore.add(new Snapshot(name, this.clock.now(), this.tree), pages);
    return NtStatus.SUCCESS;
  }

  /** Room that a rollback to this snapshot takes beyond what the files give back; 0 when there is no such snapshot. */
  rollbackBytesNeeded(name: string): number {
    const snapshot = this.snapshotStore.find(name);
    if (snapshot === undefined) return 0;
    return Math.max(0, this.#pagesAfterRollback(snapshot) - this.#livePages) * this.pool.pageSizeBytes;
  }

  /**
   * Makes the tree what it was when the snapshot was taken; the snapshot stays. Every handle is gone: no context of
   * before is known any more, and each inode has an index number that was never used. OBJECT_NAME_NOT_FOUND; DISK_FULL
   * when files of the snapshot and pages of all snapshots together have no room.
   */
  rollback(name: string): number {
    const snapshot = this.#find(name);
    if (snapshot === undefined) return NtStatus.OBJECT_NAME_NOT_FOUND;
    const { inodeCount, heapBytes, reparseBytes, attributeBytes } = snapshot;
    if (
      !this.#hasRoomFor(
        inodeCount - this.inodeCount,
        heapBytes - this.heapBytes,
        reparseBytes - this.reparseBytes,
      )
    ) {
      return NtStatus.DISK_FULL;
    }
    const moreAttributeBytes = attributeBytes - this.attributeBytes;
    const livePages = this.#livePages;
    const neededPages = this.#pagesAfterRollback(snapshot);
    const missingPages = Math.max(0, neededPages - livePages);
    const status = this.pool.reserve(missingPages);
    if (status < 0) return status;

    this.check = null;
    // From here on nothing can fail. What live files have reserved goes over to those that take their place.
    const drop = (inode: Inode): void => {
      inode.openCount = 0;
      inode.file?.release();
      this.securities.release(inode.security);
    };
    const unnamed = this.#unnamed();
    this.contexts.clear();
    visitTree(this.root, drop);
    unnamed.forEach(drop);
    this.keptTimes.clear();

    const copyOf = (inode: Inode): Inode => {
      const copy = inode.copy(++this.lastIndexNumber, inode.file?.thawed() ?? null);
      copy.security.users += 1;
      return copy;
    };
    const tree = new NameTree(copyOf(snapshot.root), this.tree.folding);
    copyTree(snapshot.root, tree.root, snapshot.hardLinks, {
      copyOf,
      attach: (inode, directory) => tree.attach(inode, directory),
      link: (inode, { name, key }, directory) => tree.addLink(inode, directory, name, key),
    });
    this.replaceTree(tree, inodeCount);
    this.heapBytes = heapBytes;
    this.reparseBytes = reparseBytes;
    this.attributeBytes = attributeBytes;
    this.attributeRoom.addReserved(moreAttributeBytes);
    this.pool.unreserve(livePages + missingPages - neededPages);
    return NtStatus.SUCCESS;
  }

  /**
   * What only this snapshot had comes back. OBJECT_NAME_NOT_FOUND; SHARING_VIOLATION while it is being read, and during
   * a save.
   */
  deleteSnapshot(name: string): number {
    const snapshot = this.#find(name);
    if (snapshot === undefined) return NtStatus.OBJECT_NAME_NOT_FOUND;
    if (snapshot.readers > 0 || this.#saved !== null) return NtStatus.SHARING_VIOLATION;
    this.#remove(snapshot);
    return NtStatus.SUCCESS;
  }

  #find(name: string): Snapshot | undefined {
    return name === OF_A_SAVE ? undefined : this.snapshotStore.find(name);
  }

  #remove(snapshot: Snapshot): void {
    this.check = null;
    const liveFiles = this.#unnamedFiles();
    visitTree(this.root, ({ file }) => {
      if (file !== null) liveFiles.push(file);
    });
    this.snapshotStore.remove(snapshot, this.securities, liveFiles);
    this.attributeRoom.add(-snapshot.attributeBytes);
  }

  /**
   * A snapshot to read, which cannot be deleted until it is closed as often as it was opened; its pages keep their
   * place and content meanwhile, whatever happens to the volume. OBJECT_NAME_NOT_FOUND.
   */
  openSnapshot(name: string): Snapshot | number {
    const snapshot = this.#find(name);
    if (snapshot === undefined) return NtStatus.OBJECT_NAME_NOT_FOUND;
    snapshot.readers += 1;
    return snapshot;
  }

  closeSnapshot(snapshot: Snapshot): void {
    if (snapshot.readers === 0)
      throw new Error(`snapshot "${snapshot.name}" is closed more often than it was opened`);
    snapshot.readers -= 1;
  }

  /** What files reserve, and extended attributes, those in snapshots too. */
  get #livePages(): number {
    return this.pool.reservedPages - this.snapshotStore.reservedPages;
  }

  #pagesAfterRollback({ filePages, attributeBytes }: Snapshot): number {
    return filePages + this.attributeRoom.pagesWith(attributeBytes - this.attributeBytes);
  }

  /** Whether so many more inodes may be there. */
  #hasRoomFor(inodeCount: number, heapBytes: number, reparseBytes: number): boolean {
    return (
      this.inodeCount + this.snapshotStore.inodeCount + inodeCount <= this.maxInodeCount &&
      this.heapBytes + heapBytes <= this.heapBytesLimit &&
      this.reparseBytes + reparseBytes <= MAX_TOTAL_REPARSE_BYTES - this.snapshotStore.reparseBytes
    );
  }

  /** Open inodes whose name is gone. */
  #unnamed(): Inode[] {
    const unnamed: Inode[] = [];
    this.contexts.visit((inode) => {
      if (inode.deleted) unnamed.push(inode);
    });
    return unnamed;
  }

  #unnamedFiles(): PagedFile[] {
    return this.#unnamed().flatMap(({ file }) => (file === null ? [] : [file]));
  }
}
