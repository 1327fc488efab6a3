/** Security descriptors as the cases give and set them. */
export const DACL_SECURITY_INFORMATION = 4;
export const FULL_ACCESS = 0x1f01ff;

type Sid = readonly number[];
export const EVERYONE: Sid = [1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0];
export const SYSTEM: Sid = [1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0];
export const ADMINISTRATORS: Sid = [1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0];

/** A self-relative descriptor of SYSTEM with these allowing entries. */
export function descriptor(
  entries: readonly { sid: Sid; access?: number; flags?: number }[],
  owner = SYSTEM,
): Buffer {
  const aces = entries.map(({ sid, access = FULL_ACCESS, flags = 0 }) => {
    const ace = Buffer.alloc(8 + sid.length);
    ace.writeUInt8(flags, 1);
    ace.writeUInt16LE(ace.length, 2);
    ace.writeUInt32LE(access, 4);
    ace.set(sid, 8);
    return ace;
  });
  const list = Buffer.concat([Buffer.alloc(8), ...aces]);
  list.writeUInt8(2, 0);
  list.writeUInt16LE(list.length, 2);
  list.writeUInt16LE(aces.length, 4);
  const head = Buffer.alloc(20);
  head.writeUInt8(1, 0);
  head.writeUInt16LE(0x8004, 2); // self-relative, DACL present
  head.writeUInt32LE(20, 4);
  head.writeUInt32LE(20 + owner.length, 8);
  head.writeUInt32LE(20 + 2 * owner.length, 16);
  return Buffer.concat([head, Buffer.from(owner), Buffer.from(owner), list]);
}
