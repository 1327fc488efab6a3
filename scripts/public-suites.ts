/**
 * `npm run pjdfstest` and `npm run fsx`: public test suites for file systems, on a mounted drive and on tmpfs.
 *
 *   npm run pjdfstest [-- -- <more options of "ramdrive mount">]
 *   npm run fsx [-- --operations <count>] [-- <more options of "ramdrive mount">]
 *
 * Each is a crate that cargo fetches and builds at its first use, in .cache/suites; nothing of them is in this project.
 * Exit code 0: all is as expected; 1: it is not; 3: it cannot be run here, and why.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf } from '../src/drive/errors.js';
import { runFsx } from './public-suites/fsx.js';
import { runPjdfstest } from './public-suites/pjdfstest.js';
import { must } from './realworld/program.js';
import { whyNoMount } from './why-no-mount.js';

const CANNOT_RUN = 3;
const CRATES = { pjdfstest: '0.2.2', fsx: '0.3.2' } as const;
type Suite = keyof typeof CRATES;

const cache = resolve('.cache', 'suites');
const dash = process.argv.indexOf('--', 2);
const ownArguments = process.argv.slice(2, dash < 0 ? undefined : dash);
const mountOptions = dash < 0 ? [] : process.argv.slice(dash + 1);

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    args: ownArguments,
    allowPositionals: true,
    options: { operations: { type: 'string', default: '4000' } },
  });
  const suite = positionals[0] as Suite;
  const operations = Number(values.operations);
  if (positionals.length !== 1 || CRATES[suite] === undefined || !(operations >= 1)) {
    process.stderr.write(
      'usage: public-suites pjdfstest|fsx [--operations <count from 1>] [-- <mount options>]\n',
    );
    return 2;
  }
  const reason =
    process.getuid?.() === 0 ? whyNoMount() : 'it takes root, to become other users and mount tmpfs';
  if (reason !== null) return cannotRun(suite, reason);
  const program = join(cache, `${suite}-${CRATES[suite]}`, 'bin', suite);
  if (!existsSync(program)) {
    const problem = build(suite);
    if (problem !== null) return cannotRun(suite, problem);
  }
  const tmpfs = mkdtempSync(join(tmpdir(), 'ramdrive-suite-'));
  await must('mount', ['-t', 'tmpfs', 'tmpfs', tmpfs]);
  try {
    return suite === 'fsx'
      ? await runFsx(program, tmpfs, mountOptions, operations)
      : await runPjdfstest(program, tmpfs, mountOptions);
  } finally {
    await must('umount', [tmpfs]);
    rmdirSync(tmpfs);
  }
}

/** Why it cannot be built, or null. */
function build(suite: Suite): string | null {
  process.stdout.write(`${suite} ${CRATES[suite]} is fetched and built, one to three minutes …\n`);
  const root = join(cache, `${suite}-${CRATES[suite]}`);
  const { status, stderr, error } = spawnSync(
    'cargo',
    ['install', '--locked', '--quiet', '--root', root, `${suite}@${CRATES[suite]}`],
    { encoding: 'utf8' },
  );
  if (status === 0) {
    writeFileSync(join(cache, '.gitignore'), '*\n');
    return null;
  }
  return `cargo cannot build it: ${error === undefined ? stderr.trim().split('\n').slice(-3).join(' ') : error.message}`;
}

function cannotRun(suite: string, reason: string): number {
  process.stdout.write(`${suite}: skipped: ${reason}\n`);
  return CANNOT_RUN;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`${messageOf(error)}\n`);
    process.exitCode = 1;
  },
);
