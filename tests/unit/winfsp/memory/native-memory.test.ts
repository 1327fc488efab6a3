import fc from 'fast-check';
import koffi from 'koffi';
import { describe, expect, it } from 'vitest';
import { getUint64, setUint64, splitUint64, unsignedOf } from '../../../../src/winfsp/abi/fields.js';
import {
  copyMemory,
  liveBlocks,
  NativeBlock,
  pageAligned,
  readUtf16,
} from '../../../../src/winfsp/memory/native-memory.js';
import { utf16Block } from '../../../support/utf16-block.js';

describe('native memory', () => {
  it('a block is zeroed, aligned, counted, and freed once', () => {
    const before = liveBlocks();
    const block = new NativeBlock(4096);
    expect(block.address % 8).toBe(0);
    expect(block.bytes.every((byte) => byte === 0)).toBe(true);
    expect(liveBlocks()).toBe(before + 1);
    block.free();
    block.free();
    expect(liveBlocks()).toBe(before);
  });

  it.each([0, -8, 7, 8.5, Number.NaN])('a length of %s is refused', (length) => {
    expect(() => new NativeBlock(length)).toThrow(RangeError);
  });

  it('page-aligned memory begins at a page and is as long as asked for', () => {
    for (const length of [1, 4096, 100_001]) {
      const bytes = pageAligned(length);
      expect([bytes.length, Number(koffi.address(bytes)) % 4096]).toEqual([length, 0]);
    }
  });

  it('copies by address', () => {
    const block = new NativeBlock(64);
    block.bytes.set([1, 2, 3, 4]);
    copyMemory(block.address + 32, block.address + 1, 3);
    expect([...block.bytes.subarray(31, 36)]).toEqual([0, 2, 3, 4, 0]);
    block.free();
  });

  it('strings survive with surrogates, paired and not', () => {
    for (const text of ['', 'ß', '\\İ\\😀', 'a\ud800b', 'x'.repeat(5000)]) {
      const block = utf16Block(text);
      expect(readUtf16(block.address)).toBe(text);
      block.free();
    }
    expect(readUtf16(0)).toBeNull();
  });

  it('64-bit fields are exact to 2^53', () => {
    const view = new DataView(new ArrayBuffer(8));
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        setUint64(view, 0, value);
        expect(view.getBigUint64(0, true)).toBe(BigInt(value));
        expect(getUint64(view, 0)).toBe(value);
      }),
    );
    view.setBigUint64(0, 0xffff_ffff_ffff_ffffn, true);
    expect(getUint64(view, 0)).toBe(2 ** 64);
  });

  it('UINT64 arguments, in whichever form koffi passes them, split into their halves', () => {
    const halves = new Int32Array(2);
    // koffi: numbers up to 2^53, BigInts above, and signed from 2^63 on.
    const formsOf = (value: bigint): (number | bigint)[] => {
      const signed = BigInt.asIntN(64, value);
      const fits = signed >= -(2n ** 53n) && signed <= 2n ** 53n;
      return fits ? [Number(signed), signed] : [signed, value];
    };
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (value) => {
        for (const form of formsOf(value)) {
          splitUint64(form, halves, 0);
          const joined =
            (BigInt.asUintN(32, BigInt(halves[1]!)) << 32n) | BigInt.asUintN(32, BigInt(halves[0]!));
          expect(joined).toBe(value);
        }
      }),
    );
    splitUint64(-2, halves, 0);
    expect([...halves]).toEqual([-2, -1]);
    splitUint64(0xffffffff, halves, 0);
    expect([...halves]).toEqual([-1, 0]);
    expect(unsignedOf(-1)).toBe(2 ** 64);
    expect(unsignedOf(-(2n ** 63n))).toBe(2 ** 63);
    expect(unsignedOf(2 ** 32 + 1)).toBe(2 ** 32 + 1);
  });
});
