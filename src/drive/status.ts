/** What a drive tells about itself: the answer of `ramdrive status --json` and of RamDrive.status(). Plain JSON. */
import type { DispatcherStatistics } from '../winfsp/index.js';
import { MAX_VIOLATIONS_SHOWN } from './config/limits.js';
import type { DriveSettings } from './config/settings.js';
import type { SaveProgress } from './image/save-messages.js';
import type { LedgerFigures } from './ledger.js';

export interface SelfCheckResult {
  at: string;
  /** Each begins with the name of the invariant that is broken. Empty when all hold. */
  violations: string[];
  /** All of them; the list is cut. */
  violationCount: number;
  milliseconds: number;
}

/** A snapshot of a drive. */
export interface SnapshotInfo {
  name: string;
  createdAt: string;
  /** Files and directories, the root not counted. */
  files: number;
  /** Sum of the files' lengths. What snapshots take of the drive is less: they share their pages. */
  bytes: number;
}

export interface DriveStatus {
  mountPoint: string;
  label: string;
  pid: number;
  startedAt: string;
  uptimeSeconds: number;
  capacityBytes: number;
  /** What all files together reserve, their allocation sizes, and what snapshots do. */
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
  /** In the order in which they were taken. */
  snapshots: SnapshotInfo[];
  /** What all snapshots together reserve: the pages that are in any of them, each once. */
  snapshotBytes: number;
  /** What the Linux library keeps for names that the kernel knows and for open directories. null on Windows. */
  clientMemoryBytes: number | null;
  requests: DispatcherStatistics;
  errors: {
    handlerErrors: number;
    completionFailures: number;
    /** Answers to large reads that could not be delivered. */
    laneFailures: number;
    answersTooLong: number;
    /** The last exception of a handler, with its stack. */
    last: string | null;
  };
  /** What the Linux library's strict mode has found; null on Windows. */
  strictViolations: { count: number; texts: string[] } | null;
  selfCheck: SelfCheckResult | null;
  /** The save that is under way. */
  saving: SaveProgress | null;
}

/** Where the figures of a drive come from. */
export interface StatusSource {
  settings: DriveSettings;
  mountPoint: string;
  label: string;
  startedAt: Date;
  ledger: LedgerFigures;
  snapshots: readonly SnapshotInfo[];
  snapshotBytes: number;
  requests: DispatcherStatistics;
  lastError: string | null;
  strict: { count(): number | null; texts(most: number): string[]; clientMemoryBytes(): number | null };
  selfCheck: SelfCheckResult | null;
  saving: SaveProgress | null;
}

export function driveStatus(source: StatusSource): DriveStatus {
  const { settings, mountPoint, label, startedAt, ledger, requests, selfCheck } = source;
  const { pageSizeBytes, kernelCache, caseSensitive } = settings;
  const violations = source.strict.count();
  // What a save has borrowed counts as free.
  const reservedPages = ledger.reservedPages - ledger.savingPages;
  return {
    mountPoint,
    label,
    pid: process.pid,
    startedAt: startedAt.toISOString(),
    uptimeSeconds: (Date.now() - startedAt.getTime()) / 1000,
    capacityBytes: ledger.capacityPages * pageSizeBytes,
    reservedBytes: reservedPages * pageSizeBytes,
    freeBytes: (ledger.capacityPages - reservedPages) * pageSizeBytes,
    allocatedBytes: ledger.allocatedPages * pageSizeBytes,
    committedBytes: ledger.committedPages * pageSizeBytes,
    preallocatedBytes: settings.preallocate ? ledger.capacityPages * pageSizeBytes : 0,
    residentBytes: process.memoryUsage.rss(),
    pageSizeBytes,
    kernelCache,
    caseSensitive,
    files: ledger.inodes - 1,
    openHandles: ledger.openHandles,
    snapshots: [...source.snapshots],
    snapshotBytes: source.snapshotBytes,
    clientMemoryBytes: source.strict.clientMemoryBytes(),
    requests,
    errors: {
      handlerErrors: requests.handlerErrors,
      completionFailures: requests.completionFailures,
      laneFailures: requests.laneFailures,
      answersTooLong: requests.answersTooLong,
      last: source.lastError,
    },
    strictViolations:
      violations === null ? null : { count: violations, texts: source.strict.texts(MAX_VIOLATIONS_SHOWN) },
    selfCheck,
    saving: source.saving,
  };
}

export function errorCountOf({ errors }: Pick<DriveStatus, 'errors'>): number {
  const { handlerErrors, completionFailures, laneFailures, answersTooLong } = errors;
  return handlerErrors + completionFailures + laneFailures + answersTooLong;
}

/** What was saved, and how long it took. */
export interface SaveResult {
  path: string;
  files: number;
  /** What they hold, holes left out. */
  bytes: number;
  milliseconds: number;
}

/** The capacity of a drive after it was changed: whole pages. */
export interface Resized {
  capacityBytes: number;
}
