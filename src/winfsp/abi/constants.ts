/**
 * Values of the WinFsp ABI, by their WinFsp names. Source of every number: docs/data/winfsp-abi.json (the section is
 * named at each table); a unit test compares them.
 */

/** `transactKind`, without the prefix FspFsctlTransact and the suffix Kind. */
export const TransactKind = {
  Create: 1,
  Overwrite: 2,
  Cleanup: 3,
  Close: 4,
  Read: 5,
  Write: 6,
  QueryInformation: 7,
  SetInformation: 8,
  QueryEa: 9,
  SetEa: 10,
  FlushBuffers: 11,
  QueryVolumeInformation: 12,
  SetVolumeInformation: 13,
  QueryDirectory: 14,
  FileSystemControl: 15,
  DeviceControl: 16,
  Shutdown: 17,
  LockControl: 18,
  QuerySecurity: 19,
  SetSecurity: 20,
  QueryStreamInformation: 21,
} as const;
export const TRANSACT_KIND_COUNT = 22;

/** Kind → name, for reports. */
export const TRANSACT_KIND_NAMES: readonly string[] = namesByValue(TransactKind, TRANSACT_KIND_COUNT);

/** `cleanupFlags`: what the Cleanup callback gets (the bits of the raw request differ: docs/winfsp.md#callbacks). */
export const CleanupFlag = {
  Delete: 0x01,
  SetAllocationSize: 0x02,
  SetArchiveBit: 0x10,
  SetLastAccessTime: 0x20,
  SetLastWriteTime: 0x40,
  SetChangeTime: 0x80,
} as const;

/** `fileAttributes` */
export const FileAttribute = {
  READONLY: 0x1,
  HIDDEN: 0x2,
  SYSTEM: 0x4,
  DIRECTORY: 0x10,
  ARCHIVE: 0x20,
  NORMAL: 0x80,
  TEMPORARY: 0x100,
  REPARSE_POINT: 0x400,
  OFFLINE: 0x1000,
  NOT_CONTENT_INDEXED: 0x2000,
} as const;
/** "Leave the attributes alone" in SetBasicInfo. */
export const INVALID_FILE_ATTRIBUTES = 0xffffffff;

/** `fileInformationClass`: Req.SetInformation.FileInformationClass */
export const FileInformationClass = {
  Basic: 4,
  Rename: 10,
  Disposition: 13,
  Allocation: 19,
  EndOfFile: 20,
  DispositionEx: 64,
  RenameEx: 65,
} as const;

/** `createDisposition`: the top byte of CreateOptions. */
export const CreateDisposition = {
  FILE_SUPERSEDE: 0,
  FILE_OPEN: 1,
  FILE_CREATE: 2,
  FILE_OPEN_IF: 3,
  FILE_OVERWRITE: 4,
  FILE_OVERWRITE_IF: 5,
} as const;

/** `createOptions` that a file system looks at. */
export const CreateOption = {
  FILE_DIRECTORY_FILE: 0x1,
  FILE_NON_DIRECTORY_FILE: 0x40,
  FILE_DELETE_ON_CLOSE: 0x1000,
  FILE_OPEN_REPARSE_POINT: 0x200000,
} as const;

/** `limits` and `timeouts` */
export const Limit = {
  /** A request buffer must hold this much, or old drivers overrun it (docs/winfsp.md#answers-that-may-nest). */
  TRANSACT_REQ_SIZEMAX: 16320,
  /** A response, its Size rounded up to 8, must not exceed this. */
  TRANSACT_RSP_SIZEMAX: 16384,
  TRANSACT_RSP_BUFFER_SIZEMAX: 16256,
  TRANSACT_PATH_SIZEMAX: 2048,
  VOLUME_PREFIX_SIZE: 384,
  VOLUME_FSNAME_SIZE: 32,
  ALIGNMENT: 8,
  TransactTimeoutMinimum: 1000,
  TransactTimeoutMaximum: 10000,
  IrpTimeoutMinimum: 60000,
  IrpTimeoutMaximum: 600000,
  IrpCapacityMinimum: 100,
  IrpCapacityMaximum: 1000,
} as const;

/** FileInfoTimeout of a volume whose data the kernel caches (docs/winfsp.md#caching). */
export const FILE_INFO_TIMEOUT_INFINITE = 0xffffffff;

/** `devices` */
export const DEVICE_DISK = 'WinFsp.Disk';
export const DEVICE_NET = 'WinFsp.Net';

function namesByValue(table: Readonly<Record<string, number>>, count: number): string[] {
  const names = Array.from({ length: count }, (_, value) => `Kind${value}`);
  for (const [name, value] of Object.entries(table)) {
    names[value] = name;
  }
  return names;
}
