/**
 * Memory of the driver, lent to a handler as a Uint8Array for as long as its request is open. Taking it back detaches
 * the ArrayBuffer: the array has length 0 from then on, its methods throw, an index reads undefined and writes nothing.
 * So a handler that keeps it too long gets an error, and never the memory of another request.
 *
 * koffi.view and the detaching cost 2 to 3 µs together, whatever the length. Node.js 20 knows
 * ArrayBuffer.prototype.transfer, which detaches, only behind a flag of V8; a context made while the flag is set has
 * the function, and it works on any ArrayBuffer.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import koffi from 'koffi';

type Transfer = (this: ArrayBuffer, newLengthBytes: number) => ArrayBuffer;

let transfer: Transfer | undefined;

function detach(memory: ArrayBuffer): void {
  transfer ??= findTransfer();
  // To length 0, because a transfer of all bytes would copy them.
  transfer.call(memory, 0);
}

function findTransfer(): Transfer {
  const own = (ArrayBuffer.prototype as { transfer?: Transfer }).transfer;
  if (own !== undefined) {
    return own;
  }
  setFlagsFromString('--harmony-rab-gsab-transfer');
  try {
    return runInNewContext('ArrayBuffer.prototype.transfer') as Transfer;
  } finally {
    setFlagsFromString('--no-harmony-rab-gsab-transfer');
  }
}

export class LentMemory {
  /** For the handler. Must be copied to be kept. */
  readonly bytes: Uint8Array;
  readonly #memory: ArrayBuffer;

  constructor(address: number, lengthBytes: number) {
    this.#memory = koffi.view(address, lengthBytes);
    this.bytes = new Uint8Array(this.#memory);
  }

  /** Twice is harmless. */
  takeBack(): void {
    if (this.#memory.byteLength !== 0) {
      detach(this.#memory);
    }
  }
}
