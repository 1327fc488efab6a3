/**
 * PageMemory: where the pages of a volume live. One address range is reserved for the whole capacity; a page is a
 * number and its address is `baseAddress + page × pageSizeBytes`. No object per page, and nothing of it on the
 * JavaScript heap.
 *
 * Two implementations: NativePageMemory (the operating system's pages) and PlainPageMemory (an ArrayBuffer that notices
 * misuse, for tests). Neither keeps a ledger: which page belongs to whom is the PagePool's business alone.
 */

/**
 * Why 4 KiB: a tree of small files reserves 1.04 × what it stores (64 KiB pages: 1.9 ×), and because the pool hands out
 * adjacent pages and copies coalesce them, large transfers gain nothing from larger ones. Figures: docs/page-size.md.
 */
export const DEFAULT_PAGE_SIZE_BYTES = 4096;

export interface PageMemory {
  readonly pageSizeBytes: number;
  readonly pageCount: number;
  /** An ordinary number below 2^53, as are all addresses. */
  readonly baseAddress: number;
  /** Makes pages usable, content zero. False: the operating system refuses, and nothing has changed. */
  commit(firstPage: number, count: number): boolean;
  /** Gives the pages' memory back; after the next commit their content is zero. */
  decommit(firstPage: number, count: number): void;
  /** Pages whose first touch follows at once: lets the OS supply them in one go. Only ever a hint. */
  prefault?(firstPage: number, count: number): void;
  /** memcpy: the ranges do not overlap. Either address may be the caller's own memory. */
  copy(destinationAddress: number, sourceAddress: number, lengthBytes: number): void;
  zero(address: number, lengthBytes: number): void;
  /** Physical memory in use now. May cost milliseconds per GiB: for statistics, never for a request. */
  residentBytes?(): number;
  dispose(): void;
}

/** Page numbers live in Int32Arrays, stored as page + 1 so that 0 can mean "hole"; hence the limit. */
export const MAX_PAGE_COUNT = 0x7fff_fffe;

export function assertPageGeometry(
  pageSizeBytes: number,
  pageCount: number,
  smallestPageBytes: number,
): void {
  const powerOfTwo = Number.isInteger(Math.log2(pageSizeBytes));
  if (!powerOfTwo || pageSizeBytes < smallestPageBytes || pageSizeBytes > 2 ** 30) {
    throw new RangeError(
      `page size: a power of two from ${smallestPageBytes} bytes expected, given ${pageSizeBytes}`,
    );
  }
  if (!Number.isInteger(pageCount) || pageCount < 1 || pageCount > MAX_PAGE_COUNT) {
    throw new RangeError(`page count: an integer from 1 to ${MAX_PAGE_COUNT} expected, given ${pageCount}`);
  }
}
