/**
 * Fills an empty volume from an image. What the volume cannot hold is refused as a whole, with all of the reason: how
 * much room it would take, or which names are one name here. The volume is of no use then.
 */
import { NtStatus, ntStatusName } from '../ntstatus.js';
import type { Inode } from '../volume/inode.js';
import type { RamVolume } from '../volume/ram-volume.js';
import type { Scratch } from './checksum/pieces.js';
import type { ImageSource } from './compression.js';
import type { Manifest } from './format.js';
import { ImageError } from './image-error.js';
import { type ImageEntry, readImage } from './image-reader.js';

/** So many lines are no help any more; the rest is counted. */
const MAX_COLLISIONS_NAMED = 1000;
const MAX_CAPACITIES_UNPACKED = 8;

/** Throws ImageError. */
export async function loadImage(
  volume: RamVolume,
  source: ImageSource,
  scratch: Scratch,
  onProgress: (bytes: number) => void,
): Promise<Manifest> {
  const loader = new Loader(volume, scratch, onProgress, source.compression !== 'none');
  // To a drive on Linux, whose image it may be, a `:` is a character as any other.
  const { namedStreams } = volume;
  volume.namedStreams = false;
  try {
    const manifest = await readImage(source, loader, scratch.bytes);
    loader.finish();
    volume.label = manifest.label;
    return manifest;
  } finally {
    volume.namedStreams = namedStreams;
  }
}

class Loader {
  readonly #volume: RamVolume;
  readonly #scratch: Scratch;
  /** Path in the image → path in the volume, of directories. */
  readonly #directories = new Map<string, string>();
  /** The same of files and links whose name is not the last one of their path in the image. */
  readonly #oddFiles = new Map<string, string>();
  /** Their times move while they are filled, so they are set at last. */
  readonly #filled: [path: string, entry: ImageEntry][] = [];
  /** Paths that mean another inode here. */
  readonly #collisions: string[] = [];
  #collisionCount = 0;
  #neededBytes = 0;
  #attributeBytes = 0;
  #doneBytes = 0;
  #isFull = false;
  /** Of the entry at hand; null when it is only counted. */
  #inode: Inode | null = null;
  /** What streams that come now belong to. */
  #main: { inode: Inode; entry: ImageEntry } | null = null;

  constructor(
    volume: RamVolume,
    scratch: Scratch,
    readonly onProgress: (bytes: number) => void,
    readonly isCompressed: boolean,
  ) {
    this.#volume = volume;
    this.#scratch = scratch;
  }

