/** Functions that need no volume: records appended to buffers, directory buffers, error codes, security descriptors. */

import { randomFrom } from '../programs.js';
import { type Comparison, hex, partsAt, type Side, wide } from './sides.js';
import { ABI } from './volume.js';

const MAX_ERROR = 20_000;

export function errorCodes(comparison: Comparison): void {
  for (let code = 0; code <= MAX_ERROR; code++) {
    comparison.compare('FspNtStatusFromWin32', code, (side) =>
      hex(side.call('int32_t FspNtStatusFromWin32(uint32_t code)', code)),
    );
  }
  for (const [name, text] of Object.entries(ABI.ntstatus)) {
    comparison.compare('FspWin32FromNtStatus', name, (side) =>
      side.call('uint32_t FspWin32FromNtStatus(int32_t status)', Number(text) | 0),
    );
  }
}

/** Function, its head's bytes, where the name begins. */
const RECORDS = [
  ['FspFileSystemAddDirInfo', 104],
  ['FspFileSystemAddStreamInfo', 24],
  ['FspFileSystemAddNotifyInfo', 12],
] as const;

export function records(comparison: Comparison, seed: number): void {
  const random = randomFrom(seed);
  for (const [name, head] of RECORDS) {
    for (let i = 0; i < 300; i++) {
      const room = random(700);
      const names = Array.from({ length: 1 + random(5) }, () =>
        'abcdefghijklmnopqrstuvwxyz'.repeat(3).slice(0, random(60)),
      );
      comparison.compare(name, { room, names: names.map((each) => each.length) }, (side) => {
        const buffer = Buffer.alloc(700, 0xaa);
        const used = Buffer.alloc(4);
        const returned = [...names, null].map((each) =>
          side.call(
            `uint8_t ${name}(void *record, void *buffer, uint32_t length, void *used)`,
            record(head, each),
            buffer,
            room,
            used,
          ),
        );
        return { returned, used: used.readUInt32LE(), buffer: buffer.toString('hex') };
      });
    }
  }
}
/** Null marks the end. */
function record(head: number, name: string | null): Buffer | null {
  if (name === null) {
    return null;
  }
  const data = Buffer.alloc(head + name.length * 2, 0x11);
  data.writeUInt16LE(data.length, 0);
  data.write(name, head, 'utf16le');
  return data;
}

interface Ea {
  name: string;
  value: number;
  flags: number;
}
function eaRecord({ name, value, flags }: Ea, next = 0): Buffer {
  const data = Buffer.alloc(8 + name.length + 1 + value, 0x22);
  data.writeUInt32LE(next, 0);
  data[4] = flags;
  data[5] = name.length;
  data.writeUInt16LE(value, 6);
  data.write(`${name}\0`, 8, 'latin1');
  return data;
}
const randomEa = (random: (below: number) => number): Ea => ({
  name: 'ABCDEFGHIJKLMNOP'.slice(0, 1 + random(16)),
  value: random(40),
  flags: random(2) * 0x80,
});

export function extendedAttributes(comparison: Comparison, seed: number): void {
  const random = randomFrom(seed + 1);
  for (let i = 0; i < 300; i++) {
    const room = random(200);
    const all = Array.from({ length: 1 + random(5) }, () => randomEa(random));
    comparison.compare('FspFileSystemAddEa', { room, all }, (side) => {
      const [buffer, used] = [Buffer.alloc(200, 0xaa), Buffer.alloc(4)];
      const returned = [...all, null].map((ea) =>
        side.call(
          'uint8_t FspFileSystemAddEa(void *ea, void *buffer, uint32_t length, void *used)',
          ea === null ? null : eaRecord(ea),
          buffer,
          room,
          used,
        ),
      );
      return { returned, used: used.readUInt32LE(), buffer: buffer.toString('hex') };
    });
  }
}

const FILL = 'uint8_t FspFileSystemFillDirectoryBuffer(void *buffer, void *info, void *result)';
const READ =
  'void FspFileSystemReadDirectoryBuffer(void *buffer, void *marker, void *to, uint32_t length, void *used)';

export function directoryBuffers(comparison: Comparison, seed: number): void {
  const random = randomFrom(seed + 2);
  for (let i = 0; i < 200; i++) {
    const names = new Set(
      Array.from(
        { length: random(40) },
        () =>
          ['.', '..', 'a', 'A', 'b', 'long name', 'Zz', 'é', 'Ω'][random(9)]! +
          (random(3) === 0 ? '' : String(random(20))),
      ),
    );
    const steps = Array.from({ length: 6 }, () => ({
      marker: random(4) === 0 ? null : ([...names, 'none', ''][random(names.size + 2)] ?? null),
      room: random(4000),
    }));
    comparison.compare('directory buffer', { names: [...names], steps }, (side) =>
      directoryBuffer(side, names, steps),
    );
  }
}
function directoryBuffer(
  side: Side,
  names: Iterable<string>,
  steps: { marker: string | null; room: number }[],
): unknown {
  const [buffer, result] = [Buffer.alloc(8), Buffer.alloc(4)];
  const filled = [
    side.call(
      'uint8_t FspFileSystemAcquireDirectoryBuffer(void *buffer, uint8_t reset, void *result)',
      buffer,
      1,
      result,
    ),
    hex(result.readInt32LE()),
  ];
  for (const name of names) {
    filled.push(side.call(FILL, buffer, record(104, name), result));
  }
  side.call('void FspFileSystemReleaseDirectoryBuffer(void *buffer)', buffer);
  const reads = steps.map(({ marker, room }) => {
    const [to, used] = [Buffer.alloc(4000, 0xaa), Buffer.alloc(4)];
    side.call(READ, buffer, marker === null ? null : wide(marker), to, room, used);
    return { used: used.readUInt32LE(), names: namesIn(to, used.readUInt32LE()) };
  });
  side.call('void FspFileSystemDeleteDirectoryBuffer(void *buffer)', buffer);
  return { filled, reads };
}
function namesIn(data: Buffer, used: number): string[] {
  const names: string[] = [];
  for (let at = 0; at + 2 <= used; ) {
    const size = data.readUInt16LE(at);
    names.push(size === 0 ? 'END' : data.toString('utf16le', at + 104, at + size));
    at += size === 0 ? 2 : (size + 7) & ~7;
  }
  return names;
}

