/** All figures of a run for programs: what documents cite comes from here. */
import { percentileUs } from '../../../src/winfsp/memory/statistics.js';
import { type ChaosOptions, commandOf } from '../options.js';
import type { RunResult } from '../run.js';
import { growthOf } from './growth.js';
import type { Machine } from './machine.js';

/** Enough to draw a line. */
const MAX_SAMPLES = 120;

function someOf<T>(samples: readonly T[]): T[] {
  const step = Math.ceil(samples.length / MAX_SAMPLES);
  return samples.filter((_, index) => index % step === 0);
}

export function recordOf(options: ChaosOptions, result: RunResult, machine: Machine) {
  const { totals, seconds, findings, samples, faults, moments, quiescences, refusals } = result;
  const { cpuSeconds, profile } = result;
  const { histogram, ...counts } = totals;
  return {
    command: commandOf(options),
    ...machine,
    integrityFailures: findings.length,
    seconds,
    operationsPerSecond: totals.operations / seconds,
    latencyUs: {
      p50: percentileUs(histogram, 0.5),
      p99: percentileUs(histogram, 0.99),
      p999: percentileUs(histogram, 0.999),
    },
    totals: counts,
    cpuSeconds,
    profile,
    refusals,
    faults,
    ...(moments !== null && { moments }),
    quiescences,
    growth: growthOf(samples),
    samples: someOf(samples),
  };
}
