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
import { ntStatusName } from '../ntstatus.js';
import {
  allocateControlBlock,
  allocateStatistics,
  ControlWord,
  loadWinFsp,
  readStatistics,
  VolumeReference,
} from '../winfsp/index.js';
import {
  MAX_VIOLATIONS_SHOWN,
  MAX_WORKER_HEAP_MIB,
  SAVE_GRACE_MS,
  SELF_CHECK_GRACE_MS,
  START_GRACE_MS,
  STOP_GRACE_MS,
} from './config/limits.js';
import type { DriveSettings } from './config/settings.js';
import { DriveError } from './errors.js';
import type { FillStep } from './fill-watch.js';
import { allocateLedger, readLedger } from './ledger.js';
import { StrictReport } from './mount/linux-options.js';
import { readMemory } from './mount/memory.js';
import { type DriveStatus, driveStatus, type SaveResult, type SelfCheckResult } from './status.js';
import {
  CHECK_NUMBER_WORD,
  DriveCommand,
  type LoopEndMessage,
  type SavedMessage,
  type SelfCheckMessage,
  type VolumeThreadInput,
  type VolumeThreadMessage,
} from './volume-thread-messages.js';
import { withinTime } from './within-time.js';

export interface VolumeEvents {
  /** Pre-allocation goes on. */
  onPreallocated?: (doneBytes: number, totalBytes: number) => void;
  /** The drive got so full; once each time it gets there. */
  onFilled?: (step: FillStep, freeBytes: number) => void;
  /** After the unmount, what was changed since the last save could not be saved. */
  onNotSaved?: (error: string) => void;
  /** A handler threw; the request was refused. A bug of the drive. */
  onHandlerError?: (where: string, error: string) => void;
}

export interface DriveEnd {
  /** `volume-gone`: unmounted from outside. `died`: a bug; see `error`. */
  reason: 'stopped' | 'volume-gone' | 'died';
  error: DriveError | null;
}

/** Where the volume is going to be reachable: parts of a MountPlan. */
export interface VolumeAddress {
  device: string;
  volumePrefix: string | undefined;
}

