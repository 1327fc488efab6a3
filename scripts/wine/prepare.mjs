/**
 * Makes everything that the Windows tests need on Linux, below .cache/wine: the library for Windows (mingw-w64),
 * Windows Node, the package as it is installed on Windows, and a Wine prefix with the library registered. What is there
 * already is kept.
 *
 * Each part throws with the exact command that would help.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hasProgram, installAsRoot } from '../build-native.mjs';
import { layoutProgram } from './layout-program.mjs';
import { installNode, NODE_VERSION, nodePath } from './windows-node.mjs';

export { NODE_VERSION, nodePath };

export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const CACHE = join(ROOT, '.cache', 'wine');
export const PREFIX = join(CACHE, 'prefix');
/** The package, as npm installs it for Windows. */
export const APP = join(CACHE, 'app');
const NATIVE = join(ROOT, 'native', 'winfsp-linux');
const INSTALL_STEPS = [
  'apt-get update',
  'apt-get install -y --no-install-recommends wine wine64 gcc-mingw-w64-x86-64 make nsis',
];
const COMPILER = 'x86_64-w64-mingw32-gcc';

/** Z:\… of a path here. */
export const windowsPath = (path) => `Z:${path.replaceAll('/', '\\')}`;

/** What is missing, installed if that can be done; null when all is there, or else the reason with the command. */
export function whyNotHere(log) {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return `it needs Linux on x64, this is ${process.platform} on ${process.arch}`;
  }
  const missing = () => ['wine', COMPILER, 'make', 'makensis'].filter((program) => !hasProgram(program));
  if (missing().length > 0 && hasProgram('apt-get')) {
    installAsRoot(INSTALL_STEPS, log);
  }
  const left = missing();
  return left.length === 0
    ? null
    : `missing: ${left.join(', ')}. Install: sudo ${INSTALL_STEPS.join(' && sudo ')}`;
}

export function prepare(log) {
  mkdirSync(CACHE, { recursive: true });
  step(log, 'library for Windows', buildLibrary);
  step(log, 'Windows Node', installNode);
  step(log, 'package for Windows', installPackage);
  step(log, 'Wine prefix', makePrefix);
}

function step(log, what, work) {
  const begun = Date.now();
  const result = work();
  log(`${what}: ${result} (${((Date.now() - begun) / 1000).toFixed(1)} s)`);
}

function run(program, args, options = {}) {
  const result = spawnSync(program, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options,
  });
  if (result.status !== 0) {
    const said = `${result.stdout ?? ''}${result.stderr ?? ''}${result.error?.message ?? ''}`;
    throw new Error(
      `"${program} ${args.join(' ')}" failed (${result.status ?? result.signal}): ${said.slice(-2000)}`,
    );
  }
  return result.stdout;
}

function buildLibrary() {
  run('make', ['--silent', '-C', NATIVE, 'dll']);
  const bin = join(CACHE, 'WinFsp', 'bin');
  mkdirSync(bin, { recursive: true });
  copyFileSync(join(NATIVE, 'build-win', 'winfsp-x64.dll'), join(bin, 'winfsp-x64.dll'));
  run(COMPILER, ['-shared', '-o', oldLibrary(), join(ROOT, 'tests', 'wine', 'old-winfsp.c')]);
  run(COMPILER, ['-o', msiexecStandIn(), join(ROOT, 'tests', 'wine', 'msiexec.c')]);
  for (const version of ['1.9', '1.10']) buildVersioned(version);
  const source = join(CACHE, 'layouts.c');
  writeFileSync(
    source,
    layoutProgram(JSON.parse(readFileSync(join(ROOT, 'docs', 'data', 'winfsp-abi.json'), 'utf8'))),
  );
  run(COMPILER, ['-std=gnu11', `-I${join(NATIVE, 'include')}`, '-static', '-o', layoutProgramPath(), source]);
  return 'built';
}

