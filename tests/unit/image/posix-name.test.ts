/** Names in images have the bytes that the Linux front end gives them: each name its own, and back. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesOfName, nameOfBytes } from '../../../src/image/tar/posix-name.js';
import { holds } from '../../support/property.js';

const PAIRS: [name: string, latin1: string][] = [
  ['plain', 'plain'],
  ['naïve 😀', Buffer.from('naïve 😀').toString('latin1')],
  ['caf\udce9', 'caf\xe9'],
  ['back\uf05cslash', 'back\\slash'],
  ['\udcef\udc81\udc9c', Buffer.from('\uf05c').toString('latin1')],
  ['\ufffd', '\xef\xbf\xbd'],
  ['\udce2\udc82a', '\xe2\x82a'],
  ['\udced\udca0\udc80', '\xed\xa0\x80'],
  ['\udcf4\udc90\udc80\udc80', '\xf4\x90\x80\x80'],
  ['\ufeffmark', '\xef\xbb\xbfmark'],
];

describe('a name', () => {
  it.each(PAIRS)('%j has its bytes', (name, latin1) => {
    const bytes = Buffer.from(latin1, 'latin1');
    expect(bytesOfName(name)).toEqual(bytes);
    expect(nameOfBytes(bytes)).toBe(name);
  });

  it.each(['\ud800', 'a\udc7f', 'caf\udcc3\udca9', '\udfff'])('%j has none', (name) => {
    expect(bytesOfName(name)).toBeNull();
  });

  it('of any bytes gives them back', () => {
    const byte = fc.oneof(
      fc.integer({ min: 0, max: 255 }),
      fc.constantFrom(0x5c, 0xc3, 0xa9, 0xef, 0x81, 0x9c),
    );
    holds(
      'name of bytes',
      fc.property(fc.array(byte, { maxLength: 12 }), (values) => {
        const bytes = Buffer.from(values);
        expect(bytesOfName(nameOfBytes(bytes))).toEqual(bytes);
      }),
      500,
    );
  });
});
