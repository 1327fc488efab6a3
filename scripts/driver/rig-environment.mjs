/**
 * Gets ready what programs on WinFsp's own driver need: WinFsp (provision.mjs), the rig that plays the kernel
 * (native/driver-rig), Windows Node in a Wine prefix, and the environment that tells a program where they are.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { APP, prepare, ROOT, standInLibrary, windowsPath } from '../wine/prepare.mjs';
import { provideBinaries } from './provision.mjs';

export const RIG = join(ROOT, 'native', 'driver-rig');
/** What the programs print goes to files in here. */
export const OUTPUT = join(ROOT, '.cache', 'wine', 'driver-output');

/** The environment for runWindows(). Throws NotToBeHad where WinFsp cannot be had, another Error when a part fails. */
export function prepareRig(log) {
  mkdirSync(OUTPUT, { recursive: true });
  const binaries = provideBinaries(log);
  prepare(log);
  buildRig();
  linkTestPackages();
  return {
    RIG_LIBRARY: windowsPath(join(RIG, 'build', 'driver-rig.dll')),
    RIG_DRIVER: windowsPath(join(binaries, 'winfsp-x64.sys')),
    RIG_STAND_IN: windowsPath(standInLibrary()),
    RIG_WINFSP: windowsPath(join(binaries, 'winfsp-x64.dll')),
    // Each program on the volume blocks a thread of the pool.
    UV_THREADPOOL_SIZE: '16',
    NODE_OPTIONS: `--import=file:///Z:${join(ROOT, 'tests', 'support', 'fault-injection.mjs')}`,
  };
}

function buildRig() {
  const { status, stderr } = spawnSync('make', ['--silent', '-j2', '-C', RIG, 'all', 'tests'], {
    encoding: 'utf8',
  });
  if (status !== 0) {
    throw new Error(`The driver rig does not build: ${stderr.slice(-2000)}`);
  }
}

/** The package for Windows has no packages of tests; Wine sees a link as what it leads to. */
function linkTestPackages() {
  for (const name of ['fast-check', 'pure-rand']) {
    const link = join(APP, 'node_modules', name);
    if (!existsSync(link)) {
      symlinkSync(join(ROOT, 'node_modules', name), link);
    }
  }
}
