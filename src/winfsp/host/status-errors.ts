/**
 * How a handler says no: it throws. An NtStatusError carries the code itself; errors of Node.js (`code: 'ENOENT'`) are
 * translated by the table here, so that a handler may simply let an error of node:fs through. Anything else is a bug of
 * the handler: it is reported, and the request is answered with INTERNAL_ERROR.
 */
import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';
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
  ['ENXIO', NtStatus.NO_SUCH_DEVICE],
  ['ELOOP', NtStatus.REPARSE_POINT_NOT_RESOLVED],
  ['EOF', NtStatus.END_OF_FILE],
  ['ESPIPE', NtStatus.INVALID_PARAMETER],
  ['ENOTTY', NtStatus.INVALID_DEVICE_REQUEST],
  ['ENOBUFS', NtStatus.INSUFFICIENT_RESOURCES],
  ['ENOLCK', NtStatus.INSUFFICIENT_RESOURCES],
  ['EWOULDBLOCK', NtStatus.CANT_WAIT],
  ['ETIME', NtStatus.IO_TIMEOUT],
  ['EIO', NtStatus.UNSUCCESSFUL],
];

/** Every code that an error of the system can have here; the names differ between systems. */
const SYSTEM_CODES: ReadonlySet<string> = new Set([
  ...Object.keys(constants.errno),
  ...[...getSystemErrorMap().values()].map(([code]) => code),
]);

const statusByCode = new Map<string, number>([...TABLE].reverse());
const codeByStatus = new Map<number, string>([...TABLE].reverse().map(([code, status]) => [status, code]));

/**
 * The status for a code of Node.js: the table's, UNSUCCESSFUL for any other code of a system error, undefined for what
 * is none. Never a code of success.
 */
export function ntStatusOfNodeCode(code: string): number | undefined {
  return statusByCode.get(code) ?? (SYSTEM_CODES.has(code) ? NtStatus.UNSUCCESSFUL : undefined);
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
      return ntStatusOfNodeCode(name === 'AbortError' ? 'ABORT_ERR' : String(code)) ?? null;
    }
  } catch {
    // An object whose properties throw says nothing.
  }
  return null;
}

/** What is thrown on is a bug; the caller reports it and answers INTERNAL_ERROR. */
export function statusOr(error: unknown): number {
  const status = statusOfError(error);
  if (status === null) {
    throw error;
  }
  return status;
}
