/**
 * Self-relative security descriptors: taking them apart and putting them together. They come from outside, so every
 * offset and size is checked against the bytes at hand before it is followed; malformed ones are undefined, never an
 * exception.
 *
 * Layout (Windows SDK): descriptor = revision u8, 0, control u16@2, offsets of owner, group, SACL and DACL u32@4, 8,
 * 12, 16. SID = revision u8, count u8, authority 6 bytes, count × u32. ACL = revision u8, 0, size u16@2, count u16@4,
 * 0; then ACEs: type u8, flags u8, size u16, access mask u32, and a SID in the types that matter here.
 */

export const Control = {
  DACL_PRESENT: 0x0004,
  SACL_PRESENT: 0x0010,
  DACL_AUTO_INHERITED: 0x0400,
  SACL_AUTO_INHERITED: 0x0800,
  DACL_PROTECTED: 0x1000,
  SACL_PROTECTED: 0x2000,
  SELF_RELATIVE: 0x8000,
} as const;

export const AceType = { ALLOWED: 0, DENIED: 1, AUDIT: 2, MANDATORY_LABEL: 0x11 } as const;

export const ACE_HEAD_BYTES = 8;
const ACL_HEAD_BYTES = 8;
const SD_HEAD_BYTES = 20;
const SID_HEAD_BYTES = 8;
/** Also what an ACL's 16-bit size can express. */
const MAX_DESCRIPTOR_BYTES = 0xffff;
const MAX_SUB_AUTHORITIES = 15;
/**
 * A part of the descriptor is a view of the bytes it was parsed from. Null: there is none (a null DACL lets everybody
 * do everything).
 */
export interface DescriptorParts {
  control: number;
  owner: Uint8Array | null;
  group: Uint8Array | null;
  sacl: Uint8Array | null;
  dacl: Uint8Array | null;
}

function u16(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
}

export function u32(bytes: Uint8Array, at: number): number {
  return (u16(bytes, at) | (u16(bytes, at + 2) << 16)) >>> 0;
}

export function putU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
}

export function putU32(bytes: Uint8Array, at: number, value: number): void {
  putU16(bytes, at, value);
  putU16(bytes, at + 2, value >>> 16);
}

export function parseDescriptor(bytes: Uint8Array): DescriptorParts | undefined {
  if (bytes.length < SD_HEAD_BYTES || bytes.length > MAX_DESCRIPTOR_BYTES || bytes[0] !== 1) return undefined;
  const control = u16(bytes, 2);
  if ((control & Control.SELF_RELATIVE) === 0) return undefined;
  const owner = partAt(bytes, u32(bytes, 4), sidBytesAt);
  const group = partAt(bytes, u32(bytes, 8), sidBytesAt);
  const sacl = partAt(bytes, (control & Control.SACL_PRESENT) === 0 ? 0 : u32(bytes, 12), aclBytesAt);
  const dacl = partAt(bytes, (control & Control.DACL_PRESENT) === 0 ? 0 : u32(bytes, 16), aclBytesAt);
  if (owner === undefined || group === undefined || sacl === undefined || dacl === undefined)
    return undefined;
  return { control, owner, group, sacl, dacl };
}

function partAt(
  bytes: Uint8Array,
  offset: number,
  lengthAt: (bytes: Uint8Array, at: number, end: number) => number,
): Uint8Array | null | undefined {
  if (offset === 0) return null;
  if (offset < SD_HEAD_BYTES) return undefined;
  const length = lengthAt(bytes, offset, bytes.length);
  return length < 0 ? undefined : bytes.subarray(offset, offset + length);
}

/** The length of the SID at `at`, or -1 when there is none that ends before `end`. */
function sidBytesAt(bytes: Uint8Array, at: number, end: number): number {
  if (at + SID_HEAD_BYTES > end || bytes[at] !== 1) return -1;
  const count = bytes[at + 1] as number;
  const length = SID_HEAD_BYTES + 4 * count;
  return count > MAX_SUB_AUTHORITIES || at + length > end ? -1 : length;
}

function aclBytesAt(bytes: Uint8Array, at: number, end: number): number {
  if (at + ACL_HEAD_BYTES > end) return -1;
  const revision = bytes[at] as number;
  const length = u16(bytes, at + 2);
  if (revision < 2 || revision > 4 || length < ACL_HEAD_BYTES || at + length > end) return -1;
  let used = ACL_HEAD_BYTES;
  for (let left = u16(bytes, at + 4); left > 0; left--) {
    if (used + ACE_HEAD_BYTES > length) return -1;
    const aceBytes = u16(bytes, at + used + 2);
    if (aceBytes < ACE_HEAD_BYTES || used + aceBytes > length) return -1;
    const aceEnd = at + used + aceBytes;
    if (
      hasPlainSid(bytes[at + used] as number) &&
      sidBytesAt(bytes, at + used + ACE_HEAD_BYTES, aceEnd) < 0
    ) {
      return -1;
    }
    used += aceBytes;
  }
  return length;
}

/** The types whose SID follows the access mask at once. */
export function hasPlainSid(aceType: number): boolean {
  return aceType <= AceType.AUDIT || aceType === AceType.MANDATORY_LABEL;
}

/** The ACEs of a list that was parsed, as views of it. */
export function acesOf(acl: Uint8Array | null): Uint8Array[] {
  const aces: Uint8Array[] = [];
  if (acl === null) return aces;
  for (let at = ACL_HEAD_BYTES, left = u16(acl, 4); left > 0; left--) {
    const length = u16(acl, at + 2);
    aces.push(acl.subarray(at, at + length));
    at += length;
  }
  return aces;
}

/** Undefined when the list would be longer than a list can be. */
export function buildAcl(aces: readonly Uint8Array[], revision: number): Uint8Array | undefined {
  const length = aces.reduce((sum, ace) => sum + ace.length, ACL_HEAD_BYTES);
  if (length > MAX_DESCRIPTOR_BYTES) return undefined;
  const acl = new Uint8Array(length);
  acl[0] = revision;
  putU16(acl, 2, length);
  putU16(acl, 4, aces.length);
  let at = ACL_HEAD_BYTES;
  for (const ace of aces) {
    acl.set(ace, at);
    at += ace.length;
  }
  return acl;
}

/** Undefined when it would be longer than a descriptor may be. The parts are copied, in Windows' own order. */
export function buildDescriptor(parts: DescriptorParts): Uint8Array | undefined {
  const places: [field: number, part: Uint8Array | null][] = [
    [12, parts.sacl],
    [16, parts.dacl],
    [4, parts.owner],
    [8, parts.group],
  ];
  let length = SD_HEAD_BYTES;
  for (const [, part] of places) length += aligned(part?.length ?? 0);
  if (length > MAX_DESCRIPTOR_BYTES) return undefined;
  const bytes = new Uint8Array(length);
  bytes[0] = 1;
  putU16(bytes, 2, parts.control | Control.SELF_RELATIVE);
  let at = SD_HEAD_BYTES;
  for (const [field, part] of places) {
    if (part === null) continue;
    putU32(bytes, field, at);
    bytes.set(part, at);
    at += aligned(part.length);
  }
  return bytes;
}

function aligned(length: number): number {
  return (length + 3) & ~3;
}
