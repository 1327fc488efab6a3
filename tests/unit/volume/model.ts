/**
 * A model of files on a full-to-the-brim volume, in the plainest terms: byte arrays and sums. The real pool and files
 * are driven beside it, and after every step content, lengths, reservations, refusals and the self-check must agree.
 */
import { expect } from 'vitest';
import { NtStatus } from '../../../src/ntstatus.js';
import { PagePool } from '../../../src/volume/content/page-pool.js';
import { PagedFile } from '../../../src/volume/content/paged-file.js';
import { checkPool } from '../../support/check-pool.js';
import { PlainPageMemory } from '../../support/plain-page-memory.js';

export interface Pair {
  real: PagedFile;
  bytes: number[];
  reservedPages: number;
  disposed: boolean;
}

export class Rig {
  readonly memory: PlainPageMemory;
  readonly pool: PagePool;
  readonly pairs: Pair[] = [];
  refuseCommits = false;

  constructor(pageSizeBytes: number, pageCount: number, warmPages: number, preallocate = false) {
    this.memory = new PlainPageMemory({
      pageSizeBytes,
      pageCount,
      scratchBytes: 4096,
      baseAddress: 2 ** 40,
      failCommitWhen: () => this.refuseCommits,
    });
    this.pool = new PagePool(this.memory, { warmPages, preallocate });
  }

  create(): Pair {
    const pair = this.fresh();
    this.pairs.push(pair);
    return pair;
  }

  fresh(): Pair {
    return { real: new PagedFile(this.pool), bytes: [], reservedPages: 0, disposed: false };
  }

  pages(bytes: number): number {
    return Math.ceil(bytes / this.memory.pageSizeBytes);
  }

  source(length: number, value: number): number {
    return this.memory.put(new Uint8Array(length).fill(value));
  }

  /** Whether `status` may refuse a request for `pages` more; the model's own sum decides. */
  expectRoom(status: number, pages: number): boolean {
    const free = this.memory.pageCount - this.reserved();
    const fits = pages <= free;
    if (this.refuseCommits && pages > 0) {
      // Memory may or may not be there already; a refusal is right, success only if the ledger has room.
      if (status < 0) {
        expect(status).toBe(NtStatus.DISK_FULL);
        return false;
      }
      expect(fits).toBe(true);
      return true;
    }
    expect(status >= 0, `asked ${pages}, free ${free}`).toBe(fits); // NoSpuriousDiskFull both ways
    if (!fits) expect(status).toBe(NtStatus.DISK_FULL);
    return fits;
  }

  reserved(): number {
    let sum = 0;
    for (const pair of this.pairs) sum += pair.reservedPages;
    return sum;
  }

  put(pair: Pair, offset: number, length: number, value: number): void {
    while (pair.bytes.length < offset + length) pair.bytes.push(0);
    pair.bytes.fill(value, offset, offset + length);
    pair.reservedPages = Math.max(pair.reservedPages, this.pages(pair.bytes.length));
  }

  /** False when there was no room. */
  write(pair: Pair, offset: number, length: number, value: number): boolean {
    const status = pair.real.write(offset, length, this.source(length, value));
    if (length === 0) expect(status).toBe(pair.disposed ? NtStatus.FILE_DELETED : 0);
    else if (pair.disposed) expect(status).toBe(NtStatus.FILE_DELETED);
    else {
      const more = Math.max(0, this.pages(Math.max(pair.bytes.length, offset + length)) - pair.reservedPages);
      if (this.expectRoom(status, more)) {
        expect(status).toBe(length);
        this.put(pair, offset, length, value);
      } else {
        expect(more).toBeGreaterThan(0); // NoSilentLoss: never inside the acknowledged length.
        return false;
      }
    }
    return true;
  }

  setLength(pair: Pair, bytes: number): void {
    const status = pair.real.setLength(bytes);
    if (pair.disposed) expect(status).toBe(NtStatus.FILE_DELETED);
    else if (bytes < pair.bytes.length) {
      expect(status).toBe(0);
      pair.bytes.length = bytes;
      pair.reservedPages = this.pages(bytes);
    } else if (this.expectRoom(status, Math.max(0, this.pages(bytes) - pair.reservedPages))) {
      while (pair.bytes.length < bytes) pair.bytes.push(0);
      pair.reservedPages = Math.max(pair.reservedPages, this.pages(bytes));
    }
  }

