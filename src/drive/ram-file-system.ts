/**
 * The RAM volume behind the interface of the binding: contexts become inodes, results become NTSTATUS codes, inodes
 * become FILE_INFOs. No rule of the file system is decided here but what WinFsp asks of callbacks
 * (docs/winfsp.md#creating-and-opening, #callbacks).
 *
 * Everything is synchronous: a request is one uninterrupted step of the volume, which is what keeps the ledger true for
 * observers (FreeBytesAccurate). A context that the volume does not know is answered with INVALID_HANDLE; it can only
 * come from a bug or a forged request, and must not end in an exception.
 */
import { MAX_LABEL_UNITS } from '../limits.js';
import { NtStatus } from '../ntstatus.js';
import type { Inode } from '../volume/inode.js';
import type { RamVolume } from '../volume/ram-volume.js';
import {
  CleanupFlag,
  CONTROL_COPY_RANGE,
  CREATE_UNNAMED,
  CreateOption,
  type DirectoryBuffer,
  FileAttribute,
  type FileSystemInterface,
  type OpenResult,
  type ReadCopier,
  RenameExtension,
  type SecurityByNameResult,
  type StreamBuffer,
} from '../winfsp/index.js';
import { copyRange } from './copy-range.js';
import { attributesOf, encodeFileInfo, encodeVolumeInfo } from './file-info.js';
import type { FillWatch } from './fill-watch.js';
import type { LedgerPublisher } from './ledger.js';

export class RamFileSystem implements FileSystemInterface {
  readonly #volume: RamVolume;
  readonly #ledger: LedgerPublisher | null;
  readonly #fill: FillWatch | null;
  readonly #onLabel: (label: string) => void;
  /** VOLUME_INFO tells of files, FILE_INFO of hard links, a file may have no name: as our library for Linux has it. */
  readonly countsFiles: boolean;

  /** `onLabel` is told of a new label. */
  constructor(
    volume: RamVolume,
    ledger: LedgerPublisher | null = null,
    fill: FillWatch | null = null,
    onLabel: (label: string) => void = () => {},
    countsFiles = false,
  ) {
    this.#volume = volume;
    this.#ledger = ledger;
    this.#fill = fill;
    this.#onLabel = onLabel;
    this.countsFiles = countsFiles;
    this.publish();
  }

  getVolumeInfo(view: DataView, offset: number): number {
    encodeVolumeInfo(this.#volume, view, offset, this.countsFiles);
    return NtStatus.SUCCESS;
  }

  setVolumeLabel(label: string, view: DataView, offset: number): number {
    // The driver does not clip, and the field in VOLUME_INFO is 32 units long.
    if (label.length > MAX_LABEL_UNITS) {
      return NtStatus.INVALID_VOLUME_LABEL;
    }
    this.#volume.label = label;
    this.#onLabel(label);
    return this.getVolumeInfo(view, offset);
  }

  getSecurityByName(fileName: string, result: SecurityByNameResult): number {
    const inode = this.#volume.lookupForSecurity(fileName);
    if (typeof inode === 'number') {
      // A missing leaf has been looked for in a directory that is there, so no link lies on the way to it.
      const link =
        inode === NtStatus.OBJECT_NAME_NOT_FOUND ? -1 : this.#volume.reparsePointOnTheWay(fileName);
      if (link < 0) return inode;
      result.fileAttributes = link;
      return NtStatus.REPARSE;
    }
    // Of a link without such a stream only that it is one: what is opened, if anything, is behind it.
    const isBase = inode.reparse !== null && inode.main === inode && this.#volume.isStreamPath(fileName);
    result.fileAttributes = isBase ? FileAttribute.REPARSE_POINT : attributesOf(inode);
    result.securityDescriptor = this.#volume.securityOf(inode);
    return NtStatus.SUCCESS;
  }

  create(
    fileName: string,
    createOptions: number,
    _grantedAccess: number,
    fileAttributes: number,
    securityDescriptor: Uint8Array | null,
    allocationSize: number,
    result: OpenResult,
    extendedAttributes: Uint8Array | null = null,
    reparsePoint: Uint8Array | null = null,
  ): number {
    const directory = (createOptions & CreateOption.FILE_DIRECTORY_FILE) !== 0;
    // The driver sets DIRECTORY by what was asked, and never ARCHIVE.
    const kind = directory ? FileAttribute.DIRECTORY : FileAttribute.ARCHIVE;
    const inode = this.#volume.create(
      fileName,
      (fileAttributes & ~(FileAttribute.DIRECTORY | FileAttribute.NORMAL)) | kind,
      directory,
      securityDescriptor,
      allocationSize,
      !this.countsFiles || (createOptions & CREATE_UNNAMED) === 0,
      extendedAttributes,
      reparsePoint,
    );
    return this.#opened(inode, fileName, result);
  }

