/**
 * The real PagePool and PagedFile, driven action by action beside the capacity ledger's specification: each action is
 * one call of the code, its answer must be the specification's, and then everything that the specification knows must be found in
 * the real objects, byte by byte, and the pool's own check must find nothing.
 *
 * A unit of the model is four bytes, each different, so that a copy to the wrong place or of the wrong length is seen. Pages are not
 * compared by number (which free page is taken is the pool's own business) but by where they are and what is in them.
 */
import { NtStatus } from '../../src/ntstatus.js';
import { PagePool } from '../../src/volume/content/page-pool.js';
import { PagedFile } from '../../src/volume/content/paged-file.js';
import { PlainPageMemory } from '../../tests/support/plain-page-memory.js';
import type { Step } from '../explorer/explorer.js';
import { Deviation } from '../explorer/walk-real.js';
import { allocatedTo, HOLE, type Ledger, type State, tag, ZERO } from './state.js';

const UNIT_BYTES = 4;
export class RealLedger {
  readonly #ledger: Ledger;
  readonly #memory: PlainPageMemory;
  readonly pool: PagePool;
  readonly #files: PagedFile[] = [];
  readonly #unitBytes: Buffer;

  constructor(ledger: Ledger, warmPages: number) {
    const { FileCount, PageCount, UnitsPerPage, MaxUnits } = ledger.constants;
    this.#ledger = ledger;
    this.#memory = new PlainPageMemory({
      pageSizeBytes: UnitsPerPage * UNIT_BYTES,
      pageCount: PageCount,
      scratchBytes: (MaxUnits + 1) * UNIT_BYTES,
    });
    this.pool = new PagePool(this.#memory, { warmPages });
    for (let f = 0; f < FileCount; f++) this.#files.push(new PagedFile(this.pool));
    this.#unitBytes = Buffer.alloc(MaxUnits * UNIT_BYTES);
  }

  /** As before the first action: every file goes; all pages must be back then. */
  reset(): void {
    this.pool.resize(this.#ledger.constants.PageCount);
    this.#files.forEach((file, f) => {
      file.dispose();
      this.#files[f] = new PagedFile(this.pool);
    });
    const { reservedPages, allocatedPages } = this.pool;
    if (reservedPages + allocatedPages > 0) {
      throw new Deviation(
        `everything is gone, but ${reservedPages} pages are reserved and ${allocatedPages} allocated`,
      );
    }
  }

  /** Carries out one step of the specification; throws a Deviation when the answer is another one. */
  take(step: Step<State>, before: State): void {
    const due = this.#ledger.answer;
    const byOs = step.args.at(-1) === true;
    if (byOs) this.#memory.failCommitWhen = () => true;
    const answer = this.#perform(step, before);
    this.#memory.failCommitWhen = undefined;
    const isRight = due === 'ok' ? answer >= 0 : answer === NtStatus.DISK_FULL;
    if (!isRight) throw new Deviation(`the answer is 0x${(answer >>> 0).toString(16)}, due is '${due}'`);
  }

  #perform({ action, args }: Step<State>, before: State): number {
    const [a, b, c, d] = args as number[] as [number, number, number, number];
    const bytes = this.#ledger.constants.UnitsPerPage * UNIT_BYTES;
    switch (action) {
      // Names and handles are not the ledger's: these four are the volume's own.
      case 'Create':
      case 'Open':
      case 'Delete':
      case 'Close':
        return 0;
      case 'Resize':
        return this.pool.resize(a);
      case 'Dispose':
        this.#file(a).dispose();
        // A name that is created again is a new file.
        this.#files[a] = new PagedFile(this.pool);
        return 0;
      case 'Extend':
      case 'Truncate':
        return this.#file(a).setLength(b * UNIT_BYTES);
      case 'SetAllocation':
        // Down to what the length needs is the volume's trim at Cleanup; both ways must do the same.
        if (b * bytes < this.#file(a).allocationSizeBytes && b === this.#pagesOfLength(before, a)) {
          this.#file(a).trimAllocation();
          return 0;
        }
        return this.#file(a).setAllocation(b * bytes);
      case 'Overwrite':
        return this.#file(a).overwrite(b * bytes);
      case 'Write':
        return this.#file(a).write(b * UNIT_BYTES, c * UNIT_BYTES, this.#source(b, c, d));
      case 'Append': {
        const offset = before.length[a] as number;
        return this.#file(a).write(offset * UNIT_BYTES, b * UNIT_BYTES, this.#source(offset, b, c));
      }
      case 'ConstrainedWrite': {
        const count = Math.min(c, (before.length[a] as number) - b);
        return this.#file(a).write(b * UNIT_BYTES, count * UNIT_BYTES, this.#source(b, count, d));
      }
      default:
        throw new Error(`no code stands for the action ${action}`);
    }
  }

  #pagesOfLength(s: State, f: number): number {
    return Math.ceil((s.length[f] as number) / this.#ledger.constants.UnitsPerPage);
  }

  /** Throws a Deviation when the real objects are not in this state. */
  compare(s: State): void {
    const { pool } = this;
    equal(pool.reservedPages, s.reserved, 'pages reserved');
    equal(pool.allocatedPages, s.allocated, 'pages allocated');
    equal(pool.freePages, s.capacity - s.reserved, 'free pages told to an observer');
    this.#files.forEach((file, f) => {
      this.#compareFile(s, f, file);
    });
    const check = pool.startCheck([]);
    for (const file of this.#files) check.add(file);
    const violations = check.finish();
    if (violations.length > 0) throw new Deviation(violations.join('; '));
  }

  #compareFile(s: State, f: number, file: PagedFile): void {
    const { indexCount, constants } = this.#ledger;
    const { UnitsPerPage, MaxUnits } = constants;
    const { bytes, scratchAddress } = this.#memory;
    const length = s.length[f] as number;
    equal(file.lengthBytes, length * UNIT_BYTES, `file ${f}: length`);
    equal(file.reservedPages, s.reserve[f] as number, `file ${f}: pages reserved`);
    equal(file.allocatedPages, allocatedTo(this.#ledger, s, f), `file ${f}: pages allocated`);
    // The pages themselves, also what lies behind the end.
    for (let i = 0; i < indexCount; i++) {
      const real = file.table.pageAt(i);
      const page = s.table[f * indexCount + i] as number;
      equal(Number(real >= 0), Number(page !== HOLE), `file ${f}: a page at index ${i}`);
      if (real < 0) continue;
      for (let u = 0; u < UnitsPerPage; u++) {
        const due = s.content[(page - 1) * UnitsPerPage + u] as number;
        compareUnit(bytes, (real * UnitsPerPage + u) * UNIT_BYTES, due, `file ${f}, unit ${u} of page ${i}`);
      }
    }
    // And what a reader is told.
    bytes.fill(0xee, scratchAddress);
    equal(file.read(0, MaxUnits * UNIT_BYTES, scratchAddress), length * UNIT_BYTES, `file ${f}: bytes read`);
    for (let x = 0; x < length; x++) {
      const due = s.truth[f * MaxUnits + x] as number;
      compareUnit(bytes, scratchAddress + x * UNIT_BYTES, due, `file ${f}, unit ${x} read`);
    }
  }

  #file(f: number): PagedFile {
    return this.#files[f] as PagedFile;
  }

  /** The address of `count` units of data for a write at `offset`. */
  #source(offset: number, count: number, value: number): number {
    for (let x = 0; x < count; x++) {
      const data = tag(this.#ledger, value, offset + x);
      for (let i = 0; i < UNIT_BYTES; i++) this.#unitBytes[x * UNIT_BYTES + i] = byteOf(data, i);
    }
    return this.#memory.put(this.#unitBytes.subarray(0, count * UNIT_BYTES));
  }
}

/** Byte i of a unit that holds `data`. */
const byteOf = (data: number, i: number): number => (data === ZERO ? 0 : data * UNIT_BYTES + i);

function compareUnit(bytes: Uint8Array, at: number, data: number, where: string): void {
  for (let i = 0; i < UNIT_BYTES; i++) {
    if (bytes[at + i] !== byteOf(data, i)) {
      throw new Deviation(`${where}: byte ${i} is ${bytes[at + i]}, due is ${byteOf(data, i)}`);
    }
  }
}

function equal(real: number, due: number, what: string): void {
  if (real !== due) throw new Deviation(`${what}: ${real}, due is ${due}`);
}
