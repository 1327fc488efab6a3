/**
 * The way of an answer from the dispatcher thread to a completion thread, which delivers it while the dispatcher goes
 * on: a ring of slots in native memory, indices in shared memory, one producer (the dispatcher thread), one consumer
 * (the completion thread).
 *
 * The dispatcher thread never waits for a completion thread (docs/winfsp.md#answers-that-may-nest), so a full ring must
 * not stop it: then the answer goes through a MessagePort, whose queue has no bound, and so do the following ones until
 * the completion thread has caught up. The completion thread reads the port synchronously, so it needs no event loop
 * either. Order is kept: `overflowFrom` tells from which index on answers are in the port.
 */
import type { MessagePort } from 'node:worker_threads';
import { copyMemory, NativeBlock } from '../memory/native-memory.js';

/** Words of the shared state, per completion thread. */
export const RingWord = {
  /** Answers handed over, modulo 2^32. The completion thread sleeps on it. */
  PRODUCED: 0,
  /** Answers whose delivering call has returned, modulo 2^32. */
  CONSUMED: 1,
  /** 1: OVERFLOW_FROM is valid. */
  OVERFLOWING: 2,
  OVERFLOW_FROM: 3,
  /** 1: leave when everything is consumed. */
  LEAVE: 4,
  /** Deliveries that failed with something else than CANCELLED. */
  FAILURES: 5,
  /** 1: the completion thread is up. */
  READY: 6,
  /** The system's number of the completion thread; valid from READY on. */
  THREAD_ID: 7,
} as const;
const RING_WORDS = 16;

/** What a completion thread gets. */
export interface CompletionData {
  libraryPath: string;
  volumeHandle: number;
  state: Int32Array;
  slotsAddress: number;
  slotCount: number;
  slotBytes: number;
  /** Length of the answer in each slot. */
  lengths: Int32Array;
  overflow: MessagePort;
}

export class CompletionRing {
  readonly state = new Int32Array(new SharedArrayBuffer(RING_WORDS * 4));
  readonly lengths: Int32Array;
  readonly slots: NativeBlock;

  constructor(
    readonly slotCount: number,
    readonly slotBytes: number,
    readonly overflow: MessagePort,
  ) {
    if ((slotCount & (slotCount - 1)) !== 0) {
      throw new RangeError(`The slots of a ring must be a power of two, not ${slotCount}.`);
    }
    this.slots = new NativeBlock(slotCount * slotBytes);
    this.lengths = new Int32Array(new SharedArrayBuffer(slotCount * 4));
  }

  /** Hands an answer over; never waits. Tells whether it went by message. */
  push(address: number, bytes: Uint8Array, lengthBytes: number): boolean {
    const { state, slotCount } = this;
    const index = Atomics.load(state, RingWord.PRODUCED);
    const waiting = (index - Atomics.load(state, RingWord.CONSUMED)) | 0;
    if (waiting === 0) {
      Atomics.store(state, RingWord.OVERFLOWING, 0);
    }
    const overflows =
      Atomics.load(state, RingWord.OVERFLOWING) === 1 || waiting >= slotCount || lengthBytes > this.slotBytes;
    if (overflows) {
      if (Atomics.load(state, RingWord.OVERFLOWING) === 0) {
        Atomics.store(state, RingWord.OVERFLOW_FROM, index);
        Atomics.store(state, RingWord.OVERFLOWING, 1);
      }
      this.overflow.postMessage(bytes.slice(0, lengthBytes));
    } else {
      const slot = index & (slotCount - 1);
      copyMemory(this.slots.address + slot * this.slotBytes, address, lengthBytes);
      this.lengths[slot] = lengthBytes;
    }
    Atomics.store(state, RingWord.PRODUCED, (index + 1) | 0);
    Atomics.notify(state, RingWord.PRODUCED);
    return overflows;
  }

  /** Index that the next answer will get. */
  get nextIndex(): number {
    return Atomics.load(this.state, RingWord.PRODUCED);
  }

  /** Whether the call that delivers the answer `index` has returned. */
  isDelivered(index: number): boolean {
    return ((Atomics.load(this.state, RingWord.CONSUMED) - index) | 0) > 0;
  }

  get waiting(): number {
    return (Atomics.load(this.state, RingWord.PRODUCED) - Atomics.load(this.state, RingWord.CONSUMED)) | 0;
  }

  /** Until everything is delivered; only when nothing is pushed any more. False after `limitMs`. */
  async untilIdle(limitMs: number): Promise<boolean> {
    const deadline = Date.now() + limitMs;
    for (;;) {
      const consumed = Atomics.load(this.state, RingWord.CONSUMED);
      if (consumed === Atomics.load(this.state, RingWord.PRODUCED)) {
        return true;
      }
      const left = deadline - Date.now();
      if (left <= 0) {
        return false;
      }
      await Atomics.waitAsync(this.state, RingWord.CONSUMED, consumed, left).value;
    }
  }

  /** Tells the completion thread to leave when everything is consumed. */
  leave(): void {
    Atomics.store(this.state, RingWord.LEAVE, 1);
    // Lost when it falls between the completion thread's test and its sleep, which therefore never lasts longer than a
    // nap (completion-worker.ts).
    Atomics.notify(this.state, RingWord.PRODUCED);
  }

  free(): void {
    this.slots.free();
    this.overflow.close();
  }
}