const sid = (authority: number, ...parts: number[]): Buffer => {
  const data = Buffer.alloc(8 + 4 * parts.length);
  data.set([1, parts.length], 0);
  data[7] = authority;
  parts.forEach((part, i) => void data.writeUInt32LE(part, 8 + 4 * i));
  return data;
};
const SIDS = {
  everyone: sid(1, 0),
  creatorOwner: sid(3, 0),
  creatorGroup: sid(3, 1),
  administrators: sid(5, 32, 544),
  users: sid(5, 32, 545),
  system: sid(5, 18),
  authenticated: sid(5, 11),
  stranger: sid(5, 21, 9, 9, 9, 999),
} as const;
type SidName = keyof typeof SIDS;
interface Ace {
  deny: boolean;
  flags: number;
  mask: number;
  sid: SidName;
}
export interface Descriptor {
  owner: SidName | null;
  group: SidName | null;
  /** undefined: no list is said; null: a NULL list. */
  dacl: Ace[] | null | undefined;
  control: number;
}
function acl(aces: Ace[]): Buffer {
  const bodies = aces.map(({ deny, flags, mask, sid }) => {
    const ace = Buffer.alloc(8 + SIDS[sid].length);
    ace.set([deny ? 1 : 0, flags], 0);
    ace.writeUInt16LE(ace.length, 2);
    ace.writeUInt32LE(mask >>> 0, 4);
    ace.set(SIDS[sid], 8);
    return ace;
  });
  const head = Buffer.alloc(8);
  head[0] = 2;
  head.writeUInt16LE(8 + bodies.reduce((sum, { length }) => sum + length, 0), 2);
  head.writeUInt16LE(aces.length, 4);
  return Buffer.concat([head, ...bodies]);
}
export function descriptor({ owner, group, dacl, control }: Descriptor): Buffer {
  const head = Buffer.alloc(20);
  const parts: Buffer[] = [head];
  let at = 20;
  const add = (field: number, part: Buffer) => {
    head.writeUInt32LE(at, field);
    parts.push(part);
    at += part.length;
  };
  if (owner !== null) {
    add(4, SIDS[owner]);
  }
  if (group !== null) {
    add(8, SIDS[group]);
  }
  if (dacl !== null && dacl !== undefined) {
    add(16, acl(dacl));
  }
  head[0] = 1;
  head.writeUInt16LE(0x8000 | control | (dacl === undefined ? 0 : 4), 2);
  return Buffer.concat(parts);
}

const MASKS = [0x1f01ff, 0x120089, 0x10000000, 0x80000000, 0x40000000, 0x20, 2, 0x40, 0x10000, 0x1301bf];
/** Generic rights, which are turned into file rights at some moment, only `withGeneric`. */
export function randomDescriptor(
  random: (below: number) => number,
  inheritance: boolean,
  withGeneric = true,
): Descriptor {
  // Whom the creators stand for is known when something is inherited.
  const names = (Object.keys(SIDS) as SidName[]).filter((name) => inheritance || !name.startsWith('creator'));
  const masks = withGeneric ? MASKS : MASKS.filter((mask) => mask < 0x1000_0000);
  const aces = () =>
    Array.from({ length: random(4) }, () => ({
      deny: random(4) === 0,
      flags: inheritance ? [0, 1, 2, 3, 11, 9, 7][random(7)]! : 0,
      mask: masks[random(masks.length)]!,
      sid: names[random(names.length)]!,
    }));
  return {
    owner: (['administrators', 'stranger', 'users'] as const)[random(3)]!,
    group: (['users', 'stranger'] as const)[random(2)]!,
    dacl: random(12) === 0 ? null : aces(),
    control: 0,
  };
}

const SET = 'int32_t FspSetSecurityDescriptor(void *input, uint32_t parts, void *change, void *result)';
export function changedDescriptors(comparison: Comparison, seed: number): void {
  const random = randomFrom(seed + 3);
  for (let i = 0; i < 300; i++) {
    const [before, change] = [randomDescriptor(random, true, false), randomDescriptor(random, true)];
    const parts = 1 + random(7);
    comparison.compare('FspSetSecurityDescriptor', { before, change, parts }, (side) => {
      const result = Buffer.alloc(8);
      const padded = [before, change].map((each) => Buffer.concat([descriptor(each), Buffer.alloc(64)]));
      const status = side.call(SET, padded[0], parts, padded[1], result);
      return { status: hex(status), sd: status === 0 ? partsAt(Number(result.readBigUInt64LE())) : null };
    });
  }
}
