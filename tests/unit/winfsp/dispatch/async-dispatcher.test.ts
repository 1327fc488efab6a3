/**
 * The async dispatcher under handlers that settle whenever and however they like, against the library's script front
 * end with its strict checks. Handlers run on the test's own thread.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { MemoryFs, type MemoryNode } from '../../../../examples/memory-fs.js';
import { NtStatus } from '../../../../src/ntstatus.js';
import type { FileSystem, IoRequest, WriteRequest } from '../../../../src/winfsp/host/file-system.js';
import { LocalHost, type LocalHostOptions } from '../fixtures/local-host.js';
import {
  cleanupRequest,
  closeRequest,
  directoryRequest,
  endOfFileRequest,
  flushRequest,
  namesOf,
  queryRequest,
  readRequest,
  renameRequest,
  volumeRequest,
  writeRequest,
} from '../fixtures/script-client.js';

const OPEN = 1;
const CREATE = 2;
const DIRECTORY_FILE = 1;

let host: LocalHost | undefined;

async function start(fs: FileSystem<never> | FileSystem, options: LocalHostOptions = {}): Promise<LocalHost> {
  host = await LocalHost.start(fs, options);
  return host;
}

afterEach(async () => {
  await host?.stop();
  host = undefined;
});

/** A promise that the test settles. */
function deferred<T>() {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((a, b) => {
    resolve = a;
    reject = b;
  });
  return { promise, resolve, reject };
}

/** An object that promises take for one of them. */
function thenable(then: (resolve: (n: number) => void, reject: (e: Error) => void) => void): unknown {
  return Object.fromEntries([['then', then]]);
}

/** A file system whose reads wait until the test says so. */
class Waiting extends MemoryFs {
  readonly waiting: {
    buffer: Uint8Array;
    offset: number;
    request: IoRequest;
    resolve: (count: number) => void;
    reject: (error: unknown) => void;
  }[] = [];

  override read(
    _node: MemoryNode,
    buffer: Uint8Array,
    offset: number,
    request: IoRequest,
  ): number | Promise<number> {
    const { promise, resolve, reject } = deferred<number>();
    this.waiting.push({ buffer, offset, request, resolve, reject });
    return promise;
  }

  /** Answers the read at `index` with bytes that say which it was. */
  finish(index: number): void {
    const { buffer, offset, resolve } = this.waiting[index]!;
    buffer.fill(offset & 0xff);
    resolve(buffer.length);
  }
}

async function until(condition: () => boolean): Promise<void> {
  await expect.poll(condition, { timeout: 10_000, interval: 1 }).toBe(true);
}

