/**
 * A high-level FileSystem behind the two low-level interfaces: FileSystemInterface for what is answered at once,
 * AsyncOperations for what may be answered later. Contexts become handle numbers, plain values become structures,
 * exceptions become NTSTATUS codes, and kernel memory is lent for the time of a request.
 *
 * The volume must have UmFileContextIsUserContext2, because a context stands for a handle here. A method that the file
 * system does not have leaves its slot empty, with these exceptions, where an empty slot would mean something else to
 * WinFsp (docs/winfsp.md#creating-and-opening, #callbacks): without Create, Open and Overwrite slots nothing can be
 * opened at all; without CanDelete every delete succeeds; without Flush the library calls GetFileInfo even for the
 * whole volume.
 */
import { NtStatus } from '../../ntstatus.js';
import { CleanupFlag, CreateOption, INVALID_FILE_ATTRIBUTES } from '../abi/constants.js';
import type { AsyncOperations } from '../dispatch/async-operations.js';
import type { DirectoryBuffer, FileSystemInterface, OpenResult } from '../library/file-system-interface.js';
import { LentMemory } from '../memory/lent-memory.js';
import { markerBehindDots, withDots } from './dot-entries.js';
import { encodeFileInfo, encodeVolumeInfo, isThenable, refusePromise, describe as show } from './encode.js';
import type {
  BasicInfo,
  DirectoryEntry,
  FileSystem,
  Opened,
  ReadDirectoryRequest,
  WriteRequest,
  Written,
} from './file-system.js';
import { HandleTable, newController, type OpenHandle } from './handle-table.js';
import { statusOfError } from './status-errors.js';

const REFUSED = NtStatus.INVALID_DEVICE_REQUEST;
const BASIC_TIMES = ['creationTime', 'lastAccessTime', 'lastWriteTime', 'changeTime'] as const;

export class FileSystemAdapter<Context> {
  /** For FspFileSystem, and for the inline and native dispatchers. */
  readonly table: FileSystemInterface;
  /** For the async dispatcher. */
  readonly operations: AsyncOperations;
  readonly #fs: FileSystem<Context>;
  readonly #unitBytes: number;
  readonly #handles = new HandleTable<Context>();
  readonly #lent = new Set<LentMemory>();
  readonly #stop = newController();

  constructor(fs: FileSystem<Context>, allocationUnitBytes: number) {
    this.#fs = fs;
    this.#unitBytes = allocationUnitBytes;
    this.operations = this.#buildOperations();
    this.table = {
      ...this.#buildVolume(),
      ...this.#buildOpen(),
      ...this.#buildSynchronousData(),
      ...this.#buildInformation(),
      ...this.#buildNames(),
      ...this.#buildSecurity(),
      ...this.#buildReparse(),
    };
  }

  get openHandles(): number {
    return this.#handles.size;
  }

  /** Kernel buffers that handlers hold at this moment. */
  get lentBuffers(): number {
    return this.#lent.size;
  }

