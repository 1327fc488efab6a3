/**
 * `npm run test:wine`: the Windows binaries of everything, on Linux. Builds the WinFsp API for Windows with the script
 * front end, prepares Windows Node in a Wine prefix (scripts/wine/prepare.mjs), and runs the programs of tests/wine and
 * the conformance suite there.
 *
 *   npm run test:wine [-- --quick] [--only name] [--seconds n] [--seed n]
 *
 * It shows that the Windows program loads, finds its library, has the right layouts and keeps its duties; it proves
 * nothing about the WinFsp driver, which no Wine has. Skipped, with the reason and the command that helps, where Wine
 * cannot be had (exit code 0).
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { unzipSync } from 'fflate';
import {
  NotToBeHad,
  provideBinaries,
  provideInstaller,
  whyNotHere as whyNoBinaries,
} from './driver/provision.mjs';
import { sha256Of } from './sha256.mjs';
import {
  endWine,
  layoutProgramPath,
  msiexecStandIn,
  NODE_VERSION,
  nodePath,
  oldLibrary,
  prepare,
  ROOT,
  versionedLibrary,
  whyNotHere,
  windowsPath,
  wine,
} from './wine/prepare.mjs';
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
    only: { type: 'string' },
    seconds: { type: 'string' },
    seed: { type: 'string' },
  },
});
const log = (message) => process.stderr.write(`test:wine: ${message}\n`);
const OUTPUT = join(ROOT, '.cache', 'wine', 'output');
const seconds = options.seconds ?? (options.quick ? '12' : '60');
const seed = options.seed === undefined ? [] : ['--seed', options.seed];

endEverythingWhenStopped();

/** Each runs under Windows Node; `limit` seconds are far above what it takes. */
const PROGRAMS = [
  { name: 'library', what: 'library look-up', limit: 120 },
  { name: 'layouts', what: 'layouts', limit: 60, args: () => [windowsPath(compilerReport())] },
  { name: 'memory', what: 'page memory', limit: 120 },
  { name: 'names', what: 'case of names', limit: 120 },
  { name: 'mounting', what: 'mount strategy', limit: 240 },
  { name: 'command-line', what: 'command line', limit: 400 },
  { name: 'service', what: 'service', limit: 400 },
  { name: 'pipes', what: 'control pipes', limit: 120 },
  { name: 'temp', what: 'TEMP', limit: 200 },
  { name: 'launcher', what: 'WinFsp Launcher', limit: 300, args: () => [windowsPath(genuineWinFsp())] },
  { name: 'installer', what: 'installer', limit: 1200, args: () => installer().map(windowsPath) },
  {
    name: 'installer-temp',
    what: 'TEMP by the installer',
    limit: 1200,
    args: () => [windowsPath(installer()[0])],
  },
  {
    name: 'installer-winfsp',
    what: 'installer with WinFsp',
    limit: 1200,
    args: installerWithWinFsp,
    // Wine takes its own msiexec otherwise, whatever lies in its place.
    env: { WINEDLLOVERRIDES: 'winemenubuilder.exe=;msiexec.exe=native' },
  },
  {
    name: 'installer-pages',
    what: 'pages of the installer',
    limit: 2400,
    args: () => [windowsPath(installer()[0])],
  },
  { name: 'bench-client', what: 'benchmark client', limit: 300 },
  {
    name: 'cycles',
    what: 'start and stop',
    limit: 600,
    args: () => ['--count', options.quick ? '20' : '100'],
  },
  {
    name: 'torture',
    what: 'torture',
    limit: 120 + 3 * Number(seconds),
    args: () => ['--seconds', seconds, ...seed],
  },
  {
    name: 'conformance',
    what: 'conformance',
    limit: 900,
    script: 'tests/conformance/main.js',
    // The other dispatchers have had their cycles and their torture by then.
    args: () => (options.quick ? ['--dispatcher', 'inline'] : []),
    read: readConformance,
  },
];

/** The layouts as the Windows compiler has them, written by a program that runs under Wine, too. */
function compilerReport() {
  const path = join(OUTPUT, 'compiler-layouts.txt');
  writeFileSync(path, wine([layoutProgramPath()]));
  return path;
}

/** Directory of WinFsp's own programs. Throws NotToBeHad. */
function genuineWinFsp() {
  const reason = whyNoBinaries(log);
  if (reason !== null) throw new NotToBeHad(reason);
  return provideBinaries(log);
}

