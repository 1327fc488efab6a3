/**
 * The slots of an open file's content, information and security. Read and Write are for dispatchers that go through the
 * operation functions; the inline one decodes the request itself.
 */
import { NtStatus } from '../../../ntstatus.js';
import { splitUint64, type Uint64Argument, unsignedOf } from '../../abi/fields.js';
import { FileInfo } from '../../abi/layouts.js';
import { statusOf, statusOrCountOf } from '../../abi/status-of.js';
import { failureOf } from './slot-memory.js';
import { BOOL, P, type Slots, U32, U64 } from './slots.js';

export function setContentSlots({ fs, memory, set }: Slots): void {
  const times = new Int32Array(8);
  const cleared = () => memory.cleared(FileInfo.SIZE);
  const give = (status: number, info: number) => memory.give(statusOf(status), info, FileInfo.SIZE);

  set(
    'Read',
    [P, P, U64, U32, P],
    fs.read &&
      ((_fs, context: number, buffer: number, offset: Uint64Argument, length: number, count: number) => {
        const result = statusOrCountOf(fs.read!(context, buffer, unsignedOf(offset), length));
        return memory.giveCount('read', result, length, count);
      }),
  );

  set(
    'Write',
    [P, P, U64, U32, BOOL, BOOL, P, P],
    fs.write &&
      ((
        _fs,
        context: number,
        buffer: number,
        offset: Uint64Argument,
        length: number,
        toEnd: number,
        constrained: number,
        count: number,
        info: number,
      ) => {
        const at = toEnd !== 0 ? 0 : unsignedOf(offset);
        const written = fs.write!(context, buffer, at, length, toEnd !== 0, constrained !== 0, cleared(), 0);
        const result = statusOrCountOf(written);
        memory.give(result, info, FileInfo.SIZE);
        return memory.giveCount('write', result, length, count);
      }),
  );

  set(
    'Flush',
    [P, P],
    fs.flush && ((_fs, context: number, info: number) => give(fs.flush!(context, cleared(), 0), info)),
  );

  set(
    'GetFileInfo',
    [P, P],
    fs.getFileInfo &&
      ((_fs, context: number, info: number) => give(fs.getFileInfo!(context, cleared(), 0), info)),
  );

  set(
    'SetBasicInfo',
    [P, U32, U64, U64, U64, U64, P],
    fs.setBasicInfo &&
      ((
        _fs,
        context: number,
        attributes: number,
        creation: Uint64Argument,
        lastAccess: Uint64Argument,
        lastWrite: Uint64Argument,
        change: Uint64Argument,
        info: number,
      ) => {
        splitUint64(creation, times, 0);
        splitUint64(lastAccess, times, 2);
        splitUint64(lastWrite, times, 4);
        splitUint64(change, times, 6);
        return give(fs.setBasicInfo!(context, attributes, times, cleared(), 0), info);
      }),
  );

  set(
    'SetFileSize',
    [P, U64, BOOL, P],
    fs.setFileSize &&
      ((_fs, context: number, newSize: Uint64Argument, allocation: number, info: number) =>
        give(fs.setFileSize!(context, unsignedOf(newSize), allocation !== 0, cleared(), 0), info)),
  );

  set(
    'Control',
    [P, U32, P, U32, P, U32, P],
    fs.control &&
      ((
        _fs,
        context: number,
        code: number,
        input: number,
        inputBytes: number,
        out: number,
        maxOutputBytes: number,
        count: number,
      ) => {
        const result = fs.control!(context, code, memory.readReparse(input, inputBytes), maxOutputBytes);
        return result instanceof Uint8Array
          ? memory.giveControl(result, out, maxOutputBytes, count)
          : failureOf('control', result);
      }),
  );

  set(
    'GetSecurity',
    [P, P, P],
    fs.getSecurity &&
      ((_fs, context: number, out: number, size: number) => {
        const result = fs.getSecurity!(context);
        return typeof result === 'number'
          ? failureOf('getSecurity', result)
          : memory.giveSecurity(result, out, size);
      }),
  );

  set(
    'SetSecurity',
    [P, U32, P],
    fs.setSecurity &&
      ((_fs, context: number, information: number, modification: number) => {
        const descriptor = modification === 0 ? null : memory.readSecurity(modification);
        return descriptor === null
          ? NtStatus.INVALID_SECURITY_DESCR
          : statusOf(fs.setSecurity!(context, information, descriptor));
      }),
  );

  set(
    'GetEa',
    [P, P, U32, P],
    fs.getEa &&
      ((_fs, context: number, address: number, length: number, count: number) => {
        const result = fs.getEa!(context);
        return result instanceof Uint8Array
          ? memory.giveEa(result, address, length, count)
          : failureOf('getEa', result);
      }),
  );

  set(
    'SetEa',
    [P, P, U32, P],
    fs.setEa &&
      ((_fs, context: number, address: number, length: number, info: number) => {
        const list = memory.readEa(address, length);
        return list === null ? NtStatus.EA_TOO_LARGE : give(fs.setEa!(context, list, cleared(), 0), info);
      }),
  );
}
