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
import type { FileSystemInterface, OpenResult } from '../library/file-system-interface.js';
import { attachmentSlots, attributesIn } from './attachment-slots.js';
import { abortError, DataRequests } from './data-requests.js';
import { encodeFileInfo, encodeVolumeInfo, now, refusePromise, describe as show } from './encode.js';
import type { BasicInfo, FileSystem, Opened, ThroughReparsePoint } from './file-system.js';
import { HandleTable, type OpenHandle } from './handle-table.js';
import { statusOr } from './status-errors.js';

const REFUSED = NtStatus.INVALID_DEVICE_REQUEST;
const BASIC_TIMES = ['creationTime', 'lastAccessTime', 'lastWriteTime', 'changeTime'] as const;

export class FileSystemAdapter<Context> {
  /** For FspFileSystem, and for the inline and native dispatchers. */
  readonly table: FileSystemInterface;
  /** For the async dispatcher. */
  readonly operations: AsyncOperations;
  readonly #requests: DataRequests<Context>;
  readonly #fs: FileSystem<Context>;
  readonly #unitBytes: number;
  readonly #handles = new HandleTable<Context>();

  constructor(fs: FileSystem<Context>, allocationUnitBytes: number) {
    this.#fs = fs;
    this.#unitBytes = allocationUnitBytes;
    this.#requests = new DataRequests(fs, this.#handles, allocationUnitBytes);
    this.operations = this.#requests.operations;
    this.table = {
      ...this.#buildVolume(),
      ...this.#buildOpen(),
      ...this.#requests.atOnce(),
      ...this.#buildFlushAndLookup(),
      ...this.#buildInformation(),
      ...this.#buildNames(),
      ...this.#buildSecurity(),
      ...attachmentSlots(fs, allocationUnitBytes, {
        withHandle: (number, body) => this.#withHandle(number, body),
        bytes: (number, body) => this.#bytes(number, body),
        bytesOf: (body) => this.#bytesOf(body),
      }),
    };
  }

  get openHandles(): number {
    return this.#handles.size;
  }

  /** Kernel buffers that handlers hold at this moment. */
  get lentBuffers(): number {
    return this.#requests.lentBuffers;
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
        list,
        reparse,
      ) => {
        if (fs.create === undefined) {
          return REFUSED;
        }
        const extendedAttributes = attributesIn(list);
        if (typeof extendedAttributes === 'number') return extendedAttributes;
        const directory = (createOptions & CreateOption.FILE_DIRECTORY_FILE) !== 0;
        const securityDescriptor = descriptor?.slice() ?? null;
        const reparsePoint = reparse?.slice() ?? null;
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
              extendedAttributes,
              reparsePoint,
            }),
            result,
          ),
        );
      },
      open: (fileName, createOptions, grantedAccess, result) => {
        if (fs.open === undefined) {
          return REFUSED;
        }
        let status: number = NtStatus.SUCCESS;
        const failed = this.#status(() => {
          const opened = now('open', fs.open!(fileName, { createOptions, grantedAccess }));
          if (isThroughReparsePoint(opened)) status = NtStatus.REPARSE;
          else this.#opened('open', fileName, opened, result);
        });
        return failed < 0 ? failed : status;
      },
      overwrite: (number, fileAttributes, replaceFileAttributes, allocationSize, view, offset, list) => {
        if (fs.overwrite === undefined) {
          return REFUSED;
        }
        const extendedAttributes = attributesIn(list);
        if (typeof extendedAttributes === 'number') return extendedAttributes;
        return this.#withHandle(number, ({ context }) => {
          const request = { fileAttributes, replaceFileAttributes, allocationSize, extendedAttributes };
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

  #buildFlushAndLookup(): FileSystemInterface {
    const fs = this.#fs;
    return {
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
}

function isThroughReparsePoint(found: Opened<unknown> | ThroughReparsePoint): found is ThroughReparsePoint {
  return typeof found === 'object' && found !== null && 'reparsePointIndex' in found;
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
