/**
 * The async dispatcher: handlers run on the thread that owns the file system, with its event loop, and Read, Write and
 * QueryDirectory may be answered later, in any order, any number at a time.
 *
 * Receiver workers wait in FspFsctlTransact and hand requests over through shared memory (receiver-worker.ts); this
 * thread never waits inside the driver. It answers with calls that only deliver, each from memory of the request's own
 * (pending-requests.ts); answers whose completion may block go to completion thread (answer-delivery.ts). Receiving by
 * `.async` calls of koffi would take threads of the pool that promises of node:fs need: docs/guide.md "Why three
 * dispatchers" has the figures.
 *
 * What can go wrong: a handler that never settles. Its request stays open until stop(), which waits `stopGraceMs` for
 * it, then answers CANCELLED in its place; what it does later is ignored.
 */
import { NtStatus } from '../../ntstatus.js';
import { Limit, TRANSACT_KIND_COUNT, TRANSACT_KIND_NAMES, TransactKind } from '../abi/constants.js';
import { Req, ReqQueryDirectory, Rsp } from '../abi/layouts.js';
import { WinFspCallError } from '../errors.js';
import type { FspFileSystem } from '../library/fsp-file-system.js';
import { ControlWord, LoopState, setLoopState } from '../memory/control-block.js';
import { NativeBlock } from '../memory/native-memory.js';
import { allocateStatistics, HEAD, StatisticsWriter } from '../memory/statistics.js';
import { AnswerDelivery, type AnswerMemory, type DeliveryOptions } from '../threads/answer-delivery.js';
import { Receiver } from '../threads/receiver.js';
import { DISPATCH_WORDS, DispatchWord, receiverEnded } from '../threads/receiver-ring.js';
import type { AsyncOperations } from './async-operations.js';
import type { LoopEnd } from './inline-dispatcher.js';
import { beginResponse, runOperation, setStatus } from './operation.js';
import { resultOf, startOperation } from './pending-operation.js';
import { type PendingRequest, PendingRequests } from './pending-requests.js';

export interface AsyncDispatcherOptions extends DeliveryOptions {
  /** From allocateStatistics(); made when not given. */
  statistics?: SharedArrayBuffer;
  /** How long stop() waits for handlers that have not settled. Default 5000 ms. */
  stopGraceMs?: number;
}

/** Two are the least that the driver needs at any time; more do not help one thread that answers. */
const RECEIVERS = 2;
const STOP_GRACE_MS = 5000;
/** How long completion threads may take to deliver what they hold before Stop releases them. */
const COMPLETION_GRACE_MS = 2000;
/**
 * Requests that are begun in one turn of the event loop; then timers, promises and other I/O of this thread have
 * theirs.
 */
const TURN_REQUESTS = 64;
const PATTERN_IS_FILE_NAME = 2;

export class AsyncDispatcher {
  readonly statistics: SharedArrayBuffer;
  /** Resolves when the volume takes no more requests, for whatever reason; stop() is still to be called. */
  readonly ended: Promise<LoopEnd>;
  readonly #fs: FspFileSystem;
  readonly #operations: AsyncOperations;
  readonly #writer: StatisticsWriter;
  readonly #delivery: AnswerDelivery;
  readonly #stopGraceMs: number;
  readonly #response = new NativeBlock(Limit.TRANSACT_RSP_SIZEMAX);
  readonly #pending = new PendingRequests();
  readonly #shared = new Int32Array(new SharedArrayBuffer(DISPATCH_WORDS * 4));
  readonly #contextOffset: number;
  #receivers: Receiver[] = [];
  #pendingCount = 0;
  #onNonePending: (() => void) | null = null;
  /** Stop was called or is about to be: nothing may be sent any more. */
  #closed = false;
  #stopping: Promise<void> | null = null;
  #started = false;
  #begunInTurn = 0;
  /** So many were begun that the rest waits for the next turn of the event loop. */
  #hasHadTurn = false;
  #resolveEnded: (end: LoopEnd) => void = () => {};

  constructor(fs: FspFileSystem, operations: AsyncOperations, options: AsyncDispatcherOptions = {}) {
    this.#fs = fs;
    this.#operations = operations;
    this.statistics = options.statistics ?? allocateStatistics();
    this.#writer = new StatisticsWriter(this.statistics);
    this.#delivery = new AnswerDelivery(fs, this.#writer, options);
    this.#stopGraceMs = options.stopGraceMs ?? STOP_GRACE_MS;
    this.#contextOffset = fs.contextOffset;
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    fs.onErrorReported = () => this.#writer.count(HEAD.handlerErrors);
  }

  /** Requests whose handlers have not settled. */
  get pendingCount(): number {
    return this.#pendingCount;
  }

  get usesCompletionThreads(): boolean {
    return this.#delivery.usesCompletionThreads;
  }

