/**
 * Other processes for tests: programs that run to their end, and clients that do one file operation after the other on
 * request.
 */
import { type ChildProcess, fork, type SpawnOptions, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface Finished {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

const running = new Set<ChildProcess>();

/** Kills what a test has left running. */
export function endAll(): void {
  for (const child of running) {
    child.kill('SIGKILL');
  }
  running.clear();
}

function track(child: ChildProcess): ChildProcess {
  running.add(child);
  child.once('close', () => running.delete(child));
  return child;
}

/** Never rejects for a program that fails: the result says so. */
export function run(
  program: string,
  args: string[],
  options: SpawnOptions & { limitMs?: number } = {},
): Promise<Finished> {
  return new Promise((resolve) => {
    const { limitMs = 200_000, ...rest } = options;
    const child = track(spawn(program, args, { ...rest, stdio: ['ignore', 'pipe', 'pipe'] }));
    const timer = setTimeout(() => child.kill('SIGKILL'), limitMs);
    let stdout = '';
    let stderr = '';
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.once('error', (error) => {
      stderr += error.message;
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, stdout, stderr });
    });
  });
}

/** A Python program, for what Node cannot ask of a kernel: mappings, fallocate, relative paths of open directories. */
export function python(script: string, ...args: string[]): Promise<Finished> {
  return run('python3', ['-c', script, ...args]);
}

/** What a call in a client came to: its result, or the error's code. */
export type Outcome = { value: unknown } | { error: string };

/**
 * A process that calls synchronous functions of node:fs for us, so that a test decides the order of operations among
 * processes and none of them can block the test itself.
 */
export class Client {
  readonly #child: ChildProcess;
  readonly #waiting: ((outcome: Outcome) => void)[] = [];

  constructor() {
    const path = fileURLToPath(new URL('./client.mjs', import.meta.url));
    this.#child = track(fork(path, { serialization: 'advanced' }));
    this.#child.on('message', (outcome: Outcome) => this.#waiting.shift()?.(outcome));
    this.#child.once('close', () => {
      for (const resolve of this.#waiting.splice(0)) {
        resolve({ error: 'CLIENT_ENDED' });
      }
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** For example `try('openSync', path, 'r+')`. `chdir` and `cwd` are process's. */
  try(call: string, ...args: unknown[]): Promise<Outcome> {
    return new Promise((resolve) => {
      if (!this.#child.connected) {
        resolve({ error: 'CLIENT_ENDED' });
        return;
      }
      this.#waiting.push(resolve);
      this.#child.send({ call, args });
    });
  }

  /** The result; throws on an error. */
  async do<T = unknown>(call: string, ...args: unknown[]): Promise<T> {
    const outcome = await this.try(call, ...args);
    if ('error' in outcome) {
      throw new Error(`${call}(${args.map(String).join(', ')}): ${outcome.error}`);
    }
    return outcome.value as T;
  }

  /** The error's code, or 'OK'. */
  async errorOf(call: string, ...args: unknown[]): Promise<string> {
    const outcome = await this.try(call, ...args);
    return 'error' in outcome ? outcome.error : 'OK';
  }

  async end(): Promise<void> {
    // After a disconnect of ours there is no 'close'.
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.disconnect();
    await ended;
  }
}
