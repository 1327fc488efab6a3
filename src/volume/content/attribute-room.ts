/**
 * Room for extended attributes: they lie outside of the pages, but the ledger reserves whole pages for the sum of them,
 * so that they take no memory beyond the capacity and the free space is true of them.
 */
import type { PagePool } from './page-pool.js';

export class AttributeRoom {
  readonly #pool: PagePool;
  #bytes = 0;

  constructor(pool: PagePool) {
    this.#pool = pool;
  }

  /** Of all lists, in snapshots too. */
  get bytes(): number {
    return this.#bytes;
  }

  /** What they reserve. */
  get pages(): number {
    return this.pagesWith(0);
  }

  /** What they would reserve with so many bytes more. */
  pagesWith(bytes: number): number {
    return Math.ceil((this.#bytes + bytes) / this.#pool.pageSizeBytes);
  }

  /** Takes room, or gives it back. DISK_FULL changes nothing; fewer bytes never fail. */
  add(bytes: number): number {
    const morePages = this.pagesWith(bytes) - this.pages;
    if (morePages > 0) {
      const status = this.#pool.reserve(morePages);
      if (status < 0) return status;
    } else this.#pool.unreserve(-morePages);
    this.#bytes += bytes;
    return 0;
  }

  /** The same where the caller has seen to the pages. */
  addReserved(bytes: number): void {
    this.#bytes += bytes;
  }
}