  /** Starts receivers and completion threads and tells the driver that requests may come. On a failure call stop(). */
  async start(): Promise<void> {
    if (this.#started) {
      throw new Error('AsyncDispatcher: start() once.');
    }
    this.#started = true;
    this.#fs.removeOperationGuard();
    await this.#delivery.start();
    // Transact0: until it is sent, the driver refuses Create and volume queries (docs/winfsp.md#dispatching).
    const status = this.#fs.library.fspFsctlTransact(this.#fs.volumeHandle, 0, 0, 0, 0, 0);
    if (status < 0) {
      throw new WinFspCallError('FspFsctlTransact (ready)', status);
    }
    Atomics.store(this.#shared, DispatchWord.LIVE, RECEIVERS);
    setLoopState(this.#fs.control, LoopState.RUNNING);
    for (let count = 0; count < RECEIVERS; count++) {
      this.#receivers.push(new Receiver(this.#fs, this.#shared));
    }
    this.#serve();
    this.#watchThreads();
    await Promise.all(this.#receivers.map((receiver) => receiver.ready()));
  }

  /**
   * A thread that died has requests or answers that are lost with it: the volume ends, so that programs do not
   * wait for them.
   */
  #watchThreads(): void {
    const end = (error: Error) =>
      this.#resolveEnded({ reason: 'error', status: NtStatus.INTERNAL_ERROR, error });
    void this.#delivery.died().then(end);
    for (const receiver of this.#receivers) {
      void receiver.finished().then((death) => {
        if (death !== null) {
          end(death);
          receiverEnded(this.#fs.control, this.#shared, NtStatus.INTERNAL_ERROR);
        }
      });
    }
  }

  /**
   * Stop0; handlers under way are told (AsyncOperations.stopping) and given `stopGraceMs`; then Stop. The file system
   * can be disposed of after that. Requests that come in meanwhile are refused by the driver.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    const { library, volumeHandle, control } = this.#fs;
    Atomics.store(control, ControlWord.STOP_REQUESTED, 1);
    library.fspFsctlStop0(volumeHandle);
    await Promise.all(this.#receivers.map((receiver) => receiver.finished()));
    this.#drain(Number.POSITIVE_INFINITY);
    this.#operations.stopping?.();
    const abandoned = !(await this.#nonePendingWithin(this.#stopGraceMs));
    if (abandoned) {
      this.#abandon();
    }
    await this.#delivery.untilIdle(COMPLETION_GRACE_MS);
    this.#closed = true;
    library.fspFsctlStop(volumeHandle);
    await this.#delivery.end();
    for (const receiver of this.#receivers) {
      receiver.free();
    }
    this.#response.free();
    if (!abandoned) {
      // A handler that never settles keeps its few bytes; anything else could be in other use by then.
      this.#pending.free();
    }
  }

  /** The event loop's side: answers what is there, then waits for the receivers' signal without blocking. */
  #serve(): void {
    for (;;) {
      const signal = Atomics.load(this.#shared, DispatchWord.SIGNAL);
      const live = Atomics.load(this.#shared, DispatchWord.LIVE);
      const room = TURN_REQUESTS - this.#begunInTurn;
      const begun = this.#drain(room);
      if (begun > 0 && this.#begunInTurn === 0) {
        setImmediate(() => this.#newTurn());
      }
      this.#begunInTurn += begun;
      if (begun === room) {
        this.#hasHadTurn = true;
        return;
      }
      if (live === 0) {
        this.#resolveEnded(this.#loopEnd());
        return;
      }
      const wait = Atomics.waitAsync(this.#shared, DispatchWord.SIGNAL, signal);
      if (wait.async) {
        void wait.value.then(() => this.#serve());
        return;
      }
    }
  }

  /** Timers and other I/O have run since #serve() began its first request. */
  #newTurn(): void {
    this.#begunInTurn = 0;
    if (this.#hasHadTurn) {
      this.#hasHadTurn = false;
      this.#serve();
    }
  }

  #loopEnd(): LoopEnd {
    const { control } = this.#fs;
    const status = Atomics.load(control, ControlWord.END_STATUS);
    if (status !== NtStatus.CANCELLED) {
      return { reason: 'error', status };
    }
    const asked = Atomics.load(control, ControlWord.STOP_REQUESTED) !== 0;
    return { reason: asked ? 'stopped' : 'volume-gone', status };
  }

  /** Begins the requests that have arrived, `most` of them; returns how many. */
  #drain(most: number): number {
    let count = 0;
    for (let found = true; found && count < most; ) {
      found = false;
      for (const receiver of this.#receivers) {
        if (receiver.hasRequest && count < most) {
          found = true;
          count += 1;
          this.#begin(receiver.request, receiver.requestAddress);
          receiver.release();
        }
      }
    }
    return count;
  }

  #begin(request: DataView, address: number): void {
    const kind = request.getUint32(Req.Kind, true);
    this.#writer.count(HEAD.turns);
    if (this.#mayAnswerLater(kind, request)) {
      this.#beginPending(kind, request, address);
    } else {
      this.#answerNow(kind, request, address);
    }
  }

  /** Whether the answer is made from a handler of ours, and not by an operation function of the library. */
  #mayAnswerLater(kind: number, request: DataView): boolean {
    if (kind === TransactKind.QueryDirectory) {
      const bits = request.getUint32(ReqQueryDirectory.PatternIsFileName, true);
      return (bits & PATTERN_IS_FILE_NAME) === 0 || this.#fs.fileSystem.getDirInfoByName === undefined;
    }
    return kind === TransactKind.Read || kind === TransactKind.Write;
  }

  #answerNow(kind: number, request: DataView, address: number): void {
    const arrived = performance.now();
    const response = this.#response;
    beginResponse(kind, request, response.view);
    let status: number;
    try {
      this.#delivery.noteRequest(kind, request);
      status = runOperation(this.#fs, this.#writer, kind, address, response);
    } catch (error) {
      status = this.#failure(kind, error);
      response.view.setUint16(Rsp.Size, Rsp.SIZE, true);
    }
    setStatus(response.view, status);
    this.#count(kind, status, 0, arrived);
    this.#send(kind, request, response, response.view.getUint16(Rsp.Size, true), status);
  }

  #beginPending(kind: number, request: DataView, address: number): void {
    const pending = this.#pending.take(kind, request);
    this.#delivery.noteRequest(kind, pending.request);
    this.#pendingCount += 1;
    let result: number | Promise<number>;
    try {
      result = startOperation(this.#operations, pending, address, this.#contextOffset);
    } catch (error) {
      this.#finish(pending, this.#failure(kind, error));
      return;
    }
    if (typeof result === 'number') {
      this.#finish(pending, resultOf(pending, result));
    } else {
      void this.#settle(pending, result);
    }
  }

  async #settle(pending: PendingRequest, promise: Promise<number>): Promise<void> {
    let status: number;
    try {
      status = resultOf(pending, await promise);
    } catch (error) {
      status = this.#failure(pending.kind, error);
    }
    this.#finish(pending, status);
  }

  #failure(kind: number, error: unknown): number {
    this.#fs.reportError(TRANSACT_KIND_NAMES[kind] ?? `kind ${kind}`, error);
    return NtStatus.INTERNAL_ERROR;
  }

