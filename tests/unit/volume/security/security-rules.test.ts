import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NtStatus } from '../../../../src/ntstatus.js';
import {
  AceType,
  acesOf,
  buildAcl,
  buildDescriptor,
  Control,
  type DescriptorParts,
  parseDescriptor,
} from '../../../../src/volume/security/security-descriptor.js';
import {
  ace,
  FILE_ALL_ACCESS,
  SecurityInformation as Info,
  inheritDescriptor,
  mergeDescriptor,
  rootDescriptor,
  Sid,
  sid,
} from '../../../../src/volume/security/security-rules.js';

const USER = sid(5, 21, 1, 2, 3, 1001);
const USERS = sid(5, 32, 545);
const NAMES: [Uint8Array, string][] = [
  [Sid.EVERYONE, 'WD'],
  [Sid.CREATOR_OWNER, 'CO'],
  [Sid.CREATOR_GROUP, 'CG'],
  [Sid.LOCAL_SYSTEM, 'SY'],
  [Sid.ADMINISTRATORS, 'BA'],
  [USER, 'user'],
  [USERS, 'BU'],
];
const nameOf = (bytes: Uint8Array | null) =>
  bytes === null ? 'none' : (NAMES.find(([known]) => Buffer.from(known).equals(bytes))?.[1] ?? 'unknown');
const FLAGS: [number, string][] = [
  [0x01, 'OI'],
  [0x02, 'CI'],
  [0x04, 'NP'],
  [0x08, 'IO'],
  [0x10, 'ID'],
];
const TYPES = new Map<number, string>([
  [0, 'A'],
  [1, 'D'],
  [2, 'AU'],
  [0x11, 'ML'],
]);

/** A list in words much like SDDL, made by a reading of its own. */
function textOf(acl: Uint8Array | null): string {
  if (acl === null) return 'null';
  return acesOf(acl)
    .map((one) => {
      const bytes = Buffer.from(one);
      const flags = FLAGS.filter(([bit]) => (bytes[1]! & bit) !== 0).map(([, text]) => text);
      const mask = bytes.readUInt32LE(4);
      const rights = mask === FILE_ALL_ACCESS ? 'FA' : `0x${mask.toString(16)}`;
      return `(${TYPES.get(bytes[0]!)};${flags.join('')};${rights};${nameOf(bytes.subarray(8))})`;
    })
    .join('');
}
const parsed = (bytes: Uint8Array | number | undefined): DescriptorParts => {
  expect(bytes).toBeInstanceOf(Uint8Array);
  const parts = parseDescriptor(bytes as Uint8Array);
  expect(parts).toBeDefined();
  return parts!;
};
const allow = (flags: number, mask: number, who: Uint8Array) => ace(AceType.ALLOWED, flags, mask, who);
const acl = (...aces: Uint8Array[]) => buildAcl(aces, 2)!;

function descriptor(parts: Partial<DescriptorParts>): Uint8Array {
  const control =
    (parts.dacl === undefined ? 0 : Control.DACL_PRESENT) | (parts.sacl == null ? 0 : Control.SACL_PRESENT);
  return buildDescriptor({ control, owner: USER, group: USERS, sacl: null, dacl: null, ...parts })!;
}

describe('the root', () => {
  it('is O:BAG:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;WD)', () => {
    const parts = parsed(rootDescriptor());
    expect(nameOf(parts.owner) + nameOf(parts.group)).toBe('BABA');
    expect(parts.control).toBe(Control.SELF_RELATIVE | Control.DACL_PRESENT | Control.DACL_PROTECTED);
    expect(textOf(parts.dacl)).toBe('(A;OICI;FA;SY)(A;OICI;FA;BA)(A;OICI;FA;WD)');
    expect(parts.sacl).toBeNull();
  });
});

