/**
 * A worker that calls into the driver for a dispatcher, receiver and completion thread alike: taken for as long as a
 * volume is served.
 *
 * It posts one message when its job is up and one when it is done; in between it does not look at its event loop.
 */
import type { TransferListItem } from 'node:worker_threads';
import type { CompletionData } from './completion-ring.js';
import { IdleWorkers } from './idle-workers.js';
import type { ReceiverData } from './receiver-ring.js';

export type DriverJob =
  | ({ kind: 'receiver' } & ReceiverData)
  | ({ kind: 'completionThread' } & CompletionData);
export type DriverWorkerMessage = 'ready' | 'done';

/** The two receivers of four volumes. */
const MAX_IDLE = 8;
const workers = new IdleWorkers('threads/library-worker-main.js', 'winfsp-driver', MAX_IDLE);

export class DriverWorker {
  /** Rejects when the worker fails before the job is up. */
  readonly ready: Promise<void>;
  /**
   * Resolves when the job is done or its worker is no more, for whatever reason: nothing that it was given is used
   * then.
   */
  readonly finished: Promise<void>;

  constructor(job: DriverJob, transferList: TransferListItem[] = []) {
    const worker = workers.take();
    let finish = () => {};
    this.finished = new Promise((resolve) => {
      finish = resolve;
    });
    this.ready = new Promise((resolve, reject) => {
      const onMessage = (message: DriverWorkerMessage) => {
        if (message === 'ready') {
          resolve();
        } else {
          worker.off('message', onMessage).off('error', reject).off('exit', onExit);
          workers.give(worker);
          finish();
        }
      };
      const onExit = () => {
        reject(new Error('A worker of the driver ended before it was up.'));
        finish();
      };
      worker.on('message', onMessage).once('error', reject).once('exit', onExit);
    });
    // Whoever starts the worker awaits `ready`; an error that comes later ends the worker and shows as an exit.
    this.ready.catch(() => {});
    worker.postMessage(job, transferList);
  }
}
