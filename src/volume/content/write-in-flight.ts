/**
 * WriteInFlight: one write request between its beginning and its commit, in three phases that may be far apart:
 *
 *   1. scanAndReserve   promises the room an extension needs. A refusal is advice: the request may stop here (abandon), or go on
 *                      and decide again at the commit point, because another request may meanwhile have paid for the range.
 *   2. takePages       takes pages for the holes seen now, as far as there is reservation for them.
 *   3. assignAndCopy   the commit point, one uninterrupted step: decides anew what is missing, reserves and takes the difference,
 *                      fills the holes, copies, and returns whatever is left over.
 *
 * Between the phases anything may happen to the file: other writes, truncation, allocation, its last close. Only phase 3 changes
 * it, so nothing that was seen before has to stay true. A phase may be left out or repeated. The reservation and the pages in hand
 * are the write's own (the pool lists it as a holder); they come back by phase 3, by abandon, or when the file is disposed.
 *
 * The object can be used again after it is finished; it then allocates nothing.
 */
import { NtStatus } from '../../ntstatus.js';
import type { PageHolder, PagePool } from './page-pool.js';
import type { PagedFile } from './paged-file.js';

enum State {
  Idle,
  Open,
  /** The file was disposed under the write; nothing is in hand any more. */
  Orphaned,
}

/** A hand larger than this is dropped after use instead of being kept for the next write (1 Mi pages: a 4 GiB write). */
const KEPT_HAND_PAGES = 65536;

export class WriteInFlight implements PageHolder {
  hand: Int32Array = new Int32Array(0);
  handCount = 0;
  reservedPages = 0;
  holderSlot = -1;
  #file: PagedFile | null = null;
  #state: State = State.Idle;
  #offset = 0;
  #length = 0;
  #end = 0;
  #firstIndex = 0;
  #pageCount = 0;

  get owner(): PagedFile | null {
    return this.#file;
  }

  /** Begun and neither committed nor abandoned. */
  get isOpen(): boolean {
    return this.#state !== State.Idle;
  }

