/**
 * The interface table (FSP_FILE_SYSTEM_INTERFACE, 512 bytes) of a FileSystemInterface: one koffi callback for each
 * method it has, all other slots 0, which WinFsp answers with INVALID_DEVICE_REQUEST.
 *
 * Duties and traps of each callback: docs/winfsp.md#creating-and-opening, #callbacks. Handlers get views of scratch
 * memory that lives as long as the table; results are copied to where C wants them, so nothing is allocated per call
 * but the strings. Callbacks may run inside operation functions on this thread (inline dispatcher) or be called by
 * foreign threads through the event loop (native dispatcher), one at a time in both cases; only reparse look-up nests,
 * and has scratch of its own.
 */
import { NtStatus } from '../../ntstatus.js';
import { Limit } from '../abi/constants.js';
import {
  getUint64,
  setUint64,
  splitUint64,
  type Uint64Argument,
  unsignedOf,
  writeUtf16,
} from '../abi/fields.js';
import { DirInfo, FileInfo, InterfaceLayout, OpenFileInfo, VolumeInfo } from '../abi/layouts.js';
import { SELF_RELATIVE_HEAD_BYTES, selfRelativeHeadsEnd, selfRelativeLength } from '../abi/self-relative.js';
import { statusOf, statusOrCountOf } from '../abi/status-of.js';
import { copyMemory, NativeBlock, readUtf16 } from '../memory/native-memory.js';
import { type CallbackBody, type CallbackKind, CallbackSet } from './callbacks.js';
import { DirectoryListing } from './directory-buffer.js';
import type { FileSystemInterface, OpenResult, SecurityByNameResult } from './file-system-interface.js';
import type { WinFspLibrary } from './library.js';
import { RenameExtension } from './linux-extensions.js';

export type OnHandlerError = (where: string, error: unknown) => void;

export interface InterfaceTableOptions {
  caseSensitive: boolean;
  onError: OnHandlerError;
}

type Slot = Exclude<keyof typeof InterfaceLayout, 'SIZE'>;

const P = 'uintptr_t';
const U64 = 'uint64_t';
const U32 = 'uint32_t';
const BOOL = 'uint8_t';

const CHUNK_BYTES = 64 * 1024;
const MAX_NAME_UNITS = 255;
/** What a request of 16 KiB can carry is less; nothing real comes near this. */
const MAX_SECURITY_BYTES = CHUNK_BYTES;
/** IO_REPARSE limit of Windows. */
const MAX_REPARSE_BYTES = 16 * 1024;

export class InterfaceTable {
  readonly #table = new NativeBlock(InterfaceLayout.SIZE);
  /** Small results: FILE_INFO, VOLUME_INFO, counters. */
  readonly #scratch = new NativeBlock(256);
  /** Names, descriptors, listings. */
  readonly #chunk = new NativeBlock(CHUNK_BYTES);
  readonly #reparseChunk = new NativeBlock(MAX_REPARSE_BYTES);
  readonly #callbacks: CallbackSet;
  readonly #fs: FileSystemInterface;
  readonly #library: WinFspLibrary;
  readonly #caseSensitive: boolean;
  readonly #onError: OnHandlerError;
  readonly #listing: DirectoryListing;
  readonly #times = new Int32Array(8);
  readonly #securityByName: SecurityByNameResult = { fileAttributes: 0, securityDescriptor: null };
  readonly #opened: OpenResult;
  /** Of the last length, because most are as long as the one before. */
  #descriptor: Uint8Array = EMPTY;

