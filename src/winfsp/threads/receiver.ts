/** A receiver worker as the answering thread sees it: its ring of request buffers, its start and its end. */
import { Limit } from '../abi/constants.js';
import type { FspFileSystem } from '../library/fsp-file-system.js';
import { NativeBlock } from '../memory/native-memory.js';
import { DriverWorker } from './library-worker.js';
import { RECEIVER_WORDS, REQUEST_STRIDE_BYTES, ReceiverWord } from './receiver-ring.js';

/** Requests that one receiver takes ahead of the thread that answers; behind them the driver's own queue grows. */
const SLOTS = 64;

export class Receiver {
  readonly #state = new Int32Array(new SharedArrayBuffer(RECEIVER_WORDS * 4));
  readonly #slots = new NativeBlock(SLOTS * REQUEST_STRIDE_BYTES);
  readonly #requests: DataView[];
  readonly #worker: DriverWorker;
  #consumed = 0;

  constructor(fs: FspFileSystem, shared: Int32Array) {
    const { buffer, byteOffset } = this.#slots.view;
    this.#requests = Array.from(
      { length: SLOTS },
      (_, slot) => new DataView(buffer, byteOffset + slot * REQUEST_STRIDE_BYTES, Limit.TRANSACT_REQ_SIZEMAX),
    );
    this.#worker = new DriverWorker({
      kind: 'receiver',
      libraryPath: fs.library.path,
      volumeHandle: fs.volumeHandle,
      control: fs.control,
      shared,
      state: this.#state,
      slotsAddress: this.#slots.address,
      slotCount: SLOTS,
    });
  }

  ready(): Promise<void> {
    return this.#worker.ready;
  }

  /** Resolves with null after the volume has stopped, or else with what the worker died of. */
  finished(): Promise<Error | null> {
    return this.#worker.finished;
  }

  get hasRequest(): boolean {
    return Atomics.load(this.#state, ReceiverWord.PRODUCED) !== this.#consumed;
  }

  /** The next request; its memory is the receiver's again after release(). */
  get request(): DataView {
    return this.#requests[this.#consumed & (SLOTS - 1)]!;
  }

  get requestAddress(): number {
    return this.#slots.address + (this.#consumed & (SLOTS - 1)) * REQUEST_STRIDE_BYTES;
  }

  release(): void {
    this.#consumed = (this.#consumed + 1) | 0;
    Atomics.store(this.#state, ReceiverWord.CONSUMED, this.#consumed);
    Atomics.notify(this.#state, ReceiverWord.CONSUMED);
  }

  /** Only after the worker has finished. */
  free(): void {
    this.#slots.free();
  }
}
