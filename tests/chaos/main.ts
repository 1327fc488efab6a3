/**
 * `npm run chaos`: tortures a drive with many processes, compares everything with an exact oracle, and says what it
 * did.
 *
 * Exit code 0: nothing was wrong; 1: something was (the evidence is kept and its place printed); 2: bad input. Writes
 * to the drive, to one directory of its own in the system's temporary directory, and to the files named by --report and
 * --summary.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compactJson } from '../../scripts/compact-json.js';
import { whyNoMount } from '../../scripts/why-no-mount.js';
import { describeError } from '../../src/cli/exit-codes.js';
import { LiveLine } from './live-line.js';
import type { Finding } from './messages.js';
import { type Operation, operationAt } from './operations.js';
import { BadInput, type ChaosOptions, commandOf, HELP, parseOptions } from './options.js';
import { thisMachine } from './report/machine.js';
import { reportPage } from './report/page.js';
import { recordOf } from './report/record.js';
import { summaryText, writeSummary } from './report/summary.js';
import { faultCount, Run, type RunResult } from './run.js';
import { shrink } from './shrink.js';

/** Looking for a shorter way to a failure ends after so many attempts, of a second or so each, or this time. */
const SHRINK_LIMITS = { attempts: 150, milliseconds: 300_000 };

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  if (options === 'help') {
    process.stdout.write(HELP);
    return 0;
  }
  if (options.path === null) {
    const reason = whyNoMount();
    if (reason !== null) {
      process.stderr.write(
        `chaos: nothing can be mounted here: ${reason}. --path tortures an existing directory.\n`,
      );
      return 1;
    }
  }
  const evidence = mkdtempSync(join(tmpdir(), 'ramdrive-chaos-evidence-'));
  process.stdout.write(`chaos: seed ${options.seed}, ${options.workers} workers\n`);
  const result = await runWithLiveLine(new Run(options, evidence)).catch((error: unknown) => {
    // It could not begin: there is nothing to show.
    rmSync(evidence, { recursive: true, force: true });
    throw error;
  });
  printResult(result);
  writeReports(options, result);
  if (result.findings.length === 0) {
    rmSync(evidence, { recursive: true, force: true });
    return 0;
  }
  printFindings(options, result, evidence);
  await printShorterWay(options, result, evidence);
  return 1;
}