  constructor(library: WinFspLibrary, fileSystem: FileSystemInterface, options: InterfaceTableOptions) {
    this.#library = library;
    this.#fs = fileSystem;
    this.#caseSensitive = options.caseSensitive;
    this.#onError = options.onError;
    this.#callbacks = new CallbackSet(options.onError);
    this.#listing = new DirectoryListing(this.#chunk);
    this.#opened = { context: 0, view: this.#scratch.view, fileInfoOffset: 0, normalizedName: null };
    try {
      this.#fill();
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  get address(): number {
    return this.#table.address;
  }

  /** After FspFileSystemDelete only: the library keeps a pointer to the table, not a copy. */
  dispose(): void {
    this.#callbacks.unregisterAll();
    this.#table.free();
    this.#scratch.free();
    this.#chunk.free();
    this.#reparseChunk.free();
  }

  #set(slot: Slot, kind: CallbackKind, parameters: readonly string[], body: CallbackBody): void {
    const address = this.#callbacks.add(slot, kind, [P, ...parameters], body);
    setUint64(this.#table.view, InterfaceLayout[slot], address);
  }

  #fill(): void {
    this.#fillVolume();
    this.#fillOpen();
    this.#fillData();
    this.#fillInformation();
    this.#fillNames();
    this.#fillSecurity();
    this.#fillDirectory();
    this.#fillReparse();
  }

  #fillVolume(): void {
    const fs = this.#fs;
    const { view } = this.#scratch;
    if (fs.getVolumeInfo !== undefined) {
      this.#set('GetVolumeInfo', 'NTSTATUS', [P], (_fs, info: number) => {
        this.#clearScratch(VolumeInfo.SIZE);
        return this.#give(statusOf(fs.getVolumeInfo!(view, 0)), info, VolumeInfo.SIZE);
      });
    }
    if (fs.setVolumeLabel !== undefined) {
      this.#set('SetVolumeLabel', 'NTSTATUS', [P, P], (_fs, label: number, info: number) => {
        this.#clearScratch(VolumeInfo.SIZE);
        const status = statusOf(fs.setVolumeLabel!(readUtf16(label) ?? '', view, 0));
        return this.#give(status, info, VolumeInfo.SIZE);
      });
    }
  }

  #fillOpen(): void {
    const fs = this.#fs;
    const opened = this.#opened;
    if (fs.getSecurityByName !== undefined) {
      this.#set(
        'GetSecurityByName',
        'NTSTATUS',
        [P, P, P, P],
        (_fs, name: number, attributes: number, descriptor: number, size: number) =>
          this.#getSecurityByName(name, attributes, descriptor, size),
      );
    }
    if (fs.create !== undefined) {
      this.#set(
        'Create',
        'NTSTATUS',
        [P, U32, U32, U32, P, U64, P, P],
        (
          _fs,
          name: number,
          createOptions: number,
          grantedAccess: number,
          attributes: number,
          descriptor: number,
          allocationSize: Uint64Argument,
          context: number,
          info: number,
        ) => {
          const fileName = readUtf16(name) ?? '';
          this.#prepareOpen();
          const security = descriptor === 0 ? null : this.#readSecurityDescriptor(descriptor);
          if (descriptor !== 0 && security === null) {
            return NtStatus.INVALID_SECURITY_DESCR;
          }
          const status = statusOf(
            fs.create!(
              fileName,
              createOptions,
              grantedAccess,
              attributes,
              security,
              unsignedOf(allocationSize),
              opened,
            ),
          );
          return this.#giveOpened('Create', status, fileName, context, info);
        },
      );
    }
    if (fs.open !== undefined) {
      this.#set(
        'Open',
        'NTSTATUS',
        [P, U32, U32, P, P],
        (_fs, name: number, createOptions: number, grantedAccess: number, context: number, info: number) => {
          const fileName = readUtf16(name) ?? '';
          this.#prepareOpen();
          const status = statusOf(fs.open!(fileName, createOptions, grantedAccess, opened));
          return this.#giveOpened('Open', status, fileName, context, info);
        },
      );
    }
    if (fs.overwrite !== undefined) {
      this.#set(
        'Overwrite',
        'NTSTATUS',
        [P, U32, BOOL, U64, P],
        (
          _fs,
          context: number,
          attributes: number,
          replace: number,
          allocationSize: Uint64Argument,
          info: number,
        ) => {
          this.#clearScratch(FileInfo.SIZE);
          const status = statusOf(
            fs.overwrite!(
              context,
              attributes,
              replace !== 0,
              unsignedOf(allocationSize),
              this.#scratch.view,
              0,
            ),
          );
          return this.#give(status, info, FileInfo.SIZE);
        },
      );
    }
    if (fs.cleanup !== undefined) {
      this.#set('Cleanup', 'VOID', [P, P, U32], (_fs, context: number, name: number, flags: number) => {
        fs.cleanup!(context, readUtf16(name), flags);
      });
    }
    if (fs.close !== undefined) {
      this.#set('Close', 'VOID', [P], (_fs, context: number) => {
        fs.close!(context);
      });
    }
  }

  /**
   * Read and Write for dispatchers that go through the operation functions; the inline one decodes the request itself.
   */
  #fillData(): void {
    const fs = this.#fs;
    if (fs.read !== undefined) {
      this.#set(
        'Read',
        'NTSTATUS',
        [P, P, U64, U32, P],
        (_fs, context: number, buffer: number, offset: Uint64Argument, length: number, count: number) => {
          const result = statusOrCountOf(fs.read!(context, buffer, unsignedOf(offset), length));
          return this.#giveCount('read', result, length, count);
        },
      );
    }
    if (fs.write !== undefined) {
      this.#set(
        'Write',
        'NTSTATUS',
        [P, P, U64, U32, BOOL, BOOL, P, P],
        (
          _fs,
          context: number,
          buffer: number,
          offset: Uint64Argument,
          length: number,
          toEnd: number,
          constrained: number,
          count: number,
          info: number,
        ) => {
          this.#clearScratch(FileInfo.SIZE);
          const result = statusOrCountOf(
            fs.write!(
              context,
              buffer,
              toEnd !== 0 ? 0 : unsignedOf(offset),
              length,
              toEnd !== 0,
              constrained !== 0,
              this.#scratch.view,
              0,
            ),
          );
          this.#give(result, info, FileInfo.SIZE);
          return this.#giveCount('write', result, length, count);
        },
      );
    }
    if (fs.flush !== undefined) {
      this.#set('Flush', 'NTSTATUS', [P, P], (_fs, context: number, info: number) => {
        this.#clearScratch(FileInfo.SIZE);
        return this.#give(statusOf(fs.flush!(context, this.#scratch.view, 0)), info, FileInfo.SIZE);
      });
    }
  }

  #fillInformation(): void {
    const fs = this.#fs;
    const { view } = this.#scratch;
    if (fs.getFileInfo !== undefined) {
      this.#set('GetFileInfo', 'NTSTATUS', [P, P], (_fs, context: number, info: number) => {
        this.#clearScratch(FileInfo.SIZE);
        return this.#give(statusOf(fs.getFileInfo!(context, view, 0)), info, FileInfo.SIZE);
      });
    }
    if (fs.setBasicInfo !== undefined) {
      this.#set(
        'SetBasicInfo',
        'NTSTATUS',
        [P, U32, U64, U64, U64, U64, P],
        (
          _fs,
          context: number,
          attributes: number,
          creation: Uint64Argument,
          lastAccess: Uint64Argument,
          lastWrite: Uint64Argument,
          change: Uint64Argument,
          info: number,
        ) => {
          this.#clearScratch(FileInfo.SIZE);
          splitUint64(creation, this.#times, 0);
          splitUint64(lastAccess, this.#times, 2);
          splitUint64(lastWrite, this.#times, 4);
          splitUint64(change, this.#times, 6);
          const status = statusOf(fs.setBasicInfo!(context, attributes, this.#times, view, 0));
          return this.#give(status, info, FileInfo.SIZE);
        },
      );
    }
    if (fs.setFileSize !== undefined) {
      this.#set(
        'SetFileSize',
        'NTSTATUS',
        [P, U64, BOOL, P],
        (_fs, context: number, newSize: Uint64Argument, allocation: number, info: number) => {
          this.#clearScratch(FileInfo.SIZE);
          const status = statusOf(fs.setFileSize!(context, unsignedOf(newSize), allocation !== 0, view, 0));
          return this.#give(status, info, FileInfo.SIZE);
        },
      );
    }
  }

  #fillNames(): void {
    const fs = this.#fs;
    if (fs.canDelete !== undefined) {
      this.#set('CanDelete', 'NTSTATUS', [P, P], (_fs, context: number, name: number) =>
        statusOf(fs.canDelete!(context, readUtf16(name) ?? '')),
      );
    }
    if (fs.setDelete !== undefined) {
      this.#set('SetDelete', 'NTSTATUS', [P, P, BOOL], (_fs, context: number, name: number, del: number) =>
        statusOf(fs.setDelete!(context, readUtf16(name) ?? '', del !== 0)),
      );
    }
    if (fs.rename !== undefined) {
      this.#set(
        'Rename',
        'NTSTATUS',
        [P, P, P, BOOL],
        (_fs, context: number, name: number, newName: number, replace: number) =>
          statusOf(
            fs.rename!(
              context,
              readUtf16(name) ?? '',
              readUtf16(newName) ?? '',
              (replace & 1) !== 0,
              replace & (RenameExtension.POSIX | RenameExtension.EXCHANGE),
            ),
          ),
      );
    }
  }

  #fillSecurity(): void {
    const fs = this.#fs;
    if (fs.getSecurity !== undefined) {
      this.#set('GetSecurity', 'NTSTATUS', [P, P, P], (_fs, context: number, out: number, size: number) => {
        const result = fs.getSecurity!(context);
        if (typeof result === 'number') {
          return failureOf('getSecurity', result);
        }
        return this.#giveSized(result, out, size, NtStatus.BUFFER_OVERFLOW, this.#chunk);
      });
    }
    if (fs.setSecurity !== undefined) {
      this.#set(
        'SetSecurity',
        'NTSTATUS',
        [P, U32, P],
        (_fs, context: number, information: number, modification: number) => {
          const descriptor = modification === 0 ? null : this.#readSecurityDescriptor(modification);
          if (descriptor === null) {
            return NtStatus.INVALID_SECURITY_DESCR;
          }
          return statusOf(fs.setSecurity!(context, information, descriptor));
        },
      );
    }
  }

  #fillDirectory(): void {
    const fs = this.#fs;
    const listing = this.#listing;
    if (fs.readDirectory !== undefined) {
      this.#set(
        'ReadDirectory',
        'NTSTATUS',
        [P, P, P, P, U32, P],
        (
          _fs,
          context: number,
          pattern: number,
          marker: number,
          buffer: number,
          length: number,
          count: number,
        ) => {
          listing.reset(buffer, length);
          let status = statusOf(fs.readDirectory!(context, readUtf16(pattern), readUtf16(marker), listing));
          if (status === NtStatus.SUCCESS && listing.isTooSmall) {
            status = NtStatus.BUFFER_TOO_SMALL;
          }
          if (status !== NtStatus.SUCCESS) {
            return failureOf('readDirectory', status);
          }
          this.#writeUint32(count, listing.finish());
          return NtStatus.SUCCESS;
        },
      );
    }
    if (fs.getDirInfoByName !== undefined) {
      this.#set(
        'GetDirInfoByName',
        'NTSTATUS',
        [P, P, P],
        (_fs, context: number, name: number, out: number) => {
          // The callee's record has room for the longest name, not for our padding, so its exact size is copied.
          listing.reset(0, (DirInfo.SIZE + MAX_NAME_UNITS * 2 + 7) & ~7);
          const status = statusOf(fs.getDirInfoByName!(context, readUtf16(name) ?? '', listing));
          if (status !== NtStatus.SUCCESS) {
            return failureOf('getDirInfoByName', status);
          }
          if (listing.entries !== 1) {
            throw new RangeError(`getDirInfoByName added ${listing.entries} records instead of one`);
          }
          copyMemory(out, this.#chunk.address, this.#chunk.view.getUint16(DirInfo.Size, true));
          return NtStatus.SUCCESS;
        },
      );
    }
  }

  /**
   * Opening *through* a reparse point needs the library's completion thread that walks a path. Without it (the Linux
   * library: its kernel follows symbolic links by itself) that is refused; reading and writing reparse points works all
   * the same.
   */
  #fillReparse(): void {
    const fs = this.#fs;
    const resolve = this.#library.fspFileSystemResolveReparsePoints;
    if (fs.getReparsePoint === undefined) {
      return;
    }
    if (resolve !== null) {
      const byName = this.#callbacks.add(
        'GetReparsePointByName',
        'NTSTATUS',
        [P, P, P, BOOL, P, P],
        (_fs, _context, name: number, _isDirectory, out: number, size: number) =>
          this.#getReparsePoint(0, name, out, size),
      );
      this.#set(
        'ResolveReparsePoints',
        'NTSTATUS',
        [P, U32, BOOL, P, P, P],
        (fsp: number, name: number, index: number, last: number, io: number, out: number, size: number) =>
          resolve(fsp, byName, 0, name, index, last, io, out, size),
      );
    }
    this.#set(
      'GetReparsePoint',
      'NTSTATUS',
      [P, P, P, P],
      (_fs, context: number, name: number, out: number, size: number) =>
        this.#getReparsePoint(context, name, out, size),
    );
    if (fs.setReparsePoint !== undefined) {
      this.#set(
        'SetReparsePoint',
        'NTSTATUS',
        [P, P, P, U64],
        (_fs, context: number, name: number, data: number, size: number) =>
          statusOf(fs.setReparsePoint!(context, readUtf16(name) ?? '', this.#readReparse(data, size))),
      );
    }
    if (fs.deleteReparsePoint !== undefined) {
      this.#set(
        'DeleteReparsePoint',
        'NTSTATUS',
        [P, P, P, U64],
        (_fs, context: number, name: number, data: number, size: number) =>
          statusOf(fs.deleteReparsePoint!(context, readUtf16(name) ?? '', this.#readReparse(data, size))),
      );
    }
  }

  #clearScratch(lengthBytes: number): void {
    this.#scratch.clear(0, lengthBytes);
  }

  /** Copies the scratch result to `address` unless the call failed. */
  #give(status: number, address: number, lengthBytes: number): number {
    if (status >= 0) {
      copyMemory(address, this.#scratch.address, lengthBytes);
    }
    return status;
  }

  #giveCount(what: string, result: number, length: number, count: number): number {
    if (result < 0) {
      return result;
    }
    if (result > length) {
      throw new RangeError(`${what} returned ${result} bytes for a length of ${length}`);
    }
    this.#writeUint32(count, result);
    return NtStatus.SUCCESS;
  }

  #writeUint32(address: number, value: number): void {
    this.#scratch.view.setUint32(0, value, true);
    copyMemory(address, this.#scratch.address, 4);
  }

  #prepareOpen(): void {
    this.#clearScratch(FileInfo.SIZE);
    this.#opened.context = 0;
    this.#opened.normalizedName = null;
  }

  #giveOpened(
    where: string,
    status: number,
    fileName: string,
    contextAddress: number,
    infoAddress: number,
  ): number {
    if (status !== NtStatus.SUCCESS) {
      return failureOf(where, status);
    }
    const { context, normalizedName } = this.#opened;
    if (!Number.isSafeInteger(context) || context <= 0) {
      // 0 would mean "the whole volume" in a flush.
      throw new RangeError(`the context must be an integer from 1 to 2^53 − 1, not ${context}`);
    }
    copyMemory(infoAddress, this.#scratch.address, FileInfo.SIZE);
    if (!this.#caseSensitive) {
      this.#giveNormalizedName(where, fileName, normalizedName ?? fileName, infoAddress);
    }
    setUint64(this.#scratch.view, 0, context);
    copyMemory(contextAddress, this.#scratch.address, 8);
    return NtStatus.SUCCESS;
  }

  /**
   * FileInfo is really an OPEN_FILE_INFO. Without a name there the driver stores the path in capitals, also when the
   * requested spelling is the stored one, so a name is always given.
   */
  #giveNormalizedName(where: string, fileName: string, name: string, infoAddress: number): void {
    if (name.length !== fileName.length) {
      this.#onError(
        where,
        new RangeError(
          `the normalised name ${name} differs from the requested ${fileName} in more than case`,
        ),
      );
      return;
    }
    const { view, address } = this.#scratch;
    copyMemory(
      address,
      infoAddress + OpenFileInfo.NormalizedName,
      OpenFileInfo.SIZE - OpenFileInfo.NormalizedName,
    );
    const buffer = getUint64(view, 0);
    const capacityBytes = view.getUint16(OpenFileInfo.NormalizedNameSize - OpenFileInfo.NormalizedName, true);
    const sizeBytes = name.length * 2;
    if (buffer === 0 || sizeBytes > capacityBytes || sizeBytes > Limit.TRANSACT_PATH_SIZEMAX) {
      return;
    }
    writeUtf16(this.#chunk.units, 0, name);
    copyMemory(buffer, this.#chunk.address, sizeBytes);
    view.setUint16(0, sizeBytes, true);
    copyMemory(infoAddress + OpenFileInfo.NormalizedNameSize, address, 2);
  }

  #getSecurityByName(name: number, attributes: number, descriptor: number, size: number): number {
    const result = this.#securityByName;
    result.fileAttributes = 0;
    result.securityDescriptor = null;
    const status = statusOf(this.#fs.getSecurityByName!(readUtf16(name) ?? '', result));
    if (status < 0) {
      return status;
    }
    if (attributes !== 0) {
      this.#writeUint32(attributes, result.fileAttributes);
    }
    if (size !== 0) {
      const bytes = result.securityDescriptor;
      // Length 0 says "no descriptor, no check".
      const given = this.#giveSized(bytes ?? EMPTY, descriptor, size, NtStatus.BUFFER_OVERFLOW, this.#chunk);
      if (given !== NtStatus.SUCCESS) {
        return given;
      }
    }
    return status;
  }

  /** Stores the real length at `sizeAddress`, and the bytes at `out` when they fit in the length that was there. */
  #giveSized(
    bytes: Uint8Array,
    out: number,
    sizeAddress: number,
    tooSmall: number,
    chunk: NativeBlock,
  ): number {
    const { view, address } = this.#scratch;
    copyMemory(address, sizeAddress, 8);
    const capacityBytes = getUint64(view, 0);
    setUint64(view, 0, bytes.length);
    copyMemory(sizeAddress, address, 8);
    if (bytes.length > capacityBytes) {
      return tooSmall;
    }
    if (out !== 0 && bytes.length <= chunk.lengthBytes) {
      chunk.bytes.set(bytes);
      copyMemory(out, chunk.address, bytes.length);
      return NtStatus.SUCCESS;
    }
    for (let done = 0; out !== 0 && done < bytes.length; done += chunk.lengthBytes) {
      const part = bytes.subarray(done, done + chunk.lengthBytes);
      chunk.bytes.set(part);
      copyMemory(out + done, chunk.address, part.length);
    }
    return NtStatus.SUCCESS;
  }

  /**
   * The self-relative descriptor at `address`, in scratch memory: valid until the handler returns. Null when malformed.
   */
  #readSecurityDescriptor(address: number): Uint8Array | null {
    const { view, bytes, address: chunkAddress } = this.#chunk;
    // Three copies, whatever is in it: each costs more than all of the parsing.
    copyMemory(chunkAddress, address, SELF_RELATIVE_HEAD_BYTES);
    const headsEnd = selfRelativeHeadsEnd(view, MAX_SECURITY_BYTES);
    if (headsEnd < 0) {
      return null;
    }
    copyMemory(chunkAddress, address, headsEnd);
    const length = selfRelativeLength(view, MAX_SECURITY_BYTES);
    if (length < 0) {
      return null;
    }
    copyMemory(chunkAddress + headsEnd, address + headsEnd, length - headsEnd);
    if (this.#descriptor.length !== length) {
      this.#descriptor = bytes.subarray(0, length);
    }
    return this.#descriptor;
  }

  #getReparsePoint(context: number, name: number, out: number, size: number): number {
    const result = this.#fs.getReparsePoint!(context, readUtf16(name) ?? '');
    if (typeof result === 'number') {
      return failureOf('getReparsePoint', result);
    }
    if (size === 0) {
      return NtStatus.SUCCESS;
    }
    return this.#giveSized(result, out, size, NtStatus.BUFFER_TOO_SMALL, this.#reparseChunk);
  }

  #readReparse(address: number, size: number): Uint8Array {
    const length = Math.min(Number(size), MAX_REPARSE_BYTES);
    copyMemory(this.#reparseChunk.address, address, length);
    return this.#reparseChunk.bytes.subarray(0, length);
  }
}

const EMPTY = new Uint8Array(0);

/**
 * A failure passes; a success code where bytes were due is a mistake of the handler, as is PENDING from a synchronous
 * one.
 */
function failureOf(where: string, status: number): number {
  if (statusOf(status) < 0) {
    return status;
  }
  throw new TypeError(`${where} returned the status ${status}, which is neither SUCCESS nor a failure`);
}
