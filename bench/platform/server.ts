/** A drive in a process of its own, of any build of this project, for benchmarks that compare builds. Linux only. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../src/package-root.js';

interface ClientResult {
  operationsPerSecond: number;
  nsP50: number;
  nsP99: number;
}

export class Server {
  readonly directory = mkdtempSync(join(tmpdir(), 'ramdrive-bench-'));
  readonly #child;

  constructor(
    /** Its directory. */
    build: string,
    /** To CPU 1, and its clients too. */
    readonly pin: boolean,
  ) {
    const main = join(build, 'dist/src/cli/main.js');
    const [program, ...args] = this.#pinned(
      process.execPath,
      main,
      'mount',
      this.directory,
      '--capacity',
      '512M',
    );
    this.#child = spawn(program!, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  async ready(): Promise<this> {
    for await (const text of this.#child.stdout.setEncoding('utf8')) {
      if (String(text).includes('mounted')) return this;
    }
    throw new Error('the drive did not mount');
  }

  /** bench/end-to-end/client.c in the drive: its head says what `words` may be. */
  async run(processes: number, milliseconds: number, words: readonly string[]): Promise<ClientResult> {
    const client = join(packageRoot(), 'bench/build/client');
    const counts = [String(this.#child.pid), String(processes), String(milliseconds)];
    const [program, ...args] = this.#pinned(client, this.directory, ...counts, ...words);
    const child = spawn(program!, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const output: string[] = [];
    child.stdout.setEncoding('utf8').on('data', (text: string) => output.push(text));
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) throw new Error(`the client ended with ${code}`);
    return JSON.parse(output.join('')) as ClientResult;
  }

  async end(): Promise<void> {
    const closed = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await closed;
    rmdirSync(this.directory);
  }

  #pinned(...command: string[]): string[] {
    return this.pin ? ['taskset', '-c', '1', ...command] : command;
  }
}
