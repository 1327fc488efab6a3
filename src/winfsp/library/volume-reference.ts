/**
 * A running file system as threads other than its owner see it: two addresses and the control block. It can be sent to
 * another worker (`data`), and is how the main thread mounts and stops a volume whose owner sits in the dispatcher's
 * loop.
 *
 * Every call announces itself in the control block, so that the owner cannot free the file system under it.
 */
import { NtStatus } from '../../ntstatus.js';
import { FileSystemLayout } from '../abi/layouts.js';
import {
  ControlWord,
  claimTeardown,
  enterAsVisitor,
  LoopState,
  leaveAsVisitor,
} from '../memory/control-block.js';
import { readUtf16 } from '../memory/native-memory.js';
import { flushVolume } from './flush-volume.js';
import type { WinFspLibrary } from './library.js';
import { linuxExtensions } from './linux-extensions.js';

/** Structured-cloneable. */
export interface VolumeReferenceData {
  fileSystemAddress: number;
  volumeHandle: number;
  control: Int32Array;
}

/** How long a dying process waits for the loop to leave the native call before it pulls the volume away. */
const EXIT_GRACE_MS = 2000;

export class VolumeReference {
  constructor(
    readonly library: WinFspLibrary,
    readonly data: VolumeReferenceData,
  ) {}