  /** Answers, unless it was answered in the handler's place. */
  #finish(pending: PendingRequest, status: number): void {
    if (!pending.open) {
      return;
    }
    pending.open = false;
    this.#pendingCount -= 1;
    const { kind, view } = pending;
    setStatus(view, status);
    const isData = kind !== TransactKind.QueryDirectory && status === NtStatus.SUCCESS;
    this.#count(
      kind,
      status,
      isData ? view.getUint32(Rsp['IoStatus.Information'], true) : 0,
      pending.arrived,
    );
    this.#send(kind, pending.request, pending, Rsp.SIZE, status);
    this.#pending.give(pending);
    if (this.#pendingCount === 0) {
      this.#onNonePending?.();
    }
  }

  #count(kind: number, status: number, bytes: number, arrived: number): void {
    if (kind < TRANSACT_KIND_COUNT) {
      this.#writer.request(kind, status < 0, bytes, performance.now() - arrived);
    }
  }

  #send(kind: number, request: DataView, answer: AnswerMemory, lengthBytes: number, status: number): void {
    if (this.#closed || this.#delivery.handOver(kind, request, answer, lengthBytes, status)) {
      return;
    }
    const { library, volumeHandle } = this.#fs;
    const result = library.fspFsctlTransact(volumeHandle, answer.address, lengthBytes, 0, 0, 0);
    if (result < 0 && result !== NtStatus.CANCELLED) {
      this.#fs.reportError('FspFsctlTransact', new WinFspCallError('FspFsctlTransact (answer)', result));
    }
  }

  async #nonePendingWithin(limitMs: number): Promise<boolean> {
    if (this.#pendingCount === 0) {
      return true;
    }
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#onNonePending = resolve;
      timer = setTimeout(resolve, limitMs);
    });
    clearTimeout(timer);
    return this.#pendingCount === 0;
  }

  /** Answers in the place of handlers that have not settled. Their buffers are theirs no more. */
  #abandon(): void {
    this.#operations.abandoned?.();
    const open = this.#pending.open();
    for (const pending of open) {
      if (pending.kind === TransactKind.QueryDirectory) {
        // The driver's buffer goes; what a late handler lists goes nowhere.
        pending.listing.reset(0, 0);
      }
      this.#finish(pending, NtStatus.CANCELLED);
    }
    this.#fs.reportError(
      'stop',
      new Error(
        `${open.length} handlers had not settled ${this.#stopGraceMs} ms after the volume was stopped; ` +
          'they were answered with CANCELLED.',
      ),
    );
  }
}