  open(fileName: string, _createOptions: number, _grantedAccess: number, result: OpenResult): number {
    const inode = this.#volume.open(fileName);
    // Before a stream the driver opens its file, for which the library has not looked for links on the way.
    const mayBeBehindLink = inode === NtStatus.OBJECT_PATH_NOT_FOUND && this.#volume.namedStreams;
    if (mayBeBehindLink && this.#volume.reparsePointOnTheWay(fileName) >= 0) return NtStatus.REPARSE;
    return this.#opened(inode, fileName, result);
  }

  overwrite(
    context: number,
    fileAttributes: number,
    replaceFileAttributes: boolean,
    allocationSize: number,
    view: DataView,
    fileInfoOffset: number,
    extendedAttributes: Uint8Array | null = null,
  ): number {
    const inode = this.#volume.inodeOf(context);
    if (inode === undefined) return NtStatus.INVALID_HANDLE;
    const attributes = (fileAttributes & ~FileAttribute.NORMAL) | FileAttribute.ARCHIVE;
    const status = this.#volume.overwrite(
      inode,
      attributes,
      replaceFileAttributes,
      allocationSize,
      extendedAttributes,
    );
    return this.#changed(status, inode, view, fileInfoOffset);
  }

  cleanup(context: number, fileName: string | null, flags: number): void {
    const inode = this.#volume.inodeOf(context);
    if (inode === undefined) return;
    const entry = this.#volume.entryOf(inode, fileName ?? '');
    // Under a name that the file has no longer nothing is to be deleted.
    const isGone = typeof entry === 'number';
    this.#volume.cleanup(isGone ? inode : entry, isGone ? flags & ~CleanupFlag.Delete : flags);
    this.publish();
  }

  close(context: number): void {
    const inode = this.#volume.inodeOf(context);
    if (inode !== undefined) {
      this.#volume.close(inode);
      this.publish();
    }
  }

  read(context: number, bufferAddress: number, offset: number, length: number): number {
    const inode = this.#volume.inodeOf(context);
    if (inode === undefined) return NtStatus.INVALID_HANDLE;
    return this.#volume.read(inode, offset, length, bufferAddress);
  }

  describeRead(context: number, offset: number, length: number, copier: ReadCopier): number {
    const inode = this.#volume.inodeOf(context);
    if (inode === undefined) return NtStatus.INVALID_HANDLE;
    return this.#volume.describeRead(inode, offset, length, copier);
  }

  write(
    context: number,
    bufferAddress: number,
    offset: number,
    length: number,
    writeToEndOfFile: boolean,
    constrainedIo: boolean,
    view: DataView,
    fileInfoOffset: number,
  ): number {
    const inode = this.#volume.inodeOf(context);
    if (inode === undefined) return NtStatus.INVALID_HANDLE;
    const written = this.#volume.write(inode, offset, length, bufferAddress, writeToEndOfFile, constrainedIo);
    return this.#changed(written, inode, view, fileInfoOffset);
  }