/** A library of which an installer reads the version. */
function buildVersioned(version) {
  const resource = join(CACHE, 'version');
  writeFileSync(
    `${resource}.rc`,
    `1 VERSIONINFO\nFILEVERSION ${version.replace('.', ',')},0,0\nBEGIN\nEND\n`,
  );
  run('x86_64-w64-mingw32-windres', [`${resource}.rc`, `${resource}.o`]);
  const source = join(ROOT, 'tests', 'wine', 'old-winfsp.c');
  run(COMPILER, ['-shared', '-o', versionedLibrary(version), source, `${resource}.o`]);
}

/** This project's library, built for Windows. */
export const standInLibrary = () => join(CACHE, 'WinFsp', 'bin', 'winfsp-x64.dll');
export const msiexecStandIn = () => join(CACHE, 'msiexec.exe');
/** `version`: 1.9 or 1.10. */
export const versionedLibrary = (version) => join(CACHE, `winfsp-${version}.dll`);
export const oldLibrary = () => join(CACHE, 'old-winfsp.dll');
export const layoutProgramPath = () => join(CACHE, 'layouts.exe');

/** Production dependencies for Windows by the lock file, beside the compiled program and its documents. */
function installPackage() {
  mkdirSync(APP, { recursive: true });
  const lock = readFileSync(join(ROOT, 'package-lock.json'));
  const stamp = join(APP, '.lock-hash');
  const hash = createHash('sha256').update(lock).digest('hex');
  copyFileSync(join(ROOT, 'package.json'), join(APP, 'package.json'));
  for (const folder of ['dist', 'docs']) {
    const link = join(APP, folder);
    if (statSync(link, { throwIfNoEntry: false }) === undefined) {
      rmSync(link, { force: true });
      symlinkSync(join(ROOT, folder), link);
    }
  }
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) {
    return 'current';
  }
  for (const file of ['package-lock.json', '.npmrc']) {
    copyFileSync(join(ROOT, file), join(APP, file));
  }
  run('npm', ['ci', '--os=win32', '--cpu=x64', '--omit=dev', '--ignore-scripts', '--silent'], { cwd: APP });
  writeFileSync(stamp, hash);
  return 'installed';
}

export function wineEnvironment(more = {}) {
  const { DISPLAY: _, ...env } = process.env;
  // winemenubuilder would write start menu entries into this user's home directory.
  return { ...env, WINEDLLOVERRIDES: 'winemenubuilder.exe=', WINEDEBUG: '-all', WINEPREFIX: PREFIX, ...more };
}

export function wine(args, options = {}) {
  return run('wine', args, { env: wineEnvironment(), timeout: 180_000, ...options });
}

/** A fresh prefix says Windows 7, where Node does not start. */
function makePrefix() {
  const made = existsSync(join(PREFIX, '.ready'));
  if (!made) {
    rmSync(PREFIX, { recursive: true, force: true });
    // What it prints goes nowhere: without a screen it complains about that.
    wine(['wineboot', '-i'], { stdio: 'ignore' });
    wine(['winecfg', '-v', 'win10'], { stdio: 'ignore' });
    // Until all that it started has ended: its service manager would still forget services of ours.
    run('wineserver', ['-w'], { env: wineEnvironment(), timeout: 120_000 });
    writeFileSync(join(PREFIX, '.ready'), '');
  }
  // Windows without a screen: a wizard's can be read and filled in all the same.
  setValue('HKCU\\Software\\Wine\\Drivers', 'Graphics', 'null');
  setValue('HKLM\\SOFTWARE\\WOW6432Node\\WinFsp', 'InstallDir', `${windowsPath(join(CACHE, 'WinFsp'))}\\`);
  return made ? 'there' : 'made';
}

function setValue(key, name, text) {
  wine(['reg', 'add', key, '/v', name, '/t', 'REG_SZ', '/d', text, '/f'], { stdio: 'ignore' });
}

/** Ends what is left of our prefix, and nothing of other prefixes. */
export function endWine() {
  spawnSync('wineserver', ['-k'], { env: wineEnvironment(), stdio: 'ignore' });
}
