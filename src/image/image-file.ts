/**
 * The file that an image lies in. The last good image is never lost: a new one is written beside it, flushed, and takes
 * its name in one step, which is flushed, too. A file that this drive has not loaded, or that has changed since, is
 * never replaced.
 */
import { closeSync, fstatSync, fsyncSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { RamVolume } from '../volume/ram-volume.js';
import type { Manifest } from './format.js';
import { ImageError } from './image-error.js';
import { readImage } from './image-reader.js';
import { writeImage } from './image-writer.js';
import { loadImage } from './load-image.js';
import type { Scratch, VolumeView } from './volume-view.js';

/** What tells a file from another that has taken its name. */
type Identity = string | null;

export class ImageFile {
  readonly path: string;
  /** Of the file that this drive has loaded or saved; null when there was none. */
  #identity: Identity = null;

  constructor(path: string) {
    this.path = path;
  }

  /** Fills an empty volume. null when there is no such file, which is fine for a first start. Throws ImageError. */
  load(volume: RamVolume, scratch: Scratch, onProgress: (bytes: number) => void = () => {}): Manifest | null {
    const descriptor = open(this.path);
    if (descriptor === null) return null;
    try {
      this.#identity = identityOf(fstatSync(descriptor));
      return about(this.path, 'cannot be loaded', () => loadImage(volume, descriptor, scratch, onProgress));
    } finally {
      closeSync(descriptor);
    }
  }

  /** Throws ImageError NOT_SAVED; the image that was there is whole then. `onProgress`: bytes written so far. */
  save(view: VolumeView, scratch: Scratch, onProgress?: (bytes: number) => void): Manifest {
    const partial = `${this.path}.partial`;
    try {
      // Left behind by a process that was killed.
      rmSync(partial, { force: true });
      const { manifest, identity } = writeWhole(partial, view, scratch, onProgress);
      this.#refuseIfForeign();
      renameSync(partial, this.path);
      this.#identity = identity;
      flushDirectory(dirname(this.path));
      return manifest;
    } catch (error) {
      rmSync(partial, { force: true });
      if (error instanceof ImageError) throw error;
      const why = error instanceof Error ? error.message : String(error);
      throw new ImageError('NOT_SAVED', `The image ${this.path} is not saved: ${why}.`, { cause: error });
    }
  }

  #refuseIfForeign(): void {
    const now = statSync(this.path, { throwIfNoEntry: false });
    if (now !== undefined && identityOf(now) !== this.#identity) {
      throw new ImageError(
        'NOT_SAVED',
        `The image ${this.path} is not saved: another program has changed the file since the drive started. ` +
          'Move it away, or save to another file.',
      );
    }
  }
}

function writeWhole(
  path: string,
  view: VolumeView,
  scratch: Scratch,
  onProgress?: (bytes: number) => void,
): { manifest: Manifest; identity: Identity } {
  const descriptor = openSync(path, 'wx', 0o600);
  try {
    const manifest = writeImage(view, descriptor, scratch, onProgress);
    fsyncSync(descriptor);
    return { manifest, identity: identityOf(fstatSync(descriptor)) };
  } finally {
    closeSync(descriptor);
  }
}

/** Reads a whole image and compares it with its manifest. Throws ImageError. */
export function verifyImage(path: string, onEntry: Parameters<typeof readImage>[1]): Manifest {
  const descriptor = open(path);
  if (descriptor === null) throw new ImageError('UNREADABLE', `There is no image ${path}.`);
  try {
    return about(path, 'is not good', () => readImage(descriptor, onEntry));
  } finally {
    closeSync(descriptor);
  }
}

function open(path: string): number | null {
  try {
    return openSync(path, 'r');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    throw new ImageError('UNREADABLE', `The image ${path} cannot be opened: ${message}.`, { cause: error });
  }
}

/** Puts the file's name before what is wrong with it. */
function about<T>(path: string, what: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof ImageError) {
      throw new ImageError(error.code, `The image ${path} ${what}: ${error.message}.`, { cause: error });
    }
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new ImageError('UNREADABLE', `The image ${path} cannot be read: ${message}.`, { cause: error });
  }
}

function identityOf({
  dev,
  ino,
  size,
  mtimeMs,
}: {
  dev: number;
  ino: number;
  size: number;
  mtimeMs: number;
}): string {
  return `${dev}:${ino}:${size}:${mtimeMs}`;
}

/** The new name itself. Windows has no such call; there a rename is in the journal of NTFS. */
function flushDirectory(path: string): void {
  if (process.platform === 'win32') return;
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
