/**
 * PagePool: the capacity ledger and the stock of free pages of one volume.
 *
 * One counter decides about room: `reservedPages`, the sum over all files, and over the pages that snapshots have. free
 * = capacity - reserved. A page is *taken* only against a reservation, so taking cannot fail; the operating system is
 * asked for memory when pages are *reserved*, so running out of memory is said where running out of room is said. At
 * every instant
 *
 *     0 ≤ allocated ≤ reserved ≤ committed ≤ capacity                                   (PoolConsistent)
 *
 * Every change of the ledger is one uninterrupted step: no await and no callback inside; only PageMemory is called.
 * That is what makes the free space an observer is told true at that moment (FreeBytesAccurate), and it holds for one
 * thread only: a pool must not be shared between workers.
 *
 * A free page is warm (committed, perhaps with old content), cold (given back to the OS) or fresh (never used). Warm
 * and cold ones share one array, filled from both ends; fresh ones are only two numbers, so neither a pool of 64 GiB
 * nor reserving and unreserving a huge hole touches memory by the page.
 *
 * What can go wrong: a caller that takes without a reservation, gives back twice, or unreserves too much has lost track
 * of its pages; these are bugs, checked in release too, and throw.
 */
import { NtStatus } from '../../ntstatus.js';
import { PageCopies } from './page-copies.js';
import type { PageMemory } from './page-memory.js';
import { PoolCheck } from './page-pool-check.js';
import { runAt, sortPages } from './page-runs.js';

/**
 * How much memory beyond the reservation stays committed. Enough that lock and temp files, and the compiler's output
 * files, come and go without a call to the OS (a decommit and the page faults after it cost more than the write
 * itself); little enough to be spared. Trimming goes down to half of it, so that a steady change at the limit
 * is one call per many pages.
 */
export const DEFAULT_WARM_BYTES = 8 * 1024 * 1024;

/** Pre-allocation in pieces this large keeps each native call short, so that a start can be ended at any time. */
const PREALLOCATION_STEP_BYTES = 2 ** 26;

const LARGE_PAGE_BYTES = 16384;

/**
 * A write that takes a page which was never touched announces the next ones too: a call of the OS for every page costs
 * about three times what it does for runs of them, and that is most of the first write to a page after a snapshot, or
 * of a file that grows by pages. So much memory may be in use without being allocated.
 */
const PREFAULT_AHEAD_BYTES = 128 * 1024;

/** Page tables that a page can be in: as many as a byte counts beside the first. */
export const MAX_TABLES_PER_PAGE = 256;

const DIRTY = 1;
const ALLOCATED = 2;
/** Still zero, but announced to the OS. */
const PREFAULTED = 4;

export interface PagePoolOptions {
  /** All pages of the memory where it is not given. More of them are room to grow: addresses, not memory. */
  capacityPages?: number | undefined;
  /** Commit and touch the whole capacity at once and never give it back: no page fault and no refusal later. */
  preallocate?: boolean;
  /** Told after each piece of a pre-allocation; what it throws ends the pre-allocation. */
  onPreallocated?: ((doneBytes: number, totalBytes: number) => void) | undefined;
  /** Pages that may stay committed beyond the reservation. */
  warmPages?: number;
}

export class PagePool {
  readonly memory: PageMemory;
  readonly pageSizeBytes: number;
  readonly preallocated: boolean;
  readonly copies: PageCopies;

  #capacity: number;
  readonly #warmPages: number;
  #reserved = 0;
  #allocated = 0;
  #committed = 0;
  /** Warm pages from the front, the next one to take last; cold pages from the back, the next one to commit first. */
  readonly #stock: Int32Array;
  #warm = 0;
  #cold = 0;
  /** Pages from #freshPage on were never taken; those below #freshCommitted are committed. */
  #freshPage = 0;
  #freshCommitted = 0;
  readonly #flags: Uint8Array;
  readonly #aheadPages: number;
  /** How many page tables have a page beside the first one that has it. Null while no page is in more than one. */
  #moreTables: Uint8Array | null = null;

