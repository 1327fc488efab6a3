/** Periodic saves: as often as asked, only when something may have changed, and on after a failure. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { resolveSettings } from '../../../src/drive/config/config.js';
import { PeriodicSaves } from '../../../src/drive/image/periodic-saves.js';

const EVERY_MS = 60_000;

describe('periodic saves', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it('save what has changed, tell of a failure, and try again', async () => {
    let changes = 1;
    const save = vi.fn(async () => {});
    const onFailure = vi.fn();
    const saves = new PeriodicSaves({ everyMs: EVERY_MS, save, changes: () => changes, onFailure });
    const pass = () => vi.advanceTimersByTimeAsync(EVERY_MS);
    await pass();
    await pass();
    expect(save).toHaveBeenCalledTimes(1);
    changes = 2;
    save.mockRejectedValueOnce(new Error('no room on the disk'));
    await pass();
    expect(onFailure).toHaveBeenCalledExactlyOnceWith('no room on the disk');
    await pass();
    expect(save).toHaveBeenCalledTimes(3);
    // What comes during a save is for the next one.
    save.mockImplementationOnce(async () => {
      changes = 4;
    });
    changes = 3;
    await pass();
    await pass();
    expect(save).toHaveBeenCalledTimes(5);
    changes = 5;
    saves.end();
    await pass();
    expect(save).toHaveBeenCalledTimes(5);
  });
});

describe('saveEvery', () => {
  const settings = (saveEvery: unknown, image: string | undefined = '/images/drive.tar') =>
    resolveSettings({
      options: [
        { setting: 'mountPoint', option: '<mountpoint>', value: '/mnt/ram' },
        ...(image === '' ? [] : [{ setting: 'image' as const, option: '--image', value: image }]),
        { setting: 'saveEvery', option: '--save-every', value: saveEvery },
      ],
      platform: 'linux',
    });

  it.each([
    ['30s', 30_000],
    ['10m', 600_000],
    ['2 h', 7_200_000],
  ])('%s', (text, ms) => {
    expect(settings(text).saveEveryMs).toBe(ms);
  });

  it.each(['10', '9s', '169h', 'often', '1.5h', 600, '-10m', ''])('%j is refused', (value) => {
    expect(() => settings(value)).toThrow(
      /--save-every: expected a time from 10s to 168h, such as 30s, 10m or 2h/,
    );
  });

  it('needs an image', () => {
    expect(() => settings('10m', '')).toThrow(/--save-every: works only with an image/);
  });
});
