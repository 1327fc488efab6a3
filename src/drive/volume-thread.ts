/**
 * VolumeThread: the thread that owns a volume, as the main thread sees it. Starts it, waits until it serves, asks it
 * for self-checks, stops it. Knows nothing of mount points, so it also serves volumes that only scripted requests
 * reach. No wait is without a limit.
 *
 * Promises that hold whatever fails: a start that does not succeed leaves nothing behind (no thread, no memory);
 * `ended` always resolves, once, with the reason; after a death, callers that wait for answers of the volume are
 * released.
 */
import { Worker } from 'node:worker_threads';
import {
  allocateControlBlock,
  allocateStatistics,
  ControlWord,
  loadWinFsp,
  readStatistics,
  VolumeReference,
} from '../winfsp/index.js';
import { MAX_WORKER_HEAP_MIB, SAVE_GRACE_MS, START_GRACE_MS, STOP_GRACE_MS } from './config/limits.js';
import type { DriveSettings } from './config/settings.js';
import { type DriveEnd, driveEndOf } from './drive-end.js';
import { DriveError, messageOf } from './errors.js';
import { changesOf } from './image/changes.js';
import { ImageSaver } from './image/image-saver.js';
import type { SaveProgress } from './image/save-messages.js';
import { allocateLedger, readLedger } from './ledger.js';
import { StrictReport } from './mount/linux-options.js';
import { readMemory } from './mount/memory.js';
import type { SnapshotList, VolumeRequest, VolumeResults } from './requests/messages.js';
import { PendingRequests } from './requests/pending-requests.js';
import { selfCheck } from './requests/self-check.js';
import { type DriveStatus, driveStatus, type SaveResult, type SelfCheckResult } from './status.js';
import {
  DriveCommand,
  type LoopEndMessage,
  type VolumeAddress,
  type VolumeEvents,
  type VolumeThreadInput,
  type VolumeThreadMessage,
} from './volume-thread-messages.js';
import { withinTime } from './within-time.js';

export type { DriveEnd } from './drive-end.js';
export type { VolumeEvents } from './volume-thread-messages.js';

