/**
 * A few checks in a row, without a test runner: each prints one line that scripts/test-wine.mjs reads. writeSync,
 * because under Wine the streams of standard output do not work on pipes.
 */
import { writeSync } from 'node:fs';
import { inspect } from 'node:util';

/** Runs one check; a failure is printed and remembered, and the next one runs. */
export async function check(name: string, work: () => unknown): Promise<void> {
  const begun = performance.now();
  try {
    await work();
    writeSync(1, `ok\t${name}\t${Math.round(performance.now() - begun)}\n`);
  } catch (error) {
    const text = inspect(error);
    writeSync(1, `FAILED\t${name}\t${Math.round(performance.now() - begun)}\n`);
    writeSync(1, `${text.replaceAll(/^/gm, '  ')}\n`);
    process.exitCode = 1;
  }
}

/** A figure for the report. */
export function note(text: string): void {
  writeSync(1, `note\t${text}\n`);
}

/** The numeric value of an option such as `--seconds 10`. */
export function option(name: string, otherwise: number): number {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
}

/** The value of an option such as `--host memfs`. */
export function textOption(name: string, otherwise: string): string {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : process.argv[at + 1]!;
}
