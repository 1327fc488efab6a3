/**
 * RamDrive: a running drive as a program sees it: mounted, with its figures, its self-check and its end. The volume
 * lives in a thread of its own (volume-thread.ts); how it is mounted is decided in mount/.
 *
 * A start that does not succeed leaves nothing behind. When the volume's thread dies, the mount is taken away.
 */
import { statfs } from 'node:fs/promises';
import { currentAccount, type WindowsAccount } from '../os/windows-account.js';
import { loadWinFsp, type VolumeReference } from '../winfsp/index.js';
import { STOP_GRACE_MS } from './config/limits.js';
import type { DriveSettings } from './config/settings.js';
import { formatSize } from './config/sizes.js';
import { DriveError } from './errors.js';
import { type FillStep, fillWarning } from './fill-watch.js';
import { PeriodicSaves } from './image/periodic-saves.js';
import { lazyUnmount } from './mount/linux-mount-point.js';
import { capacityWarning, refuseToOvercommit } from './mount/memory.js';
import { allowMountManager, type MountPlan, planMount, usesMountManager } from './mount/mount-strategy.js';
import { clearOwnDeadMount, mountAgain, mountVolume, preflight, unmountIdle } from './mount/mounting.js';
import { liesOn } from './mount/mounts.js';
import { nameOfNow } from './requests/snapshot-name.js';
import type { DriveStatus, Resized, SaveResult, SelfCheckResult, SnapshotInfo } from './status.js';
import { type DriveEnd, type VolumeEvents, VolumeThread } from './volume-thread.js';
import { withinTime } from './within-time.js';

export type { DriveEnd } from './volume-thread.js';

export interface DriveEvents extends VolumeEvents {
  /** Something that the user should know and that does not stop the drive. */
  onWarning?: (message: string) => void;
}

export class RamDrive {
  /** Resolves when the drive is no more, for whatever reason. Never rejects. */
  readonly ended: Promise<DriveEnd>;
  readonly #thread: VolumeThread;
  readonly #mount: ((reference: VolumeReference) => Promise<void>) | null;
  readonly #settings: DriveSettings;
  readonly #saves: PeriodicSaves | null = null;

  /**
   * Starts a drive and mounts it; `abort` ends a start at once, with its reason. Throws ConfigError (memory that is not
   * there), MountPointError (checked beforehand), MountError (the system refused), DriveError, or WinFspLibraryError
   * of the binding.
   */
  static async start(
    settings: DriveSettings,
    events: DriveEvents = {},
    abort: AbortSignal = new AbortController().signal,
  ): Promise<RamDrive> {
    const warn = events.onWarning ?? (() => {});
    const account = currentAccount();
    const plan = await planMount(settings.mountPoint, process.platform, warn, account, settings.shareLetter);
    let drive: RamDrive;
    try {
      drive = await RamDrive.#startAt(plan, account, settings, events, abort);
    } finally {
      await plan.release();
    }
    if (abort.aborted) {
      // Nobody has it yet who could stop it.
      await drive.stop({ discard: true }).catch(() => {});
      throw abort.reason;
    }
    return drive;
  }

