/**
 * A thread of a dispatcher that dies takes requests or answers with it: the volume must end and say why, rather than
 * let programs wait.
 */
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { MemoryFs } from '../../../../examples/memory-fs.js';
import { LoopState } from '../../../../src/winfsp/memory/control-block.js';
import { currentThreadId, ThreadWatch } from '../../../../src/winfsp/threads/thread-watch.js';
import { Host } from '../fixtures/host.js';
import { LocalHost } from '../fixtures/local-host.js';
import { volumeRequest } from '../fixtures/script-client.js';

afterEach(() => vi.restoreAllMocks());

describe('a volume on this thread', () => {
  it.each([
    ['receiver', 'receiver'],
    ['completionThread', 'completion'],
  ])('ends when a %s dies', async (kind, name) => {
    const jobs = vi.spyOn(Worker.prototype, 'postMessage');
    const host = await LocalHost.start(new MemoryFs(), { completionsNest: true });
    const index = jobs.mock.calls.findIndex(([job]) => (job as { kind: string }).kind === kind);
    expect((await host.ask(volumeRequest())).status).toBe(0);

    await (jobs.mock.contexts[index] as Worker).terminate();
    const end = await host.volume.ended;
    expect(end).toMatchObject({ reason: 'died', error: { message: `A ${name} thread died (exit code 1).` } });
    await host.stopClean();
    expect(host.volume.reference.loopState).toBe(LoopState.TEARDOWN);
  });
});

describe('a volume that is served inline', () => {
  it('ends when a completion thread dies', async () => {
    const host = await Host.start({
      dispatcher: { completionsNest: true },
      behaviour: { broken: { getVolumeInfo: 'ends a completion thread' } },
    });
    host.client.submit(volumeRequest());
    await host.exited();
    const report = await host.stop();
    expect(report.end.message).toMatch(/^A completion thread died\. Answers that it held are lost/);
    expect(report).toMatchObject({ end: { reason: 'thrown' }, disposed: true, errors: [] });
    expect(report.leaked).toEqual({ callbacks: 0, blocks: 0 });
  });
});

describe('the watch over a thread', () => {
  it('tells a thread that runs from one that has ended', async () => {
    expect(new ThreadWatch(currentThreadId()).isAlive).toBe(true);
    const body = `const { basename } = require('node:path');
      require('node:worker_threads').parentPort.on('message', () => {});
      require('node:worker_threads').parentPort.postMessage(
        Number(basename(require('node:fs').readlinkSync('/proc/thread-self'))));`;
    const worker = new Worker(body, { eval: true });
    const watch = new ThreadWatch(await new Promise<number>((resolve) => worker.once('message', resolve)));
    expect(watch.isAlive).toBe(true);
    void worker.terminate();
    // Without this thread's event loop, as a dispatcher that serves inline would see it.
    const deadline = Date.now() + 20_000;
    while (watch.isAlive && Date.now() < deadline) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
    expect(watch.isAlive).toBe(false);
    watch.free();
  });
});
