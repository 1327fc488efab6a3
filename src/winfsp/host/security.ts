/**
 * Self-relative security descriptors for file systems that keep none of their own: owner and group are the
 * administrators, and one access list is for all files. Entries have the OI and CI flags, or new files would get an
 * empty list and no program could open them.
 */
const SELF_RELATIVE_PROTECTED_DACL = 0x9004;
const OBJECT_AND_CONTAINER_INHERIT = 0x03;
const HEAD_BYTES = 20;

const ADMINISTRATORS = [1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0];
const SYSTEM = [1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0];
const EVERYONE = [1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0];

/** FILE_ALL_ACCESS, and FILE_GENERIC_READ with FILE_GENERIC_EXECUTE. */
const ALL_ACCESS = 0x1f01ff;
const READ_ACCESS = 0x1200a9;

function descriptor(access: number): Uint8Array {
  const entries = [SYSTEM, ADMINISTRATORS, EVERYONE].flatMap((sid) => [
    0,
    OBJECT_AND_CONTAINER_INHERIT,
    ...uint16(8 + sid.length),
    ...uint32(access),
    ...sid,
  ]);
  const list = [2, 0, ...uint16(8 + entries.length), ...uint16(3), 0, 0, ...entries];
  const group = HEAD_BYTES + ADMINISTRATORS.length;
  const dacl = group + ADMINISTRATORS.length;
  return Uint8Array.from([
    ...[1, 0, ...uint16(SELF_RELATIVE_PROTECTED_DACL)],
    ...[...uint32(HEAD_BYTES), ...uint32(group), ...uint32(0), ...uint32(dacl)],
    ...ADMINISTRATORS,
    ...ADMINISTRATORS,
    ...list,
  ]);
}

function uint16(value: number): number[] {
  return [value & 0xff, value >>> 8];
}

function uint32(value: number): number[] {
  return [...uint16(value & 0xffff), ...uint16(value >>> 16)];
}

/**
 * `O:BAG:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;WD)`: everybody may do everything. A new array each time.
 */
export function everyoneFullAccess(): Uint8Array {
  return descriptor(ALL_ACCESS);
}

/** `O:BAG:BAD:P(A;OICI;FRFX;;;SY)(A;OICI;FRFX;;;BA)(A;OICI;FRFX;;;WD)`: everybody may read. A new array each time. */
export function everyoneReadOnly(): Uint8Array {
  return descriptor(READ_ACCESS);
}
