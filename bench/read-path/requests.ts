/**
 * Requests as the driver would write them, many at a time in one native block: what the host chain is fed with. Offsets
 * are those of src/winfsp/abi/layouts.ts.
 */
import { NativeBlock, Req, ReqRead, ReqWrite, setUint64, TransactKind } from '../../src/winfsp/index.js';

/** Every request takes one slot, whatever its kind. */
export const SLOT_BYTES = 128;
const FILE_ALL_ACCESS = 0x1f01ff;
const FILE_OPEN = 1;
const FILE_CREATE = 2;
/** Of the raw request (docs/winfsp.md#callbacks). */
const CLEANUP_DELETE = 1;
const USER_MODE_AND_TRAVERSE = 0b11;
const CREATE_DESIRED_ACCESS = 48;
const CREATE_SHARE_ACCESS = 56;
const CREATE_FLAGS = 64;
const SHARE_ALL = 7;

export class RequestBlock {
  /** By index of a create: how many of the next requests belong to what it opens. */
  readonly followers: Uint8Array;
  readonly #block: NativeBlock;

  constructor(readonly count: number) {
    this.followers = new Uint8Array(count);
    this.#block = new NativeBlock(count * SLOT_BYTES);
  }

  addressOf(index: number): number {
    return this.#block.address + index * SLOT_BYTES;
  }

  /** Read and Write have the same fields at the same places. */
  transfer(
    index: number,
    kind: 'Read' | 'Write',
    context: number,
    address: number,
    offset: number,
    length: number,
  ): void {
    const view = this.#begin(index, TransactKind[kind], Req.SIZE);
    const at = kind === 'Read' ? ReqRead : ReqWrite;
    setUint64(view, at.UserContext, context);
    setUint64(view, at.Address, address);
    setUint64(view, at.Offset, offset);
    view.setUint32(at.Length, length, true);
  }

  /** Close, QueryInformation: a context and nothing else. */
  ofContext(index: number, kind: 'Close' | 'QueryInformation', context: number): void {
    setUint64(this.#begin(index, TransactKind[kind], Req.SIZE), Req.Req, context);
  }

  /** Opens what is there. The name must fit behind the head in one slot. */
  open(index: number, name: string): void {
    this.#create(index, name, FILE_OPEN);
  }

  /** Makes a file; the `followers` requests behind it get the context that it is answered with. */
  create(index: number, name: string, followers: number): void {
    this.#create(index, name, FILE_CREATE);
    this.followers[index] = followers;
  }

  /** The last handle goes, and the name with it. */
  cleanupDelete(index: number, name: string): void {
    const view = this.#begin(index, TransactKind.Cleanup, SLOT_BYTES);
    view.setUint32(Req.Req + 16, CLEANUP_DELETE, true);
    this.#name(view, name);
  }

  #create(index: number, name: string, disposition: number): void {
    const view = this.#begin(index, TransactKind.Create, SLOT_BYTES);
    view.setUint32(Req.Req, disposition << 24, true);
    view.setUint32(CREATE_DESIRED_ACCESS, FILE_ALL_ACCESS, true);
    view.setUint32(CREATE_SHARE_ACCESS, SHARE_ALL, true);
    view.setUint32(CREATE_FLAGS, USER_MODE_AND_TRAVERSE, true);
    this.#name(view, name);
  }

  #name(view: DataView, name: string): void {
    const nameBytes = (name.length + 1) * 2;
    if (Req.SIZE + nameBytes > SLOT_BYTES) throw new RangeError(`the name ${name} is too long for a slot`);
    view.setUint16(Req.FileName, 0, true);
    view.setUint16(Req.FileName + 2, nameBytes, true);
    for (let i = 0; i < name.length; i++) view.setUint16(Req.Buffer + i * 2, name.charCodeAt(i), true);
  }

  free(): void {
    this.#block.free();
  }

  #begin(index: number, kind: number, size: number): DataView {
    const start = index * SLOT_BYTES;
    this.#block.bytes.fill(0, start, start + SLOT_BYTES);
    const view = new DataView(this.#block.view.buffer, this.#block.view.byteOffset + start, SLOT_BYTES);
    view.setUint16(Req.Size, size, true);
    view.setUint32(Req.Kind, kind, true);
    setUint64(view, Req.Hint, index + 1);
    return view;
  }
}
