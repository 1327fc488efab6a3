/**
 * From figures of several contenders to ratios: the RAM drive against each of the others, pinned figures only. More
 * than 1 means that the RAM drive is faster.
 */
import { ratioOf, type Spread } from './noise.js';
import type { BenchFigure } from './results.js';

/** The contender that everything is about. */
export const SUBJECT = 'ramdrive';

export interface Ratio extends Spread {
  key: string;
  group: string;
  name: string;
  peer: string;
  /** The same by CPU time, where that was measured: what remains when others disturb. */
  cpu: Spread | null;
}

export function ratiosOf(figures: readonly BenchFigure[]): Ratio[] {
  const ranked = figures.filter(({ pinned, rounds }) => pinned !== false && rounds !== undefined);
  return ranked.flatMap((mine) => {
    if (mine.contender !== SUBJECT) return [];
    return ranked
      .filter(
        ({ group, name, contender }) => group === mine.group && name === mine.name && contender !== SUBJECT,
      )
      .map((other) => ({
        ...ratioOf(mine.rounds!, other.rounds!),
        key: `${mine.group}: ${mine.name} / ${other.contender}`,
        group: mine.group,
        name: mine.name,
        peer: other.contender!,
        cpu: mine.cpuRounds && other.cpuRounds ? ratioOf(mine.cpuRounds, other.cpuRounds) : null,
      }));
  });
}
