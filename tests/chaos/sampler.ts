/**
 * Figures of a run over time, and in all. Their number is bounded: when there are too many, every second one is
 * dropped.
 */
import { readFile } from 'node:fs/promises';
import type { DriveStatus } from '../../src/drive/status.js';
import { BUCKET_COUNT, percentileUs } from '../../src/winfsp/memory/statistics.js';
import type { Board } from './board.js';
import { OPERATION_KINDS, type OperationKind } from './operations.js';

const MAX_SAMPLES = 1200;

export interface Sample {
  atSeconds: number;
  operationsPerSecond: number;
  verifiedPerSecond: number;
  readBytesPerSecond: number;
  writtenBytesPerSecond: number;
  latencyUsP50: number;
  latencyUsP99: number;
  refusalsPerSecond: number;
  /** Physical memory. */
  driveBytes: number | null;
  workersBytes: number;
  driverBytes: number;
  auditorBytes: number;
  ledger: {
    capacityBytes: number;
    reservedBytes: number;
    allocatedBytes: number;
    committedBytes: number;
  } | null;
}

export interface Totals {
  operations: number;
  verified: number;
  refused: number;
  bytesRead: number;
  bytesWritten: number;
  files: number;
  bytesStored: number;
  byKind: Record<OperationKind, { done: number; refused: number }>;
  histogram: Float64Array;
}

export class Sampler {
  readonly #board: Board;
  samples: Sample[] = [];
  #everySeconds = 1;
  #lastSeconds = 0;
  #before: Totals;

  constructor(board: Board) {
    this.#board = board;
    this.#before = totalsOf(board);
  }

  totals(): Totals {
    return totalsOf(this.#board);
  }

  /** `pids`: of the workers. A paused second is a second too. */
  async take(
    atSeconds: number,
    status: DriveStatus | null,
    pids: readonly number[],
    auditorPid: number,
  ): Promise<void> {
    const seconds = atSeconds - this.#lastSeconds;
    if (seconds < this.#everySeconds) {
      return;
    }
    const now = this.totals();
    const before = this.#before;
    const rate = (of: (totals: Totals) => number) => (of(now) - of(before)) / seconds;
    const histogram = now.histogram.map((count, bucket) => count - before.histogram[bucket]!);
    this.samples.push({
      atSeconds,
      operationsPerSecond: rate(({ operations }) => operations),
      verifiedPerSecond: rate(({ verified }) => verified),
      readBytesPerSecond: rate(({ bytesRead }) => bytesRead),
      writtenBytesPerSecond: rate(({ bytesWritten }) => bytesWritten),
      latencyUsP50: percentileUs(histogram, 0.5),
      latencyUsP99: percentileUs(histogram, 0.99),
      refusalsPerSecond: rate(({ refused }) => refused),
      driveBytes: status?.residentBytes ?? null,
      workersBytes: await residentBytesOf(pids),
      driverBytes: process.memoryUsage.rss(),
      auditorBytes: await residentBytesOf([auditorPid]),
      ledger:
        status === null
          ? null
          : {
              capacityBytes: status.capacityBytes,
              reservedBytes: status.reservedBytes,
              allocatedBytes: status.allocatedBytes,
              committedBytes: status.committedBytes,
            },
    });
    this.#before = now;
    this.#lastSeconds = atSeconds;
    if (this.samples.length > MAX_SAMPLES) {
      this.samples = this.samples.filter((_, index) => index % 2 === 0);
      this.#everySeconds *= 2;
    }
  }
}

function totalsOf(board: Board): Totals {
  const totals: Totals = {
    operations: 0,
    verified: 0,
    refused: 0,
    bytesRead: 0,
    bytesWritten: 0,
    files: 0,
    bytesStored: 0,
    byKind: Object.fromEntries(
      OPERATION_KINDS.map((kind) => [kind, { done: 0, refused: 0 }]),
    ) as Totals['byKind'],
    histogram: new Float64Array(BUCKET_COUNT),
  };
  for (let worker = 0; worker < board.workers; worker++) {
    const figures = board.figures(worker);
    totals.verified += figures.verified;
    totals.bytesRead += figures.bytesRead;
    totals.bytesWritten += figures.bytesWritten;
    totals.files += figures.files;
    totals.bytesStored += figures.bytesStored;
    OPERATION_KINDS.forEach((kind, index) => {
      totals.byKind[kind].done += figures.done[index]!;
      totals.byKind[kind].refused += figures.refused[index]!;
      totals.operations += figures.done[index]!;
      totals.refused += figures.refused[index]!;
    });
    figures.histogram.forEach((count, bucket) => {
      totals.histogram[bucket]! += count;
    });
  }
  return totals;
}

export interface CpuSeconds {
  user: number;
  system: number;
}

/** Since their beginning; 0 where the system does not tell. */
export async function cpuSecondsOf(pids: readonly number[]): Promise<CpuSeconds> {
  const sum: CpuSeconds = { user: 0, system: 0 };
  for (const pid of pids) {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    // After the name, which may hold anything, in parentheses; Linux counts in hundredths.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    sum.user += Number(fields[11] ?? 0) / 100;
    sum.system += Number(fields[12] ?? 0) / 100;
  }
  return sum;
}

/** 0 where the system does not tell. */
async function residentBytesOf(pids: readonly number[]): Promise<number> {
  const sizes = await Promise.all(
    pids.map(async (pid) => {
      const text = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
      return Number(/^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0) * 1024;
    }),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
