/**
 * RamDrive: a running drive as the main thread sees it. Starts the worker that owns the volume, mounts, reports,
 * checks, stops. Never touches the volume's data, and never waits for the worker without a limit.
 *
 * Promises that hold whatever fails: a start that does not succeed leaves nothing behind (no mount, no worker, no
 * memory); when the worker dies, the mount is taken away; `ended` always resolves, once, with the reason.
 */
import { statfs } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { NtStatus, ntStatusName } from '../ntstatus.js';
import { currentAccount, type WindowsAccount } from '../os/windows-account.js';
import {
  allocateControlBlock,
  allocateStatistics,
  ControlWord,
  DEVICE_DISK,
  loadWinFsp,
  readStatistics,
  VolumeReference,
  type WinFspLibrary,
} from '../winfsp/index.js';
import {
  MAX_VIOLATIONS_SHOWN,
  MAX_WORKER_HEAP_MIB,
  MOUNT_GRACE_MS,
  SELF_CHECK_GRACE_MS,
  START_GRACE_MS,
  STOP_GRACE_MS,
} from './config/limits.js';
import type { DriveSettings } from './config/settings.js';
import {
  CHECK_NUMBER_WORD,
  DriveCommand,
  type Faults,
  type LoopEndMessage,
  type WorkerInput,
  type WorkerMessage,
} from './drive-worker-protocol.js';
import { DriveError, MountError, MountPointError } from './errors.js';
import { allocateLedger, readLedger } from './ledger.js';
import { isDeadMount, lazyUnmount } from './mount/linux-mount-point.js';
import { StrictReport } from './mount/linux-options.js';
import { capacityWarning, readMemory, refuseToOvercommit } from './mount/memory.js';
import {
  allowMountManager,
  isFinalFailure,
  type MountPlan,
  mountAdvice,
  planMount,
  usesMountManager,
} from './mount/mount-strategy.js';
import type { DriveStatus, SelfCheckResult } from './status.js';
import { withinTime } from './within-time.js';

export interface DriveEvents {
  /** Something that the user should know and that does not stop the drive. */
  onWarning?: (message: string) => void;
  /** Pre-allocation goes on. */
  onPreallocated?: (doneBytes: number, totalBytes: number) => void;
  /** A handler threw; the request was refused. A bug of the drive. */
  onHandlerError?: (where: string, error: string) => void;
}

export interface DriveEnd {
  /** `volume-gone`: unmounted from outside. `died`: a bug; see `error`. */
  reason: 'stopped' | 'volume-gone' | 'died';
  error: DriveError | null;
}

const NOT_MOUNTED: MountPlan = {
  device: DEVICE_DISK,
  volumePrefix: undefined,
  attempts: [],
  preflight: null,
  name: '(not mounted)',
};

export class RamDrive {
  readonly settings: DriveSettings;
  /** Resolves when the drive is no more, for whatever reason. Never rejects. */
  readonly ended: Promise<DriveEnd>;
  readonly startedAt = new Date();
  readonly #library: WinFspLibrary;
  readonly #strict: StrictReport;
  readonly #events: DriveEvents;
  readonly #control = allocateControlBlock();
  readonly #statistics = allocateStatistics();
  readonly #ledger = allocateLedger();
  readonly #worker: Worker;
  #mountPoint: string;
  #mounted = false;
  /** Users may change it; the worker tells it with every self-check. */
  #label: string;
  #reference: VolumeReference | null = null;
  #takeBackExitHook: () => void = () => {};
  #loopEnd: LoopEndMessage | null = null;
  #workerError: Error | null = null;
  #gone = false;
  #stopping: Promise<void> | null = null;
  #checking: Promise<SelfCheckResult> | null = null;
  #lastCheck: SelfCheckResult | null = null;
  #onReady: (() => void) | null = null;
  #startTimer: NodeJS.Timeout | null = null;
  /** Of the check that is waited for; a late answer has the number of an earlier one. */
  #checkNumber = 0;
  #onCheck: { resolve: (result: SelfCheckResult) => void; reject: (error: Error) => void } | null = null;
  #handlerErrorText: string | null = null;

