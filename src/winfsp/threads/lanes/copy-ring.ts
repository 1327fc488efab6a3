/**
 * What the dispatcher thread and a copy lane share: reads that are decided and are to be copied and delivered. One
 * producer (the dispatcher thread), one consumer (the lane); indices in shared memory, modulo 2^32.
 */

/** Words of the shared state, per lane. */
export const CopyWord = {
  /** Reads handed over. The lane sleeps on it. */
  PRODUCED: 0,
  /** Reads whose copy is done: the lane touches no page for them any more. */
  COPIED: 1,
  /** Reads whose answer is delivered: their slot is free. */
  DELIVERED: 2,
  /** 1: leave when everything is delivered. */
  LEAVE: 3,
  /** Deliveries that failed with something else than CANCELLED. */
  FAILURES: 4,
  /** 1: the lane is up. */
  READY: 5,
  /** The system's number of the lane's thread; valid from READY on. */
  THREAD_ID: 6,
} as const;
export const COPY_WORDS = 16;

/** A read of 2 MiB whose pages of 4 KiB lie nowhere together. */
export const MAX_PIECES = 512;
/** Doubles of a slot: how many pieces, where the bytes go, then address and length of each piece. */
export const JOB_DOUBLES = 2 + 2 * MAX_PIECES;
/** The address of a piece that is zeros. The volume says so, too (describeRead in file-system-interface.ts). */
export const ZEROS = -1;

/** What a copy lane gets. */
export interface CopyLaneData {
  libraryPath: string;
  volumeHandle: number;
  state: Int32Array;
  jobs: Float64Array;
  answersAddress: number;
  /** A power of two. */
  slotCount: number;
}
