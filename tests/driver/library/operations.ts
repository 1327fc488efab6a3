/** The operation functions of every kind but Create: random requests and answers, and callbacks that are missing. */
import { randomFrom } from '../programs.js';
import { type Comparison, poke, SIDES, wide } from './sides.js';
import {
  type Answer,
  type Answers,
  type Attached,
  createVolume,
  deleteVolume,
  type Fields,
  kindOf,
  makeRequest,
  operate,
  store,
  storeFileInfo,
  tableWithout,
  volumeParams,
} from './volume.js';

type Random = (below: number) => number;
const pick = <T>(random: Random, from: readonly T[]): T => from[random(from.length)]!;
const STATUSES = [0, 0, 0, 0, 0x103, 0xc000007f | 0, 0x80000005 | 0, 0xc0000034 | 0];
const CONTEXTS = { UserContext: 0x1111, UserContext2: 0x2222 };

/** The same bytes stand for any buffer that a request points to: neither library may look at it. */
const { address: memory } = new (await import('../../../src/winfsp/memory/native-memory.js')).NativeBlock(
  65_536,
);

/** How each kind's request may look. */
const KINDS: Record<string, (random: Random) => { fields: Fields; attached?: Attached[] }> = {
  Overwrite: (random) => ({
    fields: { FileAttributes: random(256), AllocationSize: random(9999), Supersede: random(2) },
  }),
  Cleanup: (random) => ({
    fields: Object.fromEntries(
      [
        'Delete',
        'SetAllocationSize',
        'SetArchiveBit',
        'SetLastAccessTime',
        'SetLastWriteTime',
        'SetChangeTime',
      ].map((flag) => [flag, random(2)]),
    ),
    attached: random(2) === 0 ? [] : [{ field: 'FileName', data: wide('\\name') }],
  }),
  Close: () => ({ fields: {} }),
  Read: (random) => ({ fields: { Address: memory, Offset: random(9999), Length: 1 + random(9999) } }),
  Write: (random) => ({
    fields: {
      Address: memory,
      Offset: random(4) === 0 ? -1 : random(9999),
      Length: 1 + random(9999),
      ConstrainedIo: random(2),
    },
  }),
  QueryInformation: () => ({ fields: {} }),
  SetInformation: setInformation,
  QueryEa: () => ({ fields: {} }),
  SetEa: () => ({ fields: {}, attached: [{ field: 'Req.SetEa.Ea', data: Buffer.alloc(24, 1) }] }),
  FlushBuffers: () => ({ fields: {} }),
  QueryVolumeInformation: () => ({ fields: {} }),
  SetVolumeInformation: (random) => ({
    fields: { FsInformationClass: pick(random, [2, 2, 1, 3]) },
    attached: [{ field: 'Req.SetVolumeInformation.Info.Label.VolumeLabel', data: wide('LABEL') }],
  }),
  QueryDirectory: (random) => ({
    fields: {
      Address: memory,
      Length: 200 + random(2000),
      CaseSensitive: random(2),
      PatternIsFileName: random(2),
    },
    attached: [
      ...(random(3) === 0 ? [] : [{ field: 'Req.QueryDirectory.Pattern', data: wide('pattern') }]),
      ...(random(2) === 0 ? [] : [{ field: 'Req.QueryDirectory.Marker', data: wide('marker') }]),
    ],
  }),
  FileSystemControl: (random) => ({
    fields: { FsControlCode: pick(random, [0x900a4, 0x900a8, 0x900ac, 0x900c0]) },
    attached: [
      { field: 'FileName', data: wide('\\name') },
      { field: 'Req.FileSystemControl.Buffer', data: Buffer.alloc(24, 1) },
    ],
  }),
  DeviceControl: (random) => ({
    fields: { IoControlCode: 0x222000, OutputLength: pick(random, [300, 3000, 16_000, 99_999]) },
    attached: [{ field: 'Req.DeviceControl.Buffer', data: Buffer.alloc(24, 1) }],
  }),
  QuerySecurity: () => ({ fields: {} }),
  SetSecurity: (random) => ({
    fields: { SecurityInformation: 1 + random(7) },
    attached: [{ field: 'Req.SetSecurity.SecurityDescriptor', data: Buffer.alloc(40, 1) }],
  }),
  QueryStreamInformation: () => ({ fields: {} }),
};

