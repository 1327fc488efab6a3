/** The processes of a run, as the driver sees them: clients that torture, and one that audits. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type {
  Claims,
  Finding,
  FromAuditor,
  FromWorker,
  ToAuditor,
  ToWorker,
  WorkerInput,
} from './messages.js';

const scriptOf = (name: string) => fileURLToPath(new URL(`./${name}.js`, import.meta.url));

/** Detached: Ctrl+C reaches every process of a terminal's foreground, but it is the driver that ends a run. */
const FORK_OPTIONS = { serialization: 'advanced', detached: true } as const;

export interface WorkerEvents {
  onFinding(finding: Finding): void;
  onGone(worker: number, message: string): void;
  onDone(worker: number): void;
  /** Without having been killed by us. */
  onDeath(worker: number, how: string): void;
}

export class WorkerProcess {
  readonly #input: WorkerInput;
  readonly #events: WorkerEvents;
  #child!: ChildProcess;
  #exited!: Promise<void>;
  #killing = false;
  #started!: Promise<void>;
  #onPaused: ((claims: Claims) => void) | null = null;
  #onBlockHashes: ((hashes: string[]) => void) | null = null;
  stopped = false;
  done = false;

  constructor(input: WorkerInput, events: WorkerEvents) {
    this.#input = input;
    this.#events = events;
    this.#fork(input);
  }

  get worker(): number {
    return this.#input.worker;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Resolves when it works; also when it never will, for then there is a finding. */
  get started(): Promise<void> {
    return this.#started;
  }

  /** Resolves with its claims when it rests. */
  pause(round: number, hashedOneIn: number): Promise<Claims> {
    const claims = new Promise<Claims>((resolve) => {
      this.#onPaused = resolve;
    });
    this.#send({ type: 'pause', round, hashedOneIn });
    return claims;
  }

  resume(): void {
    this.#send({ type: 'resume' });
  }

  blockHashes(path: string): Promise<string[]> {
    const hashes = new Promise<string[]>((resolve) => {
      this.#onBlockHashes = resolve;
    });
    this.#send({ type: 'blockHashes', path });
    return hashes;
  }

  /** Wherever it is. Its successor begins with what is known about it. */
  async killAndReplace(): Promise<void> {
    await this.end();
    this.replace();
  }

  /** A successor of one that has ended. */
  replace(): void {
    this.#fork({ ...this.#input, incarnation: ++this.#incarnation });
  }

  /** A new life on an empty drive. */
  async restart(input: WorkerInput): Promise<void> {
    await this.end();
    this.#fork(input);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
    this.stopped = name === 'SIGSTOP';
  }

  async end(): Promise<void> {
    this.#killing = true;
    this.stopped = false;
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  #incarnation = 0;

  #fork(input: WorkerInput): void {
    this.#killing = false;
    this.done = false;
    this.#onPaused = null;
    const child = fork(scriptOf('worker'), FORK_OPTIONS);
    this.#child = child;
    let onStarted = () => {};
    this.#started = new Promise((resolve) => {
      onStarted = resolve;
    });
    child.on('message', (message: FromWorker) => {
      switch (message.type) {
        case 'started':
          onStarted();
          break;
        case 'paused':
          this.#onPaused?.(message.claims);
          break;
        case 'done':
          this.done = true;
          this.#events.onDone(input.worker);
          break;
        case 'finding':
          onStarted();
          this.#events.onFinding(message.finding);
          break;
        case 'gone':
          onStarted();
          this.#events.onGone(input.worker, message.message);
          break;
        case 'blockHashes':
          this.#onBlockHashes?.(message.hashes);
          break;
      }
    });
    this.#exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        onStarted();
        if (!this.#killing) {
          this.#events.onDeath(input.worker, signal ?? `exit code ${code}`);
        }
        resolve();
      });
    });
    this.#send({ type: 'start', input });
  }

  #send(message: ToWorker): void {
    // One that has just died is noticed by its exit.
    this.#child.send(message, () => {});
  }
}

/** An answer of the system that the auditor did not expect. */
class AuditError extends Error {
  constructor(
    message: string,
    readonly code: string | null,
  ) {
    super(message);
  }
}

export class AuditorProcess {
  readonly #child: ChildProcess;
  #last: Promise<unknown> = Promise.resolve();

  constructor() {
    this.#child = fork(scriptOf('auditor'), FORK_OPTIONS);
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** One after the other. */
  ask<T>(request: ToAuditor): Promise<T> {
    const answer = this.#last.then(() => this.#exchange<T>(request));
    this.#last = answer.catch(() => {});
    return answer;
  }

  end(): void {
    this.#child.kill('SIGKILL');
  }

  #exchange<T>(request: ToAuditor): Promise<T> {
    return new Promise((resolve, reject) => {
      const onExit = () => reject(new AuditError('the auditor died', null));
      this.#child.once('exit', onExit);
      this.#child.once('message', (message: FromAuditor) => {
        this.#child.off('exit', onExit);
        if (message.type === 'result') {
          resolve(message.result as T);
        } else {
          reject(new AuditError(message.message, message.code));
        }
      });
      this.#child.send(request, () => {});
    });
  }
}
