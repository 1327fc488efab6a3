/**
 * A root directory of its own: this machine's Node and npm with the system libraries that they load, a shell, and
 * neither compiler nor make. bare-root.mjs runs inside.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { hasProgram, PROJECT, whyNoMounts } from './machine.js';
import { type Finished, run } from './processes.js';

/** Why there can be none here, or null. */
export function whyNoBareRoot(): string | null {
  if (process.getuid?.() !== 0) return 'only root can make a root directory';
  const lacking = ['unshare', 'chroot', 'ldd', 'npm'].find((program) => !hasProgram(program));
  return lacking === undefined ? whyNoMounts() : `there is no ${lacking} here`;
}

const SCRIPT = `set -e
mount -t proc proc "$1/proc"
touch "$1/dev/fuse" "$1/dev/null" "$1/dev/urandom"
for device in fuse null urandom; do mount --bind "/dev/$device" "$1/dev/$device"; done
mount --bind "$2" "$1/npm-cache"
exec chroot "$1" /usr/bin/node /bare-root.mjs`;

/** Makes the root at `bare`, which is not there yet, and runs bare-root.mjs there with the packed package. */
export function runInBareRoot(bare: string, tarball: string): Promise<Finished> {
  mkdirSync(bare);
  const env = makeRoot(bare);
  put(bare, tarball, '/package.tgz');
  put(bare, join(PROJECT, 'tests/support/bare-root.mjs'), '/bare-root.mjs');
  const inOwnNamespaces = ['--mount', '--pid', '--fork', '--kill-child', 'sh', '-c', SCRIPT, 'sh'];
  return run('unshare', [...inOwnNamespaces, bare, npm('config', 'get', 'cache')], {
    env: { ...env, PATH: `${env.PATH}:/usr/sbin:/sbin` },
  });
}

function put(bare: string, from: string, to: string): void {
  const target = join(bare, to);
  mkdirSync(dirname(target), { recursive: true });
  copyFileSync(realpathSync(from), target);
}

function putProgram(bare: string, from: string, to: string): void {
  put(bare, from, to);
  for (const [, library] of execFileSync('ldd', [from], { encoding: 'utf8' }).matchAll(/(\/\S+) \(0x/g)) {
    put(bare, library!, library!);
  }
}

const npm = (...args: string[]) => execFileSync('npm', args, { cwd: PROJECT, encoding: 'utf8' }).trim();

/** Everything for npm: itself, its registry by the machine's own settings, its cache. */
function makeRoot(bare: string): Record<string, string> {
  putProgram(bare, process.execPath, '/usr/bin/node');
  putProgram(bare, '/bin/sh', '/bin/sh');
  putProgram(bare, '/usr/bin/env', '/usr/bin/env');
  cpSync(join(npm('root', '--global'), 'npm'), join(bare, 'usr/lib/node_modules/npm'), {
    recursive: true,
    dereference: true,
  });
  execFileSync('ln', ['-s', '../lib/node_modules/npm/bin/npm-cli.js', join(bare, 'usr/bin/npm')]);
  for (const file of ['/etc/resolv.conf', '/etc/hosts', '/etc/nsswitch.conf']) {
    if (existsSync(file)) put(bare, file, file);
  }
  const env: Record<string, string> = {
    PATH: '/usr/bin:/bin',
    HOME: '/tmp',
    npm_config_cache: '/npm-cache',
    npm_config_registry: npm('config', 'get', 'registry'),
    npm_config_update_notifier: 'false',
  };
  const authorities = npm('config', 'get', 'cafile');
  if (existsSync(authorities)) {
    put(bare, authorities, '/etc/authorities.pem');
    env.npm_config_cafile = '/etc/authorities.pem';
  }
  for (const folder of ['proc', 'dev', 'tmp', 'npm-cache']) mkdirSync(join(bare, folder));
  return env;
}
