/**
 * The copy lanes of a dispatcher: threads that copy what large reads ask for, so that small requests of other programs
 * need not wait for a copy (docs/winfsp.md#copy-lanes). The dispatcher thread decides everything about the read, its
 * status and length too; the lane copies and delivers.
 *
 * They are started when they pay for the first time: two threads cost about 22 MiB, and most drives never need them.
 */
import { availableParallelism } from 'node:os';
import { TransactKind } from '../../abi/constants.js';
import { getUint64 } from '../../abi/fields.js';
import { ReqRead } from '../../abi/layouts.js';
import type { FspFileSystem } from '../../library/fsp-file-system.js';
import { CopyLane } from './copy-lane.js';
import { ReadPattern } from './read-pattern.js';

/** `auto`: beside small requests of other programs, on more than one CPU. The others are for tests. */
export type CopyLanesMode = 'auto' | 'always' | 'none';

const LANES = 2;
/** Below that the way to another thread costs about as much as the copy (docs/performance.md). */
export const MIN_LANE_BYTES = 256 * 1024;

export class CopyLanes {
  readonly #fs: FspFileSystem;
  readonly #mode: CopyLanesMode;
  readonly #pattern = new ReadPattern();
  #lanes: CopyLane[] = [];
  #isStarted = false;

  /** Null where lanes are of no use. */
  static of(fs: FspFileSystem, mode: CopyLanesMode): CopyLanes | null {
    const isUseful = mode === 'always' || (mode === 'auto' && availableParallelism() > 1);
    return isUseful && fs.fileSystem.describeRead !== undefined ? new CopyLanes(fs, mode) : null;
  }

  private constructor(fs: FspFileSystem, mode: CopyLanesMode) {
    this.#fs = fs;
    this.#mode = mode;
  }

  /** Before the first request. The event loop must run. */
  async start(): Promise<void> {
    if (this.#mode === 'always') {
      this.#startLanes();
      await Promise.all(this.#lanes.map((lane) => lane.ready()));
    }
  }

  /** Who shall copy for this request; null: nobody but the dispatcher thread. To be asked about every request. */
  laneFor(kind: number, request: DataView, nowMs: number): CopyLane | null {
    const context = getUint64(request, this.#fs.contextOffset);
    if (kind !== TransactKind.Read || request.getUint32(ReqRead.Length, true) < MIN_LANE_BYTES) {
      this.#pattern.noteOther(context);
      return null;
    }
    if (!this.#pattern.noteLargeRead(context, nowMs) && this.#mode === 'auto') {
      return null;
    }
    if (!this.#isStarted) {
      this.#startLanes();
    }
    let best: CopyLane | null = null;
    for (const lane of this.#lanes) {
      if (lane.isReady && !lane.isFull && (best === null || lane.waiting < best.waiting)) {
        best = lane;
      }
    }
    return best;
  }

  get failures(): number {
    return this.#lanes.reduce((sum, lane) => sum + lane.failures, 0);
  }

  /** Throws when a lane has died. About once a second. */
  checkThreads(): void {
    if (!this.#lanes.every((lane) => lane.isAlive)) {
      throw new Error(
        'A copy lane died. Answers that it held are lost, so the volume ends: else programs would wait for them.',
      );
    }
  }

  /** Ends the lanes, after what they hold. Before FspFsctlStop. */
  async end(): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane.end()));
    this.#lanes = [];
  }

  #startLanes(): void {
    this.#isStarted = true;
    for (let count = 0; count < LANES; count++) {
      this.#lanes.push(new CopyLane(this.#fs));
    }
  }
}
