/**
 * PageTable: which page holds which part of one file; a sparse map from the index of a page within the file to its
 * number.
 *
 * Most files are smaller than a page, so the first page needs no array. From the second page on it is an Int32Array of
 * page + 1, where 0 means "hole"; it grows by doubling and shrinks with the file. The
 * ledger is the caller's: a table only knows its own pages.
 */
import type { PagePool } from './page-pool.js';

const NO_ENTRIES = new Int32Array(0);
/** Pages on their way back to the pool; used within one step only. */
const outgoing = new Int32Array(1024);

export class PageTable {
  #allocatedPages = 0;
  /** Entry 0 while there is no array. */
  #only = 0;
  #entries: Int32Array = NO_ENTRIES;
  /** How many contents have this table: a file and snapshots of it, until the file changes its pages. */
  references = 1;

  /** The one that stands for no table. */
  get isNobodys(): boolean {
    return this === NO_PAGES;
  }

  /** How many pages are in the table. */
  get allocatedPages(): number {
    return this.#allocatedPages;
  }

  /** The page at an index of the file, or -1 for a hole. */
  pageAt(index: number): number {
    const entries = this.#entries;
    if (index < entries.length) return (entries[index] as number) - 1;
    return index === 0 ? this.#only - 1 : -1;
  }

  /**
   * How many indexes from `index` on, at most `limit`, lie on adjacent pages, or are holes: one copy serves them all.
   */
  runLength(index: number, limit: number): number {
    const entries = this.#entries;
    if (index >= entries.length) return index === 0 && this.#only !== 0 ? 1 : limit;
    const end = Math.min(index + limit, entries.length);
    const first = entries[index] as number;
    let next = index + 1;
    if (first === 0) {
      while (next < end && entries[next] === 0) next++;
      // Behind the array there are only holes.
      return next === entries.length ? limit : next - index;
    }
    const difference = first - index;
    while (next < end && entries[next] === next + difference) next++;
    return next - index;
  }

  countHoles(index: number, count: number): number {
    const entries = this.#entries;
    if (entries.length === 0) return index === 0 && count > 0 && this.#only !== 0 ? count - 1 : count;
    const end = Math.min(index + count, entries.length);
    let pages = 0;
    for (let i = index; i < end; i++) if (entries[i] !== 0) pages++;
    return count - pages;
  }

  /** Pages, not holes, from `index` on that another table has too. */
  countShared(index: number, count: number, pool: PagePool): number {
    let pages = 0;
    for (let i = index; i < index + count; i++) {
      const page = this.pageAt(i);
      if (page >= 0 && pool.isShared(page)) pages++;
    }
    return pages;
  }

  /**
   * For one of its contents that is about to change: a table of its own with the same pages, which both have from now
   * on. Throws a RangeError when the heap has no room, with nothing changed.
   */
  detached(pool: PagePool): PageTable {
    pool.prepareSharing();
    const own = new PageTable();
    if (this.#entries.length > 0) own.#entries = this.#entries.slice();
    own.#only = this.#only;
    own.#allocatedPages = this.#allocatedPages;
    this.references -= 1;
    own.visit((page) => pool.share(page));
    return own;
  }

  /** Makes room for entries below `count`. Throws when there is no memory for it, with nothing changed. */
  reserve(count: number, expectedCount: number): void {
    if (count <= 1 || count <= this.#entries.length) return;
    const grown = new Int32Array(Math.max(count, expectedCount, this.#entries.length * 2));
    if (this.#entries.length === 0) grown[0] = this.#only;
    else grown.set(this.#entries);
    this.#only = 0;
    this.#entries = grown;
  }

  /** Fills a hole; room must have been reserved. */
  fill(index: number, page: number): void {
    if (this.pageAt(index) !== -1) throw new Error(`index ${index} of a file already has a page`);
    if (index < this.#entries.length) this.#entries[index] = page + 1;
    else if (index === 0) this.#only = page + 1;
    else throw new Error(`index ${index} is beyond the page table`);
    this.#allocatedPages++;
  }

  /**
   * Puts another page in the place of one, which goes back to the pool, or stays with the other tables that have it.
   */
  replace(index: number, page: number, pool: PagePool): void {
    outgoing[0] = this.pageAt(index);
    if (index < this.#entries.length) this.#entries[index] = page + 1;
    else this.#only = page + 1;
    pool.giveBack(outgoing, 0, 1);
  }

  /**
   * Gives the pages at and behind `index` back to the pool, last ones first, so that the next taker gets them in order.
   */
  giveBackTail(index: number, pool: PagePool): void {
    const entries = this.#entries;
    if (entries.length === 0) {
      if (index > 0 || this.#only === 0) return;
      outgoing[0] = this.#only - 1;
      this.#only = 0;
      this.#allocatedPages--;
      pool.giveBack(outgoing, 0, 1);
      return;
    }
    this.giveBack(index, entries.length, pool);
    this.#shrink(index);
  }

  /** Makes holes from `index` on to before `end`, as giveBackTail does; the array stays as long as it is. */
  giveBack(index: number, end: number, pool: PagePool): void {
    const entries = this.#entries;
    if (entries.length === 0) {
      if (index === 0) this.giveBackTail(0, pool);
      return;
    }
    let free = outgoing.length;
    for (let i = Math.min(end, entries.length) - 1; i >= index; i--) {
      const entry = entries[i] as number;
      if (entry === 0) continue;
      entries[i] = 0;
      this.#allocatedPages--;
      outgoing[--free] = entry - 1;
      if (free > 0) continue;
      pool.giveBack(outgoing, 0, outgoing.length);
      free = outgoing.length;
    }
    pool.giveBack(outgoing, free, outgoing.length);
  }

  /**
   * Lets the array follow the file's size down; by quarters, so that a file that grows and shrinks does not copy it
   * always.
   */
  #shrink(count: number): void {
    const entries = this.#entries;
    if (count <= 1) {
      this.#only = entries[0] as number;
      this.#entries = NO_ENTRIES;
    } else if (count < entries.length / 4) {
      try {
        this.#entries = entries.slice(0, count);
      } catch {
        // No heap for the smaller array: a truncation must not fail for that, the larger one serves as well.
      }
    }
  }

  visit(visit: (page: number, index: number) => void): void {
    if (this.#only !== 0) visit(this.#only - 1, 0);
    for (let index = 0; index < this.#entries.length; index++) {
      const entry = this.#entries[index] as number;
      if (entry !== 0) visit(entry - 1, index);
    }
  }
}

/** The table of every file that has had no page yet; each gets one of its own before it is filled or shared. */
export const NO_PAGES = new PageTable();