describe('serving', () => {
  it('the life of a file', async () => {
    const fs = new MemoryFs();
    const on = await start(fs);
    const root = await on.create('\\', OPEN, DIRECTORY_FILE);
    expect(root).toMatchObject({ status: 0, information: 1 });
    const file = await on.create('\\Größe.txt', CREATE);
    expect(file).toMatchObject({ status: 0, information: 2, name: '\\Größe.txt' });
    const again = await on.create('\\GRÖßE.TXT', OPEN);
    expect(again).toMatchObject({ status: 0, name: '\\Größe.txt' });
    expect(again.context).not.toBe(file.context);
    const data = Buffer.from('Hallo, Welt');
    const written = await on.ask(writeRequest(file.context, 4, data.length), data);
    expect(written).toMatchObject({ status: 0, information: data.length });
    expect(written.bytes.readBigUInt64LE(24 + 16)).toBe(15n);
    expect(
      (await on.ask(writeRequest(file.context, -1, 1), Buffer.from('!'))).bytes.readBigUInt64LE(24 + 16),
    ).toBe(16n);
    const constrained = writeRequest(file.context, 10, 100, true);
    expect((await on.ask(constrained, Buffer.alloc(100, 'x'))).information).toBe(6);
    const read = await on.ask(readRequest(again.context, 2, 100));
    expect(read).toMatchObject({ status: 0, information: 14 });
    expect(read.data.subarray(0, 14).toString('latin1')).toBe('\0\0Hallo,xxxxxx');
    expect((await on.ask(readRequest(file.context, 16, 1))).status).toBe(NtStatus.END_OF_FILE);
    expect((await on.ask(endOfFileRequest(file.context, 3))).bytes.readBigUInt64LE(24 + 16)).toBe(3n);
    expect((await on.ask(flushRequest(file.context))).bytes.readBigUInt64LE(24 + 16)).toBe(3n);
    expect((await on.ask(flushRequest(0))).status).toBe(0);
    expect((await on.ask(renameRequest(file.context, '\\Größe.txt', '\\b', false))).status).toBe(0);
    const listing = await on.ask(directoryRequest(root.context, 4096));
    expect(namesOf(listing.data.subarray(0, listing.information))).toEqual(['b', '<end>']);
    await on.close(again.context, '\\b');
    await on.close(file.context, '\\b', 1);
    expect((await on.create('\\b', OPEN)).status).toBe(NtStatus.OBJECT_NAME_NOT_FOUND);
    await on.close(root.context, '\\');
    await on.stopClean();
    expect(fs.openCount).toBe(0);
  });

  it('a steady stream of requests leaves timers and promises their turn', async () => {
    const fs = new MemoryFs();
    const on = await start(fs);
    const tickets: bigint[] = [];
    let timerAfter = -1;
    // Whenever the dispatcher has emptied the rings and is about to wait, the next request arrives first.
    const atomics = Atomics as { waitAsync: (...args: [Int32Array, number, number]) => unknown };
    const original = atomics.waitAsync;
    const wait = (...args: [Int32Array, number, number]) => {
      if (tickets.length === 1) {
        setTimeout(() => {
          timerAfter = tickets.length;
        }, 1);
      }
      if (tickets.length < 2000 && timerAfter < 0) {
        tickets.push(on.submit(volumeRequest()));
        while (Atomics.load(args[0], args[1]) === args[2]) {}
      }
      return original(...args);
    };
    vi.spyOn(atomics, 'waitAsync').mockImplementation(wait);
    tickets.push(on.submit(volumeRequest()));
    await until(() => timerAfter >= 0);
    vi.restoreAllMocks();
    expect(timerAfter).toBeLessThan(2000);
    for (const ticket of tickets) {
      expect((await on.answer(ticket)).status).toBe(0);
    }
    await on.stopClean();
  });

  it('the receivers go on while a handler of theirs is pending', async () => {
    const fs = new Waiting();
    const on = await start(fs);
    const file = await on.create('\\f', CREATE);
    const tickets = Array.from({ length: 10 }, (_, i) => on.submit(readRequest(file.context, i, 8)));
    await until(() => fs.waiting.length === 10);
    expect((await on.ask(volumeRequest())).status).toBe(0);
    expect(tickets.map((ticket) => on.poll(ticket))).toEqual(tickets.map(() => null));
    for (const index of fs.waiting.keys()) {
      fs.finish(index);
    }
    for (const ticket of tickets) {
      expect((await on.answer(ticket)).status).toBe(0);
    }
    await on.close(file.context, '\\f');
    await on.stopClean();
  });
});

