/**
 * PagedFile: the content of one file, in pages of the volume's pool. Sparse in memory, honest in capacity: a hole holds no
 * page, but the file reserves every page its length covers, so a write inside the length is never refused (NoSilentLoss).
 *
 *     reservedPages = max(pages of lengthBytes, pages asked for by setAllocation)
 *     allocatedPages + pages its writes in flight hold against its reservation ≤ reservedPages
 *
 * Bytes behind the length in the last page are always zero, and so are the bytes of a new page that a write does not cover;
 * hence extending never shows old data (DataIntegrity). Lengths are exact up to 2^53: file offsets are divided, never shifted.
 *
 * Results are a count ≥ 0 or a negative NTSTATUS. A call that answers a failure has changed nothing (AllOrNothing). Reading and
 * overwriting allocate nothing. May touch: its pool and the page memory. Exceptions mean a bug in the caller.
 */
import { NtStatus } from '../../ntstatus.js';
import type { PageHolder, PagePool } from './page-pool.js';
import { PageTable } from './page-table.js';
import { WriteInFlight } from './write-in-flight.js';

export class PagedFile {
  readonly pool: PagePool;
  /** For the file's writes in flight; nobody else changes it. */
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

  /** Writes all bytes, extending the file and leaving a hole between its end and `offset`; or DISK_FULL. */
  write(offset: number, length: number, sourceAddress: number): number {
    assertRange(offset, length);
    if (length === 0) return this.#disposed ? NtStatus.FILE_DELETED : 0;
    if (offset + length <= this.#lengthBytes) {
      const { pageSizeBytes } = this.pool;
      const first = Math.floor(offset / pageSizeBytes);
      const pages = Math.ceil((offset + length) / pageSizeBytes) - first;
      if (this.table.countHoles(first, pages) === 0) {
        this.copyIn(offset, length, sourceAddress);
        return length;
      }
    }
    // The same three phases that requests in flight go through; nothing can come between them here.
    const write = synchronousWrite.begin(this, offset, length);
    try {
      const status = write.scanAndReserve();
      if (status < 0) return status;
      write.takePages();
      return write.assignAndCopy(sourceAddress);
    } finally {
      if (write.isOpen) write.abandon();
    }
  }

  /** Begins a write whose phases are called one by one; pass a finished one to use it again. */
  beginWrite(offset: number, length: number, reuse: WriteInFlight = new WriteInFlight()): WriteInFlight {
    assertRange(offset, length);
    return reuse.begin(this, offset, length);
  }

  /** Truncates, or extends by a hole that is reserved now. */
  setLength(bytes: number): number {
    assertRange(bytes, 0);
    if (this.#disposed) return NtStatus.FILE_DELETED;
    const { pageSizeBytes, memory } = this.pool;
    const pages = this.pagesOf(bytes);
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
    const pages = this.pagesOf(bytes);
    if (pages < this.#reservedPages) this.#unreserveDownTo(pages);
    return this.#reserveUpTo(pages);
  }

  /** Drops the whole content and promises this much room; refused, the content is still there. */
  overwrite(allocationBytes: number): number {
    assertRange(allocationBytes, 0);
    if (this.#disposed) return NtStatus.FILE_DELETED;
    const pages = this.pagesOf(allocationBytes);
    const status = this.#reserveUpTo(pages);
    if (status < 0) return status;
    this.table.giveBackTail(0, this.pool);
    this.#lengthBytes = 0;
    this.#unreserveDownTo(pages);
    return NtStatus.SUCCESS;
  }

  /** Gives up what was promised beyond the length; WinFsp's Cleanup asks for it (docs/winfsp.md). */
  trimAllocation(): void {
    if (!this.#disposed) this.#unreserveDownTo(this.pagesOf(this.#lengthBytes));
  }

  /** The last close: every page and all room comes back now, also what its writes in flight have in hand. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    const holders = this.pool.holders;
    for (let i = holders.length - 1; i >= 0; i--) {
      const holder = holders[i] as PageHolder;
      if (holder.owner === this) holder.orphan();
    }
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
    const pages = this.pagesOf(this.#lengthBytes);
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
    if (allocated + this.handsAgainstReserve(null) > this.#reservedPages) {
      violations.push(
        `PoolConsistent: a file and its writes hold more pages than the ${this.#reservedPages} reserved`,
      );
    }
    if (this.#disposed && (allocated > 0 || this.#reservedPages > 0)) {
      violations.push(
        `DeadFilesClean: a disposed file has ${allocated} pages and reserves ${this.#reservedPages}`,
      );
    }
    return violations;
  }

  // What follows is for WriteInFlight.

  pagesOf(bytes: number): number {
    return Math.ceil(bytes / this.pool.pageSizeBytes);
  }

  /** Copies into pages that are all there. */
  copyIn(offset: number, length: number, sourceAddress: number): void {
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

  /** A committing write hands over the reservation for its end, and the file becomes that long. */
  acceptExtension(endBytes: number, pages: number): void {
    this.#reservedPages += pages;
    if (endBytes > this.#lengthBytes) this.#lengthBytes = endBytes;
    if (this.pagesOf(this.#lengthBytes) > this.#reservedPages)
      throw new Error('a file is longer than its reservation');
  }

  /** Pages that writes in flight, but `except`, hold against this file's reservation instead of their own. */
  handsAgainstReserve(except: PageHolder | null): number {
    let pages = 0;
    for (const holder of this.pool.holders) {
      if (holder.owner !== this || holder === except) continue;
      pages += Math.max(0, holder.handCount - holder.reservedPages);
    }
    return pages;
  }

  /**
   * Makes `pages` of a reservation of `reservedPages` free for use by taking pages out of the hands of other writes of this file.
   * They lose nothing: at their commit point they look again, and take what is missing then.
   */
  reclaimFromHands(pages: number, reservedPages: number, except: PageHolder | null): void {
    let excess = this.allocatedPages + pages + this.handsAgainstReserve(except) - reservedPages;
    const holders = this.pool.holders;
    for (let i = 0; excess > 0 && i < holders.length; i++) {
      const holder = holders[i] as PageHolder;
      if (holder.owner !== this || holder === except) continue;
      const count = Math.min(excess, Math.max(0, holder.handCount - holder.reservedPages));
      holder.giveBackFromHand(count);
      excess -= count;
    }
    if (excess > 0) throw new Error(`a file holds ${excess} pages more than it reserves`);
  }

  #reserveUpTo(pages: number): number {
    if (pages <= this.#reservedPages) return NtStatus.SUCCESS;
    const status = this.pool.reserve(pages - this.#reservedPages);
    if (status >= 0) this.#reservedPages = pages;
    return status;
  }

  #unreserveDownTo(pages: number): void {
    if (pages >= this.#reservedPages) return;
    this.reclaimFromHands(0, pages, null);
    this.pool.unreserve(this.#reservedPages - pages);
    this.#reservedPages = pages;
  }
}

/** The write that PagedFile.write goes through; one is enough, for nothing runs between its phases. */
const synchronousWrite = new WriteInFlight();

function assertRange(offset: number, length: number): void {
  if (!(offset >= 0 && length >= 0)) throw new RangeError(`offset ${offset}, length ${length}`);
}