function setInformation(random: Random): { fields: Fields; attached?: Attached[] } {
  const kind = pick(random, [4, 10, 13, 19, 20, 64, 65, 99]);
  const info = 'Info.';
  const attached: Attached[] = [{ field: 'FileName', data: wide('\\name') }];
  const fields: Fields = { FileInformationClass: kind };
  switch (kind) {
    case 4:
      Object.assign(fields, {
        [`${info}Basic.FileAttributes`]: random(256),
        [`${info}Basic.CreationTime`]: random(9999),
        [`${info}Basic.LastWriteTime`]: random(9999),
        [`${info}Basic.ChangeTime`]: random(9999),
      });
      break;
    case 13:
      fields[`${info}Disposition.Delete`] = random(2);
      break;
    case 64:
      fields[`${info}DispositionEx.Flags`] = random(32);
      break;
    case 10:
    case 65:
      attached.push({ field: 'Req.SetInformation.Info.Rename.NewFileName', data: wide('\\new') });
      if (kind === 65) {
        fields[`${info}RenameEx.Flags`] = random(4) === 0 ? 0 : random(128) & ~1;
      }
      break;
    default:
      fields[`${info}EndOfFile.FileSize`] = random(99_999);
  }
  return { fields, attached };
}

/** Which parameter of a callback is what. */
const OUT_BYTES: Record<string, number> = {
  Read: 5,
  Write: 7,
  ReadDirectory: 6,
  GetStreamInfo: 4,
  GetEa: 4,
  Control: 7,
};
const OUT_SIZE: Record<string, number> = { GetReparsePoint: 4, GetSecurity: 3 };
const OUT_INFO: Record<string, number> = {
  Overwrite: 5,
  OverwriteEx: 7,
  Write: 8,
  Flush: 2,
  GetFileInfo: 2,
  SetBasicInfo: 7,
  SetFileSize: 4,
  SetEa: 4,
};
const OUT_BUFFER: Record<string, number> = {
  GetStreamInfo: 2,
  GetEa: 2,
  Control: 5,
  GetReparsePoint: 3,
  GetSecurity: 2,
};

function answering(status: number, bytes: number): Answers {
  return (name): Answer => ({
    status,
    store: (args) => {
      const succeeds = status >= 0;
      if (name in OUT_INFO && Number(args[OUT_INFO[name]!]) !== 0 && (succeeds || name !== 'Write')) {
        storeFileInfo(Number(args[OUT_INFO[name]!]));
      }
      if (name in OUT_BYTES) {
        store(args[OUT_BYTES[name]!], bytes, 4);
      }
      if (name in OUT_SIZE) {
        store(args[OUT_SIZE[name]!], bytes, 8);
      }
      if (name in OUT_BUFFER && succeeds && bytes > 0) {
        poke(Number(args[OUT_BUFFER[name]!]), Buffer.alloc(bytes, 7));
      }
      if (name === 'GetVolumeInfo' || name === 'SetVolumeLabel') {
        poke(Number(args[name === 'GetVolumeInfo' ? 1 : 2]), Buffer.alloc(88, 9));
      }
      if (name === 'GetDirInfoByName' && succeeds) {
        const info = Buffer.alloc(104 + 8, 3);
        info.writeUInt16LE(info.length, 0);
        poke(Number(args[3]), info);
      }
    },
  });
}

const MODES: Fields[] = [{}, { UmFileContextIsUserContext2: 1 }, { UmFileContextIsFullContext: 1 }];
/** A request of each kind, its volume without the callbacks that serve it. */
const MISSING = [
  [],
  ['SetDelete'],
  ['SetDelete', 'CanDelete'],
  ['GetDirInfoByName'],
  ['Flush'],
  ['OverwriteEx'],
  ['GetFileInfo'],
];
const ROUNDS = 40;

export function operations(comparison: Comparison, seed: number): void {
  const random = randomFrom(seed + 4);
  for (const mode of MODES) {
    for (const missing of MISSING) {
      const table = tableWithout(['GetSecurityByName', ...missing]);
      const made = SIDES.map((side) => createVolume(side, volumeParams(mode), table));
      for (const [name, make] of Object.entries(KINDS)) {
        for (let round = 0; round < ROUNDS; round++) {
          const { fields, attached = [] } = make(random);
          const [status, bytes] = [pick(random, STATUSES), random(300)];
          const volumeFlush = name === 'FlushBuffers' && random(2) === 0;
          const named: Fields = Object.fromEntries(
            Object.entries({ ...(volumeFlush || /Volume/.test(name) ? {} : CONTEXTS), ...fields }).map(
              ([field, value]) => [`Req.${name}.${field}`, value],
            ),
          );
          const input = { mode, missing, fields: named, status: (status >>> 0).toString(16), bytes };
          const results = SIDES.map((side, i) => {
            makeRequest(kindOf(name), named, attached);
            return operate(side, name, made[i]!.fileSystem, answering(status, bytes));
          });
          comparison.add(`FspFileSystemOp${name}`, input, results[0], results[1]);
        }
      }
      SIDES.forEach((side, i) => {
        deleteVolume(side, made[i]!.fileSystem);
      });
    }
  }
}
