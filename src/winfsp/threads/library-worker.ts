/**
 * A worker that calls into the driver for a dispatcher, receiver, completion thread and copy lane alike: taken for as
 * long as a volume is served.
 *
 * It posts one message when its job is up and one when it is done; in between it does not look at its event loop.
 */
import type { TransferListItem } from 'node:worker_threads';
import type { CompletionData } from './completion-ring.js';
import { IdleWorkers } from './idle-workers.js';
import type { CopyLaneData } from './lanes/copy-ring.js';
import type { ReceiverData } from './receiver-ring.js';

export type DriverJob =
  | ({ kind: 'receiver' } & ReceiverData)
  | ({ kind: 'completionThread' } & CompletionData)
  | ({ kind: 'copyLane' } & CopyLaneData);
export type DriverWorkerMessage = 'ready' | 'done';

const NAMES = { receiver: 'receiver thread', completionThread: 'completion thread', copyLane: 'copy lane' };

/** The two receivers of four volumes. */
const MAX_IDLE = 8;
const workers = new IdleWorkers('threads/library-worker-main.js', 'winfsp-driver', MAX_IDLE);

export class DriverWorker {
  /** Rejects when the worker fails before the job is up. */
  readonly ready: Promise<void>;
  /**
   * Resolves with null when the job is done, or with the reason when the worker died before: nothing that it was given
   * is used then.
   */
  readonly finished: Promise<Error | null>;

  constructor(job: DriverJob, transferList: TransferListItem[] = []) {
    const worker = workers.take();
    let finish: (death: Error | null) => void = () => {};
    this.finished = new Promise((resolve) => {
      finish = resolve;
    });
    this.ready = new Promise((resolve, reject) => {
      let cause: Error | undefined;
      const onError = (error: Error) => {
        cause = error;
        reject(error);
      };
      const onMessage = (message: DriverWorkerMessage) => {
        if (message === 'ready') {
          resolve();
        } else {
          worker.off('message', onMessage).off('error', onError).off('exit', onExit);
          workers.give(worker);
          finish(null);
        }
      };
      const onExit = (code: number) => {
        const death = new Error(`A ${NAMES[job.kind]} died (exit code ${code}).`, { cause });
        reject(death);
        finish(death);
      };
      worker.on('message', onMessage).once('error', onError).once('exit', onExit);
    });
    // The code that starts the worker awaits `ready`; an error that comes later ends the worker and is the cause in
    // `finished`.
    this.ready.catch(() => {});
    worker.postMessage(job, transferList);
  }
}
