/**
 * Who delivers an answer, for every dispatcher that has a loop of its own: the thread that made it, or one of the
 * completion threads because its completion may block inside the driver (answer-routing.ts decides,
 * completion-threads.ts delivers, docs/winfsp.md#answers-that-may-nest).
 *
 * An instance belongs to the dispatcher's thread, which never waits for a completion thread while it serves.
 */

import { Limit } from '../abi/constants.js';
import { Rsp } from '../abi/layouts.js';
import type { FspFileSystem } from '../library/fsp-file-system.js';
import { HEAD, type StatisticsWriter } from '../memory/statistics.js';
import { AnswerRouting, Route } from './answer-routing.js';
import { CompletionThread } from './completion-threads.js';

export interface DeliveryOptions {
  /**
   * `auto`: by the rules of docs/winfsp.md#answers-that-may-nest, none where completions never nest. `all`: every
   * answer through completion threads, with some more of them for what would be inline, for a driver stack that blocks
   * where it should not. `none`: everything inline; for tests that show why completion threads are needed.
   */
  completionThreads?: 'auto' | 'all' | 'none';
  /** Overrides what the library says about nesting; for tests. */
  completionsNest?: boolean;
  /** Slots of a completion thread's ring, a power of two; small in tests. */
  completionSlots?: number;
}

/** The bytes of an answer, at `address` in native memory and seen through views of it. */
export interface AnswerMemory {
  readonly address: number;
  readonly view: DataView;
  readonly bytes: Uint8Array;
}

/** As many answers as the driver has requests (IrpCapacity), rounded up. */
const COMPLETION_SLOTS = 1024;
/** With every answer through the completion threads, big ones must fit too, and fewer slots do. */
const COMPLETION_SLOTS_ALL = 64;
/**
 * How many more completion threads there are then. Their answers may be the nested ones that completion threads 1 and 2
 * wait for, so they must not queue behind those; and one of them that blocks leaves the others.
 */
const EXTRA_COMPLETION_THREADS = 3;
const ANSWERED_BY = [
  HEAD.answersByExtraThreads,
  HEAD.answersByCompletion1,
  HEAD.answersByCompletion2,
  HEAD.answersByExtraThreads,
];

export class AnswerDelivery {
  /** Whether answers may go to completion threads. */
  readonly usesCompletionThreads: boolean;
  readonly #fs: FspFileSystem;
  readonly #writer: StatisticsWriter;
  readonly #options: DeliveryOptions;
  readonly #routing: AnswerRouting | null;
  /** Those of docs/winfsp.md#answers-that-may-nest, then the extra ones. Empty: everything is inline. */
  #completionThreads: CompletionThread[] = [];
  /** Where the extra ones begin: completion thread 3 is for streams. */
  readonly #firstExtra: number;
  /** Index of the last directory rename in completion thread 1's ring, while it is under way. */
  #directoryRename = -1;
  #directoryRenameInFlight = false;

  constructor(fs: FspFileSystem, writer: StatisticsWriter, options: DeliveryOptions) {
    this.#fs = fs;
    this.#writer = writer;
    this.#options = options;
    const mode = options.completionThreads ?? 'auto';
    const nests = mode !== 'none' && (options.completionsNest ?? fs.library.completionsNest());
    this.usesCompletionThreads = nests || mode === 'all';
    const namedStreams = fs.volumeParams.NamedStreams === true;
    this.#firstExtra = namedStreams ? 3 : 2;
    this.#routing = this.usesCompletionThreads
      ? new AnswerRouting(fs.fileSystem, fs.fileInfoTimeout, fs.contextOffset, namedStreams)
      : null;
  }

