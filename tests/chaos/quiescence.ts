/**
 * A quiescent point: all workers rest, and everything that can be known about the drive is compared. The tree and the
 * files with the workers' claims, by an outsider; the ledger with the sum of what files reserve, with `df`, and with
 * its own self-check.
 */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DriveStatus } from '../../src/drive/status.js';
import { type Board, DOCUMENTS, FIRST_DOCUMENT, SHARED_BLOCKS, SHARED_FILES } from './board.js';
import { CHURN_DIRECTORY, stableNames } from './churn.js';
import { BLOCK_BYTES } from './content.js';
import type { AuditResult, Claims, FileClaim, Finding } from './messages.js';
import type { AuditorProcess, WorkerProcess } from './processes.js';
import {
  documentContent,
  documentName,
  SHARED_DIRECTORY,
  sharedBlock,
  sharedFileName,
} from './shared-content.js';
import type { Target } from './target.js';

/** The last closes of files reach a drive after the calls that caused them have returned. */
const SETTLE_LIMIT_MS = 3000;

/** All quiescent points of a run: sums, and the last. */
export interface Quiescences {
  count: number;
  milliseconds: number;
  /** Entries that were listed and compared. */
  entries: number;
  hashedBytes: number;
  last: { entries: number; hashedBytes: number } | null;
}

export interface Context {
  target: Target;
  auditor: AuditorProcess;
  board: Board;
  workers: readonly WorkerProcess[];
  seed: number;
  shared: boolean;
  /** On the drive before the run. */
  baseline: { reservedBytes: number; files: number } | null;
  pageSizeBytes: number | null;
  /** The status at the last quiescent point. */
  before: DriveStatus | null;
}

/** What was compared, and what was wrong. The workers rest already. */
export async function examine(
  context: Context,
  claims: readonly Claims[],
): Promise<{
  findings: Finding[];
  audit: AuditResult;
  status: DriveStatus | null;
}> {
  const { target, auditor, pageSizeBytes, shared } = context;
  const files = claims.flatMap((claim) => filesOf(claim)).concat(shared ? sharedFiles(context) : []);
  const directories = [
    ...claims.flatMap(({ worker, directories }) =>
      directories.map((path) => (path === '' ? `worker-${worker}` : `worker-${worker}/${path}`)),
    ),
    ...(shared ? [CHURN_DIRECTORY, SHARED_DIRECTORY] : []),
  ];
  const audit = await auditor.ask<AuditResult>({
    type: 'audit',
    root: target.root,
    pageSizeBytes: target.isDrive ? pageSizeBytes : null,
    directories,
    files,
  });
  const findings: Finding[] = [];
  for (const mismatch of audit.mismatches) {
    findings.push(await findingOf(context, claims, mismatch));
  }
  if (!target.isDrive) {
    return { findings, audit, status: null };
  }
  const openDeleted = claims.flatMap(({ openDeletedBytes }) => openDeletedBytes);
  const expected = {
    least: sum([
      ...files.map(({ reservedBytes }) => reservedBytes.least),
      ...openDeleted.map(({ least }) => least),
    ]),
    most: sum([
      ...files.map(({ reservedBytes }) => reservedBytes.most),
      ...openDeleted.map(({ most }) => most),
    ]),
    nodes: files.length + directories.length + openDeleted.length,
  };
  const { status, problems } = await ledger(context, expected);
  const { violations } = await target.selfCheck();
  for (const problem of [...problems, ...violations.map((violation) => `self-check: ${violation}`)]) {
    findings.push(finding(problem));
  }
  return { findings, audit, status };
}

export function finding(message: string, worker: number | null = null): Finding {
  return { worker, message, details: {}, operation: null, history: [], stack: null };
}

function filesOf({ worker, files, churnNames }: Claims): FileClaim[] {
  return [
    ...files.map((file) => ({ ...file, path: `worker-${worker}/${file.path}` })),
    ...churnNames.map((name) => emptyFile(`${CHURN_DIRECTORY}/${name}`)),
  ];
}

function emptyFile(path: string): FileClaim {
  return claimOf(path, 0, null, null);
}

function claimOf(
  path: string,
  sizeBytes: number,
  sha256: string | null,
  pageSizeBytes: number | null,
): FileClaim {
  const page = pageSizeBytes ?? 1;
  const reserved = Math.ceil(sizeBytes / page) * page;
  const reservedBytes = { least: reserved, most: reserved };
  return {
    path,
    id: 0,
    sizeBytes,
    reservedBytes,
    allocationCached: false,
    mode: 0o644,
    generation: 0,
    sha256,
  };
}

