/**
 * `ramdrive doctor`: everything a mount needs, looked at one by one, with what to do about each lack. Changes nothing.
 */

import { printable } from '../drive/printable.js';
import { colour } from './colour.js';
import { examine, type Finding } from './doctor.js';
import { ExitCode } from './exit-codes.js';

export async function doctorCommand(): Promise<number> {
  const findings = await examine();
  const paint = colour(process.stdout);
  const marks = { ok: paint.green('ok  '), warning: paint.yellow('warn'), problem: paint.red('FAIL') };
  for (const { level, what, found, advice } of findings) {
    process.stdout.write(`${marks[level]}  ${what.padEnd(16)} ${printable(found)}\n`);
    if (advice !== null) {
      process.stdout.write(`${' '.repeat(6)}${' '.repeat(16)} → ${printable(advice)}\n`);
    }
  }
  return verdict(findings);
}

function verdict(findings: readonly Finding[]): number {
  return findings.some(({ level }) => level === 'problem') ? ExitCode.FAILURE : ExitCode.OK;
}