describe('inheritance', () => {
  const inherit = (dacl: Uint8Array | null, directory: boolean) =>
    textOf(parsed(inheritDescriptor(descriptor({ dacl }), directory)).dacl);
  const DEFAULT = '(A;;FA;user)(A;;FA;SY)';

  it('gives files what is for objects, and directories what is for containers, marked as inherited', () => {
    const dacl = acl(
      allow(3, 0x1, Sid.EVERYONE),
      allow(1, 0x2, USERS),
      allow(2, 0x4, USER),
      allow(0, 0x8, USER),
    );
    expect(inherit(dacl, false)).toBe('(A;ID;0x1;WD)(A;ID;0x2;BU)');
    expect(inherit(dacl, true)).toBe('(A;OICIID;0x1;WD)(A;OIIOID;0x2;BU)(A;CIID;0x4;user)');
  });

  it('stops at the first generation where that is asked for', () => {
    const dacl = acl(allow(3 | 4, 0x1, Sid.EVERYONE), allow(1 | 4, 0x2, USERS));
    expect(inherit(dacl, true)).toBe('(A;ID;0x1;WD)');
    expect(inherit(dacl, false)).toBe('(A;ID;0x1;WD)(A;ID;0x2;BU)');
  });

  it('puts owner and group in the place of CREATOR OWNER and GROUP, here and not further on', () => {
    const dacl = acl(allow(3, 0x1, Sid.CREATOR_OWNER), allow(3 | 8, 0x2, Sid.CREATOR_GROUP));
    expect(inherit(dacl, false)).toBe('(A;ID;0x1;user)(A;ID;0x2;BU)');
    expect(inherit(dacl, true)).toBe('(A;ID;0x1;user)(A;OICIIOID;0x1;CO)(A;ID;0x2;BU)(A;OICIIOID;0x2;CG)');
  });

  it('turns generic rights into file rights, here and not further on', () => {
    const dacl = acl(allow(3, 0x1000_0000, Sid.EVERYONE));
    expect(inherit(dacl, false)).toBe('(A;ID;FA;WD)');
    expect(inherit(dacl, true)).toBe('(A;ID;FA;WD)(A;OICIIOID;0x10000000;WD)');
    expect(inherit(acl(allow(1, 0x8000_0000, USER)), false)).toBe('(A;ID;0x120089;user)');
    expect(inherit(acl(allow(1, 0x4000_0000, USER)), false)).toBe('(A;ID;0x120116;user)');
    expect(inherit(acl(allow(1, 0x2000_0000, USER)), false)).toBe('(A;ID;0x1200a0;user)');
  });

  it('never leaves a child with an empty list', () => {
    for (const directory of [false, true]) {
      expect(inherit(null, directory)).toBe(DEFAULT);
      expect(inherit(acl(), directory)).toBe(DEFAULT);
      expect(inherit(acl(allow(0, 0x1, Sid.EVERYONE)), directory)).toBe(DEFAULT);
    }
    expect(inherit(acl(allow(2, 0x1, Sid.EVERYONE)), false)).toBe(DEFAULT);
  });

  it('passes audits on, owner and group too, and needs neither', () => {
    const sacl = acl(ace(AceType.AUDIT, 0xc0 | 1, 0x1, Sid.EVERYONE));
    const parts = parsed(inheritDescriptor(descriptor({ sacl, dacl: null }), false));
    expect(textOf(parts.sacl)).toBe('(AU;ID;0x1;WD)');
    expect(parts.sacl![9]).toBe(0xc0 | 0x10);
    expect(nameOf(parts.owner) + nameOf(parts.group)).toBe('userBU');
    const orphan = parsed(inheritDescriptor(descriptor({ owner: null, group: null }), false));
    expect(nameOf(orphan.owner) + nameOf(orphan.group)).toBe('BABA');
  });

  it('is stable from the grandchild on', () => {
    const child = inheritDescriptor(rootDescriptor(), true)!;
    expect(textOf(parsed(child).dacl)).toBe('(A;OICIID;FA;SY)(A;OICIID;FA;BA)(A;OICIID;FA;WD)');
    expect(inheritDescriptor(child, true)).toEqual(child);
  });

  it('answers nothing for what is malformed, or would be too long', () => {
    expect(inheritDescriptor(new Uint8Array(19), false)).toBeUndefined();
    const many = Array.from({ length: 2700 }, () => allow(3, 0x1000_0000, Sid.EVERYONE));
    expect(inheritDescriptor(descriptor({ dacl: acl(...many) }), true)).toBeUndefined();
  });
});

