/**
 * Makes a bare clone ready to run: npm packages, system packages, compiled TypeScript, the native library. Plain Node,
 * nothing needs to be installed. When everything is there it only compares fingerprints and says nothing, so every npm
 * script starts here.
 *
 * As root on a system with apt-get it installs missing system packages, and says beforehand what it is going to run;
 * not with --no-install, or with RAMDRIVE_NO_INSTALL=1 for npm scripts, which pass no option on.
 *
 * Writes node_modules/, dist/, native/winfsp-linux/build/. Runs at the same time wait for each other. What it cannot do
 * it says, with the command that does it; only a program that could not be compiled at all is a failure (exit code 1).
 */
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  buildNative,
  hasProgram,
  installAsRoot,
  installSteps,
  missingRequirements,
} from './build-native.mjs';

const root = realpathSync(dirname(dirname(fileURLToPath(import.meta.url))));
const inRoot = (...parts) => join(root, ...parts);

const BUILD_CONFIGURATION = inRoot('tsconfig.build.json');
/** What is compiled, and what that imports from elsewhere. */
const TYPESCRIPT_INPUTS = [
  ...(readJson(BUILD_CONFIGURATION)?.include ?? []),
  'tests/support',
  'tests/unit/winfsp/fixtures',
  'package.json',
  'tsconfig.json',
  'tsconfig.build.json',
];
const NATIVE_INPUTS = [
  'native/winfsp-linux/src',
  'native/winfsp-linux/include',
  'native/winfsp-linux/Makefile',
];
const TYPESCRIPT_STAMP = inRoot('dist', '.bootstrap.json');
const NATIVE_LIBRARY = inRoot('native', 'winfsp-linux', 'build', 'libwinfsp.so');
const NATIVE_TEST_LIBRARY = inRoot('native', 'winfsp-linux', 'build', 'libwinfsp-test.so');
const NATIVE_STAMP = inRoot('native', 'winfsp-linux', 'build', '.bootstrap.json');
const PACKAGES_STAMP = inRoot('node_modules', '.bootstrap.json');

const mayInstall = !process.argv.includes('--no-install') && process.env.RAMDRIVE_NO_INSTALL !== '1';

const log = (message) => process.stderr.write(`bootstrap: ${message}\n`);

/** Every file below the inputs with its size and time: any edit, addition, removal or checkout changes it. */
function fingerprint(inputs) {
  const files = {};
  const visit = (path) => {
    const entry = statSync(path, { throwIfNoEntry: false });
    if (entry === undefined) {
      return;
    }
    if (entry.isDirectory()) {
      for (const name of readdirSync(path).sort()) {
        visit(join(path, name));
      }
      return;
    }
    files[relative(root, path).split(sep).join('/')] = `${entry.size} ${entry.mtimeMs}`;
  };
  for (const input of inputs) {
    visit(inRoot(input));
  }
  return files;
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return null;
  }
}

function writeStamp(path, content) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, JSON.stringify(content));
}

const isCurrent = (stamp, files) => JSON.stringify(readJson(stamp)) === JSON.stringify(files);
const removedSince = (stamp, files) => Object.keys(readJson(stamp) ?? {}).filter((file) => !(file in files));

const lockHash = () =>
  createHash('sha256')
    .update(readFileSync(inRoot('package-lock.json')))
    .digest('hex');

function packagesAreCurrent() {
  const installed = statSync(inRoot('node_modules', '.package-lock.json'), { throwIfNoEntry: false });
  const wanted = statSync(inRoot('package-lock.json'), { throwIfNoEntry: false });
  if (wanted === undefined) {
    return true;
  }
  if (installed === undefined) {
    return false;
  }
  // A checkout renews times without changing anything: then the content decides.
  return installed.mtimeMs >= wanted.mtimeMs || readJson(PACKAGES_STAMP)?.lockHash === lockHash();
}

function typescriptIsCurrent() {
  return !existsSync(BUILD_CONFIGURATION) || isCurrent(TYPESCRIPT_STAMP, fingerprint(TYPESCRIPT_INPUTS));
}

