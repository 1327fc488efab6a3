/** Oplocks for the NT client: requests, acknowledgements, what a break says. Codes and layouts: Windows' public headers. */
import { type DataResult, type NtFile, StayingControl } from './rig.js';

export const OplockCode = {
  LEVEL_1: 0x90000,
  LEVEL_2: 0x90004,
  BATCH: 0x90008,
  ACKNOWLEDGE: 0x9000c,
  CLOSE_PENDING: 0x90010,
  ACKNOWLEDGE_NO_2: 0x90050,
  REQUEST: 0x90240,
} as const;

/** What a legacy oplock is broken to: Information of its request. */
export const BROKEN_TO_LEVEL_2 = 7;
export const BROKEN_TO_NONE = 8;

/** What a handle may cache: bits of a level of FSCTL_REQUEST_OPLOCK. */
export const Cache = { READ: 1, HANDLE: 2, WRITE: 4 } as const;
const FLAG_REQUEST = 1;
const FLAG_ACKNOWLEDGE = 2;
const OUTPUT_BYTES = 24;

/** REQUEST_OPLOCK_INPUT_BUFFER: version u16@0, bytes u16@2, level u32@4, flags u32@8. */
function input(level: number, flags: number): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt16LE(1, 0);
  bytes.writeUInt16LE(bytes.length, 2);
  bytes.writeUInt32LE(level, 4);
  bytes.writeUInt32LE(flags, 8);
  return bytes;
}

/** Level 1, level 2 or batch, and the acknowledgement of their breaks. */
export const legacy = (file: NtFile, code: number): StayingControl => new StayingControl(file, code);
export const request = (file: NtFile, level: number): StayingControl =>
  new StayingControl(file, OplockCode.REQUEST, input(level, FLAG_REQUEST), OUTPUT_BYTES);
/** `level`: what is kept. */
export const acknowledge = (file: NtFile, level: number): StayingControl =>
  new StayingControl(file, OplockCode.REQUEST, input(level, FLAG_ACKNOWLEDGE), OUTPUT_BYTES);

/** REQUEST_OPLOCK_OUTPUT_BUFFER: original level u32@4, new level u32@8, flags u32@12 (1: to be acknowledged). */
export function breakIn({ data }: DataResult): { from: number; to: number; acknowledge: boolean } | null {
  if (data.length < OUTPUT_BYTES) return null;
  return {
    from: data.readUInt32LE(4),
    to: data.readUInt32LE(8),
    acknowledge: (data.readUInt32LE(12) & 1) !== 0,
  };
}