describe('merge', () => {
  const current = descriptor({
    owner: Sid.ADMINISTRATORS,
    group: Sid.ADMINISTRATORS,
    dacl: acl(allow(0, 0x1, Sid.EVERYONE)),
    sacl: acl(
      ace(AceType.AUDIT, 0x40, 0x1, Sid.EVERYONE),
      ace(AceType.MANDATORY_LABEL, 0, 1, sid(16, 0x2000)),
    ),
  });
  const modification = descriptor({
    dacl: acl(allow(0, 0x2, USER)),
    sacl: acl(ace(AceType.AUDIT, 0x80, 0x2, USER), ace(AceType.MANDATORY_LABEL, 0, 2, sid(16, 0x3000))),
  });
  const merge = (information: number, given = modification, onto = current) => {
    const parts = parsed(mergeDescriptor(onto, information >>> 0, given));
    const sacl = textOf(parts.sacl);
    return {
      text: `${nameOf(parts.owner)} ${nameOf(parts.group)} ${textOf(parts.dacl)} ${sacl}`,
      control: parts.control,
    };
  };
  const SACL = '(AU;;0x1;WD)(ML;;0x1;unknown)';

  it('takes exactly what is named', () => {
    expect(merge(0).text).toBe(`BA BA (A;;0x1;WD) ${SACL}`);
    expect(merge(Info.OWNER).text).toBe(`user BA (A;;0x1;WD) ${SACL}`);
    expect(merge(Info.GROUP).text).toBe(`BA BU (A;;0x1;WD) ${SACL}`);
    expect(merge(Info.DACL).text).toBe(`BA BA (A;;0x2;user) ${SACL}`);
    expect(merge(Info.OWNER | Info.GROUP | Info.DACL).text).toBe(`user BU (A;;0x2;user) ${SACL}`);
  });

  it('keeps audits and labels apart', () => {
    expect(merge(Info.SACL).text).toBe('BA BA (A;;0x1;WD) (AU;;0x2;user)(ML;;0x1;unknown)');
    expect(merge(Info.LABEL).text).toBe('BA BA (A;;0x1;WD) (ML;;0x2;unknown)(AU;;0x1;WD)');
    expect(merge(Info.SACL | Info.LABEL).text).toBe('BA BA (A;;0x1;WD) (AU;;0x2;user)(ML;;0x2;unknown)');
    const none = merge(Info.SACL | Info.LABEL, descriptor({ dacl: null }));
    expect(none.text).toBe('BA BA (A;;0x1;WD) null');
    expect(none.control & Control.SACL_PRESENT).toBe(0);
  });

  it('takes a missing DACL for the wish to have none, and an empty one for what it is', () => {
    const none = merge(Info.DACL, descriptor({}));
    expect(none.text).toBe(`BA BA null ${SACL}`);
    expect(none.control & Control.DACL_PRESENT).not.toBe(0);
    expect(merge(Info.DACL, descriptor({ dacl: acl() })).text).toBe(`BA BA  ${SACL}`);
  });

  it('turns generic rights into file rights, but not those meant for children', () => {
    const given = descriptor({ dacl: acl(allow(0, 0x1000_0000, USER), allow(3 | 8, 0x1000_0000, USER)) });
    expect(merge(Info.DACL, given).text).toContain('(A;;FA;user)(A;OICIIO;0x10000000;user)');
    expect(textOf(parsed(given).dacl)).toContain('(A;;0x10000000;user)');
  });

  it('changes neither of what it is given, be they Buffers, whose slices are no copies', () => {
    const given = Buffer.from(descriptor({ dacl: acl(allow(1, 0x1000_0000, USER)) }));
    const before = given.toString('hex');
    merge(Info.DACL, given);
    merge(Info.OWNER, modification, given);
    inheritDescriptor(given, false);
    inheritDescriptor(given, true);
    expect(given.toString('hex')).toBe(before);
  });

  it('keeps, takes, sets and clears protection', () => {
    const protectedOne = descriptor({
      dacl: acl(),
      control: Control.DACL_PRESENT | Control.DACL_PROTECTED | Control.SACL_PROTECTED,
    });
    const bits = Control.DACL_PROTECTED | Control.SACL_PROTECTED;
    expect(merge(Info.OWNER, modification, protectedOne).control & bits).toBe(bits);
    expect(merge(Info.DACL, modification, protectedOne).control & bits).toBe(Control.SACL_PROTECTED);
    expect(merge(Info.DACL, protectedOne).control & bits).toBe(Control.DACL_PROTECTED);
    expect(merge(Info.DACL | Info.PROTECTED_DACL).control & bits).toBe(Control.DACL_PROTECTED);
    expect(merge(Info.DACL | Info.UNPROTECTED_DACL, protectedOne).control & bits).toBe(0);
    expect(merge(Info.PROTECTED_SACL).control & bits).toBe(Control.SACL_PROTECTED);
    expect(merge(Info.UNPROTECTED_SACL, modification, protectedOne).control & bits).toBe(
      Control.DACL_PROTECTED,
    );
  });

  it('refuses to take an owner or a group that is not there', () => {
    const nobody = descriptor({ owner: null, group: null });
    expect(mergeDescriptor(current, Info.OWNER, nobody)).toBe(NtStatus.INVALID_SECURITY_DESCR);
    expect(mergeDescriptor(current, Info.GROUP, nobody)).toBe(NtStatus.INVALID_SECURITY_DESCR);
  });

  it('refuses what would be too long', () => {
    const long = acl(...Array.from({ length: 1700 }, () => allow(0, 1, Sid.EVERYONE)));
    const audits = acl(...Array.from({ length: 1700 }, () => ace(AceType.AUDIT, 0x40, 1, Sid.EVERYONE)));
    const withLong = descriptor({ dacl: long });
    const withAudits = descriptor({ sacl: audits });
    expect(mergeDescriptor(withLong, Info.SACL, withAudits)).toBe(NtStatus.INVALID_SECURITY_DESCR);
  });
});

