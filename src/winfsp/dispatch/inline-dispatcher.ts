/**
 * The inline dispatcher: one thread, the dispatcher thread, loops on a synchronous FspFsctlTransact, which delivers the
 * previous answer and receives the next request in one call. Callbacks run inline on it, so nothing crosses threads on
 * the way. For synchronous file systems.
 *
 * Read and Write are decoded and encoded in place, without an allocation per request, and so are the kinds of
 * direct-answers.ts; all others go through FspFileSystemOp*.
 * Answers whose completion may block inside the driver are delivered by completion threads (answer-routing.ts,
 * completion-threads.ts); on a driver whose completions never nest (the Linux library) there are none.
 *
 * The dispatcher thread never waits for a completion thread, and its event loop does not run while run() does: talk to
 * it through the control block.
 */
// The global of the same name is a getter, which costs as much as the clock.
import { performance } from 'node:perf_hooks';
import { NtStatus } from '../../ntstatus.js';
import { Limit, TRANSACT_KIND_COUNT, TRANSACT_KIND_NAMES, TransactKind } from '../abi/constants.js';
import { getUint64 } from '../abi/fields.js';
import { Req, ReqRead, ReqWrite, RSP_FILE_INFO, Rsp } from '../abi/layouts.js';
import { statusOrCountOf } from '../abi/status-of.js';
import { WinFspCallError } from '../errors.js';
import type { FspFileSystem } from '../library/fsp-file-system.js';
import { ControlWord, LoopState, setLoopState } from '../memory/control-block.js';
import { NativeBlock } from '../memory/native-memory.js';
import { allocateStatistics, HEAD, StatisticsWriter } from '../memory/statistics.js';
import { AnswerDelivery, type DeliveryOptions } from '../threads/answer-delivery.js';
import type { CopyLane } from '../threads/lanes/copy-lane.js';
import { CopyLanes, type CopyLanesMode, MIN_LANE_BYTES } from '../threads/lanes/copy-lanes.js';
import { DirectAnswers, NOT_DIRECT } from './direct-answers.js';
import { beginResponse, runOperation, setStatus } from './operation.js';

export interface InlineDispatcherOptions extends DeliveryOptions {
  /** From allocateStatistics(); made when not given. */
  statistics?: SharedArrayBuffer;
  /** Called after every return of Transact, 0-byte ones too, so at least every TransactTimeout. */
  onTurn?: () => void;
  /** Called between two requests while the control block's COMMAND is not 0; must store 0 there when it is done. */
  onCommand?: () => void;
  /** A request was refused with DISK_FULL. True when there is room now: it is tried again, once. */
  onDiskFull?: () => boolean;
  /** Whether large reads are copied by threads of their own (docs/winfsp.md#copy-lanes); for tests. */
  copyLanes?: CopyLanesMode;
}

export interface LoopEnd {
  /** `stopped`: as asked. `volume-gone`: the driver or an unmount ended it. `error`: Transact failed; see `status`. */
  reason: 'stopped' | 'volume-gone' | 'error';
  status: number;
  /** What a thread of the dispatcher died of, which ended the volume. */
  error?: Error;
}

/**
 * How long completion threads may take to deliver what they hold, once the loop has ended, before Stop releases them.
 */
const COMPLETION_GRACE_MS = 2000;
/** How often the loop looks whether the completion threads still run. */
const THREAD_CHECK_MS = 1000;
const OUT_OF_ORDER = 'InlineDispatcher: call start(), then run(), then finish(), each once.';

export class InlineDispatcher {
  readonly statistics: SharedArrayBuffer;
  readonly #fs: FspFileSystem;
  readonly #options: InlineDispatcherOptions;
  readonly #writer: StatisticsWriter;
  readonly #request = new NativeBlock(Limit.TRANSACT_REQ_SIZEMAX);
  readonly #response = new NativeBlock(Limit.TRANSACT_RSP_SIZEMAX);
  readonly #requestSize = new NativeBlock(8);
  readonly #delivery: AnswerDelivery;
  readonly #contextOffset: number;
  readonly #lanes: CopyLanes | null;
  readonly #direct: DirectAnswers;
  #bytes = 0;
  /** What every request is answered with, when it is not 0. */
  #refusal = 0;
  #phase: 'new' | 'started' | 'running' | 'ended' | 'finished' = 'new';

  constructor(fs: FspFileSystem, options: InlineDispatcherOptions = {}) {
    this.#fs = fs;
    this.#options = options;
    this.statistics = options.statistics ?? allocateStatistics();
    this.#writer = new StatisticsWriter(this.statistics);
    this.#delivery = new AnswerDelivery(fs, this.#writer, options);
    this.#contextOffset = fs.contextOffset;
    // A lane must never block in a delivery, so there is none for a driver stack that blocks where it should not.
    const blocks = options.completionThreads === 'all';
    this.#lanes = CopyLanes.of(fs, blocks ? 'none' : (options.copyLanes ?? 'auto'));
    this.#direct = new DirectAnswers(fs, this.#request, this.#response);
    fs.onErrorReported = () => this.#writer.count(HEAD.handlerErrors);
  }

