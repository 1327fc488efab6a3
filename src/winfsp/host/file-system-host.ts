/**
 * Serves a file system: mounts it, runs its handlers, takes it down.
 *
 * Where handlers run is the choice that matters:
 * - `new FileSystemHost(fileSystem)`: on this thread, between everything else that its event loop does. `read`, `write`
 *   and `readDirectory` may return promises.
 * - `new FileSystemHost(new URL('./my-file-system.js', import.meta.url))`: the module is loaded in a worker of its own,
 *   and its file system is served inline there, some ten times faster. Handlers must be synchronous.
 *
 * This process must never touch its own volume synchronously (`fs.readFileSync` of a path on it): the thread would wait
 * for itself.
 */
import { EventEmitter } from 'node:events';
import { NtStatus } from '../../ntstatus.js';
import type { VolumeParams } from '../abi/volume-params.js';
import { WinFspCallError } from '../errors.js';
import { loadWinFsp } from '../library/library.js';
import { parseMountPoint } from '../library/mount-point.js';
import { type DispatcherStatistics, readStatistics } from '../memory/statistics.js';
import type { FileSystem } from './file-system.js';
import { LocalVolume } from './local-volume.js';
import { type Change, Notifier } from './notifier.js';
import type { ServedVolume, VolumeEnd, VolumeOptions } from './served-volume.js';
import { WorkerVolume } from './worker/worker-volume.js';

export interface HostOptions {
  /** By their WinFsp names. What is not given follows from the methods of the file system, or is WinFsp's default. */
  volumeParams?: VolumeParams;
  /** With a module's URL: the argument of the function that it exports. Structured-cloneable. */
  workerData?: unknown;
  /**
   * How long unmount() waits for handlers that have not settled, after their signals were aborted, before it answers
   * CANCELLED in their place. Default 5000 ms.
   */
  stopGraceMs?: number;
}

export interface HostEvents {
  /** The volume can be used, there. */
  mounted: [mountPoint: string];
  /** Nothing is left of the volume. */
  stopped: [end: VolumeEnd];
  /**
   * A handler threw something that is no refusal; the request was answered with INTERNAL_ERROR. Without a listener it
   * becomes a process warning: a mounted volume should outlive a bug.
   */
  error: [error: Error, where: string];
}

const STOP_GRACE_MS = 5000;
const NOTIFY_TIMEOUT_MS = 10_000;

interface Mounted {
  volume: ServedVolume;
  mountPoint: string;
  notifier: Notifier;
  takeBackExitHook: () => void;
  stopped: Promise<void>;
}

export class FileSystemHost<Context = unknown> extends EventEmitter<HostEvents> implements AsyncDisposable {
  readonly #fileSystem: FileSystem<Context> | URL;
  readonly #options: HostOptions;
  #mounted: Mounted | null = null;
  /** mount() and unmount() take turns. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(fileSystem: FileSystem<Context> | URL, options: HostOptions = {}) {
    super();
    this.#fileSystem = fileSystem;
    this.#options = options;
  }

  /** Where the volume is mounted, or null. */
  get mountPoint(): string | null {
    return this.#mounted?.mountPoint ?? null;
  }

  /** Figures of the volume that is mounted, or null. */
  get statistics(): DispatcherStatistics | null {
    return this.#mounted === null ? null : readStatistics(this.#mounted.volume.statistics);
  }

