/**
 * A limit on every wait. Work that is late goes on; it is waited for no longer. `onTimer` is given the timer, which
 * work that tells of its progress may refresh.
 */
import { DriveError } from './errors.js';

export async function withinTime<T>(
  work: Promise<T>,
  limitMs: number,
  what: string,
  onTimer: (timer: NodeJS.Timeout) => void = () => {},
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new DriveError('TIMEOUT', `Timed out after ${limitMs / 1000} s: ${what}.`));
    }, limitMs);
    onTimer(timer);
  });
  // The promise that loses the race must not end the process as an unhandled rejection.
  work.catch(() => {});
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
