/** A volume on each of the two libraries, whose callbacks write down how they were called and answer as told. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import koffi from 'koffi';
import { packageRoot } from '../../../src/package-root.js';
import { NativeBlock } from '../../../src/winfsp/memory/native-memory.js';
import { hex, partsAt, peek, poke, pokeUint, type Side, wide } from './sides.js';

interface Field {
  offset: number;
  size: number;
  bit?: number;
}
interface Abi {
  structs: Record<string, { size: number; fields: Record<string, Field> }>;
  interface: { slot: number; name: string; signature: string }[];
  transactKind: Record<string, number>;
  ntstatus: Record<string, string>;
}
export const ABI: Abi = JSON.parse(readFileSync(join(packageRoot(), 'docs/data/winfsp-abi.json'), 'utf8'));
const FIELDS = ABI.structs.FSP_FSCTL_TRANSACT_REQ!.fields;
const PARAMS = ABI.structs.FSP_FSCTL_VOLUME_PARAMS!;

export const kindOf = (name: string): number => ABI.transactKind[`FspFsctlTransact${name}Kind`]!;
export type Fields = Record<string, number>;

function put(view: DataView, fields: Record<string, Field>, values: Fields): void {
  for (const [name, value] of Object.entries(values)) {
    const { offset, size, bit } = fields[name]!;
    if (bit !== undefined) {
      view.setUint32(offset, (view.getUint32(offset, true) | (value << bit)) >>> 0, true);
    } else if (size === 2) {
      view.setUint16(offset, value, true);
    } else if (size === 4) {
      view.setUint32(offset, value >>> 0, true);
    } else {
      view.setBigUint64(offset, BigInt.asUintN(64, BigInt(value)), true);
    }
  }
}
/** FSP_FSCTL_VOLUME_PARAMS; `sizeBytes` of it, whatever Version says. */
export function volumeParams(values: Fields, prefix = ''): Buffer {
  const data = Buffer.alloc(PARAMS.size + 200);
  const view = new DataView(data.buffer, data.byteOffset);
  put(view, PARAMS.fields, { Version: 504, SectorSize: 512, SectorsPerAllocationUnit: 1, ...values });
  data.write(prefix, PARAMS.fields.Prefix!.offset, 'utf16le');
  return data;
}

const REQUEST_BYTES = 16_384;
const HEAD_BYTES = 88;
const ANSWER_BYTES = 16_384;
const ANSWER_HEAD_BYTES = 128;
export const request = new NativeBlock(REQUEST_BYTES);
const answer = new NativeBlock(ANSWER_BYTES);

/** What follows the head of a request; the field that says where it is. */
export interface Attached {
  field: string;
  data: Buffer;
}
/** Writes the one request that there is. Attached data come in this order, each at a multiple of 8 bytes. */
export function makeRequest(kind: number, fields: Fields, attached: readonly Attached[]): void {
  request.bytes.fill(0);
  let at = HEAD_BYTES;
  const places: Fields = {};
  for (const { field, data } of attached) {
    places[`${field}.Offset`] = at - HEAD_BYTES;
    places[`${field}.Size`] = data.length;
    request.bytes.set(data, at);
    at = (at + data.length + 7) & ~7;
  }
  put(request.view, FIELDS, { Kind: kind, Size: at, Hint: 0x1234, ...fields, ...places });
}

/** What a callback answers: a status, and what it stores through its pointers. */
export interface Answer {
  status: number;
  store?: (args: readonly unknown[]) => void;
}
export type Answers = (name: string, args: readonly unknown[]) => Answer;

let answers: Answers = () => ({ status: 0 });
let calls: string[] = [];

/** Types of C as koffi takes them in callbacks. */
const TYPES: Record<string, string> = {
  PWSTR: 'str16',
  UINT32: 'uint32_t',
  ULONG: 'uint32_t',
  UINT64: 'uint64_t',
  SIZE_T: 'uint64_t',
  BOOLEAN: 'uint8_t',
  SECURITY_INFORMATION: 'uint32_t',
};
/** Parameters that are addresses of this process, which mean nothing to the other side. */
const SHOWN_AS = (name: string, value: unknown): unknown => {
  if (name.endsWith('SecurityDescriptor') || name === 'ModificationDescriptor') {
    return value === 0 ? 0 : 'descriptor';
  }
  return value;
};

