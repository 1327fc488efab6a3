/**
 * What becomes of access lists: which rights are meant, what a new child gets from its directory, and what a change of
 * security leaves. Pure functions over bytes, so that they run and are tested everywhere.
 *
 * Source of the rules: Windows' documentation of ACE inheritance and of SECURITY_INFORMATION. Malformed input is
 * undefined or INVALID_SECURITY_DESCR.
 */
import { NtStatus } from '../../ntstatus.js';
import {
  ACE_HEAD_BYTES,
  AceType,
  acesOf,
  buildAcl,
  buildDescriptor,
  Control,
  hasPlainSid,
  parseDescriptor,
  putU16,
  putU32,
  u32,
} from './security-descriptor.js';

export const SecurityInformation = {
  OWNER: 0x1,
  GROUP: 0x2,
  DACL: 0x4,
  SACL: 0x8,
  LABEL: 0x10,
  UNPROTECTED_SACL: 0x1000_0000,
  UNPROTECTED_DACL: 0x2000_0000,
  PROTECTED_SACL: 0x4000_0000,
  PROTECTED_DACL: 0x8000_0000,
} as const;

const AceFlag = {
  OBJECT_INHERIT: 0x01,
  CONTAINER_INHERIT: 0x02,
  NO_PROPAGATE: 0x04,
  INHERIT_ONLY: 0x08,
  INHERITED: 0x10,
} as const;
const INHERITANCE_FLAGS = 0x1f;

export const FILE_ALL_ACCESS = 0x1f01ff;
/** Generic right → what it means for files. */
const GENERIC_RIGHTS: readonly (readonly [generic: number, file: number])[] = [
  [0x8000_0000, 0x120089],
  [0x4000_0000, 0x120116],
  [0x2000_0000, 0x1200a0],
  [0x1000_0000, FILE_ALL_ACCESS],
];
const GENERIC_MASK = 0xf000_0000;

const ACL_REVISION = 2;

/** S-1-`authority`-… */
export function sid(authority: number, ...subAuthorities: number[]): Uint8Array {
  const bytes = new Uint8Array(8 + 4 * subAuthorities.length);
  bytes[0] = 1;
  bytes[1] = subAuthorities.length;
  bytes[7] = authority;
  subAuthorities.forEach((value, index) => {
    putU32(bytes, 8 + 4 * index, value);
  });
  return bytes;
}

export const Sid = {
  EVERYONE: sid(1, 0),
  CREATOR_OWNER: sid(3, 0),
  CREATOR_GROUP: sid(3, 1),
  LOCAL_SYSTEM: sid(5, 18),
  ADMINISTRATORS: sid(5, 32, 544),
} as const;

export function ace(type: number, flags: number, mask: number, who: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(ACE_HEAD_BYTES + who.length);
  bytes[0] = type;
  bytes[1] = flags;
  putU16(bytes, 2, bytes.length);
  putU32(bytes, 4, mask);
  bytes.set(who, ACE_HEAD_BYTES);
  return bytes;
}

/**
 * O:BAG:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;WD): everybody may do everything, and so may whatever is
 * created below.
 */
export function rootDescriptor(): Uint8Array {
  const flags = AceFlag.OBJECT_INHERIT | AceFlag.CONTAINER_INHERIT;
  const aces = [Sid.LOCAL_SYSTEM, Sid.ADMINISTRATORS, Sid.EVERYONE].map((who) =>
    ace(AceType.ALLOWED, flags, FILE_ALL_ACCESS, who),
  );
  return buildDescriptor({
    control: Control.DACL_PRESENT | Control.DACL_PROTECTED,
    owner: Sid.ADMINISTRATORS,
    group: Sid.ADMINISTRATORS,
    sacl: null,
    dacl: buildAcl(aces, ACL_REVISION) as Uint8Array,
  }) as Uint8Array;
}