export class VolumeThread {
  /** Resolves when the thread is no more, for whatever reason. Never rejects. */
  readonly ended: Promise<DriveEnd>;
  readonly #settings: DriveSettings;
  readonly #startedAt = new Date();
  readonly #strict = new StrictReport(loadWinFsp());
  readonly #events: VolumeEvents;
  /** Of the present front end. */
  #control = allocateControlBlock();
  readonly #statistics = allocateStatistics();
  readonly #ledger = allocateLedger();
  readonly #worker: Worker;
  #reference: VolumeReference | null = null;
  #onReady: (() => void) | null = null;
  /** Of a start or an end: progress keeps it from running out. */
  #timer: NodeJS.Timeout | null = null;
  readonly #noteTimer = (timer: NodeJS.Timeout) => {
    this.#timer = timer;
  };
  #takeBackExitHook: () => void = () => {};
  #loopEnd: LoopEndMessage | null = null;
  readonly #requests: PendingRequests;
  #snapshots: SnapshotList = { snapshots: [], snapshotBytes: 0 };
  #rollback: Promise<void> = Promise.resolve();
  /** Why the drive is stopped, when it is not because it was asked to. */
  #failure: DriveError | null = null;
  #workerError: Error | null = null;
  #gone = false;
  #stopping: Promise<void> | null = null;
  /** Users may change it; the thread tells. */
  #label: string;
  #checking: Promise<SelfCheckResult> | null = null;
  #lastCheck: SelfCheckResult | null = null;
  #lastHandlerError: string | null = null;
  readonly #saver: ImageSaver;
  #savingAtEnd: SaveProgress | null = null;

  /**
   * Resolves when the volume serves requests. Throws DriveError START_FAILED or TIMEOUT, or the reason of `abort`,
   * which ends a start at once.
   */
  static async start(
    settings: DriveSettings,
    address: VolumeAddress,
    events: VolumeEvents = {},
    abort: AbortSignal = new AbortController().signal,
  ): Promise<VolumeThread> {
    abort.throwIfAborted();
    const thread = new VolumeThread(settings, address, events);
    // Ends the thread wherever it is in its start, and with it the wait below.
    const giveUp = () => void thread.stop().catch(() => {});
    abort.addEventListener('abort', giveUp);
    try {
      await thread.#untilReady();
      abort.throwIfAborted();
    } catch (error) {
      await thread.stop().catch(() => thread.release());
      abort.throwIfAborted();
      throw error;
    } finally {
      abort.removeEventListener('abort', giveUp);
    }
    return thread;
  }

  private constructor(
    settings: DriveSettings,
    { device, volumePrefix }: VolumeAddress,
    events: VolumeEvents,
  ) {
    this.#settings = settings;
    this.#events = events;
    this.#label = settings.label;
    const input: VolumeThreadInput = {
      settings,
      device,
      volumePrefix,
      control: this.#control,
      statistics: this.#statistics,
      ledger: this.#ledger,
    };
    const heapMib = Math.floor(readMemory().totalBytes / 2 / 2 ** 20);
    this.#worker = new Worker(new URL('./volume-thread-main.js', import.meta.url), {
      workerData: input,
      name: 'ramdrive-volume',
      resourceLimits: { maxOldGenerationSizeMb: Math.min(MAX_WORKER_HEAP_MIB, heapMib) },
    });
    this.#requests = new PendingRequests((message) => {
      this.#worker.postMessage(message);
      this.#command(DriveCommand.REQUEST);
    });
    this.#saver = new ImageSaver({
      imageFile: settings.imageFile,
      ask: (request, transfer) => {
        if (this.#gone) return;
        this.#worker.postMessage(request, transfer);
        this.#command(DriveCommand.REQUEST);
      },
      onProgress: (progress) => {
        this.#timer?.refresh();
        events.onSaving?.(progress, false);
      },
    });
    this.#worker.on('message', (message: VolumeThreadMessage) => this.#onMessage(message));
    this.#worker.on('error', (error) => {
      this.#workerError = error;
    });
    this.ended = new Promise((resolve) => {
      this.#worker.once('exit', () => resolve(this.#afterExit()));
    });
  }

  /** The volume for calls from other threads. */
  get reference(): VolumeReference {
    return this.#reference!;
  }

  get isGone(): boolean {
    return this.#gone;
  }

  /** All figures, from shared memory: costs the dispatcher nothing. `mountPoint`: where people find the volume. */
  status(mountPoint: string): DriveStatus {
    return driveStatus({
      settings: this.#settings,
      mountPoint,
      label: this.#label,
      startedAt: this.#startedAt,
      ledger: readLedger(this.#ledger),
      ...this.#snapshots,
      requests: readStatistics(this.#statistics),
      lastError: this.#lastHandlerError,
      strict: this.#strict,
      selfCheck: this.#lastCheck,
      saving: this.#savingAtEnd ?? this.#saver.progress,
    });
  }

  /**
   * Recomputes the ledger's invariants on the live volume, in pieces between requests. Callers at the same time share
   * one check. An idle loop sleeps in the driver; where nothing can wake it, it looks up by itself within a second,
   * or when a program touches the volume: `onAsked` may do so, whenever the loop has something to do for it.
   */
  selfCheck(onAsked: () => void = () => {}): Promise<SelfCheckResult> {
    const ask: Parameters<typeof selfCheck>[0] = (piece, limitMs) => {
      const answer = this.request(piece, limitMs);
      onAsked();
      return answer;
    };
    this.#checking ??= selfCheck(ask)
      .then((result) => {
        this.#lastCheck = result;
        return result;
      })
      .finally(() => {
        this.#checking = null;
      });
    return this.#checking;
  }

  /**
   * Saves what is on the volume now to a file, while it goes on. Throws DriveError NOT_RUNNING, NOT_SAVED or TIMEOUT.
   */
  async save(file: string | undefined): Promise<SaveResult> {
    if (this.#gone || this.#reference === null) {
      throw new DriveError('NOT_RUNNING', 'The drive is not running.');
    }
    if (file === undefined) {
      const message = 'The drive has no image: name a file, or mount it with --image <file>.';
      throw new DriveError('NOT_SAVED', message);
    }
    return this.#saver.save(file);
  }

  /** Grows with whatever may have changed the volume. */
  get changes(): number {
    return changesOf(readStatistics(this.#statistics));
  }

  /** Gives up the save that is under way, for an end without one. */
  cancelSave(): void {
    this.#saver.cancel();
  }

  /**
   * Asks the volume for something, between two requests of programs. Throws DriveError: NOT_RUNNING, TIMEOUT, or why it
   * was refused; then nothing has changed.
   */
  async request<R extends VolumeRequest>(
    request: R,
    limitMs = SAVE_GRACE_MS,
  ): Promise<VolumeResults[R['command']]> {
    if (this.#gone || this.#reference === null || this.#stopping !== null) {
      throw new DriveError('NOT_RUNNING', 'The drive is not running.');
    }
    const ask = () => withinTime(this.#requests.ask(request), limitMs, `the ${request.command}`);
    // What a save has borrowed must be back before snapshots change.
    return request.command === 'selfCheck' ? ask() : this.#saver.between(ask);
  }

  /**
   * Rolls the volume back, takes its front end away, gives it another one and has it mounted again by `mount`. A stop
   * waits for it. Throws as request(). When it fails after the rollback the thread ends: NOT_MOUNTED, here and in
   * `ended`.
   */
  rollback(name: string, mount: (reference: VolumeReference) => Promise<void>): Promise<void> {
    const result = this.#rollback.then(() => this.#rollbackOnce(name, mount));
    this.#rollback = result.catch(() => {});
    return result;
  }

  /**
   * Unmounts the volume, if it is mounted, and ends the thread. Resolves when nothing is left; a second call joins the
   * first. Throws DriveError TIMEOUT: then release() is left.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#stopOnce();
    return this.#stopping;
  }

  /** Frees the thread from its native call, so that the process can exit. For a stop that does not come to its end. */
  release(): void {
    this.#reference?.stopForExit();
  }

  async #untilReady(): Promise<void> {
    const ready = new Promise<void>((resolve) => {
      this.#onReady = resolve;
    });
    const died = this.ended.then(({ error }) => {
      throw new DriveError(
        'START_FAILED',
        `The drive did not start: ${error?.message ?? 'its thread ended'}`,
      );
    });
    died.catch(() => {});
    await withinTime(Promise.race([ready, died]), START_GRACE_MS, 'starting the volume', this.#noteTimer);
    this.#timer = null;
  }

  async #rollbackOnce(name: string, mount: (reference: VolumeReference) => Promise<void>): Promise<void> {
    const before = this.reference;
    await this.request({ command: 'rollback', name });
    try {
      const ready = this.#untilReady();
      ready.catch(() => {});
      await withinTime(before.removeMountPoint(), STOP_GRACE_MS, 'unmounting');
      before.requestStop();
      await ready;
      await mount(this.reference);
    } catch (error) {
      const what = `was rolled back to "${name}", but could not be mounted again, and has ended`;
      this.#failure = new DriveError('NOT_MOUNTED', `The drive ${what}: ${messageOf(error)}`);
      // Not awaited: a stop waits for rollbacks.
      this.stop().catch(() => this.release());
      throw this.#failure;
    }
  }

  /** Sets a bit for the loop, and wakes it. */
  #command(bit: number): void {
    Atomics.or(this.#control, ControlWord.COMMAND, bit);
    this.reference.wake();
  }

  async #stopOnce(): Promise<void> {
    await this.#rollback;
    const reference = this.#reference;
    if (reference === null) {
      // Not in its loop yet: nothing native holds the thread for long.
      void this.#worker.terminate();
    } else if (!this.#gone) {
      try {
        // While the loop still serves, for both ask the volume something.
        await withinTime(reference.flush(), STOP_GRACE_MS, 'flushing the volume');
        await withinTime(reference.removeMountPoint(), STOP_GRACE_MS, 'unmounting');
      } catch {
        // The volume goes anyway; its mount with it.
      }
      reference.requestStop();
    }
    const limitMs = STOP_GRACE_MS + (this.#settings.imageFile === undefined ? 0 : SAVE_GRACE_MS);
    await withinTime(this.ended, limitMs, 'stopping the volume', this.#noteTimer);
  }

  #onMessage(message: VolumeThreadMessage): void {
    switch (message.type) {
      case 'ready': {
        this.#takeBackExitHook();
        const isAgain = this.#reference !== null;
        this.#reference = new VolumeReference(loadWinFsp(), message.reference);
        this.#control = message.reference.control;
        this.#takeBackExitHook = this.#reference.stopOnExit();
        // What the front end of before was asked for and has not answered.
        if (isAgain) this.#command(DriveCommand.REQUEST);
        this.#onReady?.();
        break;
      }
      case 'preallocated':
        this.#timer?.refresh();
        this.#events.onPreallocated?.(message.doneBytes, message.totalBytes);
        break;
      case 'loading':
        this.#timer?.refresh();
        break;
      case 'saving':
        this.#savingAtEnd = message.progress;
        this.#timer?.refresh();
        this.#events.onSaving?.(message.progress, true);
        break;
      case 'notSaved':
        // Nothing else is left to be done, and the image of before is whole.
        this.#events.onNotSaved?.(message.error);
        break;
      case 'failed':
        this.#workerError = new Error(message.error);
        break;
      case 'filled':
        this.#events.onFilled?.(message.step, message.freeBytes, message.capacityBytes);
        break;
      case 'loaded':
        this.#label = message.label;
        this.#saver.known = message.identity;
        break;
      case 'label':
        this.#label = message.label;
        break;
      case 'snapshots':
        this.#snapshots = message;
        break;
      case 'answer':
        this.#requests.settle(message);
        break;
      case 'handlerError':
        this.#lastHandlerError = `${message.where}: ${message.error}`;
        this.#events.onHandlerError?.(message.where, message.error);
        break;
      case 'ended':
        this.#loopEnd = message;
        break;
    }
  }

  #afterExit(): DriveEnd {
    this.#gone = true;
    this.#saver.end();
    this.#requests.rejectAll(new DriveError('NOT_RUNNING', 'The drive ended before that was done.'));
    if (this.#loopEnd === null) {
      // No grace: no thread is left that could leave the loop.
      this.#reference?.stopForExit(0);
    }
    this.#takeBackExitHook();
    return driveEndOf(this.#loopEnd, this.#failure, this.#workerError, this.#stopping !== null);
  }
}
