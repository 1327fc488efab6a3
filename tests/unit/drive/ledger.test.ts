import { describe, expect, it } from 'vitest';
import { allocateLedger, LedgerPublisher, readLedger } from '../../../src/drive/ledger.js';
import type { RamVolume } from '../../../src/volume/ram-volume.js';

const volumeWith = (figure: number) =>
  ({
    pool: { capacityPages: figure, reservedPages: figure, allocatedPages: figure, committedPages: figure },
    inodeCount: figure,
    openCount: figure,
    savingPages: figure,
  }) as unknown as RamVolume;

describe('the ledger in shared memory', () => {
  it('gives back what was published last', () => {
    const memory = allocateLedger();
    const publisher = new LedgerPublisher(memory);
    publisher.publish(volumeWith(1));
    publisher.publish(volumeWith(2 ** 40));
    expect(new Set(Object.values(readLedger(memory)))).toEqual(new Set([2 ** 40]));
  });

  it('never shows figures of two moments, and never waits forever', () => {
    const memory = allocateLedger();
    const publisher = new LedgerPublisher(memory);
    publisher.publish(volumeWith(1));
    const sequence = new Int32Array(memory, 0, 1);
    expect(sequence[0]! & 1).toBe(0);
    // A writer that died half-way: the reader takes what there is.
    sequence[0]! |= 1;
    expect(readLedger(memory).reservedPages).toBe(1);
  });
});
