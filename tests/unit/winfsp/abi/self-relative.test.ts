import { describe, expect, it } from 'vitest';
import { selfRelativeHeadsEnd, selfRelativeLength } from '../../../../src/winfsp/abi/self-relative.js';
import { EVERYONE_FULL } from '../fixtures/memory-file-system.mjs';

function lengthOf(bytes: Uint8Array, limit = 65536): number {
  return selfRelativeLength(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), limit);
}

describe('the length of a self-relative descriptor', () => {
  it('is found from its parts, in any order', () => {
    expect(lengthOf(EVERYONE_FULL)).toBe(EVERYONE_FULL.length);
    const followed = new Uint8Array(EVERYONE_FULL.length + 64).fill(0xff);
    followed.set(EVERYONE_FULL);
    expect(lengthOf(followed)).toBe(EVERYONE_FULL.length);
  });

  it('an empty descriptor is its head', () => {
    const empty = new Uint8Array(20);
    empty[3] = 0x80;
    expect(lengthOf(empty)).toBe(20);
  });

  it('what leads outside is refused', () => {
    const absolute = EVERYONE_FULL.slice();
    absolute[3]! &= 0x7f;
    expect(lengthOf(absolute)).toBe(-1);
    const wild = EVERYONE_FULL.slice();
    new DataView(wild.buffer).setUint32(16, 0xfffffff0, true);
    expect(lengthOf(wild)).toBe(-1);
    const inHead = EVERYONE_FULL.slice();
    new DataView(inHead.buffer).setUint32(16, 8, true);
    expect(lengthOf(inHead)).toBe(-1);
    expect(lengthOf(EVERYONE_FULL, EVERYONE_FULL.length - 1)).toBe(-1);
  });

  it('an access list that is shorter than its own head is refused', () => {
    const stunted = EVERYONE_FULL.slice();
    const view = new DataView(stunted.buffer);
    view.setUint16(view.getUint32(16, true) + 2, 7, true);
    expect(lengthOf(stunted)).toBe(-1);
  });

  it('the heads of all parts lie within what is read first, and that within the whole', () => {
    const view = new DataView(EVERYONE_FULL.buffer, EVERYONE_FULL.byteOffset, EVERYONE_FULL.byteLength);
    const end = selfRelativeHeadsEnd(view, 65536);
    const offsets = [4, 8, 12, 16].map((field) => view.getUint32(field, true));
    expect(end).toBe(Math.max(...offsets) + 8);
    expect(end).toBeLessThanOrEqual(EVERYONE_FULL.length);
    expect(selfRelativeLength(new DataView(EVERYONE_FULL.slice(0, end).buffer), 65536)).toBe(
      EVERYONE_FULL.length,
    );
  });
});