export class VolumeThread {
  /** Resolves when the thread is no more, for whatever reason. Never rejects. */
  readonly ended: Promise<DriveEnd>;
  readonly #settings: DriveSettings;
  readonly #startedAt = new Date();
  readonly #strict = new StrictReport(loadWinFsp());
  readonly #events: VolumeEvents;
  readonly #control = allocateControlBlock();
  readonly #statistics = allocateStatistics();
  readonly #ledger = allocateLedger();
  readonly #worker: Worker;
  #reference: VolumeReference | null = null;
  #onReady: (() => void) | null = null;
  #startTimer: NodeJS.Timeout | null = null;
  #takeBackExitHook: () => void = () => {};
  #loopEnd: LoopEndMessage | null = null;
  #workerError: Error | null = null;
  #gone = false;
  #stopping: Promise<void> | null = null;
  /** Users may change it; the thread tells. */
  #label: string;
  #checking: Promise<SelfCheckResult> | null = null;
  #lastCheck: SelfCheckResult | null = null;
  /** Of the check that is waited for; a late answer has the number of an earlier one. */
  #checkNumber = 0;
  #onCheck: { resolve: (result: SelfCheckResult) => void; reject: (error: Error) => void } | null = null;
  #lastHandlerError: string | null = null;
  #saving: Promise<SaveResult> | null = null;
  #onSave: { resolve: (result: SaveResult) => void; reject: (error: Error) => void } | null = null;

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
      requests: readStatistics(this.#statistics),
      lastError: this.#lastHandlerError,
      strict: this.#strict,
      selfCheck: this.#lastCheck,
    });
  }

  /**
   * Recomputes the ledger's invariants on the live volume, between two requests. Callers at the same time share one
   * check. An idle loop sleeps in the driver; where nothing can wake it, it looks up by itself within a second.
   */
  selfCheck(): Promise<SelfCheckResult> {
    this.#checking ??= this.#selfCheckOnce().finally(() => {
      this.#checking = null;
    });
    return this.#checking;
  }

  /**
   * Saves the volume to its image, between two requests. Callers at the same time share one save. Throws DriveError
   * NOT_RUNNING or NOT_SAVED.
   */
  save(): Promise<SaveResult> {
    this.#saving ??= this.#saveOnce().finally(() => {
      this.#saving = null;
    });
    return this.#saving;
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
    await withinTime(Promise.race([ready, died]), START_GRACE_MS, 'starting the volume', (timer) => {
      this.#startTimer = timer;
    });
  }

  async #saveOnce(): Promise<SaveResult> {
    if (this.#gone || this.#reference === null) {
      throw new DriveError('NOT_RUNNING', 'The drive is not running.');
    }
    if (this.#settings.imageFile === undefined) {
      throw new DriveError('NOT_SAVED', 'The drive has no image: mount it with --image <file>.');
    }
    const result = new Promise<SaveResult>((resolve, reject) => {
      this.#onSave = { resolve, reject };
    });
    Atomics.or(this.#control, ControlWord.COMMAND, DriveCommand.SAVE);
    this.reference.wake();
    try {
      return await withinTime(result, SAVE_GRACE_MS, 'saving the image');
    } finally {
      this.#onSave = null;
    }
  }

  #onSaved({ result, error }: SavedMessage): void {
    if (result !== null) {
      this.#onSave?.resolve(result);
    } else if (this.#onSave !== null) {
      this.#onSave.reject(new DriveError('NOT_SAVED', error ?? ''));
    } else {
      // After the unmount: nothing else is left to be done, and the image of before is whole.
      this.#events.onNotSaved?.(error ?? '');
    }
  }

  async #selfCheckOnce(): Promise<SelfCheckResult> {
    if (this.#gone || this.#stopping !== null) {
      throw new DriveError('NOT_RUNNING', 'The drive is not running.');
    }
    const result = new Promise<SelfCheckResult>((resolve, reject) => {
      // Not through `ended`: it would keep what waits for it as long as the drive runs.
      this.#onCheck = { resolve, reject };
    });
    this.#checkNumber = (this.#checkNumber + 1) | 0;
    Atomics.store(this.#control, CHECK_NUMBER_WORD, this.#checkNumber);
    Atomics.or(this.#control, ControlWord.COMMAND, DriveCommand.SELF_CHECK);
    this.reference.wake();
    try {
      return await withinTime(result, SELF_CHECK_GRACE_MS, 'the self-check');
    } finally {
      this.#onCheck = null;
    }
  }

  async #stopOnce(): Promise<void> {
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
    await withinTime(this.ended, limitMs, 'stopping the volume');
  }

  #onMessage(message: VolumeThreadMessage): void {
    switch (message.type) {
      case 'ready':
        this.#reference = new VolumeReference(loadWinFsp(), message.reference);
        this.#takeBackExitHook = this.#reference.stopOnExit();
        this.#onReady?.();
        break;
      case 'preallocated':
        this.#startTimer?.refresh();
        this.#events.onPreallocated?.(message.doneBytes, message.totalBytes);
        break;
      case 'loading':
        this.#startTimer?.refresh();
        break;
      case 'loaded':
        this.#label = message.label;
        break;
      case 'saved':
        this.#onSaved(message);
        break;
      case 'failed':
        this.#workerError = new Error(message.error);
        break;
      case 'filled':
        this.#events.onFilled?.(message.step, message.freeBytes);
        break;
      case 'label':
        this.#label = message.label;
        break;
      case 'selfCheck':
        this.#onSelfCheck(message);
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

  #onSelfCheck({ number, violations, milliseconds }: SelfCheckMessage): void {
    this.#lastCheck = {
      at: new Date().toISOString(),
      violations: violations.slice(0, MAX_VIOLATIONS_SHOWN),
      violationCount: violations.length,
      milliseconds,
    };
    if (number === this.#checkNumber) {
      this.#onCheck?.resolve(this.#lastCheck);
    }
  }

  #afterExit(): DriveEnd {
    this.#gone = true;
    this.#onCheck?.reject(new DriveError('NOT_RUNNING', 'The drive ended before the self-check did.'));
    this.#onSave?.reject(new DriveError('NOT_RUNNING', 'The drive ended before it was saved.'));
    const end = this.#loopEnd;
    if (end === null) {
      // No grace: no thread is left that could leave the loop.
      this.#reference?.stopForExit(0);
    }
    this.#takeBackExitHook();
    if (end?.reason === 'stopped' || end?.reason === 'volume-gone') {
      return { reason: end.reason, error: null };
    }
    if (end === null && this.#workerError === null && this.#stopping !== null) {
      return { reason: 'stopped', error: null };
    }
    const why =
      end?.error ??
      (end?.reason === 'error' ? `FspFsctlTransact failed with ${ntStatusName(end.status)}` : null) ??
      this.#workerError?.message ??
      'its thread ended without a message';
    return { reason: 'died', error: new DriveError('WORKER_DIED', why, { cause: this.#workerError }) };
  }
}
