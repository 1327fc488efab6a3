/** Runs Windows programs under Wine, one at a time, and reads what their checks print (tests/wine/check.ts). */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { APP, endWine, wineEnvironment } from './prepare.mjs';

/** Ends the program that runs now. */
let endRunning = () => {};

/** Anyone who stops a script must not leave the program that it runs, nor its Wine. */
export function endEverythingWhenStopped() {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.once(signal, () => {
      endRunning();
      endWine();
      process.exit(1);
    });
  }
}

/**
 * Runs a program with arguments in the folder of the package. What it prints goes to files in `folder` that bear its
 * name, because Wine's Node cannot use every kind of pipe. Killed when it takes longer than `limitSeconds`.
 */
export function runWindows({ name, args, env, folder, limitSeconds }) {
  const paths = [join(folder, `${name}.txt`), join(folder, `${name}.err.txt`)];
  const [out, err] = paths.map((path) => openSync(path, 'w'));
  const child = spawn('wine', args, {
    cwd: APP,
    env: wineEnvironment(env),
    stdio: ['ignore', out, err],
    detached: true,
  });
  closeSync(out);
  closeSync(err);
  const kill = () => process.kill(-child.pid, 'SIGKILL');
  endRunning = kill;
  return new Promise((resolve) => {
    const timer = setTimeout(kill, limitSeconds * 1000);
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      endRunning = () => {};
      const [output, errors] = paths.map((path) => readFileSync(path, 'utf8'));
      resolve({ code, signal, output, errors });
    });
  });
}

/** The names of those checks whose lines begin with this word. */
export const linesOf = (output, word) =>
  output
    .split(/\r?\n/)
    .filter((line) => line.startsWith(`${word}\t`))
    .map((line) => line.split('\t')[1]);

/** What a program that failed has said. */
export function printFailure(what, { code, signal, output, errors }, limitSeconds) {
  const end = signal === null ? `exit code ${code}` : `ended after ${limitSeconds} s`;
  process.stderr.write(`--- ${what}: ${end}\n${output.slice(-8000)}\n${errors.slice(-4000)}\n`);
}

/** One line for each program, and its figures below it. `took` is in seconds. */
export function printTable(title, results) {
  console.log(`\n${title}`);
  for (const { what, ok, passed, failed, took, notes } of results) {
    const counts = `${String(passed).padStart(5)} passed ${String(failed).padStart(3)} failed`;
    console.log(`  ${what.padEnd(32)} ${counts} ${took.toFixed(1).padStart(7)} s  ${ok ? 'ok' : 'FAILED'}`);
    for (const note of notes) {
      console.log(`      ${note}`);
    }
  }
}
