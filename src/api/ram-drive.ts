/**
 * RamDrive as a program sees it: mounted by one call, gone with the program. The drive lives in a process of its own
 * (drive-process.ts); this side holds the other end of the channel, which keeps no program alive.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { rmdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { resolveCapacity } from '../drive/config/config.js';
import { DriveError } from '../drive/errors.js';
import type { DriveStatus, Resized, SaveResult, SelfCheckResult, SnapshotInfo } from '../drive/status.js';
import {
  type DriveProcessMessage,
  type DriveRequest,
  type EndReason,
  type ProgramMessage,
  unpackError,
} from './drive-process-messages.js';
import { type RamDriveOptions, type ResolvedOptions, resolveOptions } from './options.js';

/** Why a drive is no more. */
export interface DriveEnd {
  /** `volume-gone`: unmounted from outside. `died`: its contents are lost; see `error`. */
  reason: EndReason;
  error: Error | null;
}

/** What a drive held when it was unmounted. */
export interface Discarded {
  files: number;
  bytes: number;
}

export interface RamDriveEvents {
  /** Something to know that does not stop the drive. Without a listener it becomes a warning of the process. */
  warning: [message: string];
  /** Nothing is left of the drive, no matter who ended it. Emitted once. */
  end: [end: DriveEnd];
}

interface Request {
  resolve: (result: never) => void;
  reject: (error: Error) => void;
}

