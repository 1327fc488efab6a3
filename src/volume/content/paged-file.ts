/**
 * PagedFile: the content of one file, in pages of the volume's pool. Sparse in memory, honest in capacity: a hole holds
 * no page, but the file reserves every page its length covers, so a write inside the length is never refused
 * (NoSilentLoss).
 *
 *     reservedPages = max(pages of lengthBytes, pages asked for by setAllocation)
 *     allocatedPages ≤ reservedPages
 *
 * Bytes behind the length in the last page are always zero, and so are the bytes of a new page that a write does not
 * cover; hence extending never shows old data (DataIntegrity). Lengths are exact up to 2^53: file offsets are divided,
 * never shifted.
 *
 * Results are a count ≥ 0 or a negative NTSTATUS. A call that answers a failure has changed nothing (AllOrNothing).
 * Reading and overwriting allocate nothing. May touch: its pool and the page memory. Exceptions mean a bug in the
 * caller.
 */
import { NtStatus } from '../../ntstatus.js';
import type { PagePool } from './page-pool.js';
import { PageTable } from './page-table.js';

/** Pages on their way from the pool into a file; used within one write only. */
let taken = new Int32Array(1024);
/**
 * A longer array is dropped after use instead of being kept for the next write (a page each: 256 MiB of 4 KiB pages).
 */
const MAX_KEPT_TAKEN_PAGES = 65536;

export class PagedFile {
  readonly pool: PagePool;
  /** To look at; only this file changes it. */
  readonly table = new PageTable();
  #lengthBytes = 0;
  #reservedPages = 0;
  #disposed = false;

  constructor(pool: PagePool) {
    this.pool = pool;
  }

  get lengthBytes(): number {
    return this.#lengthBytes;
  }

  get reservedPages(): number {
    return this.#reservedPages;
  }

  get allocatedPages(): number {
    return this.table.allocatedPages;
  }

  get allocationSizeBytes(): number {
    return this.#reservedPages * this.pool.pageSizeBytes;
  }

  get isDisposed(): boolean {
    return this.#disposed;
  }

