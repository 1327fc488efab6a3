/** A process that was stopped has not waited. */
import { afterEach, expect, it, vi } from 'vitest';
import { AwakeClock } from '../../chaos/awake-clock.js';

afterEach(() => {
  vi.useRealTimers();
});

it('counts the time that passes awake, and hardly any of a long sleep', () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
  const clock = new AwakeClock();
  vi.advanceTimersByTime(5000);
  expect(clock.nowMs).toBeCloseTo(5000);
  // As after SIGCONT: the clock has gone on, and one tick comes.
  const before = performance.now();
  vi.spyOn(performance, 'now').mockImplementation(() => before + 3_600_000);
  vi.advanceTimersByTime(100);
  expect(clock.nowMs).toBeCloseTo(6000);
  clock.stop();
});
