/**
 * The image of a drive, as the thread that owns the volume handles it: loads it at start, saves it between two requests
 * when asked to, and after the last one what was changed since. Saving is one uninterrupted step, so what is saved is
 * one moment, and programs that use the drive wait for it.
 */
import { ImageFile } from '../image/image-file.js';
import { type Scratch, viewOf } from '../image/volume-view.js';
import type { RamVolume } from '../volume/ram-volume.js';
import { type DispatcherStatistics, NativeBlock } from '../winfsp/index.js';
import { messageOf } from './errors.js';
import type { VolumeThreadMessage } from './volume-thread-messages.js';

const SCRATCH_BYTES = 2 ** 20;
const PROGRESS_BYTES = 64 * 2 ** 20;

export class ThreadImage {
  readonly #file: ImageFile;
  readonly #post: (message: VolumeThreadMessage) => void;
  /** Requests that may have changed something, when it was loaded or saved last. */
  #changesSaved = 0;

  constructor(path: string, post: (message: VolumeThreadMessage) => void) {
    this.#file = new ImageFile(path);
    this.#post = post;
  }

  /** Throws ImageError. */
  load(volume: RamVolume): void {
    let shown = 0;
    const onProgress = (doneBytes: number) => {
      if (doneBytes - shown < PROGRESS_BYTES) return;
      shown = doneBytes;
      this.#post({ type: 'loading', doneBytes });
    };
    const manifest = withScratch((scratch) => this.#file.load(volume, scratch, onProgress));
    if (manifest === null) {
      // A drive that has never been saved has to be, even when nothing was done with it.
      this.#changesSaved = -1;
    } else {
      this.#post({ type: 'loaded', label: volume.label });
    }
  }

  /** Tells of success or failure. */
  save(volume: RamVolume, statistics: DispatcherStatistics): void {
    const begun = performance.now();
    try {
      const { files } = withScratch((scratch) => this.#file.save(viewOf(volume), scratch));
      this.#changesSaved = changesOf(statistics);
      const milliseconds = Math.round(performance.now() - begun);
      this.#post({ type: 'saved', result: { path: this.#file.path, files, milliseconds }, error: null });
    } catch (error) {
      this.#post({ type: 'saved', result: null, error: messageOf(error) });
    }
  }

  /** Something was changed by no request: a rollback. */
  markChanged(): void {
    this.#changesSaved = -1;
  }

  saveChanges(volume: RamVolume, statistics: DispatcherStatistics): void {
    // Without any request the drive was never mounted.
    if (statistics.requests > 0 && changesOf(statistics) !== this.#changesSaved)
      this.save(volume, statistics);
  }
}

/** All requests but those that only look. */
function changesOf({ kinds }: DispatcherStatistics): number {
  return kinds.reduce((sum, { kind, count }) => (LOOKS.has(kind) ? sum : sum + count), 0);
}
const LOOKS: ReadonlySet<string> = new Set([
  'Read',
  'QueryInformation',
  'QueryVolumeInformation',
  'QueryDirectory',
  'QuerySecurity',
  'FlushBuffers',
  'Close',
]);

function withScratch<T>(work: (scratch: Scratch) => T): T {
  const block = new NativeBlock(SCRATCH_BYTES);
  try {
    return work(block);
  } finally {
    block.free();
  }
}