  /**
   * Closes what is still open, as no Close comes after the volume has stopped. Errors go to `onError`. Only when no
   * request is under way any more.
   */
  closeAll(onError: (where: string, error: unknown) => void): void {
    for (const handle of this.#handles.all()) {
      this.#handles.delete(handle);
      try {
        refusePromise('close', this.#fs.close?.(handle.context));
      } catch (error) {
        onError('Close', error);
      }
    }
  }

  #buildVolume(): FileSystemInterface {
    const fs = this.#fs;
    return {
      ...(fs.getVolumeInfo && {
        getVolumeInfo: (view, offset) =>
          this.#status(() => encodeVolumeInfo(now('getVolumeInfo', fs.getVolumeInfo!()), view, offset)),
      }),
      ...(fs.setVolumeLabel && {
        setVolumeLabel: (label, view, offset) =>
          this.#status(() =>
            encodeVolumeInfo(now('setVolumeLabel', fs.setVolumeLabel!(label)), view, offset),
          ),
      }),
    };
  }

  #buildOpen(): FileSystemInterface {
    const fs = this.#fs;
    return {
      ...(fs.getSecurityByName && {
        getSecurityByName: (fileName, result) => {
          let status: number = NtStatus.SUCCESS;
          const failed = this.#status(() => {
            const found = now('getSecurityByName', fs.getSecurityByName!(fileName));
            if ('reparsePointIndex' in found) {
              result.fileAttributes = found.reparsePointIndex;
              status = NtStatus.REPARSE;
            } else {
              result.fileAttributes = found.fileAttributes;
              result.securityDescriptor = found.securityDescriptor;
            }
          });
          return failed < 0 ? failed : status;
        },
      }),
      create: (
        fileName,
        createOptions,
        grantedAccess,
        fileAttributes,
        descriptor,
        allocationSize,
        result,
      ) => {
        if (fs.create === undefined) {
          return REFUSED;
        }
        const directory = (createOptions & CreateOption.FILE_DIRECTORY_FILE) !== 0;
        const securityDescriptor = descriptor === null ? null : descriptor.slice();
        return this.#status(() =>
          this.#opened(
            'create',
            fileName,
            fs.create!(fileName, {
              createOptions,
              grantedAccess,
              directory,
              fileAttributes,
              securityDescriptor,
              allocationSize,
            }),
            result,
          ),
        );
      },
      open: (fileName, createOptions, grantedAccess, result) => {
        if (fs.open === undefined) {
          return REFUSED;
        }
        return this.#status(() =>
          this.#opened('open', fileName, fs.open!(fileName, { createOptions, grantedAccess }), result),
        );
      },
      overwrite: (number, fileAttributes, replaceFileAttributes, allocationSize, view, offset) => {
        if (fs.overwrite === undefined) {
          return REFUSED;
        }
        return this.#withHandle(number, ({ context }) => {
          const request = { fileAttributes, replaceFileAttributes, allocationSize };
          this.#encode('overwrite', fs.overwrite!(context, request), view, offset);
        });
      },
      cleanup: (number, fileName, flags) => this.#cleanup(number, fileName, flags),
      close: (number) => {
        const handle = this.#handles.get(number);
        if (handle !== undefined) {
          this.#handles.delete(handle);
          refusePromise('close', fs.close?.(handle.context));
        }
      },
    };
  }

  #opened(where: string, fileName: string, given: Opened<Context>, result: OpenResult): void {
    const opened = now(where, given);
    if (typeof opened !== 'object' || opened === null || opened.context === undefined) {
      throw new TypeError(`${where} must return a context and a FileInfo, not ${show(opened)}`);
    }
    encodeFileInfo(opened.fileInfo, result.view, result.fileInfoOffset, this.#unitBytes);
    result.normalizedName = opened.normalizedName ?? null;
    result.context = this.#handles.add(opened.context, fileName === '\\').number;
  }

  #cleanup(number: number, fileName: string | null, flags: number): void {
    const handle = this.#handles.get(number);
    if (handle === undefined) {
      return;
    }
    handle.cleanedUp(abortError('The handle was cleaned up.'));
    const has = (flag: number) => (flags & flag) !== 0;
    // Who cannot refuse a delete has not been asked about this one.
    const deletes = has(CleanupFlag.Delete) && (this.#fs.canDelete ?? this.#fs.setDelete) !== undefined;
    const result = this.#fs.cleanup?.(handle.context, {
      delete: deletes,
      fileName: deletes ? fileName : null,
      setAllocationSize: has(CleanupFlag.SetAllocationSize),
      setArchiveBit: has(CleanupFlag.SetArchiveBit),
      setLastAccessTime: has(CleanupFlag.SetLastAccessTime),
      setLastWriteTime: has(CleanupFlag.SetLastWriteTime),
      setChangeTime: has(CleanupFlag.SetChangeTime),
    });
    refusePromise('cleanup', result);
  }

  #buildOperations(): AsyncOperations {
    const fs = this.#fs;
    return {
      ...(fs.read && {
        read: (number, address, offset, length) =>
          this.#lend(
            number,
            address,
            length,
            (handle, bytes) => fs.read!(handle.context, bytes, offset, handle.cancellation),
            (count) => countOf(count, length) || NtStatus.END_OF_FILE,
          ),
      }),
      ...(fs.write && {
        write: (number, address, offset, length, toEnd, constrainedIo, view, infoOffset) => {
          const encode = (written: Written) => {
            encodeFileInfo(written.fileInfo, view, infoOffset, this.#unitBytes);
            return countOf(written.bytesWritten, length);
          };
          return this.#lend(
            number,
            address,
            length,
            (handle, bytes) =>
              fs.write!(handle.context, bytes, offset, this.#writeRequest(handle, toEnd, constrainedIo)),
            encode,
          );
        },
      }),
      ...(fs.readDirectory && {
        readDirectory: (number, pattern, marker, buffer) => {
          const handle = this.#handles.get(number);
          if (handle === undefined) {
            return NtStatus.INVALID_HANDLE;
          }
          const { cancellation } = handle;
          const request: ReadDirectoryRequest = {
            pattern,
            get signal() {
              return cancellation.signal;
            },
          };
          const { context, isRoot } = handle;
          const list = (entries: Iterable<DirectoryEntry>) =>
            fs.getFileInfo === undefined
              ? entries
              : withDots(entries, marker, isRoot, () => now('getFileInfo', fs.getFileInfo!(context)));
          return this.#answer(
            () => fs.readDirectory!(context, markerBehindDots(marker), request),
            (entries) => this.#list(list(entries), buffer),
          );
        },
      }),
      stopping: () => {
        const reason = abortError('The volume was stopped.');
        this.#stop.abort(reason);
        for (const handle of this.#handles.all()) {
          handle.cancellation.abort(reason);
        }
      },
      abandoned: () => this.#takeBackAll(),
    };
  }

  #writeRequest(
    handle: OpenHandle<Context>,
    writeToEndOfFile: boolean,
    constrainedIo: boolean,
  ): WriteRequest {
    const cancellation = constrainedIo ? this.#stop : handle.cancellation;
    return {
      writeToEndOfFile,
      constrainedIo,
      get signal() {
        return cancellation.signal;
      },
    };
  }

  /** Runs a handler with the driver's buffer, which is taken back before anybody can send the answer. */
  #lend<Result>(
    number: number,
    address: number,
    lengthBytes: number,
    handler: (handle: OpenHandle<Context>, bytes: Uint8Array) => Result | PromiseLike<Result>,
    finish: (result: Result) => number,
  ): number | Promise<number> {
    const handle = this.#handles.get(number);
    if (handle === undefined) {
      return NtStatus.INVALID_HANDLE;
    }
    const lent = new LentMemory(address, lengthBytes);
    this.#lent.add(lent);
    return this.#answer(
      () => handler(handle, lent.bytes),
      finish,
      () => {
        lent.takeBack();
        this.#lent.delete(lent);
      },
    );
  }

  /**
   * Runs a handler; what it gives, now or later, is made a status by `finish`, what it throws by the table of errors.
   */
  #answer<Result>(
    handler: () => Result | PromiseLike<Result>,
    finish: (result: Result) => number,
    atEnd: () => void = () => {},
  ): number | Promise<number> {
    let result: Result | PromiseLike<Result>;
    try {
      result = handler();
      if (isThenable(result)) {
        return this.#answerLater(result, finish, atEnd);
      }
      const status = finish(result);
      atEnd();
      return status;
    } catch (error) {
      atEnd();
      return statusOr(error);
    }
  }

  async #answerLater<Result>(
    promise: PromiseLike<Result>,
    finish: (result: Result) => number,
    atEnd: () => void,
  ): Promise<number> {
    try {
      const result = await promise;
      return finish(result);
    } catch (error) {
      return statusOr(error);
    } finally {
      atEnd();
    }
  }

  #list(entries: Iterable<DirectoryEntry>, buffer: DirectoryBuffer): number {
    for (const { fileName, fileInfo } of entries) {
      const offset = buffer.add(fileName);
      if (offset < 0) {
        return NtStatus.SUCCESS;
      }
      encodeFileInfo(fileInfo, buffer.view, offset, this.#unitBytes);
    }
    buffer.end();
    return NtStatus.SUCCESS;
  }

  /** For dispatchers that cannot wait: the same handlers, and a promise is a bug. */
  #buildSynchronousData(): FileSystemInterface {
    const { read, write, readDirectory } = this.operations;
    const fs = this.#fs;
    return {
      ...(read && { read: (...args) => this.#atOnce('read', read(...args)) }),
      ...(write && { write: (...args) => this.#atOnce('write', write(...args)) }),
      ...(readDirectory && {
        readDirectory: (...args) => this.#atOnce('readDirectory', readDirectory(...args)),
      }),
      flush: (number, view, offset) => {
        if (number === 0) {
          return fs.flush === undefined
            ? REFUSED
            : this.#status(() => refusePromise('flush', fs.flush!(null)));
        }
        const method = fs.flush ?? fs.getFileInfo;
        if (method === undefined) {
          return REFUSED;
        }
        return this.#withHandle(number, ({ context }) =>
          this.#encode('flush', method.call(fs, context), view, offset),
        );
      },
      ...(fs.getDirInfoByName && {
        getDirInfoByName: (number, fileName, buffer) =>
          this.#withHandle(number, ({ context }) => {
            const entry = now('getDirInfoByName', fs.getDirInfoByName!(context, fileName));
            encodeFileInfo(entry.fileInfo, buffer.view, buffer.add(entry.fileName), this.#unitBytes);
          }),
      }),
    };
  }

  #atOnce(where: string, result: number | Promise<number>): number {
    if (typeof result === 'number') {
      return result;
    }
    this.#takeBackAll();
    result.catch(() => {});
    throw new TypeError(`${where} returned a promise, but this dispatcher cannot wait`);
  }

  #buildInformation(): FileSystemInterface {
    const fs = this.#fs;
    return {
      ...(fs.getFileInfo && {
        getFileInfo: (number, view, offset) =>
          this.#withHandle(number, ({ context }) =>
            this.#encode('getFileInfo', fs.getFileInfo!(context), view, offset),
          ),
      }),
      ...(fs.setBasicInfo && {
        setBasicInfo: (number, attributes, times, view, offset) =>
          this.#withHandle(number, ({ context }) =>
            this.#encode(
              'setBasicInfo',
              fs.setBasicInfo!(context, basicInfoOf(attributes, times)),
              view,
              offset,
            ),
          ),
      }),
      ...(fs.setFileSize && {
        setFileSize: (number, newSize, setAllocationSize, view, offset) =>
          this.#withHandle(number, ({ context }) =>
            this.#encode('setFileSize', fs.setFileSize!(context, newSize, setAllocationSize), view, offset),
          ),
      }),
    };
  }

  #buildNames(): FileSystemInterface {
    const fs = this.#fs;
    return {
      ...(fs.setDelete
        ? {
            setDelete: (number, fileName, deleteFile) =>
              this.#withHandle(number, ({ context }) =>
                refusePromise('setDelete', fs.setDelete!(context, fileName, deleteFile)),
              ),
          }
        : {
            canDelete: (number, fileName) =>
              fs.canDelete === undefined
                ? REFUSED
                : this.#withHandle(number, ({ context }) =>
                    refusePromise('canDelete', fs.canDelete!(context, fileName)),
                  ),
          }),
      ...(fs.rename && {
        rename: (number, fileName, newFileName, replaceIfExists) =>
          this.#withHandle(number, ({ context }) =>
            refusePromise('rename', fs.rename!(context, fileName, newFileName, replaceIfExists)),
          ),
      }),
    };
  }

  #buildSecurity(): FileSystemInterface {
    const fs = this.#fs;
    return {
      ...(fs.getSecurity && {
        getSecurity: (number) =>
          this.#bytes(number, ({ context }) => now('getSecurity', fs.getSecurity!(context))),
      }),
      ...(fs.setSecurity && {
        setSecurity: (number, information, modification) =>
          this.#withHandle(number, ({ context }) =>
            refusePromise('setSecurity', fs.setSecurity!(context, information, modification.slice())),
          ),
      }),
    };
  }

  #buildReparse(): FileSystemInterface {
    const fs = this.#fs;
    return {
      ...(fs.getReparsePoint && {
        getReparsePoint: (number, fileName) =>
          number === 0
            ? this.#bytesOf(() => now('getReparsePoint', fs.getReparsePoint!(null, fileName)))
            : this.#bytes(number, ({ context }) =>
                now('getReparsePoint', fs.getReparsePoint!(context, fileName)),
              ),
      }),
      ...(fs.setReparsePoint && {
        setReparsePoint: (number, fileName, data) =>
          this.#withHandle(number, ({ context }) =>
            refusePromise('setReparsePoint', fs.setReparsePoint!(context, fileName, data.slice())),
          ),
      }),
      ...(fs.deleteReparsePoint && {
        deleteReparsePoint: (number, fileName, data) =>
          this.#withHandle(number, ({ context }) =>
            refusePromise('deleteReparsePoint', fs.deleteReparsePoint!(context, fileName, data.slice())),
          ),
      }),
    };
  }

  #encode(where: string, given: unknown, view: DataView, offset: number): void {
    encodeFileInfo(now(where, given) as Parameters<typeof encodeFileInfo>[0], view, offset, this.#unitBytes);
  }

  #status(body: () => void): number {
    try {
      body();
      return NtStatus.SUCCESS;
    } catch (error) {
      return statusOr(error);
    }
  }

  #withHandle(number: number, body: (handle: OpenHandle<Context>) => void): number {
    const handle = this.#handles.get(number);
    return handle === undefined ? NtStatus.INVALID_HANDLE : this.#status(() => body(handle));
  }

  #bytes(number: number, body: (handle: OpenHandle<Context>) => Uint8Array): Uint8Array | number {
    const handle = this.#handles.get(number);
    return handle === undefined ? NtStatus.INVALID_HANDLE : this.#bytesOf(() => body(handle));
  }

  #bytesOf(body: () => Uint8Array): Uint8Array | number {
    try {
      const bytes = body();
      if (!(bytes instanceof Uint8Array)) {
        throw new TypeError(`a Uint8Array is needed, not ${show(bytes)}`);
      }
      return bytes;
    } catch (error) {
      return statusOr(error);
    }
  }

  #takeBackAll(): void {
    for (const lent of this.#lent) {
      lent.takeBack();
    }
    this.#lent.clear();
  }
}

