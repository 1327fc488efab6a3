/** The checksum of what goes through pieces is that of all bytes, whoever computes it, and its thread's end is told. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { HashJobs } from '../../../../src/image/checksum/hash-jobs.js';
import { Pieces, SCRATCH_BYTES } from '../../../../src/image/checksum/pieces.js';
import { content } from '../volumes.js';

const LARGE = 2 ** 30;
const sha256 = (...all: Uint8Array[]) => {
  const hash = createHash('sha256');
  for (const bytes of all) hash.update(bytes);
  return hash.digest('hex');
};

describe.each([
  ['here', () => new Pieces(new Uint8Array(4096), LARGE)],
  ['here, of little', () => new Pieces(new Uint8Array(new SharedArrayBuffer(4096)), 1000)],
  ['on a thread', () => new Pieces(new Uint8Array(new SharedArrayBuffer(4096)), LARGE)],
])('computed %s', (_where, make) => {
  it('has every byte of many rounds through the memory, in order', () => {
    const pieces = make();
    const all: Uint8Array[] = [];
    for (let i = 0; i < 1000; i++) {
      const piece = pieces.next();
      const bytes = content(piece.length, i);
      all.push(bytes);
      piece.set(bytes);
      const middle = i % piece.length;
      pieces.add(0, middle);
      pieces.add(middle, piece.length);
      if (i % 100 === 0) expect(pieces.sha256()).toBe(sha256(...all));
    }
    expect(pieces.sha256()).toBe(sha256(...all));
    pieces.close();
  });

  it('can be that of all before a mark', () => {
    const pieces = make();
    const piece = pieces.next();
    piece.set(content(piece.length, 1));
    pieces.mark();
    expect(pieces.sha256(true)).toBe(sha256());
    pieces.add(0, 10);
    pieces.mark();
    pieces.add(10, 20);
    expect(pieces.sha256(true)).toBe(sha256(piece.subarray(0, 10)));
    expect(pieces.sha256()).toBe(sha256(piece.subarray(0, 20)));
    pieces.close();
  });
});

it('a piece is not handed out before its bytes are in the checksum', () => {
  const pieces = new Pieces(new Uint8Array(new SharedArrayBuffer(SCRATCH_BYTES)), LARGE);
  const hash = createHash('sha256');
  for (let i = 0; i < 64; i++) {
    const piece = pieces.next();
    piece.fill(i);
    hash.update(piece);
    pieces.add(0, piece.length);
  }
  expect(pieces.sha256()).toBe(hash.digest('hex'));
  pieces.close();
});

it('a thread that fails is an error for the one that waits', () => {
  const jobs = new HashJobs();
  jobs.add(0, 1);
  jobs.fail();
  expect(() => jobs.sha256(false)).toThrow('the thread that computes the checksum has failed');
});
