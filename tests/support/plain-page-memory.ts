/**
 * PlainPageMemory: page memory in one ArrayBuffer, for tests and for the state-space explorer.
 *
 * It is built to make mistakes visible. An uncommitted page is filled with junk and touching it throws, so a page that
 * is used before it is reserved, after it was given back, or without being zeroed cannot look right by luck. Behind the
 * pages lies a scratch area whose addresses stand for the caller's buffers. Pages may be as small as 4 bytes, so that
 * partial pages, full volumes and all their neighbours are reached by tiny tests.
 *
 * With the default `baseAddress` 0 an address is an index into `bytes`.
 */
import { assertPageGeometry, type PageMemory } from '../../src/volume/content/page-memory.js';

const JUNK = 0xdd;

/** Called before a commit; true makes it fail as if the machine were out of memory. */
type CommitFault = (firstPage: number, count: number) => boolean;

export interface PlainPageMemoryOptions {
  pageSizeBytes: number;
  pageCount: number;
  scratchBytes?: number;
  baseAddress?: number;
  failCommitWhen?: CommitFault;
}

export class PlainPageMemory implements PageMemory {
  readonly pageSizeBytes: number;
  readonly pageCount: number;
  readonly baseAddress: number;
  readonly scratchAddress: number;
  readonly scratchBytes: number;
  /** Pages first, then the scratch area. */
  readonly bytes: Uint8Array;
  /** May be replaced during a test. */
  failCommitWhen: CommitFault | undefined;
  /** How often the operating system would have been called; tests of coalescing read these. */
  commitCalls = 0;
  decommitCalls = 0;
  copyCalls = 0;
  zeroCalls = 0;
  readonly #committed: Uint8Array;
  #disposed = false;

  constructor(options: PlainPageMemoryOptions) {
    assertPageGeometry(options.pageSizeBytes, options.pageCount, 4);
    this.pageSizeBytes = options.pageSizeBytes;
    this.pageCount = options.pageCount;
    this.baseAddress = options.baseAddress ?? 0;
    this.scratchBytes = options.scratchBytes ?? 65536;
    this.failCommitWhen = options.failCommitWhen;
    const pagesBytes = this.pageSizeBytes * this.pageCount;
    this.scratchAddress = this.baseAddress + pagesBytes;
    this.bytes = new Uint8Array(pagesBytes + this.scratchBytes);
    this.bytes.fill(JUNK, 0, pagesBytes);
    this.#committed = new Uint8Array(this.pageCount);
  }

  commit(firstPage: number, count: number): boolean {
    this.#assertPages(firstPage, count, 0, 'commit');
    this.commitCalls++;
    if (this.failCommitWhen?.(firstPage, count)) return false;
    this.#committed.fill(1, firstPage, firstPage + count);
    this.bytes.fill(0, firstPage * this.pageSizeBytes, (firstPage + count) * this.pageSizeBytes);
    return true;
  }

  decommit(firstPage: number, count: number): void {
    this.#assertPages(firstPage, count, 1, 'decommit');
    this.decommitCalls++;
    this.#committed.fill(0, firstPage, firstPage + count);
    this.bytes.fill(JUNK, firstPage * this.pageSizeBytes, (firstPage + count) * this.pageSizeBytes);
  }

  copy(destinationAddress: number, sourceAddress: number, lengthBytes: number): void {
    this.copyCalls++;
    const source = this.#indexOf(sourceAddress, lengthBytes);
    const destination = this.#indexOf(destinationAddress, lengthBytes);
    if (Math.abs(source - destination) < lengthBytes) throw new Error('copy: the ranges overlap');
    this.bytes.copyWithin(destination, source, source + lengthBytes);
  }

  zero(address: number, lengthBytes: number): void {
    this.zeroCalls++;
    const from = this.#indexOf(address, lengthBytes);
    this.bytes.fill(0, from, from + lengthBytes);
  }

  isCommitted(page: number): boolean {
    return this.#committed[page] === 1;
  }

  residentBytes(): number {
    let pages = 0;
    for (const committed of this.#committed) pages += committed;
    return pages * this.pageSizeBytes;
  }

  /** Puts bytes into the scratch area and answers their address. */
  put(data: Uint8Array, scratchOffset = 0): number {
    const address = this.scratchAddress + scratchOffset;
    this.bytes.set(data, this.#indexOf(address, data.length));
    return address;
  }

  /** A copy of what lies at an address. */
  get(address: number, lengthBytes: number): Uint8Array {
    const from = this.#indexOf(address, lengthBytes);
    return this.bytes.slice(from, from + lengthBytes);
  }

  dispose(): void {
    this.#disposed = true;
  }

  #indexOf(address: number, lengthBytes: number): number {
    if (this.#disposed) throw new Error('page memory is used after dispose');
    const from = address - this.baseAddress;
    if (!(lengthBytes >= 0 && from >= 0 && from + lengthBytes <= this.bytes.length)) {
      throw new RangeError(`address ${address}, ${lengthBytes} bytes: outside of the page memory`);
    }
    const lastPage = Math.floor((from + lengthBytes - 1) / this.pageSizeBytes);
    for (
      let page = Math.floor(from / this.pageSizeBytes);
      page <= lastPage && page < this.pageCount;
      page++
    ) {
      if (this.#committed[page] !== 1) throw new Error(`page ${page} is touched but not committed`);
    }
    return from;
  }

  #assertPages(firstPage: number, count: number, expected: 0 | 1, what: string): void {
    if (this.#disposed) throw new Error('page memory is used after dispose');
    if (!(count > 0 && firstPage >= 0 && firstPage + count <= this.pageCount)) {
      throw new RangeError(`${what}: pages ${firstPage}..${firstPage + count - 1} of ${this.pageCount}`);
    }
    for (let page = firstPage; page < firstPage + count; page++) {
      if (this.#committed[page] !== expected) throw new Error(`${what}: page ${page} already is so`);
    }
  }
}
