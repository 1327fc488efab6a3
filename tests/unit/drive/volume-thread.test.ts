/** VolumeThread and a worker that answers late, or never: who waits is told, and nothing is kept or held up. */
import type { EventEmitter } from 'node:events';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { defaultSettings } from '../../../src/drive/config/settings.js';
import type { RequestMessage } from '../../../src/drive/requests/messages.js';
import { VolumeThread } from '../../../src/drive/volume-thread.js';
import { DriveCommand, type VolumeThreadInput } from '../../../src/drive/volume-thread-messages.js';
import { ControlWord, DEVICE_DISK, LoopState } from '../../../src/winfsp/index.js';

const made = vi.hoisted(() => ({ workers: [] as unknown[], options: [] as unknown[][] }));

vi.mock('node:worker_threads', async (importOriginal) => {
  const original = await importOriginal<typeof import('node:worker_threads')>();
  const { EventEmitter: Emitter } = await import('node:events');
  class SilentWorker extends Emitter {
    readonly input: unknown;
    readonly messages: unknown[] = [];
    constructor(_url: URL, { workerData }: { workerData: unknown }) {
      super();
      this.input = workerData;
      made.workers.push(this);
    }
    postMessage(message: unknown) {
      this.messages.push(message);
    }
  }
  return { ...original, Worker: SilentWorker };
});

vi.mock('../../../src/winfsp/index.js', async (importOriginal) => ({
  ...(await importOriginal<typeof import('../../../src/winfsp/index.js')>()),
  loadWinFsp: () => ({
    optional:
      () =>
      (...args: unknown[]) => {
        made.options.push(args);
        return 0;
      },
    fspFsctlStop0: () => 0,
    fspFsctlStop: () => {},
    fspFileSystemRemoveMountPoint: () => {},
  }),
}));

let drive: VolumeThread;
let worker: EventEmitter & { input: VolumeThreadInput; messages: RequestMessage[] };

beforeEach(async () => {
  made.options.length = 0;
  const started = VolumeThread.start(
    { ...defaultSettings(process.platform), mountPoint: '' },
    { device: DEVICE_DISK, volumePrefix: undefined },
  );
  worker = made.workers.pop() as typeof worker;
  const { control } = worker.input;
  worker.emit('message', { type: 'ready', reference: { fileSystemAddress: 1, volumeHandle: 2, control } });
  drive = await started;
});

afterEach(async () => {
  vi.useRealTimers();
  worker.emit('exit', 0);
  await drive.ended;
});

/** As the worker does: takes the request, and answers later. */
function takeRequest(control = worker.input.control): {
  request: unknown;
  answer: (answer: unknown) => void;
} {
  expect(Atomics.exchange(control, ControlWord.COMMAND, DriveCommand.NONE)).toBe(DriveCommand.REQUEST);
  const { id, request } = worker.messages.shift()!;
  return { request, answer: (answer) => worker.emit('message', { type: 'answer', id, answer }) };
}

function takeCheck(): (violations: string[] | null) => void {
  const { request, answer } = takeRequest();
  expect(request).toEqual({ command: 'selfCheck', milliseconds: expect.any(Number) });
  return (violations) => answer({ result: { violations, milliseconds: 1 } });
}

it('a check that was given up does not answer the next one', async () => {
  vi.useFakeTimers();
  const first = drive.selfCheck();
  const givenUp = expect(first).rejects.toMatchObject({ code: 'TIMEOUT' });
  const answerFirst = takeCheck();
  await vi.advanceTimersByTimeAsync(600_000);
  await givenUp;
  const second = drive.selfCheck();
  const answerSecond = takeCheck();
  answerFirst(['of the first']);
  answerSecond(['of the second']);
  expect((await second).violations).toEqual(['of the second']);
});

it('a check goes on piece by piece, and counts the time of all', async () => {
  const check = drive.selfCheck();
  for (let piece = 0; piece < 5; piece++) {
    await vi.waitFor(() => expect(worker.messages).toHaveLength(1));
    takeCheck()(piece < 4 ? null : ['found']);
  }
  expect(await check).toMatchObject({ violations: ['found'], violationCount: 1, milliseconds: 5 });
});

it('a check ends with the drive between two pieces', async () => {
  const check = expect(drive.selfCheck()).rejects.toMatchObject({ code: 'NOT_RUNNING' });
  takeCheck()(null);
  worker.emit('exit', 1);
  await check;
});

it('a check leaves nothing behind that waits for the end of the drive', async () => {
  const then = vi.spyOn(drive.ended, 'then');
  for (let i = 0; i < 10; i++) {
    const check = drive.selfCheck();
    takeCheck()([]);
    await check;
  }
  expect(then).not.toHaveBeenCalled();
});

it('a check is told of the end of the drive', async () => {
  const check = expect(drive.selfCheck()).rejects.toMatchObject({ code: 'NOT_RUNNING' });
  worker.emit('exit', 1);
  await check;
});

it.skipIf(process.platform === 'win32')('a check wakes the loop', async () => {
  const check = drive.selfCheck();
  expect(made.options).toEqual([[1, 'wake', 1]]);
  takeCheck()([]);
  await check;
});

it('the end of a worker in its loop does not hold up this thread', async () => {
  Atomics.store(worker.input.control, ControlWord.LOOP_STATE, LoopState.RUNNING);
  const begun = performance.now();
  worker.emit('exit', 1);
  expect(performance.now() - begun).toBeLessThan(1000);
  expect(await drive.ended).toMatchObject({ reason: 'died' });
  expect(Atomics.load(worker.input.control, ControlWord.LOOP_STATE)).toBe(LoopState.TEARDOWN);
});

const ALMOST_AN_HOUR_MS = 59 * 60_000;

it('a save that takes hours is waited for while it goes on', async () => {
  vi.useFakeTimers();
  const save = drive.save('/drive.tar');
  await vi.advanceTimersByTimeAsync(0);
  const saver = made.workers.pop() as EventEmitter;
  for (let hour = 0; hour < 3; hour++) {
    await vi.advanceTimersByTimeAsync(ALMOST_AN_HOUR_MS);
    saver.emit('message', { type: 'progress', doneBytes: hour, totalBytes: 3 });
  }
  saver.emit('message', { type: 'saved', files: 1, bytes: 3, identity: '' });
  saver.emit('exit', 0);
  expect(await save).toMatchObject({ files: 1 });
});

it('an end that saves for hours is waited for while it goes on', async () => {
  vi.useFakeTimers();
  let isStopped = false;
  const stop = drive.stop().then(() => {
    isStopped = true;
  });
  // A drive without an image has ten seconds.
  for (let i = 0; i < 10; i++) {
    await vi.advanceTimersByTimeAsync(9_000);
    worker.emit('message', {
      type: 'saving',
      progress: { path: '/drive.tar', doneBytes: i, totalBytes: 10 },
    });
  }
  expect(isStopped).toBe(false);
  worker.emit('exit', 0);
  await stop;
});
