/** A start that is broken off in its last step leaves no drive that nobody could stop. */
import { expect, it, vi } from 'vitest';
import { defaultSettings } from '../../../src/drive/config/settings.js';
import type { MountPlan } from '../../../src/drive/mount/mount-strategy.js';
import { RamDrive } from '../../../src/drive/ram-drive.js';
import { VolumeThread } from '../../../src/drive/volume-thread.js';
import { DEVICE_DISK } from '../../../src/winfsp/index.js';

const last = vi.hoisted(() => ({ step: () => {} }));
vi.mock(import('../../../src/drive/mount/mount-strategy.js'), async (load) => ({
  ...(await load()),
  planMount: async (): Promise<MountPlan> => ({
    device: DEVICE_DISK,
    volumePrefix: undefined,
    attempts: [],
    preflight: null,
    name: 'nowhere',
    release: async () => last.step(),
  }),
}));

it('a start that is broken off when all but the last step is done ends what it made', async () => {
  const stop = vi.fn(async () => {});
  const thread = {
    ended: Promise.resolve({ reason: 'stopped', error: null }),
    stop,
    cancelSave() {},
    isGone: false,
  };
  vi.spyOn(VolumeThread, 'start').mockResolvedValue(thread as unknown as VolumeThread);
  const abort = new AbortController();
  last.step = () => abort.abort(new Error('not wanted any more'));
  const settings = { ...defaultSettings('linux'), mountPoint: 'nowhere', capacityBytes: 2 ** 20 };
  await expect(RamDrive.start(settings, {}, abort.signal)).rejects.toThrow('not wanted any more');
  expect(stop).toHaveBeenCalledTimes(1);
});
