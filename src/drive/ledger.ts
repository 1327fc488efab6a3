/**
 * The volume's ledger in shared memory: the worker that owns the volume publishes, any thread reads at any time, and
 * reading costs the worker nothing. Figures belong together (allocated ≤ reserved ≤ committed must hold for what a
 * reader sees, PoolConsistent), so a sequence word brackets each publication: odd while it is under way, and a reader
 * that saw it change reads again.
 */
import type { RamVolume } from '../volume/ram-volume.js';

const SEQUENCE_BYTES = 8;
const FIELDS = [
  'capacityPages',
  'reservedPages',
  'allocatedPages',
  'committedPages',
  'inodes',
  'openHandles',
  /** Of those reserved: what a save has borrowed. */
  'savingPages',
] as const;
type Field = (typeof FIELDS)[number];
/** Pages, not bytes, so that a reader who knows the page size can compare them with the pool. */
export type LedgerFigures = Record<Field, number>;

/** A publication takes well under a microsecond; a reader that meets this many in a row takes what it has. */
const READ_ATTEMPTS = 1000;

export function allocateLedger(): SharedArrayBuffer {
  return new SharedArrayBuffer(SEQUENCE_BYTES + FIELDS.length * 8);
}

/**
 * The writing side. A volume may have several, all on its thread: the worker's publishes what is there at start, the
 * file system's the rest.
 */
export class LedgerPublisher {
  readonly #sequence: Int32Array;
  readonly #figures: Float64Array;

  constructor(memory: SharedArrayBuffer) {
    this.#sequence = new Int32Array(memory, 0, 1);
    this.#figures = new Float64Array(memory, SEQUENCE_BYTES, FIELDS.length);
  }

  publish(volume: RamVolume): void {
    const figures = this.#figures;
    const { pool } = volume;
    // Most writes, and all that set a time, change none of them.
    if (
      figures[1] === pool.reservedPages &&
      figures[2] === pool.allocatedPages &&
      figures[3] === pool.committedPages &&
      figures[4] === volume.inodeCount &&
      figures[5] === volume.openCount &&
      figures[0] === pool.capacityPages &&
      figures[6] === volume.savingPages
    ) {
      return;
    }
    Atomics.add(this.#sequence, 0, 1);
    figures[0] = pool.capacityPages;
    figures[1] = pool.reservedPages;
    figures[2] = pool.allocatedPages;
    figures[3] = pool.committedPages;
    figures[4] = volume.inodeCount;
    figures[5] = volume.openCount;
    figures[6] = volume.savingPages;
    Atomics.add(this.#sequence, 0, 1);
  }
}

export function readLedger(memory: SharedArrayBuffer): LedgerFigures {
  const sequence = new Int32Array(memory, 0, 1);
  const figures = new Float64Array(memory, SEQUENCE_BYTES, FIELDS.length);
  const read = {} as LedgerFigures;
  for (let attempt = 0; attempt < READ_ATTEMPTS; attempt++) {
    const before = Atomics.load(sequence, 0);
    FIELDS.forEach((field, index) => {
      read[field] = figures[index]!;
    });
    if ((before & 1) === 0 && Atomics.load(sequence, 0) === before) {
      break;
    }
  }
  return read;
}