  entry(entry: ImageEntry): void {
    this.#refuseBomb(entry.offset);
    const { pageSizeBytes } = this.#volume.pool;
    this.#neededBytes += Math.ceil(entry.sizeBytes / pageSizeBytes) * pageSizeBytes;
    this.#attributeBytes += entry.extendedAttributes?.length ?? 0;
    if (entry.stream !== null) {
      this.#inode = this.#isFull ? null : this.#makeStream(entry, entry.stream);
      return;
    }
    this.#main = null;
    const path = this.#pathOf(entry);
    if (entry.kind === 'directory') {
      if (this.#directories.has(entry.path)) throw damage(entry, 'is there twice');
      this.#directories.set(entry.path, path);
      this.#filled.push([path, entry]);
    }
    const canBeLinked = entry.kind === 'file' || entry.kind === 'link';
    if (canBeLinked && entry.path.slice(entry.path.lastIndexOf('/') + 1) !== entry.name)
      this.#oddFiles.set(entry.path, path);
    if (this.#isFull) this.#inode = null;
    else this.#inode = entry.kind === 'hardlink' ? this.#link(entry, path) : this.#make(entry, path);
  }

  data(offset: number, bytes: Uint8Array): void {
    this.#doneBytes += bytes.length;
    this.onProgress(this.#doneBytes);
    this.#refuseBomb(this.#doneBytes);
    if (this.#inode === null) return;
    // They lie in the scratch.
    const address = this.#scratch.address + bytes.byteOffset - this.#scratch.bytes.byteOffset;
    const written = this.#volume.write(this.#inode, offset, bytes.length, address, false, true);
    if (written === NtStatus.DISK_FULL) this.#full();
    else if (written !== bytes.length) throw new Error(`${written} bytes written, not ${bytes.length}`);
  }

  end(entry: ImageEntry): void {
    const inode = this.#inode;
    if (inode === null) return;
    if (inode.main !== inode) {
      this.#volume.close(inode);
      // It had moved the change time.
      if (this.#main !== null) this.#restore(this.#main.inode, this.#main.entry);
      return;
    }
    this.#main = { inode, entry };
    if (entry.reparse !== null) this.#must(this.#volume.setReparsePoint(inode, entry.reparse), entry);
    if (entry.extendedAttributes !== null) this.#setExtended(inode, entry.extendedAttributes, entry);
    this.#restore(inode, entry);
    if (inode !== this.#volume.root) this.#volume.close(inode);
    this.#inode = null;
  }

  finish(): void {
    if (this.#collisionCount > 0) {
      const more = this.#collisionCount - this.#collisions.length;
      throw new ImageError(
        'DOES_NOT_FIT',
        `names that were apart are one name on this drive: ${this.#collisions.join(', ')}` +
          `${more > 0 ? ` and ${more} more` : ''}. Mount it with --case-sensitive`,
      );
    }
    if (this.#isFull) throw this.#doesNotFit('');
    for (const [path, entry] of this.#filled) this.#restore(this.#volume.lookup(path) as Inode, entry);
  }

  /** What is read on after the drive is full is only counted: of what a small file unpacks to there is no end. */
  #refuseBomb(bytes: number): void {
    const limit = MAX_CAPACITIES_UNPACKED * this.#volume.totalBytes;
    if (this.#isFull && this.isCompressed && bytes > limit) throw this.#doesNotFit('more than ');
  }

  #doesNotFit(moreThan: string): ImageError {
    const { pageSizeBytes } = this.#volume.pool;
    const neededBytes = this.#neededBytes + Math.ceil(this.#attributeBytes / pageSizeBytes) * pageSizeBytes;
    return new ImageError(
      'DOES_NOT_FIT',
      `its files need ${moreThan}${neededBytes.toLocaleString('en')} bytes in pages of ` +
        `${pageSizeBytes.toLocaleString('en')}, the drive has ` +
        `${this.#volume.totalBytes.toLocaleString('en')}, or there are too many files for its memory. ` +
        'Choose a larger --capacity',
    );
  }

  #pathOf(entry: ImageEntry): string {
    if (entry.parent === null) return '\\';
    const above = this.#directories.get(entry.parent);
    if (above === undefined) throw damage(entry, 'comes before its directory');
    return above === '\\' ? `\\${entry.name}` : `${above}\\${entry.name}`;
  }

  /** null when it finds no room. */
  #make(entry: ImageEntry, path: string): Inode | null {
    const volume = this.#volume;
    if (entry.parent === null) return volume.root;
    const made = volume.create(path, entry.attributes, entry.isDirectory, entry.security, 0);
    if (made === NtStatus.OBJECT_NAME_COLLISION) return this.#collide(entry, path);
    if (made === NtStatus.DISK_FULL) return this.#full();
    if (typeof made === 'number') {
      this.#must(made, entry);
      return null;
    }
    if (entry.kind !== 'file' || volume.setFileSize(made, entry.sizeBytes) >= 0) return made;
    return this.#full();
  }

  /** null when it finds no room, or its file is not there. */
  #makeStream(entry: ImageEntry, name: string): Inode | null {
    if (this.#main === null) {
      if (this.#collisionCount > 0) return null;
      throw damage(entry, 'is a stream of nothing');
    }
    const stream = this.#volume.createStream(this.#main.inode, name, 0, '');
    if (stream === NtStatus.DISK_FULL) return this.#full();
    if (stream === NtStatus.OBJECT_NAME_COLLISION) {
      this.#collisionCount += 1;
      if (this.#collisions.length < MAX_COLLISIONS_NAMED) this.#collisions.push(`streams "${entry.path}"`);
      return null;
    }
    if (typeof stream === 'number') {
      this.#must(stream, entry);
      return null;
    }
    return this.#volume.setFileSize(stream, entry.sizeBytes) >= 0 ? stream : this.#full();
  }

  /** The file, opened once more; null when the name finds no room, or others are in its way. */
  #link(entry: ImageEntry, path: string): Inode | null {
    const volume = this.#volume;
    const target = this.#linkedPath(entry.link ?? '');
    const inode = target === undefined ? NtStatus.OBJECT_PATH_NOT_FOUND : volume.open(target);
    if (typeof inode === 'number') {
      // It may be what was not made.
      if (this.#collisionCount > 0) return null;
      throw damage(entry, `is a hard link to "${entry.link}", which is no file before it`);
    }
    const status = volume.link(inode, path);
    if (status >= 0) return inode;
    volume.close(inode);
    if (status === NtStatus.OBJECT_NAME_COLLISION) return this.#collide(entry, path);
    if (status === NtStatus.DISK_FULL) return this.#full();
    this.#must(status, entry);
    return null;
  }

  /** In the volume; undefined when its directory has not come yet. */
  #linkedPath(link: string): string | undefined {
    const odd = this.#oddFiles.get(link);
    if (odd !== undefined) return odd;
    const slash = link.lastIndexOf('/');
    const above = this.#directories.get(link.slice(0, Math.max(0, slash)));
    const name = link.slice(slash + 1);
    return above === undefined ? undefined : above === '\\' ? `\\${name}` : `${above}\\${name}`;
  }

  #full(): null {
    this.#isFull = true;
    return null;
  }

  #collide(entry: ImageEntry, path: string): null {
    const there = this.#volume.lookup(path) as Inode;
    // Below directories that are one here, the same name may be two files.
    if (there.name === entry.name && this.#collisionCount === 0) throw damage(entry, 'is there twice');
    this.#collisionCount += 1;
    if (this.#collisions.length < MAX_COLLISIONS_NAMED) {
      this.#collisions.push(`"${entry.path}" and "${there.name}"`);
    }
    return null;
  }

  #setExtended(inode: Inode, list: Uint8Array, entry: ImageEntry): void {
    const status = this.#volume.setExtendedAttributes(inode, list);
    if (status === NtStatus.DISK_FULL) {
      this.#full();
      return;
    }
    this.#must(status, entry);
    if (inode.extendedAttributes?.list.length === list.length) return;
    this.#collisionCount += 1;
    if (this.#collisions.length < MAX_COLLISIONS_NAMED)
      this.#collisions.push(`attributes of "${entry.path}"`);
  }

  #restore(inode: Inode, entry: ImageEntry): void {
    const { creation, lastAccess, lastWrite, change } = entry.times;
    const times = new Int32Array(new BigInt64Array([creation, lastAccess, lastWrite, change]).buffer);
    this.#must(this.#volume.restore(inode, entry.security, entry.attributes, times), entry);
  }

  #must(status: number, entry: ImageEntry): void {
    if (status < 0) throw damage(entry, `cannot be made: ${ntStatusName(status)}`);
  }
}

function damage({ path, offset }: ImageEntry, what: string): ImageError {
  return new ImageError(
    'DAMAGED',
    `the image's entry "${path}" ${what} (at byte ${offset.toLocaleString('en')})`,
  );
}
