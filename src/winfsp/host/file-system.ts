/**
 * The high level of the binding: a file system as one object with plain values. FileSystemHost serves it.
 *
 * The model (docs/guide.md teaches it): programs open files, the driver asks the file system. `create` and `open`
 * return a *context*, any value that stands for the open handle; every later request of that handle brings it back. A
 * handle ends in two steps: `cleanup` when the program lets go (this is where a deleted file loses its name), `close`
 * when the system does, perhaps much later.
 *
 * Rules for every method:
 * - A method that is absent is a capability that the volume does not have: the request is refused with
 *   INVALID_DEVICE_REQUEST.
 * - To refuse, throw: NtStatusError, or an error of Node.js with a known `code` (ENOENT …). Any other exception is
 *   reported as a bug and answered with INTERNAL_ERROR.
 * - Paths are absolute, `\a\b`; the root is `\`; never with a trailing backslash. With the volume parameter
 *   NamedStreams a path may lead to a stream: `\a\b:stream`. The driver opens the file first, and makes it where it is
 *   missing; what FileInfo and security say of a stream is that of its file, but for the sizes and without DIRECTORY.
 * - `FileInfo` is the whole truth after the operation: what is too small in it cuts the kernel's cache
 *   (docs/winfsp.md#callbacks).
 * - Only `read`, `write` and `readDirectory` may return a promise, and only where FileSystemHost runs them on its own
 *   thread.
 */

import type { ExtendedAttribute } from '../../ea-list.js';

/** FSP_FSCTL_FILE_INFO. Times are FILETIMEs (file-time.ts), none of them 0. */
export interface FileInfo {
  /** FileAttribute bits; DIRECTORY decides what the file is. */
  fileAttributes: number;
  /** Only with FileAttribute.REPARSE_POINT. */
  reparseTag?: number;
  /** Bytes. Default: fileSize rounded up to the volume's allocation unit. */
  allocationSize?: number;
  /** Bytes. */
  fileSize: number;
  creationTime: bigint;
  lastAccessTime: bigint;
  lastWriteTime: bigint;
  changeTime: bigint;
  /** Unique on the volume, stable, not 0. */
  indexNumber: number | bigint;
  /** Of the extended attributes, by eaSizeOf(). Default: 0. */
  eaSize?: number;
}

export interface VolumeInfo {
  /** Bytes. */
  totalSize: number;
  /** Bytes. */
  freeSize: number;
  /** At most 32 UTF-16 units. */
  volumeLabel: string;
}

/** An opened file. */
export interface Opened<Context> {
  context: Context;
  fileInfo: FileInfo;
  /**
   * The full path in its stored spelling; may differ from the requested one in case only. Default: the requested one.
   */
  normalizedName?: string;
}

export interface OpenRequest {
  /** CreateOption bits; the disposition in the top byte. */
  createOptions: number;
  /** Access rights that were granted. */
  grantedAccess: number;
}

export interface CreateRequest extends OpenRequest {
  /** A directory shall be made. */
  directory: boolean;
  fileAttributes: number;
  /** Self-relative; null for none. */
  securityDescriptor: Uint8Array | null;
  /** A hint, in bytes. */
  allocationSize: number;
  /** What the file is to have at once. Empty, too, without the method `setEa`. */
  extendedAttributes: readonly ExtendedAttribute[];
  /** As of `setReparsePoint`: what the file is to be at once. Null but with the volume parameter WslFeatures. */
  reparsePoint: Uint8Array | null;
}

export interface OverwriteRequest {
  fileAttributes: number;
  /** True: set the attributes. False: add them to those that are there. */
  replaceFileAttributes: boolean;
  /** A hint, in bytes. */
  allocationSize: number;
  /** They take the place of those that the file had. Empty, too, without the method `setEa`. */
  extendedAttributes: readonly ExtendedAttribute[];
}

