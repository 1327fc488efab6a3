/**
 * A failure of one worker, made small: fewer and fewer of its operations are repeated, alone and on a fresh drive, as
 * long as it still fails (delta debugging). Operations depend on nothing but their index, so any subset of them is a
 * run.
 */
import { setTimeout as sleep } from 'node:timers/promises';

export interface Shrunk {
  indexes: number[];
  attempts: number;
  /** It is minimal: without any one of them nothing fails. False when time ran out before that was known. */
  minimal: boolean;
}

/** Whether these operations fail, and at which of them (its place in the list) they did. */
export type Attempt = (indexes: readonly number[]) => Promise<number | null>;

/** A failure that does not come each time is looked for so often with the same operations. */
const MAX_TRIES = 3;

export interface ShrinkLimits {
  /** As many as a slow machine needs too: the result depends on them and not on the time, unless time is very short. */
  attempts: number;
  milliseconds: number;
}

/**
 * `related`: operations that are known to have touched what is wrong, in order; tried first.
 * null: the worker's operations up to the failure don't fail alone; it takes other workers, or faults.
 */
export async function shrink(
  lastIndex: number,
  related: readonly number[],
  attempt: Attempt,
  limits: ShrinkLimits,
): Promise<Shrunk | null> {
  const endMs = performance.now() + limits.milliseconds;
  let attempts = 0;
  let indexes: number[] = [];
  let tries = 1;
  const isOver = () => attempts >= limits.attempts || performance.now() > endMs;
  const fails = async (candidate: readonly number[]): Promise<boolean> => {
    for (let i = 0; i < tries; i++) {
      attempts++;
      const at = await attempt(candidate);
      if (at !== null) {
        indexes = candidate.slice(0, at + 1);
        return true;
      }
    }
    return false;
  };
  if (!(await failsAtFirst(lastIndex, related, fails))) {
    tries = MAX_TRIES;
    if (!(await failsAtFirst(lastIndex, related, fails))) {
      return null;
    }
  }
  for (let i = 1; i < MAX_TRIES && tries === 1; i++) {
    tries = (await fails(indexes)) ? 1 : MAX_TRIES;
  }
  let parts = 2;
  while (indexes.length > 1 && !isOver()) {
    const before = indexes;
    const size = Math.ceil(before.length / parts);
    let smaller = false;
    // The last one is what fails; from the end, for that is where its causes are.
    for (let from = Math.floor((before.length - 1) / size) * size; from >= 0; from -= size) {
      const without = before.filter((_, i) => i < from || i >= from + size);
      if (without.length > 0 && (await fails(without))) {
        smaller = true;
        break;
      }
      if (isOver()) {
        return { indexes, attempts, minimal: false };
      }
      await sleep(0);
    }
    if (smaller) {
      parts = Math.max(2, parts - 1);
    } else if (parts >= before.length) {
      return { indexes, attempts, minimal: true };
    } else {
      parts = Math.min(before.length, parts * 2);
    }
  }
  return { indexes, attempts, minimal: indexes.length <= 1 };
}

/**
 * What touched the same file; then, as most causes are near, the last few operations, and all of them only when that
 * does not do.
 */
async function failsAtFirst(
  lastIndex: number,
  related: readonly number[],
  fails: (candidate: readonly number[]) => Promise<boolean>,
): Promise<boolean> {
  if (related.length > 0 && (await fails(related))) {
    return true;
  }
  for (const count of [30, 300, 3000, Number.POSITIVE_INFINITY]) {
    const first = Math.max(0, lastIndex + 1 - count);
    if (await fails(Array.from({ length: lastIndex + 1 - first }, (_, i) => first + i))) {
      return true;
    }
    if (first === 0) {
      break;
    }
  }
  return false;
}