  /**
   * Mounts. Runs on a thread of koffi's pool, because the system asks the volume questions while it is being mounted
   * and the caller's thread may be needed meanwhile (docs/winfsp.md#installation-and-mount-points). `null`: the first
   * free drive letter. VOLUME_DISMOUNTED when the file system is gone already.
   */
  setMountPoint(mountPoint: string | null): Promise<number> {
    return this.#visitAsync<number>(NtStatus.VOLUME_DISMOUNTED, (done) =>
      this.library.fspFileSystemSetMountPoint.async(this.data.fileSystemAddress, mountPoint, done),
    );
  }

  /**
   * Asks the kernel to write what its cache still holds of this volume's files; only while requests are served. Without
   * it those writes come after the end and fail (docs/winfsp.md#stop). Resolves when it is done, or cannot be done.
   */
  flush(): Promise<void> {
    if (process.platform !== 'win32') {
      return Promise.resolve();
    }
    const name = this.#visit(null, () =>
      readUtf16(this.data.fileSystemAddress + FileSystemLayout.VolumeName),
    );
    return name === null ? Promise.resolve() : flushVolume(name);
  }

  /** Unmounts. Resolves at once when that is under way already. */
  removeMountPoint(): Promise<void> {
    if (!this.#claimUnmount()) {
      return Promise.resolve();
    }
    return this.#visitAsync<void>(undefined, (done) =>
      this.library.fspFileSystemRemoveMountPoint.async(this.data.fileSystemAddress, (error) =>
        done(error, undefined),
      ),
    ).finally(() => Atomics.store(this.data.control, ControlWord.UNMOUNTING, 0));
  }

  /**
   * Unmounts unless programs use the mount; says whether it is gone. Where the library cannot tell (Windows), nothing
   * is done, and true: removeMountPoint() takes it away in any case.
   */
  async removeIdleMountPoint(): Promise<boolean> {
    const extensions = linuxExtensions(this.library);
    if (extensions === null) {
      return true;
    }
    const status = await this.#visitAsync<number>(NtStatus.SUCCESS, (done) =>
      extensions.removeIdleMountPoint(this.data.fileSystemAddress, done),
    );
    return status >= 0;
  }

  /** What the system said to a mount that it refused, or null. */
  mountMessage(): string | null {
    const extensions = linuxExtensions(this.library);
    return this.#visit(null, () => extensions?.mountMessage(this.data.fileSystemAddress) ?? null);
  }

  #claimUnmount(): boolean {
    return Atomics.compareExchange(this.data.control, ControlWord.UNMOUNTING, 0, 1) === 0;
  }

  /** Where the volume is mounted (the letter that `null` found), or null. */
  mountPoint(): string | null {
    return this.#visit(null, () => this.library.fspFileSystemMountPoint(this.data.fileSystemAddress));
  }

  /** One try, without sleeping. On a thread of koffi's pool, because it waits for locks of the driver. */
  notifyBegin(): Promise<number> {
    return this.#visitAsync<number>(NtStatus.VOLUME_DISMOUNTED, (done) =>
      this.library.fspFileSystemNotifyBegin.async(this.data.fileSystemAddress, 0, done),
    );
  }

  /**
   * On a thread of koffi's pool, because the driver may need answers meanwhile. The records must stay until the promise
   * resolves.
   */
  notify(recordsAddress: number, sizeBytes: number): Promise<number> {
    return this.#visitAsync<number>(NtStatus.VOLUME_DISMOUNTED, (done) =>
      this.library.fspFileSystemNotify.async(this.data.fileSystemAddress, recordsAddress, sizeBytes, done),
    );
  }

  get loopState(): number {
    return Atomics.load(this.data.control, ControlWord.LOOP_STATE);
  }

  /**
   * Makes a waiting loop turn at once, so that it sees a command in the control block. On Windows it does nothing:
   * there the loop turns when TransactTimeout is over, or when a program touches the volume.
   */
  wake(): void {
    this.#visit(undefined, () => {
      linuxExtensions(this.library)?.setOption(this.data.fileSystemAddress, 'wake', 1);
    });
  }

  /**
   * Asks the loop to end: Stop0 makes its Transact return. Answers to requests already delivered are ignored from here
   * on.
   */
  requestStop(): number {
    Atomics.store(this.data.control, ControlWord.STOP_REQUESTED, 1);
    return this.#visit<number>(NtStatus.SUCCESS, () => this.library.fspFsctlStop0(this.data.volumeHandle));
  }

  /**
   * For an `exit` handler, where nothing asynchronous runs any more: ends the loop, waits a little for it, cancels what
   * is pending and unmounts. Without this `process.exit()` hangs on the worker that sits in the native call. The file
   * system is not freed; the dying process takes it along.
   *
   * Also for the death of the owner's thread: with a grace of 0 it frees programs that wait for an answer that will
   * never come.
   */
  stopForExit(graceMs = EXIT_GRACE_MS): void {
    const { control, fileSystemAddress, volumeHandle } = this.data;
    this.requestStop();
    const deadline = Date.now() + graceMs;
    while (this.loopState === LoopState.RUNNING && Date.now() < deadline) {
      Atomics.wait(control, ControlWord.LOOP_STATE, LoopState.RUNNING, deadline - Date.now());
    }
    if (claimTeardown(control)) {
      this.library.fspFsctlStop(volumeHandle);
      // An unmount that was asked for may not have begun (a busy pool), or be inside. Our Linux library makes the
      // second caller wait, then finds nothing to do; WinFsp may take the mount away twice, and there it goes with the
      // process.
      if (process.platform !== 'win32' || this.#claimUnmount()) {
        this.library.fspFileSystemRemoveMountPoint(fileSystemAddress);
      }
    }
  }

  /**
   * Runs stopForExit() when the process exits by `process.exit()` or by itself. Returns the function that takes it
   * back.
   */
  stopOnExit(): () => void {
    const handler = () => this.stopForExit();
    process.once('exit', handler);
    return () => process.off('exit', handler);
  }

  #visit<T>(otherwise: T, call: () => T): T {
    if (!enterAsVisitor(this.data.control)) {
      return otherwise;
    }
    try {
      return call();
    } finally {
      leaveAsVisitor(this.data.control);
    }
  }

  #visitAsync<T>(otherwise: T, start: (done: (error: Error | null, value: T) => void) => void): Promise<T> {
    if (!enterAsVisitor(this.data.control)) {
      return Promise.resolve(otherwise);
    }
    return new Promise((resolve, reject) => {
      start((error, value) => {
        leaveAsVisitor(this.data.control);
        if (error === null) {
          resolve(value);
        } else {
          reject(error);
        }
      });
    });
  }
}
