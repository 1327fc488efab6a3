/**
 * Real drives for tests. `describeMount` is `describe` for tests that mount: skipped with a printed reason where
 * nothing can be mounted, and after every test all drives of the test are emptied, checked and unmounted, whatever the
 * test did.
 *
 * Touches only directories that it makes itself, and processes that it starts itself.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmdirSync, writeFileSync } from 'node:fs';
import { readdir, readFile, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect } from 'vitest';
import { ask } from '../../src/drive/control/control-client.js';
import { type DriveRecord, readRecords } from '../../src/drive/control/drive-records.js';
import type { DriveStatus } from '../../src/drive/status.js';
import { faultEnvironment, type InjectedFaults } from './faults.js';
import { canDropCaches, MAIN, whyNoMounts } from './machine.js';
import { endAll, type Finished, run } from './processes.js';

/** clear-mounts.ts knows it. */
const PREFIX = 'ramdrive-test-';
const READY_LIMIT_MS = 60_000;
const EXIT_LIMIT_MS = 30_000;

export interface MountOptions {
  capacity?: string;
  pageSize?: string;
  /** More options of `ramdrive mount`. */
  args?: string[];
  env?: Record<string, string>;
  faults?: InjectedFaults;
  /** An existing directory, otherwise a new one. */
  dir?: string;
  /** The test breaks the drive on purpose: only force it away afterwards, expect nothing of it. */
  broken?: boolean;
  /** Injected failures: how many exceptions of handlers are allowed. */
  handlerErrors?: boolean;
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

const live = new Set<MountedDrive>();
const directories: string[] = [];

export class MountedDrive {
  output = '';
  errors = '';
  readonly exited: Promise<Exit>;
  /** null while the process runs. */
  exit: Exit | null = null;

  constructor(
    readonly dir: string,
    readonly child: ChildProcess,
    readonly options: MountOptions,
  ) {
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.output += text;
    });
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.errors += text;
    });
    this.exited = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        this.exit = { code, signal };
        resolve(this.exit);
      });
    });
    live.add(this);
  }

  get pid(): number {
    return this.child.pid!;
  }

  path(...names: string[]): string {
    return join(this.dir, ...names);
  }

  /** Resolves at the line `mounted …`; rejects with all output when the process ends before. */
  async ready(): Promise<this> {
    const start = Date.now();
    while (!this.output.includes('mounted ')) {
      if (this.exit !== null) {
        throw new Error(`ramdrive mount ended with ${JSON.stringify(this.exit)}: ${this.errors}`);
      }
      if (Date.now() - start > READY_LIMIT_MS) {
        throw new Error(`no mount within ${READY_LIMIT_MS} ms: ${this.errors}`);
      }
      await sleep(10);
    }
    return this;
  }

  /** What `ramdrive status --check --json` prints, without a process for it. */
  async status(): Promise<DriveStatus> {
    try {
      return await ask(this.#record(), 'status', { check: true });
    } catch (error) {
      throw new Error(`no status: ${(error as Error).message} ${this.errors}`);
    }
  }

  #record(): DriveRecord {
    const found = readRecords().find(({ record }) => record.pid === this.pid);
    if (found === undefined) {
      throw new Error(`process ${this.pid} has no drive on record`);
    }
    return found.record;
  }

  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.dir);
    return bavail * bsize;
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  async unmount(): Promise<Exit> {
    const { code, stderr } = await cli('unmount', this.dir);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    return this.exited;
  }

  /** What `ramdrive unmount` does, without a process for it. */
  async end(): Promise<Exit> {
    await ask(this.#record(), 'unmount');
    return this.exited;
  }

  async kill(): Promise<Exit> {
    this.child.kill('SIGKILL');
    return this.exited;
  }

  /** Nothing is open, nothing is held, nothing was ever violated: after everything on the drive has been deleted. */
  async expectQuiet(): Promise<void> {
    for (const name of await readdir(this.dir)) {
      await rm(this.path(name), { recursive: true, force: true });
    }
    dropCaches();
    let status = await this.status();
    // The kernel sends its last closes after the calls that caused them have returned.
    for (let tries = 0; tries < 50 && !isQuiet(status); tries++) {
      await sleep(50);
      dropCaches();
      status = await this.status();
    }
    expect(status.strictViolations?.texts ?? []).toEqual([]);
    expect(status.selfCheck?.violations).toEqual([]);
    if (!this.options.handlerErrors) {
      expect(status.errors.last).toBe(null);
    }
    expect(summaryOf(status)).toEqual(QUIET);
    if (canDropCaches()) {
      expect(status.clientMemoryBytes).toBeLessThan(MAX_QUIET_CLIENT_BYTES);
    }
    expect(status.freeBytes).toBe(status.capacityBytes);
  }

  /** Away with it, by the gentlest means that works. */
  async forceAway(): Promise<void> {
    if (this.exit === null) {
      this.child.kill('SIGTERM');
      if ((await within(this.exited, 15_000)) === null) {
        await run('umount', ['-l', this.dir]);
        this.child.kill('SIGKILL');
        await within(this.exited, EXIT_LIMIT_MS);
      }
    }
    if (await isMounted(this.dir)) {
      await run('umount', ['-l', this.dir]);
      await run('fusermount3', ['-u', '-z', this.dir]);
    }
    live.delete(this);
  }
}

