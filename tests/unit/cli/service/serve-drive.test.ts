/** What a drive without a console says in the event log when its image cannot be saved, and how it goes on or ends. */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { serveDrive } from '../../../../src/cli/service/serve-drive.js';
import type { DriveSettings } from '../../../../src/drive/config/settings.js';
import { DriveError } from '../../../../src/drive/errors.js';
import { type DriveEnd, type DriveEvents, RamDrive } from '../../../../src/drive/ram-drive.js';

vi.mock('../../../../src/drive/control/control-server.js', () => ({
  ControlServer: { claim: async () => ({ open() {}, async close() {} }) },
}));

/** A drive whose saves fail, also the last one, that after the unmount. */
class UnsavedDrive {
  readonly mountPoint = 'R:';
  readonly stops: object[] = [];
  readonly ended: Promise<DriveEnd>;
  readonly #events: DriveEvents;
  #end: (end: DriveEnd) => void = () => {};

  constructor(events: DriveEvents) {
    this.#events = events;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  async stop(options: { discard?: boolean } = {}): Promise<void> {
    this.stops.push(options);
    if (!options.discard) throw new DriveError('NOT_SAVED', 'The image is not saved: no space.');
    this.#events.onNotSaved?.('no space');
    this.#end({ reason: 'stopped', error: null });
  }
}

describe('a drive without a console', () => {
  let drive: UnsavedDrive;
  const log: string[] = [];
  const settings = { mountPoint: 'R:' } as DriveSettings;
  const work = serveDrive.bind(
    null,
    () => settings,
    (kind, message) => log.push(`${kind}: ${message}`),
  );
  beforeEach(() => {
    log.length = 0;
    vi.spyOn(RamDrive, 'start').mockImplementation(async (_settings, events = {}) => {
      drive = new UnsavedDrive(events);
      return drive as unknown as RamDrive;
    });
  });

  it('goes on when a stop cannot save it, and says why and what to do', async () => {
    const served = work();
    await served.start();
    expect(await served.stop(() => false)).toBe(false);
    expect(drive.stops).toEqual([{}]);
    expect(log).toHaveLength(1);
    expect(log[0]).toMatch(/^error: The image is not saved: no space\. The drive stays mounted at R:\./);
    expect(log[0]).toContain('ramdrive unmount --force R:');
  });

  it('is unmounted without it when the system shuts down; the loss is in the log and in the exit code', async () => {
    const served = work();
    const { ended } = await served.start();
    expect(await served.stop(() => true)).toBe(true);
    expect(drive.stops).toEqual([{}, { discard: true }]);
    expect(await ended).toBe(1);
    expect(log).toEqual([
      'error: The image is not saved: no space. The system shuts down, so R: is unmounted anyway.',
      'error: What was changed since the last save is lost: no space',
    ]);
  });

  it('passes on what else prevents a stop', async () => {
    const served = work();
    await served.start();
    vi.spyOn(drive, 'stop').mockRejectedValue(new DriveError('TIMEOUT', 'unmounting'));
    await expect(served.stop(() => false)).rejects.toThrow('unmounting');
  });
});
