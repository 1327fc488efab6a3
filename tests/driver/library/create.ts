/** Opening and creating: what is looked up, who may, what a new file's descriptor is, what is answered. */
import koffi from 'koffi';
import { CreateDisposition, FileAttribute } from '../../../src/winfsp/abi/constants.js';
import { randomFrom } from '../programs.js';
import { type Descriptor, descriptor, randomDescriptor } from './lists.js';
import { type Comparison, hex, partsAt, partsOf, poke, SIDES, type Side, wide } from './sides.js';
import {
  type Answers,
  type Attached,
  createVolume,
  type Fields,
  kindOf,
  makeRequest,
  operate,
  recording,
  request,
  store,
  storeFileInfo,
  volumeParams,
  within,
} from './volume.js';

type Random = (below: number) => number;
const pick = <T>(random: Random, from: readonly T[]): T => from[random(from.length)]!;

const NAME_NOT_FOUND = 0xc0000034 | 0;
const PATH_NOT_FOUND = 0xc000003a | 0;
const BUFFER_OVERFLOW = 0x80000005 | 0;
const REPARSE = 0x104;
const { DIRECTORY, READONLY, REPARSE_POINT } = FileAttribute;

/** The names that there are, with their attributes. */
const TREE: Record<string, number> = {
  '\\': DIRECTORY,
  '\\dir': DIRECTORY,
  '\\dir\\file': 0x20,
  '\\dir\\sub': DIRECTORY | READONLY,
  '\\dir\\sub\\file': 0x20,
  '\\file': 0x80,
  '\\ro': READONLY,
  '\\link': REPARSE_POINT,
  '\\dir\\link': DIRECTORY | REPARSE_POINT,
  '\\file:stream': 0x80,
  '\\link:stream': 0x20,
  '\\dir:stream': 0x20,
  '\\dir\\sub:stream': READONLY,
  '\\dir\\sub\\file:stream': 0x20,
};
const PATHS = [
  ...Object.keys(TREE),
  '\\none',
  '\\none\\x',
  '\\dir\\none',
  '\\file\\x',
  '\\link\\x',
  '\\dir\\link\\x\\y',
  '\\:none',
  '\\ro:none',
  '\\none:none',
  '\\none\\x:none',
  '\\dir\\file:none',
  '\\dir\\link:none',
  '\\link\\x:none',
];
/** The driver has mapped generic rights before it asks. */
const ACCESSES = [
  0x1f01ff, 0x120089, 0x12019f, 0x10000, 0x80, 0x1, 0x2000000, 0x100000, 0x40, 0x10080, 0x10081,
];
const MAXIMUM_ALLOWED = 0x2000000;
const DISPOSITIONS = Object.values(CreateDisposition);
const OPTIONS = [0, 0x1, 0x40, 0x200000, 0x1000, 0x1040, 0x200040, 0x200001];

/** An impersonation token of this process: whom WinFsp's library asks about. */
function tokenHandle(): number {
  const advapi = koffi.load('advapi32.dll');
  const kernel = koffi.load('kernel32.dll');
  const handle = Buffer.alloc(8);
  const TOKEN_DUPLICATE_AND_QUERY = 0xa;
  const SECURITY_IMPERSONATION = 2;
  advapi.func('int OpenProcessToken(uintptr_t process, uint32_t access, void *token)')(
    kernel.func('uintptr_t GetCurrentProcess()')(),
    TOKEN_DUPLICATE_AND_QUERY,
    handle,
  );
  const copy = Buffer.alloc(8);
  const duplicated = advapi.func('int DuplicateToken(uintptr_t token, int level, void *copy)')(
    Number(handle.readBigUInt64LE()),
    SECURITY_IMPERSONATION,
    copy,
  );
  if (duplicated === 0) {
    throw new Error('There is no token of this process.');
  }
  return Number(copy.readBigUInt64LE());
}
/** Who asks: this process, and the stand-in's second test user, who is a member of the same groups but for a few. */
const TOKENS = { genuine: tokenHandle(), 'stand-in': 0x72730001 };

