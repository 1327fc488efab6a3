/**
 * Scratch memory of one interface table, and the ways of results through it to where C wants them: nothing is allocated
 * per call but strings. One callback runs at a time, so the callbacks share it; only reparse look-up nests, and has
 * memory of its own.
 */
import { MAX_REPARSE_DATA_BYTES } from '../../../limits.js';
import { NtStatus } from '../../../ntstatus.js';
import { getUint64, setUint64 } from '../../abi/fields.js';
import {
  SELF_RELATIVE_HEAD_BYTES,
  selfRelativeHeadsEnd,
  selfRelativeLength,
} from '../../abi/self-relative.js';
import { statusOf } from '../../abi/status-of.js';
import { copyMemory, NativeBlock } from '../../memory/native-memory.js';
import { DirectoryListing } from '../directory-buffer.js';
import { StreamListing } from '../stream-buffer.js';

const CHUNK_BYTES = 64 * 1024;
/** What a request of 16 KiB can carry is less; nothing real comes near this. */
const MAX_SECURITY_BYTES = CHUNK_BYTES;

export class SlotMemory {
  /** Small results: FILE_INFO, VOLUME_INFO, counters. */
  readonly scratch = new NativeBlock(256);
  /** Names, descriptors, listings. */
  readonly chunk = new NativeBlock(CHUNK_BYTES);
  readonly listing = new DirectoryListing(this.chunk);
  readonly streams = new StreamListing(this.chunk);
  readonly #reparseChunk = new NativeBlock(MAX_REPARSE_DATA_BYTES);
  /** Of the last length, because most are as long as the one before. */
  #descriptor: Uint8Array = new Uint8Array(0);

  free(): void {
    this.scratch.free();
    this.chunk.free();
    this.#reparseChunk.free();
  }

  /** The view of `lengthBytes` zeros for a handler's result. */
  cleared(lengthBytes: number): DataView {
    this.scratch.clear(0, lengthBytes);
    return this.scratch.view;
  }

  /** Copies the scratch result to `address` unless the call failed. */
  give(status: number, address: number, lengthBytes: number): number {
    if (status >= 0) {
      copyMemory(address, this.scratch.address, lengthBytes);
    }
    return status;
  }

  /** A count of at most `length` bytes, stored at `address`. */
  giveCount(where: string, result: number, length: number, address: number): number {
    if (result < 0) {
      return result;
    }
    if (result > length) {
      throw new RangeError(`${where} returned ${result} bytes for a length of ${length}`);
    }
    this.giveUint32(address, result);
    return NtStatus.SUCCESS;
  }

  giveUint32(address: number, value: number): void {
    this.scratch.view.setUint32(0, value, true);
    copyMemory(address, this.scratch.address, 4);
  }

  /** BUFFER_OVERFLOW when the bytes do not fit; the length that they have is stored all the same. */
  giveSecurity(bytes: Uint8Array, address: number, sizeAddress: number): number {
    return this.#giveSized(bytes, address, sizeAddress, this.chunk)
      ? NtStatus.SUCCESS
      : NtStatus.BUFFER_OVERFLOW;
  }

  /** BUFFER_TOO_SMALL when the bytes do not fit. */
  giveControl(bytes: Uint8Array, address: number, maxBytes: number, countAddress: number): number {
    if (bytes.length > maxBytes) {
      return NtStatus.BUFFER_TOO_SMALL;
    }
    this.#reparseChunk.bytes.set(bytes);
    copyMemory(address, this.#reparseChunk.address, bytes.length);
    this.giveUint32(countAddress, bytes.length);
    return NtStatus.SUCCESS;
  }

  /** BUFFER_TOO_SMALL when the bytes do not fit; the length that they have is stored all the same. */
  giveReparse(bytes: Uint8Array, address: number, sizeAddress: number): number {
    const fits = this.#giveSized(bytes, address, sizeAddress, this.#reparseChunk);
    return fits ? NtStatus.SUCCESS : NtStatus.BUFFER_TOO_SMALL;
  }

  /** Stores the real length at `sizeAddress`, and the bytes at `address` when they fit in the length that was there. */
  #giveSized(bytes: Uint8Array, address: number, sizeAddress: number, chunk: NativeBlock): boolean {
    const { view, address: scratchAddress } = this.scratch;
    copyMemory(scratchAddress, sizeAddress, 8);
    const capacityBytes = getUint64(view, 0);
    setUint64(view, 0, bytes.length);
    copyMemory(sizeAddress, scratchAddress, 8);
    if (bytes.length > capacityBytes) {
      return false;
    }
    for (let done = 0; address !== 0 && done < bytes.length; done += chunk.lengthBytes) {
      const part = bytes.length <= chunk.lengthBytes ? bytes : bytes.subarray(done, done + chunk.lengthBytes);
      chunk.bytes.set(part);
      copyMemory(address + done, chunk.address, part.length);
    }
    return true;
  }

  /**
   * The self-relative descriptor at `address`, in scratch memory: valid until the handler returns. Null when malformed.
   */
  readSecurity(address: number): Uint8Array | null {
    const { view, bytes, address: chunkAddress } = this.chunk;
    // Three copies, whatever is in it: each costs more than all of the parsing.
    copyMemory(chunkAddress, address, SELF_RELATIVE_HEAD_BYTES);
    const headsEnd = selfRelativeHeadsEnd(view, MAX_SECURITY_BYTES);
    if (headsEnd < 0) {
      return null;
    }
    copyMemory(chunkAddress, address, headsEnd);
    const length = selfRelativeLength(view, MAX_SECURITY_BYTES);
    if (length < 0) {
      return null;
    }
    copyMemory(chunkAddress + headsEnd, address + headsEnd, length - headsEnd);
    if (this.#descriptor.length !== length) {
      this.#descriptor = bytes.subarray(0, length);
    }
    return this.#descriptor;
  }

  /** BUFFER_OVERFLOW when the list does not fit into `length`. */
  giveEa(list: Uint8Array, address: number, length: number, countAddress: number): number {
    if (list.length > Math.min(length, this.chunk.lengthBytes)) {
      return NtStatus.BUFFER_OVERFLOW;
    }
    this.chunk.bytes.set(list);
    copyMemory(address, this.chunk.address, list.length);
    this.giveUint32(countAddress, list.length);
    return NtStatus.SUCCESS;
  }

  /**
   * In scratch memory, beside names and descriptors: valid until the handler returns. Null for more than any request
   * carries.
   */
  readEa(address: number, length: number): Uint8Array | null {
    const chunk = this.#reparseChunk;
    if (length > chunk.lengthBytes) {
      return null;
    }
    copyMemory(chunk.address, address, length);
    return chunk.bytes.subarray(0, length);
  }

  /** Stores bytes at `address`. */
  put(bytes: Uint8Array, address: number): void {
    this.#reparseChunk.bytes.set(bytes);
    copyMemory(address, this.#reparseChunk.address, bytes.length);
  }

  readReparse(address: number, size: number): Uint8Array {
    const length = Math.min(Number(size), MAX_REPARSE_DATA_BYTES);
    copyMemory(this.#reparseChunk.address, address, length);
    return this.#reparseChunk.bytes.subarray(0, length);
  }
}

/**
 * A failure passes; a success code where bytes were due is a mistake of the handler, as is PENDING from a synchronous
 * one.
 */
export function failureOf(where: string, status: number): number {
  if (statusOf(status) < 0) {
    return status;
  }
  throw new TypeError(`${where} returned the status ${status}, which is neither SUCCESS nor a failure`);
}
