/** A file's own part of the self-check: what it counts and reserves against the pages that it has. Reads only. */
import type { PagePool } from './page-pool.js';
import type { PageTable } from './page-table.js';

interface CheckedFile {
  readonly pool: PagePool;
  readonly table: PageTable;
  readonly lengthBytes: number;
  readonly reservedPages: number;
  readonly allocatedPages: number;
  readonly isDisposed: boolean;
}

export function checkFile(file: CheckedFile): string[] {
  const violations: string[] = [];
  const { reservedPages, allocatedPages, lengthBytes } = file;
  const pages = Math.ceil(lengthBytes / file.pool.pageSizeBytes);
  let allocated = 0;
  file.table.visit((page, index) => {
    allocated++;
    if (index >= pages) violations.push(`DataIntegrity: page ${page} lies beyond the end of its file`);
  });
  if (allocated !== allocatedPages) {
    violations.push(`PoolConsistent: a file has ${allocated} pages, but counts ${allocatedPages}`);
  }
  if (reservedPages < pages) {
    violations.push(`NoSilentLoss: a file reserves ${reservedPages} pages, its length covers ${pages}`);
  }
  if (allocated > reservedPages) {
    violations.push(
      `PoolConsistent: a file has ${allocated} pages, more than the ${reservedPages} it reserves`,
    );
  }
  if (file.isDisposed && (allocated > 0 || reservedPages > 0)) {
    violations.push(`DeadFilesClean: a disposed file has ${allocated} pages and reserves ${reservedPages}`);
  }
  return violations;
}