/** What the driver has noted for a handle that is let go. Times are to be set to now. */
export interface CleanupRequest {
  /** The file loses its name, unless it is a directory that is not empty. */
  delete: boolean;
  /** The path, with `delete` only. */
  fileName: string | null;
  /** The allocation is to be cut to the file's size. */
  setAllocationSize: boolean;
  setArchiveBit: boolean;
  setLastAccessTime: boolean;
  setLastWriteTime: boolean;
  setChangeTime: boolean;
}

/** What comes with a request that may be answered later. */
export interface IoRequest {
  /**
   * Aborted when the handle is cleaned up and when the volume stops. A handler may reject with the signal's reason,
   * which answers CANCELLED, or finish as if nothing had happened.
   */
  readonly signal: AbortSignal;
}

export interface WriteRequest extends IoRequest {
  /** Append: the offset is not to be looked at. */
  readonly writeToEndOfFile: boolean;
  /**
   * Written by the kernel's cache: never extends the file, what lies behind the end is cut off. May come after
   * `cleanup`; its signal is aborted by the volume's stop only, since it would not be repeated.
   */
  readonly constrainedIo: boolean;
}

export interface ReadDirectoryRequest extends IoRequest {
  /** A filter that may be ignored; null for none. */
  readonly pattern: string | null;
}

export interface Written {
  bytesWritten: number;
  fileInfo: FileInfo;
}

export interface DirectoryEntry {
  fileName: string;
  fileInfo: FileInfo;
}

/** One stream of a file or directory. */
export interface StreamInfo {
  /** Without `:`; empty for the content of a file itself. */
  streamName: string;
  /** Bytes. */
  size: number;
  /** Bytes. Default: size rounded up to the volume's allocation unit. */
  allocationSize?: number;
}

export interface SecurityByName {
  fileAttributes: number;
  /** Self-relative. Null: the file has none, nothing is checked. */
  securityDescriptor: Uint8Array | null;
}

/** The path leads through a reparse point. */
export interface ThroughReparsePoint {
  /** Index in the path of the first character of the reparse point's name. */
  reparsePointIndex: number;
}

/** What `setBasicInfo` is to change; what is absent stays. */
export interface BasicInfo {
  fileAttributes?: number;
  creationTime?: bigint;
  lastAccessTime?: bigint;
  lastWriteTime?: bigint;
  changeTime?: bigint;
}

type MaybeLater<T> = T | PromiseLike<T>;

