/**
 * The workflow and this machine: every command that the workflow runs is run here too, by .ci/run or by a test, or it
 * is named below with the reason why it cannot be.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { packageRoot } from '../../../../src/package-root.js';

interface Step {
  run?: string;
  uses?: string;
  with?: Record<string, unknown>;
  env?: Record<string, string>;
}
interface Job {
  'runs-on': string;
  'timeout-minutes'?: number;
  env?: Record<string, string>;
  permissions?: unknown;
  steps: Step[];
}
interface Workflow {
  permissions?: unknown;
  env?: Record<string, string>;
  jobs: Record<string, Job>;
}

const root = packageRoot();
const folder = join(root, '.github', 'workflows');
const workflows = readdirSync(folder).map(
  (name) => parse(readFileSync(join(folder, name), 'utf8')) as Workflow,
);
const jobs = workflows.flatMap(({ jobs }) => Object.values(jobs));
const commands = [...new Set(jobs.flatMap(({ steps }) => steps.map(({ run }) => run ?? '')))].filter(
  (run) => run !== '',
);
const ciRun = readFileSync(join(root, '.ci', 'run'), 'utf8');

/** Commands that are run here in another form; each second text begins with the file that does it. */
const RUN_ELSEWHERE: readonly [RegExp, string][] = [
  [/^npm ci$/, 'scripts/bootstrap.mjs, at the beginning of .ci/run'],
  [/^npm run bootstrap$/, '.ci/run'],
  [/^npm run conformance$/, 'tests/conformance/conformance.test.ts runs the same cases'],
  [/^npm run test:unit$/, '.ci/run, as a part of npm test'],
  [/^npm run chaos -- --duration 2m/, 'tests/integration/chaos, shorter'],
  [/^npm run bench -- --quick$/, 'tests/integration/bench.test.ts, its programs one by one'],
  [/^node dist\/src\/cli\/main\.js (doctor|mount|status|unmount)/, 'tests/wine/command-line.ts, under Wine'],
  [/^node dist\/scripts\/ci\/drive-checks\.js/, 'tests/integration/drive-checks.test.ts, on a FUSE mount'],
  [
    /^node scripts\/ci\/install-winfsp\.mjs/,
    'tests/unit/scripts/ci/winfsp-ci.test.ts, with stand-ins for Windows programs',
  ],
  [
    /^node scripts\/ci\/winfsp-tests\.mjs/,
    'tests/unit/scripts/ci/winfsp-ci.test.ts, with a stand-in for the test suite',
  ],
  [/^node scripts\/release\.mjs --tag/, '.ci/run, with less compression'],
  [/^node scripts\/ci\/keep-dumps\.mjs$/, 'tests/unit/scripts/ci/winfsp-ci.test.ts, with a stand-in for reg'],
];
/** Commands that only a runner can run. */
const RUNNER_ONLY: readonly [RegExp, string][] = [
  [/^sha256sum --check SHA256SUMS$/, 'on the downloaded files; .ci/run does it on those that it made'],
  [/^gh release create /, 'publishes'],
  [/^npm publish /, 'publishes'],
  [/^sudo apt-get /, 'installs packages; scripts/bootstrap.mjs does it here when it may'],
  [/^mkdir -p "\$RUNNER_TEMP/, 'a directory of the runner'],
  [/^npm run tlc -- --nightly$/, 'hours; .ci/run runs the configurations of every day'],
  [/^npm run bench -- --check$/, 'many minutes; tests/unit/bench/check.test.ts has its verdicts'],
  [/^npm run chaos -- --duration 10m/, 'long; .ci/run runs a short one'],
];

/** `npm run x -- …` and make targets count by their name: here they are run with smaller arguments. */
function isInCiRun(command: string): boolean {
  const script = /^npm (?:run )?([\w:-]+)/.exec(command)?.[1];
  const target = /^make .*winfsp-linux ([\w-]+)$/.exec(command)?.[1];
  const name = script ?? target;
  return name === undefined
    ? ciRun.includes(command)
    : new RegExp(`((npm (run )?|test_step )${name}\\b|winfsp-linux ${name}\\b)`).test(ciRun);
}

describe('the workflows', () => {
  it.each(commands)('%s is run here, too', (command) => {
    const known = [...RUN_ELSEWHERE, ...RUNNER_ONLY].some(([pattern]) => pattern.test(command));
    expect(known || isInCiRun(command)).toBe(true);
  });

  it.each(RUN_ELSEWHERE)('%s: what runs it is there', (_, where) => {
    expect(existsSync(join(root, /^[^\s,]+/.exec(where)![0]))).toBe(true);
  });

  it('name only scripts and files that exist', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    for (const command of commands) {
      const script = /^npm run ([\w:-]+)/.exec(command)?.[1];
      const file = /^node (scripts\/\S+\.mjs)/.exec(command)?.[1];
      const compiled = /^node dist\/(scripts\/\S+)\.js/.exec(command)?.[1];
      expect(script === undefined || script in scripts, command).toBe(true);
      for (const path of [file, compiled === undefined ? undefined : `${compiled}.ts`]) {
        expect(path === undefined || readFileSync(join(root, path)).length > 0, command).toBe(true);
      }
    }
  });

  it('limit every job and name every action by its commit, one for all', () => {
    const commits = new Map<string, string>();
    for (const job of jobs) {
      expect(job['timeout-minutes']).toBeGreaterThan(0);
      for (const { uses } of job.steps) {
        if (uses === undefined) continue;
        expect(uses).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40}$/);
        const [action, commit] = uses.split('@') as [string, string];
        expect(commits.get(action) ?? commit, action).toBe(commit);
        commits.set(action, commit);
      }
    }
  });

  it('give the token to the steps that download or publish, and to no other', () => {
    for (const workflow of workflows) {
      expect(workflow.permissions).toEqual({ contents: 'read' });
      expect(JSON.stringify(workflow.env ?? {})).not.toContain('token');
    }
    for (const job of jobs) {
      // Only the job that publishes may write, and it runs nothing of the repository or of its packages.
      if (job.permissions !== undefined) {
        const runs = job.steps.map(({ run, uses }) => run ?? uses ?? '');
        expect(job.permissions).toEqual({ contents: 'write', 'id-token': 'write', attestations: 'write' });
        expect(
          runs.filter((text) => /^(actions\/checkout|node |npm (?!publish release\/\*\.tgz ))/.test(text)),
        ).toEqual([]);
      }
      expect(JSON.stringify(job.env ?? {})).not.toContain('token');
      for (const { run, uses, env, with: options } of job.steps) {
        if (uses?.startsWith('actions/checkout')) {
          expect(options).toMatchObject({ 'persist-credentials': false });
        }
        if (env !== undefined && 'GH_TOKEN' in env) {
          expect(run).toMatch(/^(node scripts\/ci\/(install-winfsp|winfsp-tests)\.mjs|gh release create) /);
        }
      }
    }
  });
});