  constructor(memory: PageMemory, options: PagePoolOptions = {}) {
    this.memory = memory;
    this.#capacity = options.capacityPages ?? memory.pageCount;
    this.pageSizeBytes = memory.pageSizeBytes;
    this.copies = new PageCopies(memory);
    this.preallocated = options.preallocate === true;
    const warmPages = options.warmPages ?? Math.ceil(DEFAULT_WARM_BYTES / memory.pageSizeBytes);
    if (!(warmPages >= 0)) throw new RangeError(`warmPages: a number from 0 expected, given ${warmPages}`);
    this.#warmPages = this.preallocated ? memory.pageCount : warmPages;
    this.#aheadPages = Math.floor(PREFAULT_AHEAD_BYTES / memory.pageSizeBytes);
    // Zeroed lazily by the OS: pages of these arrays that are never used cost nothing.
    this.#stock = new Int32Array(memory.pageCount);
    this.#flags = new Uint8Array(memory.pageCount);
    if (this.preallocated) this.#preallocate(options.onPreallocated);
  }

  get capacityPages(): number {
    return this.#capacity;
  }

  get warmLimitPages(): number {
    return Math.min(this.#warmPages, this.#capacity);
  }

  get reservedPages(): number {
    return this.#reserved;
  }

  /** Pages in files and snapshots, each counted once. */
  get allocatedPages(): number {
    return this.#allocated;
  }

  get committedPages(): number {
    return this.#committed;
  }

  get freePages(): number {
    return this.capacityPages - this.#reserved;
  }

  /** All or nothing: promises room and the memory for it, or answers DISK_FULL with nothing changed. */
  reserve(pages: number): number {
    if (!(pages >= 0)) throw new RangeError(`reservation of ${pages} pages`);
    if (pages > this.capacityPages - this.#reserved) return NtStatus.DISK_FULL;
    const shortage = this.#reserved + pages - this.#committed;
    if (shortage > 0 && !this.#commitMore(shortage)) return NtStatus.DISK_FULL;
    this.#reserved += pages;
    return NtStatus.SUCCESS;
  }

  /** Returns room. Memory goes back to the OS when more than the warm stock is left over. */
  unreserve(pages: number): void {
    if (!(pages >= 0) || pages > this.#reserved - this.#allocated) {
      throw new Error(
        `unreserve of ${pages} pages: reserved ${this.#reserved}, allocated ${this.#allocated}`,
      );
    }
    this.#reserved -= pages;
    const left = this.#committed - this.#reserved;
    if (left > this.warmLimitPages) this.#trim(left - Math.floor(this.warmLimitPages / 2));
  }

  /**
   * Another capacity, from now on. DISK_FULL when less than is reserved, or when preallocated memory is refused;
   * INSUFFICIENT_RESOURCES when more than there are addresses for. Nothing has changed then.
   */
  resize(capacityPages: number): number {
    if (capacityPages > this.memory.pageCount) return NtStatus.INSUFFICIENT_RESOURCES;
    if (!(capacityPages >= 1) || capacityPages < this.#reserved) return NtStatus.DISK_FULL;
    if (this.preallocated && capacityPages > this.#committed) {
      if (!this.#commitMore(capacityPages - this.#committed)) return NtStatus.DISK_FULL;
      // Touched, as the rest was: what is in the stock is zero, or was in use.
      for (let page = this.#freshPage; page < this.#freshCommitted; page++) this.#touch(page);
      for (let i = 0; i < this.#warm; i++) this.#touch(this.#stock[i] as number);
    }
    this.#capacity = capacityPages;
    if (this.#committed > capacityPages) this.#trim(this.#committed - capacityPages);
    return NtStatus.SUCCESS;
  }

  /**
   * Hands out pages against a reservation, adjacent and ascending where possible. Their content may be old: see isZero.
   */
  take(count: number, out: Int32Array, outOffset: number): void {
    if (!(count >= 0) || this.#allocated + count > this.#reserved || outOffset + count > out.length) {
      throw new Error(`take of ${count} pages: allocated ${this.#allocated}, reserved ${this.#reserved}`);
    }
    const fromStock = Math.min(count, this.#warm);
    let ascending = true;
    let previous = -1;
    for (let i = 0; i < fromStock; i++) {
      const page = this.#stock[this.#warm - 1 - i] as number;
      this.#markAllocated(page);
      ascending &&= page > previous;
      previous = page;
      out[outOffset + i] = page;
    }
    this.#warm -= fromStock;
    for (let i = fromStock; i < count; i++) {
      const page = this.#freshPage++;
      this.#markAllocated(page);
      ascending &&= page > previous;
      previous = page;
      out[outOffset + i] = page;
    }
    this.#allocated += count;
    if (!ascending) sortPages(out, outOffset, outOffset + count);
  }

  /** Whether a page that was just taken is known to be all zero. */
  isZero(page: number): boolean {
    return ((this.#flags[page] as number) & DIRTY) === 0;
  }

  /**
   * Tells the OS that these pages, just taken, are written now, and with the last of them those that will be taken
   * next; used ones are there already.
   */
  prefault(pages: Int32Array, from: number, to: number): void {
    if (this.preallocated || this.memory.prefault === undefined) return;
    // A single large page may be meant for a few bytes only: then one fault is cheaper than the whole page.
    if (to - from === 1 && this.pageSizeBytes > LARGE_PAGE_BYTES) return;
    for (let at = from; at < to; ) {
      const run = runAt(pages, at, to);
      let untouched = 0;
      while (untouched < run && this.#isUntouched(pages[at + untouched] as number)) untouched++;
      if (untouched > 0) {
        const page = pages[at] as number;
        const ahead = at + untouched === to ? this.#announceNext(page + untouched) : 0;
        this.memory.prefault(page, untouched + ahead);
      }
      at += Math.max(untouched, 1);
    }
  }

  /**
   * Takes pages back from a page table; the reservation stays with the caller. The first of them is the first to be
   * handed out again. A page that another table has too stays with it.
   */
  giveBack(pages: Int32Array, from: number, to: number): void {
    const moreTables = this.#moreTables;
    for (let i = to - 1; i >= from; i--) {
      const page = pages[i] as number;
      if (((this.#flags[page] as number) & ALLOCATED) === 0)
        throw new Error(`page ${page} is given back twice`);
      if (moreTables !== null && (moreTables[page] as number) > 0) {
        moreTables[page] = (moreTables[page] as number) - 1;
        continue;
      }
      this.#flags[page] = DIRTY;
      this.#stock[this.#warm++] = page;
      this.#allocated -= 1;
    }
  }

  /** Whether any page may be in more than one page table. */
  get sharesPages(): boolean {
    return this.#moreTables !== null;
  }

  isShared(page: number): boolean {
    return this.#moreTables !== null && (this.#moreTables[page] as number) > 0;
  }

  /** Before the first share. Throws a RangeError when the heap has no room for the counts. */
  prepareSharing(): void {
    this.#moreTables ??= new Uint8Array(this.#stock.length);
  }

  /** One more page table has this page; at most MAX_TABLES_PER_PAGE have it. */
  share(page: number): void {
    const moreTables = this.#moreTables as Uint8Array;
    if (moreTables[page] === MAX_TABLES_PER_PAGE - 1)
      throw new Error(`page ${page} is in too many page tables`);
    moreTables[page] = (moreTables[page] as number) + 1;
  }

  /** When no page is in more than one page table any more. */
  endSharing(): void {
    this.#moreTables = null;
  }

  /** The self-check of the pool, to which files are to be added; it adds to `violations`. */
  startCheck(violations: string[]): PoolCheck {
    const stock = () => ({
      warm: this.#stock.subarray(0, this.#warm),
      cold: this.#stock.subarray(this.#stock.length - this.#cold),
      pageCount: this.#stock.length,
      freshPage: this.#freshPage,
      freshCommitted: this.#freshCommitted,
      isAllocated: (page: number) => ((this.#flags[page] as number) & ALLOCATED) !== 0,
      tablesOf: (page: number) => 1 + (this.#moreTables?.[page] ?? 0),
    });
    return new PoolCheck(this, stock, violations);
  }

  dispose(): void {
    this.memory.dispose();
  }

  #isUntouched(page: number): boolean {
    return ((this.#flags[page] as number) & (DIRTY | PREFAULTED)) === 0;
  }

  /** Marks the pages from `page` on that are handed out next, in this order, as announced; answers how many. */
  #announceNext(page: number): number {
    let count = 0;
    while (count < this.#aheadPages) {
      const next = page + count;
      const isNext =
        count < this.#warm
          ? this.#stock[this.#warm - 1 - count] === next
          : next === this.#freshPage + count - this.#warm && next < this.#freshCommitted;
      if (!isNext || !this.#isUntouched(next)) break;
      this.#flags[next] = (this.#flags[next] as number) | PREFAULTED;
      count++;
    }
    return count;
  }

  /** A write of one zero byte to a page that is zero, or is not read before it is written. */
  #touch(page: number): void {
    if (this.isZero(page)) this.memory.zero(this.memory.baseAddress + page * this.pageSizeBytes, 1);
  }

  #markAllocated(page: number): void {
    const flags = this.#flags[page];
    if (flags === undefined || (flags & ALLOCATED) !== 0) throw new Error(`page ${page} is handed out twice`);
    this.#flags[page] = flags | ALLOCATED;
  }

  /** Commits `count` pages, cold ones first so that a volume keeps to the addresses it has used. All or nothing. */
  #commitMore(count: number): boolean {
    const fromCold = Math.min(count, this.#cold);
    const firstCold = this.#stock.length - this.#cold;
    const afterCold = firstCold + fromCold;
    for (let at = firstCold; at < afterCold; ) {
      const run = runAt(this.#stock, at, afterCold);
      if (!this.memory.commit(this.#stock[at] as number, run)) {
        this.#decommitRuns(firstCold, at);
        return false;
      }
      at += run;
    }
    const fresh = count - fromCold;
    if (fresh > 0 && !this.memory.commit(this.#freshCommitted, fresh)) {
      this.#decommitRuns(firstCold, afterCold);
      return false;
    }
    this.#stock.copyWithin(this.#warm, firstCold, afterCold);
    for (let low = this.#warm, high = this.#warm + fromCold - 1; low < high; low++, high--) {
      const page = this.#stock[low] as number;
      this.#stock[low] = this.#stock[high] as number;
      this.#stock[high] = page;
    }
    this.#warm += fromCold;
    this.#cold -= fromCold;
    this.#freshCommitted += fresh;
    this.#committed += count;
    return true;
  }

  /** Decommits free pages. Used ones go first: on an overcommitting system only they occupy memory. */
  #trim(count: number): void {
    const fromStock = Math.min(count, this.#warm);
    if (fromStock > 0) {
      const first = this.#warm - fromStock;
      sortPages(this.#stock, first, this.#warm);
      this.#decommitRuns(first, this.#warm);
      for (let i = first; i < this.#warm; i++) this.#flags[this.#stock[i] as number] = 0;
      this.#cold += fromStock;
      this.#stock.copyWithin(this.#stock.length - this.#cold, first, this.#warm);
      this.#warm = first;
    }
    const fresh = count - fromStock;
    if (fresh > 0) {
      this.memory.decommit(this.#freshCommitted - fresh, fresh);
      const announcedEnd = Math.min(this.#freshCommitted, this.#freshPage + this.#aheadPages);
      this.#freshCommitted -= fresh;
      this.#flags.fill(0, this.#freshCommitted, announcedEnd);
    }
    this.#committed -= count;
  }

  #decommitRuns(from: number, to: number): void {
    for (let at = from, run = 0; at < to; at += run) {
      run = runAt(this.#stock, at, to);
      this.memory.decommit(this.#stock[at] as number, run);
    }
  }

  #preallocate(onPreallocated: PagePoolOptions['onPreallocated']): void {
    if (!this.memory.commit(0, this.#capacity)) {
      throw new Error(`preallocation of ${this.#capacity} pages of ${this.pageSizeBytes} bytes was refused`);
    }
    this.#freshCommitted = this.#capacity;
    this.#committed = this.#capacity;
    const totalBytes = this.#capacity * this.pageSizeBytes;
    for (let at = 0; at < totalBytes; ) {
      const step = Math.min(PREALLOCATION_STEP_BYTES, totalBytes - at);
      this.memory.zero(this.memory.baseAddress + at, step);
      at += step;
      onPreallocated?.(at, totalBytes);
    }
  }
}
