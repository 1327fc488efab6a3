/** Extended attributes for the NT client: ZwQueryEaFile, ZwSetEaFile; and creates that bring more than a name. */
import koffi from 'koffi';
import { CreateDisposition } from '../../src/winfsp/abi/constants.js';
import { Access, Option, Share } from './nt.js';
import { type DataResult, declare, NtFile, type OpenOptions, type OpenResult } from './rig.js';

koffi.struct('rig_open_t', {
  path: 'str16',
  root: 'uintptr_t',
  access: 'uint32_t',
  attributes: 'uint32_t',
  share: 'uint32_t',
  disposition: 'uint32_t',
  options: 'uint32_t',
  descriptor: 'void *',
  allocation: 'int64_t',
  flags: 'uint32_t',
  kernel: 'int',
  ea: 'void *',
  eaLength: 'uint32_t',
});
const openEx = declare('int32_t rig_open_ex(const rig_open_t *request, void *file, void *information)');
const query = declare(
  'int32_t rig_query_ea(uintptr_t file, void *buffer, uint32_t length, void *list, uint32_t listLength, void *index, int flags, void *done)',
);
const set = declare('int32_t rig_set_ea(uintptr_t file, void *buffer, uint32_t length)');

export const EaFlag = { RESTART: 1, SINGLE: 2, INDEX: 4 } as const;

interface Ea {
  name: string;
  value: string;
}

/** Of FILE_FULL_EA_INFORMATION; lists are made by tests/support/ea-list.ts. */
export function parseEas(list: Buffer): Ea[] {
  const found: Ea[] = [];
  for (let at = 0, next = list.length === 0 ? 0 : -1; next !== 0; at += next) {
    next = list.readUInt32LE(at);
    const [nameLength, valueLength] = [list.readUInt8(at + 5), list.readUInt16LE(at + 6)];
    const name = list.toString('latin1', at + 8, at + 8 + nameLength);
    const valueAt = at + 8 + nameLength + 1;
    found.push({ name, value: list.toString('latin1', valueAt, valueAt + valueLength) });
  }
  return found;
}

/** FILE_GET_EA_INFORMATION. */
function nameList(names: readonly string[]): Buffer {
  const parts = names.map((name, i) => {
    const isLast = i === names.length - 1;
    const bytes = 4 + 1 + name.length + 1;
    const part = Buffer.alloc(isLast ? bytes : Math.ceil(bytes / 4) * 4);
    part.writeUInt32LE(isLast ? 0 : part.length, 0);
    part.writeUInt8(name.length, 4);
    part.write(name, 5, 'latin1');
    return part;
  });
  return Buffer.concat(parts);
}

/** Those of these names, or all; from the first with the flag RESTART. `index`: the first to tell, from 1. */
export function queryEasNow(
  file: NtFile,
  options: { names?: readonly string[]; flags?: number; length?: number; index?: number | null } = {},
): DataResult {
  const { names = [], flags = EaFlag.RESTART, length = 4096, index = null } = options;
  const [buffer, done] = [Buffer.alloc(length), Buffer.alloc(4)];
  const list = names.length === 0 ? null : nameList(names);
  const at = Buffer.alloc(4);
  at.writeUInt32LE(index ?? 0);
  const all = flags | (index === null ? 0 : EaFlag.INDEX);
  const status = query(file.address, buffer, length, list, list?.length ?? 0, at, all, done);
  return { status, data: buffer.subarray(0, Math.min(done.readUInt32LE(), length)) };
}

/** An empty value removes. */
export function setEasNow(file: NtFile, list: Uint8Array): number {
  return set(file.address, list, list.length);
}

export interface OpenMore {
  /** A packed list. */
  extendedAttributes?: Uint8Array | undefined;
  /** Self-relative. */
  securityDescriptor?: Uint8Array | undefined;
  allocationSize?: number | undefined;
}

export function openMoreNow(path: string, options: OpenOptions, more: OpenMore): OpenResult {
  const [file, information] = [Buffer.alloc(8), Buffer.alloc(4)];
  const request = {
    path,
    root: 0,
    access: options.access ?? Access.READ_WRITE,
    attributes: options.attributes ?? 0,
    share: options.share ?? Share.ALL,
    disposition: options.disposition ?? CreateDisposition.FILE_OPEN,
    options: options.options ?? Option.SYNCHRONOUS,
    descriptor: more.securityDescriptor ?? null,
    allocation: more.allocationSize ?? 0,
    flags: 0,
    kernel: 0,
    ea: more.extendedAttributes ?? null,
    eaLength: more.extendedAttributes?.length ?? 0,
  };
  const status = openEx(request, file, information);
  const address = Number(file.readBigUInt64LE());
  const opened = status >= 0 && address !== 0;
  return {
    status,
    information: opened ? information.readUInt32LE() : 0,
    file: opened ? new NtFile(address) : null,
  };
}
