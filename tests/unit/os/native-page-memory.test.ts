/** Real pages of the operating system. What concerns a process's memory is measured in a process of its own. */
import { describe, expect, test } from 'vitest';
import { NtStatus } from '../../../src/ntstatus.js';
import { NativePageMemory } from '../../../src/os/native-page-memory.js';
import { PagePool } from '../../../src/volume/content/page-pool.js';
import { PagedFile } from '../../../src/volume/content/paged-file.js';
import { checkPool } from '../../support/check-pool.js';
import { runChild } from '../volume/child.js';

const supported = process.platform === 'linux' || process.platform === 'win32';
const MIB = 2 ** 20;

/** A second memory serves as the caller's buffer; bytes are compared by way of zero() and copies. */
function withFile(pageCount: number, body: (file: PagedFile, buffer: number, pool: PagePool) => void): void {
  const buffer = new NativePageMemory({ pageCount: 1024 });
  buffer.commit(0, 1024);
  const pool = new PagePool(new NativePageMemory({ pageCount }));
  try {
    body(new PagedFile(pool), buffer.baseAddress, pool);
  } finally {
    pool.dispose();
    buffer.dispose();
  }
}

describe.skipIf(!supported)('native page memory', () => {
  test('addresses are plain numbers, and a size that cannot be is refused with words', () => {
    const memory = new NativePageMemory({ pageCount: 16 });
    expect(Number.isSafeInteger(memory.baseAddress)).toBe(true);
    expect(memory.baseAddress % 4096).toBe(0);
    memory.dispose();
    memory.dispose();
    expect(() => memory.commit(0, 1)).toThrow(/after dispose/);
    expect(() => new NativePageMemory({ pageCount: 1, pageSizeBytes: 5000 })).toThrow(/power of two/);
    expect(() => new NativePageMemory({ pageCount: 1, pageSizeBytes: 2048 })).toThrow(
      /power of two from 4096/,
    );
    expect(() => new NativePageMemory({ pageCount: 0 })).toThrow(/page count/);
    expect(() => new NativePageMemory({ pageCount: 2 ** 30, pageSizeBytes: 2 ** 20 })).toThrow(
      /smaller capacity/,
    );
  });

  test('decommitted pages read as zero after the next commit', () => {
    const memory = new NativePageMemory({ pageCount: 4 });
    expect(memory.commit(0, 4)).toBe(true);
    const koffiFill = memory.baseAddress + 4096;
    memory.prefault(0, 4);
    memory.zero(koffiFill, 4096);
    memory.copy(memory.baseAddress, koffiFill, 4096);
    if (process.platform === 'linux') expect(memory.residentBytes()).toBe(4 * 4096);
    memory.decommit(1, 2);
    if (process.platform === 'linux') expect(memory.residentBytes()).toBe(2 * 4096);
    memory.dispose();
  });

  test('a refused commit is DISK_FULL and the volume lives on', () => {
    let refuse = false;
    const memory = new NativePageMemory({ pageCount: 64 });
    const commit = memory.commit.bind(memory);
    memory.commit = (firstPage, count) => !refuse && commit(firstPage, count);
    const pool = new PagePool(memory, { warmPages: 0 });
    const file = new PagedFile(pool);
    const source = memory.baseAddress + 63 * 4096;
    expect(file.write(0, 4096, source)).toBe(4096);
    refuse = true;
    expect(file.write(4096, 4096, source)).toBe(NtStatus.DISK_FULL);
    expect(file.setLength(8192)).toBe(NtStatus.DISK_FULL);
    expect(file.write(0, 4096, source)).toBe(4096);
    refuse = false;
    expect(file.write(4096, 4096, source)).toBe(4096);
    expect(checkPool(pool, [file])).toEqual([]);
    pool.dispose();
  });

  test('a sparse file works around 2^31 and 2^32, in memory for the pages it holds', () => {
    withFile(2 ** 20 + 64, (file, buffer, pool) => {
      for (const offset of [2 ** 31 - 1, 2 ** 32 - 3, 2 ** 32 + 1]) {
        expect(file.write(offset, 5, buffer)).toBe(5);
        expect(file.lengthBytes).toBe(offset + 5);
        expect(file.read(offset, 100, buffer)).toBe(5);
        expect(file.read(offset + 5, 100, buffer)).toBe(0);
      }
      expect(file.allocatedPages).toBeLessThanOrEqual(6);
      expect(checkPool(pool, [file])).toEqual([]);
      expect(file.setLength(2 ** 32 - 1)).toBe(0);
      expect(file.allocationSizeBytes).toBe(2 ** 32);
      file.dispose();
      expect(pool.freePages).toBe(pool.capacityPages);
    });
  });

  test.skipIf(process.platform !== 'linux')(
    'memory goes back to the OS: 1 GiB written and freed',
    () => {
      const script = (free: string) => `
      import { readFileSync } from 'node:fs';
      import { NativePageMemory } from './src/os/native-page-memory.js';
      import { PagePool } from './src/volume/content/page-pool.js';
      import { PagedFile } from './src/volume/content/paged-file.js';
      const rss = () => Number(/VmRSS:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024;
      const buffer = new NativePageMemory({ pageCount: 256 });
      buffer.zero(buffer.baseAddress, 2 ** 20);
      const pool = new PagePool(new NativePageMemory({ pageCount: 2 ** 24 }));
      const files = [];
      for (let i = 0; i < 16; i++) files.push(new PagedFile(pool));
      const before = rss(), check = () => {
        const check = pool.startCheck([]);
        files.forEach((file) => check.add(file));
        return check.finish();
      };
      for (let at = 0; at < 2 ** 26; at += 2 ** 20) {
        for (const file of files) if (file.write(at, 2 ** 20, buffer.baseAddress) < 0) throw new Error('write');
      }
      const full = rss(), resident = pool.memory.residentBytes();
      for (const file of files) ${free};
      console.log(JSON.stringify({
        before, full, resident, after: rss(), residentAfter: pool.memory.residentBytes(), violations: check(),
      }));`;
      for (const free of ['file.dispose()', 'file.setLength(0)']) {
        const seen = runChild<Record<'before' | 'full' | 'resident' | 'after' | 'residentAfter', number>>(
          script(free),
        );
        expect(seen.full - seen.before).toBeGreaterThanOrEqual(1024 * MIB);
        expect(seen.resident).toBe(1024 * MIB);
        expect(seen.after - seen.before).toBeLessThan(32 * MIB);
        expect(seen.residentAfter).toBeLessThanOrEqual(8 * MIB);
        expect((seen as unknown as { violations: string[] }).violations).toEqual([]);
      }
    },
    60_000,
  );

  test.skipIf(process.platform !== 'linux')('a pool of 64 GiB costs nothing until it is used', () => {
    const seen = runChild<{ before: number; after: number }>(`
      import { NativePageMemory } from './src/os/native-page-memory.js';
      import { PagePool } from './src/volume/content/page-pool.js';
      import { PagedFile } from './src/volume/content/paged-file.js';
      const before = process.memoryUsage.rss();
      const pool = new PagePool(new NativePageMemory({ pageCount: 2 ** 24 }));
      const file = new PagedFile(pool);
      if (file.setLength(2 ** 36) !== 0 || file.setLength(0) !== 0) throw new Error('setLength');
      console.log(JSON.stringify({ before, after: process.memoryUsage.rss() }));`);
    expect(seen.after - seen.before).toBeLessThan(16 * MIB);
  });

  test.skipIf(process.platform !== 'linux')(
    'a preallocated pool is resident from the start and stays so',
    () => {
      const memory = new NativePageMemory({ pageCount: 1024 });
      const pool = new PagePool(memory, { preallocate: true });
      expect(memory.residentBytes()).toBe(4 * MIB);
      const file = new PagedFile(pool);
      expect(file.setLength(4 * MIB)).toBe(0);
      file.dispose();
      expect(memory.residentBytes()).toBe(4 * MIB);
      expect(checkPool(pool, [])).toEqual([]);
      pool.dispose();
    },
  );
});
