/** `npm run tlc` with a stand-in for Java: how it starts TLC, and what it makes of the answer. */
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../support/temporary-folder.js';

const SCRIPT = 'scripts/tlc.mjs';
const folder = temporaryFolder('tlc');
const log = join(folder, 'log');
const programs = join(folder, 'bin');

/** A TLC that says `output` for every configuration, and notes its own arguments. */
function standIn(output: string, exitCode: number): void {
  mkdirSync(programs, { recursive: true });
  const java = join(programs, 'java');
  writeFileSync(
    java,
    `#!/bin/sh
[ "$1" = -version ] && exit 0
for one in "$@"; do case $one in -Djava.io.tmpdir=*) test -d "\${one#*=}" && printf '%s %s\\n' "\${one#*=}" "$PWD" >> '${log}';; esac; done
printf '%s\\n' '${output}'
exit ${exitCode}
`,
  );
  chmodSync(java, 0o755);
}

const tlc = (...args: string[]) =>
  execa(process.execPath, [SCRIPT, ...args], {
    reject: false,
    env: { PATH: `${programs}:${process.env.PATH}`, TLA2TOOLS_JAR: SCRIPT },
  });

beforeEach(() => rmSync(log, { force: true }));

describe.skipIf(process.platform === 'win32')('npm run tlc (the stand-in for Java is a shell script)', () => {
  it('gives each TLC a temporary directory of its own: they unpack their modules under fixed names', async () => {
    standIn('Invariant Unreached is violated.', 12);
    const { exitCode, stdout } = await tlc('Dispatch', '--only', 'reach-');
    expect(stdout).toMatch(/(\d+) configurations, \1 as expected/);
    expect(exitCode).toBe(0);
    const lines = readFileSync(log, 'utf8').trim().split('\n');
    const directories = lines.map((line) => line.split(' ')[0]!);
    expect(lines.length).toBeGreaterThan(5);
    expect(new Set(directories).size).toBe(lines.length);
    for (const line of lines) {
      const [temporary, workingDirectory] = line.split(' ');
      expect(temporary).toBe(workingDirectory);
    }
    expect(directories.filter((directory) => existsSync(directory))).toEqual([]);
  });

  it.each([
    ['a fault that passes', 'Model checking completed. No error has been found.', 0, /got passes/],
    ['another invariant', 'Invariant TypeOK is violated.', 12, /got violates TypeOK/],
    ['a TLC that breaks', 'Fatal errors while parsing', 150, /got error \(exit 150\)\nFatal errors/],
  ])('fails for %s', async (_, output, code, message) => {
    standIn(output, code);
    const { exitCode, stdout } = await tlc('CapacityLedger', '--only', 'fault-1-');
    expect(stdout).toMatch(message);
    expect(exitCode).toBe(1);
  });

  it.each([
    [['NoModule'], /No module 'NoModule'/],
    [['--workers', 'many'], /--workers: a number from 1 expected, given 'many'/],
    [['--only', 'nothing has this name'], /No configuration matches/],
  ])('refuses %j', async (args, message) => {
    standIn('', 0);
    const { exitCode, stderr } = await tlc(...args);
    expect(stderr).toMatch(message);
    expect(exitCode).toBe(2);
  });
});