  flush(context: number, view: DataView, fileInfoOffset: number): number {
    if (context === 0) {
      return this.#volume.flush(null);
    }
    const inode = this.#volume.inodeOf(context);
    if (inode === undefined) return NtStatus.INVALID_HANDLE;
    // An empty success would tell the kernel that the file is empty.
    return this.#changed(this.#volume.flush(inode), inode, view, fileInfoOffset);
  }

  getFileInfo(context: number, view: DataView, fileInfoOffset: number): number {
    const inode = this.#volume.inodeOf(context);
    if (inode === undefined) return NtStatus.INVALID_HANDLE;
    this.#encode(inode, view, fileInfoOffset);
    return NtStatus.SUCCESS;
  }

  setBasicInfo(
    context: number,
    fileAttributes: number,
    times: Int32Array,
    view: DataView,
    fileInfoOffset: number,
  ): number {
    const inode = this.#volume.inodeOf(context);
    if (inode === undefined) return NtStatus.INVALID_HANDLE;
    const status = this.#volume.setBasicInfo(inode, fileAttributes, times);
    return this.#changed(status, inode, view, fileInfoOffset);
  }

  setFileSize(
    context: number,
    newSize: number,
    setAllocationSize: boolean,
    view: DataView,
    fileInfoOffset: number,
  ): number {
    const inode = this.#volume.inodeOf(context);
    if (inode === undefined) return NtStatus.INVALID_HANDLE;
    const status = setAllocationSize
      ? this.#volume.setAllocationSize(inode, newSize)
      : this.#volume.setFileSize(inode, newSize);
    return this.#changed(status, inode, view, fileInfoOffset);
  }

  /**
   * The only word against a delete; it happens in Cleanup. Undoing a delete needs no call (docs/winfsp.md#callbacks).
   */
  canDelete(context: number, _fileName: string): number {
    const inode = this.#volume.inodeOf(context);
    return inode === undefined ? NtStatus.INVALID_HANDLE : this.#volume.canDelete(inode);
  }

  rename(
    context: number,
    fileName: string,
    newFileName: string,
    replaceIfExists: boolean,
    extension: number,
  ): number {
    const inode = this.#volume.inodeOf(context);
    if (inode === undefined) return NtStatus.INVALID_HANDLE;
    if ((extension & RenameExtension.LINK) !== 0) {
      return this.#volume.link(inode, newFileName);
    }
    const entry = this.#volume.entryOf(inode, fileName);
    if (typeof entry === 'number') return entry;
    const posix = (extension & RenameExtension.POSIX) !== 0;
    const status =
      (extension & RenameExtension.EXCHANGE) !== 0
        ? this.#volume.exchange(entry, newFileName)
        : (extension & RenameExtension.WHITEOUT) !== 0
          ? this.#volume.renameLeavingWhiteout(entry, newFileName, replaceIfExists)
          : this.#volume.rename(entry, newFileName, replaceIfExists, posix);
    this.publish();
    return status;
  }

