/**
 * Builds the list of a file's streams (FSP_FSCTL_STREAM_INFO records, docs/winfsp.md#callbacks GetStreamInfo) in
 * scratch memory and copies it to the caller's buffer. A record starts 8-aligned and must fit with its padding; the
 * end of the list is a 2-byte zero.
 */
import { MAX_NAME_UNITS } from '../../limits.js';
import { setUint64, writeUtf16 } from '../abi/fields.js';
import { StreamInfo } from '../abi/layouts.js';
import { copyMemory, type NativeBlock } from '../memory/native-memory.js';
import type { StreamBuffer } from './file-system-interface.js';

export class StreamListing implements StreamBuffer {
  readonly #scratch: NativeBlock;
  #destination = 0;
  #capacity = 0;
  #used = 0;
  #full = false;

  constructor(scratch: NativeBlock) {
    this.#scratch = scratch;
  }

  /** Starts a list that goes to `capacity` bytes at `destination`; what is beyond the scratch memory is not used. */
  reset(destination: number, capacity: number): void {
    this.#destination = destination;
    this.#capacity = Math.min(capacity, this.#scratch.lengthBytes);
    this.#used = 0;
    this.#full = false;
  }

  /** Throws a RangeError for a name that no stream can have. */
  add(name: string, sizeBytes: number, allocationSizeBytes: number): boolean {
    if (name.length > MAX_NAME_UNITS) {
      throw new RangeError(
        `A stream's name of ${name.length} units; the longest allowed is ${MAX_NAME_UNITS}.`,
      );
    }
    const size = StreamInfo.SIZE + name.length * 2;
    const aligned = (size + 7) & ~7;
    if (this.#full || this.#used + aligned > this.#capacity) {
      this.#full = true;
      return false;
    }
    const record = this.#used;
    const { view, units } = this.#scratch;
    this.#scratch.clear(record, record + aligned);
    view.setUint16(record + StreamInfo.Size, size, true);
    setUint64(view, record + StreamInfo.StreamSize, sizeBytes);
    setUint64(view, record + StreamInfo.StreamAllocationSize, allocationSizeBytes);
    writeUtf16(units, (record + StreamInfo.StreamNameBuf) / 2, name);
    this.#used = record + aligned;
    return true;
  }

  /** Ends the list, if there is room to say so, and copies it; returns its length. */
  finish(): number {
    if (!this.#full && this.#used + 2 <= this.#capacity) {
      this.#scratch.view.setUint16(this.#used, 0, true);
      this.#used += 2;
    }
    copyMemory(this.#destination, this.#scratch.address, this.#used);
    return this.#used;
  }
}
