/**
 * Workers that have done what they were started for and wait for the next such job. They are kept because koffi (3.3.4)
 * allocates about 50 KiB for each thread that loads it (its InstanceData) and never frees them, which a process that
 * mounts again and again would lose with every mount. Mounting is several times as quick, too.
 *
 * Such a worker gets its jobs as messages, one after another, and ends when it gets null. While it waits it does not
 * keep the process alive.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { packageRoot } from '../../package-root.js';

let started = 0;

/** Workers started by all instances in this thread. */
export function startedWorkers(): number {
  return started;
}

export class IdleWorkers {
  readonly #script: string;
  readonly #name: string;
  readonly #most: number;
  readonly #idle = new Map<Worker, string>();

  /** `script`: its path below src/winfsp, with the extension .js. Of those that are given back, `most` are kept. */
  constructor(script: string, name: string, most: number) {
    this.#script = script;
    this.#name = name;
    this.#most = most;
  }

  /** One that was given back under this key, or a new one. */
  take(key = ''): Worker {
    for (const [worker, its] of this.#idle) {
      if (its === key) {
        this.#idle.delete(worker);
        worker.ref();
        return worker;
      }
    }
    started += 1;
    const worker = new Worker(compiled(this.#script), { name: this.#name });
    worker.once('exit', () => this.#idle.delete(worker));
    // One that fails while it waits is removed; the code that takes one listens for errors itself.
    worker.on('error', () => {});
    return worker;
  }

  /** Only when its job is done and its listeners are removed. */
  give(worker: Worker, key = ''): void {
    if (this.#idle.size < this.#most) {
      this.#idle.set(worker, key);
      worker.unref();
    } else {
      worker.postMessage(null);
    }
  }
}

/** A worker always runs compiled code, also when it is started from a source file (tests). */
function compiled(script: string): URL {
  return pathToFileURL(join(packageRoot(), 'dist', 'src', 'winfsp', script));
}
