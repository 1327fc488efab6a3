/**
 * Random orders in which asynchronous handlers go on: fast-check's scheduler holds each read and write before and after
 * it touches the file, and lets them go one by one in an order of its own, while the driver's side has up to ten
 * requests under way.
 *
 * AnsweredOnce: each request gets one answer, its own. DataIntegrity: a read is answered what was there when its
 * handler looked, however late the answer comes. NoLostAppend: every append is in the file, once. Nothing is open or
 * lent at the end.
 */
import fc from 'fast-check';
import { afterEach, expect, it } from 'vitest';
import { MemoryFs, type MemoryNode } from '../../../examples/memory-fs.js';
import { NtStatus } from '../../../src/ntstatus.js';
import type { IoRequest, WriteRequest } from '../../../src/winfsp/host/file-system.js';
import { propertyRuns } from '../../support/property.js';
import { LocalHost } from './fixtures/local-host.js';
import { readRequest, writeRequest } from './fixtures/script-client.js';

const CREATE = 2;
const OPEN = 1;
const UNIT = 16;
const RUNS = 150;

let host: LocalHost | undefined;
afterEach(async () => {
  await host?.stop();
  host = undefined;
});

class Scheduled extends MemoryFs {
  scheduler: fc.Scheduler | null = null;
  /** What the file must hold, by the order in which handlers have touched it. */
  content: number[] = [];
  /** What each read must be answered; every read of a run has a length of its own. */
  readonly due = new Map<number, number[]>();

  async #held<T>(label: string, touch: () => T | PromiseLike<T>): Promise<T> {
    const { scheduler } = this;
    await scheduler?.schedule(Promise.resolve(), `${label} begins`);
    const result = await touch();
    await scheduler?.schedule(Promise.resolve(), `${label} ends`);
    return result;
  }

  override read(node: MemoryNode, buffer: Uint8Array, offset: number, request: IoRequest) {
    return this.#held(`read of ${buffer.length}`, () => {
      this.due.set(buffer.length, this.content.slice(offset, offset + buffer.length));
      return super.read(node, buffer, offset, request);
    });
  }

  override write(node: MemoryNode, buffer: Uint8Array, offset: number, request: WriteRequest) {
    return this.#held(`write of ${buffer[0]}`, () => {
      const at = request.writeToEndOfFile ? this.content.length : offset;
      while (this.content.length < at + buffer.length) this.content.push(0);
      buffer.forEach((byte, i) => {
        this.content[at + i] = byte;
      });
      return super.write(node, buffer, offset, request);
    });
  }
}

const unit = fc.nat(3);
const request = fc.oneof(
  fc.record({ op: fc.constant('read' as const), unit }),
  fc.record({ op: fc.constant('write' as const), unit }),
  fc.record({ op: fc.constant('append' as const), unit }),
);

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

it('AnsweredOnce, DataIntegrity, NoLostAppend in whatever order handlers go on', async () => {
  const fs = new Scheduled();
  host = await LocalHost.start(fs, { library: { strict: 2 } });
  const on = host;
  let run = 0;
  let overtaken = 0;
  const requests = fc.array(request, { minLength: 2, maxLength: 10 });
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), requests, fc.nat(6), async (scheduler, asked, patience) => {
      const path = `\\f${run++}`;
      fs.scheduler = scheduler;
      fs.content = [];
      fs.due.clear();
      const { context } = await on.create(path, CREATE);
      const waiting = new Map(
        asked.map((one, i) => {
          const offset = one.op === 'append' ? -1 : one.unit * UNIT;
          const ticket =
            one.op === 'read'
              ? on.submit(readRequest(context, offset, UNIT + i))
              : on.submit(writeRequest(context, offset, UNIT), Buffer.alloc(UNIT, i + 1));
          return [i, ticket] as const;
        }),
      );
      const order: number[] = [];
      for (let turns = 0; waiting.size > 0; turns++) {
        expect(turns, 'turns without an end').toBeLessThan(50_000);
        // The first few turns let requests come in, so that there is a choice.
        if (turns >= patience && scheduler.count() > 0) await scheduler.waitOne();
        await turn();
        for (const [i, ticket] of waiting) {
          const answer = on.poll(ticket);
          if (answer === null) continue;
          waiting.delete(i);
          order.push(i);
          if (asked[i]!.op !== 'read') {
            expect([answer.status, answer.information]).toEqual([0, UNIT]);
            continue;
          }
          const due = fs.due.get(UNIT + i)!;
          expect(answer.status).toBe(due.length === 0 ? NtStatus.END_OF_FILE : 0);
          expect([...answer.data.subarray(0, answer.information)]).toEqual(due);
        }
      }
      if (order.some((i, at) => i !== at)) overtaken++;
      expect(scheduler.count()).toBe(0);

      fs.scheduler = null;
      const whole = await on.ask(readRequest(context, 0, 4096));
      expect([...whole.data.subarray(0, whole.information)]).toEqual(fs.content);
      const appends = asked.flatMap(({ op }, i) => (op === 'append' ? [i + 1] : []));
      const writesOver = asked.some(({ op }) => op === 'write');
      for (const value of writesOver ? [] : appends) {
        expect(fs.content.filter((byte) => byte === value).length).toBe(UNIT);
      }
      await on.close(context, path, 1);
    }),
    { numRuns: propertyRuns(RUNS) },
  );
  expect(overtaken).toBeGreaterThan(propertyRuns(RUNS) / 10);
  expect((await on.create('\\f0', OPEN)).status).toBe(NtStatus.OBJECT_NAME_NOT_FOUND);
  await on.stopClean();
  expect(fs.openCount).toBe(0);
}, 240_000);
