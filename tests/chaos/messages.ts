/** What the driver and its processes tell each other. Plain data. */
import type { MismatchDetails } from './mismatch.js';
import type { Operation } from './operations.js';
import type { Limits } from './perform.js';
import type { ProfileShares } from './profile.js';

export interface WorkerInput {
  worker: number;
  workers: number;
  incarnation: number;
  seed: number;
  /** The drive. */
  root: string;
  /** Outside of the drive: the journal of this worker. */
  journalDirectory: string;
  boardPath: string;
  limits: Limits;
  /** On the drive there is what all workers share. */
  shared: boolean;
  /** How many operations each worker does, or null for no end. */
  operations: number | null;
  /** Only these operations, in this order. */
  only: readonly number[] | null;
  /** Whether it takes a profile of itself. */
  profile: boolean;
}

export type ToWorker =
  | { type: 'start'; input: WorkerInput }
  /** Files are hashed when `hashOf(id, round) % hashedOneIn` is 0. */
  | { type: 'pause'; round: number; hashedOneIn: number }
  | { type: 'resume' }
  | { type: 'blockHashes'; path: string };

export interface FileClaim {
  path: string;
  id: number;
  sizeBytes: number;
  /** More than `least` while room beyond the length may still be held. */
  reservedBytes: { least: number; most: number };
  /** The kernel may show an older allocation size. */
  allocationCached: boolean;
  mode: number;
  generation: number;
  sha256: string | null;
}

/** What a worker says must be on the drive, at rest. */
export interface Claims {
  worker: number;
  directories: string[];
  files: FileClaim[];
  churnNames: string[];
  /** What files without a name reserve, which the worker still has open. */
  openDeletedBytes: { least: number; most: number }[];
  refusals: number;
  unsupported: string[];
  /** When one was wanted and is complete. */
  profile: ProfileShares | null;
}

export interface Finding {
  worker: number | null;
  message: string;
  details: MismatchDetails;
  operation: Operation | null;
  history: string[];
  /** A bug of the test itself, with its stack. */
  stack: string | null;
  atSeconds?: number;
}

export type FromWorker =
  | { type: 'started'; resumedAt: number }
  | { type: 'paused'; claims: Claims }
  | { type: 'done' }
  | { type: 'finding'; finding: Finding }
  | { type: 'gone'; message: string }
  | { type: 'blockHashes'; path: string; hashes: string[] };

export interface AuditRequest {
  type: 'audit';
  root: string;
  pageSizeBytes: number | null;
  /** Paths relative to the drive. */
  directories: string[];
  files: FileClaim[];
}

export interface AuditResult {
  /** Wrong in themselves. */
  mismatches: { path: string; message: string; blockHashes: string[] | null }[];
  entries: number;
  hashedBytes: number;
  allocatedBytes: number;
  statfs: { capacityBytes: number; freeBytes: number };
  milliseconds: number;
}

/** What the oracle of a snapshot or an image has of each name. */
export interface TreeEntry {
  /** Relative to the drive. */
  path: string;
  /** 0 for a directory. */
  sizeBytes: number;
  /** Since 1970. */
  mtimeNs: string;
  mode: number;
  /** null for a directory. */
  sha256: string | null;
}

export type ToAuditor =
  | AuditRequest
  /** Makes the directories and files that the run needs. */
  | { type: 'prepare'; root: string; seed: number; workers: number; shared: boolean }
  /** Extends a file to exactly what is free, and one page more; takes it away again. */
  | { type: 'probe'; root: string; pageSizeBytes: number }
  /** Fills the drive up to `leaveBytes`, or removes what filled it. */
  | { type: 'fill'; root: string; leaveBytes: number | null }
  | { type: 'free'; root: string }
  /** All that is there, as TreeEntry[]. */
  | { type: 'tree'; root: string }
  | { type: 'remove'; paths: string[] }
  /** The first of these files that is there. */
  | { type: 'copy'; paths: string[]; to: string };

export type FromAuditor =
  | { type: 'result'; result: unknown }
  | { type: 'error'; message: string; code: string | null };
