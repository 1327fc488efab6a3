/**
 * Builds a directory listing (FSP_FSCTL_DIR_INFO records, docs/winfsp.md#callbacks ReadDirectory) in scratch memory and
 * copies it to the caller's buffer chunk by chunk: a record costs a few stores and no allocation.
 *
 * A record starts 8-aligned and must fit with its padding. The end of the list is a 2-byte zero; if even that does not
 * fit, the driver asks once more with the last name as marker, which is harmless.
 */

import { MAX_NAME_UNITS } from '../../limits.js';
import { writeUtf16 } from '../abi/fields.js';
import { DirInfo } from '../abi/layouts.js';
import { copyMemory, type NativeBlock } from '../memory/native-memory.js';
import type { DirectoryBuffer } from './file-system-interface.js';

export class DirectoryListing implements DirectoryBuffer {
  readonly view: DataView;
  /** Entries added since reset(). */
  entries = 0;
  #destination = 0;
  #capacity = 0;
  #flushed = 0;
  #used = 0;
  #full = false;
  #ended = false;

  constructor(readonly scratch: NativeBlock) {
    this.view = scratch.view;
  }

  /** Starts a listing that goes to `capacity` bytes at `destination`. */
  reset(destination: number, capacity: number): void {
    this.#destination = destination;
    this.#capacity = capacity;
    this.#flushed = 0;
    this.#used = 0;
    this.entries = 0;
    this.#full = false;
    this.#ended = false;
  }

  /** Throws a RangeError for a name that no volume can have: its record would be longer than the scratch memory. */
  add(name: string): number {
    if (name.length > MAX_NAME_UNITS) {
      throw new RangeError(
        `A directory lists a name of ${name.length} units; the longest allowed is ${MAX_NAME_UNITS}.`,
      );
    }
    const size = DirInfo.SIZE + name.length * 2;
    const aligned = (size + 7) & ~7;
    if (this.#ended || this.#full || this.#flushed + this.#used + aligned > this.#capacity) {
      this.#full = true;
      return -1;
    }
    if (this.#used + aligned > this.scratch.lengthBytes) {
      this.#flush();
    }
    const record = this.#used;
    // Head, information and padding are zero.
    this.scratch.clear(record, record + DirInfo.SIZE);
    this.scratch.clear(record + aligned - 8, record + aligned);
    this.view.setUint16(record + DirInfo.Size, size, true);
    writeUtf16(this.scratch.units, (record + DirInfo.FileNameBuf) / 2, name);
    this.#used = record + aligned;
    this.entries += 1;
    return record + DirInfo.FileInfo;
  }

  end(): void {
    if (this.#ended || this.#full || this.#flushed + this.#used + 2 > this.#capacity) {
      return;
    }
    if (this.#used + 2 > this.scratch.lengthBytes) {
      this.#flush();
    }
    this.view.setUint16(this.#used, 0, true);
    this.#used += 2;
    this.#ended = true;
  }

  /**
   * Nothing was added because not even the first entry fits: an empty answer would read as the end of the directory.
   */
  get isTooSmall(): boolean {
    return this.#full && this.entries === 0;
  }

  /** Copies the rest; returns the length of the whole listing. */
  finish(): number {
    this.#flush();
    return this.#flushed;
  }

  #flush(): void {
    if (this.#used > 0) {
      copyMemory(this.#destination + this.#flushed, this.scratch.address, this.#used);
      this.#flushed += this.#used;
      this.#used = 0;
    }
  }
}
