/** A drive served by a process of its own (`ramdrive mount`), as the demonstration uses it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ask, findDrives } from '../../src/drive/control/control-client.js';
import type { DriveRecord } from '../../src/drive/control/drive-records.js';
import type { DriveStatus, SelfCheckResult } from '../../src/drive/status.js';

const MAIN = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const START_GRACE_MS = 60_000;
const STOP_GRACE_MS = 30_000;

export class MountedDrive {
  readonly #exit: Promise<number | null>;

  /** Resolves when the drive can be used; rejects with what the process said. */
  static async mount(
    mountPoint: string,
    options: readonly string[],
    more: { env?: Readonly<Record<string, string>>; detached?: boolean; program?: string } = {},
  ): Promise<MountedDrive> {
    const child = spawn(process.execPath, [more.program ?? MAIN, 'mount', mountPoint, ...options], {
      stdio: ['ignore', 'pipe', 'pipe'],
      // The library checks every answer of the drive against the rules of WinFsp.
      env: { ...process.env, WINFSP_LINUX_STRICT: '1', ...more.env },
      detached: more.detached ?? false,
    });
    let output = '';
    let errors = '';
    const exit = new Promise<number | null>((resolve) => {
      child.once('exit', resolve);
      child.once('error', () => resolve(null));
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
    });
    const ready = new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`The drive did not mount in time. ${errors}`)),
        START_GRACE_MS,
      );
      timer.unref();
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        if (/^mounted /m.test(output)) {
          clearTimeout(timer);
          resolve();
        }
      });
      child.once('error', reject);
      // All that it said is read by then.
      child.once('close', (code) =>
        reject(new Error(`The drive did not mount (exit code ${code}). ${errors}`)),
      );
    });
    try {
      await ready;
      const record = (await findDrives()).find(({ pid }) => pid === child.pid);
      if (record === undefined) {
        throw new Error('The drive is mounted but not registered.');
      }
      return new MountedDrive(child, record, exit, () => errors);
    } catch (error) {
      child.kill('SIGTERM');
      await endOf(child, exit);
      throw error;
    }
  }

  private constructor(
    readonly process: ChildProcess,
    readonly record: DriveRecord,
    exit: Promise<number | null>,
    readonly errorOutput: () => string,
  ) {
    this.#exit = exit;
  }

  status(): Promise<DriveStatus> {
    return ask(this.record, 'status');
  }

  selfCheck(): Promise<SelfCheckResult> {
    return ask(this.record, 'selfCheck');
  }

  /** Returns the exit code of the drive's process; null when a signal was needed. */
  async unmount(): Promise<number | null> {
    await ask(this.record, 'unmount');
    return this.ended();
  }

  ended(): Promise<number | null> {
    return endOf(this.process, this.#exit);
  }

  /** For a demonstration that fails half-way. */
  kill(): void {
    this.process.kill('SIGTERM');
  }
}

/** Its exit code. It is killed when it takes too long. */
async function endOf(child: ChildProcess, exit: Promise<number | null>): Promise<number | null> {
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_GRACE_MS);
  try {
    return await exit;
  } finally {
    clearTimeout(timer);
  }
}