describe('the order of answers is the handlers’ own', () => {
  const orders: [string, (n: number) => number[]][] = [
    ['as asked', (n) => Array.from({ length: n }, (_, i) => i)],
    ['backwards', (n) => Array.from({ length: n }, (_, i) => n - 1 - i)],
    ['odd ones first', (n) => [...Array(n).keys()].sort((a, b) => (b % 2) - (a % 2) || a - b)],
    ['by a hash', (n) => [...Array(n).keys()].sort((a, b) => ((a * 7919) % 1009) - ((b * 7919) % 1009))],
  ];
  it.each(orders)('%s: each request gets its own bytes', async (_name, order) => {
    const fs = new Waiting();
    const on = await start(fs, { library: { strict: 2 } });
    const file = await on.create('\\f', CREATE);
    const tickets = Array.from({ length: 40 }, (_, i) => on.submit(readRequest(file.context, i, 16 + i)));
    await until(() => fs.waiting.length === 40);
    // Two receivers: the handlers may have been called in another order than the requests were made.
    const byOffset = [...fs.waiting.keys()].sort((a, b) => fs.waiting[a]!.offset - fs.waiting[b]!.offset);
    for (const which of order(40)) {
      fs.finish(byOffset[which]!);
      await null;
    }
    for (const [i, ticket] of tickets.entries()) {
      const { status, information, data } = await on.answer(ticket);
      expect([status, information]).toEqual([0, 16 + i]);
      expect(data.subarray(0, 16 + i).equals(Buffer.alloc(16 + i, i))).toBe(true);
    }
    await on.close(file.context, '\\f');
    await on.stopClean();
  });

  it('every order of four requests of different kinds', async () => {
    class Mixed extends Waiting {
      readonly gates: (() => void)[] = [];
      async #gate(): Promise<void> {
        await new Promise<void>((resolve) => this.gates.push(resolve));
      }
      override async read(node: MemoryNode, buffer: Uint8Array, offset: number, request: IoRequest) {
        await this.#gate();
        return MemoryFs.prototype.read.call(this, node, buffer, offset, request);
      }
      override async write(node: MemoryNode, buffer: Uint8Array, offset: number, request: WriteRequest) {
        await this.#gate();
        return super.write(node, buffer, offset, request);
      }
      override async readDirectory(node: MemoryNode, marker: string | null) {
        await this.#gate();
        return super.readDirectory(node, marker);
      }
    }
    const fs = new Mixed();
    const on = await start(fs, { library: { strict: 2 } });
    const root = await on.create('\\', OPEN, DIRECTORY_FILE);
    const file = await on.create('\\f', CREATE);
    const first = on.submit(writeRequest(file.context, 0, 8), Buffer.from('abcdefgh'));
    await until(() => fs.gates.length === 1);
    fs.gates.pop()!();
    expect((await on.answer(first)).status).toBe(0);
    for (const order of permutations([0, 1, 2, 3])) {
      const tickets: bigint[] = [];
      for (const [i, [request, data]] of (
        [
          [readRequest(file.context, 0, 8), null],
          [writeRequest(file.context, 8, 4), Buffer.from('ijkl')],
          [directoryRequest(root.context, 4096), null],
          [readRequest(file.context, 4, 2), null],
        ] as const
      ).entries()) {
        tickets.push(on.submit(request, data));
        await until(() => fs.gates.length === i + 1);
      }
      for (const index of order) {
        fs.gates[index]!();
        expect((await on.answer(tickets[index]!)).status).toBe(0);
      }
      fs.gates.length = 0;
    }
    await on.close(file.context, '\\f');
    await on.close(root.context, '\\');
    await on.stopClean();
  });

  it('1,000 pending at once', async () => {
    const fs = new Waiting();
    const on = await start(fs, { library: { strict: 2 } });
    const file = await on.create('\\f', CREATE);
    const tickets = Array.from({ length: 1000 }, (_, i) => on.submit(readRequest(file.context, i, 32)));
    await until(() => fs.waiting.length === 1000);
    expect(on.volume.dispatcher.pendingCount).toBe(1000);
    expect((await on.ask(queryRequest(file.context))).status).toBe(0);
    for (const index of [...fs.waiting.keys()].sort((a, b) => ((a * 7919) % 997) - ((b * 7919) % 997))) {
      fs.finish(index);
    }
    for (const [i, ticket] of tickets.entries()) {
      const { data } = await on.answer(ticket);
      expect(data[31]).toBe(i & 0xff);
    }
    await on.close(file.context, '\\f');
    await on.stopClean();
  });
});