  /** Copies bytes out; zeros for holes. Answers how many: fewer at the end of the file, 0 at or past it. */
  read(offset: number, length: number, destinationAddress: number): number {
    assertRange(offset, length);
    if (offset >= this.#lengthBytes) return 0;
    const count = Math.min(length, this.#lengthBytes - offset);
    const { memory, pageSizeBytes } = this.pool;
    const table = this.table;
    let index = Math.floor(offset / pageSizeBytes);
    let inPage = offset - index * pageSizeBytes;
    for (let done = 0; done < count; ) {
      const run = table.runLength(index, Math.ceil((inPage + count - done) / pageSizeBytes));
      const bytes = Math.min(run * pageSizeBytes - inPage, count - done);
      const page = table.pageAt(index);
      if (page < 0) memory.zero(destinationAddress + done, bytes);
      else memory.copy(destinationAddress + done, memory.baseAddress + page * pageSizeBytes + inPage, bytes);
      done += bytes;
      index += run;
      inPage = 0;
    }
    return count;
  }

  /**
   * Writes all bytes, extending the file and leaving a hole between its end and `offset`. DISK_FULL, FILE_DELETED, or
   * INSUFFICIENT_RESOURCES when the heap has no room for the page table. One uninterrupted step, in three phases.
   */
  write(offset: number, length: number, sourceAddress: number): number {
    assertRange(offset, length);
    if (this.#disposed) return NtStatus.FILE_DELETED;
    if (length === 0) return 0;
    // Here, where nothing has changed yet: a copy that fails after the pages were placed would show their old content.
    if (!Number.isSafeInteger(sourceAddress)) throw new RangeError(`source address ${sourceAddress}`);
    const end = offset + length;
    const first = Math.floor(offset / this.pool.pageSizeBytes);
    const pages = this.#pagesOf(end);

    // 1. What is missing is reserved, or the write is refused and nothing has changed.
    const missing = this.table.countHoles(first, pages - first);
    const extension = Math.max(0, pages - this.#reservedPages);
    if (missing > 0 || extension > 0) {
      const status = this.#reserveForWrite(end, extension, missing);
      if (status < 0) return status;
    }
    // From here on nothing can fail.
    if (missing > 0) {
      // 2. Pages are taken, 3. and placed.
      this.pool.take(missing, taken, 0);
      this.#place(offset, end, missing);
    }
    if (end > this.#lengthBytes) this.#lengthBytes = end;
    this.#copyIn(offset, length, sourceAddress);
    return length;
  }

  /** Truncates, or extends by a hole that is reserved now. */
  setLength(bytes: number): number {
    assertRange(bytes, 0);
    if (this.#disposed) return NtStatus.FILE_DELETED;
    const { pageSizeBytes, memory } = this.pool;
    const pages = this.#pagesOf(bytes);
    if (bytes >= this.#lengthBytes) {
      const status = this.#reserveUpTo(pages);
      if (status >= 0) this.#lengthBytes = bytes;
      return status;
    }
    this.table.giveBackTail(pages, this.pool);
    const lastPage = bytes < pages * pageSizeBytes ? this.table.pageAt(pages - 1) : -1;
    if (lastPage >= 0) {
      const from = bytes - (pages - 1) * pageSizeBytes;
      const to = Math.min(pageSizeBytes, this.#lengthBytes - (pages - 1) * pageSizeBytes);
      memory.zero(memory.baseAddress + lastPage * pageSizeBytes + from, to - from);
    }
    this.#lengthBytes = bytes;
    this.#unreserveDownTo(pages);
    return NtStatus.SUCCESS;
  }

  /** Windows' allocation size: below the length it truncates, above it only promises room. */
  setAllocation(bytes: number): number {
    assertRange(bytes, 0);
    if (this.#disposed) return NtStatus.FILE_DELETED;
    if (bytes < this.#lengthBytes) return this.setLength(bytes);
    const pages = this.#pagesOf(bytes);
    if (pages < this.#reservedPages) this.#unreserveDownTo(pages);
    return this.#reserveUpTo(pages);
  }

  /** Drops the whole content and promises this much room; refused, the content is still there. */
  overwrite(allocationBytes: number): number {
    assertRange(allocationBytes, 0);
    if (this.#disposed) return NtStatus.FILE_DELETED;
    const pages = this.#pagesOf(allocationBytes);
    const status = this.#reserveUpTo(pages);
    if (status < 0) return status;
    this.table.giveBackTail(0, this.pool);
    this.#lengthBytes = 0;
    this.#unreserveDownTo(pages);
    return NtStatus.SUCCESS;
  }

  /** Gives up what was reserved beyond the length; WinFsp's Cleanup asks for it (docs/winfsp.md). */
  trimAllocation(): void {
    if (!this.#disposed) this.#unreserveDownTo(this.#pagesOf(this.#lengthBytes));
  }

  /** The last close: every page and all room comes back now. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.table.giveBackTail(0, this.pool);
    this.#lengthBytes = 0;
    this.pool.unreserve(this.#reservedPages);
    this.#reservedPages = 0;
  }

  visitPages(visit: (page: number) => void): void {
    this.table.visit(visit);
  }

  /** The file's own part of the self-check. */
  check(): string[] {
    const violations: string[] = [];
    const pages = this.#pagesOf(this.#lengthBytes);
    let allocated = 0;
    this.table.visit((page, index) => {
      allocated++;
      if (index >= pages) violations.push(`DataIntegrity: page ${page} lies beyond the end of its file`);
    });
    if (allocated !== this.allocatedPages) {
      violations.push(`PoolConsistent: a file has ${allocated} pages, but counts ${this.allocatedPages}`);
    }
    if (this.#reservedPages < pages) {
      violations.push(
        `NoSilentLoss: a file reserves ${this.#reservedPages} pages, its length covers ${pages}`,
      );
    }
    if (allocated > this.#reservedPages) {
      violations.push(
        `PoolConsistent: a file has ${allocated} pages, more than the ${this.#reservedPages} it reserves`,
      );
    }
    if (this.#disposed && (allocated > 0 || this.#reservedPages > 0)) {
      violations.push(
        `DeadFilesClean: a disposed file has ${allocated} pages and reserves ${this.#reservedPages}`,
      );
    }
    return violations;
  }

  #pagesOf(bytes: number): number {
    return Math.ceil(bytes / this.pool.pageSizeBytes);
  }

  /** All that can be refused of a write: room, the memory behind it, and the heap for the page table. */
  #reserveForWrite(end: number, extension: number, missing: number): number {
    // Beyond 2^53 lengths are not exact; no volume is that large either.
    if (end > Number.MAX_SAFE_INTEGER) return NtStatus.DISK_FULL;
    const status = this.pool.reserve(extension);
    if (status < 0) return status;
    try {
      if (missing > taken.length) taken = new Int32Array(missing);
      // Presized for the reservation: a file that was extended first, as the cache manager does, never copies its
      // table.
      this.table.reserve(this.#pagesOf(end), this.#reservedPages + extension);
    } catch {
      this.pool.unreserve(extension);
      return NtStatus.INSUFFICIENT_RESOURCES;
    }
    this.#reservedPages += extension;
    return NtStatus.SUCCESS;
  }

  /** Fills the holes of a write with the pages just taken. */
  #place(offset: number, end: number, count: number): void {
    const { pool, table } = this;
    const { memory, pageSizeBytes } = pool;
    pool.prefault(taken, 0, count);
    let next = 0;
    for (let index = Math.floor(offset / pageSizeBytes); next < count; index++) {
      if (table.pageAt(index) >= 0) continue;
      const page = taken[next++] as number;
      table.fill(index, page);
      if (pool.isZero(page)) continue;
      // A recycled page still has old content; what this write does not cover must read as zero.
      const address = memory.baseAddress + page * pageSizeBytes;
      const start = index * pageSizeBytes;
      const head = offset - start;
      const tail = start + pageSizeBytes - end;
      if (head > 0) memory.zero(address, head);
      if (tail > 0) memory.zero(address + pageSizeBytes - tail, tail);
    }
    if (taken.length > MAX_KEPT_TAKEN_PAGES) taken = new Int32Array(1024);
  }

  /** Copies into pages that are all there. */
  #copyIn(offset: number, length: number, sourceAddress: number): void {
    const { memory, pageSizeBytes } = this.pool;
    const table = this.table;
    let index = Math.floor(offset / pageSizeBytes);
    let inPage = offset - index * pageSizeBytes;
    for (let done = 0; done < length; ) {
      const run = table.runLength(index, Math.ceil((inPage + length - done) / pageSizeBytes));
      const bytes = Math.min(run * pageSizeBytes - inPage, length - done);
      const address = memory.baseAddress + table.pageAt(index) * pageSizeBytes + inPage;
      memory.copy(address, sourceAddress + done, bytes);
      done += bytes;
      index += run;
      inPage = 0;
    }
  }

  #reserveUpTo(pages: number): number {
    if (pages <= this.#reservedPages) return NtStatus.SUCCESS;
    const status = this.pool.reserve(pages - this.#reservedPages);
    if (status >= 0) this.#reservedPages = pages;
    return status;
  }

  #unreserveDownTo(pages: number): void {
    if (pages >= this.#reservedPages) return;
    this.pool.unreserve(this.#reservedPages - pages);
    this.#reservedPages = pages;
  }
}

function assertRange(offset: number, length: number): void {
  if (!(offset >= 0 && length >= 0)) throw new RangeError(`offset ${offset}, length ${length}`);
}