/**
 * The descriptor of a child that was created without one: the directory's owner and group, and what its lists pass on.
 * A directory that passes nothing on gives the child what a token's default would: its owner and the system may do
 * everything. So a child's DACL is never empty. Undefined when the result is too long.
 */
export function inheritDescriptor(parent: Uint8Array, directory: boolean): Uint8Array | undefined {
  const from = parseDescriptor(parent);
  if (from === undefined) return undefined;
  const owner = from.owner ?? Sid.ADMINISTRATORS;
  const group = from.group ?? Sid.ADMINISTRATORS;
  let control = Control.DACL_PRESENT | Control.DACL_AUTO_INHERITED;
  let aces = inheritAces(from.dacl, directory, owner, group);
  if (aces.length === 0) {
    control = Control.DACL_PRESENT;
    aces = [owner, Sid.LOCAL_SYSTEM].map((who) => ace(AceType.ALLOWED, 0, FILE_ALL_ACCESS, who));
  }
  const dacl = buildAcl(aces, from.dacl?.[0] ?? ACL_REVISION);
  const audits = inheritAces(from.sacl, directory, owner, group);
  const sacl = audits.length === 0 ? null : buildAcl(audits, from.sacl?.[0] ?? ACL_REVISION);
  if (dacl === undefined || sacl === undefined) return undefined;
  if (sacl !== null) control |= Control.SACL_PRESENT | Control.SACL_AUTO_INHERITED;
  return buildDescriptor({ control, owner, group, sacl, dacl });
}

function inheritAces(
  acl: Uint8Array | null,
  directory: boolean,
  owner: Uint8Array,
  group: Uint8Array,
): Uint8Array[] {
  const inherited: Uint8Array[] = [];
  for (const given of acesOf(acl)) {
    const flags = given[1] as number;
    const onward = flags & (AceFlag.OBJECT_INHERIT | AceFlag.CONTAINER_INHERIT);
    if (onward === 0) continue;
    const kept = (flags & ~INHERITANCE_FLAGS) | AceFlag.INHERITED;
    if (!directory) {
      if ((flags & AceFlag.OBJECT_INHERIT) !== 0) inherited.push(effective(given, kept, owner, group));
      continue;
    }
    const applies = (flags & AceFlag.CONTAINER_INHERIT) !== 0;
    const passesOn = (flags & AceFlag.NO_PROPAGATE) === 0;
    if (applies) {
      const here = effective(given, passesOn ? kept | onward : kept, owner, group);
      if (!passesOn || !wasResolved(given, here)) {
        inherited.push(here);
        continue;
      }
      // What was resolved for this directory must reach its children unresolved: CREATOR OWNER is another user there.
      here[1] = kept;
      inherited.push(here);
    }
    if (passesOn) inherited.push(withFlags(given, kept | onward | AceFlag.INHERIT_ONLY));
  }
  return inherited;
}

/** A copy for the child itself: generic rights and CREATOR OWNER or GROUP are replaced by what they stand for. */
function effective(given: Uint8Array, flags: number, owner: Uint8Array, group: Uint8Array): Uint8Array {
  const type = given[0] as number;
  if (!hasPlainSid(type)) return withFlags(given, flags);
  const mask = mapGenericRights(u32(given, 4));
  const who = given.subarray(ACE_HEAD_BYTES);
  if (equalBytes(who, Sid.CREATOR_OWNER)) return ace(type, flags, mask, owner);
  if (equalBytes(who, Sid.CREATOR_GROUP)) return ace(type, flags, mask, group);
  const copy = withFlags(given, flags);
  putU32(copy, 4, mask);
  return copy;
}

function wasResolved(given: Uint8Array, copy: Uint8Array): boolean {
  return given.length !== copy.length || !equalBytes(given.subarray(4), copy.subarray(4));
}

function withFlags(given: Uint8Array, flags: number): Uint8Array {
  const copy = new Uint8Array(given);
  copy[1] = flags;
  return copy;
}

