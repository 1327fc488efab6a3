/** PagePool: reserving, taking and returning pages; the OS calls of trimming are included where they happen. */
import { NativePageMemory } from '../../src/os/native-page-memory.js';
import { PagePool } from '../../src/volume/content/page-pool.js';
import type { CoreBenchmarks } from './run.js';

export function add(bench: CoreBenchmarks): void {
  let pool: PagePool;
  const pages = new Int32Array(65536);
  const cycle = (count: number) => () => {
    pool.reserve(count);
    pool.take(count, pages, 0);
    pool.giveBack(pages, 0, count);
    pool.unreserve(count);
  };
  const options = {
    before: () => {
      pool = new PagePool(new NativePageMemory({ pageCount: 2 ** 20 }));
    },
    after: () => pool.dispose(),
  };
  for (const count of [1, 16, 256, 65536]) {
    bench.add(`reserve, take, give back, unreserve ${count} pages (per page)`, cycle(count), {
      ...options,
      operationsPerRun: count,
    });
  }
  bench.add(
    'construct a pool of 64 GiB and dispose it',
    () => new PagePool(new NativePageMemory({ pageCount: 2 ** 24 })).dispose(),
    { timeMs: 100 },
  );
}