  /**
   * Mounts. On Windows: `R:`, `\\.\R:` (seen by all programs), `*` (a free letter), a directory that does not exist, or
   * `\\server\share`. On Linux: a directory that exists. Resolves with the mount point when programs can use it.
   *
   * Rejects with a MountPointSyntaxError, VolumeParamsError, WinFspLibraryError or WinFspCallError; nothing is left
   * behind then.
   */
  mount(mountPoint: string): Promise<string> {
    return this.#takeTurn(async () => {
      if (this.#mounted !== null) {
        throw new Error(`The file system is mounted at ${this.#mounted.mountPoint} already.`);
      }
      const { device, volumePrefix, argument, needsMountPoint } = parseMountPoint(mountPoint);
      if (needsMountPoint && argument !== null) {
        await preflight(device, argument);
      }
      const volumeParams = { ...this.#options.volumeParams };
      if (volumePrefix !== undefined) {
        volumeParams.Prefix = volumePrefix;
      }
      const volume = await this.#start({
        volumeParams,
        device,
        stopGraceMs: this.#options.stopGraceMs ?? STOP_GRACE_MS,
        onError: (error, where) => this.#reportError(error, where),
      });
      const takeBackExitHook = volume.reference.stopOnExit();
      try {
        if (needsMountPoint) {
          check('FspFileSystemSetMountPoint', await volume.reference.setMountPoint(argument), mountPoint);
        }
      } catch (error) {
        await volume.stop();
        takeBackExitHook();
        throw error;
      }
      const where = volume.reference.mountPoint() ?? argument ?? mountPoint;
      const notifier = new Notifier(volume.reference);
      const mounted: Mounted = {
        volume,
        mountPoint: where,
        notifier,
        takeBackExitHook,
        stopped: Promise.resolve(),
      };
      this.#mounted = mounted;
      mounted.stopped = volume.ended.then((end) => this.#afterEnd(mounted, end));
      this.emit('mounted', where);
      return where;
    });
  }

  /**
   * Unmounts and takes the volume down: signals are aborted, handlers under way awaited, open contexts closed. Resolves
   * when nothing is left, at once when nothing is mounted.
   */
  unmount(): Promise<void> {
    return this.#takeTurn(async () => {
      const mounted = this.#mounted;
      if (mounted === null) {
        return;
      }
      const { volume, notifier, stopped } = mounted;
      // While it is still served: all of these may need answers.
      await notifier.close();
      await volume.reference.flush();
      await volume.reference.removeMountPoint();
      await volume.stop();
      await stopped;
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.unmount();
  }

  /**
   * Tells the system about changes that no program made through the volume: caches are dropped, watchers told. Resolves
   * when the driver has taken them. May be called from a handler, but must not be awaited there.
   */
  notify(changes: readonly Change[], timeoutMs: number = NOTIFY_TIMEOUT_MS): Promise<void> {
    if (this.#mounted === null) {
      return Promise.reject(new WinFspCallError('FspFileSystemNotify', NtStatus.VOLUME_DISMOUNTED));
    }
    return this.#mounted.notifier.notify(changes, timeoutMs);
  }

  #takeTurn<T>(body: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(body);
    this.#turn = turn.catch(() => {});
    return turn;
  }

  #start(options: VolumeOptions): Promise<ServedVolume> {
    return this.#fileSystem instanceof URL
      ? WorkerVolume.start(this.#fileSystem, this.#options.workerData, options)
      : LocalVolume.start(this.#fileSystem, options);
  }

  /** The volume serves no more, because unmount() said so or by itself. */
  async #afterEnd(mounted: Mounted, end: VolumeEnd): Promise<void> {
    try {
      await mounted.volume.stop();
    } catch (error) {
      this.#reportError(error as Error, 'stop');
    }
    mounted.takeBackExitHook();
    this.#mounted = null;
    this.emit('stopped', end);
  }

  #reportError(error: Error, where: string): void {
    if (this.listenerCount('error') > 0) {
      this.emit('error', error, where);
    } else {
      process.emitWarning(`${where}: ${error.stack ?? error.message}`, 'FileSystemHostWarning');
    }
  }
}

/** A taken letter or directory is found before a volume is made (docs/winfsp.md#functions). */
async function preflight(device: string, argument: string): Promise<void> {
  const library = loadWinFsp();
  if (process.platform !== 'win32' || argument.startsWith('\\\\')) {
    return;
  }
  const status = await new Promise<number>((resolve, reject) => {
    library.fspFileSystemPreflight.async(device, argument, (error, result) =>
      error === null ? resolve(result) : reject(error),
    );
  });
  check('FspFileSystemPreflight', status, argument);
}

function check(call: string, status: number, detail: string): void {
  if (status < 0) {
    throw new WinFspCallError(call, status, detail);
  }
}