  /**
   * Starts a drive and mounts it; `abort` ends a start at once, with its reason. Throws MountPointError (checked
   * beforehand), MountError (the system refused), DriveError, or WinFspLibraryError of the binding.
   */
  static async start(
    settings: DriveSettings,
    events: DriveEvents = {},
    faults: Faults = {},
    abort?: AbortSignal,
  ): Promise<RamDrive> {
    const warn = events.onWarning ?? (() => {});
    const account = currentAccount();
    const plan = await planMount(settings.mountPoint, process.platform, warn, account);
    if (usesMountManager(plan)) {
      await allowMountManager(warn);
    }
    const library = loadWinFsp();
    await preflight(library, plan);
    if (settings.preallocate && settings.force !== true) {
      refuseToOvercommit(settings.capacityBytes);
    }
    const memoryWarning = capacityWarning(settings.capacityBytes);
    if (memoryWarning !== null) {
      warn(memoryWarning);
    }
    abort?.throwIfAborted();
    const drive = new RamDrive(settings, plan, library, events, faults);
    // Ends the worker wherever it is in its start, and with it the wait below.
    const giveUp = () => void drive.stop().catch(() => {});
    abort?.addEventListener('abort', giveUp);
    try {
      await drive.#untilReady();
      await drive.#mount(plan, account, warn);
      abort?.throwIfAborted();
    } catch (error) {
      await drive.stop().catch(() => {});
      abort?.throwIfAborted();
      throw error;
    } finally {
      abort?.removeEventListener('abort', giveUp);
    }
    return drive;
  }

  /**
   * A volume that is served but not mounted, for scripted requests (tests, and machines whose kernel cannot mount).
   * `settings` mount point is not looked at.
   */
  static async startUnmounted(
    settings: DriveSettings,
    events: DriveEvents = {},
    faults: Faults = {},
  ): Promise<RamDrive> {
    const drive = new RamDrive(settings, NOT_MOUNTED, loadWinFsp(), events, faults);
    try {
      await drive.#untilReady();
    } catch (error) {
      await drive.stop().catch(() => {});
      throw error;
    }
    return drive;
  }

