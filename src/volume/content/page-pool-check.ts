/**
 * The pool's self-check: recomputes the ledger from page tables, snapshots and stock, and names each violated invariant
 * (PoolConsistent, NoPageLeak, FreeBytesAccurate: see docs/verification.md). Reads only. Files are added one after the
 * other, and requests may come in between: one that is about to change is removed, and added again. The end is one
 * step, over all pages that were ever taken. Costs two bytes per page of the memory while it runs.
 */

/** What the check needs of a file; PagedFile has it. */
export interface LedgerFile {
  readonly reservedPages: number;
  readonly allocatedPages: number;
  /** Contents that have the same table have the same pages, and each page once. */
  readonly table?: { readonly references: number; readonly isNobodys?: boolean };
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

/** As it is at one moment. */
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

export class PoolCheck {
  readonly #pool: LedgerView;
  readonly #stock: () => StockView;
  readonly #violations: string[];
  /** Of each page: how many of the page tables that were met have it; FREE at the end. */
  readonly #place: Uint16Array;
  /** How many of the contents that were met have a table. */
  readonly #tables = new Map<object, number>();
  #reservedPages = 0;
  #snapshotPages = 0;

  constructor(pool: LedgerView, stock: () => StockView, violations: string[] = []) {
    this.#pool = pool;
    this.#stock = stock;
    this.#violations = violations;
    this.#place = new Uint16Array(stock().pageCount);
  }

  /** A file of the volume; also one that is deleted, but open. */
  add(file: LedgerFile): void {
    this.#reservedPages += file.reservedPages;
    this.addFrozen(file);
  }

  /** A file of a snapshot. All of them come before those of the volume. */
  addFrozen(file: LedgerFile): void {
    const table = tableOf(file);
    const references = (this.#tables.get(table) ?? 0) + 1;
    this.#tables.set(table, references);
    this.#violations.push(...file.check());
    if (references > 1) return;
    const place = this.#place;
    const { freshPage, isAllocated } = this.#stock();
    file.visitPages((page) => {
      if (place[page] === undefined) {
        this.#violations.push(`NoPageLeak: page ${page} does not exist, but a file has it`);
        return;
      }
      place[page] += 1;
      if (page >= freshPage) this.#inStockAndFile(page);
      else if (!isAllocated(page)) this.#violations.push(`NoPageLeak: page ${page} in a file is marked free`);
    });
  }

  /** A file of the volume that was added and is about to change. */
  remove(file: LedgerFile): void {
    this.#reservedPages -= file.reservedPages;
    const table = tableOf(file);
    const references = (this.#tables.get(table) ?? 0) - 1;
    if (references > 0) {
      this.#tables.set(table, references);
      return;
    }
    this.#tables.delete(table);
    file.visitPages((page) => {
      if (this.#place[page] !== undefined) this.#place[page] -= 1;
    });
  }

  /** When all files of snapshots were added. */
  endSnapshots(): void {
    if (this.#tables.size === 0) return;
    const { freshPage } = this.#stock();
    for (let page = 0; page < freshPage; page++) if ((this.#place[page] as number) > 0) this.#snapshotPages++;
  }

  /**
   * When all files were added. `snapshotPages`: what the volume says that snapshots reserve; `attributePages`: what is
   * reserved for extended attributes. Answers all violations.
   */
  finish(snapshotPages = 0, attributePages = 0): string[] {
    const violations = this.#violations;
    const pool = this.#pool;
    const stock = this.#stock();
    this.#checkStock(stock);
    const allocatedPages = this.#checkPages(stock);
    for (const [table, references] of this.#tables) {
      const counted = (table as { references?: number }).references ?? references;
      if (counted !== references) {
        violations.push(`NoPageLeak: ${references} contents have a page table that counts ${counted}`);
      }
    }
    if (this.#snapshotPages !== snapshotPages) {
      violations.push(
        `FreeBytesAccurate: snapshots have ${this.#snapshotPages} pages, the volume says ${snapshotPages}`,
      );
    }
    const reservedPages = this.#reservedPages + this.#snapshotPages + attributePages;
    if (reservedPages !== pool.reservedPages) {
      violations.push(
        `FreeBytesAccurate: files, their attributes and snapshots reserve ${reservedPages} pages, ` +
          `the ledger says ${pool.reservedPages}`,
      );
    }
    if (allocatedPages !== pool.allocatedPages) {
      violations.push(
        `PoolConsistent: ${allocatedPages} pages are in use, the ledger says ${pool.allocatedPages}`,
      );
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
    const committed = allocatedPages + stock.warm.length + stock.freshCommitted - stock.freshPage;
    if (committed !== pool.committedPages) {
      violations.push(
        `PoolConsistent: ${committed} pages are committed, the ledger says ${pool.committedPages}`,
      );
    }
    return violations;
  }

  #inStockAndFile(page: number): void {
    this.#violations.push(`NoPageLeak: page ${page} is in the free stock and in a file`);
  }

  #checkStock({ warm, cold, freshPage, isAllocated }: StockView): void {
    const place = this.#place;
    const violations = this.#violations;
    for (const part of [warm, cold]) {
      for (const page of part) {
        const tables = place[page];
        if (tables === undefined)
          violations.push(`NoPageLeak: page ${page} of the free stock does not exist`);
        else if (page >= freshPage || tables === FREE)
          violations.push(`NoPageLeak: page ${page} is in the free stock twice`);
        else if (tables > 0) this.#inStockAndFile(page);
        else place[page] = FREE;
        if (isAllocated(page))
          violations.push(`NoPageLeak: page ${page} in the free stock is marked allocated`);
      }
    }
  }

  /** Answers how many pages files have. */
  #checkPages({ freshPage, tablesOf }: StockView): number {
    let allocated = 0;
    for (let page = 0; page < freshPage; page++) {
      const tables = this.#place[page] as number;
      if (tables === FREE) continue;
      if (tables === 0) {
        this.#violations.push(`NoPageLeak: page ${page} is nowhere`);
        continue;
      }
      allocated++;
      const counted = tablesOf(page);
      if (tables !== counted) {
        this.#violations.push(`NoPageLeak: page ${page} is in ${tables} page tables, counted are ${counted}`);
      }
    }
    return allocated;
  }
}

/** What contents may share: not the table of those that have no page. */
function tableOf(file: LedgerFile): object {
  return file.table === undefined || file.table.isNobodys === true ? file : file.table;
}
