/**
 * Who delivers an answer, for every dispatcher that has a loop of its own: the thread that made it, or one of the helper workers
 * because its completion may block inside the driver (answer-routing.ts decides, helpers.ts delivers, docs/winfsp.md (i)).
 *
 * An instance belongs to the dispatcher's thread, which never waits for a helper while it serves.
 */
import { AnswerRouting, Route } from './answer-routing.js';
import { Limit } from '../abi/constants.js';
import type { FspFileSystem } from '../library/file-system.js';
import { Helper } from './completion-threads.js';
import { Rsp } from '../abi/layouts.js';
import { HEAD, type StatisticsWriter } from '../memory/statistics.js';

export interface DeliveryOptions {
  /**
   * `auto`: by the rules of docs/winfsp.md (i), none where completions never nest. `all`: every answer through helpers, with some
   * more of them for what would be inline, for a driver stack that blocks where it should not. `none`: everything inline; for
   * tests that show why helpers are needed.
   */
  helpers?: 'auto' | 'all' | 'none';
  /** Overrides what the library says about nesting; for tests. */
  completionsNest?: boolean;
  /** Slots of a helper's ring, a power of two; small in tests. */
  helperSlots?: number;
}

/** The bytes of an answer, at `address` in native memory and seen through views of it. */
export interface AnswerMemory {
  readonly address: number;
  readonly view: DataView;
  readonly bytes: Uint8Array;
}

/** As many answers as the driver has requests (IrpCapacity), rounded up. */
const HELPER_SLOTS = 1024;
/** With every answer through the helpers, big ones must fit too, and fewer slots do. */
const HELPER_SLOTS_ALL = 64;
/**
 * How many more helpers there are then. Their answers may be the nested ones that helpers 1 and 2 wait for, so they must not
 * queue behind those; and one of them that blocks leaves the others.
 */
const EXTRA_HELPERS = 3;
const ANSWERED_BY = [HEAD.answersByExtraHelpers, HEAD.answersByHelper1, HEAD.answersByHelper2];

export class AnswerDelivery {
  /** Whether answers may go to helpers. */
  readonly usesHelpers: boolean;
  readonly #fs: FspFileSystem;
  readonly #writer: StatisticsWriter;
  readonly #options: DeliveryOptions;
  readonly #routing: AnswerRouting | null;
  /** The first two as in docs/winfsp.md (i), then the extra ones. Empty: everything is inline. */
  #helpers: Helper[] = [];
  /** Index of the last directory rename in helper 1's ring, while it is under way. */
  #directoryRename = -1;
  #directoryRenameInFlight = false;

  constructor(fs: FspFileSystem, writer: StatisticsWriter, options: DeliveryOptions) {
    this.#fs = fs;
    this.#writer = writer;
    this.#options = options;
    const mode = options.helpers ?? 'auto';
    const nests = mode !== 'none' && (options.completionsNest ?? fs.library.completionsNest());
    this.usesHelpers = nests || mode === 'all';
    this.#routing = this.usesHelpers
      ? new AnswerRouting(fs.fileSystem, fs.fileInfoTimeout, fs.contextOffset)
      : null;
  }

  /** Starts the helpers, if any. The event loop must run. */
  async start(): Promise<void> {
    if (!this.usesHelpers) {
      return;
    }
    const all = this.#options.helpers === 'all';
    const options = {
      libraryPath: this.#fs.library.path,
      volumeHandle: this.#fs.volumeHandle,
      slotCount: this.#options.helperSlots ?? (all ? HELPER_SLOTS_ALL : HELPER_SLOTS),
      slotBytes: all ? Limit.TRANSACT_RSP_SIZEMAX : Rsp.SIZE,
    };
    for (let count = 0; count < 2 + (all ? EXTRA_HELPERS : 0); count++) {
      this.#helpers.push(new Helper(options));
    }
    await Promise.all(this.#helpers.map((helper) => helper.ready()));
  }

  /** Before the handler runs: remembers what the answer alone cannot tell. */
  noteRequest(kind: number, request: DataView): void {
    this.#routing?.noteRequest(kind, request);
  }

  /**
   * Gives the answer to a helper when the rules say so; its bytes are copied. False: the caller delivers it itself. `request` is the
   * head of the request that is answered.
   */
  handOver(
    kind: number,
    request: DataView,
    answer: AnswerMemory,
    lengthBytes: number,
    status: number,
  ): boolean {
    if (this.#helpers.length === 0) {
      this.#writer.count(HEAD.answersInline);
      return false;
    }
    const route = this.#route(kind, request, answer.view, status);
    const helper = route === Route.INLINE ? this.#extraHelper() : this.#helpers[route - Route.HELPER_1]!;
    if (helper === null) {
      this.#writer.count(HEAD.answersInline);
      return false;
    }
    const { ring } = helper;
    if (route === Route.HELPER_1 && this.#routing!.renamesDirectory) {
      this.#directoryRename = ring.nextIndex;
      this.#directoryRenameInFlight = true;
    }
    // Counted first: the moment it is pushed, somebody may see its effect and read the figures.
    this.#writer.count(ANSWERED_BY[route]!);
    if (ring.push(answer.address, answer.bytes, lengthBytes)) {
      this.#writer.count(HEAD.answersOverflowed);
    }
    if (helper.failures !== 0) {
      this.#writer.set(
        HEAD.helperFailures,
        this.#helpers.reduce((sum, one) => sum + one.failures, 0),
      );
    }
    return true;
  }

  /** Lets the helpers deliver what they hold, for so long at most. Only when nothing is handed over any more. */
  async untilIdle(limitMs: number): Promise<void> {
    await Promise.all(this.#helpers.map((helper) => helper.ring.untilIdle(limitMs)));
  }

  /** Ends the helpers. Only after FspFsctlStop, which releases one that still waits inside the driver. */
  async end(): Promise<void> {
    await Promise.all(this.#helpers.map((helper) => helper.end()));
    this.#helpers = [];
  }

  #route(kind: number, request: DataView, response: DataView, status: number): number {
    if (this.#directoryRenameInFlight && this.#helpers[0]!.ring.isDelivered(this.#directoryRename)) {
      this.#directoryRenameInFlight = false;
    }
    return this.#routing!.route(kind, request, response, status, this.#directoryRenameInFlight);
  }

  /** Who delivers what needs no helper when everything goes through helpers: one that is idle, or else has the least to do. */
  #extraHelper(): Helper | null {
    let best: Helper | null = null;
    for (let i = 2; i < this.#helpers.length; i++) {
      const helper = this.#helpers[i]!;
      if (helper.ring.waiting === 0) {
        return helper;
      }
      if (best === null || helper.ring.waiting < best.ring.waiting) {
        best = helper;
      }
    }
    return best;
  }
}
