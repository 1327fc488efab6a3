/**
 * A process that looks at the drive as an outsider: walks the whole tree and compares it with what the workers claim,
 * hashes files, asks for the free space. The driver itself never touches the drive, so that nothing can hang it.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { join } from 'node:path';
import { DOCUMENTS, SHARED_BLOCKS, SHARED_FILES } from './board.js';
import { CHURN_DIRECTORY, stableNames } from './churn.js';
import { BLOCK_BYTES } from './content.js';
import type { AuditRequest, AuditResult, FileClaim, ToAuditor, TreeEntry } from './messages.js';
import {
  documentContent,
  documentName,
  SHARED_DIRECTORY,
  sharedBlock,
  sharedFileName,
} from './shared-content.js';

const MAX_MISMATCHES = 20;
const FILL_NAME = 'fill';
const PROBE_NAME = 'probe';
const READ_BYTES = 1024 * 1024;
const buffer = Buffer.alloc(READ_BYTES);

function handle(request: ToAuditor): unknown {
  switch (request.type) {
    case 'prepare':
      return prepare(request.root, request.seed, request.shared);
    case 'audit':
      return audit(request);
    case 'probe':
      return probe(request.root, request.pageSizeBytes);
    case 'fill':
      return fill(request.root, request.leaveBytes);
    case 'free':
      return freeSpace(request.root);
    case 'tree':
      return treeOf(request.root, '');
    case 'remove':
      for (const path of request.paths) {
        fs.rmSync(path, { recursive: true, force: true });
      }
      return null;
    case 'copy': {
      const from = request.paths.find((path) => fs.existsSync(path));
      if (from !== undefined) {
        fs.cpSync(from, request.to, { recursive: true });
      }
      return null;
    }
  }
}

function prepare(root: string, seed: number, shared: boolean): null {
  if (!shared) {
    return null;
  }
  fs.mkdirSync(join(root, CHURN_DIRECTORY));
  for (const name of stableNames) {
    fs.closeSync(fs.openSync(join(root, CHURN_DIRECTORY, name), 'wx'));
  }
  fs.mkdirSync(join(root, SHARED_DIRECTORY));
  for (let file = 0; file < SHARED_FILES; file++) {
    const fd = fs.openSync(join(root, SHARED_DIRECTORY, sharedFileName(file)), 'wx');
    for (let block = 0; block < SHARED_BLOCKS; block++) {
      const content = sharedBlock(seed, file * SHARED_BLOCKS + block, 0);
      fs.writeSync(fd, content, 0, BLOCK_BYTES, block * BLOCK_BYTES);
    }
    fs.closeSync(fd);
  }
  for (let document = 0; document < DOCUMENTS; document++) {
    fs.writeFileSync(
      join(root, SHARED_DIRECTORY, documentName(document)),
      documentContent(seed, document, 0),
    );
  }
  return null;
}

function audit({ root, pageSizeBytes, directories, files }: AuditRequest): AuditResult {
  const begunMs = performance.now();
  const missing = new Map<string, FileClaim | null>(directories.map((path) => [path, null]));
  for (const file of files) {
    missing.set(file.path, file);
  }
  const result: AuditResult = {
    mismatches: [],
    entries: 0,
    hashedBytes: 0,
    allocatedBytes: 0,
    statfs: freeSpace(root),
    milliseconds: 0,
  };
  const report = (path: string, message: string, blockHashes: string[] | null = null) => {
    if (result.mismatches.length < MAX_MISMATCHES) {
      result.mismatches.push({ path, message, blockHashes });
    }
  };
  const visit = (directory: string) => {
    for (const entry of fs.readdirSync(join(root, directory), { withFileTypes: true })) {
      const path = directory === '' ? entry.name : `${directory}/${entry.name}`;
      result.entries++;
      const claim = missing.get(path);
      if (claim === undefined) {
        report(path, 'is listed, but was not made or is listed twice');
        continue;
      }
      missing.delete(path);
      if ((claim === null) !== entry.isDirectory()) {
        report(path, `is ${entry.isDirectory() ? 'a directory' : 'a file'}, and must not be`);
      } else if (claim === null) {
        visit(path);
      } else {
        compare(claim, join(root, path), pageSizeBytes, result, report);
      }
    }
  };
  visit('');
  for (const path of missing.keys()) {
    report(path, 'is not listed');
  }
  result.milliseconds = performance.now() - begunMs;
  return result;
}

function compare(
  claim: FileClaim,
  path: string,
  pageSizeBytes: number | null,
  result: AuditResult,
  report: (path: string, message: string, blockHashes?: string[]) => void,
): void {
  const { size, blocks, mode } = fs.statSync(path);
  result.allocatedBytes += blocks * 512;
  if (size !== claim.sizeBytes) {
    report(claim.path, `is ${size} bytes long, not ${claim.sizeBytes}`);
    return;
  }
  if (process.platform !== 'win32' && (mode & 0o7777) !== claim.mode) {
    report(claim.path, `has mode ${(mode & 0o7777).toString(8)}, not ${claim.mode.toString(8)}`);
  }
  const { least, most } = claim.reservedBytes;
  if (
    pageSizeBytes !== null &&
    !claim.allocationCached &&
    process.platform !== 'win32' &&
    (blocks * 512 < least || blocks * 512 > most)
  ) {
    report(claim.path, `shows an allocation of ${blocks * 512} bytes, not ${least}`);
  }
  if (claim.sha256 !== null) {
    const { whole, blockHashes } = hashFile(path, size, claim.sha256);
    result.hashedBytes += size;
    if (blockHashes !== null) {
      report(claim.path, `has SHA-256 ${whole}, and must have ${claim.sha256}`, blockHashes);
    }
  }
}

/** The hashes of the blocks only when the whole is wrong. */
function hashFile(
  path: string,
  size: number,
  expected: string,
): { whole: string; blockHashes: string[] | null } {
  const fd = fs.openSync(path, 'r');
  try {
    const hash = createHash('sha256');
    for (let at = 0; at < size; ) {
      const count = fs.readSync(fd, buffer, 0, READ_BYTES, at);
      if (count === 0) {
        break;
      }
      hash.update(buffer.subarray(0, count));
      at += count;
    }
    const whole = hash.digest('hex');
    if (whole === expected) {
      return { whole, blockHashes: null };
    }
    const blockHashes: string[] = [];
    for (let at = 0; at < size; at += BLOCK_BYTES) {
      const count = fs.readSync(fd, buffer, 0, BLOCK_BYTES, at);
      blockHashes.push(createHash('sha256').update(buffer.subarray(0, count)).digest('hex'));
    }
    return { whole, blockHashes };
  } finally {
    fs.closeSync(fd);
  }
}

