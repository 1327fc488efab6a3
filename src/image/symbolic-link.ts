/**
 * The target of a symbolic link from its reparse data (Windows SDK, REPARSE_DATA_BUFFER: tag u32@0, then, of a symbolic
 * link, offset and length of the substitute name u16@8, 10, of the print name u16@12, 14, flags u32@16, text @20). For
 * programs that unpack an image; the volume gets its data back as they were.
 */
import { bytesOfName } from './tar/posix-name.js';

const SYMLINK_TAG = 0xa000000c;
const TEXT_OFFSET = 20;

/** With `/` between names (posix-name.ts); null when it is no symbolic link, or one whose target tar cannot say. */
export function linkTargetOf(reparse: Uint8Array): string | null {
  const data = Buffer.from(reparse.buffer, reparse.byteOffset, reparse.length);
  if (data.length < TEXT_OFFSET || data.readUInt32LE(0) !== SYMLINK_TAG) return null;
  const print = TEXT_OFFSET + data.readUInt16LE(12);
  const printed = textAt(data, print, data.readUInt16LE(14));
  const target = printed ?? textAt(data, TEXT_OFFSET + data.readUInt16LE(8), data.readUInt16LE(10));
  if (target === null || target.includes('\0')) return null;
  const path = target.replaceAll('\\', '/');
  return bytesOfName(path) === null ? null : path;
}

function textAt(data: Buffer, start: number, bytes: number): string | null {
  return bytes === 0 || start + bytes > data.length ? null : data.toString('utf16le', start, start + bytes);
}
