/** A stop that systemd has asked for: tried again while there is time, then without the image, in order. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { stopForSystemd } from '../../../../src/cli/mount/stop-for-systemd.js';
import { DriveError } from '../../../../src/drive/errors.js';
import { SERVICE_STOP_TIMEOUT_MS } from '../../../../src/drive/service/service-definition.js';

vi.mock('node:timers/promises', () => ({
  setTimeout: (ms: number) => new Promise((resolve) => setTimeout(resolve, ms)),
}));

const notSaved = new DriveError('NOT_SAVED', 'The image is not saved: no space.');

describe('a stop that systemd has asked for', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it('saves as soon as that is possible, and says the reason once', async () => {
    const stop = vi
      .fn(async () => {})
      .mockRejectedValueOnce(notSaved)
      .mockRejectedValueOnce(notSaved);
    const said: string[] = [];
    const stopped = stopForSystemd({ stop }, (message) => said.push(message));
    await vi.advanceTimersByTimeAsync(30_000);
    await stopped;
    expect(stop.mock.calls).toEqual([[], [], []]);
    expect(said).toHaveLength(2);
    expect(said[0]).toContain('no space');
    expect(said[1]).toContain('stays mounted for 120 seconds');
  });

  it('ends without the image before systemd kills it', async () => {
    const stop = vi.fn(async (options?: { discard?: boolean }) => {
      if (!options?.discard) throw notSaved;
    });
    const said: string[] = [];
    let isStopped = false;
    void stopForSystemd({ stop }, (message) => said.push(message)).then(() => {
      isStopped = true;
    });
    await vi.advanceTimersByTimeAsync(100_000);
    expect(isStopped).toBe(false);
    await vi.advanceTimersByTimeAsync(SERVICE_STOP_TIMEOUT_MS - 100_000 - 30_000);
    expect(isStopped).toBe(true);
    expect(stop.mock.lastCall).toEqual([{ discard: true }]);
    expect(said.at(-1)).toMatch(/^the drive ends without its image: .*no space/);
  });

  it('throws what else goes wrong', async () => {
    const stop = vi.fn(async () => {}).mockRejectedValue(new DriveError('TIMEOUT', 'unmounting'));
    await expect(stopForSystemd({ stop }, () => {})).rejects.toThrow('unmounting');
    expect(stop).toHaveBeenCalledTimes(1);
  });
});
