/**
 * `npm pack` runs this: the native library for each kind of processor into native/winfsp-linux/prebuilt, so that nobody
 * who installs the package needs a compiler. Links against the C library of this machine: systems with an older one,
 * or with another one (musl), build for themselves (scripts/install.mjs).
 *
 *   node scripts/prebuild-native.mjs [--all]
 *
 * A processor without a compiler here is left out and named; with --all that is a failure (exit code 1).
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hasProgram } from './build-native.mjs';

/** Node's name of the processor, and the compiler that Debian has for it (package gcc-x86-64-linux-gnu and so on). */
const COMPILERS = { x64: 'x86_64-linux-gnu-gcc', arm64: 'aarch64-linux-gnu-gcc' };

const native = join(dirname(dirname(fileURLToPath(import.meta.url))), 'native', 'winfsp-linux');
const isWithAll = process.argv.includes('--all');

function compilerFor(architecture) {
  const found = [COMPILERS[architecture], ...(architecture === process.arch ? ['gcc', 'cc'] : [])];
  return process.platform === 'linux' ? found.find(hasProgram) : undefined;
}

/** The library alone, without what only tests need, and without debugging information. */
function build(architecture, compiler) {
  const folder = `build-prebuilt-${architecture}`;
  // make would not link again for a source that is gone.
  rmSync(join(native, folder, 'libwinfsp.so'), { force: true });
  const args = ['--silent', '-C', native, `-j${availableParallelism()}`, `CC=${compiler}`, 'OPTIMISE=-O2'];
  const { status } = spawnSync('make', [...args, `BUILD=${folder}`, `${folder}/libwinfsp.so`], {
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) return false;
  const target = join(native, 'prebuilt', architecture);
  mkdirSync(target, { recursive: true });
  copyFileSync(join(native, folder, 'libwinfsp.so'), join(target, 'libwinfsp.so'));
  return true;
}

rmSync(join(native, 'prebuilt'), { recursive: true, force: true });
for (const architecture of Object.keys(COMPILERS)) {
  const compiler = compilerFor(architecture);
  if (compiler === undefined) {
    console.error(`prebuild: ${architecture} is left out: there is no ${COMPILERS[architecture]} here.`);
    process.exitCode ||= isWithAll ? 1 : 0;
  } else if (!build(architecture, compiler)) {
    console.error(`prebuild: ${architecture}: ${compiler} failed, see above.`);
    process.exitCode = 1;
  }
}
