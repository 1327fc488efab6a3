/**
 * How a handler says no: it throws. An NtStatusError carries the code itself; errors of Node.js (`code: 'ENOENT'`) are
 * translated by the table here, so that a handler may simply let an error of node:fs through. Anything else is a bug of
 * the handler: it is reported, and the request is answered with INTERNAL_ERROR.
 */
import { NtStatus, ntStatusName } from '../../ntstatus.js';

/** A failing result. `ntStatus` is a signed 32-bit code below 0; `code` is Node's name for the same, if it has one. */
export class NtStatusError extends Error {
  override readonly name = 'NtStatusError';
  readonly code: string | undefined;

  constructor(
    readonly ntStatus: number,
    message?: string,
    options?: ErrorOptions,
  ) {
    if ((ntStatus | 0) >= 0) {
      throw new RangeError(`${ntStatusName(ntStatus)} is no failure; an NtStatusError needs a code below 0.`);
    }
    super(message ?? ntStatusName(ntStatus), options);
    this.ntStatus = ntStatus | 0;
    this.code = nodeCodeOf(ntStatus);
  }
}

/**
 * One table for both directions. Of several lines with the same status the first gives the code for it, of several with
 * the same code the first gives the status.
 */
const TABLE: readonly (readonly [code: string, status: number])[] = [
  ['ENOENT', NtStatus.OBJECT_NAME_NOT_FOUND],
  ['ENOENT', NtStatus.OBJECT_PATH_NOT_FOUND],
  ['EEXIST', NtStatus.OBJECT_NAME_COLLISION],
  ['EACCES', NtStatus.ACCESS_DENIED],
  ['EPERM', NtStatus.ACCESS_DENIED],
  ['EPERM', NtStatus.PRIVILEGE_NOT_HELD],
  ['EPERM', NtStatus.CANNOT_DELETE],
  ['ENOSPC', NtStatus.DISK_FULL],
  ['EDQUOT', NtStatus.DISK_FULL],
  ['EFBIG', NtStatus.DISK_FULL],
  ['ENOTEMPTY', NtStatus.DIRECTORY_NOT_EMPTY],
  ['ENOTDIR', NtStatus.NOT_A_DIRECTORY],
  ['EISDIR', NtStatus.FILE_IS_A_DIRECTORY],
  ['EROFS', NtStatus.MEDIA_WRITE_PROTECTED],
  ['EBADF', NtStatus.INVALID_HANDLE],
  ['EINVAL', NtStatus.INVALID_PARAMETER],
  ['ENAMETOOLONG', NtStatus.NAME_TOO_LONG],
  ['EILSEQ', NtStatus.OBJECT_NAME_INVALID],
  ['ENOMEM', NtStatus.INSUFFICIENT_RESOURCES],
  ['EMFILE', NtStatus.INSUFFICIENT_RESOURCES],
  ['ENFILE', NtStatus.INSUFFICIENT_RESOURCES],
  ['EBUSY', NtStatus.SHARING_VIOLATION],
  ['ETXTBSY', NtStatus.SHARING_VIOLATION],
  ['EAGAIN', NtStatus.CANT_WAIT],
  ['ETIMEDOUT', NtStatus.IO_TIMEOUT],
  ['ECANCELED', NtStatus.CANCELLED],
  ['ABORT_ERR', NtStatus.CANCELLED],
  ['ENOSYS', NtStatus.INVALID_DEVICE_REQUEST],
  ['ENOTSUP', NtStatus.NOT_SUPPORTED],
  ['EOPNOTSUPP', NtStatus.NOT_SUPPORTED],
  ['EXDEV', NtStatus.NOT_SUPPORTED],
  ['ENODEV', NtStatus.NO_SUCH_DEVICE],
  ['EIO', NtStatus.UNSUCCESSFUL],
];

const statusByCode = new Map<string, number>([...TABLE].reverse());
const codeByStatus = new Map<number, string>([...TABLE].reverse().map(([code, status]) => [status, code]));

/** The status for a code of Node.js, or undefined. */
export function ntStatusOfNodeCode(code: string): number | undefined {
  return statusByCode.get(code);
}

/** Node's code for a status, or undefined. */
export function nodeCodeOf(ntStatus: number): string | undefined {
  return codeByStatus.get(ntStatus | 0);
}

/**
 * The status that a thrown value asks for, or null when it asks for none: then it is a bug. Takes anything, never
 * throws.
 */
export function statusOfError(error: unknown): number | null {
  try {
    if (error instanceof Error) {
      // By its shape, not its class: a program may have two copies of this package.
      const { name, ntStatus, code } = error as Error & { ntStatus?: unknown; code?: unknown };
      if (name === 'NtStatusError' && typeof ntStatus === 'number' && (ntStatus | 0) < 0) {
        return ntStatus | 0;
      }
      return statusByCode.get(name === 'AbortError' ? 'ABORT_ERR' : String(code)) ?? null;
    }
  } catch {
    // An object whose properties throw says nothing.
  }
  return null;
}
