/**
 * A volume whose file system lives in a worker of its own, served inline there: the fastest way, for synchronous
 * handlers. When the worker dies, programs that wait for the volume are released.
 */

import { loadWinFsp } from '../../library/library.js';
import { VolumeReference } from '../../library/volume-reference.js';
import { allocateControlBlock } from '../../memory/control-block.js';
import { allocateStatistics } from '../../memory/statistics.js';
import { IdleWorkers } from '../../threads/idle-workers.js';
import type { ServedVolume, VolumeEnd, VolumeOptions } from '../served-volume.js';
import type { HostWorkerInput, HostWorkerMessage } from './host-worker-protocol.js';

/** Each holds a module and its heap. */
const MAX_IDLE = 4;
/** By the URL of the module that they have loaded. */
const workers = new IdleWorkers('host/worker/host-worker.js', 'winfsp-host', MAX_IDLE);

export class WorkerVolume implements ServedVolume {
  readonly statistics = allocateStatistics();
  readonly ended: Promise<VolumeEnd>;
  readonly #ready: Promise<void>;
  /** Nothing is left of the volume. */
  readonly #finished: Promise<void>;
  #reference: VolumeReference | null = null;

  /** Rejects with what the module or the volume's creation threw; nothing is left behind then. */
  static async start(moduleUrl: URL, data: unknown, options: VolumeOptions): Promise<WorkerVolume> {
    const volume = new WorkerVolume(moduleUrl, data, options);
    await volume.#ready;
    return volume;
  }

  private constructor(moduleUrl: URL, data: unknown, options: VolumeOptions) {
    const input: HostWorkerInput = {
      moduleUrl: moduleUrl.href,
      data,
      volumeParams: options.volumeParams,
      device: options.device,
      control: allocateControlBlock(),
      statistics: this.statistics,
    };
    const worker = workers.take(input.moduleUrl);
    let end: (end: VolumeEnd) => void = () => {};
    this.ended = new Promise((resolve) => {
      end = resolve;
    });
    let finish = () => {};
    this.#finished = new Promise((resolve) => {
      finish = resolve;
    });
    this.#ready = new Promise((resolve, reject) => {
      let death: Error = new Error('The worker of the file system ended without a word.');
      const onError = (error: Error) => {
        death = error;
      };
      const onExit = () => {
        // Nothing of this matters when it ended in order; otherwise no other thread will answer any more.
        this.#reference?.stopForExit(0);
        end({ reason: 'died', error: death });
        reject(death);
        finish();
      };
      const onMessage = (message: HostWorkerMessage) => {
        switch (message.type) {
          case 'ready':
            this.#reference = new VolumeReference(loadWinFsp(), message.reference);
            resolve();
            break;
          case 'failed':
            reject(message.error);
            break;
          case 'handlerError':
            options.onError(message.error, message.where);
            break;
          case 'ended':
            end(message.end);
            if (message.end.error !== null) {
              reject(message.end.error);
            }
            if (message.reusable) {
              worker.off('message', onMessage).off('error', onError).off('exit', onExit);
              workers.give(worker, input.moduleUrl);
              finish();
            }
            break;
        }
      };
      worker.on('message', onMessage).once('error', onError).once('exit', onExit);
    });
    this.#ready.catch(() => {});
    try {
      worker.postMessage(input);
    } catch (error) {
      // `data` cannot be cloned.
      worker.postMessage(null);
      throw error;
    }
  }

  get reference(): VolumeReference {
    return this.#reference!;
  }

  async stop(): Promise<void> {
    this.#reference?.requestStop();
    await this.#finished;
  }
}