/** The shared files with the last acknowledged generation of each block, and the last documents. */
function sharedFiles({ board, seed, pageSizeBytes }: Context): FileClaim[] {
  const table = board.sharedTable();
  const files = stableNames.map((name) => emptyFile(`${CHURN_DIRECTORY}/${name}`));
  for (let file = 0; file < SHARED_FILES; file++) {
    const hash = createHash('sha256');
    for (let index = 0; index < SHARED_BLOCKS; index++) {
      const block = file * SHARED_BLOCKS + index;
      hash.update(sharedBlock(seed, block, table.acknowledged(block)));
    }
    const path = `${SHARED_DIRECTORY}/${sharedFileName(file)}`;
    files.push(claimOf(path, SHARED_BLOCKS * BLOCK_BYTES, hash.digest('hex'), pageSizeBytes));
  }
  for (let document = 0; document < DOCUMENTS; document++) {
    const content = documentContent(seed, document, table.acknowledged(FIRST_DOCUMENT + document));
    const sha256 = createHash('sha256').update(content).digest('hex');
    files.push(
      claimOf(`${SHARED_DIRECTORY}/${documentName(document)}`, content.length, sha256, pageSizeBytes),
    );
  }
  return files;
}

async function findingOf(
  { workers }: Context,
  claims: readonly Claims[],
  { path, message, blockHashes }: AuditResult['mismatches'][number],
): Promise<Finding> {
  const match = /^worker-(\d+)\/(.*)$/.exec(path);
  const worker = match === null ? null : Number(match[1]);
  const result = finding(`${path} ${message}`, worker);
  result.details.path = path;
  if (worker === null) {
    return result;
  }
  const own = match![2]!;
  result.details.fileId = claims
    .find((claim) => claim.worker === worker)
    ?.files.find((file) => file.path === own)?.id;
  if (blockHashes !== null) {
    const expected = await workers[worker]!.blockHashes(own);
    const block = blockHashes.findIndex((hash, index) => hash !== expected[index]);
    result.message += `; the first wrong block is ${block}`;
    result.details.offset = block * BLOCK_BYTES;
    result.details.expected = `SHA-256 ${expected[block]}`;
    result.details.actual = `SHA-256 ${blockHashes[block]}`;
  }
  return result;
}

/** Waits for closes that are under way, then judges. */
async function ledger(
  { target, auditor, baseline, before }: Context,
  expected: { least: number; most: number; nodes: number },
): Promise<{ status: DriveStatus; problems: string[] }> {
  const begunMs = performance.now();
  for (;;) {
    const { freeBytes } = await auditor.ask<{ freeBytes: number }>({ type: 'free', root: target.root });
    const status = await target.status();
    const problems = judge(status, freeBytes, expected, baseline!, before);
    if (problems.length === 0 || performance.now() - begunMs > SETTLE_LIMIT_MS) {
      return { status, problems };
    }
    await sleep(20);
  }
}

function judge(
  status: DriveStatus,
  dfFreeBytes: number,
  expected: { least: number; most: number; nodes: number },
  baseline: { reservedBytes: number; files: number },
  before: DriveStatus | null,
): string[] {
  const problems: string[] = [];
  const must = (holds: boolean, problem: string) => {
    if (!holds) {
      problems.push(problem);
    }
  };
  const { reservedBytes, allocatedBytes, committedBytes, capacityBytes, freeBytes, requests, errors } =
    status;
  const reserved = reservedBytes - status.snapshotBytes - baseline.reservedBytes;
  must(
    reserved >= expected.least && reserved <= expected.most,
    `FreeBytesAccurate: files reserve ${expected.least}${expected.most > expected.least ? ` to ${expected.most}` : ''} bytes by the oracle, ${reserved} by the ledger`,
  );
  must(
    dfFreeBytes === capacityBytes - reservedBytes,
    `df shows ${dfFreeBytes} bytes free, the ledger has ${freeBytes}`,
  );
  must(
    freeBytes === capacityBytes - reservedBytes,
    `status: free ${freeBytes} ≠ ${capacityBytes} - ${reservedBytes}`,
  );
  must(
    allocatedBytes <= reservedBytes &&
      reservedBytes <= Math.max(committedBytes, status.preallocatedBytes) &&
      committedBytes <= capacityBytes,
    `PoolConsistent: held ${allocatedBytes} ≤ reserved ${reservedBytes} ≤ committed ${committedBytes} ≤ capacity ${capacityBytes} does not hold`,
  );
  must(
    status.files - baseline.files === expected.nodes,
    `status counts ${status.files - baseline.files} files and directories, the oracle ${expected.nodes}`,
  );
  must(errors.last === null && errors.handlerErrors === 0, `a handler threw: ${errors.last}`);
  must(
    errors.completionFailures === 0 && errors.laneFailures === 0 && errors.answersTooLong === 0,
    `answers failed: ${JSON.stringify(errors)}`,
  );
  must(
    (status.strictViolations?.count ?? 0) === 0,
    `strict checks: ${status.strictViolations?.texts.slice(0, 3).join('; ')}`,
  );
  must(
    requests.requests === sum(requests.kinds.map(({ count }) => count)),
    'status: requests are not the sum of their kinds',
  );
  for (const kind of before?.requests.kinds ?? []) {
    const now = requests.kinds.find((other) => other.kind === kind.kind);
    must(
      now !== undefined &&
        now.count >= kind.count &&
        now.bytes >= kind.bytes &&
        now.failures >= kind.failures,
      `status: the counters of ${kind.kind} went back`,
    );
  }
  return problems;
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