/** One world: the descriptor of every name, and what Create and Open say. */
interface World {
  descriptors: Record<string, Descriptor | null>;
  create: number;
  open: number;
  normalized: string | null;
}
/** Groups of this process's token that the stand-in's second test user is not in. */
const ONLY_ONE_TOKEN_HAS: readonly string[] = ['administrators', 'users'];
/** Wine gives an owner more rights than Windows does. */
function ownedByStranger(random: Random): Descriptor {
  const made = randomDescriptor(random, true, false);
  const dacl =
    made.dacl
      ?.filter(({ sid }) => !ONLY_ONE_TOKEN_HAS.includes(sid))
      .sort((a, b) => Number(b.deny) - Number(a.deny)) ?? null;
  return { ...made, owner: 'stranger', dacl };
}
const randomWorld = (random: Random): World => ({
  descriptors: Object.fromEntries(
    Object.keys(TREE).map((path) => [path, random(8) === 0 ? null : ownedByStranger(random)]),
  ),
  create: pick(random, [0, 0, 0, 0xc0000035 | 0, 0xc000007f | 0]),
  open: pick(random, [0, 0, 0, NAME_NOT_FOUND]),
  normalized: pick(random, [null, '\\Dir\\File']),
});

function lookUp(path: string): number | null {
  const attributes = TREE[path];
  return attributes === undefined ? null : attributes;
}
function parentIs(path: string): boolean {
  const parent = path.slice(0, Math.max(path.lastIndexOf('\\'), 1));
  return ((TREE[parent] ?? 0) & DIRECTORY) !== 0;
}

function answersOf(world: World): Answers {
  return (name, args) => {
    switch (name) {
      case 'GetSecurityByName':
        return getSecurityByName(world, args);
      case 'Create':
      case 'CreateEx':
        return opened(world, world.create, args.slice(-2));
      case 'Open':
        return opened(world, world.open, args.slice(-2));
      case 'ResolveReparsePoints':
        return {
          status: REPARSE,
          store: () => {
            store(Number(args[4]) + 8, 0, 8);
            poke(Number(args[5]), wide('\\target').subarray(0, 14));
            store(args[6], 14, 8);
          },
        };
      default:
        return { status: 0 };
    }
  };
}
function getSecurityByName(world: World, args: readonly unknown[]) {
  const path = String(args[1]);
  const attributes = lookUp(path);
  if (attributes === null) {
    return { status: parentIs(path) ? NAME_NOT_FOUND : PATH_NOT_FOUND };
  }
  const described = world.descriptors[path] ?? null;
  const sd = described === null ? Buffer.alloc(0) : descriptor(described);
  store(args[2], attributes, 4);
  if (Number(args[4]) === 0) {
    return { status: 0 };
  }
  const room = within(Number(args[4]));
  store(args[4], sd.length, 8);
  if (sd.length > room) {
    return { status: BUFFER_OVERFLOW };
  }
  if (Number(args[3]) !== 0 && sd.length > 0) {
    poke(Number(args[3]), sd);
  }
  return { status: 0 };
}
function opened(world: World, status: number, [context, info]: readonly unknown[]) {
  return {
    status,
    store: () => {
      if (status >= 0) {
        store(context, 0x4242, 8);
        storeFileInfo(Number(info));
        if (world.normalized !== null) {
          const name = wide(world.normalized);
          poke(within(Number(info) + 72), name.subarray(0, name.length - 2));
          store(Number(info) + 80, name.length - 2, 2);
        }
      }
    },
  };
}

interface Request {
  path: string;
  fields: Fields;
  /** Its owner and group are always said: the tokens have others. */
  sd: Descriptor;
}
function randomRequest(random: Random, flags: Fields): Request {
  const access = pick(random, ACCESSES);
  const path = pick(random, PATHS);
  const isStream = path.includes(':');
  // Wine's check for all that may be had does not look for what must be had.
  const asksOnlyForAccess = isStream ? [1] : [1, 2, 3];
  const disposition = pick(random, access === MAXIMUM_ALLOWED ? asksOnlyForAccess : DISPOSITIONS);
  const usable = OPTIONS.filter((option) => (option & 0x1000) === 0 || (access & 0x10000) !== 0);
  const options = (disposition << 24) | pick(random, usable);
  return {
    path,
    sd: { ...randomDescriptor(random, false), ...(random(3) === 0 ? {} : { dacl: undefined }) },
    fields: {
      'Req.Create.CreateOptions': options,
      'Req.Create.FileAttributes': pick(random, [0, READONLY, 0x20, 0x10]),
      'Req.Create.AllocationSize': random(2) * 4096,
      'Req.Create.DesiredAccess': access,
      'Req.Create.UserMode': random(6) === 0 ? 0 : 1,
      'Req.Create.HasTraversePrivilege': random(2),
      'Req.Create.HasRestorePrivilege': random(8) === 0 ? 1 : 0,
      'Req.Create.AcceptsSecurityDescriptor': random(2),
      'Req.Create.HasTrailingBackslash': random(10) === 0 ? 1 : 0,
      'Req.Create.OpenTargetDirectory': random(10) === 0 ? 1 : 0,
      // Where the stream's part of the name begins, in bytes.
      'Req.Create.NamedStream': isStream ? path.indexOf(':') * 2 : 0,
      ...flags,
    },
  };
}
function makeCreate(side: Side, { path, fields, sd }: Request): void {
  const attached: Attached[] = [
    { field: 'FileName', data: wide(path) },
    { field: 'Req.Create.SecurityDescriptor', data: descriptor(sd) },
  ];
  makeRequest(kindOf('Create'), { ...fields, 'Req.Create.AccessToken': TOKENS[side.name] }, attached);
}