  /** Starts the completion threads, if any. The event loop must run. */
  async start(): Promise<void> {
    if (!this.usesCompletionThreads) {
      return;
    }
    const all = this.#options.completionThreads === 'all';
    const options = {
      libraryPath: this.#fs.library.path,
      volumeHandle: this.#fs.volumeHandle,
      slotCount: this.#options.completionSlots ?? (all ? COMPLETION_SLOTS_ALL : COMPLETION_SLOTS),
      slotBytes: all ? Limit.TRANSACT_RSP_SIZEMAX : Rsp.SIZE,
    };
    for (let count = 0; count < this.#firstExtra + (all ? EXTRA_COMPLETION_THREADS : 0); count++) {
      this.#completionThreads.push(new CompletionThread(options));
    }
    await Promise.all(this.#completionThreads.map((completionThread) => completionThread.ready()));
  }

  /** Before the handler runs: remembers what the answer alone cannot tell. */
  noteRequest(kind: number, request: DataView): void {
    this.#routing?.noteRequest(kind, request);
  }

  /**
   * Gives the answer to a completion thread when the rules say so; its bytes are copied. False: the caller delivers it
   * itself. `request` is the head of the request that is answered.
   */
  handOver(
    kind: number,
    request: DataView,
    answer: AnswerMemory,
    lengthBytes: number,
    status: number,
  ): boolean {
    if (this.#completionThreads.length === 0) {
      this.#writer.count(HEAD.answersInline);
      return false;
    }
    const route = this.#route(kind, request, answer.view, status);
    const completionThread =
      route === Route.INLINE
        ? this.#extraCompletionThread()
        : this.#completionThreads[route - Route.COMPLETION_1]!;
    if (completionThread === null) {
      this.#writer.count(HEAD.answersInline);
      return false;
    }
    const { ring } = completionThread;
    if (route === Route.COMPLETION_1 && this.#routing!.renamesDirectory) {
      this.#directoryRename = ring.nextIndex;
      this.#directoryRenameInFlight = true;
    }
    // Counted first: the moment it is pushed, a program may see its effect and read the figures.
    this.#writer.count(ANSWERED_BY[route]!);
    if (ring.push(answer.address, answer.bytes, lengthBytes)) {
      this.#writer.count(HEAD.answersOverflowed);
    }
    if (completionThread.failures !== 0) {
      this.#writer.set(
        HEAD.completionFailures,
        this.#completionThreads.reduce((sum, one) => sum + one.failures, 0),
      );
    }
    return true;
  }

  /**
   * Lets the completion threads deliver what they hold, for so long at most. Only when nothing is handed over any more.
   */
  async untilIdle(limitMs: number): Promise<void> {
    await Promise.all(
      this.#completionThreads.map((completionThread) => completionThread.ring.untilIdle(limitMs)),
    );
  }

  /**
   * Resolves with the reason when a completion thread dies before end(): what was handed to it is never delivered, so
   * the volume has to end. For dispatchers with an event loop.
   */
  async died(): Promise<Error> {
    const ends = this.#completionThreads.map((completionThread) => completionThread.finished());
    return new Promise((resolve) => {
      for (const end of ends) {
        void end.then((death) => death !== null && resolve(death));
      }
    });
  }

  /** Throws when a completion thread has died. For dispatchers without an event loop, about once a second. */
  checkThreads(): void {
    if (!this.#completionThreads.every((completionThread) => completionThread.isAlive)) {
      throw new Error(
        'A completion thread died. Answers that it held are lost, ' +
          'so the volume ends: else programs would wait for them.',
      );
    }
  }

  /** Ends the completion threads. Only after FspFsctlStop, which releases one that still waits inside the driver. */
  async end(): Promise<void> {
    await Promise.all(this.#completionThreads.map((completionThread) => completionThread.end()));
    this.#completionThreads = [];
  }

  #route(kind: number, request: DataView, response: DataView, status: number): number {
    if (
      this.#directoryRenameInFlight &&
      this.#completionThreads[0]!.ring.isDelivered(this.#directoryRename)
    ) {
      this.#directoryRenameInFlight = false;
    }
    return this.#routing!.route(kind, request, response, status, this.#directoryRenameInFlight);
  }

  /**
   * Who delivers what needs no completion thread when everything goes through completion threads: one that is idle, or
   * else has the least to do.
   */
  #extraCompletionThread(): CompletionThread | null {
    let best: CompletionThread | null = null;
    for (let i = this.#firstExtra; i < this.#completionThreads.length; i++) {
      const completionThread = this.#completionThreads[i]!;
      if (completionThread.ring.waiting === 0) {
        return completionThread;
      }
      if (best === null || completionThread.ring.waiting < best.ring.waiting) {
        best = completionThread;
      }
    }
    return best;
  }
}
