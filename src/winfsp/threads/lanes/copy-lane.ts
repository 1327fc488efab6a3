/**
 * One copy lane as the dispatcher thread sees it: the read that is being described, those handed over, and the thread
 * that copies them (copy-worker.ts).
 */

import { Rsp } from '../../abi/layouts.js';
import type { ReadCopier } from '../../library/file-system-interface.js';
import type { FspFileSystem } from '../../library/fsp-file-system.js';
import { copyMemory, NativeBlock } from '../../memory/native-memory.js';
import { DriverWorker } from '../library-worker.js';
import { ThreadWatch } from '../thread-watch.js';
import { COPY_WORDS, CopyWord, JOB_DOUBLES, MAX_PIECES } from './copy-ring.js';

/** More waiting reads than that would be faster where they are: the dispatcher thread copies them itself. */
const SLOTS = 16;
/** How often a wait for a copy looks whether the lane still runs. */
const LIVENESS_CHECK_MS = 100;

export class CopyLane implements ReadCopier {
  readonly state = new Int32Array(new SharedArrayBuffer(COPY_WORDS * 4));
  readonly jobs = new Float64Array(new SharedArrayBuffer(SLOTS * JOB_DOUBLES * 8));
  readonly #answers = new NativeBlock(SLOTS * Rsp.SIZE);
  readonly #worker: DriverWorker | null;
  #watch: ThreadWatch | null = null;
  #base = 0;
  #pieces = 0;

  /** Null: without a thread, for tests that are the lane. */
  constructor(fs: FspFileSystem | null) {
    this.#worker =
      fs === null
        ? null
        : new DriverWorker({
            kind: 'copyLane',
            libraryPath: fs.library.path,
            volumeHandle: fs.volumeHandle,
            state: this.state,
            jobs: this.jobs,
            answersAddress: this.#answers.address,
            slotCount: SLOTS,
          });
  }

  /** Resolves when it is up. Needs the event loop; isReady does not. */
  async ready(): Promise<void> {
    await this.#worker?.ready;
  }

  get isReady(): boolean {
    if (this.#watch !== null) {
      return true;
    }
    if (Atomics.load(this.state, CopyWord.READY) === 0) {
      return false;
    }
    this.#watch = new ThreadWatch(Atomics.load(this.state, CopyWord.THREAD_ID));
    return true;
  }

  /** Asked of the system, because the event loop does not run while the volume is served. */
  get isAlive(): boolean {
    return this.#watch?.isAlive ?? true;
  }

  get failures(): number {
    return Atomics.load(this.state, CopyWord.FAILURES);
  }

  /** Reads that are not delivered yet. */
  get waiting(): number {
    return (Atomics.load(this.state, CopyWord.PRODUCED) - Atomics.load(this.state, CopyWord.DELIVERED)) | 0;
  }

  get isFull(): boolean {
    return this.waiting >= SLOTS;
  }

  get nextIndex(): number {
    return Atomics.load(this.state, CopyWord.PRODUCED);
  }

  /** The next read, whose bytes go to `address`. Only when the lane is not full. */
  begin(address: number): void {
    this.#base = (this.nextIndex & (SLOTS - 1)) * JOB_DOUBLES;
    this.#pieces = 0;
    this.jobs[this.#base + 1] = address;
  }

  add(address: number, lengthBytes: number): void {
    if (this.#pieces < MAX_PIECES) {
      const at = this.#base + 2 + 2 * this.#pieces;
      this.jobs[at] = address;
      this.jobs[at + 1] = lengthBytes;
    }
    this.#pieces += 1;
  }

  /** Whether all pieces of the read found room. */
  get fits(): boolean {
    return this.#pieces <= MAX_PIECES;
  }

  /** Hands the read over with its answer, which is copied; never waits. */
  push(answerAddress: number): void {
    const index = this.nextIndex;
    this.jobs[this.#base] = this.#pieces;
    copyMemory(this.#answers.address + (index & (SLOTS - 1)) * Rsp.SIZE, answerAddress, Rsp.SIZE);
    Atomics.store(this.state, CopyWord.PRODUCED, (index + 1) | 0);
    Atomics.notify(this.state, CopyWord.PRODUCED);
  }

  /** True for a read that was described and never handed over, too: nobody copies it. */
  isCopied(index: number): boolean {
    return (
      ((Atomics.load(this.state, CopyWord.COPIED) - index) | 0) > 0 || ((this.nextIndex - index) | 0) <= 0
    );
  }

  untilCopied(index: number): void {
    while (!this.isCopied(index)) {
      const copied = Atomics.load(this.state, CopyWord.COPIED);
      if (((copied - index) | 0) > 0) {
        return;
      }
      const woken = Atomics.wait(this.state, CopyWord.COPIED, copied, LIVENESS_CHECK_MS);
      // A thread that is gone copies no more; that its answers are lost ends the volume (CopyLanes.checkThreads).
      if (woken === 'timed-out' && !this.isAlive) {
        return;
      }
    }
  }

  /** Lets everything be copied and delivered, then lets the thread go. Before FspFsctlStop, which takes the buffers. */
  async end(): Promise<void> {
    Atomics.store(this.state, CopyWord.LEAVE, 1);
    // Lost when it falls between the lane's test and its sleep, which therefore never lasts longer than a nap.
    Atomics.notify(this.state, CopyWord.PRODUCED);
    await this.#worker?.finished;
    this.#watch?.free();
    this.#answers.free();
  }
}
