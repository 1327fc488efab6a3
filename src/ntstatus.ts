/**
 * NTSTATUS codes: the one vocabulary of results that the volume, the binding and the drive share.
 *
 * Values are signed 32-bit integers, as C sees them: a failure is negative, so a function may return
 * "a count or a context (never negative), or else a failing NTSTATUS". Values: docs/data/winfsp-abi.json `ntstatus`.
 */
export const NtStatus = {
  SUCCESS: 0x00000000 | 0,
  PENDING: 0x00000103 | 0,
  REPARSE: 0x00000104 | 0,
  BUFFER_OVERFLOW: 0x80000005 | 0,
  INVALID_EA_NAME: 0x80000013 | 0,
  EA_LIST_INCONSISTENT: 0x80000014 | 0,
  UNSUCCESSFUL: 0xc0000001 | 0,
  NOT_IMPLEMENTED: 0xc0000002 | 0,
  INVALID_HANDLE: 0xc0000008 | 0,
  INVALID_VOLUME_LABEL: 0xc0000086 | 0,
  INVALID_PARAMETER: 0xc000000d | 0,
  NO_SUCH_DEVICE: 0xc000000e | 0,
  INVALID_DEVICE_REQUEST: 0xc0000010 | 0,
  END_OF_FILE: 0xc0000011 | 0,
  ACCESS_DENIED: 0xc0000022 | 0,
  BUFFER_TOO_SMALL: 0xc0000023 | 0,
  OBJECT_NAME_INVALID: 0xc0000033 | 0,
  OBJECT_NAME_NOT_FOUND: 0xc0000034 | 0,
  OBJECT_NAME_COLLISION: 0xc0000035 | 0,
  OBJECT_PATH_NOT_FOUND: 0xc000003a | 0,
  SHARING_VIOLATION: 0xc0000043 | 0,
  EAS_NOT_SUPPORTED: 0xc000004f | 0,
  EA_TOO_LARGE: 0xc0000050 | 0,
  DELETE_PENDING: 0xc0000056 | 0,
  PRIVILEGE_NOT_HELD: 0xc0000061 | 0,
  INVALID_SECURITY_DESCR: 0xc0000079 | 0,
  DISK_FULL: 0xc000007f | 0,
  INSUFFICIENT_RESOURCES: 0xc000009a | 0,
  MEDIA_WRITE_PROTECTED: 0xc00000a2 | 0,
  IO_TIMEOUT: 0xc00000b5 | 0,
  FILE_IS_A_DIRECTORY: 0xc00000ba | 0,
  NOT_SUPPORTED: 0xc00000bb | 0,
  NO_SECURITY_ON_OBJECT: 0xc00000d7 | 0,
  CANT_WAIT: 0xc00000d8 | 0,
  INTERNAL_ERROR: 0xc00000e5 | 0,
  DIRECTORY_NOT_EMPTY: 0xc0000101 | 0,
  NOT_A_DIRECTORY: 0xc0000103 | 0,
  NAME_TOO_LONG: 0xc0000106 | 0,
  CANCELLED: 0xc0000120 | 0,
  CANNOT_DELETE: 0xc0000121 | 0,
  FILE_DELETED: 0xc0000123 | 0,
  FILE_CLOSED: 0xc0000128 | 0,
  VOLUME_DISMOUNTED: 0xc000026e | 0,
  NOT_A_REPARSE_POINT: 0xc0000275 | 0,
  IO_REPARSE_TAG_MISMATCH: 0xc0000277 | 0,
  REPARSE_POINT_NOT_RESOLVED: 0xc0000280 | 0,
  IO_REPARSE_DATA_INVALID: 0xc0000278 | 0,
  REPARSE_ATTRIBUTE_CONFLICT: 0xc00002b2 | 0,
  DLL_NOT_FOUND: 0xc0000135 | 0,
} as const;

export type NtStatusName = keyof typeof NtStatus;

const nameByValue = new Map<number, string>(Object.entries(NtStatus).map(([name, value]) => [value, name]));

/** The name of a code (`STATUS_DISK_FULL`), or its hexadecimal value when the table does not know it. */
export function ntStatusName(status: number): string {
  const name = nameByValue.get(status | 0);
  return name === undefined ? `0x${(status >>> 0).toString(16).padStart(8, '0')}` : `STATUS_${name}`;
}
