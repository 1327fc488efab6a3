import { describe, expect, it } from 'vitest';
import { followableLink } from '../../../../../src/winfsp/library/table/link-target.js';

const TEXTS = 20;
function link(target: string, { relative = true, tag = 0xa000000c } = {}): Uint8Array {
  const text = Buffer.from(target, 'utf16le');
  const data = Buffer.alloc(TEXTS + 2 * text.length);
  data.writeUInt32LE(tag, 0);
  data.writeUInt16LE(data.length - 8, 4);
  data.writeUInt16LE(text.length, 10);
  data.writeUInt16LE(text.length, 12);
  data.writeUInt16LE(text.length, 14);
  data.writeUInt32LE(relative ? 1 : 0, 16);
  data.set(text, TEXTS);
  data.set(text, TEXTS + text.length);
  return data;
}
function targetOf(data: Uint8Array): string {
  const bytes = Buffer.from(data);
  const start = TEXTS + bytes.readUInt16LE(8);
  return bytes.toString('utf16le', start, start + bytes.readUInt16LE(10));
}

describe('texts of links that the library can follow', () => {
  it.each([
    ['in\\', 'in'],
    ['in\\\\', 'in'],
    ['..\\', '..'],
    ['\\in\\deep\\', '\\in\\deep'],
    ['\\', '\\.'],
    ['\\\\', '\\.'],
  ])('%s becomes %s', (target, expected) => {
    const given = link(target);
    const before = given.slice();
    expect(targetOf(followableLink(given))).toBe(expected);
    expect(given).toEqual(before);
  });

  it.each(['in', '.', '..', '\\in\\deep', ''])('%s stays', (target) => {
    const given = link(target);
    expect(followableLink(given)).toBe(given);
  });

  it('what is no relative link stays, and what is malformed', () => {
    const absolute = link('\\??\\C:\\x\\', { relative: false });
    const junction = link('in\\', { tag: 0xa0000003 });
    const short = link('in\\').subarray(0, 12);
    const outside = Buffer.from(link('in\\'));
    outside.writeUInt16LE(9999, 10);
    for (const data of [absolute, junction, short, outside]) {
      expect(followableLink(data)).toBe(data);
    }
  });
});
