/** Windows Node as its npm package has it, unmodified: for Wine and for the installer. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = dirname(fileURLToPath(import.meta.url));
const CACHE = join(dirname(dirname(HERE)), '.cache', 'wine');

const { name, version, integrity } = JSON.parse(readFileSync(join(HERE, 'windows-node.json'), 'utf8'));
export const NODE_VERSION = version;
export const nodePath = () => join(CACHE, `node-${version}`, 'package', 'bin', 'node.exe');

/** The npm package of Node for Windows, compared with the recorded checksum. */
export function installNode() {
  if (existsSync(nodePath())) {
    return version;
  }
  const target = join(CACHE, `node-${version}`);
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  const shell = process.platform === 'win32';
  run('npm', ['pack', `${name}@${version}`, '--silent', '--pack-destination', target], { cwd: CACHE, shell });
  const archive = join(target, `${name}-${version}.tgz`);
  const found = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
  if (found !== integrity) {
    throw new Error(`${name}@${version} has the checksum ${found}, expected ${integrity}.`);
  }
  run('tar', ['-xzf', archive, '-C', target]);
  rmSync(archive);
  return `${version}, downloaded`;
}

function run(program, args, options = {}) {
  const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8', ...options });
  if (status !== 0) throw new Error(`"${program} ${args.join(' ')}" failed: ${error?.message ?? stderr}`);
}
