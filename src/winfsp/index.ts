/**
 * The WinFsp binding, in two levels.
 *
 * High: a FileSystem is one object with plain values, a FileSystemHost mounts and serves it. Start here; docs/guide.md
 * teaches the model, docs/api/README.md lists everything.
 *
 * Low: an FspFileSystem is created from a FileSystemInterface, one method per WinFsp callback, and VolumeParams. It
 * then needs a *dispatcher* that takes requests from the driver, runs the methods and sends the answers:
 * InlineDispatcher on the thread that owns the file system (fastest; the thread is blocked meanwhile, so give it a
 * worker), AsyncDispatcher on a thread with an event loop, whose reads, writes and listings may be answered later, or
 * NativeDispatcher with the threads of the WinFsp library. Other threads mount, unmount and stop it through a
 * VolumeReference and read its figures with readStatistics().
 *
 * Facts about WinFsp: docs/winfsp.md.
 */
export { type ExtendedAttribute, eaSizeOf } from '../ea-list.js';
export { NtStatus, type NtStatusName, ntStatusName } from '../ntstatus.js';
export * from './abi/constants.js';
export { getUint64, setUint64 } from './abi/fields.js';
export {
  DirInfo as DirInfoLayout,
  FileInfo as FileInfoLayout,
  FileSystemLayout,
  InterfaceLayout,
  OpenFileInfo as OpenFileInfoLayout,
  Req,
  ReqClose,
  ReqCreate,
  ReqOverwrite,
  ReqQueryDirectory,
  ReqRead,
  ReqSetInformation,
  ReqWrite,
  RSP_FILE_INFO,
  Rsp,
  RspCreate,
  StreamInfo as StreamInfoLayout,
  VolumeInfo as VolumeInfoLayout,
  VolumeParamsLayout,
} from './abi/layouts.js';
export { VOLUME_FLAG_BITS, VOLUME_PARAMS_DEFAULTS, type VolumeParams } from './abi/volume-params.js';
export { AsyncDispatcher, type AsyncDispatcherOptions } from './dispatch/async-dispatcher.js';
export type { AsyncOperations } from './dispatch/async-operations.js';
export {
  InlineDispatcher,
  type InlineDispatcherOptions,
  type LoopEnd,
} from './dispatch/inline-dispatcher.js';
export { NativeDispatcher, type NativeDispatcherOptions } from './dispatch/native-dispatcher.js';
export * from './errors.js';
export { afterMarker, compareNames } from './host/directory-order.js';
export type * from './host/file-system.js';
export { FileSystemAdapter } from './host/file-system-adapter.js';
export { FileSystemHost, type HostEvents, type HostOptions } from './host/file-system-host.js';
export {
  fileTimeFrom,
  fileTimeFromNs,
  fileTimeNow,
  fileTimeToNs,
  fileTimeToSeconds,
} from './host/file-time.js';
export { type Change, NotifyAction, NotifyFilter } from './host/notifier.js';
export { everyoneFullAccess, everyoneReadOnly } from './host/security.js';
export type { VolumeEnd } from './host/served-volume.js';
export { NtStatusError, nodeCodeOf, ntStatusOfNodeCode } from './host/status-errors.js';
export { type CallbackKind, registeredCallbacks } from './library/callbacks.js';
export type {
  DirectoryBuffer,
  FileSystemInterface,
  OpenResult,
  ReadCopier,
  SecurityByNameResult,
  StreamBuffer,
} from './library/file-system-interface.js';
export { type FileSystemOptions, FspFileSystem } from './library/fsp-file-system.js';
export { loadWinFsp, MIN_VERSION, WinFspLibrary } from './library/library.js';
export { LIBRARY_VARIABLE, locateLibrary } from './library/library-location.js';
export {
  CONTROL_COPY_RANGE,
  CREATE_UNNAMED,
  FileCounts as FileCountsLayout,
  type LinuxExtensions,
  linuxExtensions,
  RenameExtension,
} from './library/linux-extensions.js';
export {
  type MountForm,
  type MountPoint,
  MountPointSyntaxError,
  parseMountPoint,
} from './library/mount-point.js';
export type { OnHandlerError } from './library/table/slots.js';
export { VolumeReference, type VolumeReferenceData } from './library/volume-reference.js';
export {
  allocateControlBlock,
  CONTROL_BLOCK_WORDS,
  ControlWord,
  LoopState,
} from './memory/control-block.js';
export { copyMemory, liveBlocks, NativeBlock, pageAligned } from './memory/native-memory.js';
export {
  allocateStatistics,
  type DispatcherStatistics,
  type KindStatistics,
  type LatencySummary,
  readStatistics,
} from './memory/statistics.js';
