/**
 * From a request whose answer may come later to the handler's arguments, and from what the handler gives to the answer.
 */
import { NtStatus } from '../../ntstatus.js';
import { TransactKind } from '../abi/constants.js';
import { getUint64 } from '../abi/fields.js';
import { Req, ReqQueryDirectory, ReqRead, ReqWrite, RSP_FILE_INFO, Rsp } from '../abi/layouts.js';
import { statusOrCountOf } from '../abi/status-of.js';
import { readUtf16 } from '../memory/native-memory.js';
import type { AsyncOperations } from './async-operations.js';
import type { PendingRequest } from './pending-requests.js';

/**
 * Calls the handler. `address` is that of the whole request, which is valid only during the call; `contextOffset` as in
 * FspFileSystem.contextOffset.
 */
export function startOperation(
  operations: AsyncOperations,
  pending: PendingRequest,
  address: number,
  contextOffset: number,
): number | Promise<number> {
  const { request, kind } = pending;
  const context = getUint64(request, contextOffset);
  const buffer = getUint64(request, ReqRead.Address);
  if (kind === TransactKind.Read) {
    if (operations.read === undefined) {
      return NtStatus.INVALID_DEVICE_REQUEST;
    }
    const length = request.getUint32(ReqRead.Length, true);
    return operations.read(context, buffer, getUint64(request, ReqRead.Offset), length);
  }
  if (kind === TransactKind.Write) {
    if (operations.write === undefined) {
      return NtStatus.INVALID_DEVICE_REQUEST;
    }
    const toEnd =
      request.getUint32(ReqWrite.Offset, true) === 0xffffffff &&
      request.getUint32(ReqWrite.Offset + 4, true) === 0xffffffff;
    return operations.write(
      context,
      buffer,
      toEnd ? 0 : getUint64(request, ReqWrite.Offset),
      request.getUint32(ReqWrite.Length, true),
      toEnd,
      (request.getUint32(ReqWrite.ConstrainedIo, true) & 1) !== 0,
      pending.view,
      RSP_FILE_INFO,
    );
  }
  if (operations.readDirectory === undefined) {
    return NtStatus.INVALID_DEVICE_REQUEST;
  }
  const name = (field: 'Pattern' | 'Marker') =>
    request.getUint16(ReqQueryDirectory[`${field}.Size`], true) === 0
      ? null
      : readUtf16(address + Req.Buffer + request.getUint16(ReqQueryDirectory[`${field}.Offset`], true));
  const { listing } = pending;
  listing.reset(buffer, request.getUint32(ReqQueryDirectory.Length, true));
  return operations.readDirectory(context, name('Pattern'), name('Marker'), listing);
}

/**
 * The status of what a handler came to, with the number of bytes stored in the answer. Throws for what is no result.
 */
export function resultOf(pending: PendingRequest, given: unknown): number {
  const result = statusOrCountOf(given);
  if (result < 0) {
    return result;
  }
  let bytes = result;
  if (pending.kind === TransactKind.QueryDirectory) {
    if (result !== NtStatus.SUCCESS) {
      throw new TypeError(`readDirectory returned the status ${result}`);
    }
    bytes = pending.listing.finish();
    if (pending.listing.isTooSmall) {
      return NtStatus.BUFFER_TOO_SMALL;
    }
  } else if (result > pending.request.getUint32(ReqRead.Length, true)) {
    throw new RangeError(`${result} bytes are more than were asked for`);
  }
  pending.view.setUint32(Rsp['IoStatus.Information'], bytes, true);
  return NtStatus.SUCCESS;
}
