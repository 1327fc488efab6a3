/**
 * Snapshots: those of one volume, and what they take of it. A snapshot reserves the pages that it has, each once
 * however many snapshots have it; so a write inside a file's length always finds a page for the copy it needs
 * (NoSilentLoss), and free space is true.
 *
 *     reserved = sum over all files of what they reserve + pages that are in any snapshot
 *         + pages for the bytes of all extended attributes                                          (FreeBytesAccurate)
 *
 * Without a snapshot this costs nothing: no page is counted and no list is kept.
 */
import { NtStatus } from '../../ntstatus.js';
import { MAX_TABLES_PER_PAGE, type PagePool } from '../content/page-pool.js';
import type { PagedFile } from '../content/paged-file.js';
import type { Inode } from '../inode.js';
import type { SecurityStore } from '../security/security-store.js';
import { isSnapshotName, type Snapshot } from './snapshot.js';

/** Each may have a page table of its own for a file, beside the file's. */
export const MAX_SNAPSHOT_COUNT = MAX_TABLES_PER_PAGE / 2;

export class Snapshots {
  readonly #pool: PagePool;
  readonly #byName = new Map<string, Snapshot>();
  /** Pages that are in any snapshot; the pool has reserved them. */
  #reservedPages = 0;
  #inodeCount = 0;
  #heapBytes = 0;
  #reparseBytes = 0;
  #attributeBytes = 0;

  constructor(pool: PagePool) {
    this.#pool = pool;
  }

  get reservedPages(): number {
    return this.#reservedPages;
  }

  /** Of all snapshots together, as the volume counts its own. */
  get inodeCount(): number {
    return this.#inodeCount;
  }

  get heapBytes(): number {
    return this.#heapBytes;
  }

  get reparseBytes(): number {
    return this.#reparseBytes;
  }

  get attributeBytes(): number {
    return this.#attributeBytes;
  }

  /** In the order in which they were taken. */
  get all(): readonly Snapshot[] {
    return [...this.#byName.values()];
  }

  find(name: string): Snapshot | undefined {
    return this.#byName.get(name);
  }

  /** Whether one of this name may be added: OBJECT_NAME_INVALID, OBJECT_NAME_COLLISION, INSUFFICIENT_RESOURCES. */
  admits(name: string): number {
    if (!isSnapshotName(name)) return NtStatus.OBJECT_NAME_INVALID;
    if (this.#byName.has(name)) return NtStatus.OBJECT_NAME_COLLISION;
    return this.#byName.size < MAX_SNAPSHOT_COUNT ? NtStatus.SUCCESS : NtStatus.INSUFFICIENT_RESOURCES;
  }

  /**
   * Pages of the live tree that no snapshot has yet: what one more reserves. `unnamed` are the files outside the tree.
   */
  pagesNeeded(unnamed: readonly PagedFile[]): number {
    let pages = this.#pool.allocatedPages - this.#reservedPages;
    for (const file of unnamed) pages -= file.countOwnPages();
    return pages;
  }

  /** Takes in a snapshot for which `pages` were reserved. */
  add(snapshot: Snapshot, pages: number): void {
    this.#byName.set(snapshot.name, snapshot);
    this.#reservedPages += pages;
    this.#inodeCount += snapshot.inodeCount;
    this.#heapBytes += snapshot.heapBytes;
    this.#reparseBytes += snapshot.reparseBytes;
    this.#attributeBytes += snapshot.attributeBytes;
  }

  /** Lets a snapshot go: what only it had comes back. `liveFiles` are all files of the volume, unnamed ones too. */
  remove(snapshot: Snapshot, securities: SecurityStore, liveFiles: Iterable<PagedFile>): void {
    this.#byName.delete(snapshot.name);
    this.#inodeCount -= snapshot.inodeCount;
    this.#heapBytes -= snapshot.heapBytes;
    this.#reparseBytes -= snapshot.reparseBytes;
    this.#attributeBytes -= snapshot.attributeBytes;
    snapshot.visit((inode: Inode) => {
      inode.file?.release();
      securities.release(inode.security);
    });
    const before = this.#reservedPages;
    if (this.#byName.size === 0) {
      this.#reservedPages = 0;
      this.#pool.endSharing();
    } else {
      // Pages that only live files have now are reserved by these alone.
      this.#reservedPages = this.#pool.allocatedPages;
      for (const file of liveFiles) this.#reservedPages -= file.countOwnPages();
    }
    this.#pool.unreserve(before - this.#reservedPages);
  }
}
