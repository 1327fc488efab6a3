/**
 * Runs a suite and says beforehand how long it is going to take: as long as it took here the last time, kept in
 * .cache/durations.json. The first time nobody knows, and that is said.
 *
 *   node scripts/timed.mjs NAME COMMAND [ARGUMENT]…
 *
 * Arguments that a user adds choose a part of the suite; each choice has a time of its own.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FILE = join(dirname(dirname(fileURLToPath(import.meta.url))), '.cache', 'durations.json');
/** Shorter ones need no announcement. */
const LEAST_SECONDS = 2;

function announcement(name, seconds) {
  if (seconds === undefined) {
    return `${name}: how long it takes is not known on this machine yet.`;
  }
  const text = seconds < 90 ? `${Math.ceil(seconds)} seconds` : `${Math.ceil(seconds / 60)} minutes`;
  return `${name}: took ${text} here the last time.`;
}

function read() {
  try {
    return JSON.parse(readFileSync(FILE, 'utf8'));
  } catch {
    return {};
  }
}

function run([name, program, ...args]) {
  const key = [name, ...args].join(' ');
  const begun = performance.now();
  const known = read()[key];
  if (known === undefined || known >= LEAST_SECONDS) {
    console.error(announcement(name, known));
  }
  const isNode = program === 'node';
  // npm's programs are batch files on Windows, which only a shell can run.
  const shell = !isNode && process.platform === 'win32';
  const child = spawn(isNode ? process.execPath : program, args, { stdio: 'inherit', shell });
  // A terminal sends Ctrl+C to the suite as well, which ends in order.
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.on(signal, () => signal === 'SIGTERM' && child.kill(signal));
  }
  child.once('error', (error) => {
    console.error(`${program}: ${error.message}`);
    process.exitCode = 1;
  });
  child.once('close', (code, signal) => {
    process.exitCode = code ?? 1;
    if (code === 0) {
      mkdirSync(dirname(FILE), { recursive: true });
      writeFileSync(FILE, JSON.stringify({ ...read(), [key]: (performance.now() - begun) / 1000 }));
    } else if (signal !== null) {
      console.error(`${name}: ended by ${signal}.`);
    }
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  run(process.argv.slice(2));
}
