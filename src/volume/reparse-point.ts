/**
 * Reparse points: what a symbolic link (or another tag of Windows) keeps instead of, or beside, its content. The volume
 * keeps the bytes and never follows them; that is the system's work.
 *
 * Layout of the data (Windows SDK, REPARSE_DATA_BUFFER): tag u32@0, length of what follows the head u16@4, reserved
 * u16@6; when bit 31 of the tag is not set, the tag is no Microsoft's and a GUID of 16 bytes belongs to the head.
 */
import { MAX_REPARSE_DATA_BYTES } from '../limits.js';
import { NtStatus } from '../ntstatus.js';

const HEAD_BYTES = 8;
const GUID_BYTES = 16;
/** Tags 0 to 2 are reserved. */
const LAST_RESERVED_TAG = 2;
const MICROSOFT_TAG = 0x8000_0000;

/** A character device 0:0: IO_REPARSE_TAG_LX_CHR, then major and minor, 32 bits each. */
export const WHITEOUT: Uint8Array = Uint8Array.of(0x25, 0, 0, 0x80, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

export interface ReparsePoint {
  readonly tag: number;
  readonly data: Uint8Array;
}

/** A copy of well-formed data, or IO_REPARSE_DATA_INVALID. */
export function parseReparsePoint(data: Uint8Array): ReparsePoint | number {
  const headBytes = headBytesOf(data);
  if (headBytes < 0 || data.length > MAX_REPARSE_DATA_BYTES) return NtStatus.IO_REPARSE_DATA_INVALID;
  const contentBytes = (data[4] as number) | ((data[5] as number) << 8);
  if (data.length !== headBytes + contentBytes) return NtStatus.IO_REPARSE_DATA_INVALID;
  return { tag: tagOf(data), data: new Uint8Array(data) };
}

/**
 * Whether data of the given head may replace or delete what is there: the same tag (or IO_REPARSE_TAG_MISMATCH), and
 * the same GUID where there is one (or REPARSE_ATTRIBUTE_CONFLICT), as WinFsp's own check has it.
 */
export function matchReparsePoint(there: ReparsePoint, given: Uint8Array): number {
  const headBytes = headBytesOf(given);
  if (headBytes < 0) return NtStatus.IO_REPARSE_DATA_INVALID;
  if (there.tag !== tagOf(given)) return NtStatus.IO_REPARSE_TAG_MISMATCH;
  for (let i = HEAD_BYTES; i < headBytes; i++) {
    if (there.data[i] !== given[i]) return NtStatus.REPARSE_ATTRIBUTE_CONFLICT;
  }
  return NtStatus.SUCCESS;
}

/** -1 when the data are too short for a head, or the tag is none that may be set. */
function headBytesOf(data: Uint8Array): number {
  if (data.length < HEAD_BYTES) return -1;
  const tag = tagOf(data);
  const headBytes = tag >= MICROSOFT_TAG ? HEAD_BYTES : HEAD_BYTES + GUID_BYTES;
  return tag <= LAST_RESERVED_TAG || data.length < headBytes ? -1 : headBytes;
}

function tagOf(data: Uint8Array): number {
  const [a, b, c, d] = data as unknown as [number, number, number, number];
  return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;
}
