/**
 * The file that an image lies in. The last good image is never lost: a new one is written beside it, flushed, and takes
 * its name in one step, which is flushed, too. A file that this drive has not loaded, or that has changed since, is
 * never replaced.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { RamVolume } from '../volume/ram-volume.js';
import type { Scratch } from './checksum/pieces.js';
import { compressionOf, problemOfName, sourceOf } from './compression.js';
import type { Manifest } from './format.js';
import { ImageError } from './image-error.js';
import { type ImageVisitor, isImage, readImage } from './image-reader.js';
import { writeImage } from './image-writer.js';
import { loadImage } from './load-image.js';
import type { VolumeView } from './volume-view.js';

/** What tells a file from another that has taken its name. */
type Identity = string | null;

export interface ImageFileOptions {
  /** Of the file that this drive has loaded or saved; null when there was none. */
  known?: Identity;
  /** Replace any image, whoever made it; but nothing else. */
  replacesImages?: boolean;
}

export class ImageFile {
  readonly path: string;
  /** Of the file that this drive has loaded or saved; null when there was none. */
  identity: Identity;
  readonly #replacesImages: boolean;

  constructor(path: string, { known = null, replacesImages = false }: ImageFileOptions = {}) {
    this.path = path;
    this.identity = known;
    this.#replacesImages = replacesImages;
  }

  /** Fills an empty volume. null when there is no such file, which is fine for a first start. Throws ImageError. */
  async load(
    volume: RamVolume,
    scratch: Scratch,
    onProgress: (bytes: number) => void = () => {},
  ): Promise<Manifest | null> {
    const descriptor = open(this.path);
    if (descriptor === null) return null;
    try {
      this.identity = identityOf(fstatSync(descriptor));
      return await about(this.path, 'cannot be loaded', () =>
        loadImage(volume, sourceOf(descriptor), scratch, onProgress),
      );
    } finally {
      closeSync(descriptor);
    }
  }

  /** Throws ImageError NOT_SAVED; the image that was there is whole then. `onProgress`: bytes written so far. */
  async save(view: VolumeView, scratch: Scratch, onProgress?: (bytes: number) => void): Promise<Manifest> {
    const problem = problemOfName(this.path);
    if (problem !== null) {
      throw new ImageError('NOT_SAVED', `The image ${this.path} is not saved: ${problem}.`);
    }
    const path = realOf(this.path);
    // Of a name of its own: another drive may save to the same file.
    const partial = `${path}.${process.pid}-${randomBytes(6).toString('hex')}.partial`;
    try {
      removeLeftOvers(path);
      const { manifest, identity } = this.#writeWhole(partial, view, scratch, onProgress);
      await this.#refuseIfForeign();
      renameSync(partial, path);
      this.identity = identity;
      flushDirectory(dirname(path));
      return manifest;
    } catch (error) {
      rmSync(partial, { force: true });
      if (error instanceof ImageError) throw error;
      const why = error instanceof Error ? error.message : String(error);
      throw new ImageError('NOT_SAVED', `The image ${this.path} is not saved: ${why}.`, { cause: error });
    }
  }

  #writeWhole(
    path: string,
    view: VolumeView,
    scratch: Scratch,
    onProgress?: (bytes: number) => void,
  ): { manifest: Manifest; identity: Identity } {
    const descriptor = openSync(path, 'wx', 0o600);
    try {
      const manifest = writeImage(view, descriptor, scratch, compressionOf(this.path), onProgress);
      fsyncSync(descriptor);
      return { manifest, identity: identityOf(fstatSync(descriptor)) };
    } finally {
      closeSync(descriptor);
    }
  }

  async #refuseIfForeign(): Promise<void> {
    const now = statSync(this.path, { throwIfNoEntry: false });
    if (now === undefined || identityOf(now) === this.identity) return;
    if (!this.#replacesImages) {
      throw new ImageError(
        'NOT_SAVED',
        `The image ${this.path} is not saved: another program has changed the file since the drive started. ` +
          'Move it away, or save to another file.',
      );
    }
    const descriptor = openSync(this.path, 'r');
    try {
      if (await isImage(sourceOf(descriptor))) return;
    } finally {
      closeSync(descriptor);
    }
    throw new ImageError(
      'NOT_SAVED',
      `The image ${this.path} is not saved: there is a file that is no image of a drive. ` +
        'Move it away, or save to another file.',
    );
  }
}

/** A symbolic link stays one. */
function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // Not there yet, but a link to it may be.
    return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true
      ? resolve(dirname(path), readlinkSync(path))
      : path;
  }
}

/** What was left behind by processes that were killed while they saved. */
function removeLeftOvers(path: string): void {
  const directory = dirname(path);
  const prefix = `${basename(path)}.`;
  for (const name of readdirSync(directory)) {
    const match = name.startsWith(prefix) ? LEFT_OVER.exec(name.slice(prefix.length)) : null;
    if (match !== null && !isRunning(Number(match[1]))) rmSync(join(directory, name), { force: true });
  }
}
const LEFT_OVER = /^(\d+)-[0-9a-f]{12}\.partial$/;

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** Reads a whole image and compares it with its manifest. Throws ImageError. */
export async function verifyImage(path: string, visitor: ImageVisitor): Promise<Manifest> {
  const descriptor = open(path);
  if (descriptor === null) throw new ImageError('UNREADABLE', `There is no image ${path}.`);
  try {
    return await about(path, 'is not good', () => readImage(sourceOf(descriptor), visitor));
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
async function about<T>(path: string, what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
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
