/**
 * Who is measured: the RAM drive and what it is compared with, each mounted at a place of its own by a process of its
 * own. Every one is started before the first measurement and ended after the last, whatever happens in between. Who
 * they are, and where they are mounted, depends on the system (bench/platform).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Contender } from '../platform/contender.js';
import { PLATFORM } from '../platform/platform.js';

const READY_LIMIT_MS = 60_000;
const EXIT_LIMIT_MS = 60_000;

export const CONTENDERS = PLATFORM.contenders;

const live = new Set<MountedContender>();

/** Ends all that were started, also one whose start is still under way. */
export async function endContenders(): Promise<void> {
  for (const mounted of live) await mounted.end();
}

export class MountedContender {
  #output = '';
  #exited = false;
  readonly #end: Promise<void>;

  private constructor(
    readonly contender: Contender,
    readonly directory: string,
    readonly child: ChildProcess | null,
  ) {
    for (const stream of child === null ? [] : [child.stdout!, child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#output = (this.#output + text).slice(-4000);
      });
    }
    this.#end = new Promise((resolve) => {
      const ended = () => {
        this.#exited = true;
        resolve();
      };
      child?.once('close', ended);
      child?.once('error', (error) => {
        this.#output += error.message;
        ended();
      });
    });
    live.add(this);
  }

  /** `nodeOptions`: for contenders that run in Node.js. */
  static async start(
    contender: Contender,
    pin: boolean,
    nodeOptions: readonly string[] = [],
  ): Promise<MountedContender> {
    const directory = PLATFORM.makePlace(contender);
    if (contender.mount === null) return new MountedContender(contender, directory, null);
    const command = contender.mount(directory);
    const options = command.program === process.execPath ? nodeOptions : [];
    const [program, ...args] = PLATFORM.pinned([command.program, ...options, ...command.args], pin);
    const child = spawn(program!, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const mounted = new MountedContender(contender, directory, child);
    const isMounted = () =>
      contender.silent ? PLATFORM.isMounted(directory) : mounted.#output.includes('mounted');
    for (let waitedMs = 0; !isMounted(); waitedMs += 20) {
      if (mounted.#exited || waitedMs > READY_LIMIT_MS) {
        await mounted.end();
        throw new Error(`${contender.name} does not mount: ${mounted.#output.trim()}`);
      }
      await sleep(20);
    }
    return mounted;
  }

  get name(): string {
    return this.contender.name;
  }

  /** Of the process that serves; the kernel's own file system has none. */
  residentBytes(): number | null {
    if (this.child === null) return null;
    const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${this.child.pid}/status`, 'utf8'));
    return match === null ? null : Number(match[1]) * 1024;
  }

  async end(): Promise<void> {
    if (!live.delete(this)) return;
    if (this.child === null) {
      rmSync(this.directory, { recursive: true, force: true });
      return;
    }
    if (!this.#exited) await PLATFORM.stopServer(this.child, this.contender, this.directory);
    await Promise.race([this.#end, sleep(EXIT_LIMIT_MS, undefined, { ref: false })]);
    if (!this.#exited) {
      await PLATFORM.detach(this.directory);
      this.child.kill('SIGKILL');
      await this.#end;
    }
    await PLATFORM.removePlace(this.directory);
  }
}