describe('malformed bytes', () => {
  const good = Buffer.from(
    descriptor({
      dacl: acl(allow(3, 1, USER), allow(0, 2, USERS)),
      sacl: acl(ace(AceType.AUDIT, 0x40, 1, USER)),
    }),
  );

  it('are found by what they are', () => {
    const spoilt = (change: (bytes: Buffer) => void) => {
      const bytes = Buffer.from(good);
      change(bytes);
      return parseDescriptor(bytes);
    };
    expect(spoilt(() => {})).toBeDefined();
    expect(spoilt((bytes) => bytes.writeUInt8(2, 0))).toBeUndefined();
    expect(spoilt((bytes) => bytes.writeUInt16LE(Control.DACL_PRESENT, 2))).toBeUndefined();
    for (const field of [4, 8, 12, 16]) {
      for (const offset of [1, 19, good.length - 7, good.length, 0x7fffffff, 0xffffffff]) {
        expect(
          spoilt((bytes) => bytes.writeUInt32LE(offset, field)),
          `${field} ${offset}`,
        ).toBeUndefined();
      }
    }
    const dacl = good.readUInt32LE(16);
    for (const [at, value] of [
      [0, 1],
      [0, 5],
      [2, 7],
      [4, 3],
      [8 + 2, 7],
      [8 + 2, 255],
      [8 + 8, 2],
      [8 + 9, 6],
      [8 + 9, 255],
    ] as const) {
      expect(
        spoilt((bytes) => bytes.writeUInt8(value, dacl + at)),
        `${at} ${value}`,
      ).toBeUndefined();
    }
    expect(parseDescriptor(Buffer.concat([good, Buffer.alloc(65536)]))).toBeUndefined();
  });

  it('never end in an exception, nor in a result that is malformed itself', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc
        .array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 })
        .map((changes) => {
          const copy = Uint8Array.from(good);
          for (const [at, value] of changes) copy[at] = value;
          return copy;
        }),
      fc.nat(good.length).map((length) => Uint8Array.from(good.subarray(0, length))),
    );
    let wellFormed = 0;
    fc.assert(
      fc.property(bytes, bytes, fc.integer(), fc.boolean(), (a, b, information, directory) => {
        for (const parent of [a, good]) {
          const child = inheritDescriptor(parent, directory);
          if (child === undefined) continue;
          wellFormed++;
          expect(acesOf(parseDescriptor(child)!.dacl).length).toBeGreaterThan(0);
        }
        for (const [current, modification] of [
          [a, b],
          [good, a],
          [a, good],
        ] as const) {
          const merged = mergeDescriptor(current, information >>> 0, modification);
          if (typeof merged === 'number') expect(merged).toBe(NtStatus.INVALID_SECURITY_DESCR);
          else expect(parseDescriptor(merged)).toBeDefined();
        }
      }),
      { numRuns: 2000 },
    );
    expect(wellFormed).toBeGreaterThan(2000);
  });
});