/** What is thrown on is a bug; whoever called reports it and answers INTERNAL_ERROR. */
function statusOr(error: unknown): number {
  const status = statusOfError(error);
  if (status === null) {
    throw error;
  }
  return status;
}

/** A result that must be there now. */
function now<T>(where: string, result: T): T {
  refusePromise(where, result);
  return result;
}

function countOf(count: unknown, most: number): number {
  if (!Number.isInteger(count) || (count as number) < 0 || (count as number) > most) {
    throw new RangeError(`${show(count)} is no number of bytes from 0 to ${most}`);
  }
  return count as number;
}

function abortError(message: string): Error {
  return new DOMException(message, 'AbortError');
}

/** Leaves out what the driver says is to be left alone: attributes 0xffffffff, times 0, −1 and −2. */
function basicInfoOf(fileAttributes: number, times: Int32Array): BasicInfo {
  const info: BasicInfo = {};
  if (fileAttributes !== INVALID_FILE_ATTRIBUTES) {
    info.fileAttributes = fileAttributes;
  }
  for (const [index, name] of BASIC_TIMES.entries()) {
    const time = (BigInt(times[index * 2 + 1]! >>> 0) << 32n) | BigInt(times[index * 2]! >>> 0);
    if (time !== 0n && time < 0xffff_ffff_ffff_fffen) {
      info[name] = time;
    }
  }
  return info;
}