  /** Whether answers may go to completion threads. */
  get usesCompletionThreads(): boolean {
    return this.#delivery.usesCompletionThreads;
  }

  /** Starts the completion threads, if any, and tells the driver that requests may come. The event loop must run. */
  async start(): Promise<void> {
    this.#advance('new', 'started');
    this.#fs.removeOperationGuard();
    await this.#delivery.start();
    await this.#lanes?.start();
    // Transact0: until it is sent, the driver refuses Create and volume queries (docs/winfsp.md#dispatching).
    const status = this.#fs.library.fspFsctlTransact(this.#fs.volumeHandle, 0, 0, 0, 0, 0);
    if (status < 0) {
      throw new WinFspCallError('FspFsctlTransact (ready)', status);
    }
  }

  /**
   * From now on every request is refused with this NTSTATUS, and no handler is called: for a volume that is about to
   * go, whose handles lead nowhere any more.
   */
  refuseRequests(status: number): void {
    this.#refusal = status;
  }

  /** Serves requests until the volume is stopped. Blocks the thread. Throws when a completion thread has died. */
  run(): LoopEnd {
    this.#advance('started', 'running');
    const { control } = this.#fs;
    setLoopState(control, LoopState.RUNNING);
    try {
      const status = this.#loop();
      Atomics.store(control, ControlWord.END_STATUS, status);
      const asked = Atomics.load(control, ControlWord.STOP_REQUESTED) !== 0;
      if (status !== NtStatus.CANCELLED) {
        return { reason: 'error', status };
      }
      return { reason: asked ? 'stopped' : 'volume-gone', status };
    } finally {
      this.#phase = 'ended';
      // A process that dies may have entered TEARDOWN meanwhile, which must stay.
      Atomics.compareExchange(control, ControlWord.LOOP_STATE, LoopState.RUNNING, LoopState.ENDED);
      Atomics.notify(control, ControlWord.LOOP_STATE);
    }
  }

  /**
   * After the loop (or instead of it): Stop0, lets the completion threads deliver what they hold, then Stop, which
   * releases a completion thread that still waits inside the driver, then ends the completion threads. The file system
   * can be disposed of after that.
   */
  async finish(): Promise<void> {
    if (this.#phase === 'finished') {
      return;
    }
    this.#phase = 'finished';
    const { library, volumeHandle } = this.#fs;
    library.fspFsctlStop0(volumeHandle);
    await this.#lanes?.end();
    await this.#delivery.untilIdle(COMPLETION_GRACE_MS);
    library.fspFsctlStop(volumeHandle);
    await this.#delivery.end();
    this.#request.free();
    this.#response.free();
    this.#requestSize.free();
  }

