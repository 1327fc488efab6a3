/**
 * Linux: drives are directories, mounted through FUSE; the client is in C (client.c), and taskset pins. Client and
 * server share one and the same CPU: where the scheduler may choose, a request takes 11–14 µs or 31–70 µs by where it
 * puts the two (the C servers as well), and anyone who is measured at the luckier moment wins; on one CPU everybody
 * pays the same switches.
 *
 * Touches only directories that it makes itself in the system's temporary directory and in /dev/shm.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmdirSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { hasProgram, runProgram } from '../../scripts/realworld/program.js';
import { whyNoMount } from '../../scripts/why-no-mount.js';
import { packageRoot } from '../../src/package-root.js';
import { SUBJECT } from '../ratios.js';
import { CAPACITY_MIB, type Contender } from './contender.js';
import type { Platform } from './platform.js';

/** The last one: interrupts and everybody else prefer the first. */
const CPU = os.cpus().length - 1;
const ROOT = packageRoot();
const REFERENCE = path.join(ROOT, 'bench/reference');

const built = (name: string) => path.join(ROOT, 'bench', 'build', name);
const inC = (name: string, label: string, program: string): Contender => ({
  name,
  label,
  unavailable: () =>
    existsSync(built(program)) ? null : `${program} could not be built (see bench/reference/Makefile)`,
  mount: (directory) => ({ program: built(program), args: [directory, String(CAPACITY_MIB)] }),
});

const contenders: readonly Contender[] = [
  {
    name: SUBJECT,
    label: 'ramdrive',
    unavailable: () => null,
    warmsUp: true,
    mount: (directory) => ({
      program: process.execPath,
      args: [path.join(ROOT, 'dist/src/cli/main.js'), 'mount', directory, '--capacity', `${CAPACITY_MIB}M`],
    }),
  },
  inC('c-winfsp', 'C on the same WinFsp library', 'memfs'),
  inC('c-libfuse3', 'C on libfuse3 alone', 'fuse_memfs'),
  {
    name: 'tmpfs',
    label: "tmpfs, the kernel's own",
    unavailable: () => (existsSync('/dev/shm') ? null : 'there is no /dev/shm'),
    // Mounted already wherever there is a /dev/shm, so that no rights are needed.
    parent: '/dev/shm',
    mount: null,
  },
  {
    name: 'fuse-native',
    label: 'fuse-native (npm)',
    warmsUp: true,
    unavailable: () =>
      existsSync(path.join(ROOT, '.cache/fuse-native/node_modules/fuse-native'))
        ? null
        : 'fuse-native is not installed: npm install --prefix .cache/fuse-native fuse-native',
    mount: (directory) => ({
      program: process.execPath,
      args: [path.join(ROOT, 'bench/reference/fuse-native.mjs'), directory],
    }),
  },
];

const detach = async (directory: string) => void (await runProgram('umount', ['-l', directory]));

export const LINUX: Platform = {
  whyNoMount,
  contenders,

  async buildPeers() {
    const { code, stderr } = await runProgram('make', ['-s', '-k', '-C', REFERENCE]);
    return code === 0 ? null : `not all of bench/reference can be built: ${stderr.trim().split('\n').at(-1)}`;
  },

  client: [built('client')],
  whyLeftOut: () => null,
  whyNoMemory: () => null,

  makePlace: ({ name, parent = os.tmpdir() }) => mkdtempSync(path.join(parent, `ramdrive-bench-${name}-`)),
  isMounted: (directory) => statSync(directory).dev !== statSync(path.dirname(directory)).dev,
  async stopServer(server) {
    server.kill('SIGTERM');
  },
  detach,
  async removePlace(directory) {
    try {
      rmdirSync(directory);
    } catch {
      // A server that died leaves its mount behind.
      await detach(directory);
      rmdirSync(directory);
    }
  },

  whyNotPinned: () =>
    hasProgram('taskset') ? null : 'taskset (util-linux) is missing: nothing can be ranked without it',
  pinned: (command, pin) => (pin ? ['taskset', '-c', String(CPU), ...command] : [...command]),
  pinThisProcess: () => pinThreads(String(CPU)),
  unpinThisProcess: () => pinThreads(`0-${CPU}`),
};

function pinThreads(cpus: string): void {
  if (hasProgram('taskset'))
    execFileSync('taskset', ['-a', '-c', '-p', cpus, String(process.pid)], { stdio: 'ignore' });
}
