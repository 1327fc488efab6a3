/**
 * Requests that the inline dispatcher answers by itself instead of through FspFileSystemOp… and a callback: those whose
 * operation does little more than hand fields to a callback and back, and look-ups of what is not there. C calling back
 * into JavaScript costs several crossings and copies each time, and these kinds are most of what creating, renaming and
 * deleting small files consists of. What the operation functions do besides is repeated here, rule by rule
 * (docs/winfsp.md#callbacks); everything with access checks, names to resolve or lists stays with them.
 *
 * Handlers see the request and answer in place. An exception goes to the caller, with the callback's name in `where`;
 * those of Cleanup and Close, which cannot fail, are reported here.
 */
import { NtStatus } from '../../ntstatus.js';
import {
  CleanupFlag,
  CreateDisposition,
  FileAttribute,
  FileInformationClass,
  TransactKind,
} from '../abi/constants.js';
import { getUint64 } from '../abi/fields.js';
import { FileInfo, Req, ReqCleanup, ReqCreate, ReqSetInformation, RSP_FILE_INFO } from '../abi/layouts.js';
import { finalStatusOf } from '../abi/status-of.js';
import type { SecurityByNameResult } from '../library/file-system-interface.js';
import type { FspFileSystem } from '../library/fsp-file-system.js';
import type { NativeBlock } from '../memory/native-memory.js';

/** No NTSTATUS: this request is for the operation function. */
export const NOT_DIRECT = Number.MAX_SAFE_INTEGER;

const DISPOSITION_DELETE = 1;
const DISPOSITION_IGNORE_READONLY = 0x10;
/** Flags of Create: UserMode, HasTraversePrivilege, OpenTargetDirectory. */
const CREATE_FLAGS_THAT_MATTER = 0x13;
const USER_WITH_TRAVERSE_PRIVILEGE = 0x03;
/** Bits of the raw Cleanup request, from bit 0 on, as the callback gets them. */
const CLEANUP_FLAGS = [
  CleanupFlag.Delete,
  CleanupFlag.SetAllocationSize,
  CleanupFlag.SetArchiveBit,
  CleanupFlag.SetLastAccessTime,
  CleanupFlag.SetLastWriteTime,
  CleanupFlag.SetChangeTime,
];

export class DirectAnswers {
  /** The callback that a request has reached. The caller empties it before each request. */
  where = '';
  readonly #fs: FspFileSystem;
  readonly #names: Buffer;
  readonly #response: NativeBlock;
  readonly #request: DataView;
  readonly #times = new Int32Array(8);
  readonly #securityByName: SecurityByNameResult = { fileAttributes: 0, securityDescriptor: null };

  constructor(fs: FspFileSystem, request: NativeBlock, response: NativeBlock) {
    this.#fs = fs;
    this.#request = request.view;
    this.#response = response;
    this.#names = Buffer.from(request.bytes.buffer, request.bytes.byteOffset, request.bytes.length);
  }

  /** The status of the request, its answer filled in; NOT_DIRECT with nothing done. */
  answer(kind: number): number {
    switch (kind) {
      case TransactKind.Create:
        return this.#openOfNothing();
      case TransactKind.QueryInformation:
        return this.#queryInformation(this.#context());
      case TransactKind.SetInformation:
        return this.#setInformation(this.#context());
      case TransactKind.Cleanup:
        return this.#cleanup(this.#context());
      case TransactKind.Close:
        return this.#close(this.#context());
      default:
        return NOT_DIRECT;
    }
  }

  /**
   * Programs look for what is not there more often than for what is. An open begins with GetSecurityByName of its name
   * (of the directories before it only without the traverse privilege), and what that fails with is the answer. A name
   * that is there is asked about once more by the operation function, which checks the access.
   */
  #openOfNothing(): number {
    const { fileSystem } = this.#fs;
    const disposition = this.#request.getUint32(ReqCreate.CreateOptions, true) >>> 24;
    const flags = this.#request.getUint32(ReqCreate.UserMode, true) & CREATE_FLAGS_THAT_MATTER;
    if (
      disposition !== CreateDisposition.FILE_OPEN ||
      flags !== USER_WITH_TRAVERSE_PRIVILEGE ||
      fileSystem.getSecurityByName === undefined ||
      fileSystem.create === undefined ||
      fileSystem.open === undefined ||
      fileSystem.overwrite === undefined
    ) {
      return NOT_DIRECT;
    }
    const result = this.#securityByName;
    result.fileAttributes = 0;
    result.securityDescriptor = null;
    this.where = 'GetSecurityByName';
    const status = finalStatusOf(fileSystem.getSecurityByName(this.#fileName() ?? '', result));
    this.where = '';
    return status < 0 ? status : NOT_DIRECT;
  }

  #context(): number {
    return getUint64(this.#request, this.#fs.contextOffset);
  }

  #queryInformation(context: number): number {
    const { fileSystem } = this.#fs;
    if (fileSystem.getFileInfo === undefined) {
      return NtStatus.INVALID_DEVICE_REQUEST;
    }
    this.where = 'GetFileInfo';
    return this.#withInformation(fileSystem.getFileInfo(context, this.#response.view, RSP_FILE_INFO));
  }

