/**
 * Runs TLC over the modules of tla/ and compares every result with what their configurations.json expects. Plain Node.
 *
 *   npm run tlc [-- module…] [--nightly] [--quick] [--only text] [--workers n] [--record]
 *
 * A configuration either must pass, with every reachable state seen, or must fail in one named way: a planted fault
 * that is not found, or a rare branch that is not reached, is a failure of the model. Counts of those that pass are
 * written to tla/results/<module>.json, for tests that compare them with another explorer's. `--record` keeps the times
 * too, in tla/results/times.json.
 *
 * Most configurations are small: what takes long is to start and to warm up a Java machine for each. So each has one
 * worker, and as many run at a time as there are processors. Rows are printed in the order of the file all the same.
 *
 * Java comes from PATH; TLC from TLA2TOOLS_JAR, else once by Maven into .cache/tla.
 */
import { spawn } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { findJar, findJava } from './find-tlc.mjs';
import { thisRun } from './this-run.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const TLA = join(ROOT, 'tla');
const TIMES = join(TLA, 'times.json');
/** The folder of each module in tla/, with configurations.json, results.json and the module itself. */
const FOLDERS = {
  CapacityLedger: 'capacity-ledger',
  LedgerTrace: 'ledger-trace',
  KernelCache: 'kernel-cache',
  Namespace: 'namespace',
  Snapshots: 'snapshots',
  Dispatch: 'dispatch',
  CopyLanes: 'copy-lanes',
};
const PROGRESS_MS = process.stdout.isTTY ? 1000 : 10_000;
/** A run that takes longer is stuck, or the configuration is too large for its place. */
const LIMIT_MS = { 'must-fail': 5 * 60_000, ci: 8 * 60_000, nightly: 60 * 60_000 };

const { values: options, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: {
    nightly: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    workers: { type: 'string', default: '1' },
    record: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (options.help) {
  console.log(`npm run tlc [-- module…] [--nightly] [--quick] [--only text] [--workers n] [--record]

  module     ${Object.keys(FOLDERS).join(', ')}; all when none is given
  --nightly  the large configurations too
  --quick    only configurations that took less than ten seconds
  --only     only configurations whose name contains the text
  --workers  threads of TLC for each configuration, default 1; as many run at a time as there are processors for
  --record   keep the times in tla/times.json`);
  process.exit(0);
}

const modules = wanted.length > 0 ? wanted : Object.keys(FOLDERS);
for (const module of modules) {
  if (FOLDERS[module] === undefined) {
    give(`No module '${module}'. There are: ${Object.keys(FOLDERS).join(', ')}.`);
  }
}
const configurations = Object.fromEntries(
  modules.map((module) => [
    module,
    JSON.parse(readFileSync(join(TLA, FOLDERS[module], 'configurations.json'), 'utf8')),
  ]),
);
const { workers } = options;
if (!/^[1-9]\d*$/.test(workers)) {
  give(`--workers: a number from 1 expected, given '${workers}'.`);
}
const lanes = Math.max(1, Math.floor(availableParallelism() / Number(workers)));
const java = findJava(give);
const jar = findJar(give);

const tasks = modules.flatMap((module) =>
  Object.entries(configurations[module].configurations)
    .filter(([name, configuration]) => isWanted(name, configuration))
    .map(([name, configuration]) => ({ module, name, configuration })),
);
if (tasks.length === 0) {
  give('No configuration matches.');
}
const counts = {};
const running = new Map();
let printed = 0;
let finished = 0;
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    for (const tlc of running.values()) {
      tlc.kill('SIGKILL');
    }
    process.exit(130);
  });
}
const started = Date.now();
announce();
const ticking = setInterval(printProgress, PROGRESS_MS);
await runAll();
clearInterval(ticking);
const rows = tasks.map(({ outcome }) => outcome);
const wrong = rows.filter((row) => !row.agrees);
const seconds = (Date.now() - started) / 1000;
console.log(
  `\n${rows.length} configurations, ${rows.length - wrong.length} as expected, ${seconds.toFixed(0)} s`,
);
for (const row of wrong) {
  console.log(`\n${row.module} ${row.name}: expected ${row.expected}, got ${row.got}\n${row.output}`);
}
if (options.record && wrong.length === 0) {
  writeTimes();
}
process.exitCode = wrong.length === 0 ? 0 : 1;

