/** What a worker of library-worker.ts runs: one job after another, each to its end, until it gets null instead. */
import { parentPort } from 'node:worker_threads';
import { deliverAnswers } from './completion-worker.js';
import { copyReads } from './lanes/copy-worker.js';
import type { DriverJob, DriverWorkerMessage } from './library-worker.js';
import { receiveRequests } from './receiver-worker.js';

const port = parentPort!;

port.on('message', (job: DriverJob | null) => {
  if (job === null) {
    port.close();
    return;
  }
  if (job.kind === 'receiver') {
    receiveRequests(job, () => post('ready'));
  } else if (job.kind === 'copyLane') {
    copyReads(job, () => post('ready'));
  } else {
    deliverAnswers(job, () => post('ready'));
  }
  post('done');
});

function post(message: DriverWorkerMessage): void {
  port.postMessage(message);
}