export interface FileSystem<Context = unknown> {
  /** Needed by everything that shows a volume. */
  getVolumeInfo?(): VolumeInfo;
  /** Returns the new state. */
  setVolumeLabel?(volumeLabel: string): VolumeInfo;
  /**
   * Asked before most opens, for access checks and existence. Throws OBJECT_NAME_NOT_FOUND (ENOENT) when the last name
   * is missing and OBJECT_PATH_NOT_FOUND when one before it is. Without this method nothing is checked, `open` and
   * `create` must do it.
   */
  getSecurityByName?(fileName: string): SecurityByName | ThroughReparsePoint;
  /**
   * Makes a file or directory and opens it. OBJECT_NAME_COLLISION (EEXIST) when the name is taken. Add ARCHIVE for
   * files.
   */
  create?(fileName: string, request: CreateRequest): Opened<Context>;
  /**
   * ThroughReparsePoint only for a file whose stream is to be opened, with the volume parameters NamedStreams and
   * ReparsePoints: before a stream the driver opens its file without getSecurityByName. WinFsp's own library resolves
   * the path then.
   */
  open?(fileName: string, request: OpenRequest): Opened<Context> | ThroughReparsePoint;
  /** Empties the file. When this throws, the handle is closed at once. */
  overwrite?(context: Context, request: OverwriteRequest): FileInfo;
  /** Once a handle; no result can be returned. */
  cleanup?(context: Context, request: CleanupRequest): void;
  /** Exactly once for every context that was returned, also when the volume is stopped with the handle open. */
  close?(context: Context): void;
  /**
   * Fills `buffer`, memory of the driver that is taken away when the answer is sent. Returns the number of bytes; 0 at
   * or behind the end of the file, which is answered with END_OF_FILE.
   */
  read?(context: Context, buffer: Uint8Array, offset: number, request: IoRequest): MaybeLater<number>;
  /**
   * Writes `buffer`, memory of the driver that is taken away when the answer is sent, and must not be changed.
   * DISK_FULL (ENOSPC) when there is no room; then nothing may have changed.
   */
  write?(context: Context, buffer: Uint8Array, offset: number, request: WriteRequest): MaybeLater<Written>;
  /**
   * Context null: the whole volume; what is returned is not looked at. Without this method a file's flush answers with
   * `getFileInfo`.
   */
  flush?(context: Context | null): FileInfo | null;
  getFileInfo?(context: Context): FileInfo;
  setBasicInfo?(context: Context, basicInfo: BasicInfo): FileInfo;
  /**
   * `setAllocationSize` false: the file gets this size, zeros where it grows. True: room for so much; a size below the
   * file's cuts it, a larger one does not extend it. DISK_FULL when there is no room: with a kernel cache this is the
   * only place to say so.
   */
  setFileSize?(context: Context, newSize: number, setAllocationSize: boolean): FileInfo;
  /**
   * Throws when the file may not be deleted (DIRECTORY_NOT_EMPTY …). Deletes nothing: `cleanup` does. Not asked for
   * delete-on-close.
   */
  canDelete?(context: Context, fileName: string): void;
  /** In the place of `canDelete`: is told when a delete is taken back, too. */
  setDelete?(context: Context, fileName: string, deleteFile: boolean): void;
  /** OBJECT_NAME_COLLISION when the target exists and may not be replaced; ACCESS_DENIED when it is a directory. */
  rename?(context: Context, fileName: string, newFileName: string, replaceIfExists: boolean): void;
  /** Self-relative. */
  getSecurity?(context: Context): Uint8Array;
  /** Merges what `securityInformation` selects of `modification`. */
  setSecurity?(context: Context, securityInformation: number, modification: Uint8Array): void;
  /**
   * The entries strictly after `marker` in an order that never changes (afterMarker() helps), from the first for null.
   * As many are taken as fit; the driver asks again with the last one as marker. `.` and `..` need not be given: the
   * host adds them, with what `getFileInfo` says of the directory.
   */
  readDirectory?(
    context: Context,
    marker: string | null,
    request: ReadDirectoryRequest,
  ): MaybeLater<Iterable<DirectoryEntry>>;
  /** One entry, in its stored spelling. OBJECT_NAME_NOT_FOUND when there is none. */
  getDirInfoByName?(context: Context, fileName: string): DirectoryEntry;
  /**
   * The streams of a file or directory, that without a name first; also for the context of one of its streams. What
   * does not fit into an answer of 16 KiB is left out.
   */
  getStreamInfo?(context: Context): Iterable<StreamInfo>;
  /**
   * All extended attributes of a file or directory. With the volume parameter ExtendedAttributes and `setEa`. As one
   * list they have room for 16,256 bytes; EA_TOO_LARGE is answered for more.
   */
  getEa?(context: Context): Iterable<ExtendedAttribute>;
  /** Adds and replaces by name; an empty value removes. EA_TOO_LARGE when the list would be too long. */
  setEa?(context: Context, changes: readonly ExtendedAttribute[]): FileInfo;
  /** Reparse data with its 8-byte head. `context` is null when the path is being resolved. */
  getReparsePoint?(context: Context | null, fileName: string): Uint8Array;
  setReparsePoint?(context: Context, fileName: string, data: Uint8Array): void;
  deleteReparsePoint?(context: Context, fileName: string, data: Uint8Array): void;
}