  private constructor(
    settings: DriveSettings,
    plan: MountPlan,
    library: WinFspLibrary,
    events: DriveEvents,
    faults: Faults,
  ) {
    this.settings = settings;
    this.#library = library;
    this.#strict = new StrictReport(library);
    this.#events = events;
    this.#mountPoint = plan.name;
    this.#label = settings.label;
    const input: WorkerInput = {
      settings,
      device: plan.device,
      volumePrefix: plan.volumePrefix,
      control: this.#control,
      statistics: this.#statistics,
      ledger: this.#ledger,
      faults,
    };
    const heapMib = Math.floor(readMemory().totalBytes / 2 / 2 ** 20);
    this.#worker = new Worker(new URL('./drive-worker.js', import.meta.url), {
      workerData: input,
      name: 'ramdrive-volume',
      resourceLimits: {
        maxOldGenerationSizeMb: faults.workerHeapMib ?? Math.min(MAX_WORKER_HEAP_MIB, heapMib),
      },
    });
    this.#worker.on('message', (message: WorkerMessage) => this.#onMessage(message));
    this.#worker.on('error', (error) => {
      this.#workerError = error;
    });
    this.ended = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        void this.#afterWorker().then(resolve);
      });
    });
  }

  /** Where the drive is mounted: the letter that `*` found, the directory as the kernel names it. */
  get mountPoint(): string {
    return this.#mountPoint;
  }

  /** The running volume as other threads see it. Throws when it does not run yet. */
  get reference(): VolumeReference {
    if (this.#reference === null) {
      throw new DriveError('NOT_RUNNING', 'The volume has not started.');
    }
    return this.#reference;
  }

  /** All figures, from shared memory: costs the dispatcher nothing. */
  status(): DriveStatus {
    const ledger = readLedger(this.#ledger);
    const { pageSizeBytes } = this.settings;
    const requests = readStatistics(this.#statistics);
    const violations = this.#strict.count();
    return {
      mountPoint: this.#mountPoint,
      label: this.#label,
      pid: process.pid,
      startedAt: this.startedAt.toISOString(),
      uptimeSeconds: (Date.now() - this.startedAt.getTime()) / 1000,
      capacityBytes: ledger.capacityPages * pageSizeBytes,
      reservedBytes: ledger.reservedPages * pageSizeBytes,
      freeBytes: (ledger.capacityPages - ledger.reservedPages) * pageSizeBytes,
      allocatedBytes: ledger.allocatedPages * pageSizeBytes,
      committedBytes: ledger.committedPages * pageSizeBytes,
      preallocatedBytes: this.settings.preallocate ? ledger.capacityPages * pageSizeBytes : 0,
      residentBytes: process.memoryUsage.rss(),
      pageSizeBytes,
      kernelCache: this.settings.kernelCache,
      caseSensitive: this.settings.caseSensitive,
      files: ledger.inodes - 1,
      openHandles: ledger.openHandles,
      requests,
      errors: {
        handlerErrors: requests.handlerErrors,
        completionFailures: requests.completionFailures,
        answersTooLong: requests.answersTooLong,
        last: this.#handlerErrorText,
      },
      strictViolations:
        violations === null ? null : { count: violations, texts: this.#strict.texts(MAX_VIOLATIONS_SHOWN) },
      selfCheck: this.#lastCheck,
    };
  }

  /**
   * Recomputes the ledger's invariants on the live volume, between two requests. Callers at the same time share one
   * check.
   */
  selfCheck(): Promise<SelfCheckResult> {
    this.#checking ??= this.#selfCheckOnce().finally(() => {
      this.#checking = null;
    });
    return this.#checking;
  }

  /** Unmounts and ends the worker. Resolves when nothing is left; a second call joins the first. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stopOnce();
    return this.#stopping;
  }

  /**
   * Takes the mount away at once and releases the worker from its native call, so that the process can exit. For a stop
   * that does not come to its end; programs that use the drive get errors.
   */
  async forceStop(): Promise<void> {
    if (process.platform !== 'win32' && this.#mounted && !this.#gone) {
      await lazyUnmount(this.#mountPoint);
    }
    this.#reference?.stopForExit();
  }

  async #untilReady(): Promise<void> {
    const ready = new Promise<void>((resolve) => {
      this.#onReady = resolve;
    });
    const died = this.ended.then(({ error }) => {
      throw new DriveError(
        'START_FAILED',
        `The drive did not start: ${error?.message ?? 'its worker ended'}`,
      );
    });
    died.catch(() => {});
    await withinTime(Promise.race([ready, died]), START_GRACE_MS, 'starting the volume', (timer) => {
      this.#startTimer = timer;
    });
  }

  async #mount(plan: MountPlan, account: WindowsAccount, warn: (message: string) => void): Promise<void> {
    const reference = this.#reference!;
    if (plan.attempts.length === 0) {
      return;
    }
    let status: number = NtStatus.UNSUCCESSFUL;
    for (const { argument, warning } of plan.attempts) {
      const mounting = reference.setMountPoint(argument);
      status = await withinTime(mounting, MOUNT_GRACE_MS, `mounting at ${plan.name}`);
      if (status >= 0) {
        this.#mounted = true;
        this.#mountPoint = displayName(reference.mountPoint() ?? argument ?? plan.name);
        if (warning !== null) {
          warn(warning);
        }
        return;
      }
      if (isFinalFailure(status)) {
        break;
      }
    }
    throw new MountError(plan.name, status, mountAdvice(status, process.platform, account));
  }

  async #selfCheckOnce(): Promise<SelfCheckResult> {
    if (this.#gone || this.#stopping !== null) {
      throw new DriveError('NOT_RUNNING', `The drive at ${this.#mountPoint} is not running.`);
    }
    const result = new Promise<SelfCheckResult>((resolve, reject) => {
      // Not through `ended`: it would keep what waits for it as long as the drive runs.
      this.#onCheck = { resolve, reject };
    });
    this.#checkNumber = (this.#checkNumber + 1) | 0;
    Atomics.store(this.#control, CHECK_NUMBER_WORD, this.#checkNumber);
    Atomics.store(this.#control, ControlWord.COMMAND, DriveCommand.SELF_CHECK);
    this.#wakeLoop();
    try {
      return await withinTime(result, SELF_CHECK_GRACE_MS, 'the self-check');
    } finally {
      this.#onCheck = null;
    }
  }

  /** An idle loop sleeps in the driver. Where nothing wakes it, it looks up by itself within a second. */
  #wakeLoop(): void {
    if (process.platform !== 'win32') {
      this.#reference?.wake();
    } else if (this.#mounted) {
      // A request of our own.
      void statfs(this.#mountPoint).catch(() => {});
    }
  }

  async #stopOnce(): Promise<void> {
    const reference = this.#reference;
    if (reference !== null && !this.#gone) {
      try {
        // While the loop still serves: unmounting may ask the volume something.
        await withinTime(reference.removeMountPoint(), STOP_GRACE_MS, 'unmounting');
      } catch {
        // The volume goes anyway; its mount with it.
      }
      reference.requestStop();
    }
    if (reference === null) {
      // Not in its loop yet: nothing native holds the worker for long.
      void this.#worker.terminate();
    }
    try {
      await withinTime(this.ended, STOP_GRACE_MS, 'stopping the volume');
    } catch (error) {
      await this.forceStop();
      throw error;
    }
  }

  #onMessage(message: WorkerMessage): void {
    switch (message.type) {
      case 'ready':
        this.#reference = new VolumeReference(this.#library, message.reference);
        this.#takeBackExitHook = this.#reference.stopOnExit();
        this.#onReady?.();
        break;
      case 'preallocated':
        this.#startTimer?.refresh();
        this.#events.onPreallocated?.(message.doneBytes, message.totalBytes);
        break;
      case 'failed':
        this.#workerError = new Error(message.error);
        break;
      case 'selfCheck':
        this.#label = message.label;
        this.#lastCheck = {
          at: new Date().toISOString(),
          violations: message.violations.slice(0, MAX_VIOLATIONS_SHOWN),
          violationCount: message.violations.length,
          milliseconds: message.milliseconds,
        };
        if (message.number === this.#checkNumber) {
          this.#onCheck?.resolve(this.#lastCheck);
        }
        break;
      case 'handlerError':
        this.#handlerErrorText = `${message.where}: ${message.error}`;
        this.#events.onHandlerError?.(message.where, message.error);
        break;
      case 'ended':
        this.#loopEnd = message;
        break;
    }
  }

  /** The worker is no more. Whatever it could not take down itself is taken down here. */
  async #afterWorker(): Promise<DriveEnd> {
    this.#gone = true;
    this.#onCheck?.reject(new DriveError('NOT_RUNNING', 'The drive ended before the self-check did.'));
    const end = this.#loopEnd;
    const orderly = end !== null;
    if (!orderly && this.#reference !== null) {
      // No grace: nobody is left who could leave the loop.
      this.#reference.stopForExit(0);
    }
    this.#takeBackExitHook();
    // A live mount at the place is another's: ours ends with the file system.
    if (process.platform === 'linux' && this.#mounted && (await isDeadMount(this.#mountPoint))) {
      await lazyUnmount(this.#mountPoint);
    }
    if (end !== null && (end.reason === 'stopped' || end.reason === 'volume-gone')) {
      return { reason: end.reason, error: null };
    }
    if (end === null && this.#workerError === null && this.#stopping !== null) {
      return { reason: 'stopped', error: null };
    }
    const why =
      end?.error ??
      (end?.reason === 'error' ? `FspFsctlTransact failed with ${ntStatusName(end.status)}` : null) ??
      this.#workerError?.message ??
      'its worker ended without a word';
    const error = new DriveError('WORKER_DIED', why, { cause: this.#workerError });
    return { reason: 'died', error };
  }
}

/**
 * No driver, and a taken letter or directory, are found before a volume is made (docs/winfsp.md#functions Preflight).
 */
async function preflight(library: WinFspLibrary, { preflight, device, name }: MountPlan): Promise<void> {
  const status = await new Promise<number>((resolve, reject) => {
    library.fspFileSystemPreflight.async(device, preflight, (error, result) =>
      error === null ? resolve(result) : reject(error),
    );
  });
  if (status === NtStatus.OBJECT_NAME_COLLISION) {
    throw new MountPointError('ALREADY_MOUNTED', name, `${name} is in use.`, mountAdvice(status));
  }
  if (status < 0) {
    throw new MountError(name, status, mountAdvice(status));
  }
}

/** `\\.\R:` → `R:`: the Mount Manager's spelling is nothing that people type. */
function displayName(mountPoint: string): string {
  return mountPoint.replace(/^\\\\[.?]\\(?=[A-Za-z]:$)/, '');
}
