/**
 * A drive as a user starts it: `ramdrive mount` in a process of its own, in a directory of its own, with strict checks
 * on.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { DriveStatus } from '../../src/drive/status.js';
import { must, runProgram } from './program.js';

const MAIN = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const READY_LIMIT_MS = 60_000;
const EXIT_LIMIT_MS = 60_000;

export class DriveProcess {
  #output = '';
  readonly exited: Promise<number | null>;
  #running = true;

  private constructor(
    readonly dir: string,
    readonly child: ChildProcess,
  ) {
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text;
      });
    }
    this.exited = new Promise((resolve) => {
      child.once('close', (code) => {
        this.#running = false;
        resolve(code);
      });
    });
  }

  static async start(options: readonly string[]): Promise<DriveProcess> {
    const dir = mkdtempSync(join(tmpdir(), 'ramdrive-realworld-'));
    const child = spawn(process.execPath, [MAIN, 'mount', dir, ...options], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, WINFSP_LINUX_STRICT: '1' },
    });
    const drive = new DriveProcess(dir, child);
    for (let waitedMs = 0; !drive.#output.includes('mounted '); waitedMs += 20) {
      if (!drive.#running || waitedMs > READY_LIMIT_MS) {
        await drive.end();
        throw new Error(`the drive does not mount: ${drive.#output.trim()}`);
      }
      await sleep(20);
    }
    return drive;
  }

  get running(): boolean {
    return this.#running;
  }

  get output(): string {
    return this.#output.trim();
  }

  async status(): Promise<DriveStatus> {
    const { stdout, stderr } = await runProgram(process.execPath, [
      MAIN,
      'status',
      this.dir,
      '--check',
      '--json',
    ]);
    try {
      return JSON.parse(stdout) as DriveStatus;
    } catch {
      throw new Error(`the drive gives no status: ${stderr.trim()} ${this.output}`);
    }
  }

  async unmount(): Promise<void> {
    await must(process.execPath, [MAIN, 'unmount', this.dir]);
    const code = await Promise.race([this.exited, sleep(EXIT_LIMIT_MS, 'no end of it', { ref: false })]);
    if (code !== 0) {
      throw new Error(`the drive's process ended with ${code}: ${this.output}`);
    }
  }

  /** Whatever state it is in. */
  async end(): Promise<void> {
    if (this.#running) {
      this.child.kill('SIGTERM');
      await Promise.race([this.exited, sleep(EXIT_LIMIT_MS, null, { ref: false })]);
    }
    if (this.#running) {
      await runProgram('umount', ['-l', this.dir]);
      this.child.kill('SIGKILL');
      await this.exited;
    }
    try {
      rmdirSync(this.dir);
    } catch {
      await runProgram('umount', ['-l', this.dir]);
      await runProgram('rmdir', [this.dir]);
    }
  }
}

/** So that what follows comes from the drive and not from the kernel's cache. False when that takes another user. */
export function dropCaches(): boolean {
  try {
    writeFileSync('/proc/sys/vm/drop_caches', '3');
    return true;
  } catch {
    return false;
  }
}
