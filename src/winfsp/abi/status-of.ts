/**
 * What a handler returned, if it is an integer that fits an NTSTATUS or a count. Anything else (undefined, a promise,
 * NaN) would silently become 0, which is success; so it is an error. STATUS_PENDING has no meaning for a synchronous
 * file system, and WinFsp would take it for a success with nothing filled in.
 */
import { NtStatus } from '../../ntstatus.js';

export function statusOf(result: unknown): number {
  if (typeof result === 'number' && (result | 0) === result) {
    return result;
  }
  const shown = result instanceof Promise ? 'a promise' : String(result);
  throw new TypeError(`a handler of a synchronous file system returned ${shown} instead of an NTSTATUS`);
}

/**
 * The same for Read and Write, whose counts have 32 bits and no sign (docs/winfsp.md#callbacks): above 2^31 they are no
 * int32, and no status either. Refusing such a write after it was done would tell the program that nothing was.
 */
export function statusOrCountOf(result: unknown): number {
  if (
    typeof result === 'number' &&
    result > 0x7fff_ffff &&
    result <= 0xffff_ffff &&
    Number.isInteger(result)
  ) {
    return result;
  }
  return statusOf(result);
}

/** The same for a result that is a status only. */
export function finalStatusOf(result: unknown): number {
  const status = statusOf(result);
  if (status === NtStatus.PENDING) {
    throw new TypeError('a handler of a synchronous file system returned STATUS_PENDING');
  }
  return status;
}
