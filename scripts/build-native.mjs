/**
 * Builds the WinFsp library for Linux with the system's own compiler, and knows which system packages that takes.
 * Plain Node, no packages. As a program: `node scripts/build-native.mjs [make target…]`. On Windows there is nothing to
 * build: WinFsp itself is installed there.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Install commands by the package manager that is there. The first is the only one that is ever run without asking. */
const INSTALL_COMMANDS = [
  {
    program: 'apt-get',
    steps: ['apt-get update', 'apt-get install -y --no-install-recommends gcc libc6-dev make fuse3'],
  },
  { program: 'dnf', steps: ['dnf install -y gcc make fuse3'] },
  { program: 'pacman', steps: ['pacman -S --needed gcc make fuse3'] },
  { program: 'zypper', steps: ['zypper install -y gcc make fuse3'] },
  { program: 'apk', steps: ['apk add build-base linux-headers fuse3'] },
];

/** Whether a program is found on PATH. */
export function hasProgram(name) {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .some((directory) => directory !== '' && existsSync(join(directory, name)));
}

/** What the build and a mount need and this machine lacks, as words for a person. Empty when all is there. */
export function missingRequirements() {
  const missing = [];
  if (!hasProgram('cc') && !hasProgram('gcc')) {
    missing.push('a C compiler (cc)');
  }
  if (!hasProgram('make')) {
    missing.push('make');
  }
  if (!hasProgram('fusermount3')) {
    missing.push('fusermount3');
  }
  return missing;
}

/** The steps that install everything, or null when no known package manager is here. */
export function installSteps() {
  return INSTALL_COMMANDS.find(({ program }) => hasProgram(program))?.steps ?? null;
}

/**
 * Only as root, and only with apt-get; everybody else is told the command. Returns whether the steps were run and
 * succeeded.
 */
export function installAsRoot(steps, log) {
  if (process.getuid?.() !== 0 || !steps[0].startsWith('apt-get ')) {
    return false;
  }
  log(
    `as root, this is going to run (to leave it out: --no-install, or RAMDRIVE_NO_INSTALL=1): ${steps.join('; ')}`,
  );
  for (const step of steps) {
    log(step);
    const [program, ...args] = step.split(' ');
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const { status } = spawnSync(program, args, { env, stdio: ['ignore', 2, 2] });
    if (status !== 0) {
      log(`"${step}" failed with exit code ${status}.`);
      return false;
    }
  }
  return true;
}

/** Runs make. The compiler's output goes to standard error. Returns whether it succeeded. */
export function buildNative(root, targets = []) {
  const compiler = process.env.CC === undefined && !hasProgram('gcc') ? ['CC=cc'] : [];
  const args = ['--silent', '-C', join(root, 'native', 'winfsp-linux'), `-j${availableParallelism()}`];
  const { status } = spawnSync('make', [...args, ...compiler, ...targets], { stdio: ['ignore', 2, 2] });
  return status === 0;
}

function main() {
  const root = dirname(dirname(fileURLToPath(import.meta.url)));
  if (process.platform === 'win32') {
    console.error('Nothing to build on Windows: install WinFsp instead ("winget install WinFsp.WinFsp").');
    return 0;
  }
  if (!existsSync(join(root, 'native', 'winfsp-linux', 'Makefile'))) {
    const { name } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    console.error(`${name} was installed without its native sources.`);
    return 1;
  }
  const missing = missingRequirements();
  if (missing.length > 0) {
    console.error(`Missing: ${missing.join(', ')}.`);
    const steps = installSteps();
    console.error(
      steps === null ? 'Install them and try again.' : `Install them: sudo ${steps.join(' && sudo ')}`,
    );
    return 1;
  }
  return buildNative(root, process.argv.slice(2)) ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.exitCode = main();
}
