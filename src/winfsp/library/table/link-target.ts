/**
 * Texts of symbolic links as WinFsp's library can follow them. It joins the text with what is left of the path, so one
 * that ends with a backslash (as `mklink /D link target\` makes it) leaves an empty name in the middle.
 *
 * Layout (Windows SDK, REPARSE_DATA_BUFFER of a symbolic link): tag u32@0, data length u16@4; offset and length of the
 * substitute name u16@8 and @10, of the print name u16@12 and @14, in bytes from 20 on; flags u32@16, 1: relative.
 */
import { NtStatus } from '../../../ntstatus.js';
import type { SlotMemory } from './slot-memory.js';

const SYMBOLIC_LINK = 0xa000_000c;
const RELATIVE = 1;
const TEXTS = 20;
const HEAD_BYTES = 8;
const BACKSLASH = 0x5c;
/** What leads to the root and can have a name behind it. */
const ROOT_AND_MORE = '\\.';
/** Head and first unit of a link's text. */
const EMPTY = new Uint8Array(TEXTS + 2);

/** The same link without backslashes at the end of its text; other reparse points as they are. */
export function followableLink(data: Uint8Array): Uint8Array {
  if (data.length < TEXTS) {
    return data;
  }
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  if (view.getUint32(0, true) !== SYMBOLIC_LINK || (view.getUint32(16, true) & RELATIVE) === 0) {
    return data;
  }
  const start = TEXTS + view.getUint16(8, true);
  const end = start + view.getUint16(10, true);
  if (end > data.length) {
    return data;
  }
  let kept = end;
  while (kept - 2 >= start && view.getUint16(kept - 2, true) === BACKSLASH) {
    kept -= 2;
  }
  if (kept === end) {
    return data;
  }
  return kept === start ? linkTo(ROOT_AND_MORE) : withLength(data, kept - start);
}

function withLength(data: Uint8Array, lengthBytes: number): Uint8Array {
  const copy = data.slice();
  new DataView(copy.buffer).setUint16(10, lengthBytes, true);
  return copy;
}

function linkTo(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'utf16le');
  const data = new Uint8Array(TEXTS + bytes.length);
  const view = new DataView(data.buffer);
  view.setUint32(0, SYMBOLIC_LINK, true);
  view.setUint16(4, data.length - HEAD_BYTES, true);
  view.setUint16(10, bytes.length, true);
  view.setUint16(14, bytes.length, true);
  view.setUint32(16, RELATIVE, true);
  data.set(bytes, TEXTS);
  return data;
}

/**
 * Puts right how the library ends at a link that leads to the root and has no name behind it (`.` in the root, `..` in
 * a directory of it): it makes an empty path, which it leaves in the answer, and fails with OBJECT_PATH_NOT_FOUND. The
 * answer is a link to the root then. `io`: IO_STATUS_BLOCK, status u32@0, information u64@8.
 */
export function resolveToRoot(
  resolve: () => number,
  memory: SlotMemory,
  io: number,
  out: number,
  size: number,
): number {
  memory.put(EMPTY, out);
  const status = resolve();
  if (status !== NtStatus.OBJECT_PATH_NOT_FOUND || !isEmptyLink(memory.readReparse(out, EMPTY.length))) {
    return status;
  }
  const link = linkTo('\\');
  const counts = new DataView(new ArrayBuffer(16));
  counts.setUint32(0, NtStatus.REPARSE, true);
  counts.setUint32(8, SYMBOLIC_LINK, true);
  memory.put(new Uint8Array(counts.buffer), io);
  counts.setUint32(0, link.length, true);
  memory.put(new Uint8Array(counts.buffer, 0, 8), size);
  memory.put(link, out);
  return NtStatus.REPARSE;
}

/** The library sets the lengths only when it succeeds; what it came to stands in the text all the same. */
function isEmptyLink(data: Uint8Array): boolean {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  return (
    view.getUint32(0, true) === SYMBOLIC_LINK &&
    view.getUint16(10, true) === 0 &&
    view.getUint32(16, true) === RELATIVE &&
    view.getUint16(TEXTS, true) === 0
  );
}