function treeOf(root: string, directory: string): TreeEntry[] {
  return fs.readdirSync(join(root, directory)).flatMap((name) => {
    const path = directory === '' ? name : `${directory}/${name}`;
    const { size, mtimeNs, mode } = fs.lstatSync(join(root, path), { bigint: true });
    const entry = { path, mtimeNs: String(mtimeNs), mode: Number(mode) };
    return (Number(mode) & fs.constants.S_IFMT) === fs.constants.S_IFDIR
      ? [{ ...entry, sizeBytes: 0, sha256: null }, ...treeOf(root, path)]
      : [{ ...entry, sizeBytes: Number(size), sha256: hashOfFile(join(root, path)) }];
  });
}

function hashOfFile(path: string): string {
  const hash = createHash('sha256');
  const fd = fs.openSync(path, 'r');
  try {
    for (let at = 0, count = -1; count !== 0; at += count) {
      count = fs.readSync(fd, buffer, 0, READ_BYTES, at);
      hash.update(buffer.subarray(0, count));
    }
  } finally {
    fs.closeSync(fd);
  }
  return hash.digest('hex');
}

function freeSpace(root: string): { capacityBytes: number; freeBytes: number } {
  const { blocks, bavail, bsize } = fs.statfsSync(root);
  return { capacityBytes: blocks * bsize, freeBytes: bavail * bsize };
}

/** What `df` shows can be had, to the page, and not a page more. Null, or what was wrong. */
function probe(root: string, pageSizeBytes: number): string | null {
  const path = join(root, PROBE_NAME);
  const { freeBytes } = freeSpace(root);
  const fd = fs.openSync(path, 'wx');
  const tryLength = (bytes: number): string => {
    try {
      fs.ftruncateSync(fd, bytes);
      return 'OK';
    } catch (error) {
      return (error as NodeJS.ErrnoException).code ?? String(error);
    }
  };
  try {
    const all = tryLength(freeBytes);
    if (all !== 'OK') {
      return `${freeBytes} bytes are free, but a file of that length is refused with ${all}`;
    }
    const more = tryLength(freeBytes + pageSizeBytes);
    if (more !== 'ENOSPC') {
      return `a page more than the free ${freeBytes} bytes was answered with ${more}, not ENOSPC`;
    }
    const left = freeSpace(root).freeBytes;
    return left === 0 ? null : `with everything taken, ${left} bytes are shown as free`;
  } finally {
    fs.closeSync(fd);
    fs.unlinkSync(path);
  }
}

function fill(root: string, leaveBytes: number | null): number {
  const path = join(root, FILL_NAME);
  if (leaveBytes === null) {
    fs.rmSync(path, { force: true });
    return 0;
  }
  const bytes = Math.max(0, freeSpace(root).freeBytes - leaveBytes);
  const fd = fs.openSync(path, 'w');
  try {
    fs.ftruncateSync(fd, bytes);
    return bytes;
  } catch (error) {
    // Others have taken room since: then the drive is as full as it was to become.
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') {
      throw error;
    }
    return 0;
  } finally {
    fs.closeSync(fd);
  }
}

process.on('message', (request: ToAuditor) => {
  try {
    process.send!({ type: 'result', result: handle(request) });
  } catch (error) {
    process.send!({
      type: 'error',
      message: error instanceof Error ? (error.stack ?? error.message) : String(error),
      code: (error as NodeJS.ErrnoException).code ?? null,
    });
  }
});
process.on('disconnect', () => process.exit(0));