describe('handlers that settle badly', () => {
  const junk: [string, (buffer: Uint8Array) => unknown][] = [
    [
      'throws',
      () => {
        throw new Error('broken');
      },
    ],
    [
      'throws nothing',
      () => {
        throw undefined;
      },
    ],
    [
      'throws an object whose properties throw',
      () => {
        throw new Proxy(
          {},
          {
            get() {
              throw new Error('no');
            },
          },
        );
      },
    ],
    ['rejects with an Error', () => Promise.reject(new Error('broken'))],
    ['rejects with undefined', () => Promise.reject(undefined)],
    ['rejects with a number', () => Promise.reject(-1)],
    ['rejects with null', () => Promise.reject(null)],
    [
      'rejects with an NtStatusError look-alike of success',
      () => Promise.reject(Object.assign(new Error(), { name: 'NtStatusError', ntStatus: 0 })),
    ],
    ['resolves to nothing', () => Promise.resolve()],
    ['resolves to a fraction', () => Promise.resolve(0.5)],
    ['resolves to more than was asked for', (buffer) => Promise.resolve(buffer.length + 1)],
    ['resolves to a negative number', () => Promise.resolve(-1073741823)],
    ['returns a string', () => '5'],
    ['returns a bigint', () => 5n],
    [
      'a then that throws',
      () =>
        thenable(() => {
          throw new Error('broken');
        }),
    ],
    [
      'a then whose look-up throws',
      () =>
        Object.defineProperty({}, 'then', {
          get() {
            throw new Error('broken');
          },
        }),
    ],
  ];
  it.each(junk)('%s: INTERNAL_ERROR, told once, and life goes on', async (_name, handler) => {
    class Broken extends MemoryFs {
      override read(_node: MemoryNode, buffer: Uint8Array): number | Promise<number> {
        return handler(buffer) as number;
      }
      override write(_node: MemoryNode, buffer: Uint8Array) {
        return handler(buffer) as never;
      }
      override readDirectory() {
        return handler(new Uint8Array(0)) as never;
      }
    }
    const on = await start(new Broken(), { library: { strict: 2 } });
    const root = await on.create('\\', OPEN, DIRECTORY_FILE);
    const file = await on.create('\\f', CREATE);
    const asked = [
      await on.ask(readRequest(file.context, 0, 10)),
      await on.ask(writeRequest(file.context, 0, 10), Buffer.alloc(10)),
      await on.ask(directoryRequest(root.context, 4096)),
    ];
    // A string can be listed: it has no file names, but that shows only while listing.
    expect(asked.map(({ status }) => status)).toEqual(asked.map(() => NtStatus.INTERNAL_ERROR));
    expect(asked.map(({ information }) => information)).toEqual([0, 0, 0]);
    expect(on.errors.map(([where]) => where)).toEqual(['Read', 'Write', 'QueryDirectory']);
    expect(on.statistics.handlerErrors).toBe(3);
    expect((await on.ask(queryRequest(file.context))).status).toBe(0);
    await on.close(file.context, '\\f');
    await on.close(root.context, '\\');
    expect(await on.stop()).toEqual([]);
  });

  it('a thenable that settles twice, at once and later, is answered once', async () => {
    class Twice extends MemoryFs {
      override read(_node: MemoryNode, buffer: Uint8Array): number | Promise<number> {
        buffer.fill(7);
        return thenable((resolve: (n: number) => void, reject: (e: Error) => void) => {
          resolve(3);
          resolve(5);
          reject(new Error('after all'));
          setTimeout(() => resolve(4), 5);
        }) as never;
      }
    }
    const on = await start(new Twice(), { library: { strict: 2 } });
    const file = await on.create('\\f', CREATE);
    expect(await on.ask(readRequest(file.context, 0, 10))).toMatchObject({ status: 0, information: 3 });
    await sleep(20);
    expect((await on.ask(volumeRequest())).status).toBe(0);
    await on.close(file.context, '\\f');
    await on.stopClean();
  });

  it('a promise of a synchronous method is refused', async () => {
    class Broken extends MemoryFs {
      override getFileInfo(): never {
        return Promise.reject(new Error('too late')) as never;
      }
    }
    const on = await start(new Broken());
    expect((await on.create('\\f', CREATE)).status).toBe(NtStatus.INTERNAL_ERROR);
    expect(on.errors[0]?.[1]).toMatch(/promise/);
    expect(await on.stop()).toEqual([]);
  });
});