/** What the library keeps for the root, and for this very look at it. */
const MAX_QUIET_CLIENT_BYTES = 16_384;
const QUIET = { reservedBytes: 0, allocatedBytes: 0, files: 0, openHandles: 0 };
function summaryOf({ reservedBytes, allocatedBytes, files, openHandles }: DriveStatus): typeof QUIET {
  // One handle may stay: the kernel knows the root as long as it is mounted.
  return {
    reservedBytes,
    allocatedBytes,
    files,
    openHandles: canDropCaches() ? Math.max(0, openHandles - 1) : 0,
  };
}
const isQuiet = (status: DriveStatus) => JSON.stringify(summaryOf(status)) === JSON.stringify(QUIET);

export function dropCaches(): void {
  if (canDropCaches()) {
    writeFileSync('/proc/sys/vm/drop_caches', '2');
  }
}

/** Starts `ramdrive mount` without waiting for it. */
export function startMount(options: MountOptions = {}): MountedDrive {
  const dir = options.dir ?? newDirectory();
  const args = [MAIN, 'mount', dir, ...argumentsOf(options)];
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      WINFSP_LINUX_STRICT: '1',
      ...options.env,
      ...(options.faults && faultEnvironment(options.faults)),
    },
  });
  return new MountedDrive(dir, child, options);
}

export function mount(options: MountOptions = {}): Promise<MountedDrive> {
  return startMount(options).ready();
}

function argumentsOf({ capacity = '64M', pageSize = '4K', args = [] }: MountOptions): string[] {
  return ['--capacity', capacity, '--page-size', pageSize, ...args];
}

/** Runs the program to its end. */
export function cli(...args: string[]): Promise<Finished> {
  return run(process.execPath, [MAIN, ...args], { env: { ...process.env, WINFSP_LINUX_STRICT: '1' } });
}

/** An empty directory that is removed after the test. */
export function newDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), PREFIX));
  directories.push(path);
  return path;
}

export async function isMounted(path: string): Promise<boolean> {
  return (await mountPoints()).includes(path);
}

async function mountPoints(): Promise<string[]> {
  const text = await readFile('/proc/self/mountinfo', 'utf8');
  return text.split('\n').map((line) => line.split(' ')[4] ?? '');
}

export async function within<T>(promise: Promise<T>, limitMs: number): Promise<T | null> {
  const limit = new AbortController();
  try {
    return await Promise.race([promise, sleep(limitMs, null, { signal: limit.signal })]);
  } finally {
    limit.abort();
  }
}

/** Every drive of the test that still runs is expected to be in order, to become empty, and to unmount. */
async function endDrives(): Promise<void> {
  endAll();
  try {
    for (const drive of live) {
      if (drive.exit === null && !drive.options.broken) {
        await drive.expectQuiet();
        expect(await drive.end()).toEqual({ code: 0, signal: null });
      }
      expect(drive.options.broken || !(await isMounted(drive.dir)), 'a mount is left').toBe(true);
    }
  } finally {
    for (const drive of live) {
      await drive.forceAway();
    }
    for (const path of directories.splice(0)) {
      await rm(path, { recursive: true, force: true }).catch(() => rmdirSync(path));
    }
  }
}

export function describeMount(name: string, body: () => void): void {
  const reason = whyNoMounts();
  if (reason !== null) {
    console.log(`skipped: ${name}: ${reason}.`);
    describe.skip(`${name} (${reason})`, body);
    return;
  }
  describe(name, () => {
    afterEach(endDrives);
    body();
  });
}
