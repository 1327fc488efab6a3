/**
 * The completion threads of a dispatcher: starting them, handing answers over, letting them go. How many, and who
 * delivers what: docs/winfsp.md#answers-that-may-nest "Completion threads".
 */
import { MessageChannel } from 'node:worker_threads';
import { CompletionRing, RingWord } from './completion-ring.js';
import { DriverWorker } from './library-worker.js';
import { ThreadWatch } from './thread-watch.js';

export interface CompletionThreadOptions {
  libraryPath: string;
  volumeHandle: number;
  /** Power of two. Small only in tests. */
  slotCount: number;
  slotBytes: number;
}

export class CompletionThread {
  readonly ring: CompletionRing;
  readonly #worker: DriverWorker;
  #watch: ThreadWatch | null = null;

  constructor(options: CompletionThreadOptions) {
    const channel = new MessageChannel();
    this.ring = new CompletionRing(options.slotCount, options.slotBytes, channel.port1);
    this.#worker = new DriverWorker(
      {
        kind: 'completionThread',
        libraryPath: options.libraryPath,
        volumeHandle: options.volumeHandle,
        state: this.ring.state,
        slotsAddress: this.ring.slots.address,
        slotCount: options.slotCount,
        slotBytes: options.slotBytes,
        lengths: this.ring.lengths,
        overflow: channel.port2,
      },
      [channel.port2],
    );
    channel.port1.unref();
  }

  async ready(): Promise<void> {
    await this.#worker.ready;
    this.#watch = new ThreadWatch(Atomics.load(this.ring.state, RingWord.THREAD_ID));
  }

  /** Resolves when it has left: null after end(), or else what it died of. */
  finished(): Promise<Error | null> {
    return this.#worker.finished;
  }

  /** For a thread whose event loop does not run, which `finished` does not reach. */
  get isAlive(): boolean {
    return this.#watch?.isAlive ?? true;
  }

  get failures(): number {
    return Atomics.load(this.ring.state, RingWord.FAILURES);
  }

  /** Lets the worker go. Only when no delivery can block any more: after FspFsctlStop. */
  async end(): Promise<void> {
    this.ring.leave();
    await this.#worker.finished;
    this.#watch?.free();
    this.ring.free();
  }
}
