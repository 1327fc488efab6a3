/**
 * Whether memory grows with the length of a run: the straight line through the samples, without the time of warming up.
 */
import type { Sample } from '../sampler.js';

/** Heaps find their size and the drive fills in this part of a run. */
const WARM_UP = 0.3;
/** In a shorter time heaps are still finding their size, and the line says nothing. */
const MIN_SECONDS = 1200;
/** Samples may be rare in a long run, and still be enough. */
const MIN_SAMPLES = 60;

export interface Growth {
  fromSeconds: number;
  toSeconds: number;
  samples: number;
  /** MiB an hour. Of the drive: what it has beyond the pages that files hold. */
  mebibytesPerHour: Record<'drive' | 'clients' | 'driver' | 'auditor', number | null>;
  /** In the first and in the second half of that time, on average, in MiB. */
  means: Record<'drive' | 'clients' | 'driver' | 'auditor', [number, number] | null>;
}

const OF = {
  drive: ({ driveBytes, ledger }: Sample) =>
    driveBytes === null || ledger === null ? null : driveBytes - ledger.allocatedBytes,
  clients: ({ workersBytes }: Sample) => workersBytes,
  driver: ({ driverBytes }: Sample) => driverBytes,
  auditor: ({ auditorBytes }: Sample) => auditorBytes,
};

const MEBIBYTE = 1024 * 1024;

/** null for a run that was too short. */
export function growthOf(samples: readonly Sample[]): Growth | null {
  const end = samples.at(-1)?.atSeconds ?? 0;
  const warm = samples.filter(({ atSeconds }) => atSeconds >= end * WARM_UP);
  if (warm.length < MIN_SAMPLES || end - warm[0]!.atSeconds < MIN_SECONDS) {
    return null;
  }
  const points = (of: (sample: Sample) => number | null) =>
    warm.flatMap((sample): [number, number][] => {
      const bytes = of(sample);
      return bytes === null ? [] : [[sample.atSeconds / 3600, bytes / MEBIBYTE]];
    });
  const each = <T>(value: (points: [number, number][]) => T) =>
    Object.fromEntries(
      Object.entries(OF).map(([name, of]) => {
        const list = points(of);
        return [name, list.length < MIN_SAMPLES ? null : value(list)];
      }),
    ) as Record<keyof typeof OF, T | null>;
  return {
    fromSeconds: warm[0]!.atSeconds,
    toSeconds: end,
    samples: warm.length,
    mebibytesPerHour: each(slope),
    means: each((list): [number, number] => {
      const middle = Math.floor(list.length / 2);
      return [mean(list.slice(0, middle)), mean(list.slice(middle))];
    }),
  };
}

/** For a table. */
export function growthText(samples: readonly Sample[]): string {
  const growth = growthOf(samples);
  if (growth === null) {
    return 'not judged: the run was too short';
  }
  const { fromSeconds, toSeconds, mebibytesPerHour, means } = growth;
  const names = Object.keys(OF) as (keyof typeof OF)[];
  const parts = names.flatMap((name) => {
    const [perHour, halves] = [mebibytesPerHour[name], means[name]];
    return perHour === null || halves === null
      ? []
      : [
          `${name} ${halves[0].toFixed(1)} → ${halves[1].toFixed(1)} MiB (${perHour < 0 ? '−' : '+'}${Math.abs(perHour).toFixed(1)} MiB an hour)`,
        ];
  });
  return `from second ${Math.round(fromSeconds)} to ${Math.round(toSeconds)}, mean of the first and of the second half, and slope: ${parts.join('; ')}; of the drive without the pages that files hold`;
}

/** Least squares. */
function slope(points: readonly [number, number][]): number {
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / points.length;
  const meanY = mean(points);
  let above = 0;
  let below = 0;
  for (const [x, y] of points) {
    above += (x - meanX) * (y - meanY);
    below += (x - meanX) ** 2;
  }
  return above / below;
}

function mean(points: readonly [number, number][]): number {
  return points.reduce((sum, [, y]) => sum + y, 0) / points.length;
}