describe('lent memory', () => {
  it('is taken back before the answer is sent, also from a handler that keeps it', async () => {
    const kept: Uint8Array[] = [];
    class Keeping extends MemoryFs {
      override read(node: MemoryNode, buffer: Uint8Array, offset: number, request: IoRequest) {
        kept.push(buffer, buffer.subarray(1));
        return super.read(node, buffer, offset, request);
      }
      override async write(node: MemoryNode, buffer: Uint8Array, offset: number, request: WriteRequest) {
        kept.push(buffer, Buffer.from(buffer.buffer));
        await null;
        return super.write(node, buffer, offset, request);
      }
    }
    const on = await start(new Keeping(), { library: { strict: 2 } });
    const file = await on.create('\\f', CREATE);
    await on.ask(writeRequest(file.context, 0, 10), Buffer.from('0123456789'));
    await on.ask(readRequest(file.context, 0, 10));
    expect(kept).toHaveLength(4);
    for (const bytes of kept) {
      expect(bytes.length).toBe(0);
      expect(() => bytes.fill(1)).toThrow(TypeError);
      expect(() => bytes.set([1])).toThrow(TypeError);
      expect(() => new DataView(bytes.buffer)).toThrow(TypeError);
      bytes[0] = 1;
      expect(bytes[0]).toBeUndefined();
    }
    await on.close(file.context, '\\f');
    await on.stopClean();
  });
});

describe('the end of a handle', () => {
  it('Cleanup aborts what is under way; a rejection with the reason is CANCELLED and no error', async () => {
    class Abortable extends Waiting {
      override async read(node: MemoryNode, buffer: Uint8Array, offset: number, request: IoRequest) {
        const waiting = super.read(node, buffer, offset, request) as Promise<number>;
        const aborted = new Promise<never>((_, reject) => {
          request.signal.addEventListener('abort', () => reject(request.signal.reason), { once: true });
        });
        return Promise.race([waiting, aborted]);
      }
    }
    const fs = new Abortable();
    const on = await start(fs, { library: { strict: 2 } });
    const file = await on.create('\\f', CREATE);
    const other = await on.create('\\f', OPEN);
    const doomed = Array.from({ length: 5 }, (_, i) => on.submit(readRequest(file.context, i, 8)));
    const spared = on.submit(readRequest(other.context, 77, 8));
    await until(() => fs.waiting.length === 6);
    await on.ask(cleanupRequest(file.context, '\\f'));
    for (const ticket of doomed) {
      expect((await on.answer(ticket)).status).toBe(NtStatus.CANCELLED);
    }
    expect(on.poll(spared)).toBeNull();
    fs.finish(fs.waiting.findIndex(({ offset }) => offset === 77));
    expect((await on.answer(spared)).status).toBe(0);
    await on.ask(closeRequest(file.context));
    await on.close(other.context, '\\f');
    await on.stopClean();
  });

  it('requests after Cleanup, and the cache’s writes at any time, are not under the aborted signal', async () => {
    const signals: boolean[] = [];
    const gate = deferred<void>();
    class Watching extends MemoryFs {
      override async write(node: MemoryNode, buffer: Uint8Array, offset: number, request: WriteRequest) {
        const { signal } = request;
        if (offset === 0) {
          await gate.promise;
        }
        signals.push(signal.aborted);
        return super.write(node, buffer, offset, request);
      }
    }
    const on = await start(new Watching());
    const file = await on.create('\\f', CREATE);
    await on.ask(endOfFileRequest(file.context, 8192));
    const pending = on.submit(writeRequest(file.context, 0, 4, true), Buffer.from('abcd'));
    await until(() => on.volume.dispatcher.pendingCount === 1);
    await on.ask(cleanupRequest(file.context, '\\f'));
    gate.resolve();
    expect((await on.answer(pending)).information).toBe(4);
    expect((await on.ask(writeRequest(file.context, 4096, 4, true), Buffer.from('efgh'))).information).toBe(
      4,
    );
    expect((await on.ask(writeRequest(file.context, 10, 4), Buffer.from('ijkl'))).status).toBe(0);
    expect(signals).toEqual([false, false, false]);
    await on.ask(closeRequest(file.context));
    await on.stopClean();
  });

  it('a request of a handle that is closed is refused, and never reaches another file', async () => {
    const on = await start(new MemoryFs());
    const file = await on.create('\\f', CREATE);
    await on.close(file.context, '\\f');
    const other = await on.create('\\g', CREATE);
    expect(other.context).not.toBe(file.context);
    for (const request of [readRequest(file.context, 0, 1), queryRequest(file.context)]) {
      expect((await on.ask(request)).status).toBe(NtStatus.INVALID_HANDLE);
    }
    await on.close(other.context, '\\g');
    await on.stop();
  });
});

