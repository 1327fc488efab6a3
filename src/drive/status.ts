/** What a drive tells about itself: the answer of `ramdrive status --json` and of RamDrive.status(). Plain JSON. */
import type { DispatcherStatistics } from '../winfsp/index.js';

export interface SelfCheckResult {
  at: string;
  /** Each begins with the name of the invariant that is broken. Empty when all hold. */
  violations: string[];
  /** All of them; the list is cut. */
  violationCount: number;
  milliseconds: number;
}

export interface DriveStatus {
  mountPoint: string;
  label: string;
  pid: number;
  startedAt: string;
  uptimeSeconds: number;
  capacityBytes: number;
  /** What all files together reserve: their allocation sizes. */
  reservedBytes: number;
  freeBytes: number;
  /** Pages that files have allocated; reserved minus allocated is room promised to holes and pre-allocations. */
  allocatedBytes: number;
  /** Memory asked from the system; at least what is reserved. */
  committedBytes: number;
  /** Memory taken at start (setting `preallocate`). */
  preallocatedBytes: number;
  /** Physical memory of the whole process. */
  residentBytes: number;
  pageSizeBytes: number;
  kernelCache: boolean;
  caseSensitive: boolean;
  /** Files and directories, the root not counted. */
  files: number;
  openHandles: number;
  requests: DispatcherStatistics;
  errors: {
    handlerErrors: number;
    completionFailures: number;
    answersTooLong: number;
    /** The last exception of a handler, with its stack. */
    last: string | null;
  };
  /** What the Linux library's strict mode has found; null on Windows. */
  strictViolations: { count: number; texts: string[] } | null;
  selfCheck: SelfCheckResult | null;
}
