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
 * A snapshot of a file is another PagedFile with the same page table, which cannot be changed. When the file is, it
 * gets a table of its own with the same pages, and each page that is in more than one table is copied before it is
 * written. The room for that is there: the file reserves all its pages, the snapshot reserves those it has.
 *
 * Results are a count ≥ 0 or a negative NTSTATUS. A call that answers a failure has changed nothing (AllOrNothing).
 * Reading and overwriting allocate nothing. May touch: its pool and the page memory. Exceptions mean a bug in the
 * caller.
 */
import { NtStatus } from '../../ntstatus.js';
import { visitPieces } from './page-copies.js';
import type { PagePool } from './page-pool.js';
import type { PageReader } from './page-readers.js';
import { NO_PAGES, PageTable } from './page-table.js';
import { checkFile } from './paged-file-check.js';

/** Pages on their way from the pool into a file; used within one write only. */
let taken = new Int32Array(1024);
/**
 * A longer array is dropped after use instead of being kept for the next write (a page each: 256 MiB of 4 KiB pages).
 */
const MAX_KEPT_TAKEN_PAGES = 65536;

export class PagedFile {
  readonly pool: PagePool;
  #table: PageTable;
  #lengthBytes = 0;
  #reservedPages = 0;
  /** What every change is refused with: 0, FILE_DELETED when disposed, MEDIA_WRITE_PROTECTED in a snapshot. */
  #refusal: number = NtStatus.SUCCESS;

  constructor(pool: PagePool, table = NO_PAGES) {
    this.pool = pool;
    this.#table = table;
  }

  /** To look at; only this file changes it. */
  get table(): PageTable {
    return this.#table;
  }

  get lengthBytes(): number {
    return this.#lengthBytes;
  }

  get reservedPages(): number {
    return this.#reservedPages;
  }

  get allocatedPages(): number {
    return this.#table.allocatedPages;
  }

  get allocationSizeBytes(): number {
    return this.#reservedPages * this.pool.pageSizeBytes;
  }

  get isDisposed(): boolean {
    return this.#refusal === NtStatus.FILE_DELETED;
  }

