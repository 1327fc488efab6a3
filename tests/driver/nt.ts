/** What the NT client of the rig speaks in: access rights, options, information classes (Windows' public headers). */

export const Access = {
  READ: 0x120089,
  WRITE: 0x120116,
  READ_WRITE: 0x12019f,
  DELETE: 0x110000,
  ALL: 0x1f01ff,
  /** All that a file with the read-only attribute allows. */
  CHANGE: 0x1f01b9,
  READ_ATTRIBUTES: 0x100080,
  LIST: 0x100081,
  MAXIMUM_ALLOWED: 0x2000000,
} as const;

export const Share = { NONE: 0, READ: 1, WRITE: 2, DELETE: 4, ALL: 7 } as const;

export const Option = {
  DIRECTORY: 0x1,
  WRITE_THROUGH: 0x2,
  NO_BUFFERING: 0x8,
  /** The synchronous handle that programs have; fast I/O is for those. */
  SYNCHRONOUS: 0x20,
  NON_DIRECTORY: 0x40,
  DELETE_ON_CLOSE: 0x1000,
  BACKUP_INTENT: 0x4000,
  OPEN_REPARSE_POINT: 0x200000,
} as const;

export const FileClass = {
  DIRECTORY: 1,
  BASIC: 4,
  STANDARD: 5,
  INTERNAL: 6,
  EA: 7,
  NAME: 9,
  RENAME: 10,
  DISPOSITION: 13,
  ALL: 18,
  ALLOCATION: 19,
  END_OF_FILE: 20,
  STREAM: 22,
  NETWORK_OPEN: 34,
  ATTRIBUTE_TAG: 35,
  DISPOSITION_EX: 64,
  RENAME_EX: 65,
  STAT_LX: 70,
} as const;

export const VolumeClass = { VOLUME: 1, LABEL: 2, SIZE: 3, ATTRIBUTE: 5, FULL_SIZE: 7 } as const;

export const DirectoryFlag = { RESTART: 1, SINGLE: 2 } as const;
export const LockFlag = { FAIL_IMMEDIATELY: 1, EXCLUSIVE: 2 } as const;
export const FsControl = { SET_REPARSE: 0x900a4, GET_REPARSE: 0x900a8, DELETE_REPARSE: 0x900ac } as const;

/** Statuses that the drive's own table does not need. */
export const Status = {
  TIMEOUT: 0x102,
  PENDING: 0x103,
  NOTIFY_CLEANUP: 0x10b,
  OPLOCK_HANDLE_CLOSED: 0x216,
  OPLOCK_NOT_GRANTED: 0xc00000e2 | 0,
  BUFFER_OVERFLOW: 0x80000005 | 0,
  NO_EAS_ON_FILE: 0xc0000052 | 0,
  NO_MORE_FILES: 0x80000006 | 0,
  NO_SUCH_FILE: 0xc000000f | 0,
  FILE_LOCK_CONFLICT: 0xc0000054 | 0,
  LOCK_NOT_GRANTED: 0xc0000055 | 0,
  NAME_NOT_FOUND: 0xc0000034 | 0,
} as const;
