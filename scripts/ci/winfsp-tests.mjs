/**
 * Windows CI: WinFsp's own external test suite against a mounted drive, one process per test name, so that one that
 * crashes or hangs is one failure. Tests of winfsp-tests-excluded.json are run, too: an excluded one that passes is a
 * failure, so that the list cannot rot.
 *
 *   node scripts/ci/winfsp-tests.mjs --channel stable --drive R:\
 *
 * winfsp-tests is a program of the WinFsp project (GPLv3); it is downloaded and run, not part of this one.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { channelOf, download, isPinned, run } from './winfsp-release.mjs';

const EXCLUDED = JSON.parse(
  readFileSync(join(dirname(fileURLToPath(import.meta.url)), 'winfsp-tests-excluded.json'), 'utf8'),
);
const LIMIT_MS = 120_000;

function unpack(archive, folder) {
  mkdirSync(folder, { recursive: true });
  run('tar', ['-xf', archive, '-C', folder]);
  const found = readdirSync(folder, { recursive: true }).find((name) => /winfsp-tests-x64\.exe$/.test(name));
  if (found === undefined) {
    throw new Error(`There is no winfsp-tests-x64.exe in ${archive}.`);
  }
  return resolve(folder, found);
}

function namesOf(program) {
  const names = run(program, ['--list'])
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => /^\w+$/.test(line));
  if (names.length === 0) {
    throw new Error(`${program} --list names no test.`);
  }
  return names;
}

export function exclusionOf(name, excluded = EXCLUDED) {
  return excluded.find(({ test }) =>
    test.endsWith('*') ? name.startsWith(test.slice(0, -1)) : name === test,
  );
}

/** Each in an empty directory of its own on the drive. */
function runTest(program, name, drive) {
  const folder = join(drive, 'winfsp-tests');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  const result = spawnSync(program, ['--external', '--resilient', name], {
    cwd: folder,
    encoding: 'utf8',
    timeout: LIMIT_MS,
  });
  const output = `${result.stdout ?? ''}${result.stderr ?? ''}`;
  return { passed: result.status === 0, end: result.signal ?? result.status, output };
}

function judge(name, { passed, end, output }) {
  const exclusion = exclusionOf(name);
  if (exclusion === undefined) {
    return { name, ok: passed, text: passed ? 'passed' : `FAILED (${end})`, output };
  }
  return passed
    ? { name, ok: false, text: `PASSED, though excluded: ${exclusion.reason}`, output: '' }
    : { name, ok: true, text: `excluded: ${exclusion.reason}`, output: '' };
}

function main() {
  const { values } = parseArgs({
    options: {
      channel: { type: 'string', default: 'stable' },
      drive: { type: 'string' },
      report: { type: 'string', default: 'winfsp-tests.txt' },
    },
  });
  if (values.drive === undefined || !existsSync(values.drive)) {
    throw new Error(
      `--drive is "${values.drive ?? ''}"; expected the path of a mounted drive, such as R:\\.`,
    );
  }
  const channel = channelOf(values.channel);
  const archive = download(channel, channel.tests, join('.cache', 'winfsp-tests-archive'));
  if (!isPinned(channel.tests)) {
    // Nothing vouches for it: it has no signature either.
    const reason = `NOT RUN: no checksum of the archive is recorded for ${channel.tag} (scripts/ci/winfsp.json)`;
    writeFileSync(values.report, `${reason}\n`);
    console.log(reason);
    return 0;
  }
  const program = unpack(archive, join('.cache', 'winfsp-tests'));
  const results = [];
  for (const name of namesOf(program)) {
    results.push(judge(name, runTest(program, name, values.drive)));
    console.log(`${results.at(-1).text.split(':')[0].padEnd(24)} ${name}`);
  }
  const lines = results.map(
    ({ name, text, output }) => `${name}: ${text}\n${output.replaceAll(/^/gm, '    ')}`,
  );
  writeFileSync(values.report, `${lines.join('\n')}\n`);
  const failed = results.filter(({ ok }) => !ok);
  console.log(`${results.length} tests, ${failed.length} not as expected; ${values.report} has the output`);
  return failed.length === 0 ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    process.exitCode = main();
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