/** WinFsp's own set-up program. Throws NotToBeHad. */
function genuineInstaller() {
  const reason = whyNoBinaries(log);
  if (reason !== null) throw new NotToBeHad(reason);
  return provideInstaller(log);
}

let made;
const installer = () => (made ??= makeInstaller());

const { version: VERSION } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const installerFile = (name) => join(ROOT, '.cache', 'installer', `ramdrive-${VERSION}-${name}`);

/** Makes a set-up program and puts it where the next one does not take its place. */
function makeSetup(name, ...args) {
  const program = [join(ROOT, 'scripts', 'installer.mjs'), '--fast', ...args];
  const { status, stderr } = spawnSync(process.execPath, program, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`npm run installer failed: ${stderr}`);
  const setup = join(ROOT, '.cache', 'wine', name);
  renameSync(installerFile('setup-x64.exe'), setup);
  return setup;
}

/** The arguments of installer-winfsp: a set-up program with WinFsp's own in it, and what plays Windows. */
function installerWithWinFsp() {
  const msi = genuineInstaller();
  const setup = makeSetup('setup-with-winfsp.exe', '--winfsp', msi);
  const files = [msiexecStandIn(), versionedLibrary('1.9'), versionedLibrary('1.10')];
  return [windowsPath(setup), sha256Of(msi), ...files.map(windowsPath)];
}

/** The set-up program as a release has it, but for the compression and WinFsp; and the folder of the portable zip. */
function makeInstaller() {
  const setup = makeSetup('setup.exe');
  const folder = join(ROOT, '.cache', 'wine', 'portable');
  rmSync(folder, { recursive: true, force: true });
  for (const [name, bytes] of Object.entries(unzipSync(readFileSync(installerFile('portable-x64.zip'))))) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), bytes);
  }
  return [setup, join(folder, 'ramdrive')];
}

const readChecks = (output) => ({
  passed: linesOf(output, 'ok').length,
  failed: linesOf(output, 'FAILED'),
  notes: linesOf(output, 'note'),
});

function readConformance(output) {
  const summary = output.trim().split(/\r?\n/).at(-1) ?? '';
  const sum = (word) =>
    [...summary.matchAll(new RegExp(`(\\d+) ${word}`, 'g'))].reduce(
      (total, [, count]) => total + Number(count),
      0,
    );
  const failed = output.split(/\r?\n/).filter((line) => line.startsWith('FAILED ('));
  return { passed: sum('passed'), failed, notes: [summary] };
}

async function runProgram({
  name,
  what,
  limit,
  args = () => [],
  env = {},
  script = `tests/wine/${name}.js`,
  read = readChecks,
}) {
  log(`${what} …`);
  const begun = Date.now();
  let programArgs;
  try {
    programArgs = args();
  } catch (error) {
    if (!(error instanceof NotToBeHad)) throw error;
    return { what, ok: true, passed: 0, failed: 0, took: 0, notes: [`skipped: ${error.message}`] };
  }
  const end = await runWindows({
    name,
    args: [nodePath(), join('dist', script), ...programArgs],
    env: { RAMDRIVE_TEST_OLD_DLL: windowsPath(oldLibrary()), ...env },
    folder: OUTPUT,
    limitSeconds: limit,
  });
  const { passed, failed, notes } = read(end.output);
  const took = (Date.now() - begun) / 1000;
  // Nothing said is nothing tested: Wine can end a program with exit code 0 and no word.
  const ok = end.code === 0 && failed.length === 0 && passed > 0;
  if (!ok) {
    printFailure(what, end, limit);
  }
  return { what, ok, passed, failed: failed.length, took, notes };
}

async function main() {
  const reason = whyNotHere(log);
  if (reason !== null) {
    console.log(`test:wine: skipped: ${reason}`);
    return 0;
  }
  mkdirSync(OUTPUT, { recursive: true });
  try {
    prepare(log);
    const version = wine(['--version']).trim();
    const chosen = PROGRAMS.filter(({ name }) => options.only === undefined || name === options.only);
    if (chosen.length === 0) {
      console.error(
        `--only is "${options.only}"; expected one of ${PROGRAMS.map(({ name }) => name).join(', ')}.`,
      );
      return 2;
    }
    const results = [];
    for (const program of chosen) {
      results.push(await runProgram(program));
    }
    printTable(`Windows Node ${NODE_VERSION} under ${version}, not real Windows:`, results);
    return results.every(({ ok }) => ok) ? 0 : 1;
  } catch (error) {
    log(error.message);
    return 1;
  } finally {
    endWine();
  }
}

process.exitCode = await main();
