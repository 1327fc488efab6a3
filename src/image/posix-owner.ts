/**
 * Owner and mode for programs that unpack an image on Linux, from the descriptors that a Linux mount makes: users are
 * S-1-22-1-uid, groups S-1-22-2-gid, and the list is read first-match, as access checks do. Of others, root's and the
 * rights of Everyone.
 */
import { ACE_HEAD_BYTES, AceType, parseDescriptor, u32 } from '../volume/security/security-descriptor.js';

const READ_DATA = 0x1;
const WRITE_DATA = 0x2;
const EXECUTE = 0x20;
const GENERIC: readonly (readonly [bit: number, rights: number])[] = [
  [0x8000_0000, READ_DATA],
  [0x4000_0000, WRITE_DATA],
  [0x2000_0000, EXECUTE],
  [0x1000_0000, READ_DATA | WRITE_DATA | EXECUTE],
];
const UNIX_AUTHORITY = Buffer.from([1, 2, 0, 0, 0, 0, 0, 22]);
const EVERYONE = Buffer.from([1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
/** In whose entry the front end keeps set-user-id, set-group-id and the sticky bit. */
const NULL_SID = Buffer.from([1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
const INHERIT_ONLY = 0x8;
const ACL_HEAD_BYTES = 8;

export function posixOwner(descriptor: Uint8Array): { uid: number; gid: number; mode: number } {
  const parts = parseDescriptor(descriptor);
  const uid = unixId(parts?.owner, 1);
  const gid = unixId(parts?.group, 2);
  if (parts?.dacl == null) return { uid, gid, mode: 0o777 };
  const { dacl, owner, group } = parts;
  const allowed = [0, 0, 0];
  const decided = [0, 0, 0];
  let special = 0;
  for (let at = ACL_HEAD_BYTES, left = dacl[4]! | (dacl[5]! << 8); left > 0; left--) {
    const [type, flags] = [dacl[at]!, dacl[at + 1]!];
    const bytes = dacl[at + 2]! | (dacl[at + 3]! << 8);
    const mask = rightsOf(u32(dacl, at + 4));
    const sid = dacl.subarray(at + ACE_HEAD_BYTES, at + bytes);
    at += bytes;
    if ((type !== AceType.ALLOWED && type !== AceType.DENIED) || (flags & INHERIT_ONLY) !== 0) continue;
    if (same(sid, NULL_SID)) {
      special = (mask & 7) << 9;
      continue;
    }
    const everyone = same(sid, EVERYONE);
    const concerns = [
      everyone || same(sid, owner) || same(sid, group),
      everyone || same(sid, group),
      everyone,
    ];
    for (let who = 0; who < 3; who++) {
      if (!concerns[who]) continue;
      if (type === AceType.ALLOWED) allowed[who]! |= mask & ~decided[who]!;
      decided[who]! |= mask;
    }
  }
  const [user, ofGroup, other] = allowed.map(bitsOf) as [number, number, number];
  return { uid, gid, mode: special | (user << 6) | (ofGroup << 3) | other };
}

function rightsOf(mask: number): number {
  return GENERIC.reduce((all, [bit, rights]) => ((mask & bit) !== 0 ? all | rights : all), mask);
}

function bitsOf(mask: number): number {
  return (
    ((mask & READ_DATA) !== 0 ? 4 : 0) |
    ((mask & WRITE_DATA) !== 0 ? 2 : 0) |
    ((mask & EXECUTE) !== 0 ? 1 : 0)
  );
}

function same(sid: Uint8Array, other: Uint8Array | null): boolean {
  return other !== null && Buffer.compare(sid.subarray(0, other.length), other) === 0;
}

function unixId(sid: Uint8Array | null | undefined, kind: number): number {
  if (sid == null || sid.length !== 16 || !same(sid, UNIX_AUTHORITY)) return 0;
  return u32(sid, 8) === kind ? u32(sid, 12) : 0;
}
