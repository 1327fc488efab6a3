/**
 * Byte offsets inside the structures of the WinFsp ABI, each under its WinFsp name; SIZE is the size of the whole
 * structure. Source: docs/data/winfsp-abi.json `structs`. A unit test compares every number here with that file, so a
 * slip shows by name instead of as corrupted memory.
 */

/** FSP_FSCTL_FILE_INFO */
export const FileInfo = {
  SIZE: 72,
  FileAttributes: 0,
  ReparseTag: 4,
  AllocationSize: 8,
  FileSize: 16,
  CreationTime: 24,
  LastAccessTime: 32,
  LastWriteTime: 40,
  ChangeTime: 48,
  IndexNumber: 56,
  HardLinks: 64,
  EaSize: 68,
} as const;

/** FSP_FSCTL_OPEN_FILE_INFO: what FileInfo of Create and Open really is (docs/winfsp.md#creating-and-opening). */
export const OpenFileInfo = { SIZE: 88, FileInfo: 0, NormalizedName: 72, NormalizedNameSize: 80 } as const;

/** FSP_FSCTL_VOLUME_INFO */
export const VolumeInfo = {
  SIZE: 88,
  TotalSize: 0,
  FreeSize: 8,
  VolumeLabelLength: 16,
  VolumeLabel: 18,
} as const;

/** FSP_FSCTL_DIR_INFO; SIZE is that of the head, the name follows. */
export const DirInfo = { SIZE: 104, Size: 0, FileInfo: 8, NextOffset: 80, FileNameBuf: 104 } as const;

/** FSP_FSCTL_STREAM_INFO; SIZE is that of the head, the name follows. */
export const StreamInfo = {
  SIZE: 24,
  Size: 0,
  StreamSize: 8,
  StreamAllocationSize: 16,
  StreamNameBuf: 24,
} as const;

/** FSP_FSCTL_NOTIFY_INFO; SIZE is that of the head, the name follows. */
export const NotifyInfo = { SIZE: 12, Size: 0, Filter: 4, Action: 8, FileNameBuf: 12 } as const;

/** FSP_FSCTL_TRANSACT_REQ: the head, and the fields that every request of a handle has. */
export const Req = {
  SIZE: 88,
  Version: 0,
  Size: 2,
  Kind: 4,
  Hint: 8,
  Req: 16,
  FileName: 80,
  Buffer: 88,
} as const;
export const ReqCreate = {
  CreateOptions: 16,
  FileAttributes: 20,
  AllocationSize: 32,
  /** Bit 0 of a word of flags. */
  UserMode: 64,
  /** Where in the path the `:` before a stream's name is, in bytes; 0 when it leads to no stream. */
  NamedStream: 72,
} as const;
/** From Delete on, bits 0 … 5 of one word are the flags (docs/winfsp.md#callbacks). */
export const ReqCleanup = { UserContext: 16, Delete: 32 } as const;
export const ReqClose = { UserContext: 16, UserContext2: 24 } as const;
export const ReqRead = { UserContext: 16, Address: 32, Offset: 40, Length: 48 } as const;
export const ReqWrite = { UserContext: 16, Address: 32, Offset: 40, Length: 48, ConstrainedIo: 56 } as const;
export const ReqQueryDirectory = {
  UserContext: 16,
  UserContext2: 24,
  Address: 32,
  Length: 40,
  'Pattern.Offset': 44,
  'Pattern.Size': 46,
  'Marker.Offset': 48,
  'Marker.Size': 50,
  /** Bit 1 of this word. */
  PatternIsFileName: 52,
} as const;
export const ReqOverwrite = { UserContext: 16 } as const;
export const ReqSetInformation = {
  UserContext: 16,
  FileInformationClass: 32,
  'Info.EndOfFile.FileSize': 40,
  'Info.Disposition.Delete': 40,
  'Info.Basic.FileAttributes': 40,
  'Info.Basic.CreationTime': 48,
} as const;

/** FSP_FSCTL_TRANSACT_RSP: the head; data follow at Buffer. */
export const Rsp = {
  SIZE: 128,
  Version: 0,
  Size: 2,
  Kind: 4,
  Hint: 8,
  'IoStatus.Information': 16,
  'IoStatus.Status': 20,
  Rsp: 24,
  Buffer: 128,
} as const;
export const RspCreate = {
  'Opened.UserContext': 24,
  'Opened.UserContext2': 32,
  'Opened.GrantedAccess': 40,
  'Opened.FileInfo': 48,
} as const;
/**
 * Where the answers of Overwrite, Write, QueryInformation, SetInformation, SetEa and FlushBuffers carry their
 * FILE_INFO.
 */
export const RSP_FILE_INFO = 24;

/** FSP_FILE_SYSTEM: the fields that a host reads. */
export const FileSystemLayout = {
  SIZE: 792,
  VolumeName: 16,
  VolumeHandle: 528,
  Interface: 728,
  MountPoint: 752,
} as const;

/** FSP_FSCTL_VOLUME_PARAMS: every field but the bit fields, which are in volume-params.ts. */
export const VolumeParamsLayout = {
  SIZE: 504,
  Version: 0,
  SectorSize: 2,
  SectorsPerAllocationUnit: 4,
  MaxComponentLength: 6,
  VolumeCreationTime: 8,
  VolumeSerialNumber: 16,
  TransactTimeout: 20,
  IrpTimeout: 24,
  IrpCapacity: 28,
  FileInfoTimeout: 32,
  Prefix: 40,
  FileSystemName: 424,
  VolumeInfoTimeout: 460,
  DirInfoTimeout: 464,
  SecurityTimeout: 468,
  StreamInfoTimeout: 472,
  EaTimeout: 476,
} as const;

/**
 * FSP_FILE_SYSTEM_INTERFACE: slot offsets of the callbacks that this binding can fill. 512 bytes, all others stay 0.
 */
export const InterfaceLayout = {
  SIZE: 512,
  GetVolumeInfo: 0,
  SetVolumeLabel: 8,
  GetSecurityByName: 16,
  Create: 24,
  Open: 32,
  Overwrite: 40,
  Cleanup: 48,
  Close: 56,
  Read: 64,
  Write: 72,
  Flush: 80,
  GetFileInfo: 88,
  SetBasicInfo: 96,
  SetFileSize: 104,
  CanDelete: 112,
  Rename: 120,
  GetSecurity: 128,
  SetSecurity: 136,
  ReadDirectory: 144,
  ResolveReparsePoints: 152,
  GetReparsePoint: 160,
  SetReparsePoint: 168,
  DeleteReparsePoint: 176,
  GetStreamInfo: 184,
  GetDirInfoByName: 192,
  Control: 200,
  SetDelete: 208,
  CreateEx: 216,
  OverwriteEx: 224,
  GetEa: 232,
  SetEa: 240,
  DispatcherStopped: 256,
} as const;
