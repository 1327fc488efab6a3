/**
 * The little statistics that the benchmarks need: medians, the range of rounds, ratios of interleaved rounds. No state.
 */

/** What several interleaved rounds say about one quantity. */
export interface Spread {
  median: number;
  least: number;
  most: number;
  /** Half of the range, as a part of the median: what may differ without anything having changed. */
  noise: number;
}

/** Below this nothing is called a change: two runs of the same program differ by as much. */
export const MIN_NOISE = 0.05;
/** For figures that were taken in one go, without rounds. */
export const NOISE_WITHOUT_ROUNDS = 0.15;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export function spreadOf(values: readonly number[]): Spread {
  if (values.length === 0) throw new RangeError('spreadOf: at least one value expected');
  const least = Math.min(...values);
  const most = Math.max(...values);
  const middle = median(values);
  return { median: middle, least, most, noise: (most - least) / 2 / middle };
}

/**
 * One contender against another, round by round: what disturbs the machine for a while disturbs both sides of a round,
 * so the ratios scatter less than the figures.
 */
export function ratioOf(mine: readonly number[], other: readonly number[]): Spread {
  if (mine.length !== other.length) {
    throw new RangeError(`ratioOf: rounds of ${mine.length} and ${other.length} were not interleaved`);
  }
  return spreadOf(mine.map((value, round) => value / other[round]!));
}

/** How far a value with this spread may move before it counts as a change. */
export function noiseBand(noise: number): number {
  return Math.max(noise, MIN_NOISE);
}
