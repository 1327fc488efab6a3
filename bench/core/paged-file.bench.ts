/** PagedFile on native pages: transfers against a bare memcpy of the same size, and what small files cost. */
import { NativePageMemory } from '../../src/os/native-page-memory.js';
import { DEFAULT_PAGE_SIZE_BYTES } from '../../src/volume/content/page-memory.js';
import { PagePool } from '../../src/volume/content/page-pool.js';
import { PagedFile } from '../../src/volume/content/paged-file.js';
import type { CoreBenchmarks } from './run.js';

const MIB = 2 ** 20;

export function add(bench: CoreBenchmarks): void {
  let buffer: NativePageMemory;
  let memory: NativePageMemory;
  let file: PagedFile;

  const open = (pageSizeBytes = DEFAULT_PAGE_SIZE_BYTES, capacityBytes = 256 * MIB) => {
    buffer = new NativePageMemory({ pageCount: 1024 });
    buffer.zero(buffer.baseAddress, 4 * MIB);
    memory = new NativePageMemory({ pageSizeBytes, pageCount: capacityBytes / pageSizeBytes });
    return new PagePool(memory);
  };
  const close = () => {
    buffer.dispose();
    memory.dispose();
  };
  /** A file of 16 MiB whose pages alternate with another file's: no two of them are adjacent. */
  const fragmented = () => {
    const pool = open();
    file = new PagedFile(pool);
    const other = new PagedFile(pool);
    for (let at = 0; at < 16 * MIB; at += DEFAULT_PAGE_SIZE_BYTES) {
      file.write(at, DEFAULT_PAGE_SIZE_BYTES, buffer.baseAddress);
      other.write(at, DEFAULT_PAGE_SIZE_BYTES, buffer.baseAddress);
    }
  };
  const whole = (pageSizeBytes: number) => () => {
    file = new PagedFile(open(pageSizeBytes));
    for (let at = 0; at < 16 * MIB; at += MIB) file.write(at, MIB, buffer.baseAddress);
  };

  // 16 MiB are walked through, so that the figures are those of memory, not of one hot MiB.
  for (const size of [4096, 65536, MIB]) {
    const label = size === MIB ? '1 MiB' : `${size / 1024} KiB`;
    let at = 0;
    const next = () => {
      at = at + size >= 16 * MIB ? 0 : at + size;
      return at;
    };
    bench.add(
      `bare memcpy, ${label}`,
      () => memory.copy(buffer.baseAddress, memory.baseAddress + next(), size),
      {
        before: whole(DEFAULT_PAGE_SIZE_BYTES),
        after: close,
        bytesPerRun: size,
      },
    );
    for (const pageSizeBytes of size === MIB ? [4096, 65536] : [4096]) {
      const pages = `${pageSizeBytes / 1024} KiB pages`;
      bench.add(`read ${label}, ${pages}`, () => file.read(next(), size, buffer.baseAddress), {
        before: whole(pageSizeBytes),
        after: close,
        bytesPerRun: size,
      });
      bench.add(`overwrite ${label}, ${pages}`, () => file.write(next(), size, buffer.baseAddress), {
        before: whole(pageSizeBytes),
        after: close,
        bytesPerRun: size,
      });
    }
    bench.add(
      `read ${label}, 4 KiB pages, none adjacent`,
      () => file.read(next(), size, buffer.baseAddress),
      {
        before: fragmented,
        after: close,
        bytesPerRun: size,
      },
    );
  }

  let pool: PagePool;
  for (const [stock, warmPages] of [
    ['', undefined],
    [' (no warm stock)', 0],
  ] as const) {
    bench.add(
      `create, write 4 KiB, dispose${stock}`,
      () => {
        const small = new PagedFile(pool);
        small.write(0, 4096, buffer.baseAddress);
        small.dispose();
      },
      {
        before: () => {
          pool = open();
          if (warmPages !== undefined) pool = new PagePool(memory, { warmPages });
        },
        after: close,
      },
    );
  }
  bench.add(
    'append 64 MiB by 64 KiB, dispose',
    () => {
      const grown = new PagedFile(pool);
      for (let at = 0; at < 64 * MIB; at += 65536) grown.write(at, 65536, buffer.baseAddress);
      grown.dispose();
    },
    {
      before: () => {
        pool = open();
      },
      after: close,
      bytesPerRun: 64 * MIB,
      operationsPerRun: 1024,
    },
  );
  bench.add(
    'extend by 4 GiB (a hole) and truncate',
    () => {
      file.setLength(2 ** 32);
      file.setLength(0);
    },
    {
      before: () => {
        file = new PagedFile(open(DEFAULT_PAGE_SIZE_BYTES, 2 ** 33));
      },
      after: close,
    },
  );
}
