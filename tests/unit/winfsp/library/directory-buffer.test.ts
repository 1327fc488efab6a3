import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DirectoryListing } from '../../../../src/winfsp/library/directory-buffer.js';
import { NativeBlock } from '../../../../src/winfsp/memory/native-memory.js';

/** Walks the records of a listing: names, the FILE_INFO marks, and whether the end mark is there. */
function parse(bytes: Uint8Array): { names: string[]; marks: number[]; ended: boolean } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const names: string[] = [];
  const marks: number[] = [];
  let at = 0;
  while (at + 2 <= bytes.length) {
    const size = view.getUint16(at, true);
    if (size === 0) {
      expect(bytes.length).toBe(at + 2);
      return { names, marks, ended: true };
    }
    names.push(Buffer.from(bytes.subarray(at + 104, at + size)).toString('utf16le'));
    marks.push(view.getUint32(at + 8, true));
    expect([...bytes.subarray(at + size, (at + size + 7) & ~7)].every((pad) => pad === 0)).toBe(true);
    at += (size + 7) & ~7;
  }
  return { names, marks, ended: false };
}

describe('directory listings', () => {
  it('a listing read in pieces of any size has every name once, in order', () => {
    const names = fc.array(fc.string({ minLength: 1, maxLength: 40, unit: 'binary' }), { maxLength: 60 });
    fc.assert(
      fc.property(
        names,
        fc.integer({ min: 200, max: 3000 }),
        fc.constantFrom(256, 512, 65536),
        (all, capacity, scratchBytes) => {
          const scratch = new NativeBlock(scratchBytes);
          const target = new NativeBlock(4096);
          const listing = new DirectoryListing(scratch);
          const seen: string[] = [];
          for (let round = 0; ; round++) {
            expect(round).toBeLessThanOrEqual(all.length + 1);
            target.bytes.fill(0xaa);
            listing.reset(target.address, capacity);
            let full = false;
            for (const name of all.slice(seen.length)) {
              const info = listing.add(name);
              if (info < 0) {
                full = true;
                break;
              }
              listing.view.setUint32(info, name.length, true);
            }
            if (!full) {
              listing.end();
            }
            const length = listing.finish();
            expect(length).toBeLessThanOrEqual(capacity);
            expect(target.bytes.subarray(length).every((byte) => byte === 0xaa)).toBe(true);
            const part = parse(target.bytes.slice(0, length));
            expect(part.marks).toEqual(part.names.map((name) => name.length));
            seen.push(...part.names);
            if (part.ended || (part.names.length === 0 && !full)) {
              break;
            }
          }
          expect(seen).toEqual(all);
          scratch.free();
          target.free();
        },
      ),
      { numRuns: 60 },
    );
  });

  it('a record fits only with its padding', () => {
    const scratch = new NativeBlock(65536);
    const target = new NativeBlock(256);
    const listing = new DirectoryListing(scratch);
    listing.reset(target.address, 119);
    expect(listing.add('12345')).toBe(-1);
    expect(listing.isTooSmall).toBe(true);
    listing.reset(target.address, 120);
    expect(listing.add('12345')).toBe(8);
    expect(listing.add('x')).toBe(-1);
    expect(listing.isTooSmall).toBe(false);
    listing.end();
    expect(listing.finish()).toBe(120);
    scratch.free();
    target.free();
  });

  it('nothing is added behind a full buffer or behind the end', () => {
    const scratch = new NativeBlock(65536);
    const target = new NativeBlock(1024);
    const listing = new DirectoryListing(scratch);
    listing.reset(target.address, 300);
    expect(listing.add('a')).toBe(8);
    expect(listing.add('long'.repeat(40))).toBe(-1);
    expect(listing.add('b')).toBe(-1);
    listing.end();
    expect(parse(target.bytes.slice(0, listing.finish()))).toEqual({
      names: ['a'],
      marks: [0],
      ended: false,
    });
    listing.reset(target.address, 300);
    listing.end();
    expect(listing.add('c')).toBe(-1);
    expect(listing.finish()).toBe(2);
    scratch.free();
    target.free();
  });

  it('a name that no volume can have is refused: its record would not fit the scratch memory', () => {
    const scratch = new NativeBlock(4096);
    const listing = new DirectoryListing(scratch);
    listing.reset(0, 65_536);
    expect(() => listing.add('x'.repeat(256))).toThrow(RangeError);
    expect(listing.add('x'.repeat(255))).toBeGreaterThan(0);
    scratch.free();
  });
});
