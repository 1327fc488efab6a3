/**
 * Requests whose answers come later: for each a copy of the request's head and an answer of its own, built from the
 * saved Hint. The request's buffer goes back to its receiver at once, so any number can be pending; the memory is taken
 * in slabs and used again.
 */

import { Req, Rsp } from '../abi/layouts.js';
import { DirectoryListing } from '../library/directory-buffer.js';
import { NativeBlock } from '../memory/native-memory.js';
import { beginResponse } from './operation.js';

const SLAB_REQUESTS = 32;
const STRIDE_BYTES = Req.SIZE + Rsp.SIZE;
/** Directory records are collected here before they go to the kernel's buffer; the longest is 618 bytes. */
const LISTING_SCRATCH_BYTES = 4096;

export class PendingRequest {
  kind = 0;
  /** When it arrived, performance.now(). */
  arrived = 0;
  /** False after it was answered, by whomever. */
  open = false;
  #listing: DirectoryListing | null = null;

  constructor(
    /** The head, 88 bytes. */
    readonly request: DataView,
    readonly requestBytes: Uint8Array,
    /** Of the answer. */
    readonly address: number,
    readonly view: DataView,
    readonly bytes: Uint8Array,
  ) {}

  get listing(): DirectoryListing {
    this.#listing ??= new DirectoryListing(new NativeBlock(LISTING_SCRATCH_BYTES));
    return this.#listing;
  }

  free(): void {
    this.#listing?.scratch.free();
  }
}

export class PendingRequests {
  readonly #slabs: NativeBlock[] = [];
  readonly #all: PendingRequest[] = [];
  readonly #unused: PendingRequest[] = [];

  /** Keeps what `request` says and begins its answer. */
  take(kind: number, request: DataView): PendingRequest {
    const pending = this.#unused.pop() ?? this.#grow();
    pending.kind = kind;
    pending.arrived = performance.now();
    pending.open = true;
    pending.requestBytes.set(new Uint8Array(request.buffer, request.byteOffset, Req.SIZE));
    beginResponse(kind, request, pending.view);
    return pending;
  }

  give(pending: PendingRequest): void {
    this.#unused.push(pending);
  }

  /** Those that are not answered. */
  open(): PendingRequest[] {
    return this.#all.filter((pending) => pending.open);
  }

  /** Only when nothing is pending and no handler holds a view. */
  free(): void {
    for (const pending of this.#all.splice(0)) {
      pending.free();
    }
    for (const slab of this.#slabs.splice(0)) {
      slab.free();
    }
    this.#unused.length = 0;
  }

  #grow(): PendingRequest {
    const slab = new NativeBlock(SLAB_REQUESTS * STRIDE_BYTES);
    this.#slabs.push(slab);
    const { buffer, byteOffset } = slab.view;
    for (let i = 0; i < SLAB_REQUESTS; i++) {
      const answer = i * STRIDE_BYTES;
      const head = answer + Rsp.SIZE;
      const pending = new PendingRequest(
        new DataView(buffer, byteOffset + head, Req.SIZE),
        new Uint8Array(buffer, byteOffset + head, Req.SIZE),
        slab.address + answer,
        new DataView(buffer, byteOffset + answer, Rsp.SIZE),
        new Uint8Array(buffer, byteOffset + answer, Rsp.SIZE),
      );
      this.#all.push(pending);
      this.#unused.push(pending);
    }
    return this.#unused.pop()!;
  }
}