async function runWithLiveLine(run: Run): Promise<RunResult> {
  const live = new LiveLine(() => run.live);
  const stop = () => run.stop();
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  try {
    return await run.run(() => live.start());
  } finally {
    live.stop();
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}

function printResult(result: RunResult): void {
  const { totals, seconds, findings, quiescences, refusals } = result;
  const perSecond = Math.round(totals.operations / seconds).toLocaleString('en');
  process.stdout.write(
    `${totals.operations.toLocaleString('en')} operations in ${seconds.toFixed(1)} s (${perSecond} a second), ` +
      `${totals.verified.toLocaleString('en')} comparisons, ${quiescences.count} quiescent points, ${faultCount(result)} faults, ` +
      `${refusals} refusals for want of room, ${findings.length} integrity failures\n`,
  );
  if (result.moments !== null) {
    const moments = Object.entries(result.moments).map(([what, count]) => `${count} × ${what}`);
    process.stdout.write(`moments: ${moments.join(', ')}\n`);
  }
  for (const line of [...result.impossible, ...result.unsupported]) {
    process.stdout.write(`not tried: ${line}\n`);
  }
}

function writeReports(options: ChaosOptions, result: RunResult): void {
  const machine = thisMachine();
  if (options.report !== null) {
    writeFileSync(options.report, reportPage(options, result, machine));
    process.stdout.write(`report: ${options.report}\n`);
  }
  if (options.record !== null) {
    writeFileSync(options.record, compactJson(recordOf(options, result, machine)));
  }
  if (options.summary !== null) {
    writeSummary(options.summary, summaryText(options, result, machine));
  }
}

function printFindings(options: ChaosOptions, { findings }: RunResult, evidence: string): void {
  for (const { worker, message, details, operation, stack, history } of findings) {
    process.stdout.write(`\nFINDING ${worker === null ? '' : `(worker ${worker}) `}${message}\n`);
    process.stdout.write(`${JSON.stringify({ ...details, operation }, null, 2)}\n`);
    process.stdout.write(stack === null ? '' : `${stack}\n`);
    process.stdout.write(history.map((line) => `  ${line}\n`).join(''));
  }
  writeFileSync(join(evidence, 'findings.json'), `${JSON.stringify({ options, findings }, null, 2)}\n`);
  process.stdout.write(`\nevidence: ${evidence}\n`);
  printRepeat(options, findings[0]!.message);
}

/** And the line with which `npm test` repeats it from then on. */
function printRepeat(options: ChaosOptions, why: string): void {
  const command = commandOf(options);
  const kept = { why, arguments: command.slice(command.indexOf('-- ') + 3) };
  process.stdout.write(`repeat: ${command}\nline for tests/chaos/seeds.jsonl: ${JSON.stringify(kept)}\n`);
}

/** Those of the wrong file's history, and all that make directories: without them there may be no place for it. */
function relatedOperations(
  seed: number,
  worker: number,
  history: readonly string[],
  lastIndex: number,
): number[] {
  const touching = new Set(history.map((line) => Number(/^operation (\d+) /.exec(line)?.[1])));
  return Array.from({ length: lastIndex + 1 }, (_, index) => index).filter(
    (index) =>
      index === lastIndex || touching.has(index) || operationAt(seed, worker, index).kind === 'makeDirectory',
  );
}

/** A worker that fails alone too fails with a few operations. */
async function printShorterWay(
  options: ChaosOptions,
  { findings }: RunResult,
  evidence: string,
): Promise<void> {
  const found = findings.find(({ worker, operation }) => worker !== null && operation !== null);
  if (!options.shrink || options.replay !== null || found === undefined) {
    return;
  }
  const { worker, operation, history, message } = found as Finding & { worker: number; operation: Operation };
  process.stdout.write(
    `looking for a shorter way to it, with ${SHRINK_LIMITS.attempts} attempts and for ${SHRINK_LIMITS.milliseconds / 1000} s at most …\n`,
  );
  const alone: ChaosOptions = {
    ...options,
    faults: [],
    killDrive: false,
    moments: false,
    operations: 1,
    shrink: false,
    profile: false,
  };
  const shrunk = await shrink(
    operation.index,
    relatedOperations(options.seed, worker, history, operation.index),
    async (indexes) => {
      const attempt: ChaosOptions = { ...alone, replay: { worker, indexes } };
      const directory = mkdtempSync(join(evidence, 'attempt-'));
      const { findings: again } = await new Run(attempt, directory).run();
      rmSync(directory, { recursive: true, force: true });
      const at = again.find(({ operation: failed }) => failed !== null)?.operation?.index;
      return again.length === 0 ? null : at === undefined ? indexes.length - 1 : indexes.indexOf(at);
    },
    SHRINK_LIMITS,
  );
  if (shrunk === null) {
    process.stdout.write(`worker ${worker} does not fail alone: it takes the others, or the faults.\n`);
    return;
  }
  const { indexes, attempts, minimal } = shrunk;
  process.stdout.write(
    `${indexes.length} operations of worker ${worker} are enough (${minimal ? 'none can be left out' : 'perhaps fewer would do'}; ${attempts} attempts):\n`,
  );
  for (const index of indexes) {
    process.stdout.write(`  ${JSON.stringify(operationAt(options.seed, worker, index))}\n`);
  }
  printRepeat({ ...alone, replay: { worker, indexes } }, message);
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`chaos: ${error instanceof BadInput ? error.message : describeError(error)}\n`);
  process.exitCode = error instanceof BadInput ? 2 : 1;
}
