import { describe, expect, it } from 'vitest';
import { capacityWarning, readMemory } from '../../../../src/drive/mount/memory.js';

const memory = { totalBytes: 1000, availableBytes: 400 };

describe('capacityWarning', () => {
  it.each([
    [{ capacityBytes: 1000, preallocate: false }, null],
    [{ capacityBytes: 1001, preallocate: false }, /more than the 1000 B of memory/],
    [{ capacityBytes: 400, preallocate: true }, null],
    [{ capacityBytes: 401, preallocate: true }, /Pre-allocating 401 B takes more than the 400 B/],
  ])('%j', (settings, expected) => {
    const warning = capacityWarning(settings, memory);
    expected === null ? expect(warning).toBeNull() : expect(warning).toMatch(expected);
  });

  it('reads figures of this machine', () => {
    const { totalBytes, availableBytes } = readMemory();
    expect(availableBytes).toBeGreaterThan(0);
    expect(totalBytes).toBeGreaterThanOrEqual(availableBytes);
  });
});