describe('the end of the volume', () => {
  it('stop() aborts, waits for the handlers, and closes what is open', async () => {
    const fs = new Waiting();
    const on = await start(fs);
    const file = await on.create('\\f', CREATE);
    const tickets = Array.from({ length: 3 }, (_, i) => on.submit(readRequest(file.context, i, 8)));
    await until(() => fs.waiting.length === 3);
    for (const { request, resolve, buffer } of fs.waiting) {
      request.signal.addEventListener('abort', () =>
        setTimeout(() => {
          buffer.fill(1); // still lent
          resolve(1);
        }, 20),
      );
    }
    await on.volume.dispatcher.stop();
    for (const ticket of tickets) {
      expect(on.poll(ticket)?.status).toBe(NtStatus.CANCELLED);
    }
    expect(await on.stop()).toEqual([]);
    expect(fs.openCount).toBe(0);
    await on.stopClean();
  });

  it('handlers that never settle: after the grace they are answered for them, what they do later harms nobody', async () => {
    class Never extends Waiting {
      readonly lists: ReturnType<typeof deferred<never[]>>[] = [];
      override readDirectory() {
        const list = deferred<never[]>();
        this.lists.push(list);
        return list.promise;
      }
    }
    const fs = new Never();
    const on = await start(fs, { stopGraceMs: 50, library: { strict: 2 } });
    const root = await on.create('\\', OPEN, DIRECTORY_FILE);
    const file = await on.create('\\f', CREATE);
    const tickets = [on.submit(readRequest(file.context, 0, 8)), on.submit(readRequest(file.context, 1, 8))];
    tickets.push(on.submit(directoryRequest(root.context, 4096)));
    await until(() => fs.waiting.length === 2 && fs.lists.length === 1);
    expect(await on.stop()).toEqual([]);
    expect(on.errors).toHaveLength(1);
    expect(on.errors[0]![1]).toMatch(/3 handlers had not settled/);
    const [first, second] = fs.waiting;
    expect(first!.buffer.length).toBe(0);
    expect(first!.request.signal.aborted).toBe(true);
    // After Stop: late results of every sort.
    first!.resolve(8);
    second!.reject(new Error('late'));
    fs.lists[0]!.resolve(
      Array.from({ length: 200 }, (_, i) => ({
        fileName: `name${i}`,
        fileInfo: fs.getFileInfo(root as never),
      })) as never,
    );
    await sleep(20);
    expect(on.volume.adapter.lentBuffers).toBe(0);
  });

  it('after Stop0 by someone else: what is under way ends, and the reason is told', async () => {
    const fs = new Waiting();
    const on = await start(fs);
    const file = await on.create('\\f', CREATE);
    const ticket = on.submit(readRequest(file.context, 0, 8));
    await until(() => fs.waiting.length === 1);
    const { library, data } = on.volume.reference;
    library.fspFsctlStop0(data.volumeHandle);
    expect(await on.volume.ended).toEqual({ reason: 'volume-gone', error: null });
    expect(() => on.submit(volumeRequest())).toThrow();
    fs.finish(0);
    await sleep(5);
    expect(on.poll(ticket)).toBeNull(); // ignored by the driver from Stop0 on
    await on.volume.dispatcher.stop();
    expect(on.poll(ticket)?.status).toBe(NtStatus.CANCELLED);
    await on.stopClean();
  });

  it.each([0, 1, 5, 30])(
    'in a burst, %d ms after it began: every request ends, nothing is left',
    async (delay) => {
      class Slow extends MemoryFs {
        override async read(node: MemoryNode, buffer: Uint8Array, offset: number, request: IoRequest) {
          await sleep((offset * 7) % 13);
          return super.read(node, buffer, offset, request);
        }
      }
      const fs = new Slow();
      const on = await start(fs, { library: { strict: 2 } });
      const file = await on.create('\\f', CREATE);
      await on.ask(endOfFileRequest(file.context, 1000));
      const tickets = Array.from({ length: 300 }, (_, i) =>
        i % 3 === 0 ? on.submit(queryRequest(file.context)) : on.submit(readRequest(file.context, i, 5)),
      );
      await sleep(delay);
      await on.volume.dispatcher.stop();
      for (const ticket of tickets) {
        expect([0, NtStatus.CANCELLED]).toContain(on.poll(ticket)?.status);
      }
      await on.stopClean();
    },
  );
});

