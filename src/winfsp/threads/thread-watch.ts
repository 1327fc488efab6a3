/**
 * Whether a thread of this process still runs, asked of the operating system: the `exit` event of a worker reaches its
 * parent through the parent's event loop, and a dispatcher thread that serves inline never runs its own.
 *
 * Linux: /proc. Windows: a handle of the thread, which is signalled when it ends; not run on Windows.
 */
import { existsSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import koffi from 'koffi';

const SYNCHRONIZE = 0x0010_0000;
const WAIT_OBJECT_0 = 0;

/** The system's number of the calling thread, as an int32. */
export function currentThreadId(): number {
  if (process.platform === 'win32') {
    return kernel32().getCurrentThreadId() | 0;
  }
  return Number(basename(readlinkSync('/proc/thread-self')));
}

export class ThreadWatch {
  readonly #threadId: number;
  /** Windows: held as long as the watch, so that the number cannot be given to another thread. */
  readonly #handle: number = 0;

  /** To be made while the thread certainly runs. */
  constructor(threadId: number) {
    this.#threadId = threadId;
    if (process.platform === 'win32') {
      this.#handle = kernel32().openThread(SYNCHRONIZE, 0, threadId >>> 0);
    }
  }

  /** A thread that cannot be asked about is taken to be alive. */
  get isAlive(): boolean {
    if (process.platform === 'win32') {
      return this.#handle === 0 || kernel32().waitForSingleObject(this.#handle, 0) !== WAIT_OBJECT_0;
    }
    return existsSync(`/proc/self/task/${this.#threadId}`);
  }

  free(): void {
    if (this.#handle !== 0) {
      kernel32().closeHandle(this.#handle);
    }
  }
}

interface Kernel32 {
  getCurrentThreadId: () => number;
  openThread: (access: number, inheritable: number, threadId: number) => number;
  waitForSingleObject: (handle: number, milliseconds: number) => number;
  closeHandle: (handle: number) => number;
}

let loaded: Kernel32 | undefined;

function kernel32(): Kernel32 {
  if (loaded === undefined) {
    const library = koffi.load('kernel32.dll');
    loaded = {
      getCurrentThreadId: library.func('uint32_t __stdcall GetCurrentThreadId()'),
      openThread: library.func(
        'uintptr_t __stdcall OpenThread(uint32_t access, int inheritable, uint32_t id)',
      ),
      waitForSingleObject: library.func(
        'uint32_t __stdcall WaitForSingleObject(uintptr_t handle, uint32_t ms)',
      ),
      closeHandle: library.func('int __stdcall CloseHandle(uintptr_t handle)'),
    };
  }
  return loaded;
}