  /** Copies bytes out; zeros for holes. Answers how many: fewer at the end of the file, 0 at or past it. */
  read(offset: number, length: number, destinationAddress: number): number {
    assertRange(offset, length);
    if (offset >= this.#lengthBytes) return 0;
    const count = Math.min(length, this.#lengthBytes - offset);
    this.pool.copies.copyOut(this.#table, offset, count, destinationAddress);
    return count;
  }

  /** As read, but another thread makes the copy, and has it to itself: every change of this file waits for it. */
  describeRead(offset: number, length: number, reader: PageReader): number {
    assertRange(offset, length);
    if (offset >= this.#lengthBytes) return 0;
    const count = Math.min(length, this.#lengthBytes - offset);
    visitPieces(this.pool.memory, this.#table, offset, count, reader);
    this.pool.copies.readers.add(this, reader);
    return count;
  }

  /**
   * Writes all bytes, extending the file and leaving a hole between its end and `offset`. DISK_FULL, FILE_DELETED, or
   * INSUFFICIENT_RESOURCES when the heap has no room for the page table. One uninterrupted step, in three phases.
   */
  write(offset: number, length: number, sourceAddress: number): number {
    assertRange(offset, length);
    if (this.#refusal < 0) return this.#refusal;
    if (length === 0) return 0;
    // Here, where nothing has changed yet: a copy that fails after the pages were placed would show their old content.
    if (!Number.isSafeInteger(sourceAddress)) throw new RangeError(`source address ${sourceAddress}`);
    this.pool.copies.readers.settle(this);
    const end = offset + length;
    const first = Math.floor(offset / this.pool.pageSizeBytes);
    const pages = this.#pagesOf(end);

    // 1. What is missing (holes, and pages that must not be written in place) is reserved, or the write is refused and
    // nothing has changed.
    const missing = this.#countMissing(first, pages - first);
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
    this.pool.copies.copyIn(this.#table, offset, length, sourceAddress);
    return length;
  }

  /** Truncates, or extends by a hole that is reserved now. DISK_FULL, FILE_DELETED, INSUFFICIENT_RESOURCES as write. */
  setLength(bytes: number): number {
    assertRange(bytes, 0);
    if (this.#refusal < 0) return this.#refusal;
    const { pageSizeBytes } = this.pool;
    const pages = this.#pagesOf(bytes);
    if (bytes >= this.#lengthBytes) {
      const status = this.#reserveUpTo(pages);
      if (status >= 0) this.#lengthBytes = bytes;
      return status;
    }
    this.pool.copies.readers.settle(this);
    if (pages === 0) this.#dropTable();
    else {
      if (!this.#detachTable()) return NtStatus.INSUFFICIENT_RESOURCES;
      this.#table.giveBackTail(pages, this.pool);
      const start = (pages - 1) * pageSizeBytes;
      if (bytes < start + pageSizeBytes) this.#zeroIn(pages - 1, bytes - start, this.#lengthBytes - start);
    }
    this.#lengthBytes = bytes;
    this.#unreserveDownTo(pages);
    return NtStatus.SUCCESS;
  }

  /** Windows' allocation size: below the length it truncates, above it only promises room. */
  setAllocation(bytes: number): number {
    assertRange(bytes, 0);
    if (this.#refusal < 0) return this.#refusal;
    if (bytes < this.#lengthBytes) return this.setLength(bytes);
    const pages = this.#pagesOf(bytes);
    if (pages < this.#reservedPages) this.#unreserveDownTo(pages);
    return this.#reserveUpTo(pages);
  }

  /** Drops the whole content and promises this much room; refused, the content is still there. */
  overwrite(allocationBytes: number): number {
    assertRange(allocationBytes, 0);
    if (this.#refusal < 0) return this.#refusal;
    const pages = this.#pagesOf(allocationBytes);
    const status = this.#reserveUpTo(pages);
    if (status < 0) return status;
    this.pool.copies.readers.settle(this);
    this.#dropTable();
    this.#lengthBytes = 0;
    this.#unreserveDownTo(pages);
    return NtStatus.SUCCESS;
  }

  /** Zeros within the length; whole pages go back, what is reserved stays. FILE_DELETED, INSUFFICIENT_RESOURCES. */
  zero(offset: number, length: number): number {
    assertRange(offset, length);
    if (this.#refusal < 0) return this.#refusal;
    const end = Math.min(offset + length, this.#lengthBytes);
    if (end <= offset) return NtStatus.SUCCESS;
    this.pool.copies.readers.settle(this);
    if (!this.#detachTable()) return NtStatus.INSUFFICIENT_RESOURCES;
    const { pageSizeBytes } = this.pool;
    const first = Math.floor(offset / pageSizeBytes);
    const firstWhole = this.#pagesOf(offset);
    // Behind the length the last page is zero already.
    const endWhole = end === this.#lengthBytes ? this.#pagesOf(end) : Math.floor(end / pageSizeBytes);
    if (firstWhole > first) {
      this.#zeroIn(first, offset - first * pageSizeBytes, end - first * pageSizeBytes);
    }
    if (endWhole >= firstWhole && endWhole * pageSizeBytes < end) {
      this.#zeroIn(endWhole, 0, end - endWhole * pageSizeBytes);
    }
    if (endWhole > firstWhole) this.#table.giveBack(firstWhole, endWhole, this.pool);
    return NtStatus.SUCCESS;
  }

  /** Gives up what was reserved beyond the length; WinFsp's Cleanup asks for it (docs/winfsp.md). */
  trimAllocation(): void {
    if (this.#refusal >= 0) this.#unreserveDownTo(this.#pagesOf(this.#lengthBytes));
  }

  /** The last close: every page and all room comes back now. */
  dispose(): void {
    this.pool.unreserve(this.release());
  }

  /** As dispose, but leaves the reservation, whose pages it answers, to the caller. */
  release(): number {
    if (this.isDisposed) return 0;
    this.pool.copies.readers.settle(this);
    const reservedPages = this.#refusal < 0 ? 0 : this.#reservedPages;
    this.#refusal = NtStatus.FILE_DELETED;
    this.#dropTable();
    this.#lengthBytes = 0;
    this.#reservedPages = 0;
    return reservedPages;
  }

  /**
   * The same content for a snapshot: it can be read, and a change is MEDIA_WRITE_PROTECTED. What it says it reserves is
   * what a file made from it will; the pages themselves are reserved by the caller.
   */
  frozen(): PagedFile {
    const copy = this.#sharing();
    copy.#refusal = NtStatus.MEDIA_WRITE_PROTECTED;
    return copy;
  }

  /** A file with the content of a frozen one. The caller has made the reservation it says. */
  thawed(): PagedFile {
    return this.#sharing();
  }

  /** How many of its pages no snapshot has. */
  countOwnPages(): number {
    if (this.#table.references > 1) return 0;
    if (!this.pool.sharesPages) return this.#table.allocatedPages;
    let pages = 0;
    this.#table.visit((page) => {
      if (!this.pool.isShared(page)) pages++;
    });
    return pages;
  }

  visitPages(visit: (page: number) => void): void {
    this.#table.visit(visit);
  }

  /** The file's own part of the self-check. */
  check(): string[] {
    return checkFile(this);
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
      if (this.#table === NO_PAGES) this.#table = new PageTable();
      else if (this.#table.references > 1) this.#table = this.#table.detached(this.pool);
      // Presized for the reservation: a file that was extended first, as the cache manager does, never copies its
      // table.
      this.#table.reserve(this.#pagesOf(end), this.#reservedPages + extension);
    } catch {
      this.pool.unreserve(extension);
      return NtStatus.INSUFFICIENT_RESOURCES;
    }
    this.#reservedPages += extension;
    return NtStatus.SUCCESS;
  }

  /** How many of these indexes need a page before they can be written: holes, and pages that a snapshot has too. */
  #countMissing(first: number, count: number): number {
    const table = this.#table;
    if (table.references > 1) return count;
    const holes = table.countHoles(first, count);
    return this.pool.sharesPages ? holes + table.countShared(first, count, this.pool) : holes;
  }

  /** Puts the pages just taken where a write needs them. */
  #place(offset: number, end: number, count: number): void {
    const { pool } = this;
    const table = this.#table;
    const { memory, pageSizeBytes } = pool;
    pool.prefault(taken, 0, count);
    let next = 0;
    for (let index = Math.floor(offset / pageSizeBytes); next < count; index++) {
      const before = table.pageAt(index);
      if (before >= 0 && !pool.isShared(before)) continue;
      const page = taken[next++] as number;
      const address = memory.baseAddress + page * pageSizeBytes;
      const start = index * pageSizeBytes;
      const head = offset - start;
      const tail = start + pageSizeBytes - end;
      if (before >= 0) {
        // A snapshot keeps the page; what this write does not cover is copied.
        const old = memory.baseAddress + before * pageSizeBytes;
        if (head > 0) memory.copy(address, old, head);
        if (tail > 0) memory.copy(address + pageSizeBytes - tail, old + pageSizeBytes - tail, tail);
        table.replace(index, page, pool);
        continue;
      }
      table.fill(index, page);
      if (pool.isZero(page)) continue;
      // A recycled page still has old content; what this write does not cover must read as zero.
      if (head > 0) memory.zero(address, head);
      if (tail > 0) memory.zero(address + pageSizeBytes - tail, tail);
    }
    if (taken.length > MAX_KEPT_TAKEN_PAGES) taken = new Int32Array(1024);
  }

  /** Zeroes bytes of a page, where there is one, to its end at most. */
  #zeroIn(index: number, from: number, end: number): void {
    const { pool } = this;
    const { memory, pageSizeBytes } = pool;
    let page = this.#table.pageAt(index);
    if (page < 0) return;
    if (pool.isShared(page)) {
      // A snapshot keeps the page. The file reserves its length, so one can be taken.
      pool.take(1, taken, 0);
      const copy = taken[0] as number;
      memory.copy(
        memory.baseAddress + copy * pageSizeBytes,
        memory.baseAddress + page * pageSizeBytes,
        pageSizeBytes,
      );
      this.#table.replace(index, copy, pool);
      page = copy;
    }
    memory.zero(memory.baseAddress + page * pageSizeBytes + from, Math.min(pageSizeBytes, end) - from);
  }

  /** Another content with the same page table and the same reservation. */
  #sharing(): PagedFile {
    if (this.#table === NO_PAGES) this.#table = new PageTable();
    this.#table.references += 1;
    const copy = new PagedFile(this.pool, this.#table);
    copy.#lengthBytes = this.#lengthBytes;
    copy.#reservedPages = this.#reservedPages;
    return copy;
  }

  /** A table of its own, if it has none. False when the heap has no room for it. */
  #detachTable(): boolean {
    if (this.#table.references === 1) return true;
    try {
      this.#table = this.#table.detached(this.pool);
      return true;
    } catch {
      return false;
    }
  }

  /** Gives up all pages. */
  #dropTable(): void {
    if (this.#table.references === 1) {
      this.#table.giveBackTail(0, this.pool);
      return;
    }
    this.#table.references -= 1;
    this.#table = NO_PAGES;
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
