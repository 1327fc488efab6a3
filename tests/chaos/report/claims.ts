/** What a run claims, and what it cannot show: in words. */
import { type ChaosOptions, FAULT_KINDS } from '../options.js';
import type { RunResult } from '../run.js';

export const CLAIMS = [
  'Every byte that was read is the last one that was acknowledged as written there, and zero where nothing was written; beside a write, each 4 KiB block is old or new.',
  'Every call ends as POSIX says; "no space" is said only where a file would have to reserve more, never for a byte that it has reserved, and then nothing has changed.',
  'Every listing has every name once, and no other; lengths, modes and times are those that were set.',
  'What a killed client had been told was done is done; the call that it was in was done, or not, or up to some block.',
  'At rest the ledger, df and the sum of what files reserve are the same number, and every invariant of the drive holds.',
  'When everything is deleted, nothing is reserved, held or open, and the drive ends in order.',
];

export function limitsOf(options: ChaosOptions, result: RunResult): string[] {
  const limits = [
    process.platform === 'win32'
      ? 'Windows: the operations that only Linux has were left out.'
      : `Windows: this ran on ${process.platform}, through FUSE where a drive was mounted.`,
    'That no other order of events fails: this is one run of very many; the models in tla/ and spec/ look at all of a small world.',
    'Buffered reads beside writes of another process: a kernel copies cached pages without locking out writers, so such a read was accepted when each byte is old or new. Reads past the cache were held to whole blocks.',
    'Files hashed by the auditor: one in eight at each quiescent point, all of them at the last one. Workers compare what they read themselves all the time.',
  ];
  if (!result.isDrive) {
    limits.push('The ledger: no drive of this project was behind the path.');
  }
  if (options.killDrive === false && result.isDrive) {
    limits.push('The death of the drive itself (--kill-drive).');
  }
  if (!options.lateAnswers && result.isDrive) {
    limits.push('Answers that come late and out of order (--late-answers).');
  }
  const notWanted = FAULT_KINDS.filter((kind) => !options.faults.includes(kind));
  if (notWanted.length > 0) {
    limits.push(`Faults that were not asked for: ${notWanted.join(', ')}.`);
  }
  for (const reason of result.impossible) {
    limits.push(`Fault not possible here: ${reason}.`);
  }
  for (const what of result.unsupported) {
    limits.push(`The file system does not offer ${what}.`);
  }
  if (result.refusals === 0) {
    limits.push('A full drive: room never ran out in this run.');
  }
  const idle = Object.entries(result.totals.byKind)
    .filter(([, { done }]) => done === 0)
    .map(([kind]) => kind);
  if (idle.length > 0) {
    limits.push(`Operations that did not occur: ${idle.join(', ')}.`);
  }
  return limits;
}