it('starts once: a second start is refused and disturbs nothing', async () => {
  const on = await start(new MemoryFs());
  await expect(on.volume.dispatcher.start()).rejects.toThrow('start() once');
  const file = await on.create('\\f', CREATE);
  expect((await on.ask(queryRequest(file.context))).status).toBe(0);
  await on.close(file.context, '\\f');
  await on.stopClean();
});

describe('answers whose completion blocks in the driver', () => {
  const CACHED = { FileInfoTimeout: 0xffffffff };

  it('go to completionThreads; the thread of the handlers never waits', async () => {
    // The library then holds completions back until a nested request is answered, as the Windows driver may.
    const fs = new MemoryFs();
    const on = await startNesting(fs, { volumeParams: CACHED, library: { hold_completion: 1 } });
    const directory = await on.create('\\d', CREATE, DIRECTORY_FILE);
    const file = await on.create('\\d\\f', CREATE);
    await on.ask(endOfFileRequest(file.context, 5));
    await on.ask(endOfFileRequest(file.context, 7));
    await on.ask(writeRequest(file.context, 0, 5), Buffer.alloc(5));
    await on.ask(writeRequest(file.context, 0, 5, true), Buffer.alloc(5));
    await on.ask(readRequest(file.context, 0, 5));
    await on.ask(queryRequest(file.context));
    await on.ask(flushRequest(file.context));
    await on.ask(renameRequest(directory.context, '\\d', '\\e', false));
    await on.close(file.context, '\\e\\f');
    await on.close(directory.context, '\\e');
    const figures = on.statistics;
    expect(figures.answersByCompletion1).toBe(1);
    expect(figures.answersByCompletion2).toBeGreaterThanOrEqual(4);
    await on.stopClean();
  });

  it('several at once, each waiting for the next one’s answer', async () => {
    const on = await startNesting(new MemoryFs(), { volumeParams: CACHED });
    const file = await on.create('\\f', CREATE);
    await on.ask(endOfFileRequest(file.context, 5));
    const query = on.submit(queryRequest(file.context));
    const rename = on.submit(renameRequest(file.context, '\\f', '\\g', false));
    const last = on.submit(readRequest(file.context, 0, 5));
    try {
      on.client.hold(query, last);
      on.client.hold(rename, last);
    } catch {
      // Answered already: as good.
    }
    for (const ticket of [last, query, rename]) {
      expect((await on.answer(ticket)).status).toBe(0);
    }
    await on.close(file.context, '\\g');
    await on.stopClean();
  });
});

async function startNesting(fs: MemoryFs, options: LocalHostOptions): Promise<LocalHost> {
  return start(fs, { ...options, completionsNest: true });
}

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length <= 1) {
    return [[...items]];
  }
  return items.flatMap((item, i) =>
    permutations([...items.slice(0, i), ...items.slice(i + 1)]).map((rest) => [item, ...rest]),
  );
}
