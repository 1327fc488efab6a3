/** The oracle of contents against the plainest one there is: a buffer. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BLOCK_BYTES, Content } from '../../chaos/content.js';
import { PIECE_COUNT, pieceAt } from '../../chaos/noise.js';

const MOST = 20_000;
const offset = fc.nat(MOST);
const length = fc.nat(9000);
const source = fc.nat(PIECE_COUNT - 1);

const change = fc.oneof(
  fc.record({ m: fc.constant('write' as const), offset, length, source }),
  fc.record({ m: fc.constant('zero' as const), offset, length }),
  fc.record({ m: fc.constant('length' as const), length: fc.nat(MOST) }),
  fc.record({ m: fc.constant('copy' as const), offset, length, from: offset }),
);

describe('Content', () => {
  it('is what a buffer would be after any changes', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
        const content = new Content();
        const other = new Content();
        other.write(0, MOST, 12_345);
        let buffer = Buffer.alloc(0);
        const grow = (bytes: number) => {
          buffer = Buffer.concat([buffer, Buffer.alloc(Math.max(0, bytes - buffer.length))]);
        };
        for (const one of changes) {
          switch (one.m) {
            case 'write':
              content.write(one.offset, one.length, one.source);
              if (one.length > 0) {
                grow(one.offset + one.length);
                pieceAt(one.source, one.length).copy(buffer, one.offset);
              }
              break;
            case 'zero':
              content.zero(one.offset, one.length);
              buffer.fill(
                0,
                Math.min(one.offset, buffer.length),
                Math.min(one.offset + one.length, buffer.length),
              );
              break;
            case 'length':
              content.setLength(one.length);
              grow(one.length);
              buffer = Buffer.from(buffer.subarray(0, one.length));
              break;
            case 'copy': {
              const count = Math.min(one.length, MOST - one.from);
              if (count > 0) {
                content.copyFrom(other, one.from, one.offset, count);
                grow(one.offset + count);
                pieceAt(12_345 + one.from, count).copy(buffer, one.offset);
              }
              break;
            }
          }
        }
        expect(content.lengthBytes).toBe(buffer.length);
        expect(content.expected(0, buffer.length).equals(buffer)).toBe(true);
        expect(content.differenceAt(0, buffer)).toBe(-1);
        expect(content.sha256()).toBe(createHash('sha256').update(buffer).digest('hex'));
        expect(content.blockSha256()).toHaveLength(Math.ceil(buffer.length / BLOCK_BYTES));
        if (buffer.length > 0) {
          const at = (changes.length * 7919) % buffer.length;
          const wrong = Buffer.from(buffer);
          wrong[at]! ^= 1;
          expect(content.differenceAt(0, wrong)).toBe(at);
          expect(content.differenceAt(at, wrong.subarray(at))).toBe(at);
        }
        expect(content.differenceAt(0, Buffer.concat([buffer, Buffer.from([0])]))).toBe(buffer.length);
      }),
    );
  });

  it('hashes each generation anew', () => {
    const content = new Content();
    content.write(0, 5000, 1);
    const first = content.sha256();
    content.write(4999, 1, 99);
    expect(content.sha256()).not.toBe(first);
    expect(content.clone().sha256()).toBe(content.sha256());
  });
});
