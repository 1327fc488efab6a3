import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../../../src/package-root.js';
import { temporaryFolder } from '../../../support/temporary-folder.js';

const SCRIPT = join(packageRoot(), 'scripts', 'ci', 'failed-tests.mjs');
const VITEST = join(packageRoot(), 'node_modules', 'vitest', 'vitest.mjs');

function failedTests(...args: string[]): { status: number | null; lines: string[] } {
  const { status, stdout } = spawnSync(process.execPath, [SCRIPT, ...args], {
    cwd: packageRoot(),
    encoding: 'utf8',
  });
  return { status, lines: stdout.split('\n').filter(Boolean) };
}

describe('the tests that failed', () => {
  it('are named with the first line of each message, as vitest reports them', () => {
    const folder = temporaryFolder('failed-tests');
    mkdirSync(join(folder, 'tests'));
    writeFileSync(
      join(folder, 'tests', 'some.test.mjs'),
      `import { describe, expect, it } from '${join(packageRoot(), 'node_modules/vitest/dist/index.js')}';
       describe('a group', () => {
         it('fails', () => expect(1 + 1, 'the sum').toBe(3));
         it('throws lines', () => { throw new Error('first\\nsecond'); });
         it('passes', () => {});
       });`,
    );
    writeFileSync(join(folder, 'tests', 'broken.test.mjs'), "throw new Error('cannot be loaded');");
    writeFileSync(
      join(folder, 'tests', 'fine.test.mjs'),
      `import { it } from '${join(packageRoot(), 'node_modules/vitest/dist/index.js')}'; it('passes', () => {});`,
    );
    const report = join(folder, 'report.json');
    const run = spawnSync(
      process.execPath,
      [VITEST, 'run', '--root', folder, '--reporter=json', `--outputFile=${report}`],
      { encoding: 'utf8', env: { ...process.env, VITEST: undefined, FORCE_COLOR: '1' } },
    );
    expect(run.status, run.stdout + run.stderr).toBe(1);
    const { status, lines } = failedTests(report);
    expect(status).toBe(0);
    expect(lines.map((line) => line.replace(/^.*(?=tests\/)/, '')).sort()).toEqual([
      'tests/broken.test.mjs: cannot be loaded',
      'tests/some.test.mjs > a group > fails: AssertionError: the sum: expected 2 to be 3 // Object.is equality',
      'tests/some.test.mjs > a group > throws lines: Error: first',
    ]);
    expect(failedTests('--files', report).lines.map((line) => line.replace(/^.*(?=tests\/)/, ''))).toEqual(
      expect.arrayContaining(['tests/broken.test.mjs', 'tests/some.test.mjs']),
    );
  });

  it('cannot be named without a report, which is said', () => {
    const { status, lines } = failedTests('/nonexistent/report.json');
    expect(status).toBe(1);
    expect(lines[0]).toContain('There is no report of the tests: ENOENT');
  });
});
