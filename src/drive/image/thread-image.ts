/**
 * The image of a drive, as the thread that owns the volume handles it: loads it at start, gives a moment of the volume
 * to each save, and saves after the last request what was changed since.
 *
 * While a save is under way a snapshot keeps what it reads. It borrows free room: a program that is refused for it
 * waits for the end of the save (makeRoom). Where the snapshot finds no room at all, the volume stands still meanwhile.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { MessagePort } from 'node:worker_threads';
import { SCRATCH_BYTES } from '../../image/checksum/pieces.js';
import { ImageFile } from '../../image/image-file.js';
import { momentOf } from '../../image/moment.js';
import { SaveState } from '../../image/save-state.js';
import { viewOf } from '../../image/volume-view.js';
import { sharedScratch } from '../../os/shared-scratch.js';
import type { RamVolume } from '../../volume/ram-volume.js';
import { readStatistics } from '../../winfsp/index.js';
import { SAVE_GRACE_MS } from '../config/limits.js';
import { messageOf } from '../errors.js';
import type { VolumeThreadMessage } from '../volume-thread-messages.js';
import { changesOf } from './changes.js';
import type { SaveRequest } from './save-messages.js';
import { nowAndThen } from './save-progress.js';

const PROGRESS_BYTES = 64 * 2 ** 20;
const LOOK_MS = 20;

export interface ThreadImageOptions {
  /** The drive's own image. */
  path: string | undefined;
  statistics: SharedArrayBuffer;
  /** Never by a snapshot: a trace knows none. */
  standsStill: boolean;
  post: (message: VolumeThreadMessage) => void;
}

export class ThreadImage {
  readonly #options: ThreadImageOptions;
  readonly #file: ImageFile | null;
  /** Requests that may have changed something, when it was loaded or saved last. */
  #changesSaved = 0;
  /** `snapshot`: whether the volume keeps one for it. */
  #save: { state: SaveState; changes: number; snapshot: boolean } | null = null;

  constructor(options: ThreadImageOptions) {
    this.#options = options;
    this.#file = options.path === undefined ? null : new ImageFile(options.path);
  }

  /** Throws ImageError. */
  async load(volume: RamVolume): Promise<void> {
    if (this.#file === null) return;
    const { post } = this.#options;
    let shown = 0;
    const onProgress = (doneBytes: number) => {
      if (doneBytes - shown < PROGRESS_BYTES) return;
      shown = doneBytes;
      post({ type: 'loading', doneBytes });
    };
    const file = this.#file;
    const manifest = await file.load(volume, sharedScratch(SCRATCH_BYTES), onProgress);
    if (manifest === null) {
      // A drive that has never been saved has to be, even when nothing was done with it.
      this.#changesSaved = -1;
    } else {
      post({ type: 'loaded', label: volume.label, identity: file.identity as string });
    }
  }

  /** What the main thread asks for. Between two requests of programs. */
  handle(volume: RamVolume, request: SaveRequest): void {
    if (request.type === 'save') this.#begin(volume, request.moment, new SaveState(request.state));
    else this.#ended(volume, request.identity);
  }

  /**
   * A program was refused room: waits for the save that has borrowed some, if there is one. True: to be tried again.
   */
  makeRoom(volume: RamVolume): boolean {
    const save = this.#save;
    if (save?.snapshot !== true || !save.state.waitForReads(SAVE_GRACE_MS)) return false;
    this.#endSnapshot(volume);
    return true;
  }

  /** Something was changed by no request: a rollback. */
  markChanged(): void {
    this.#changesSaved = -1;
    if (this.#save !== null) this.#save.changes = -1;
  }

  /**
   * After the last request: when no other thread reads the volume any more. False when a save stands still. `look` has
   * handle() called for what the main thread has asked.
   */
  async untilIdle(look: () => void): Promise<boolean> {
    let steps = -1;
    let deadline = 0;
    while (this.#save !== null) {
      if (this.#save.state.steps !== steps) {
        steps = this.#save.state.steps;
        deadline = performance.now() + SAVE_GRACE_MS;
      }
      if (performance.now() > deadline) return false;
      await sleep(LOOK_MS);
      look();
    }
    return true;
  }

  /** After the last request. */
  async saveChanges(volume: RamVolume): Promise<void> {
    const statistics = readStatistics(this.#options.statistics);
    // Without any request the drive was never mounted.
    if (this.#file === null || statistics.requests === 0 || changesOf(statistics) === this.#changesSaved)
      return;
    const file = this.#file;
    const { post } = this.#options;
    const { allocatedPages, pageSizeBytes } = volume.pool;
    const onProgress = nowAndThen((doneBytes) => {
      const totalBytes = allocatedPages * pageSizeBytes;
      post({ type: 'saving', progress: { path: file.path, doneBytes, totalBytes } });
    });
    onProgress(0);
    try {
      await file.save(viewOf(volume), sharedScratch(SCRATCH_BYTES), onProgress);
    } catch (error) {
      post({ type: 'notSaved', error: messageOf(error) });
    }
  }

  #begin(volume: RamVolume, moment: MessagePort, state: SaveState): void {
    const changes = changesOf(readStatistics(this.#options.statistics));
    const snapshot = this.#options.standsStill ? null : volume.beginSave();
    const tree = snapshot === null || typeof snapshot === 'number' ? volume : snapshot;
    this.#save = { state, changes, snapshot: tree !== volume };
    const { label, caseSensitive } = volume;
    try {
      moment.postMessage(momentOf({ root: tree.root, label, caseSensitive }));
    } catch (error) {
      this.#options.post({ type: 'handlerError', where: 'saving', error: messageOf(error) });
      // Its thread hears that nothing comes.
      moment.close();
      return;
    }
    if (tree === volume && !state.waitForReads(SAVE_GRACE_MS)) state.cancel();
  }

  #ended(volume: RamVolume, identity: string | null): void {
    if (this.#save === null) return;
    if (this.#save.snapshot) this.#endSnapshot(volume);
    if (identity !== null && this.#file !== null) {
      this.#file.identity = identity;
      this.#changesSaved = this.#save.changes;
    }
    this.#save = null;
  }

  #endSnapshot(volume: RamVolume): void {
    volume.endSave();
    this.#save!.snapshot = false;
  }
}
