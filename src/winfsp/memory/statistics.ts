/**
 * Live figures of a dispatcher in shared memory: the dispatcher writes, any thread reads at any time, and reading costs
 * the dispatcher nothing. Everything is a double (exact to 2^53), so that neither side makes a BigInt.
 *
 * A reader may see a request that is counted but not yet in the histogram: figures are for people, not for the ledger.
 *
 * Layout, in doubles: a head of HEAD_LENGTH counters, then for each of the 22 kinds KIND_LENGTH doubles: count,
 * failures, bytes, microseconds in total, then the latency histogram. Latency is the time between the arrival of a
 * request and its answer being ready. Bucket b holds latencies from bucketFloorNs(b) up: four buckets to an octave, so
 * a percentile is good to ±10 %.
 */
import { TRANSACT_KIND_COUNT, TRANSACT_KIND_NAMES } from '../abi/constants.js';

export const HEAD = {
  /** Transact calls that have returned, 0-byte ones too. */
  turns: 0,
  emptyReceives: 1,
  answersInline: 2,
  answersByCompletion1: 3,
  answersByCompletion2: 4,
  /** Answers that found a completion thread's ring full and went by message instead. */
  answersOverflowed: 5,
  /** Exceptions of handlers and results that are no NTSTATUS; each was answered with INTERNAL_ERROR. */
  handlerErrors: 6,
  /** Answers that were too long to be sent. */
  answersTooLong: 7,
  /** Deliveries of a completion thread that failed, other than by the volume's stop. */
  completionFailures: 8,
  /** Answers that would be inline if not everything went through completion threads. */
  answersByExtraThreads: 9,
  /** Large reads that a copy lane copied and answered. Their latency is what the dispatcher thread did for them. */
  answersByLanes: 10,
  /** Deliveries of a copy lane that failed, other than by the volume's stop. */
  laneFailures: 11,
} as const;
const HEAD_LENGTH = 16;
const COUNT = 0;
const FAILURES = 1;
const BYTES = 2;
const MICROSECONDS = 3;
const HISTOGRAM = 4;
export const BUCKET_COUNT = 124;
const KIND_LENGTH = HISTOGRAM + BUCKET_COUNT;

const STATISTICS_BYTES = (HEAD_LENGTH + TRANSACT_KIND_COUNT * KIND_LENGTH) * 8;

/** Memory for one dispatcher's figures. */
export function allocateStatistics(): SharedArrayBuffer {
  return new SharedArrayBuffer(STATISTICS_BYTES);
}

/** Bucket of a latency: two bits below the leading one. 1 s and more fall into the last octaves, up to 2^31 ns. */
export function bucketOf(ns: number): number {
  const n = ns >= 4 ? Math.min(ns, 0x7fffffff) | 0 : 4;
  const exponent = 31 - Math.clz32(n);
  return ((exponent - 2) << 2) | ((n >>> (exponent - 2)) & 3);
}

export function bucketFloorNs(bucket: number): number {
  return (4 + (bucket & 3)) * 2 ** (bucket >>> 2);
}

/** The writing side. One per dispatcher. */
export class StatisticsWriter {
  readonly #values: Float64Array;

  constructor(memory: SharedArrayBuffer) {
    if (memory.byteLength < STATISTICS_BYTES) {
      throw new RangeError(`Statistics need ${STATISTICS_BYTES} bytes, not ${memory.byteLength}.`);
    }
    this.#values = new Float64Array(memory, 0, STATISTICS_BYTES / 8);
  }

  count(head: number): void {
    this.#values[head]! += 1;
  }

  set(head: number, value: number): void {
    this.#values[head] = value;
  }

  request(kind: number, failed: boolean, bytes: number, milliseconds: number): void {
    const values = this.#values;
    const base = HEAD_LENGTH + kind * KIND_LENGTH;
    values[base + COUNT]! += 1;
    if (failed) {
      values[base + FAILURES]! += 1;
    }
    values[base + BYTES]! += bytes;
    values[base + MICROSECONDS]! += milliseconds * 1e3;
    values[base + HISTOGRAM + bucketOf(milliseconds * 1e6)]! += 1;
  }
}

export interface LatencySummary {
  latencyUsMean: number;
  latencyUsP50: number;
  latencyUsP90: number;
  latencyUsP99: number;
  latencyUsP999: number;
}

export interface KindStatistics extends LatencySummary {
  kind: string;
  count: number;
  failures: number;
  /** Bytes read or written; 0 for other kinds. */
  bytes: number;
}

export interface DispatcherStatistics extends Record<keyof typeof HEAD, number> {
  requests: number;
  failures: number;
  /** Kinds that have occurred, in the order of their numbers. */
  kinds: KindStatistics[];
  /** Over all kinds. */
  latency: LatencySummary;
}

/** Reads the figures as they are now. */
export function readStatistics(memory: SharedArrayBuffer): DispatcherStatistics {
  const values = new Float64Array(memory, 0, STATISTICS_BYTES / 8).slice();
  const allKinds = new Float64Array(KIND_LENGTH);
  const kinds: KindStatistics[] = [];
  for (let kind = 0; kind < TRANSACT_KIND_COUNT; kind++) {
    const base = HEAD_LENGTH + kind * KIND_LENGTH;
    const figures = values.subarray(base, base + KIND_LENGTH);
    if (figures[COUNT] === 0) {
      continue;
    }
    for (let i = 0; i < KIND_LENGTH; i++) {
      allKinds[i]! += figures[i]!;
    }
    kinds.push({
      kind: TRANSACT_KIND_NAMES[kind]!,
      count: figures[COUNT]!,
      failures: figures[FAILURES]!,
      bytes: figures[BYTES]!,
      ...latencyOf(figures),
    });
  }
  const head = Object.fromEntries(
    Object.entries(HEAD).map(([name, index]) => [name, values[index]!]),
  ) as Record<keyof typeof HEAD, number>;
  return {
    ...head,
    requests: allKinds[COUNT]!,
    failures: allKinds[FAILURES]!,
    kinds,
    latency: latencyOf(allKinds),
  };
}

function latencyOf(figures: Float64Array): LatencySummary {
  const histogram = figures.subarray(HISTOGRAM);
  const count = figures[COUNT]!;
  return {
    latencyUsMean: count === 0 ? 0 : figures[MICROSECONDS]! / count,
    latencyUsP50: percentileUs(histogram, 0.5),
    latencyUsP90: percentileUs(histogram, 0.9),
    latencyUsP99: percentileUs(histogram, 0.99),
    latencyUsP999: percentileUs(histogram, 0.999),
  };
}

/**
 * The value below which `fraction` of the counted latencies lie, interpolated inside its bucket. 0 for an empty
 * histogram.
 */
export function percentileUs(histogram: Float64Array, fraction: number): number {
  let total = 0;
  for (const count of histogram) {
    total += count;
  }
  let left = total * fraction;
  for (let bucket = 0; bucket < histogram.length; bucket++) {
    const count = histogram[bucket]!;
    if (count > 0 && left <= count) {
      const floorNs = bucketFloorNs(bucket);
      return (floorNs + (bucketFloorNs(bucket + 1) - floorNs) * (left / count)) / 1e3;
    }
    left -= count;
  }
  return 0;
}