  #advance(from: string, to: 'started' | 'running'): void {
    if (this.#phase !== from) {
      throw new Error(`${OUT_OF_ORDER} It is ${this.#phase}.`);
    }
    this.#phase = to;
  }

  #loop(): number {
    const { volumeHandle, control } = this.#fs;
    const transact = this.#fs.library.fspFsctlTransact;
    const { onTurn, onCommand, onDiskFull } = this.#options;
    const writer = this.#writer;
    const lanes = this.#lanes;
    const request = this.#request.view;
    const requestAddress = this.#request.address;
    const response = this.#response.view;
    const responseAddress = this.#response.address;
    const requestSize = this.#requestSize.view;
    const requestSizeAddress = this.#requestSize.address;
    let answerBytes = 0;
    let checked = performance.now();
    for (;;) {
      requestSize.setUint32(0, Limit.TRANSACT_REQ_SIZEMAX, true);
      requestSize.setUint32(4, 0, true);
      const result = transact(
        volumeHandle,
        answerBytes === 0 ? 0 : responseAddress,
        answerBytes,
        requestAddress,
        requestSizeAddress,
        0,
      );
      answerBytes = 0;
      if (result < 0) {
        return result;
      }
      writer.count(HEAD.turns);
      if (onTurn !== undefined) {
        onTurn();
      }
      // A plain read: the call of Transact before it sees to it that it is one, and Atomics.load costs a call.
      if (onCommand !== undefined && control[ControlWord.COMMAND] !== 0) {
        onCommand();
      }
      const arrived = performance.now();
      if (arrived - checked > THREAD_CHECK_MS) {
        checked = arrived;
        this.#delivery.checkThreads();
        lanes?.checkThreads();
      }
      if (requestSize.getUint32(0, true) === 0) {
        // A time-out, or a completion that is tried again: the next call makes progress.
        writer.count(HEAD.emptyReceives);
        continue;
      }
      const kind = request.getUint32(Req.Kind, true);
      const lane = lanes === null ? null : lanes.laneFor(kind, request, arrived);
      if (lane !== null && this.#handOverRead(lane, request, response)) {
        writer.request(kind, false, this.#bytes, performance.now() - arrived);
        continue;
      }
      let status = this.#answer(kind, request, response);
      if (status === NtStatus.DISK_FULL && onDiskFull?.() === true) {
        status = this.#answer(kind, request, response);
      }
      answerBytes = response.getUint16(Rsp.Size, true);
      if (this.#delivery.handOver(kind, request, this.#response, answerBytes, status)) {
        answerBytes = 0;
      }
      if (kind < TRANSACT_KIND_COUNT) {
        writer.request(kind, status < 0, this.#bytes, performance.now() - arrived);
      }
    }
  }

  /** Runs the handler and completes the response. Returns the status that was put there. */
  #answer(kind: number, request: DataView, response: DataView): number {
    beginResponse(kind, request, response);
    this.#bytes = 0;
    this.#direct.where = '';
    let status: number = this.#refusal;
    if (status < 0) {
      setStatus(response, status);
      return status;
    }
    try {
      if (kind === TransactKind.Read) {
        this.#delivery.noteRequest(kind, request);
        status = this.#read(request, response);
      } else if (kind === TransactKind.Write) {
        status = this.#write(request, response);
      } else {
        this.#delivery.noteRequest(kind, request);
        status = this.#direct.answer(kind);
        if (status === NOT_DIRECT) {
          status = runOperation(this.#fs, this.#writer, kind, this.#request.address, this.#response);
        }
      }
    } catch (error) {
      this.#fs.reportError(this.#direct.where || (TRANSACT_KIND_NAMES[kind] ?? `kind ${kind}`), error);
      this.#response.bytes.fill(0, Rsp.Rsp, Rsp.SIZE);
      response.setUint16(Rsp.Size, Rsp.SIZE, true);
      status = NtStatus.INTERNAL_ERROR;
    }
    setStatus(response, status);
    return status;
  }

  /** A large read that a lane copies and delivers. False: nothing has happened, and it is answered as any other. */
  #handOverRead(lane: CopyLane, request: DataView, response: DataView): boolean {
    if (this.#refusal < 0) {
      return false;
    }
    const length = request.getUint32(ReqRead.Length, true);
    lane.begin(getUint64(request, ReqRead.Address));
    let count: number;
    try {
      const context = getUint64(request, this.#contextOffset);
      count = this.#fs.fileSystem.describeRead!(context, getUint64(request, ReqRead.Offset), length, lane);
    } catch {
      return false; // read() fails in the same way, and that is reported
    }
    if (!(count >= MIN_LANE_BYTES && count <= length && lane.fits)) {
      return false;
    }
    this.#delivery.noteRequest(TransactKind.Read, request);
    beginResponse(TransactKind.Read, request, response);
    response.setUint32(Rsp['IoStatus.Information'], count, true);
    setStatus(response, NtStatus.SUCCESS);
    this.#bytes = count;
    // Counted first: the moment it is pushed, a program may have its answer and read the figures.
    this.#writer.count(HEAD.answersByLanes);
    lane.push(this.#response.address);
    if (lane.failures !== 0) {
      this.#writer.set(HEAD.laneFailures, this.#lanes!.failures);
    }
    return true;
  }

  #read(request: DataView, response: DataView): number {
    const { fileSystem } = this.#fs;
    if (fileSystem.read === undefined) {
      return NtStatus.INVALID_DEVICE_REQUEST;
    }
    const length = request.getUint32(ReqRead.Length, true);
    const result = statusOrCountOf(
      fileSystem.read(
        getUint64(request, this.#contextOffset),
        getUint64(request, ReqRead.Address),
        getUint64(request, ReqRead.Offset),
        length,
      ),
    );
    if (result < 0) {
      return result;
    }
    if (result > length) {
      throw new RangeError(`read returned ${result} bytes for a length of ${length}`);
    }
    response.setUint32(Rsp['IoStatus.Information'], result, true);
    this.#bytes = result;
    return NtStatus.SUCCESS;
  }

  #write(request: DataView, response: DataView): number {
    const { fileSystem } = this.#fs;
    if (fileSystem.write === undefined) {
      return NtStatus.INVALID_DEVICE_REQUEST;
    }
    const length = request.getUint32(ReqWrite.Length, true);
    const toEnd =
      request.getUint32(ReqWrite.Offset, true) === 0xffffffff &&
      request.getUint32(ReqWrite.Offset + 4, true) === 0xffffffff;
    const result = statusOrCountOf(
      fileSystem.write(
        getUint64(request, this.#contextOffset),
        getUint64(request, ReqWrite.Address),
        toEnd ? 0 : getUint64(request, ReqWrite.Offset),
        length,
        toEnd,
        (request.getUint32(ReqWrite.ConstrainedIo, true) & 1) !== 0,
        response,
        RSP_FILE_INFO,
      ),
    );
    if (result < 0) {
      return result;
    }
    if (result > length) {
      throw new RangeError(`write returned ${result} bytes for a length of ${length}`);
    }
    response.setUint32(Rsp['IoStatus.Information'], result, true);
    this.#bytes = result;
    return NtStatus.SUCCESS;
  }
}
