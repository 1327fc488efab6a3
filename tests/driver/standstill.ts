/**
 * Notices when no program gets on any more, which is what a deadlock looks like, and says what each of them waits for.
 * The process cannot end in order then (threads are inside the driver), so it is ended hard; STANDSTILL is the word
 * that scripts/test-driver.mjs looks for.
 */
import { writeSync } from 'node:fs';
import type { Progress } from './programs.js';

const STANDSTILL_MS = 8000;
const LOOK_EVERY_MS = 500;

export function watchStandstill(progress: Progress, limitMs = STANDSTILL_MS): { end: () => void } {
  let last = -1;
  let since = Date.now();
  const timer = setInterval(() => {
    if (progress.operations !== last) {
      last = progress.operations;
      since = Date.now();
    } else if (Date.now() - since > limitMs) {
      const waiting = [...progress.doing].map(([who, what]) => `${who}: ${what}`);
      writeSync(1, `STANDSTILL\tafter ${last} operations; ${waiting.join('; ')}\n`);
      process.kill(process.pid, 'SIGKILL');
    }
  }, LOOK_EVERY_MS);
  return { end: () => clearInterval(timer) };
}
