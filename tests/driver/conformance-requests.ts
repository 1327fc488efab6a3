/** Requests of the conformance suite that an NT call on the same handle stands for, and answers in their layout. */
import { FileInformationClass, TransactKind } from '../../src/winfsp/abi/constants.js';
import type { Info } from '../conformance/served-volume.js';
import { EaFlag, queryEasNow, setEasNow } from './ea.js';
import { FileClass, Status } from './nt.js';
import type { NtFile } from './rig.js';

const FILE_INFO = 24;
const ATTACHED = 128;
const REQUEST_HEAD = 88;
/** FILE_BASIC_INFORMATION: times as they are, and attributes of 0 for those that are to stay. */
const INVALID_ATTRIBUTES = 0xffffffff;
const NORMAL = 0x80;
/** What programs are told beside what the file system counts. */
const EA_HEAD_BYTES = 4;

export interface Asked {
  status: number;
  bytes: Buffer;
}

/** Null for a request that no call stands for. `info`: as it is afterwards. */
export function askNow(file: NtFile, request: Buffer, info: () => Info): Asked | null {
  const kind = request.readUInt32LE(4);
  if (kind === TransactKind.SetInformation && request.readUInt32LE(32) === FileInformationClass.Basic) {
    return informed(file.setNow(FileClass.BASIC, basicOf(request)), file, info);
  }
  if (kind === TransactKind.SetEa) {
    const at = REQUEST_HEAD + request.readUInt16LE(32);
    const list = request.subarray(at, at + request.readUInt16LE(34));
    return informed(setEasNow(file, list), file, info);
  }
  if (kind === TransactKind.QueryEa) {
    const { status, data } = queryEasNow(file, { flags: EaFlag.RESTART, length: 65535 });
    return attached(status === Status.NO_EAS_ON_FILE ? 0 : status, data);
  }
  return null;
}

function basicOf(request: Buffer): Buffer {
  const basic = Buffer.alloc(40);
  request.copy(basic, 0, 48, 80);
  const attributes = request.readUInt32LE(40);
  basic.writeUInt32LE(attributes === INVALID_ATTRIBUTES ? 0 : attributes || NORMAL, 32);
  return basic;
}

function informed(status: number, file: NtFile, info: () => Info): Asked {
  const bytes = Buffer.alloc(ATTACHED);
  const { attributes, allocationSize, fileSize, indexNumber, ...times } = info();
  bytes.writeUInt32LE(attributes, FILE_INFO);
  bytes.writeBigUInt64LE(BigInt(allocationSize), FILE_INFO + 8);
  bytes.writeBigUInt64LE(BigInt(fileSize), FILE_INFO + 16);
  bytes.writeBigUInt64LE(times.creationTime, FILE_INFO + 24);
  bytes.writeBigUInt64LE(times.lastAccessTime, FILE_INFO + 32);
  bytes.writeBigUInt64LE(times.lastWriteTime, FILE_INFO + 40);
  bytes.writeBigUInt64LE(times.changeTime, FILE_INFO + 48);
  bytes.writeBigUInt64LE(BigInt(indexNumber), FILE_INFO + 56);
  const eaBytes = file.queryNow(FileClass.EA, 4).data.readUInt32LE(0);
  bytes.writeUInt32LE(Math.max(eaBytes - EA_HEAD_BYTES, 0), FILE_INFO + 68);
  return { status, bytes };
}

function attached(status: number, data: Buffer): Asked {
  const head = Buffer.alloc(ATTACHED);
  head.writeUInt16LE(0, FILE_INFO);
  head.writeUInt16LE(data.length, FILE_INFO + 2);
  return { status, bytes: Buffer.concat([head, data]) };
}
