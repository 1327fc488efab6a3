/**
 * `npm run test:driver`: the genuine WinFsp driver, library and sample file system in ordinary processes on Linux, with
 * this project's drive behind them. Gets ready what that needs (scripts/driver/rig-environment.mjs) and runs the programs
 * of tests/driver.
 *
 *   npm run test:driver [-- --quick] [--seconds n] [--operations n] [--seed n] [--host memfs] [--only name]
 *     [--record FILE]
 *
 * It shows what the driver and the library do with this host; it proves nothing about the memory manager, cache manager
 * and I/O manager of a real Windows. Skipped, with the reason and the command that helps, where a part cannot be had
 * (exit code 0).
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { NOTICE, NotToBeHad, whyNotHere } from './driver/provision.mjs';
import { OUTPUT, prepareRig, RIG } from './driver/rig-environment.mjs';
import { thisRun } from './this-run.mjs';
import { endWine, NODE_VERSION, nodePath, ROOT, windowsPath, wine } from './wine/prepare.mjs';
import {
  endEverythingWhenStopped,
  linesOf,
  printFailure,
  printTable,
  runWindows,
} from './wine/run-windows.mjs';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    seconds: { type: 'string' },
    seed: { type: 'string' },
    host: { type: 'string', default: 'drive' },
    only: { type: 'string' },
    operations: { type: 'string' },
    record: { type: 'string' },
  },
});
const log = (message) => process.stderr.write(`test:driver: ${message}\n`);
const seconds = Number(options.seconds ?? (options.quick ? 16 : 60));
// The quick form, which guards every change, tries the same each time; the long form looks for what is new.
const seed = options.seed ?? (options.quick ? '1' : String(Date.now() % 1_000_000));
const operations = Number(options.operations ?? (options.quick ? 20_000 : 100_000));
const CYCLES = options.quick ? 3 : 100;
const GRACE_SECONDS = 90;

/**
 * Each is a process of its own. `limit` seconds are far above what it takes. `standsStill`: a control, which passes
 * when its programs come to a standstill and that is noticed. `isLong`: not with --quick.
 */
const PROGRAMS = [
  { name: 'directed', what: 'single operations', limit: 120 },
  {
    name: 'library',
    what: "the stand-in beside WinFsp's library",
    script: 'library/main',
    limit: 300,
    args: ['--seed', seed],
  },
  {
    name: 'conformance',
    what: 'conformance, by NT calls',
    limit: 900,
    args: options.quick
      ? ['--dispatcher', ['inline', 'async', 'native'][Number(seed) % 3], '--listed', 'no']
      : [],
  },
  {
    name: 'chaos',
    what: 'random programs',
    limit: seconds + GRACE_SECONDS,
    args: ['--seconds', String(seconds), '--seed', seed, '--host', options.host],
    hosts: ['drive', 'memfs'],
  },
  {
    name: 'ends',
    what: 'how drives end',
    limit: 300 + CYCLES * 10,
    args: ['--seed', seed, '--count', String(CYCLES)],
    faults: { dieOnName: 'poison' },
  },
  {
    name: 'streams',
    what: 'named streams',
    limit: seconds + GRACE_SECONDS,
    args: ['--seconds', String(Math.ceil(seconds / 4)), '--seed', seed],
  },
  {
    name: 'oplocks',
    what: 'oplocks',
    limit: seconds + GRACE_SECONDS,
    args: ['--seconds', String(Math.ceil(seconds / 4)), '--seed', seed, '--host', options.host],
    hosts: ['drive', 'memfs'],
  },
  {
    name: 'cached',
    what: 'descriptor lists, deferred writes',
    limit: 120,
    args: ['--host', options.host],
    hosts: ['drive', 'memfs'],
  },
  {
    name: 'streams-control',
    what: 'control: streams without completion threads',
    script: 'streams',
    limit: 120,
    args: ['--seed', seed],
    faults: { noCompletionThreads: true },
    standsStill: true,
  },
  {
    name: 'differential',
    what: 'the drive beside memfs',
    limit: 600 + operations / 50,
    args: ['--operations', String(operations), '--seed', seed],
  },
  {
    name: 'control',
    what: 'control: no completion threads',
    script: 'chaos',
    limit: 120,
    args: ['--seconds', '60', '--seed', seed, '--only', 'old-end'],
    faults: { noCompletionThreads: true },
    standsStill: true,
  },
  // One rule of src/winfsp/threads/answer-routing.ts at a time is broken.
  ...['writes', 'sizes', 'whole pages'].map((deliverInline) => ({
    name: `control-${deliverInline.replace(' ', '-')}`,
    what: `control: ${deliverInline} delivered inline`,
    script: 'chaos',
    limit: 240,
    args: ['--seconds', '180', '--seed', seed, '--only', 'old-end'],
    faults: { deliverInline },
    standsStill: true,
    isLong: true,
  })),
];

