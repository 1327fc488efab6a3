/**
 * The common part of answering: the head of a response, and the run of a library operation function with what has to be
 * watched about its size (docs/winfsp.md#dispatching).
 */
import { NtStatus } from '../../ntstatus.js';
import { Limit, TransactKind } from '../abi/constants.js';
import { getUint64 } from '../abi/fields.js';
import { Req, Rsp } from '../abi/layouts.js';
import type { FspFileSystem } from '../library/fsp-file-system.js';
import type { NativeBlock } from '../memory/native-memory.js';
import { HEAD, type StatisticsWriter } from '../memory/statistics.js';

/** An answer of 128 bytes to this request, zeroed but for Size, Kind and Hint. */
export function beginResponse(kind: number, request: DataView, response: DataView): void {
  // A loop, because fill() is a call out of compiled code.
  for (let at = 0; at < Rsp.SIZE; at += 8) {
    response.setFloat64(at, 0, true);
  }
  response.setUint16(Rsp.Size, Rsp.SIZE, true);
  response.setUint32(Rsp.Kind, kind, true);
  response.setUint32(Rsp.Hint, request.getUint32(Req.Hint, true), true);
  response.setUint32(Rsp.Hint + 4, request.getUint32(Req.Hint + 4, true), true);
}

/** Stores the result; a failure has no bytes. */
export function setStatus(response: DataView, status: number): void {
  if (status < 0) {
    response.setUint32(Rsp['IoStatus.Information'], 0, true);
  }
  response.setInt32(Rsp['IoStatus.Status'], status, true);
}

/** Runs FspFileSystemOp… of this kind. The answer's Size is then a multiple of 8 and short enough to be sent. */
export function runOperation(
  fs: FspFileSystem,
  writer: StatisticsWriter,
  kind: number,
  requestAddress: number,
  response: NativeBlock,
): number {
  const operation = fs.library.operations[kind];
  if (operation === undefined) {
    return NtStatus.INVALID_DEVICE_REQUEST;
  }
  const status = operation(fs.address, requestAddress, response.address);
  const size = response.view.getUint16(Rsp.Size, true);
  const aligned = (size + Limit.ALIGNMENT - 1) & ~(Limit.ALIGNMENT - 1);
  if (aligned > Limit.TRANSACT_RSP_SIZEMAX) {
    writer.count(HEAD.answersTooLong);
    return refuseTooLong(fs, kind, response, status);
  }
  if (aligned !== size) {
    response.bytes.fill(0, size, aligned);
    response.view.setUint16(Rsp.Size, aligned, true);
  }
  return status;
}

/**
 * The answer does not fit (a normalised name is counted twice beside a big security descriptor,
 * docs/winfsp.md#dispatching): it is replaced by a bare failure. The driver would not close the file then, so it is
 * closed here.
 */
function refuseTooLong(fs: FspFileSystem, kind: number, response: NativeBlock, status: number): number {
  const context = getUint64(response.view, fs.openedContextOffset);
  response.view.setUint16(Rsp.Size, Rsp.SIZE, true);
  response.bytes.fill(0, Rsp.Rsp, Rsp.SIZE);
  if (kind === TransactKind.Create && status === NtStatus.SUCCESS) {
    fs.fileSystem.close?.(context);
  }
  return NtStatus.INVALID_DEVICE_REQUEST;
}
