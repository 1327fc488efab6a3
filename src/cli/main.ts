#!/usr/bin/env node
/** Entry point of the command `ramdrive`. */
import { ExitCode } from './exit-codes.js';
import { runProgram } from './program.js';

/** By now nothing native is running; what still keeps the event loop (a peer's socket) gets this long. */
const EXIT_GRACE_MS = 2000;

// A reader (`ramdrive status | head`) or a terminal that goes away is no failure. Output that is lost otherwise is one,
// said in the end, but nothing ends by it: a drive and what is on it must not go because a log has no room.
let isOutputLost = false;
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', ({ code }: NodeJS.ErrnoException) => {
    isOutputLost ||= code !== 'EPIPE' && !(code === 'EIO' && stream.isTTY);
  });
}
process.once('exit', () => {
  if (isOutputLost) {
    process.exitCode ||= ExitCode.FAILURE;
  }
});

const code = await runProgram(process.argv.slice(2));
process.exitCode = code;
setTimeout(() => process.exit(code), EXIT_GRACE_MS).unref();
