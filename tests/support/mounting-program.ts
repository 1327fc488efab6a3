/**
 * A program that mounts something in a directory and serves it until SIGINT or SIGTERM, seen from a test: examples, and
 * the server of the host's tests. It says `mounted …` when it is ready. Anyone who starts one calls `endPrograms` after
 * the test, before directories are removed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Exit, isMounted, newDirectory, within } from './mount.js';
import { endAll, run } from './processes.js';

const READY_LIMIT_MS = 60_000;
const ANSWER_LIMIT_MS = 60_000;
const EXIT_LIMIT_MS = 30_000;

const live = new Set<MountingProgram>();

export class MountingProgram {
  output = '';
  readonly exited: Promise<Exit>;
  #exit: Exit | null = null;
  readonly #answers: ((answer: unknown) => void)[] = [];

  private constructor(
    readonly dir: string,
    readonly child: ChildProcess,
  ) {
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
      });
    }
    child.on('message', (answer) => this.#answers.shift()?.(answer));
    this.exited = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        this.#exit = { code, signal };
        resolve(this.#exit);
      });
    });
    live.add(this);
  }

  /** `node program … directory`, with strict checks; resolves when it is mounted. `words` come before the directory. */
  static async start(program: string, ...words: string[]): Promise<MountingProgram> {
    const dir = newDirectory();
    const child = spawn(process.execPath, [program, ...words, dir], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...process.env, WINFSP_LINUX_STRICT: '1' },
    });
    const started = new MountingProgram(dir, child);
    const deadline = Date.now() + READY_LIMIT_MS;
    while (!started.output.includes('mounted ')) {
      if (started.#exit !== null || Date.now() > deadline) {
        throw new Error(`${program} does not mount: ${JSON.stringify(started.#exit)} ${started.output}`);
      }
      await sleep(10);
    }
    return started;
  }

  path(...names: string[]): string {
    return [this.dir, ...names].join('/');
  }

  /** One question to the program, one answer. */
  async ask<T>(question: string): Promise<T> {
    const answer = new Promise<T>((resolve) => this.#answers.push(resolve as (answer: unknown) => void));
    this.child.send(question);
    const got = await within(answer, ANSWER_LIMIT_MS);
    if (got === null) {
      throw new Error(`no answer to "${question}": ${this.output}`);
    }
    return got;
  }

  /** As Ctrl+C does; resolves with how it ended. */
  async interrupt(): Promise<Exit> {
    this.child.kill('SIGINT');
    const exit = await within(this.exited, EXIT_LIMIT_MS);
    if (exit === null) {
      throw new Error(`it does not end after SIGINT: ${this.output}`);
    }
    return exit;
  }

  async forceAway(): Promise<void> {
    if (this.#exit === null) {
      this.child.kill('SIGKILL');
      await this.exited;
    }
    if (await isMounted(this.dir)) {
      await run('umount', ['-l', this.dir]);
      await run('fusermount3', ['-u', '-z', this.dir]);
    }
    live.delete(this);
  }
}

/**
 * Ends clients and programs of the test. A mount that a program has left behind although it ended is the test's to
 * notice.
 */
export async function endPrograms(): Promise<void> {
  endAll();
  for (const program of live) {
    await program.forceAway();
  }
}
