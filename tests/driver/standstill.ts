/**
 * Notices when no program gets on any more, which is what a deadlock looks like, and says what each of them waits for.
 * The process cannot end in order then (threads are inside the driver), so it is ended hard; STANDSTILL is the word
 * that scripts/test-driver.mjs looks for.
 *
 * Looks are counted, not seconds: on a machine where this process hardly runs its looks come late, too.
 */
import { writeSync } from 'node:fs';
import type { Progress } from './programs.js';

const LOOKS = 16;
const LOOK_EVERY_MS = 500;

export function watchStandstill(progress: Progress, looks = LOOKS): { end: () => void } {
  let last = -1;
  let since = Date.now();
  let same = 0;
  const timer = setInterval(() => {
    if (progress.operations !== last) {
      last = progress.operations;
      since = Date.now();
      same = 0;
    } else if (++same >= looks) {
      const waiting = [...progress.doing].map(([who, what]) => `${who}: ${what}`);
      const seconds = Math.round((Date.now() - since) / 1000);
      writeSync(1, `STANDSTILL\tafter ${last} operations, for ${seconds} s; ${waiting.join('; ')}\n`);
      process.kill(process.pid, 'SIGKILL');
    }
  }, LOOK_EVERY_MS);
  return { end: () => clearInterval(timer) };
}
