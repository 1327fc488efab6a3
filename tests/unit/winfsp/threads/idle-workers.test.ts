import { once } from 'node:events';
import { expect, it } from 'vitest';
import { IdleWorkers, startedWorkers } from '../../../../src/winfsp/threads/idle-workers.js';

/** Any worker that ends when it gets null. */
const SCRIPT = 'threads/library-worker-main.js';

it('hands out again what was given back under the same key, and nothing else', async () => {
  const workers = new IdleWorkers(SCRIPT, 'test', 2);
  const before = startedWorkers();
  const first = workers.take('a');
  workers.give(first, 'a');
  const second = workers.take('b');
  expect(second).not.toBe(first);
  expect(workers.take('a')).toBe(first);
  expect(workers.take('a')).not.toBe(first);
  expect(startedWorkers()).toBe(before + 3);
});

it('ends what is more than it keeps', async () => {
  const workers = new IdleWorkers(SCRIPT, 'test', 1);
  const [kept, ended] = [workers.take(), workers.take()];
  workers.give(kept);
  const exit = once(ended, 'exit');
  workers.give(ended);
  expect(await exit).toEqual([0]);
  expect(workers.take()).toBe(kept);
});

it('does not hand out one that has died meanwhile', async () => {
  const workers = new IdleWorkers(SCRIPT, 'test', 1);
  const worker = workers.take();
  workers.give(worker);
  await worker.terminate();
  expect(workers.take()).not.toBe(worker);
});
