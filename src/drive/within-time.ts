/** A limit on every wait. The work that is late goes on; nobody waits for it any more. */
import { DriveError } from './errors.js';

export async function withinTime<T>(work: Promise<T>, limitMs: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new DriveError('TIMEOUT', `Timed out after ${limitMs / 1000} s: ${what}.`));
    }, limitMs);
  });
  // Whoever loses the race must not end the process as an unhandled rejection.
  work.catch(() => {});
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
