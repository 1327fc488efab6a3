#!/usr/bin/env node
/** Entry point of the command `ramdrive`. */
import { runProgram } from './program.js';

/** By now nothing native is running; what still keeps the event loop (a peer's socket) gets this long. */
const EXIT_GRACE_MS = 2000;

// A reader that goes away (`ramdrive status | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') {
    throw error;
  }
});

const code = await runProgram(process.argv.slice(2));
process.exitCode = code;
setTimeout(() => process.exit(code), EXIT_GRACE_MS).unref();
