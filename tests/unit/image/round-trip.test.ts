/**
 * Ten thousand files with everything that a volume can hold, saved in both ways that a drive is saved, and loaded:
 * every field of every inode is what it was.
 */
import { join } from 'node:path';
import { MessageChannel, Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import type { SaveThreadInput, SaveThreadMessage } from '../../../src/drive/image/save-messages.js';
import { ThreadImage } from '../../../src/drive/image/thread-image.js';
import { ImageFile } from '../../../src/image/image-file.js';
import { SaveState } from '../../../src/image/save-state.js';
import { viewOf } from '../../../src/image/volume-view.js';
import { NativePageMemory } from '../../../src/os/native-page-memory.js';
import { allocateStatistics, NativeBlock } from '../../../src/winfsp/index.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { contentOf } from './content-of.js';
import { fillWithEverything } from './tree-of-everything.js';
import { PAGE, type Rig, rigOf } from './volumes.js';

const PAGES = 60_000;
/** Ends hangs: seconds on an idle machine. */
const LIMIT_MS = 240_000;
const folder = temporaryFolder('round-trip');

/** In memory that another thread can read, as a drive's. */
function newRig(caseSensitive = true): Rig & { free(): void } {
  const memory = new NativePageMemory({ pageSizeBytes: PAGE, pageCount: PAGES });
  const scratch = new NativeBlock(2 ** 20);
  const rig = rigOf({ memory, caseSensitive, label: 'Everything' }, scratch);
  return {
    ...rig,
    free() {
      rig.volume.dispose();
      scratch.free();
    },
  };
}

/** As `ramdrive save`: the thread of the volume gives a moment, a thread of its own writes it. */
async function saveAsRunningDrive({ volume }: Rig, path: string): Promise<void> {
  const state = new SaveState();
  const { port1, port2 } = new MessageChannel();
  const workerData: SaveThreadInput = {
    path,
    known: null,
    replacesImages: true,
    moment: port1,
    state: state.memory,
  };
  const script = new URL('../../../dist/src/drive/image/save-thread-main.js', import.meta.url);
  const worker = new Worker(script, { workerData, transferList: [port1] });
  let last: SaveThreadMessage | null = null;
  worker.on('message', (message) => {
    last = message;
  });
  const ended = new Promise((resolve) => worker.once('exit', resolve));
  const image = new ThreadImage({
    path: undefined,
    statistics: allocateStatistics(),
    standsStill: false,
    post: (message) => expect(message).toBeNull(),
  });
  image.handle(volume, { type: 'save', moment: port2, state: state.memory });
  expect(volume.savingPages).toBeGreaterThan(0);
  await ended;
  expect(last).toMatchObject({ type: 'saved' });
  image.handle(volume, { type: 'saveEnded', identity: null });
}

describe('10,000 files with everything in them', () => {
  it('are the same in every field when they are loaded, whichever way they were saved', {
    timeout: LIMIT_MS,
  }, async () => {
    const before = newRig();
    fillWithEverything(before);
    const due = contentOf(before, { holes: true });
    expect(Object.keys(due).length).toBeGreaterThan(10_000);
    const running = join(folder, 'running.tar');
    const atEnd = join(folder, 'end.tar');
    await saveAsRunningDrive(before, running);
    const saved = await new ImageFile(atEnd).save(viewOf(before.volume), before.scratch);
    for (const path of [running, atEnd]) {
      const after = newRig();
      expect((await new ImageFile(path).load(after.volume, after.scratch))?.sha256).toBe(saved.sha256);
      expectSame(contentOf(after, { holes: true }), due);
      expect(after.volume.label).toBe('Everything');
      expect(after.volume.openCount).toBe(0);
      expect(after.volume.freeBytes).toBe(before.volume.freeBytes);
      expect(after.volume.selfCheck()).toEqual([]);
      after.free();
    }
    before.free();
  });

  it('are the same where names have no case', { timeout: LIMIT_MS }, async () => {
    const before = newRig(false);
    fillWithEverything(before);
    const path = join(folder, 'no-case.tar');
    await new ImageFile(path).save(viewOf(before.volume), before.scratch);
    const after = newRig(false);
    await new ImageFile(path).load(after.volume, after.scratch);
    expectSame(contentOf(after), contentOf(before));
    expect(after.volume.selfCheck()).toEqual([]);
    after.free();
    before.free();
  });
});

/** A difference of two such objects would be printed for minutes. */
function expectSame(given: Record<string, unknown>, due: Record<string, unknown>): void {
  expect(Object.keys(given).sort()).toEqual(Object.keys(due).sort());
  const different = Object.keys(due).filter(
    (path) => JSON.stringify(given[path]) !== JSON.stringify(due[path]),
  );
  for (const path of different.slice(0, 3)) expect(given[path], path).toEqual(due[path]);
  expect(different).toEqual([]);
}
