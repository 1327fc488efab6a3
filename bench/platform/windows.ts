/**
 * Windows: the RAM drive and WinFsp's own memfs are mounted at free drive letters, NTFS is a folder in the temporary
 * directory, the client is node-client.ts, and the processes are pinned by the affinity that they inherit. Programs
 * (tar, git, npm) and what needs POSIX are left out.
 *
 * Not run on Windows: the arguments are tested, and the client and the affinity under Wine; no figure of it is
 * recorded.
 */
import { existsSync, mkdtempSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { runProgram } from '../../scripts/realworld/program.js';
import { packageRoot } from '../../src/package-root.js';
import { locateLibrary, readInstallDirFromRegistry } from '../../src/winfsp/library/library-location.js';
import type { Workload } from '../end-to-end/workloads.js';
import { SUBJECT } from '../ratios.js';
import { allCpus, lastCpuOf, setCpus } from './affinity.js';
import { CAPACITY_MIB, type Command, type Contender } from './contender.js';
import type { Platform } from './platform.js';

const ROOT = packageRoot();
const MAIN = path.join(ROOT, 'dist/src/cli/main.js');
const MEMFS_BY_ARCHITECTURE: Readonly<Record<string, string>> = {
  x64: 'memfs-x64.exe',
  arm64: 'memfs-a64.exe',
};
/** memfs has no limit of its size, but of the number of files and of the size of each. */
const MAX_MEMFS_FILES = 2 ** 21;
const MAX_MEMFS_FILE_BYTES = 2 ** 30;
/** From the end: people and the system take the first ones. */
const LETTERS = [...'ZYXWVUTSRQPONMLKJIHGFED'];

/**
 * `Z:\` → `Z:`: programs mount at the one, and clients use the other, since `Z:` alone is whatever directory is current
 * there.
 */
const letterOf = (place: string) => place.slice(0, 2);

export const driveCommands: { mount(place: string): Command; unmount(place: string): Command } = {
  mount: (place) => ({
    program: process.execPath,
    args: [MAIN, 'mount', letterOf(place), '--capacity', `${CAPACITY_MIB}M`],
  }),
  unmount: (place) => ({ program: process.execPath, args: [MAIN, 'unmount', letterOf(place)] }),
};

/**
 * The options of WinFsp's memfs, by what it prints when it is asked wrongly: -i names are case-insensitive, -n files at
 * most, -s bytes of a file at most, -m mount point. Its metadata is cached forever unless told otherwise, as the RAM
 * drive's is.
 */
export const memfsCommand = (program: string, place: string): Command => ({
  program,
  args: ['-i', '-n', String(MAX_MEMFS_FILES), '-s', String(MAX_MEMFS_FILE_BYTES), '-m', letterOf(place)],
});

/**
 * Where memfs is by the installation's directory; null when there is no installation, or none with a memfs for this
 * architecture.
 */
export function memfsPath(installDir: string | null, architecture: string): string | null {
  const name = MEMFS_BY_ARCHITECTURE[architecture];
  return installDir === null || name === undefined ? null : path.win32.join(installDir, 'bin', name);
}

export function freePlace(isTaken: (place: string) => boolean): string {
  const letter = LETTERS.find((one) => !isTaken(`${one}:\\`));
  if (letter === undefined) throw new Error('no drive letter is free from D: to Z:');
  return `${letter}:\\`;
}

export function whyLeftOut(workload: Workload): string | null {
  if (workload.kind === 'program') return 'tar, git and npm are prepared by POSIX programs';
  const mode = workload.words[0] === 'io' ? workload.words[3] : null;
  if (mode === 'mmap') return 'Node.js cannot map a file';
  if (mode === 'cold') return 'Node.js cannot empty the cache of a file';
  return null;
}

const memfs = () => memfsPath(readInstallDirFromRegistry(), process.arch);

const contenders: readonly Contender[] = [
  { name: SUBJECT, label: 'ramdrive', unavailable: () => null, warmsUp: true, ...driveCommands },
  {
    name: 'winfsp-memfs',
    label: "WinFsp's memfs",
    // A service program: what it prints is not for us.
    silent: true,
    unavailable() {
      const program = memfs();
      if (program === null) return 'no installation of WinFsp was found, or none for this architecture';
      return existsSync(program)
        ? null
        : `${program} does not exist: this installation of WinFsp is without it`;
    },
    mount: (place) => memfsCommand(memfs()!, place),
  },
  {
    name: 'ntfs',
    label: 'the temporary directory (NTFS on an ordinary Windows)',
    unavailable: () => null,
    mount: null,
  },
];

export const WINDOWS: Platform = {
  whyNoMount() {
    try {
      locateLibrary();
      return null;
    } catch (error) {
      return (error as Error).message;
    }
  },
  contenders,
  buildPeers: async () => null,

  client: [process.execPath, path.join(ROOT, 'dist/bench/end-to-end/node-client.js')],
  whyLeftOut,
  whyNoMemory: () => 'the resident memory of another process is read from /proc',

  makePlace: ({ name, mount }) =>
    mount === null ? mkdtempSync(path.join(os.tmpdir(), `ramdrive-bench-${name}-`)) : freePlace(existsSync),
  isMounted: existsSync,
  async stopServer(server, { unmount }, place) {
    // A signal is TerminateProcess here. The driver takes the drive of a process that is gone away.
    if (unmount === undefined) return void server.kill();
    const { program, args } = unmount(place);
    const { code } = await runProgram(program, args);
    if (code !== 0) server.kill();
  },
  detach: async () => {},
  removePlace: async () => {},

  whyNotPinned: () => null,
  // Children inherit the affinity of the process that starts them.
  pinned(command, pin) {
    setCpus(pin ? lastCpuOf(allCpus()) : allCpus());
    return [...command];
  },
  pinThisProcess: () => setCpus(lastCpuOf(allCpus())),
  unpinThisProcess: () => setCpus(allCpus()),
};
