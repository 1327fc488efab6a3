/**
 * The dispatcher that WinFsp brings along: FspFileSystemStartDispatcher, whose threads call our koffi callbacks. A
 * foreign thread's callback goes through this thread's event loop and costs about two hundred times an inline one; kept
 * as the documented way, for comparison and as a fall-back. Synchronous handlers only.
 *
 * The event loop must be free to run: hence StopDispatcher, which waits for those threads, is called on koffi's pool.
 */
import { NtStatus } from '../../ntstatus.js';
import { WinFspCallError } from '../errors.js';
import type { FspFileSystem } from '../library/fsp-file-system.js';
import { LoopState, setLoopState } from '../memory/control-block.js';

export interface NativeDispatcherOptions {
  /** 0: as many as WinFsp likes (CPU count, 4 to 16). */
  threadCount?: number;
}

export class NativeDispatcher {
  readonly #fs: FspFileSystem;
  readonly #threadCount: number;
  #running = false;

  constructor(fs: FspFileSystem, options: NativeDispatcherOptions = {}) {
    this.#fs = fs;
    this.#threadCount = options.threadCount ?? 0;
  }

  start(): void {
    const status = this.#fs.library.fspFileSystemStartDispatcher(this.#fs.address, this.#threadCount);
    if (status !== NtStatus.SUCCESS) {
      throw new WinFspCallError('FspFileSystemStartDispatcher', status);
    }
    this.#running = true;
    setLoopState(this.#fs.control, LoopState.RUNNING);
  }

  /**
   * Stops the threads; requests that they have taken are answered first. The file system can be disposed of afterwards.
   */
  async stop(): Promise<void> {
    if (!this.#running) {
      return;
    }
    this.#running = false;
    await new Promise<void>((resolve, reject) => {
      this.#fs.library.fspFileSystemStopDispatcher.async(this.#fs.address, (error) =>
        error === null ? resolve() : reject(error),
      );
    });
    setLoopState(this.#fs.control, LoopState.ENDED);
  }
}
