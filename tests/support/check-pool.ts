/** The self-check of a pool by itself: `files` are all that have pages of it. */
import type { PagePool } from '../../src/volume/content/page-pool.js';
import type { LedgerFile } from '../../src/volume/content/page-pool-check.js';

export function checkPool(pool: PagePool, files: Iterable<LedgerFile>): string[] {
  const check = pool.startCheck([]);
  for (const file of files) check.add(file);
  return check.finish();
}