  zero(pair: Pair, offset: number, length: number): void {
    const status = pair.real.zero(offset, length);
    expect(status).toBe(pair.disposed ? NtStatus.FILE_DELETED : 0);
    const end = Math.min(offset + length, pair.bytes.length);
    if (pair.disposed || end <= offset) return;
    pair.bytes.fill(0, offset, end);
    // Whole pages have gone back.
    const { pageSizeBytes } = this.memory;
    const last = end === pair.bytes.length ? this.pages(end) : Math.floor(end / pageSizeBytes);
    for (let index = this.pages(offset); index < last; index++)
      expect(pair.real.table.pageAt(index)).toBe(-1);
  }

  setAllocation(pair: Pair, bytes: number): void {
    if (pair.disposed || bytes < pair.bytes.length) {
      const before = pair.real.setAllocation(bytes);
      expect(before).toBe(pair.disposed ? NtStatus.FILE_DELETED : 0);
      if (!pair.disposed) {
        pair.bytes.length = bytes;
        pair.reservedPages = this.pages(bytes);
      }
      return;
    }
    const more = this.pages(bytes) - pair.reservedPages;
    const status = pair.real.setAllocation(bytes);
    if (more <= 0) expect(status).toBe(0);
    if (more <= 0 || this.expectRoom(status, more)) pair.reservedPages = this.pages(bytes);
  }

  overwrite(pair: Pair, allocation: number): void {
    const status = pair.real.overwrite(allocation);
    if (pair.disposed) expect(status).toBe(NtStatus.FILE_DELETED);
    else if (this.expectRoom(status, Math.max(0, this.pages(allocation) - pair.reservedPages))) {
      pair.bytes = [];
      pair.reservedPages = this.pages(allocation);
    }
  }

  trim(pair: Pair): void {
    pair.real.trimAllocation();
    if (!pair.disposed) pair.reservedPages = this.pages(pair.bytes.length);
  }

  dispose(pair: Pair): void {
    pair.real.dispose();
    pair.disposed = true;
    pair.bytes = [];
    pair.reservedPages = 0;
  }

  content(pair: Pair): number[] {
    const length = pair.real.lengthBytes;
    const address = this.memory.put(new Uint8Array(length + 8).fill(0xee));
    const count = pair.real.read(0, length + 8, address);
    expect(count).toBe(length);
    return [...this.memory.get(address, length)];
  }

  /** A read from the middle, into a buffer whose surroundings must stay untouched. */
  read(pair: Pair, offset: number, length: number): void {
    const address = this.memory.put(new Uint8Array(length + 2).fill(0xee)) + 1;
    const expected = pair.bytes.slice(offset, offset + length);
    expect(pair.real.read(offset, length, address)).toBe(expected.length);
    const around = [0xee, ...expected, ...new Array<number>(length + 1 - expected.length).fill(0xee)];
    expect([...this.memory.get(address - 1, length + 2)]).toEqual(around);
  }

  verify(): void {
    for (const pair of this.pairs) {
      expect(pair.real.lengthBytes).toBe(pair.bytes.length);
      expect(pair.real.reservedPages).toBe(pair.reservedPages);
      expect(this.content(pair)).toEqual(pair.bytes);
      this.expectTailZero(pair);
    }
    expect(this.pool.reservedPages).toBe(this.reserved());
    expect(
      checkPool(
        this.pool,
        this.pairs.map((pair) => pair.real),
      ),
    ).toEqual([]);
  }

  expectTailZero(pair: Pair): void {
    const size = this.memory.pageSizeBytes;
    const last = this.pages(pair.bytes.length) - 1;
    const page = last < 0 ? -1 : pair.real.table.pageAt(last);
    if (page < 0) return;
    const tail = this.memory
      .get(this.memory.baseAddress + page * size, size)
      .slice(pair.bytes.length - last * size);
    expect(tail.every((byte) => byte === 0)).toBe(true);
  }

  /** Everything gone: every page must be back. */
  finish(): void {
    for (const pair of this.pairs) this.dispose(pair);
    this.verify();
    expect([this.pool.reservedPages, this.pool.allocatedPages]).toEqual([0, 0]);
    expect(this.pool.freePages).toBe(this.pool.capacityPages);
    expect(this.pool.committedPages).toBeLessThanOrEqual(this.pool.warmLimitPages);
  }
}