function nativeIsCurrent() {
  return (
    process.platform !== 'linux' ||
    !existsSync(inRoot('native', 'winfsp-linux', 'Makefile')) ||
    (existsSync(NATIVE_LIBRARY) && isCurrent(NATIVE_STAMP, fingerprint(NATIVE_INPUTS)))
  );
}

/** Others at work here are waited for this long: an installation over a slow line. */
const WAIT_LIMIT_MS = 30 * 60_000;

/**
 * One at a time, by a socket in the checkout, where no other user can make one; on Windows by a pipe whose name takes a
 * random salt kept there. The system frees it when its owner dies. A run that finds it taken connects and waits for the
 * end of the connection.
 */
async function whileAlone(work) {
  let path;
  try {
    path = lockPath();
  } catch (error) {
    // A folder that we may not write is no checkout of ours; what is to be done there fails, and says why.
    log(`no lock: ${error.message}`);
    return work();
  }
  const deadline = Date.now() + WAIT_LIMIT_MS;
  for (let told = false; ; told = true) {
    const server = createServer();
    const taken = await new Promise((resolve, reject) => {
      server.once('error', (error) => (error.code === 'EADDRINUSE' ? resolve(true) : reject(error)));
      server.listen(path, () => resolve(false));
    });
    if (!taken) {
      try {
        return work();
      } finally {
        server.close();
      }
    }
    if (await isLeftBehind(path)) {
      continue;
    }
    if (!told) {
      log('another bootstrap is at work here; waiting for it.');
    }
    if (!(await untilEnd(path, deadline))) {
      log(
        `it did not end within ${WAIT_LIMIT_MS / 60_000} minutes. End it, or remove ${path}, and try again.`,
      );
      return 1;
    }
  }
}

/** Relative on Linux: a socket's path has 107 bytes at most. */
function lockPath() {
  mkdirSync(inRoot('.cache'), { recursive: true });
  if (process.platform !== 'win32') {
    process.chdir(root);
    return join('.cache', 'bootstrap.sock');
  }
  const file = inRoot('.cache', 'bootstrap.salt');
  try {
    writeFileSync(file, randomBytes(24).toString('hex'), { flag: 'wx' });
  } catch (error) {
    if (error.code !== 'EEXIST') {
      throw error;
    }
  }
  return `\\\\.\\pipe\\ramdrive-bootstrap-${readFileSync(file, 'utf8')}`;
}

/**
 * A socket that nobody listens on, of a run that was killed, is taken away. It gets another name first and is asked
 * once more under that: another run may have put its own in the place meanwhile, which then goes back.
 */
async function isLeftBehind(path) {
  if (process.platform === 'win32' || (await isListening(path))) {
    return false;
  }
  const aside = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    renameSync(path, aside);
  } catch {
    // Another run was quicker.
    return true;
  }
  if (await isListening(aside)) {
    renameSync(aside, path);
    return false;
  }
  rmSync(aside, { force: true });
  return true;
}

function isListening(path) {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', ({ code }) => resolve(code !== 'ECONNREFUSED' && code !== 'ENOENT'));
  });
}

/** False when the deadline has passed. */
function untilEnd(path, deadline) {
  return new Promise((resolve) => {
    const owner = connect(path);
    const timer = setTimeout(() => {
      owner.destroy();
      resolve(false);
    }, deadline - Date.now());
    const again = () => {
      clearTimeout(timer);
      setTimeout(() => resolve(true), 50);
    };
    owner.once('error', again);
    owner.once('close', again);
    owner.resume();
  });
}

function timed(what, work) {
  const start = Date.now();
  log(`${what} …`);
  const result = work();
  if (result) {
    log(`${what}: done in ${((Date.now() - start) / 1000).toFixed(1)} s`);
  }
  return result;
}

