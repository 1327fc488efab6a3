/**
 * The way of a request from a receiver worker to the thread that answers it: a ring of request buffers in native
 * memory, one producer (the receiver), one consumer. A consumer that is busy makes the receiver wait, never the other
 * way round.
 *
 * One word that all receivers of a dispatcher share is counted up with every request: the consumer's event loop waits
 * for its change by Atomics.waitAsync, which costs no thread of the pool.
 */
import { Limit } from '../abi/constants.js';
import { ControlWord, LoopState } from '../memory/control-block.js';

/** Words of a receiver's own state. */
export const ReceiverWord = {
  /** Requests put into the ring, modulo 2^32. */
  PRODUCED: 0,
  /** Requests that the consumer is done with, modulo 2^32. The receiver sleeps on it when the ring is full. */
  CONSUMED: 1,
} as const;
export const RECEIVER_WORDS = 16;

/** Words that all receivers of a dispatcher share. */
export const DispatchWord = {
  /** Changes with everything that the consumer should look at. */
  SIGNAL: 0,
  /** Receivers that have not ended. */
  LIVE: 1,
} as const;
export const DISPATCH_WORDS = 16;

/** Distance of two request buffers. */
export const REQUEST_STRIDE_BYTES = Limit.TRANSACT_REQ_SIZEMAX;

/** What a receiver worker gets. */
export interface ReceiverData {
  libraryPath: string;
  volumeHandle: number;
  /**
   * The volume's control block: the last receiver that ends says so there, because the consumer's thread may be busy
   * without end.
   */
  control: Int32Array;
  shared: Int32Array;
  state: Int32Array;
  slotsAddress: number;
  /** A power of two. */
  slotCount: number;
}

/** A receiver has ended, or died, and its last Transact came to `status`. The last one stores LoopState.ENDED. */
export function receiverEnded(control: Int32Array, shared: Int32Array, status: number): void {
  Atomics.store(control, ControlWord.END_STATUS, status);
  if (Atomics.sub(shared, DispatchWord.LIVE, 1) === 1) {
    // A process that dies may have entered TEARDOWN meanwhile, which must stay.
    Atomics.compareExchange(control, ControlWord.LOOP_STATE, LoopState.RUNNING, LoopState.ENDED);
    Atomics.notify(control, ControlWord.LOOP_STATE);
  }
  signal(shared);
}

/** Makes the consumer look. */
export function signal(shared: Int32Array): void {
  Atomics.add(shared, DispatchWord.SIGNAL, 1);
  Atomics.notify(shared, DispatchWord.SIGNAL);
}