  static async #startAt(
    plan: MountPlan,
    account: WindowsAccount,
    settings: DriveSettings,
    events: DriveEvents,
    abort: AbortSignal,
  ): Promise<RamDrive> {
    const warn = events.onWarning ?? (() => {});
    if (usesMountManager(plan)) {
      await allowMountManager(warn);
    }
    await preflight(loadWinFsp(), plan);
    if (settings.preallocate && settings.force !== true) {
      refuseToOvercommit(settings.capacityBytes);
    }
    const memoryWarning = capacityWarning(settings.capacityBytes);
    if (memoryWarning !== null) {
      warn(memoryWarning);
    }
    const onFilled = (step: FillStep, freeBytes: number, capacityBytes: number) =>
      warn(fillWarning(plan.name, step, freeBytes, capacityBytes));
    const thread = await VolumeThread.start(settings, plan, { onFilled, ...events }, abort);
    const giveUp = () => void thread.stop().catch(() => {});
    abort.addEventListener('abort', giveUp);
    try {
      // A volume without a form to mount is reachable as soon as it exists.
      const isMounted = plan.attempts.length > 0;
      const mountPoint = isMounted ? await mountVolume(thread.reference, plan, account, warn) : plan.name;
      abort.throwIfAborted();
      const found =
        process.platform === 'win32' && settings.mountPoint !== '*' ? settings.mountPoint : mountPoint;
      // Programs may write to the directory below while the drive is not mounted: that is told, and hidden by it.
      const planAgain = () => planMount(found, process.platform, warn, account, settings.shareLetter, warn);
      const mount = (reference: VolumeReference) => mountAgain(reference, account, planAgain);
      return new RamDrive(thread, mountPoint, isMounted ? mount : null, settings, warn);
    } catch (error) {
      await thread.stop().catch(() => thread.release());
      abort.throwIfAborted();
      throw error;
    } finally {
      abort.removeEventListener('abort', giveUp);
    }
  }

  private constructor(
    thread: VolumeThread,
    /** The letter that `*` found, the directory as the kernel names it. */
    readonly mountPoint: string,
    /** Mounts the volume at the same place once more; null when it is not mounted at all. */
    mount: ((reference: VolumeReference) => Promise<void>) | null,
    settings: DriveSettings,
    warn: (message: string) => void,
  ) {
    this.#thread = thread;
    this.#mount = mount;
    this.#settings = settings;
    const { saveEveryMs: everyMs } = settings;
    if (everyMs !== undefined) {
      const save = () => this.save();
      const changes = () => thread.changes;
      this.#saves = new PeriodicSaves({ everyMs, save, changes, onFailure: warn });
    }
    const isMounted = this.#isMounted;
    this.ended = thread.ended.then(async (end) => {
      this.#saves?.end();
      if (process.platform === 'linux' && isMounted) {
        await clearOwnDeadMount(mountPoint);
      }
      return end;
    });
  }

  status(): DriveStatus {
    return this.#thread.status(this.mountPoint);
  }

  /** See VolumeThread.selfCheck. Throws DriveError NOT_RUNNING or TIMEOUT. */
  selfCheck(): Promise<SelfCheckResult> {
    return this.#thread.selfCheck(() => this.#wake());
  }

  /**
   * See VolumeThread.save. `file`: an absolute path; on the drive itself it is NOT_SAVED, since the drive would wait
   * for itself.
   */
  async save(file = this.#settings.imageFile): Promise<SaveResult> {
    if (this.#isMounted && file !== undefined && (await liesOn(file, this.mountPoint))) {
      throw new DriveError(
        'NOT_SAVED',
        `The file ${file} lies on the drive itself. Choose a place elsewhere.`,
      );
    }
    return this.#wakeFor(this.#thread.save(file));
  }

  /** Whether the drive is saved at its end. */
  get hasImage(): boolean {
    return this.#settings.imageFile !== undefined;
  }

  /**
   * Keeps the tree as it is now; without a name, under the time. Throws DriveError SNAPSHOT_EXISTS, BAD_VALUE, NO_ROOM,
   * NOT_RUNNING.
   */
  async snapshot(name = nameOfNow(this.#snapshots)): Promise<SnapshotInfo> {
    await this.#wakeFor(this.#thread.request({ command: 'snapshot', name }));
    return this.#snapshotInfo(name);
  }

  /** Throws DriveError NO_SUCH_SNAPSHOT, BUSY, NOT_RUNNING. */
  async deleteSnapshot(name: string): Promise<null> {
    return this.#wakeFor(this.#thread.request({ command: 'deleteSnapshot', name }));
  }

  /**
   * Makes the drive what it was at a snapshot, which stays. It is taken away and mounted again at the same place, so
   * files that programs have open there are lost to them. Throws DriveError NO_SUCH_SNAPSHOT, NO_ROOM, NOT_RUNNING,
   * with nothing changed; NOT_MOUNTED when it could not be mounted again and has ended.
   */
  async rollback(name: string): Promise<SnapshotInfo> {
    await this.#wakeFor(this.#thread.rollback(name, async (reference) => this.#mount?.(reference)));
    return this.#snapshotInfo(name);
  }

  /**
   * Another capacity, rounded down to whole pages, while programs use the drive. Resolves with it. Throws DriveError
   * BAD_VALUE, NO_ROOM (less than is reserved; more than the memory of the machine), NOT_RUNNING.
   */
  async resize(bytes: number): Promise<Resized> {
    const { pageSizeBytes, preallocatedBytes } = this.status();
    const capacityBytes = bytes - (bytes % pageSizeBytes);
    if (!(capacityBytes > 0)) {
      throw new DriveError('BAD_VALUE', `A capacity is at least one page of ${formatSize(pageSizeBytes)}.`);
    }
    if (preallocatedBytes > 0) refuseToOvercommit(capacityBytes - preallocatedBytes);
    await this.#wakeFor(this.#thread.request({ command: 'resize', capacityBytes }));
    return { capacityBytes };
  }

  get #isMounted(): boolean {
    return this.#mount !== null;
  }

  get #snapshots(): readonly SnapshotInfo[] {
    return this.status().snapshots;
  }

  #snapshotInfo(name: string): SnapshotInfo {
    // One that was deleted at once by another program is not in the list any more.
    const gone = { name, createdAt: new Date().toISOString(), files: 0, bytes: 0 };
    return this.#snapshots.find((snapshot) => snapshot.name === name) ?? gone;
  }

  /** On Windows only a request wakes the loop: one of our own. */
  #wake(): void {
    if (process.platform === 'win32' && this.#isMounted) {
      void statfs(this.mountPoint).catch(() => {});
    }
  }

  #wakeFor<T>(result: Promise<T>): Promise<T> {
    this.#wake();
    return result;
  }

  /**
   * Saves the image, if there is one, unmounts and ends the thread. Resolves when nothing is left; a second call joins
   * the first. Throws DriveError NOT_SAVED, and goes on serving: `discard` is for those who do not care.
   */
  async stop({ discard = false } = {}): Promise<void> {
    if (this.hasImage && !discard && !this.#thread.isGone) {
      await this.save();
    }
    if (discard) {
      this.#thread.cancelSave();
    }
    await this.#end();
  }

  async #end(): Promise<void> {
    try {
      await this.#thread.stop();
      await withinTime(this.ended, STOP_GRACE_MS, 'unmounting');
    } catch (error) {
      await this.forceStop();
      throw error;
    }
  }

  /**
   * The same, unless programs use the drive: then false, and it goes on. On Windows, where that cannot be found out, it
   * is stopped in any case.
   */
  async stopUnlessBusy(): Promise<boolean> {
    if (this.hasImage && !this.#thread.isGone) {
      await this.save();
    }
    if (this.#isMounted && !this.#thread.isGone && !(await unmountIdle(this.#thread.reference))) {
      return false;
    }
    await this.#end();
    return true;
  }

  /**
   * Takes the mount away at once and releases the thread from its native call, so that the process can exit. For a stop
   * that does not come to its end; programs that use the drive get errors.
   */
  async forceStop(): Promise<void> {
    if (process.platform !== 'win32' && this.#isMounted && !this.#thread.isGone) {
      await lazyUnmount(this.mountPoint);
    }
    this.#thread.release();
  }
}
