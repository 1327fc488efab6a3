/**
 * The low level of the binding: the WinFsp interface table as TypeScript sees it.
 *
 * One method per slot of FSP_FILE_SYSTEM_INTERFACE (docs/winfsp.md#callbacks). Pointers are numbers, results are
 * NTSTATUS codes (signed int32), out-parameters are `DataView`s over native memory with an offset, so that an
 * implementation can answer without allocating. A method that is absent leaves its slot 0: WinFsp then refuses the
 * operation.
 *
 * Everything here is synchronous and runs on the thread that owns the file system. Names, views and addresses are
 * valid only during the call. An exception is turned into STATUS_INTERNAL_ERROR by the caller, never into success.
 */

/**
 * Where a callback puts the context and the information of the file it has opened. One object is reused for all calls.
 */
export interface OpenResult {
  /** The UserContext that WinFsp hands back with every later request; 1 … 2^53 − 1, never 0. */
  context: number;
  /** FSP_FSCTL_FILE_INFO goes to `view` at `fileInfoOffset` (72 bytes, all of them, always). */
  readonly view: DataView;
  readonly fileInfoOffset: number;
  /** The full path in its stored spelling, or null for the requested one. Must differ from it in case only. */
  normalizedName: string | null;
}

/** Answer of getSecurityByName. `securityDescriptor` stays null when the file has none. */
export interface SecurityByNameResult {
  fileAttributes: number;
  securityDescriptor: Uint8Array | null;
}

/** Appends FSP_FSCTL_DIR_INFO records to the answer of readDirectory. */
export interface DirectoryBuffer {
  /**
   * Reserves a record for `name`. Returns the offset in `view` where its FILE_INFO (72 bytes, zeroed) is to be written,
   * or −1 when the buffer is full: stop and return SUCCESS; WinFsp calls again with the last name as marker.
   */
  add(name: string): number;
  readonly view: DataView;
  /** Marks the end of the directory. Without it WinFsp asks for more. */
  end(): void;
}

/** A thread that copies what reads describe, one read after the other (docs/winfsp.md#copy-lanes). */
export interface ReadCopier {
  /** The next bytes: `lengthBytes` at `address` in native memory, or zeros where it is −1. */
  add(address: number, lengthBytes: number): void;
  /** Index of the read that is being described, modulo 2^32. */
  readonly nextIndex: number;
  /** Whether the copy of a read is done, or never began. */
  isCopied(index: number): boolean;
  /** Waits for that, and for nothing else. */
  untilCopied(index: number): void;
}

/** Appends FSP_FSCTL_STREAM_INFO records to the answer of getStreamInfo. */
export interface StreamBuffer {
  /** A file's content has the name ''. False when the buffer is full: what is beyond is not shown. */
  add(name: string, sizeBytes: number, allocationSizeBytes: number): boolean;
}

