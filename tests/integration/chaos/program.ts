/** `npm run chaos` for tests: the compiled program, run to its end, and what it leaves behind removed. */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { PROJECT } from '../../support/machine.js';
import { type Finished, run } from '../../support/processes.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

export interface Outcome extends Finished {
  /** Where the evidence is, when there was a finding. */
  evidence: string | null;
}

/** For all that runs of this file make: other runs leave it alone. */
const temporary = temporaryFolder('test-chaos');
export const environment = { ...process.env, TMPDIR: temporary };

export async function chaos(line: string, root = PROJECT): Promise<Outcome> {
  const args = [join(root, 'dist/tests/chaos/main.js'), ...line.split(' ')];
  const finished = await run(process.execPath, args, { env: environment });
  return { ...finished, evidence: /^evidence: (.*)$/m.exec(finished.stdout)?.[1] ?? null };
}

export function removeEvidence({ evidence }: Outcome): void {
  if (evidence !== null) {
    rmSync(evidence, { recursive: true, force: true });
  }
}

/** A run that has failed once. */
export interface KeptRun {
  why: string;
  arguments: string;
}

/** Of a file like tests/chaos/seeds.jsonl: a line each, as a failing run prints it. */
export function keptRuns(path: string): KeptRun[] {
  const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean);
  return lines.map((line, index) => {
    const kept = JSON.parse(line) as Partial<KeptRun>;
    if (typeof kept.why !== 'string' || typeof kept.arguments !== 'string') {
      throw new Error(`${path}, line ${index + 1}: expected {"why": …, "arguments": …}, got ${line}`);
    }
    return kept as KeptRun;
  });
}

/** Fails when the run does not end well. */
export async function expectRepeatedWell({ arguments: line }: KeptRun, root = PROJECT): Promise<void> {
  const outcome = await chaos(`--no-shrink ${line}`, root);
  removeEvidence(outcome);
  expect(outcome.stdout).toContain(' 0 integrity failures');
  expect(outcome.code).toBe(0);
}

/** Directories of runs that are not there any more. */
export function leftovers(): string[] {
  return readdirSync(temporary);
}