function installPackages() {
  const done = timed('npm packages (npm ci)', () => {
    // The npm that started us, or else the one on PATH; on Windows that is a batch file, which only a shell can run.
    const own = process.env.npm_execpath?.endsWith('npm-cli.js') ? process.env.npm_execpath : null;
    const [program, first] = own === null ? ['npm', []] : [process.execPath, [own]];
    const shell = own === null && process.platform === 'win32';
    const args = [...first, 'ci', '--include=dev', '--no-fund', '--no-audit'];
    return spawnSync(program, args, { cwd: root, shell, stdio: ['ignore', 2, 2] }).status === 0;
  });
  if (!done) {
    log('npm ci failed: see above. Check the network, then run it again: npm ci');
    return false;
  }
  writeStamp(PACKAGES_STAMP, { lockHash: lockHash() });
  return true;
}

function buildTypeScript() {
  // Before anything is read: an edit during the build then makes the next run build again.
  const files = fingerprint(TYPESCRIPT_INPUTS);
  const removed = removedSince(TYPESCRIPT_STAMP, files);
  rmSync(TYPESCRIPT_STAMP, { force: true });
  for (const file of removed) {
    for (const ending of ['.js', '.js.map', '.d.ts']) {
      rmSync(inRoot('dist', file.replace(/\.ts$/, ending)), { force: true });
    }
  }
  if (!existsSync(inRoot('dist', 'src'))) {
    // The compiler trusts its notes of the last run more than the folder.
    rmSync(inRoot('dist', '.tsbuildinfo'), { force: true });
  }
  const compiler = inRoot('node_modules', 'typescript', 'bin', 'tsc');
  const done = timed('TypeScript', () => {
    const args = [compiler, '-p', BUILD_CONFIGURATION, '--pretty', 'false'];
    return spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', 2, 2] }).status === 0;
  });
  if (!done) {
    log('TypeScript found errors: see above.');
    return false;
  }
  writeStamp(TYPESCRIPT_STAMP, files);
  return true;
}

/**
 * Whether the library could be built. Without the system packages there is none, and that is no failure of the
 * bootstrap.
 */
function buildLibrary() {
  let missing = missingRequirements();
  if (missing.length > 0) {
    const steps = installSteps();
    if (
      steps !== null &&
      mayInstall &&
      timed(`system packages (missing: ${missing.join(', ')})`, () => installAsRoot(steps, log))
    ) {
      missing = missingRequirements();
    }
    if (missing.length > 0) {
      const command = steps === null ? 'Install them' : `Install them: sudo ${steps.join(' && sudo ')}`;
      log(`missing: ${missing.join(', ')}. ${command}`);
      if (missing.some((requirement) => requirement !== 'fusermount3')) {
        log(
          'without them the native library is not built: no drive can be mounted, and tests that mount are skipped.',
        );
        return true;
      }
    }
  }
  const files = fingerprint(NATIVE_INPUTS);
  if (removedSince(NATIVE_STAMP, files).length > 0) {
    // make would not link again for a source that is gone.
    rmSync(NATIVE_LIBRARY, { force: true });
    rmSync(NATIVE_TEST_LIBRARY, { force: true });
  }
  rmSync(NATIVE_STAMP, { force: true });
  if (!timed('native library (make)', () => buildNative(root))) {
    log('the native library does not compile: see above.');
    return false;
  }
  writeStamp(NATIVE_STAMP, files);
  if (!existsSync('/dev/fuse')) {
    log('this machine has no /dev/fuse, so nothing can be mounted. Load the module: sudo modprobe fuse');
    log('(in a container: start it with --device /dev/fuse --cap-add SYS_ADMIN)');
  }
  if (process.getuid?.() !== 0 && !hasProgram('fusermount3')) {
    log('only root can mount without fusermount3.');
  }
  return true;
}

function work() {
  // Asked again here: another run may have done it while this one waited.
  if (!packagesAreCurrent() && !installPackages()) {
    return 1;
  }
  // Both are tried, so that one run shows the troubles of both.
  const typescript = typescriptIsCurrent() || buildTypeScript();
  const native = nativeIsCurrent() || buildLibrary();
  return typescript && native ? 0 : 1;
}

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  log(`Node.js 20.19 or later is needed; this is ${process.versions.node}.`);
  process.exitCode = 1;
} else if (!packagesAreCurrent() || !typescriptIsCurrent() || !nativeIsCurrent()) {
  process.exitCode = await whileAlone(work);
}