  control(context: number, code: number, input: Uint8Array, maxOutputBytes: number): Uint8Array | number {
    const inode = this.#volume.inodeOf(context);
    if (inode === undefined) return NtStatus.INVALID_HANDLE;
    const copies = code === CONTROL_COPY_RANGE && this.countsFiles;
    if (!copies) return this.#volume.control(inode, code, input, maxOutputBytes);
    const result = copyRange(this.#volume, inode, input);
    this.publish();
    return result;
  }

  getSecurity(context: number): Uint8Array | number {
    const inode = this.#volume.inodeOf(context);
    return inode === undefined ? NtStatus.INVALID_HANDLE : this.#volume.securityOf(inode);
  }

  setSecurity(context: number, securityInformation: number, modification: Uint8Array): number {
    const inode = this.#volume.inodeOf(context);
    if (inode === undefined) return NtStatus.INVALID_HANDLE;
    return this.#volume.setSecurity(inode, securityInformation, modification);
  }

  readDirectory(
    context: number,
    _pattern: string | null,
    marker: string | null,
    buffer: DirectoryBuffer,
  ): number {
    const directory = this.#volume.inodeOf(context);
    if (directory === undefined) return NtStatus.INVALID_HANDLE;
    let complete = true;
    const status = this.#volume.list(directory, marker, (name, inode) => {
      const offset = buffer.add(name);
      if (offset < 0) {
        complete = false;
        return false;
      }
      this.#encode(inode, buffer.view, offset);
      return true;
    });
    if (status >= 0 && complete) {
      buffer.end();
    }
    return status;
  }

  getDirInfoByName(context: number, fileName: string, buffer: DirectoryBuffer): number {
    const directory = this.#volume.inodeOf(context);
    if (directory === undefined) return NtStatus.INVALID_HANDLE;
    const entry = this.#volume.childOf(directory, fileName);
    if (entry === undefined) return NtStatus.OBJECT_NAME_NOT_FOUND;
    const offset = buffer.add(entry.name);
    if (offset >= 0) {
      this.#encode(entry.inode, buffer.view, offset);
    }
    return NtStatus.SUCCESS;
  }

  getReparsePoint(context: number, fileName: string): Uint8Array | number {
    const inode = this.#inodeBy(context, fileName);
    return typeof inode === 'number' ? inode : this.#volume.getReparsePoint(inode);
  }

  setReparsePoint(context: number, _fileName: string, data: Uint8Array): number {
    return this.#with(context, (inode) => this.#volume.setReparsePoint(inode, data));
  }

  deleteReparsePoint(context: number, _fileName: string, data: Uint8Array): number {
    return this.#with(context, (inode) => this.#volume.deleteReparsePoint(inode, data));
  }

  getStreamInfo(context: number, buffer: StreamBuffer): number {
    return this.#with(context, (inode) => {
      this.#volume.listStreams(inode, (name, { fileSize, allocationSize }) =>
        buffer.add(name, fileSize, allocationSize),
      );
      return NtStatus.SUCCESS;
    });
  }

  getEa(context: number): Uint8Array | number {
    return this.#with(context, (inode) => this.#volume.getExtendedAttributes(inode));
  }

  setEa(context: number, list: Uint8Array, view: DataView, fileInfoOffset: number): number {
    return this.#with(context, (inode) =>
      this.#changed(this.#volume.setExtendedAttributes(inode, list), inode, view, fileInfoOffset),
    );
  }

  /** For what is rare: the frequent requests do without a closure. */
  #with<T>(context: number, body: (inode: Inode) => T): T | number {
    const inode = this.#volume.inodeOf(context);
    return inode === undefined ? NtStatus.INVALID_HANDLE : body(inode);
  }

  #encode(inode: Inode, view: DataView, offset: number): void {
    encodeFileInfo(inode, view, offset, this.countsFiles ? this.#volume.linkCountOf(inode) : 0);
  }

  #inodeBy(context: number, fileName: string): Inode | number {
    return context === 0
      ? this.#volume.lookup(fileName)
      : (this.#volume.inodeOf(context) ?? NtStatus.INVALID_HANDLE);
  }

  #opened(inode: Inode | number, fileName: string, result: OpenResult): number {
    if (typeof inode === 'number') return inode;
    result.context = this.#volume.contextOf(inode);
    this.#encode(inode, result.view, result.fileInfoOffset);
    // Without the stored spelling the driver keeps the path in capitals. Case-sensitive volumes need none.
    result.normalizedName =
      this.#volume.caseSensitive || inode.deleted ? null : this.#volume.spelled(inode, fileName);
    this.publish();
    return NtStatus.SUCCESS;
  }

  #changed(result: number, inode: Inode, view: DataView, fileInfoOffset: number): number {
    if (result >= 0) {
      this.#encode(inode, view, fileInfoOffset);
      this.publish();
    } else if (result === NtStatus.DISK_FULL && this.#volume.savingPages === 0) {
      this.#fill?.refused();
    }
    return result;
  }

  publish(): void {
    this.#ledger?.publish(this.#volume);
    this.#fill?.look(this.#volume);
  }
}
