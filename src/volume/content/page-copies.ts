/** Copying between a file's pages and memory of the caller, in as few pieces as adjacent pages allow. */
import type { PageMemory } from './page-memory.js';
import { HOLE_ADDRESS, PageReaders, type PieceSink } from './page-readers.js';

/** What a copy asks a page table. */
interface PageRuns {
  /** How many indexes from this one on are holes, or pages that lie together; `most` at most. */
  runLength(index: number, most: number): number;
  pageAt(index: number): number;
}

export function visitPieces(
  memory: PageMemory,
  table: PageRuns,
  offset: number,
  length: number,
  sink: PieceSink,
): void {
  const { pageSizeBytes } = memory;
  let index = Math.floor(offset / pageSizeBytes);
  let inPage = offset - index * pageSizeBytes;
  for (let done = 0; done < length; ) {
    const run = table.runLength(index, Math.ceil((inPage + length - done) / pageSizeBytes));
    const bytes = Math.min(run * pageSizeBytes - inPage, length - done);
    const page = table.pageAt(index);
    sink.add(page < 0 ? HOLE_ADDRESS : memory.baseAddress + page * pageSizeBytes + inPage, bytes);
    done += bytes;
    index += run;
    inPage = 0;
  }
}

class CopyOut implements PieceSink {
  constructor(
    readonly memory: PageMemory,
    public to = 0,
  ) {}

  add(address: number, lengthBytes: number): void {
    if (address === HOLE_ADDRESS) this.memory.zero(this.to, lengthBytes);
    else this.memory.copy(this.to, address, lengthBytes);
    this.to += lengthBytes;
  }
}

class CopyIn implements PieceSink {
  constructor(
    readonly memory: PageMemory,
    public from = 0,
  ) {}

  add(address: number, lengthBytes: number): void {
    this.memory.copy(address, this.from, lengthBytes);
    this.from += lengthBytes;
  }
}

/** The copies of a volume's pages. Those that its own thread makes allocate nothing. */
export class PageCopies {
  /** The copies that other threads make. */
  readonly readers = new PageReaders();
  readonly #memory: PageMemory;
  readonly #out: CopyOut;
  readonly #in: CopyIn;

  constructor(memory: PageMemory) {
    this.#memory = memory;
    this.#out = new CopyOut(memory);
    this.#in = new CopyIn(memory);
  }

  /** From the pages; zeros for holes. */
  copyOut(table: PageRuns, offset: number, length: number, destinationAddress: number): void {
    this.#out.to = destinationAddress;
    visitPieces(this.#memory, table, offset, length, this.#out);
  }

  /** Into pages that are all there. */
  copyIn(table: PageRuns, offset: number, length: number, sourceAddress: number): void {
    this.#in.from = sourceAddress;
    visitPieces(this.#memory, table, offset, length, this.#in);
  }
}