const table = new NativeBlock(512);
/** Registered once; every volume of both sides has the same. */
for (const { slot, name, signature } of ABI.interface) {
  const parameters = /\((.*)\)/
    .exec(signature)![1]!
    .split(', ')
    .map((text) => {
      const at = Math.max(text.lastIndexOf(' '), text.lastIndexOf('*')) + 1;
      const [type, parameter] = [text.slice(0, at).trim(), text.slice(at)];
      return { parameter, type: TYPES[type] ?? 'uintptr_t', isAddress: !(type in TYPES) && type !== 'PVOID' };
    });
  const body = (...args: unknown[]): number => {
    const shown = args.slice(1).map((value, i) => {
      const { parameter, isAddress } = parameters[i + 1]!;
      return isAddress || /Buffer$/.test(parameter)
        ? Number(value) === 0
          ? 0
          : '&'
        : SHOWN_AS(parameter, value);
    });
    calls.push(
      `${name}(${shown.map((value) => (typeof value === 'bigint' ? `${value}` : JSON.stringify(value))).join(', ')})`,
    );
    if (name === 'Create' || name === 'CreateEx') {
      calls.push(JSON.stringify(partsAt(Number(args[5]))));
    }
    const { status, store } = answers(name, args);
    store?.(args);
    return status;
  };
  const type = koffi.pointer(
    koffi.proto(
      'int32_t',
      parameters.map((each) => each.type),
    ),
  );
  table.view.setBigUint64(slot * 8, BigInt(koffi.register(body, type) as unknown as bigint), true);
}

/** The same table without some of its callbacks. */
export function tableWithout(names: readonly string[]): NativeBlock {
  const copy = new NativeBlock(512);
  copy.bytes.set(table.bytes);
  for (const { slot, name } of ABI.interface) {
    if (names.includes(name)) {
      copy.view.setBigUint64(slot * 8, 0n, true);
    }
  }
  return copy;
}

const CREATE = 'int32_t FspFileSystemCreate(void *device, void *params, uintptr_t table, void *result)';
export function createVolume(
  side: Side,
  params: Buffer,
  interfaceTable: NativeBlock = table,
  device = 'WinFsp.Disk',
): { status: number; fileSystem: number } {
  const result = Buffer.alloc(8);
  const status = side.call(CREATE, wide(device), params, interfaceTable.address, result);
  return { status, fileSystem: Number(result.readBigUInt64LE()) };
}
export const deleteVolume = (side: Side, fileSystem: number): void =>
  side.call('void FspFileSystemDelete(uintptr_t fileSystem)', fileSystem);

/** Runs an operation function on the request. An answer counts only when it is a success. */
export function operate(side: Side, name: string, fileSystem: number, how: Answers): unknown {
  answers = how;
  calls = [];
  answer.bytes.fill(0xaa);
  answer.bytes.fill(0, 0, ANSWER_HEAD_BYTES);
  answer.view.setUint16(2, ANSWER_HEAD_BYTES, true);
  const before = Buffer.from(request.bytes).toString('latin1');
  const status: number = side.call(
    `int32_t FspFileSystemOp${name}(uintptr_t fileSystem, uintptr_t request, uintptr_t response)`,
    fileSystem,
    request.address,
    answer.address,
  );
  if (Buffer.from(request.bytes).toString('latin1') !== before) {
    calls.push('the request has changed');
  }
  const size = Math.min(answer.view.getUint16(2, true), ANSWER_BYTES);
  const response = Buffer.from(answer.bytes.subarray(0, size)).toString('hex');
  return { status: hex(status), calls, response: status >= 0 && status !== 0x103 ? response : null };
}

/** FSP_FSCTL_FILE_INFO of which every byte tells its place. */
export function storeFileInfo(address: number): void {
  if (address !== 0) {
    poke(address, Buffer.from(Array.from({ length: 72 }, (_, i) => i + 1)));
  }
}
export function store(address: unknown, value: number, bytes: 1 | 2 | 4 | 8): void {
  if (Number(address) !== 0) {
    pokeUint(Number(address), value, bytes);
  }
}

/** Runs something else that calls callbacks; how they were called goes to `into`. */
export function recording(how: Answers, into: string[], work: () => number): number {
  answers = how;
  calls = into;
  return work();
}
/** The pointer-sized number at an address. */
export const within = (address: number): number => Number(peek(address, 8).readBigUInt64LE());