/** Rsp.Create.Opened.FileName.Size. */
const NAME_SIZE = 122;
/** The answer as fields: its descriptor by its parts, for each library lays those out in its own order. */
function decoded(result: unknown): unknown {
  const { status, calls, response } = result as { status: string; calls: string[]; response: string | null };
  if (response === null) {
    return { status, calls };
  }
  const bytes = Buffer.from(response, 'hex');
  const at = bytes.readUInt16LE(44);
  const length = bytes.readUInt16LE(46);
  const sd = length === 0 || status !== '0' ? null : partsOf(bytes.subarray(128 + at));
  const nameBytes = status === '0' ? bytes.readUInt16LE(NAME_SIZE) : bytes.length - 128;
  return {
    status,
    calls,
    head: bytes.toString('hex', 0, 128),
    name: bytes.toString('hex', 128, 128 + nameBytes),
    sd,
  };
}

const CASES = 4000;
const volumes = SIDES.map(
  (side) =>
    createVolume(side, volumeParams({ PersistentAcls: 1, ReparsePoints: 1, NamedStreams: 1 })).fileSystem,
);

export function creating(comparison: Comparison, seed: number): void {
  const random = randomFrom(seed + 5);
  for (let i = 0; i < CASES; i++) {
    const [world, asked] = [randomWorld(random), randomRequest(random, {})];
    const results = SIDES.map((side, at) => {
      makeCreate(side, asked);
      return decoded(operate(side, 'Create', volumes[at]!, answersOf(world)));
    });
    comparison.add('FspFileSystemOpCreate', { ...asked, world }, results[0], results[1]);
  }
}

const CHECK =
  'int32_t FspAccessCheckEx(uintptr_t fileSystem, uintptr_t request, uint8_t parent, uint8_t traverse, uint32_t desired, void *granted, void *sd)';
export function accessChecks(comparison: Comparison, seed: number): void {
  const random = randomFrom(seed + 6);
  for (let i = 0; i < CASES; i++) {
    const [world, asked] = [
      randomWorld(random),
      randomRequest(random, { 'Req.Create.OpenTargetDirectory': 0 }),
    ];
    const [parent, traverse, desired] = [random(2), random(2), pick(random, ACCESSES)];
    const results = SIDES.map((side, at) => {
      makeCreate(side, asked);
      return checked(side, volumes[at]!, [parent, traverse, desired], world);
    });
    comparison.add(
      'FspAccessCheckEx',
      { ...asked, parent, traverse, desired, world },
      results[0],
      results[1],
    );
  }
}
function checked(side: Side, fileSystem: number, how: number[], world: World): unknown {
  const [granted, sd] = [Buffer.alloc(4), Buffer.alloc(8)];
  const calls: string[] = [];
  const status = recording(answersOf(world), calls, () =>
    side.call(CHECK, fileSystem, request.address, ...how, granted, sd),
  );
  const address = Number(sd.readBigUInt64LE());
  return {
    status: hex(status),
    granted: status < 0 ? null : hex(granted.readUInt32LE()),
    sd: partsAt(address),
    calls,
  };
}

const NEW =
  'int32_t FspCreateSecurityDescriptor(uintptr_t fileSystem, uintptr_t request, void *parent, void *sd)';
export function newDescriptors(comparison: Comparison, seed: number): void {
  const random = randomFrom(seed + 7);
  for (let i = 0; i < 1000; i++) {
    const asked = randomRequest(random, {});
    const parent = random(6) === 0 ? null : randomDescriptor(random, true, false);
    comparison.compare('FspCreateSecurityDescriptor', { ...asked, parent }, (side) => {
      makeCreate(side, asked);
      const sd = Buffer.alloc(8);
      const given = parent === null ? null : Buffer.concat([descriptor(parent), Buffer.alloc(64)]);
      const status = side.call(NEW, volumes[SIDES.indexOf(side)], request.address, given, sd);
      return { status: hex(status), sd: status === 0 ? partsAt(Number(sd.readBigUInt64LE())) : null };
    });
  }
}
