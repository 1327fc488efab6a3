/**
 * Files of a WinFsp release, downloaded with the runner's `gh` and compared with the recorded checksum (winfsp.json).
 *
 * The stable installer's checksum is recorded. One of null could not be: the file was not at hand where this was
 * written, and a checksum that was not computed from the file must not stand there. Then the computed one is printed
 * and written to winfsp-checksums.json, which the workflow keeps, so that it can be compared and committed. Until then
 * an installer has to show its Authenticode signature and version; a file without a signature is not run at all
 * (`isPinned`).
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sha256Of } from '../sha256.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
const pinned = JSON.parse(readFileSync(join(HERE, 'winfsp.json'), 'utf8'));
export const CHECKSUMS = 'winfsp-checksums.json';

/** Runs a program; throws with its output when it fails. */
export function run(program, args, options = {}) {
  const result = spawnSync(program, args, { encoding: 'utf8', ...options });
  if (result.status !== 0) {
    const said = `${result.stdout ?? ''}${result.stderr ?? ''}${result.error?.message ?? ''}`;
    throw new Error(`"${program} ${args.join(' ')}" failed (${result.status ?? result.signal}): ${said}`);
  }
  return result.stdout;
}

export function channelOf(name) {
  const channel = pinned.channels[name];
  if (channel === undefined) {
    throw new Error(`--channel is "${name}"; expected one of ${Object.keys(pinned.channels).join(', ')}.`);
  }
  return { ...channel, tag: channel.tag ?? newestTag(), signer: pinned.signer };
}

/** Betas too: the list has the newest release first. */
function newestTag() {
  const list = run('gh', [
    'release',
    'list',
    '--repo',
    pinned.repository,
    '--limit',
    '1',
    '--json',
    'tagName',
  ]);
  const tag = JSON.parse(list)[0]?.tagName;
  if (tag === undefined) {
    throw new Error(`${pinned.repository} has no release.`);
  }
  return tag;
}

export function isPinned({ sha256 }) {
  return sha256 !== null;
}

/** Downloads the one file that matches and returns its path. */
export function download({ tag }, { pattern, sha256 }, folder) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  run('gh', ['release', 'download', tag, '--repo', pinned.repository, '--pattern', pattern, '--dir', folder]);
  const files = readdirSync(folder);
  if (files.length !== 1) {
    throw new Error(`${pattern} of ${tag} matches ${files.length} files: ${files.join(', ')}.`);
  }
  const path = join(folder, files[0]);
  checkSum(path, files[0], sha256);
  return path;
}

function checkSum(path, name, expected) {
  const found = sha256Of(path);
  if (expected !== null && found !== expected) {
    throw new Error(`${name} has the SHA-256 ${found}, expected ${expected}.`);
  }
  const known = existsSync(CHECKSUMS) ? JSON.parse(readFileSync(CHECKSUMS, 'utf8')) : {};
  writeFileSync(CHECKSUMS, `${JSON.stringify({ ...known, [name]: found }, null, 2)}\n`);
  const note =
    expected === null
      ? ' (not recorded yet: compare it and enter it in scripts/ci/winfsp.json)'
      : ', as recorded';
  console.log(`${name}: SHA-256 ${found}${note}`);
}