function mapGenericRights(mask: number): number {
  let mapped = mask;
  for (const [generic, file] of GENERIC_RIGHTS) if ((mask & generic) !== 0) mapped |= file;
  return (mapped & ~GENERIC_MASK) >>> 0;
}

/**
 * `current` with those parts replaced from `modification` that `information` (SecurityInformation bits) names.
 * INVALID_SECURITY_DESCR when the modification is malformed, names no owner or group where one is to be set, or the
 * result is too long.
 */
export function mergeDescriptor(
  current: Uint8Array,
  information: number,
  modification: Uint8Array,
): Uint8Array | number {
  const parts = parseDescriptor(current);
  const from = parseDescriptor(modification);
  if (parts === undefined || from === undefined) return NtStatus.INVALID_SECURITY_DESCR;
  const named = (bits: number) => (information & bits) !== 0;
  if (named(SecurityInformation.OWNER)) parts.owner = from.owner;
  if (named(SecurityInformation.GROUP)) parts.group = from.group;
  if (
    (named(SecurityInformation.OWNER) && from.owner === null) ||
    (named(SecurityInformation.GROUP) && from.group === null)
  ) {
    return NtStatus.INVALID_SECURITY_DESCR;
  }
  if (named(SecurityInformation.DACL)) {
    const taken = Control.DACL_PROTECTED | Control.DACL_AUTO_INHERITED;
    // Without a DACL in it, the modification asks for none at all: everybody may do everything.
    parts.control = (parts.control & ~taken) | Control.DACL_PRESENT | (from.control & taken);
    parts.dacl = withFileRights(from.dacl);
  }
  const saclBits = SecurityInformation.SACL | SecurityInformation.LABEL;
  if (named(saclBits)) {
    const taken = Control.SACL_PROTECTED | Control.SACL_AUTO_INHERITED;
    if (named(SecurityInformation.SACL)) {
      parts.control = (parts.control & ~taken) | (from.control & taken);
    }
    const isNamed = (one: Uint8Array) =>
      named(one[0] === AceType.MANDATORY_LABEL ? SecurityInformation.LABEL : SecurityInformation.SACL);
    const aces = [...acesOf(from.sacl).filter(isNamed), ...acesOf(parts.sacl).filter((one) => !isNamed(one))];
    const revision = Math.max(from.sacl?.[0] ?? ACL_REVISION, parts.sacl?.[0] ?? ACL_REVISION);
    const sacl = aces.length === 0 ? null : withFileRights(buildAcl(aces, revision));
    if (sacl === undefined) return NtStatus.INVALID_SECURITY_DESCR;
    parts.sacl = sacl;
    parts.control =
      sacl === null ? parts.control & ~Control.SACL_PRESENT : parts.control | Control.SACL_PRESENT;
  }
  if (named(SecurityInformation.PROTECTED_DACL)) parts.control |= Control.DACL_PROTECTED;
  if (named(SecurityInformation.UNPROTECTED_DACL)) parts.control &= ~Control.DACL_PROTECTED;
  if (named(SecurityInformation.PROTECTED_SACL)) parts.control |= Control.SACL_PROTECTED;
  if (named(SecurityInformation.UNPROTECTED_SACL)) parts.control &= ~Control.SACL_PROTECTED;
  return buildDescriptor(parts) ?? NtStatus.INVALID_SECURITY_DESCR;
}

/** A copy whose generic rights are file rights, but for ACEs that are only meant for children. */
function withFileRights<Acl extends Uint8Array | null | undefined>(acl: Acl): Acl {
  if (acl == null) return acl;
  const copy = new Uint8Array(acl);
  for (const one of acesOf(copy)) {
    if (((one[1] as number) & AceFlag.INHERIT_ONLY) === 0 && hasPlainSid(one[0] as number)) {
      putU32(one, 4, mapGenericRights(u32(one, 4)));
    }
  }
  return copy as Acl;
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
