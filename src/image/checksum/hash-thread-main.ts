/** The thread that computes the SHA-256 of one large archive. */
import { constants, setPriority } from 'node:os';
import { isMainThread, workerData } from 'node:worker_threads';
import { HashJobs } from './hash-jobs.js';

export interface HashThreadInput {
  memory: Uint8Array;
  /** Of HashJobs. */
  jobs: SharedArrayBuffer;
}

if (isMainThread) throw new Error('hash-thread-main is started by Pieces.');
// Programs that use the drive come first. Elsewhere Node knows only the priority of the whole process.
if (process.platform === 'linux') setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
const input = workerData as HashThreadInput;
const jobs = new HashJobs(input.jobs);
try {
  jobs.serve(input.memory);
} catch {
  jobs.fail();
}