endEverythingWhenStopped();

const runHere = (name, args, env, limitSeconds) =>
  runWindows({ name, args, env, folder: OUTPUT, limitSeconds });

/** The mechanisms of the rig's kernel: a program each. */
async function runKernelTests() {
  const begun = Date.now();
  let passed = 0;
  const failed = [];
  for (const test of readdirSync(join(RIG, 'build', 'tests')).filter((name) => name.endsWith('.exe'))) {
    const path = windowsPath(join(RIG, 'build', 'tests', test));
    const { code, output, errors } = await runHere(test, [path], {}, 60);
    const ok = linesOf(output, 'ok');
    if (code === 0 && ok.length === 1) {
      passed += Number(/(\d+) checks/.exec(ok[0])[1]);
    } else {
      failed.push(test);
      process.stderr.write(`--- ${test}: exit code ${code}\n${output}\n${errors.slice(-2000)}\n`);
    }
  }
  return {
    what: "the rig's kernel",
    ok: failed.length === 0,
    passed,
    failed: failed.length,
    begun,
    notes: [],
  };
}

async function runProgram(
  { name, what, limit, script = name, args = [], faults = {}, standsStill = false },
  env,
) {
  log(`${what} …`);
  const begun = Date.now();
  const command = [nodePath(), join('dist', 'tests', 'driver', `${script}.js`), ...args];
  const end = await runHere(name, command, { ...env, RAMDRIVE_TEST_FAULTS: JSON.stringify(faults) }, limit);
  const { code, output } = end;
  const passed = linesOf(output, 'ok');
  const failed = linesOf(output, 'FAILED');
  const notes = linesOf(output, 'note');
  const still = linesOf(output, 'STANDSTILL');
  const ok = standsStill
    ? still.length === 1 && failed.length === 0
    : code === 0 && failed.length === 0 && passed.length > 0 && still.length === 0;
  if (!ok) {
    printFailure(what, end, limit);
  }
  if (standsStill) {
    return {
      what,
      ok,
      passed: ok ? 1 : 0,
      failed: ok ? 0 : 1,
      begun,
      notes: still.map((text) => `stands still ${text}`),
    };
  }
  return { what, ok, passed: passed.length, failed: failed.length + still.length, begun, notes };
}

/** The results with what they hold for, for docs/data. */
function record(path, results) {
  const { stdout } = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: ROOT, encoding: 'utf8' });
  const run = {
    about: 'Written by npm run test:driver -- --record FILE; seconds are by the clock, beside what else ran.',
    command: `npm run test:driver -- ${process.argv.slice(2).join(' ')}`,
    ...thisRun(),
    commit: stdout.trim(),
    node: NODE_VERSION,
    wine: wine(['--version']).trim(),
    results: results.map(({ begun, took, ...result }) => ({ ...result, seconds: Math.round(took) })),
  };
  writeFileSync(path, `${JSON.stringify(run, null, 2)}\n`);
}

async function main() {
  const reason = whyNotHere(log);
  if (reason !== null) {
    console.log(`test:driver: skipped: ${reason}`);
    return 0;
  }
  const chosen = PROGRAMS.filter(
    ({ name, hosts = ['drive'], isLong = false }) =>
      hosts.includes(options.host) &&
      (options.only === undefined ? !(isLong && options.quick) : name === options.only),
  );
  if (chosen.length === 0) {
    console.error(
      `--host ${options.host}, --only ${options.only}: nothing to run. Hosts: drive, memfs; programs: ${PROGRAMS.map(({ name }) => name).join(', ')}.`,
    );
    return 2;
  }
  try {
    const env = prepareRig(log);
    const results = [];
    const add = (result) => results.push({ ...result, took: (Date.now() - result.begun) / 1000 });
    if (options.only === undefined) {
      add(await runKernelTests());
    }
    for (const program of chosen) {
      add(await runProgram(program, env));
    }
    printTable(
      `WinFsp's own driver and library below Windows Node ${NODE_VERSION}, under ${wine(['--version']).trim()}, not real Windows:`,
      results,
    );
    if (options.record !== undefined) {
      record(options.record, results);
    }
    return results.every(({ ok }) => ok) ? 0 : 1;
  } catch (error) {
    if (error instanceof NotToBeHad) {
      console.log(`test:driver: skipped: ${error.message}. (${NOTICE})`);
      return 0;
    }
    log(error.message);
    return 1;
  } finally {
    endWine();
  }
}

process.exitCode = await main();
