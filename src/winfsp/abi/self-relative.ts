/**
 * The length of a self-relative security descriptor, which C passes without one. Layout (Windows SDK,
 * SECURITY_DESCRIPTOR_RELATIVE): Control u16@2, then offsets of owner, group, SACL and DACL at 4, 8, 12 and 16; a SID
 * is 8 + 4 × byte@1 bytes long, an ACL carries its size as u16@2. Both are 8 bytes long at least.
 */
export const SELF_RELATIVE_HEAD_BYTES = 20;
const SE_SELF_RELATIVE = 0x8000;

/** The shortest SID or ACL. */
const MIN_PART_BYTES = 8;

/**
 * How many bytes hold the descriptor's head and those of all its parts, by its first SELF_RELATIVE_HEAD_BYTES bytes in
 * `view`. −1 when it is not self-relative or a part would begin too close to `limitBytes`: offsets come from outside
 * and must not lead anywhere else.
 */
export function selfRelativeHeadsEnd(view: DataView, limitBytes: number): number {
  if ((view.getUint16(2, true) & SE_SELF_RELATIVE) === 0) {
    return -1;
  }
  let end = SELF_RELATIVE_HEAD_BYTES;
  for (let field = 4; field < SELF_RELATIVE_HEAD_BYTES; field += 4) {
    const offset = view.getUint32(field, true);
    if (offset === 0) {
      continue;
    }
    if (offset < SELF_RELATIVE_HEAD_BYTES || offset > limitBytes - MIN_PART_BYTES) {
      return -1;
    }
    end = Math.max(end, offset + MIN_PART_BYTES);
  }
  return end;
}

/**
 * The length of the whole, by its first selfRelativeHeadsEnd bytes in `view`. −1 when it is malformed or longer than
 * `limitBytes`.
 */
export function selfRelativeLength(view: DataView, limitBytes: number): number {
  let length = selfRelativeHeadsEnd(view, limitBytes);
  for (let field = 4; field < SELF_RELATIVE_HEAD_BYTES && length >= 0; field += 4) {
    const offset = view.getUint32(field, true);
    if (offset === 0) {
      continue;
    }
    const isSid = field < 12;
    const part = isSid ? MIN_PART_BYTES + 4 * view.getUint8(offset + 1) : view.getUint16(offset + 2, true);
    if (part < MIN_PART_BYTES) {
      return -1;
    }
    length = Math.max(length, offset + part);
  }
  return length > limitBytes ? -1 : length;
}