  #setInformation(context: number): number {
    const { fileSystem } = this.#fs;
    const request = this.#request;
    const { view } = this.#response;
    const informationClass = request.getUint32(ReqSetInformation.FileInformationClass, true);
    switch (informationClass) {
      case FileInformationClass.Basic: {
        if (fileSystem.setBasicInfo === undefined) {
          return NtStatus.INVALID_DEVICE_REQUEST;
        }
        for (let i = 0; i < this.#times.length; i++) {
          this.#times[i] = request.getInt32(ReqSetInformation['Info.Basic.CreationTime'] + i * 4, true);
        }
        const attributes = request.getUint32(ReqSetInformation['Info.Basic.FileAttributes'], true);
        this.where = 'SetBasicInfo';
        return this.#withInformation(
          fileSystem.setBasicInfo(context, attributes, this.#times, view, RSP_FILE_INFO),
        );
      }
      case FileInformationClass.Allocation:
      case FileInformationClass.EndOfFile: {
        if (fileSystem.setFileSize === undefined) {
          return NtStatus.INVALID_DEVICE_REQUEST;
        }
        const size = getUint64(request, ReqSetInformation['Info.EndOfFile.FileSize']);
        const allocation = informationClass === FileInformationClass.Allocation;
        this.where = 'SetFileSize';
        return this.#withInformation(fileSystem.setFileSize(context, size, allocation, view, RSP_FILE_INFO));
      }
      case FileInformationClass.Disposition:
        return this.#setDisposition(context, (this.#flags() & DISPOSITION_DELETE) !== 0, false);
      case FileInformationClass.DispositionEx: {
        const flags = this.#flags();
        return this.#setDisposition(
          context,
          (flags & DISPOSITION_DELETE) !== 0,
          (flags & DISPOSITION_IGNORE_READONLY) !== 0,
        );
      }
      default:
        return NOT_DIRECT;
    }
  }

  #flags(): number {
    return this.#request.getUint32(ReqSetInformation['Info.Disposition.Delete'], true);
  }

  /** A READONLY file is not deleted. SetDelete replaces CanDelete, which is not asked about an undo. */
  #setDisposition(context: number, del: boolean, ignoreReadOnly: boolean): number {
    const { fileSystem } = this.#fs;
    let status: number = NtStatus.INVALID_DEVICE_REQUEST;
    if (del && !ignoreReadOnly && fileSystem.getFileInfo !== undefined) {
      try {
        status = this.#queryInformation(context);
      } catch (error) {
        // A failing GetFileInfo does not decide; it is told all the same.
        this.#fs.reportError(this.where, error);
        status = NtStatus.INTERNAL_ERROR;
      }
      const attributes = this.#response.view.getUint32(RSP_FILE_INFO + FileInfo.FileAttributes, true);
      this.#clearInformation();
      if (status >= 0 && (attributes & FileAttribute.READONLY) !== 0) {
        return NtStatus.CANNOT_DELETE;
      }
    }
    if (fileSystem.setDelete !== undefined) {
      this.where = 'SetDelete';
      status = finalStatusOf(fileSystem.setDelete(context, this.#fileName() ?? '', del));
    } else if (fileSystem.canDelete !== undefined) {
      this.where = 'CanDelete';
      status = del ? finalStatusOf(fileSystem.canDelete(context, this.#fileName() ?? '')) : NtStatus.SUCCESS;
    }
    return status >= 0 ? NtStatus.SUCCESS : status;
  }

  #cleanup(context: number): number {
    const bits = this.#request.getUint32(ReqCleanup.Delete, true);
    let flags = 0;
    for (let bit = 0; bit < CLEANUP_FLAGS.length; bit++) {
      if ((bits & (1 << bit)) !== 0) {
        flags |= CLEANUP_FLAGS[bit]!;
      }
    }
    try {
      this.#fs.fileSystem.cleanup?.(context, this.#fileName(), flags);
    } catch (error) {
      this.#fs.reportError('Cleanup', error);
    }
    return NtStatus.SUCCESS;
  }

  #close(context: number): number {
    try {
      this.#fs.fileSystem.close?.(context);
    } catch (error) {
      this.#fs.reportError('Close', error);
    }
    return NtStatus.SUCCESS;
  }

  /** What the handler wrote counts only when it succeeded. */
  #withInformation(result: unknown): number {
    const status = finalStatusOf(result);
    if (status < 0) {
      this.#clearInformation();
      return status;
    }
    return NtStatus.SUCCESS;
  }

  #clearInformation(): void {
    this.#response.clear(RSP_FILE_INFO, RSP_FILE_INFO + FileInfo.SIZE);
  }

  /** Its Size includes the NUL; null when the request has none. */
  #fileName(): string | null {
    const size = this.#request.getUint16(Req.FileName + 2, true);
    if (size === 0) {
      return null;
    }
    const start = Req.Buffer + this.#request.getUint16(Req.FileName, true);
    return this.#names.toString('utf16le', start, start + size - 2);
  }
}
