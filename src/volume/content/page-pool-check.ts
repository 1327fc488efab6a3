/**
 * The pool's self-check: recomputes the ledger from page tables and stock, and names each violated invariant
 * (PoolConsistent, NoPageLeak, FreeBytesAccurate: see docs/verification.md). Reads only; callable on a live volume
 * between two requests. Costs one byte per page of the capacity while it runs.
 */

/** What the check needs of a file; PagedFile has it. */
export interface LedgerFile {
  readonly reservedPages: number;
  readonly allocatedPages: number;
  visitPages(visit: (page: number) => void): void;
  check(): string[];
}

/** The pool's own figures. */
export interface LedgerView {
  readonly capacityPages: number;
  readonly committedPages: number;
  readonly reservedPages: number;
  readonly allocatedPages: number;
}

export interface StockView {
  warm: Int32Array;
  cold: Int32Array;
  freshPage: number;
  freshCommitted: number;
  isAllocated(page: number): boolean;
}

const FREE = 1;
const IN_FILE = 2;
const PLACE = ['nowhere', 'the free stock', 'a file'];

export function checkPool(pool: LedgerView, files: Iterable<LedgerFile>, stock: StockView): string[] {
  const violations: string[] = [];
  const place = new Uint8Array(pool.capacityPages);
  const put = (page: number, where: number) => {
    const before = place[page];
    if (before === undefined)
      violations.push(`NoPageLeak: page ${page} does not exist, but ${PLACE[where]} has it`);
    else if (before !== 0)
      violations.push(`NoPageLeak: page ${page} is in ${PLACE[before]} and in ${PLACE[where]}`);
    else place[page] = where;
    if (before !== undefined && stock.isAllocated(page) !== (where !== FREE)) {
      violations.push(
        `NoPageLeak: page ${page} in ${PLACE[where]} is marked ${stock.isAllocated(page) ? 'allocated' : 'free'}`,
      );
    }
  };

  for (const page of stock.warm) put(page, FREE);
  for (const page of stock.cold) put(page, FREE);
  // Fresh pages are only two numbers; a page in use must lie below them.
  place.fill(FREE, stock.freshPage);
  let allocated = 0;
  let reserved = 0;
  for (const file of files) {
    let pages = 0;
    file.visitPages((page) => {
      put(page, IN_FILE);
      pages++;
    });
    allocated += pages;
    reserved += file.reservedPages;
    violations.push(...file.check());
  }
  const lost = place.indexOf(0);
  if (lost >= 0) violations.push(`NoPageLeak: page ${lost} is nowhere`);

  if (reserved !== pool.reservedPages) {
    violations.push(
      `FreeBytesAccurate: files reserve ${reserved} pages, the ledger says ${pool.reservedPages}`,
    );
  }
  if (allocated !== pool.allocatedPages) {
    violations.push(`PoolConsistent: ${allocated} pages are in use, the ledger says ${pool.allocatedPages}`);
  }
  const inOrder =
    0 <= pool.allocatedPages &&
    pool.allocatedPages <= pool.reservedPages &&
    pool.reservedPages <= pool.committedPages &&
    pool.committedPages <= pool.capacityPages;
  if (!inOrder) {
    violations.push(
      `PoolConsistent: 0 ≤ allocated ${pool.allocatedPages} ≤ reserved ${pool.reservedPages} ` +
        `≤ committed ${pool.committedPages} ≤ capacity ${pool.capacityPages} does not hold`,
    );
  }
  const committed = allocated + stock.warm.length + stock.freshCommitted - stock.freshPage;
  if (committed !== pool.committedPages) {
    violations.push(
      `PoolConsistent: ${committed} pages are committed, the ledger says ${pool.committedPages}`,
    );
  }
  return violations;
}
