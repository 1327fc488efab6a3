import { describe, expect, it } from 'vitest';
import { MIN_NOISE, median, noiseBand, ratioOf, spreadOf } from '../../../bench/noise.js';

describe('median', () => {
  it('is the middle, or between the two middles, whatever the order', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 3, 2])).toBe(2.5);
  });
});

describe('spreadOf', () => {
  it('gives the range and half of it as a part of the median', () => {
    expect(spreadOf([90, 100, 120])).toEqual({ median: 100, least: 90, most: 120, noise: 0.15 });
  });

  it('refuses to say something about nothing', () => {
    expect(() => spreadOf([])).toThrow(RangeError);
  });
});

describe('ratioOf', () => {
  it('divides round by round, so that a slow second of the machine does not count', () => {
    // The second round was disturbed by half, for both.
    expect(ratioOf([100, 50, 100], [200, 100, 200])).toEqual({
      median: 0.5,
      least: 0.5,
      most: 0.5,
      noise: 0,
    });
  });

  it('refuses rounds that were not interleaved', () => {
    expect(() => ratioOf([1, 2], [1])).toThrow(/interleaved/);
  });
});

describe('noiseBand', () => {
  it('never falls below what two runs of one program differ by', () => {
    expect(noiseBand(0)).toBe(MIN_NOISE);
    expect(noiseBand(0.2)).toBe(0.2);
  });
});