export class RamDrive extends EventEmitter<RamDriveEvents> implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #temporary: boolean;
  readonly #hasImage: boolean;
  readonly #requests = new Map<number, Request>();
  readonly #exited: Promise<void>;
  #lastId = 0;
  /** What this program waits for; its start is the first. */
  #waiting = 1;
  #path = '';
  #end: DriveEnd | null = null;
  /** Warnings from before the program could listen. */
  #early: string[] | null = [];

  /**
   * Mounts a drive and resolves when it can be used. Rejects with a ConfigError (an option, all problems at once),
   * MountPointError, MountError, WinFspLibraryError or DriveError; nothing is left behind then.
   *
   * The drive is unmounted when this program ends, in whatever way, and its contents are gone with it.
   */
  static async mount(options: RamDriveOptions = {}): Promise<RamDrive> {
    const drive = new RamDrive(resolveOptions(options));
    await drive.#mounted;
    // So late that anyone who has awaited the drive listens by now.
    setImmediate(() => drive.#tellEarlyWarnings());
    return drive;
  }

  readonly #mounted: Promise<void>;

  private constructor(options: ResolvedOptions) {
    super();
    this.#temporary = options.temporary;
    this.#hasImage = options.settings.imageFile !== undefined;
    const { NODE_OPTIONS: _forProgram, ...env } = process.env;
    this.#process = spawn(
      process.execPath,
      [fileURLToPath(new URL('./drive-process.js', import.meta.url))],
      // Detached: Ctrl+C in the terminal is the program's affair. And it must not stand on another drive.
      {
        cwd: dirname(process.execPath),
        detached: true,
        windowsHide: true,
        env,
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      },
    );
    let mounted = () => {};
    let failed: (error: Error) => void = () => {};
    this.#mounted = new Promise((resolve, reject) => {
      mounted = resolve;
      failed = reject;
    });
    this.#process.on('message', (message: DriveProcessMessage) => {
      if (message.type === 'mounted') {
        this.#path = message.path;
        this.#letProgramEnd();
        mounted();
      } else if (message.type === 'failed') {
        failed(unpackError(message.error));
      } else {
        this.#onMessage(message);
      }
    });
    this.#exited = new Promise((resolve) => {
      const onExit = async (why: string) => {
        failed(new DriveError('START_FAILED', `The drive did not start: ${why}.`));
        await this.#afterExit(why);
        resolve();
      };
      this.#process.once('error', (error) => void onExit(error.message));
      this.#process.once('exit', (code, signal) => {
        void onExit(`its process ${signal === null ? `exited with code ${code}` : `was ended by ${signal}`}`);
      });
    });
    this.#mounted.catch(() => {});
    this.#send({ type: 'start', ...options });
  }

  /** Where the drive is mounted: `R:\`, or an absolute path. Names are to be joined to it. */
  get path(): string {
    return /^[A-Za-z]:$/.test(this.#path) ? `${this.#path}\\` : this.#path;
  }

  /** False when it has ended. */
  get isMounted(): boolean {
    return this.#end === null;
  }

  /** Figures at this moment. Rejects with a DriveError when the drive has ended. */
  status(): Promise<DriveStatus> {
    return this.#ask({ command: 'status' });
  }

  /** Recomputes the drive's invariants; `violations` is empty when all hold. */
  selfCheck(): Promise<SelfCheckResult> {
    return this.#ask({ command: 'selfCheck' });
  }

  /**
   * Keeps what is on the drive at this moment; without a name, under the time. It shares memory with the drive until
   * files are changed, and stays until it is deleted or the drive ends. Rejects with a DriveError, nothing changed:
   * SNAPSHOT_EXISTS, BAD_VALUE (a name is 1 to 64 characters, none of them a control character), NO_ROOM.
   */
  snapshot(name?: string): Promise<SnapshotInfo> {
    return this.#ask({ command: 'snapshot', name });
  }

  /** In the order in which they were taken. */
  async snapshots(): Promise<SnapshotInfo[]> {
    return (await this.status()).snapshots;
  }

  /**
   * Makes the drive what it was at a snapshot, which stays. The drive is taken away for a moment and mounted again at
   * the same place: files that programs have open on it are lost to them, and a working directory on it leads nowhere.
   * Rejects with a DriveError: NO_SUCH_SNAPSHOT, NO_ROOM, with nothing changed; NOT_MOUNTED when it could not be
   * mounted again, and has ended.
   */
  rollback(name: string): Promise<SnapshotInfo> {
    return this.#ask({ command: 'rollback', name });
  }

  /** Rejects with a DriveError: NO_SUCH_SNAPSHOT, BUSY while it is being read. */
  async deleteSnapshot(name: string): Promise<void> {
    await this.#ask({ command: 'deleteSnapshot', name });
  }

  /**
   * Another capacity, in the forms of the option `capacity`, while the drive is used; resolves with what it has then,
   * in whole pages. Rejects with a ConfigError for what is no size, or with a DriveError NO_ROOM when it is less than
   * files and snapshots reserve, or more than the memory of the machine; nothing has changed then.
   */
  async resize(capacity: string | number): Promise<Resized> {
    const capacityBytes = resolveCapacity('capacity', capacity);
    return this.#ask({ command: 'resize', capacityBytes });
  }

  /**
   * Saves what is on the drive now to a file, its own image when none is named; programs go on using the drive. What
   * is there is replaced at the end, in one step, and only when it is an image. Rejects with a DriveError NOT_SAVED.
   */
  save(file?: string): Promise<SaveResult> {
    return this.#ask({ command: 'save', file: file === undefined ? undefined : resolve(file) });
  }

  /**
   * Unmounts, and resolves when nothing is left, with what the drive held; null when it had ended before. While
   * programs, this one among them, have files open on it, rejects with a DriveError BUSY and the drive goes on, unless
   * `force` is true. (On Windows, where that cannot be found out, it is always unmounted.)
   */
  async unmount({ force = false }: { force?: boolean } = {}): Promise<Discarded | null> {
    if (this.#end !== null) {
      return null;
    }
    this.#holdProgram();
    try {
      const discarded = await this.#ask<Discarded>({ command: 'unmount', force });
      await this.#exited;
      return discarded;
    } finally {
      this.#letProgramEnd();
    }
  }

  /** Saves the image, if there is one, and unmounts, also while files are open on it. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      if (this.#hasImage) {
        await this.save();
      }
      await this.unmount({ force: true });
    } catch (error) {
      // It ended meanwhile, which is what was wanted.
      if (this.#end === null) {
        throw error;
      }
    }
  }

  #ask<Result>(request: DriveRequest): Promise<Result> {
    if (this.#end !== null || !this.#process.connected) {
      return Promise.reject(this.#gone());
    }
    this.#lastId += 1;
    const id = this.#lastId;
    const answer = new Promise<Result>((resolve, reject) => {
      this.#requests.set(id, { resolve, reject });
    });
    this.#holdProgram();
    this.#send({ type: 'request', id, request });
    return answer;
  }

  #gone(): DriveError {
    return new DriveError('NOT_RUNNING', `The drive at ${this.#path} has ended.`);
  }

  #send(message: ProgramMessage): void {
    // A channel that is gone shows as an exit.
    this.#process.send?.(message, () => {});
  }

  #onMessage(message: DriveProcessMessage): void {
    switch (message.type) {
      case 'answer':
        this.#settle(message.id, (request) => request.resolve(message.result as never));
        break;
      case 'refused':
        this.#settle(message.id, (request) => request.reject(unpackError(message.error)));
        break;
      case 'warning':
        this.#warn(message.message);
        break;
      case 'ended':
        this.#end = {
          reason: message.reason,
          error: message.error === null ? null : unpackError(message.error),
        };
        break;
    }
  }

  #settle(id: number, how: (request: Request) => void): void {
    const request = this.#requests.get(id);
    this.#requests.delete(id);
    if (request !== undefined) {
      how(request);
      this.#letProgramEnd();
    }
  }

  /** This program does not end while it waits for its drive, however idle it is otherwise. */
  #holdProgram(): void {
    this.#waiting += 1;
    this.#process.ref();
    this.#process.channel?.ref();
  }

  #letProgramEnd(): void {
    this.#waiting -= 1;
    if (this.#waiting === 0) {
      this.#process.unref();
      this.#process.channel?.unref();
    }
  }

  #warn(message: string): void {
    if (this.#early !== null) {
      this.#early.push(message);
    } else if (!this.emit('warning', message)) {
      process.emitWarning(message, 'RamDriveWarning');
    }
  }

  #tellEarlyWarnings(): void {
    const early = this.#early ?? [];
    this.#early = null;
    for (const message of early) {
      this.#warn(message);
    }
  }

  async #afterExit(why: string): Promise<void> {
    if (this.#end === null) {
      this.#end = {
        reason: 'died',
        error: new DriveError('WORKER_DIED', `The drive at ${this.#path} has died: ${why}.`),
      };
      await this.#clearUp();
    }
    for (const { reject } of this.#requests.values()) {
      reject(this.#gone());
    }
    this.#requests.clear();
    if (this.#path !== '') {
      this.emit('end', this.#end);
    }
  }

  /** After a process that could not do so itself. */
  async #clearUp(): Promise<void> {
    if (process.platform !== 'linux' || this.#path === '') {
      return;
    }
    const { clearOwnDeadMount } = await import('../drive/mount/mounting.js');
    await clearOwnDeadMount(this.#path).catch(() => {});
    if (this.#temporary) {
      try {
        rmdirSync(this.#path);
      } catch {
        // It stays with whatever is in it.
      }
    }
  }
}
