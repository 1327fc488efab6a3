/** A save that takes longer than any limit is waited for as long as it goes on, and no longer. */
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ask, findDrives } from '../../../src/drive/control/control-client.js';
import { ControlServer } from '../../../src/drive/control/control-server.js';
import { ensureRuntimeDirectory } from '../../../src/drive/control/runtime-directory.js';
import type { DriveStatus } from '../../../src/drive/status.js';
import { SaveState } from '../../../src/image/save-state.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

vi.mock('../../../src/drive/config/limits.js', async (importOriginal) => ({
  ...(await importOriginal<typeof import('../../../src/drive/config/limits.js')>()),
  SAVE_GRACE_MS: 100,
}));

describe('a command', () => {
  let server: ControlServer;
  let directory: string;
  /** What each question for the drive's status is told; the last one ends the save. */
  let progress: (number | null)[];
  let end: () => void;

  beforeEach(async () => {
    directory = ensureRuntimeDirectory([join(temporaryFolder('long'), 'ramdrive')]);
    server = await ControlServer.claim('/mnt/ram', directory);
    const saved = new Promise<void>((resolve) => {
      end = resolve;
    });
    server.open('/mnt/ram', async ({ command }) => {
      if (command === 'status') {
        const doneBytes = progress.shift() ?? null;
        if (progress.length === 0) end();
        return { saving: doneBytes === null ? null : { doneBytes } } as DriveStatus;
      }
      await saved;
      return { files: 1 };
    });
  });
  afterEach(async () => {
    end();
    await server.close();
  });

  it.each(['save', 'resize', 'snapshot'] as const)('%s: waits while there is progress', async (command) => {
    progress = [1, 2, 3, 4];
    const [drive] = await findDrives([directory]);
    expect(await ask(drive!, command)).toEqual({ files: 1 });
    expect(progress).toEqual([]);
  });

  it.each([
    ['stands still', [5, 5, 6, 7]],
    ['is none', [null, 5, 6, 7]],
  ])('save: gives up when it %s', async (_what, told) => {
    progress = told;
    const [drive] = await findDrives([directory]);
    await expect(ask(drive!, 'save')).rejects.toMatchObject({ code: 'TIMEOUT' });
    expect(progress.length).toBeGreaterThan(0);
  });
});

describe('a thread that waits for the reads of a save', () => {
  it('gives up when there is no step', () => {
    expect(new SaveState().waitForReads(1)).toBe(false);
  });

  it('waits as long as there are steps', () => {
    const state = new SaveState();
    let looks = 0;
    // As a writer on another thread, between two looks.
    vi.spyOn(state, 'steps', 'get').mockImplementation(() => {
      if (++looks === 7) state.endReads();
      return looks;
    });
    expect(state.waitForReads(1)).toBe(true);
  });
});