/** The long ones first, so that none is left alone at the end. */
async function runAll() {
  const queue = [...tasks.filter(isLong), ...tasks.filter((task) => !isLong(task))];
  const lane = async () => {
    for (let task = queue.shift(); task !== undefined; task = queue.shift()) {
      task.outcome = await check(task);
      finished++;
      keepCounts(task);
      printRows();
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

function isLong({ configuration }) {
  return configuration.slow === true || configuration.when === 'nightly';
}

function keepCounts({ module, name, configuration, outcome }) {
  if (configuration.expect !== undefined || !outcome.agrees) {
    return;
  }
  counts[module] ??= {};
  counts[module][name] = {
    constants: constantsOf(module, configuration),
    distinctStates: outcome.distinct,
    generatedStates: outcome.generated,
  };
  writeCounts(module, counts[module]);
}

function isWanted(name, configuration) {
  if (options.only !== undefined && !name.includes(options.only)) {
    return false;
  }
  if (options.quick && (configuration.slow || configuration.when === 'nightly')) {
    return false;
  }
  return configuration.when !== 'nightly' || options.nightly;
}

/** Runs one configuration in a temporary directory of its own. */
async function check(task) {
  const { module, name, configuration } = task;
  const directory = mkdtempSync(join(tmpdir(), 'tlc-'));
  try {
    // TLC looks for the configuration, and for the modules that a module extends, beside it, and leaves traces there.
    for (const path of readdirSync(TLA, { recursive: true }).filter((name) => name.endsWith('.tla'))) {
      copyFileSync(join(TLA, path), join(directory, basename(path)));
    }
    writeFileSync(join(directory, `${module}.cfg`), configurationText(configurations[module], configuration));
    const started = Date.now();
    const limit = LIMIT_MS[configuration.expect !== undefined ? 'must-fail' : (configuration.when ?? 'ci')];
    const { code, output } = await runTlc(directory, task, limit);
    const last = [...output.matchAll(/(\d+) states generated, (\d+) distinct states found/g)].at(-1);
    const got = verdict(code, output);
    const expected = configuration.expect ?? 'passes';
    return {
      module,
      name,
      expected,
      got,
      agrees: got === expected,
      generated: last === undefined ? 0 : Number(last[1]),
      distinct: last === undefined ? 0 : Number(last[2]),
      seconds: (Date.now() - started) / 1000,
      output: output.split('\n').slice(-60).join('\n'),
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** TLC's own configuration file. */
function configurationText(module, configuration) {
  const lines = [`SPECIFICATION ${configuration.specification ?? 'Spec'}`, 'CONSTANTS'];
  for (const [constant, value] of Object.entries({ ...module.constants, ...configuration.constants })) {
    lines.push(`  ${constant} = ${constantText(value)}`);
  }
  const invariants = configuration.invariants ?? module.invariants;
  if (invariants.length > 0) {
    lines.push(`INVARIANTS ${invariants.join(' ')}`);
  }
  const properties = configuration.properties ?? [];
  if (properties.length > 0) {
    lines.push(`PROPERTIES ${properties.join(' ')}`);
  }
  return `${lines.join('\n')}\n`;
}

function constantText(value) {
  if (Array.isArray(value)) {
    return `{${value.map(constantText).join(', ')}}`;
  }
  return typeof value === 'boolean' ? String(value).toUpperCase() : JSON.stringify(value);
}

function runTlc(directory, task, limit) {
  return new Promise((resolve, reject) => {
    const tlc = ['-workers', workers, '-nowarning', '-metadir', join(directory, 'states')];
    if (task.configuration.ignoreDeadlock) {
      tlc.push('-deadlock'); // Sic: it switches the check off.
    }
    // TLC unpacks its standard modules there, under fixed names: in a place of everybody's, one run would read what
    // another removes.
    const temporary = `-Djava.io.tmpdir=${directory}`;
    const child = spawn(
      java,
      [...javaOptions(task), temporary, '-cp', jar, 'tlc2.TLC', ...tlc, task.module],
      {
        cwd: directory,
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    running.set(task, child);
    let output = '';
    let late = false;
    child.stdout.on('data', (data) => {
      output += data;
    });
    child.stderr.on('data', (data) => {
      output += data;
    });
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, limit);
    child.on('error', reject);
    child.on('close', (code) => {
      running.delete(task);
      clearTimeout(timer);
      resolve({ code: late ? 'late' : code, output });
    });
  });
}

/**
 * The second compiler makes a long run faster; a short one ends before that pays, and takes half the processor time
 * without it. One thread that makes garbage needs no more than one that collects it.
 */
function javaOptions(task) {
  const collector = workers === '1' ? '-XX:+UseSerialGC' : '-XX:+UseParallelGC';
  return isLong(task) ? [collector] : [collector, '-XX:TieredStopAtLevel=1'];
}

/**
 * What happened, in the words that `expect` uses. The names come from TLC's messages, for its exit codes tell only the
 * kind.
 */
function verdict(code, output) {
  if (code === 'late') {
    return 'out of time';
  }
  if (code === 0) {
    return output.includes('No error has been found') ? 'passes' : 'no result';
  }
  const invariant = /Invariant (\w+) is violated/.exec(output);
  if (invariant !== null) {
    return `violates ${invariant[1]}`;
  }
  const action = /Action property (\w+) is violated/.exec(output);
  if (action !== null) {
    return `violates ${action[1]}`;
  }
  if (output.includes('Deadlock reached')) {
    return 'deadlock';
  }
  if (output.includes('Temporal properties were violated')) {
    return 'violates liveness';
  }
  return `error (exit ${code})`;
}

/** Those that are done and before which all are printed. */
function printRows() {
  for (; tasks[printed]?.outcome !== undefined; printed++) {
    clearProgress();
    if (printed === 0) {
      printHead();
    }
    printRow(tasks[printed].outcome);
  }
}

/** What is asked for and how long that took before, so that nobody waits in the dark. */
function announce() {
  const before = existsSync(TIMES) ? JSON.parse(readFileSync(TIMES, 'utf8')) : { ci: null };
  const isWhole = wanted.length === 0 && options.only === undefined && !options.quick && !options.nightly;
  const took =
    isWhole && before.ci !== null ? `; the last recorded run of all took ${before.ci.seconds} s` : '';
  console.log(`${tasks.length} configurations, ${lanes} at a time${took}\n`);
}

function printProgress() {
  const names = [...running.keys()].map(({ module, name }) => `${module} ${name}`);
  const now = `${finished} of ${tasks.length} done; at work: ${names.join(', ')}`;
  if (!process.stdout.isTTY) {
    console.error(`[${Math.round((Date.now() - started) / 1000)} s] ${now}`);
    return;
  }
  clearProgress();
  process.stdout.write(now.slice(0, (process.stdout.columns ?? 80) - 1));
}

function clearProgress() {
  if (process.stdout.isTTY) {
    process.stdout.write('\r\x1b[K');
  }
}

function printHead() {
  console.log(line('module', 'configuration', 'distinct', 'generated', 'time', 'expected', 'got'));
}

function printRow(row) {
  const time = `${row.seconds.toFixed(1)} s`;
  // After a violation the counts depend on the order of the search and mean nothing.
  const passes = row.got === 'passes';
  const distinct = passes ? row.distinct.toLocaleString('en') : '';
  const generated = passes ? row.generated.toLocaleString('en') : '';
  const got = row.agrees ? 'as expected' : `${row.got}   <<< WRONG`;
  console.log(line(row.module, row.name, distinct, generated, time, row.expected, got));
}

function line(module, name, distinct, generated, time, expected, got) {
  const left = `${module.padEnd(15)} ${name.padEnd(34)}`;
  const figures = `${distinct.padStart(11)} ${generated.padStart(12)} ${time.padStart(9)}`;
  return `${left} ${figures}  ${expected.padEnd(34)} ${got}`;
}

/**
 * Keeps the counts of configurations that were not run now, but none of those that are gone or have other constants
 * now.
 */
function writeCounts(module, counts) {
  const file = join(TLA, FOLDERS[module], 'results.json');
  const before = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  const after = {};
  for (const [name, configuration] of Object.entries(configurations[module].configurations)) {
    if (counts[name] !== undefined) {
      after[name] = counts[name];
    } else if (configuration.expect === undefined && before[name] !== undefined) {
      const constants = JSON.stringify(constantsOf(module, configuration));
      if (JSON.stringify(before[name].constants) === constants) {
        after[name] = before[name];
      }
    }
  }
  writeFileSync(file, `${JSON.stringify(after, null, 2)}\n`);
}

/** The whole CI set as one figure, and each nightly configuration's own. What was not run now keeps what it had. */
function writeTimes() {
  const times = existsSync(TIMES) ? JSON.parse(readFileSync(TIMES, 'utf8')) : { ci: null, nightly: {} };
  for (const key of Object.keys(times.nightly)) {
    const [module, name] = key.split(' ');
    if (configurations[module] !== undefined && configurations[module].configurations[name] === undefined) {
      delete times.nightly[key];
    }
  }
  const about = { ...thisRun(), workers: Number(workers) };
  const isWhole = wanted.length === 0 && options.only === undefined && !options.quick && !options.nightly;
  if (isWhole) {
    times.ci = { ...about, atATime: lanes, configurations: rows.length, seconds: Math.round(seconds) };
  }
  for (const { module, name, configuration, outcome } of tasks) {
    if (configuration.when === 'nightly') {
      times.nightly[`${module} ${name}`] = { ...about, seconds: Math.round(outcome.seconds) };
    }
  }
  writeFileSync(TIMES, `${JSON.stringify(times, null, 2)}\n`);
}

function constantsOf(module, configuration) {
  return { ...configurations[module].constants, ...configuration.constants };
}

function give(message) {
  console.error(message);
  process.exit(2);
}
