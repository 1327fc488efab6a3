/**
 * `npm run check-trace -- <file>`: judges the trace of a drive that ran with --trace, and prints what was in it. Exit code 1 when an event
 * is refused, 2 when there is no trace.
 */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { TraceJudge } from './judge.js';

const [path] = process.argv.slice(2);
if (path === undefined) {
  console.error('check-trace: expected the file that `ramdrive mount --trace <file>` wrote.');
  process.exit(2);
}
const judge = new TraceJudge();
try {
  // Traces can be longer than the longest string.
  for await (const line of createInterface({ input: createReadStream(path, 'utf8') })) {
    if (!judge.take(line)) break;
  }
} catch (error) {
  console.error(`check-trace: ${path} cannot be read: ${error instanceof Error ? error.message : error}.`);
  process.exit(2);
}
const { accepted, counts, refused, isComplete } = judge.verdict;
for (const [op, { succeeded, failed }] of Object.entries(counts)) {
  console.log(`${op.padEnd(20)} ${String(succeeded).padStart(9)} ${failed === 0 ? '' : `${failed} refused`}`);
}
if (refused === null) {
  const end = isComplete ? '' : '; the trace has no end, so the last events may be missing';
  console.log(`${accepted} events, all as they should be${end}`);
} else {
  console.log(`event ${refused.event} is not: ${refused.rule}: ${refused.why}`);
  process.exitCode = 1;
}
