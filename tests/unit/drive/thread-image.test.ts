/**
 * The thread that owns a volume while a save reads it: no page that the save has yet to read changes or goes, whoever
 * waits for that.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { afterEach, expect, it } from 'vitest';
import { ThreadImage } from '../../../src/drive/image/thread-image.js';
import { verifyImage } from '../../../src/image/image-file.js';
import type { Moment } from '../../../src/image/moment.js';
import { SaveState } from '../../../src/image/save-state.js';
import { RamVolume } from '../../../src/volume/ram-volume.js';
import { allocateStatistics } from '../../../src/winfsp/index.js';
import { StatisticsWriter } from '../../../src/winfsp/memory/statistics.js';
import { PlainPageMemory } from '../../support/plain-page-memory.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const PAGE = 16;
const PAGES = 10;
/** Ends the reads of a save some time after it is told to; until then the first word of `log` is 0. */
const READER = `
const { parentPort, workerData: { log, state } } = require('node:worker_threads');
const [words, reads] = [new Int32Array(log), new Int32Array(state)];
parentPort.postMessage('ready');
Atomics.wait(words, 1, 0);
Atomics.wait(words, 2, 0, 200);
Atomics.store(words, 0, 1);
Atomics.store(reads, 0, 1);
Atomics.notify(reads, 0);
`;

const workers: Worker[] = [];
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.terminate()));
});

function rig() {
  const memory = new PlainPageMemory({ pageSizeBytes: PAGE, pageCount: PAGES });
  const volume = new RamVolume({ memory, caseSensitive: true, label: '' });
  const image = new ThreadImage({
    path: undefined,
    statistics: allocateStatistics(),
    standsStill: false,
    post: (message) => expect(message).toBeNull(),
  });
  return { memory, volume, image };
}

/** Writes a file of so many pages that hold one byte. */
function put({ memory, volume }: ReturnType<typeof rig>, path: string, pages: number, byte: number): number {
  const made = volume.create(path, 0, false, null, 0);
  const inode = typeof made === 'number' ? volume.open(path) : made;
  if (typeof inode === 'number') throw new Error(`${path}: ${inode}`);
  const address = memory.put(new Uint8Array(pages * PAGE).fill(byte));
  const written = volume.write(inode, 0, pages * PAGE, address, false, false);
  volume.close(inode);
  return written;
}

/** A reader in another thread, which is ready. `isDone`: whether it has ended its reads. */
async function newReader(): Promise<{ state: SharedArrayBuffer; start(): void; isDone(): boolean }> {
  const words = new Int32Array(new SharedArrayBuffer(12));
  const state = new SaveState().memory;
  const worker = new Worker(READER, { eval: true, workerData: { log: words.buffer, state } });
  workers.push(worker);
  await new Promise((resolve) => worker.once('message', resolve));
  return {
    state,
    start() {
      Atomics.store(words, 1, 1);
      Atomics.notify(words, 1);
    },
    isDone: () => Atomics.load(words, 0) === 1,
  };
}

function begin({ volume, image }: ReturnType<typeof rig>, state: SharedArrayBuffer): Moment {
  const { port1, port2 } = new MessageChannel();
  image.handle(volume, { type: 'save', moment: port2, state });
  const received = receiveMessageOnPort(port1);
  port1.close();
  if (received === undefined) throw new Error('no moment');
  return received.message as Moment;
}

/** The bytes of the moment's only file, where they are in page memory. */
function contentOf({ runs }: Moment, memory: PlainPageMemory): number[] {
  const bytes: number[] = [];
  for (let at = 0; at < runs.length; at += 3) bytes.push(...memory.get(runs[at + 2]!, runs[at + 1]!));
  return bytes;
}

it('keeps what a save reads while the volume changes, and a program that needs its room waits', async () => {
  const one = rig();
  put(one, '\\a', 4, 1);
  const { state, start, isDone } = await newReader();
  const free = one.volume.freeBytes;
  const moment = begin(one, state);
  expect(one.volume.freeBytes).toBe(free);
  expect(put(one, '\\a', 4, 2)).toBe(4 * PAGE);
  expect(put(one, '\\b', 3, 3)).toBeLessThan(0);
  expect(contentOf(moment, one.memory)).toEqual(new Array(4 * PAGE).fill(1));
  start();
  expect(one.image.makeRoom(one.volume)).toBe(true);
  expect(isDone()).toBe(true);
  expect(put(one, '\\b', 3, 3)).toBe(3 * PAGE);
  expect(one.image.makeRoom(one.volume)).toBe(false);
  one.image.handle(one.volume, { type: 'saveEnded', identity: null });
  expect(one.volume.selfCheck()).toEqual([]);
});

it('lets the volume stand still until the reads have ended where no snapshot has room', async () => {
  const one = rig();
  put(one, '\\a', 6, 1);
  const { state, start, isDone } = await newReader();
  start();
  begin(one, state);
  // The next request comes now.
  expect(isDone()).toBe(true);
  expect(one.image.makeRoom(one.volume)).toBe(false);
});

it('does not give the memory back before the thread that reads it has ended', async () => {
  const one = rig();
  put(one, '\\a', 4, 1);
  begin(one, new SaveState().memory);
  let isIdle = false;
  let looks = 0;
  const idle = one.image
    .untilIdle(() => looks++)
    .then((result) => {
      isIdle = result;
    });
  await sleep(100);
  expect(isIdle).toBe(false);
  expect(looks).toBeGreaterThan(0);
  one.image.handle(one.volume, { type: 'saveEnded', identity: null });
  await idle;
  expect(isIdle).toBe(true);
});

it('tells how far it has come when it saves after the last request', async () => {
  const { volume } = rig();
  const path = join(temporaryFolder('at-end'), 'drive.tar');
  const statistics = allocateStatistics();
  const messages: unknown[] = [];
  const image = new ThreadImage({
    path,
    statistics,
    standsStill: false,
    post: (message) => messages.push(message),
  });
  await image.load(volume);
  volume.create('\\empty', 0, false, null, 0);
  // Without a request the drive was never mounted, and nothing is saved.
  await image.saveChanges(volume);
  expect(messages).toEqual([]);
  new StatisticsWriter(statistics).request(3, false, 0, 1);
  await image.saveChanges(volume);
  expect(messages).toEqual([{ type: 'saving', progress: { path, doneBytes: 0, totalBytes: 0 } }]);
  expect((await verifyImage(path, { entry() {} })).files).toBe(1);
});
