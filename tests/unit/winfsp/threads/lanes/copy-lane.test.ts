/** The ring of a lane, whose thread the test plays itself. */
import { describe, expect, it } from 'vitest';
import { liveBlocks, NativeBlock } from '../../../../../src/winfsp/memory/native-memory.js';
import { CopyLane } from '../../../../../src/winfsp/threads/lanes/copy-lane.js';
import { CopyWord, JOB_DOUBLES, MAX_PIECES } from '../../../../../src/winfsp/threads/lanes/copy-ring.js';
import { copyPieces } from '../../../../../src/winfsp/threads/lanes/copy-worker.js';

const SLOTS = 16;

function push(lane: CopyLane, answer: NativeBlock): void {
  lane.begin(1);
  lane.add(2, 3);
  lane.push(answer.address);
}

const advance = (lane: CopyLane, word: number) => Atomics.add(lane.state, word, 1);

describe('the ring of a copy lane', () => {
  it.each([0, 0x7ffffff8, -8])('is full and has room again, from index %d on', async (start) => {
    const before = liveBlocks();
    const lane = new CopyLane(null);
    const answer = new NativeBlock(128);
    for (const word of [CopyWord.PRODUCED, CopyWord.COPIED, CopyWord.DELIVERED]) {
      Atomics.store(lane.state, word, start);
    }
    for (let count = 1; count <= 3 * SLOTS; count++) {
      const index = lane.nextIndex;
      expect(lane.isCopied(index)).toBe(true);
      push(lane, answer);
      expect(lane.isCopied(index)).toBe(false);
      if (count < SLOTS) {
        expect(lane.isFull).toBe(false);
        continue;
      }
      // The slot is in use until the answer is delivered, which is after the copy.
      expect(lane.isFull).toBe(true);
      const oldest = (index - SLOTS + 1) | 0;
      advance(lane, CopyWord.COPIED);
      expect([lane.isCopied(oldest), lane.isCopied((oldest + 1) | 0), lane.isFull]).toEqual([
        true,
        false,
        true,
      ]);
      lane.untilCopied(oldest);
      advance(lane, CopyWord.DELIVERED);
      expect(lane.isFull).toBe(false);
    }
    answer.free();
    await lane.end();
    expect(liveBlocks()).toBe(before);
  });

  it('a read in more pieces than a slot has does not fit, and leaves the next slot alone', async () => {
    const lane = new CopyLane(null);
    lane.begin(1);
    for (let piece = 0; piece < MAX_PIECES; piece++) lane.add(1, 1);
    expect(lane.fits).toBe(true);
    lane.add(1, 1);
    expect(lane.fits).toBe(false);
    expect(lane.jobs[JOB_DOUBLES]).toBe(0);
    lane.begin(1);
    expect(lane.fits).toBe(true);
    await lane.end();
  });

  it('is not used before its thread is up', async () => {
    const lane = new CopyLane(null);
    expect([lane.isReady, lane.isAlive]).toEqual([false, true]);
    await lane.end();
  });

  it('a wait ends when the thread has ended', async () => {
    const lane = new CopyLane(null);
    const answer = new NativeBlock(128);
    // A number that no thread has.
    Atomics.store(lane.state, CopyWord.THREAD_ID, 0x7fffffff);
    Atomics.store(lane.state, CopyWord.READY, 1);
    expect(lane.isReady).toBe(true);
    push(lane, answer);
    lane.untilCopied(0);
    expect([lane.isCopied(0), lane.isAlive]).toEqual([false, false]);
    answer.free();
    await lane.end();
  });
});

it('pieces and zeros are copied one behind the other', () => {
  const memory = new NativeBlock(64);
  memory.bytes.fill(9);
  memory.bytes.set([1, 2, 3, 4, 5, 6, 7, 8], 0);
  const { address } = memory;
  copyPieces(new Float64Array([0, 0, 3, address + 32, address + 4, 4, -1, 3, address, 2]), 2);
  expect([...memory.bytes.subarray(30, 43)]).toEqual([9, 9, 5, 6, 7, 8, 0, 0, 0, 1, 2, 9, 9]);
  memory.free();
});
