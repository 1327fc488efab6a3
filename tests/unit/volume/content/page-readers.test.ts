/**
 * Reads that another thread copies (docs/winfsp.md#copy-lanes): whatever happens to a file after such a read was
 * decided, the copy shows what the file held at that moment, and nothing waits without need.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NtStatus } from '../../../../src/ntstatus.js';
import { HOLE_ADDRESS, type PageReader, PageReaders } from '../../../../src/volume/content/page-readers.js';
import { propertyRuns } from '../../../support/property.js';
import { type Pair, Rig } from '../model.js';

const PAGE = 8;

interface Read {
  pieces: [address: number, lengthBytes: number][];
  due: number[];
}

/** A lane without a thread: it copies when it is told to, or when the volume waits for it. */
class Lane implements PageReader {
  readonly #rig: Rig;
  readonly reads: Read[] = [];
  #pieces: Read['pieces'] = [];
  copied = 0;
  waits = 0;

  constructor(rig: Rig) {
    this.#rig = rig;
  }

  get nextIndex(): number {
    return this.reads.length;
  }

  add(address: number, lengthBytes: number): void {
    this.#pieces.push([address, lengthBytes]);
  }

  /** As the dispatcher thread does: describe, then hand over. */
  read({ real, bytes }: Pair, offset: number, length: number): number {
    this.#pieces = [];
    const count = real.describeRead(offset, length, this);
    if (count > 0) this.reads.push({ pieces: this.#pieces, due: bytes.slice(offset, offset + length) });
    return count;
  }

  isCopied(index: number): boolean {
    return index < this.copied || index >= this.reads.length;
  }

  untilCopied(index: number): void {
    if (!this.isCopied(index)) this.waits++;
    while (!this.isCopied(index)) this.copyOne();
  }

  copyOne(): void {
    if (this.copied === this.reads.length) return;
    const { pieces, due } = this.reads[this.copied++]!;
    const { memory } = this.#rig;
    const got: number[] = [];
    for (const [address, lengthBytes] of pieces) {
      const at = memory.scratchAddress + 2048; // in front of that is what a write is about to take
      if (address === HOLE_ADDRESS) memory.zero(at, lengthBytes);
      else memory.copy(at, address, lengthBytes);
      got.push(...memory.get(at, lengthBytes));
    }
    expect(got).toEqual(due);
  }
}

function setUp(): { rig: Rig; lane: Lane; file: Pair } {
  const rig = new Rig(PAGE, 16, 0);
  const file = rig.create();
  rig.write(file, 0, 4 * PAGE, 1);
  return { rig, lane: new Lane(rig), file };
}

describe('what changes the pages of a file waits for the copies of its reads', () => {
  const changes: Record<string, (rig: Rig, file: Pair) => void> = {
    'a write into them': (rig, file) => rig.write(file, PAGE, 3, 2),
    'a write that extends the file': (rig, file) => rig.write(file, 5 * PAGE, 3, 2),
    truncation: (rig, file) => rig.setLength(file, PAGE + 3),
    'truncation to nothing': (rig, file) => rig.setLength(file, 0),
    'an allocation below the length': (rig, file) => rig.setAllocation(file, PAGE),
    'zeros in a page': (rig, file) => rig.zero(file, 1, 3),
    'zeros over whole pages': (rig, file) => rig.zero(file, 0, 3 * PAGE),
    overwriting: (rig, file) => {
      rig.overwrite(file, 0);
    },
    'the end of the file': (rig, file) => rig.dispose(file),
  };
  it.each(Object.entries(changes))('%s', (_, change) => {
    const { rig, lane, file } = setUp();
    expect(lane.read(file, 3, 100)).toBe(4 * PAGE - 3);
    change(rig, file);
    expect([lane.waits, lane.copied]).toEqual([1, 1]);
    // Pages that were given back go to another file, and it is the second time that nobody is waited for.
    const other = rig.create();
    rig.write(other, 0, 4 * PAGE, 3);
    if (!file.disposed) rig.write(file, 0, 3, 4);
    expect(lane.waits).toBe(1);
    rig.verify();
  });

  it('also when a snapshot has the pages, and when the read is of the snapshot', () => {
    const { rig, lane, file } = setUp();
    const frozen = file.real.frozen();
    expect(lane.read(file, 0, 4 * PAGE)).toBe(4 * PAGE);
    expect(lane.read({ ...file, real: frozen }, 0, 4 * PAGE)).toBe(4 * PAGE);
    frozen.dispose();
    expect(lane.copied).toBe(2);
    rig.write(file, 0, PAGE, 5);
    rig.verify();
  });
});

describe('nothing waits', () => {
  it('for reads of other files, for room alone, or for what is refused', () => {
    const { rig, lane, file } = setUp();
    const other = rig.create();
    expect(lane.read(file, 0, 4 * PAGE)).toBe(4 * PAGE);
    rig.write(other, 0, 2 * PAGE, 7);
    rig.dispose(other);
    rig.setLength(file, 5 * PAGE);
    rig.setAllocation(file, 6 * PAGE);
    file.real.trimAllocation();
    file.reservedPages = 5;
    expect(file.real.overwrite(1000 * PAGE)).toBe(NtStatus.DISK_FULL);
    expect([lane.waits, lane.copied]).toEqual([0, 0]);
    lane.copyOne();
  });

  it('for a read that was described and never handed over', () => {
    const { rig, lane, file } = setUp();
    expect(file.real.describeRead(0, PAGE, lane)).toBe(PAGE);
    rig.write(file, 0, PAGE, 2);
    expect(lane.waits).toBe(0);
  });

  it('at or past the end, where there is nothing to copy', () => {
    const { lane, file } = setUp();
    expect(lane.read(file, 4 * PAGE, 1)).toBe(0);
    expect(file.real.pool.copies.readers.size).toBe(0);
    expect(() => file.real.describeRead(-1, 1, lane)).toThrow(RangeError);
  });
});

it('reads whose copy is done are forgotten, so the list stays as short as the lanes are', () => {
  const readers = new PageReaders();
  const done = new Set<number>();
  const reader = {
    nextIndex: 0,
    add: () => {},
    isCopied: (index: number) => done.has(index),
    untilCopied: (index: number) => void done.add(index),
  };
  for (let index = 0; index < 100; index++) {
    readers.add({}, { ...reader, nextIndex: index });
    if (index % 3 !== 0) done.add(index);
    expect(readers.size).toBeLessThanOrEqual(Math.floor(index / 3) + 2);
  }
});

type Step = [what: number, file: number, offset: number, length: number];

it('random histories of reads, copies and changes', () => {
  const step = fc.tuple(fc.nat(8), fc.nat(2), fc.nat(5 * PAGE), fc.nat(5 * PAGE));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps: Step[]) => {
      const rig = new Rig(PAGE, 12, 0);
      const lanes = [new Lane(rig), new Lane(rig)];
      const files = [rig.create(), rig.create(), rig.create()];
      steps.forEach(([what, which, offset, length], number) => {
        const file = files[which]!;
        const lane = lanes[length % 2]!;
        if (what <= 2) lane.read(file, offset, length);
        else if (what === 3) lane.copyOne();
        else if (what === 4) rig.write(file, offset, length, number + 1);
        else if (what === 5) rig.setLength(file, offset);
        else if (what === 6) rig.zero(file, offset, length);
        else if (what === 7) rig.setAllocation(file, offset);
        else {
          rig.dispose(file);
          files[which] = rig.create();
        }
        rig.verify();
      });
      for (const lane of lanes) while (lane.copied < lane.reads.length) lane.copyOne();
    }),
    { numRuns: propertyRuns(300) },
  );
});
