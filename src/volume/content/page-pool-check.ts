/**
 * The pool's self-check: recomputes the ledger from page tables, snapshots and stock, and names each violated invariant
 * (PoolConsistent, NoPageLeak, FreeBytesAccurate: see docs/verification.md). Reads only; callable on a live volume
 * between two requests. Costs two bytes per page of the capacity while it runs.
 */

/** What the check needs of a file; PagedFile has it. */
export interface LedgerFile {
  readonly reservedPages: number;
  readonly allocatedPages: number;
  /** Contents that have the same table have the same pages, and each page once. */
  readonly table?: { readonly references: number };
  visitPages(visit: (page: number) => void): void;
  check(): string[];
}

/** The contents of all snapshots, and how many pages the volume says they reserve together. */
export interface SnapshotLedger {
  files: Iterable<LedgerFile>;
  reservedPages: number;
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
  /** Of the memory, which may be more than the capacity. */
  pageCount: number;
  freshPage: number;
  freshCommitted: number;
  isAllocated(page: number): boolean;
  /** How many page tables the pool counts for a page in use. */
  tablesOf(page: number): number;
}

const FREE = 0xffff;

export function checkPool(
  pool: LedgerView,
  files: Iterable<LedgerFile>,
  snapshots: SnapshotLedger,
  attributePages: number,
  stock: StockView,
): string[] {
  const violations: string[] = [];
  /** Of each page that was ever taken: FREE, or how many page tables have it. All behind them are fresh, and free. */
  const place = new Uint16Array(stock.freshPage);
  const placeOf = (page: number) =>
    place[page] ?? (page >= stock.freshPage && page < stock.pageCount ? FREE : undefined);
  for (const part of [stock.warm, stock.cold]) {
    for (const page of part) {
      if (placeOf(page) === undefined)
        violations.push(`NoPageLeak: page ${page} of the free stock does not exist`);
      else if (placeOf(page) === FREE) violations.push(`NoPageLeak: page ${page} is in the free stock twice`);
      else place[page] = FREE;
      if (stock.isAllocated(page))
        violations.push(`NoPageLeak: page ${page} in the free stock is marked allocated`);
    }
  }

  const tables = new Map<object, number>();
  /** Whether the file's table was not met before. */
  const meet = (file: LedgerFile): boolean => {
    const table = file.table ?? file;
    const references = (tables.get(table) ?? 0) + 1;
    tables.set(table, references);
    violations.push(...file.check());
    if (references > 1) return false;
    file.visitPages((page) => {
      if (placeOf(page) === undefined)
        violations.push(`NoPageLeak: page ${page} does not exist, but a file has it`);
      else if (placeOf(page) === FREE)
        violations.push(`NoPageLeak: page ${page} is in the free stock and in a file`);
      else {
        place[page] = (place[page] as number) + 1;
        if (!stock.isAllocated(page)) violations.push(`NoPageLeak: page ${page} in a file is marked free`);
      }
    });
    return true;
  };

  let allocated = 0;
  let reserved = 0;
  // Snapshots first: what is counted before any file is met is theirs.
  for (const file of snapshots.files) meet(file);
  let inSnapshots = 0;
  for (const count of place) if (count !== FREE && count > 0) inSnapshots++;
  for (const file of files) {
    reserved += file.reservedPages;
    meet(file);
  }
  for (const [page, count] of place.entries()) {
    if (count === FREE) continue;
    if (count === 0) violations.push(`NoPageLeak: page ${page} is nowhere`);
    else if (count !== stock.tablesOf(page)) {
      violations.push(
        `NoPageLeak: page ${page} is in ${count} page tables, counted are ${stock.tablesOf(page)}`,
      );
    }
    if (count > 0) allocated++;
  }
  for (const [table, references] of tables) {
    const counted = (table as { references?: number }).references ?? references;
    if (counted !== references) {
      violations.push(`NoPageLeak: ${references} contents have a page table that counts ${counted}`);
    }
  }
  if (inSnapshots !== snapshots.reservedPages) {
    violations.push(
      `FreeBytesAccurate: snapshots have ${inSnapshots} pages, the volume says ${snapshots.reservedPages}`,
    );
  }
  reserved += inSnapshots + attributePages;

  if (reserved !== pool.reservedPages) {
    violations.push(
      `FreeBytesAccurate: files, their attributes and snapshots reserve ${reserved} pages, ` +
        `the ledger says ${pool.reservedPages}`,
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
      `PoolConsistent: 0 ≤ allocated ${pool.allocatedPages} ≤ reserved ${pool.reservedPages}` +
        ` ≤ committed ${pool.committedPages} ≤ capacity ${pool.capacityPages} does not hold`,
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
