import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { liveBlocks, NativeBlock } from '../../../../src/winfsp/memory/native-memory.js';
import { CompletionRing, RingWord } from '../../../../src/winfsp/threads/completion-ring.js';

/** The consumer's half as completion-worker.ts does it, one step at a time. */
class Consumer {
  #index: number;
  readonly #port;
  constructor(
    readonly ring: CompletionRing,
    port: MessageChannel['port2'],
    start: number,
  ) {
    this.#port = port;
    this.#index = start;
  }
  take(): number | null {
    const { state, slotCount, slotBytes, slots } = this.ring;
    if (Atomics.load(state, RingWord.PRODUCED) === this.#index) {
      return null;
    }
    const inPort =
      Atomics.load(state, RingWord.OVERFLOWING) === 1 &&
      ((this.#index - Atomics.load(state, RingWord.OVERFLOW_FROM)) | 0) >= 0;
    const slot = this.#index & (slotCount - 1);
    const bytes: Uint8Array = inPort
      ? (receiveMessageOnPort(this.#port)!.message as Uint8Array)
      : slots.bytes.slice(slot * slotBytes, slot * slotBytes + this.ring.lengths[slot]!);
    const value = new DataView(bytes.buffer).getInt32(0, true);
    expect(bytes.length).toBe(lengthOf(value));
    this.#index = (this.#index + 1) | 0;
    Atomics.store(state, RingWord.CONSUMED, this.#index);
    return value;
  }
}

function lengthOf(value: number): number {
  return value % 7 === 0 ? 256 : 128;
}

describe('the ring between the dispatcher and a completionThread', () => {
  it.each([0, 0x7ffffff0, -16])('keeps the order, full or not, from index %d on', (start) => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 200 }), (pushes) => {
        const { port1, port2 } = new MessageChannel();
        const ring = new CompletionRing(4, 128, port1);
        Atomics.store(ring.state, RingWord.PRODUCED, start);
        Atomics.store(ring.state, RingWord.CONSUMED, start);
        const answer = new NativeBlock(256);
        const consumer = new Consumer(ring, port2, start);
        const taken: number[] = [];
        let pushed = 0;
        for (const push of pushes) {
          if (push) {
            const index = ring.nextIndex;
            answer.view.setInt32(0, pushed, true);
            ring.push(answer.address, answer.bytes, lengthOf(pushed));
            expect(ring.isDelivered(index)).toBe(false);
            pushed += 1;
          } else {
            const value = consumer.take();
            if (value !== null) {
              taken.push(value);
            }
          }
          expect(ring.waiting).toBe(pushed - taken.length);
        }
        for (let value = consumer.take(); value !== null; value = consumer.take()) {
          taken.push(value);
        }
        expect(taken).toEqual(Array.from({ length: pushed }, (_, value) => value));
        expect(ring.waiting).toBe(0);
        answer.free();
        ring.free();
        port2.close();
      }),
      { numRuns: 50 },
    );
  });

  it('a thousand answers for a completionThread that is stuck are taken without waiting', async () => {
    const before = liveBlocks();
    const { port1, port2 } = new MessageChannel();
    const ring = new CompletionRing(4, 128, port1);
    const answer = new NativeBlock(128);
    let overflowed = 0;
    for (let i = 0; i < 1000; i++) {
      overflowed += ring.push(answer.address, answer.bytes, 128) ? 1 : 0;
    }
    expect(overflowed).toBe(996);
    expect(ring.waiting).toBe(1000);
    expect(await ring.untilIdle(20)).toBe(false);
    answer.free();
    ring.free();
    port2.close();
    expect(liveBlocks()).toBe(before);
  });

  it('slots that are no power of two are refused', () => {
    const { port1, port2 } = new MessageChannel();
    expect(() => new CompletionRing(3, 128, port1)).toThrow(RangeError);
    port1.close();
    port2.close();
  });
});
