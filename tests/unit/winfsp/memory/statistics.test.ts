import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  allocateStatistics,
  BUCKET_COUNT,
  bucketFloorNs,
  bucketOf,
  HEAD,
  percentileUs,
  readStatistics,
  StatisticsWriter,
} from '../../../../src/winfsp/memory/statistics.js';

describe('statistics in shared memory', () => {
  it('a latency lies within its bucket', () => {
    fc.assert(
      fc.property(fc.integer({ min: 4, max: 0x7fffffff }), (ns) => {
        const bucket = bucketOf(ns);
        expect(bucket).toBeGreaterThanOrEqual(0);
        expect(bucket).toBeLessThan(BUCKET_COUNT);
        expect(bucketFloorNs(bucket)).toBeLessThanOrEqual(ns);
        expect(bucketFloorNs(bucket + 1)).toBeGreaterThan(ns);
      }),
    );
  });

  it('latencies out of range fall into the first and the last bucket', () => {
    expect([0, -5, 3.9].map(bucketOf)).toEqual([0, 0, 0]);
    expect(bucketOf(1e12)).toBe(bucketOf(0x7fffffff));
    expect(bucketOf(Number.NaN)).toBe(0);
  });

  it('percentiles are within a bucket of the true ones', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 100, max: 50_000_000 }), { minLength: 1, maxLength: 500 }),
        fc.constantFrom(0.5, 0.9, 0.99, 0.999),
        (latenciesNs, fraction) => {
          const histogram = new Float64Array(BUCKET_COUNT);
          for (const ns of latenciesNs) {
            histogram[bucketOf(ns)]! += 1;
          }
          const sorted = [...latenciesNs].sort((a, b) => a - b);
          const truth = sorted[Math.ceil(fraction * sorted.length) - 1]!;
          const ratio = (percentileUs(histogram, fraction) * 1e3) / truth;
          expect(ratio).toBeGreaterThan(0.79);
          expect(ratio).toBeLessThan(1.26);
        },
      ),
    );
  });

  it('counts by kind, with failures and bytes', () => {
    const memory = allocateStatistics();
    const writer = new StatisticsWriter(memory);
    writer.count(HEAD.turns);
    writer.count(HEAD.turns);
    writer.request(5, false, 4096, 0.01);
    writer.request(5, true, 0, 0.02);
    writer.request(1, false, 0, 0.1);
    const figures = readStatistics(memory);
    expect(figures).toMatchObject({ turns: 2, requests: 3, failures: 1, handlerErrors: 0 });
    expect(figures.kinds.map(({ kind, count, failures, bytes }) => [kind, count, failures, bytes])).toEqual([
      ['Create', 1, 0, 0],
      ['Read', 2, 1, 4096],
    ]);
    expect(figures.kinds[1]!.latencyUsMean).toBeCloseTo(15, 6);
    expect(figures.latency.latencyUsP999).toBeGreaterThan(80);
  });

  it('an unused block reads as nothing, not as NaN', () => {
    expect(readStatistics(allocateStatistics())).toMatchObject({
      requests: 0,
      kinds: [],
      latency: { latencyUsMean: 0, latencyUsP50: 0, latencyUsP999: 0 },
    });
    expect(() => new StatisticsWriter(new SharedArrayBuffer(8))).toThrow(RangeError);
  });
});