  begin(file: PagedFile, offset: number, length: number): this {
    if (this.#state !== State.Idle) throw new Error('a write in flight is begun again before it is finished');
    this.#offset = offset;
    this.#length = length;
    this.#end = offset + length;
    this.#firstIndex = Math.floor(offset / file.pool.pageSizeBytes);
    this.#pageCount = length === 0 ? 0 : file.pagesOf(this.#end) - this.#firstIndex;
    if (file.isDisposed) {
      this.#state = State.Orphaned;
      return this;
    }
    this.#state = State.Open;
    this.#file = file;
    file.pool.enter(this);
    return this;
  }

  /** Phase 1. SUCCESS, or DISK_FULL with nothing reserved by this call. */
  scanAndReserve(): number {
    const file = this.#openFile();
    if (file === null) return NtStatus.FILE_DELETED;
    const shortage = this.#pagesNeeded(file) - file.reservedPages - this.reservedPages;
    if (shortage <= 0) return NtStatus.SUCCESS;
    const status = this.#reservePages(file.pool, shortage);
    if (status >= 0) this.reservedPages += shortage;
    return status;
  }

  /** Phase 2. Answers how many pages are in hand; cannot fail. */
  takePages(): number {
    const file = this.#openFile();
    if (file === null) return 0;
    const room =
      file.reservedPages -
      file.allocatedPages -
      file.handsAgainstReserve(this) +
      this.reservedPages -
      this.handCount;
    if (room > 0) {
      const missing = file.table.countHoles(this.#firstIndex, this.#pageCount) - this.handCount;
      try {
        this.#take(file.pool, Math.min(room, missing));
      } catch (error) {
        // No heap for a longer hand: the commit point tries again and can refuse.
        if (!(error instanceof RangeError)) throw error;
      }
    }
    return this.handCount;
  }

  /** Phase 3. The length written, or DISK_FULL (or FILE_DELETED) with nothing changed. The write is finished either way. */
  assignAndCopy(sourceAddress: number): number {
    // Here, where nothing has changed yet: a copy that fails after the pages were assigned would show their old content.
    if (!Number.isSafeInteger(sourceAddress)) throw new RangeError(`source address ${sourceAddress}`);
    const file = this.#openFile();
    if (file === null) {
      this.#finish();
      return NtStatus.FILE_DELETED;
    }
    if (this.#length === 0) {
      this.abandon();
      return 0;
    }
    const table = file.table;
    const pool = file.pool;
    const needed = this.#pagesNeeded(file);
    const extension = Math.max(0, needed - file.reservedPages);
    const missing = table.countHoles(this.#firstIndex, this.#pageCount);
    const status = this.#prepare(file, extension, missing);
    if (status < 0) {
      this.abandon();
      return status;
    }

    // From here on nothing can fail.
    if (this.handCount > missing) this.giveBackFromHand(this.handCount - missing);
    this.reservedPages -= extension;
    file.acceptExtension(this.#end, extension);
    file.reclaimFromHands(missing, file.reservedPages, this);
    this.#take(pool, missing - this.handCount);
    this.#assign(file);
    try {
      file.copyIn(this.#offset, this.#length, sourceAddress);
      return this.#length;
    } finally {
      this.abandon(); // Only the surplus reservation is left.
    }
  }

  /** Gives everything back and finishes; the file is as if the write had never been. */
  abandon(): void {
    const file = this.#openFile();
    if (file !== null) this.#release(file.pool);
    this.#finish();
  }

  /** Takes pages out of the hand again; from the end, so that those left stay in order. */
  giveBackFromHand(count: number): void {
    if (count === 0) return;
    this.#file?.pool.giveBack(this.hand, this.handCount - count, this.handCount);
    this.handCount -= count;
  }

  /** The file goes: nothing may be lost with it, even if nobody ever calls another phase. */
  orphan(): void {
    if (this.#file === null) throw new Error('a write in flight without a file is orphaned');
    this.#release(this.#file.pool);
    this.#file = null;
    this.#state = State.Orphaned;
  }

  #openFile(): PagedFile | null {
    if (this.#state === State.Idle) throw new Error('a phase of a write that is finished');
    return this.#file;
  }

  #pagesNeeded(file: PagedFile): number {
    // A file longer than that has its length reserved already.
    return this.#length === 0 ? 0 : file.pagesOf(this.#end);
  }

  #reservePages(pool: PagePool, pages: number): number {
    // Beyond 2^53 lengths are not exact; no volume is that large either.
    return this.#end > Number.MAX_SAFE_INTEGER ? NtStatus.DISK_FULL : pool.reserve(pages);
  }

  /** Everything of the commit that can be refused: room, the memory behind it, and the heap for the table. */
  #prepare(file: PagedFile, extension: number, missing: number): number {
    const shortage = extension - this.reservedPages;
    if (shortage > 0) {
      const status = this.#reservePages(file.pool, shortage);
      if (status < 0) return status;
      this.reservedPages += shortage;
    }
    try {
      this.#growHand(missing);
      // Presized for the reservation: a file that was extended first, as the cache manager does, never copies its table.
      file.table.reserve(this.#firstIndex + this.#pageCount, file.reservedPages + extension);
    } catch {
      return NtStatus.INSUFFICIENT_RESOURCES;
    }
    return NtStatus.SUCCESS;
  }

  #assign(file: PagedFile): void {
    const { memory, pageSizeBytes } = file.pool;
    file.pool.prefault(this.hand, 0, this.handCount);
    let next = 0;
    for (let index = this.#firstIndex; next < this.handCount; index++) {
      if (file.table.pageAt(index) >= 0) continue;
      const page = this.hand[next++] as number;
      file.table.fill(index, page);
      if (file.pool.isZero(page)) continue;
      // A recycled page still has old content; what this write does not cover must read as zero.
      const address = memory.baseAddress + page * pageSizeBytes;
      const start = index * pageSizeBytes;
      const head = this.#offset - start;
      const tail = start + pageSizeBytes - this.#end;
      if (head > 0) memory.zero(address, head);
      if (tail > 0) memory.zero(address + pageSizeBytes - tail, tail);
    }
    this.handCount = 0;
  }

  #take(pool: PagePool, count: number): void {
    if (count <= 0) return;
    this.#growHand(this.handCount + count);
    pool.take(count, this.hand, this.handCount);
    this.handCount += count;
  }

  #growHand(count: number): void {
    if (count <= this.hand.length) return;
    const grown = new Int32Array(Math.max(count, 16));
    grown.set(this.hand.subarray(0, this.handCount));
    this.hand = grown;
  }

  #release(pool: PagePool): void {
    this.giveBackFromHand(this.handCount);
    pool.leave(this);
    pool.unreserve(this.reservedPages);
    this.reservedPages = 0;
  }

  #finish(): void {
    this.#state = State.Idle;
    this.#file = null;
    if (this.hand.length > KEPT_HAND_PAGES) this.hand = new Int32Array(0);
  }
}