export interface FileSystemInterface {
  /** FSP_FSCTL_VOLUME_INFO (88 bytes, zeroed) goes to `view` at `offset`. */
  /** Our library for Linux: getVolumeInfo fills FileCounts, too. */
  readonly countsFiles?: boolean;
  getVolumeInfo?(view: DataView, offset: number): number;
  setVolumeLabel?(label: string, view: DataView, offset: number): number;
  /**
   * Must tell OBJECT_PATH_NOT_FOUND from OBJECT_NAME_NOT_FOUND. Buffer sizes and BUFFER_OVERFLOW are the binding's
   * work.
   */
  getSecurityByName?(fileName: string, result: SecurityByNameResult): number;
  /**
   * `createOptions` still carries the disposition in its top byte. `securityDescriptor` is a view: copy it.
   * `extendedAttributes`, as of setEa and only with that method: what the file is to have at once; null for none.
   * `reparsePoint`, as of setReparsePoint and only with the volume flag WslFeatures: the same; there is one or the
   * other. A view: copy it.
   */
  create?(
    fileName: string,
    createOptions: number,
    grantedAccess: number,
    fileAttributes: number,
    securityDescriptor: Uint8Array | null,
    allocationSize: number,
    result: OpenResult,
    extendedAttributes?: Uint8Array | null,
    reparsePoint?: Uint8Array | null,
  ): number;
  /**
   * REPARSE where a reparse point is on the way to the file of a stream (docs/winfsp.md#creating-and-opening): WinFsp's
   * own library alone resolves it then.
   */
  open?(fileName: string, createOptions: number, grantedAccess: number, result: OpenResult): number;
  /** `extendedAttributes` as of create: they take the place of those that the file had. */
  overwrite?(
    context: number,
    fileAttributes: number,
    replaceFileAttributes: boolean,
    allocationSize: number,
    view: DataView,
    fileInfoOffset: number,
    extendedAttributes?: Uint8Array | null,
  ): number;
  /** `fileName` is null unless `flags` has FspCleanupDelete. No result can be returned. */
  cleanup?(context: number, fileName: string | null, flags: number): void;
  close?(context: number): void;
  /** Copies to native memory at `bufferAddress`. Returns the number of bytes, or END_OF_FILE at or past the end. */
  read?(context: number, bufferAddress: number, offset: number, length: number): number;
  /**
   * As read, but says `copier` where the bytes are instead of copying them. They must stay where and as they are until
   * the copy is done: what would change them waits with `copier.untilCopied`. Optional; asked for some large reads
   * only. An answer that is no count, or is less than the length, changes nothing: read is called then.
   */
  describeRead?(context: number, offset: number, length: number, copier: ReadCopier): number;
  /**
   * Copies from native memory at `bufferAddress`. Returns the number of bytes or a failing NTSTATUS; FILE_INFO (72
   * bytes) goes to `view` at `fileInfoOffset` on success. `offset` is meaningless when `writeToEndOfFile`.
   */
  write?(
    context: number,
    bufferAddress: number,
    offset: number,
    length: number,
    writeToEndOfFile: boolean,
    constrainedIo: boolean,
    view: DataView,
    fileInfoOffset: number,
  ): number;
  /** `context` 0 means the whole volume; FILE_INFO is then ignored. */
  flush?(context: number, view: DataView, fileInfoOffset: number): number;
  getFileInfo?(context: number, view: DataView, fileInfoOffset: number): number;
  /**
   * `fileAttributes` 0xffffffff: leave alone. `times`: creation, last access, last write, change as (low, high) int32
   * pairs; the special values 0, −1 and −2 mean "leave alone".
   */
  setBasicInfo?(
    context: number,
    fileAttributes: number,
    times: Int32Array,
    view: DataView,
    fileInfoOffset: number,
  ): number;
  setFileSize?(
    context: number,
    newSize: number,
    setAllocationSize: boolean,
    view: DataView,
    fileInfoOffset: number,
  ): number;
  canDelete?(context: number, fileName: string): number;
  setDelete?(context: number, fileName: string, deleteFile: boolean): number;
  /** `extension`: bits of RenameExtension where `rename_extension` or `hard_links` is on; otherwise 0. */
  rename?(
    context: number,
    fileName: string,
    newFileName: string,
    replaceIfExists: boolean,
    extension: number,
  ): number;
  /**
   * A control code of DeviceIoControl. Answers what comes out, at most `maxOutputBytes`, or a failing NTSTATUS. `input`
   * is valid during the call.
   */
  control?(context: number, code: number, input: Uint8Array, maxOutputBytes: number): Uint8Array | number;
  /** Returns the self-relative security descriptor, or a failing NTSTATUS. Sizes are the binding's work. */
  getSecurity?(context: number): Uint8Array | number;
  setSecurity?(context: number, securityInformation: number, modification: Uint8Array): number;
  /** Entries strictly after `marker` in the directory's stable order; null starts over. `pattern` may be ignored. */
  readDirectory?(
    context: number,
    pattern: string | null,
    marker: string | null,
    buffer: DirectoryBuffer,
  ): number;
  /** Adds exactly one record to `buffer`, in stored spelling, or returns OBJECT_NAME_NOT_FOUND. */
  getDirInfoByName?(context: number, fileName: string, buffer: DirectoryBuffer): number;
  /** Reparse data with its 8-byte header. Without a context (look-up by name) `context` is 0. */
  getReparsePoint?(context: number, fileName: string): Uint8Array | number;
  setReparsePoint?(context: number, fileName: string, data: Uint8Array): number;
  deleteReparsePoint?(context: number, fileName: string, data: Uint8Array): number;
  /** The streams of a file or directory, also for the context of one of its streams. */
  getStreamInfo?(context: number, buffer: StreamBuffer): number;
  /**
   * All extended attributes as a packed list of FILE_FULL_EA_INFORMATION, empty without any, or a failing NTSTATUS.
   * Sizes are the binding's work.
   */
  getEa?(context: number): Uint8Array | number;
  /** `list` as of getEa, a view: copy it. An empty value removes. FILE_INFO goes to `view`. */
  setEa?(context: number, list: Uint8Array, view: DataView, fileInfoOffset: number): number;
}
