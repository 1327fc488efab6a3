/**
 * An FSP_FILE_SYSTEM and what it keeps pointing to: the interface table with its callbacks. Belongs to the thread that
 * made it; other threads get a VolumeReference.
 *
 * Order of life (docs/winfsp.md#dispatching "Stop"): create → a dispatcher serves → Stop0 → every Transact has returned
 * → Stop → dispose(). dispose() deletes the file system first and frees the callbacks after it, never the other way
 * round.
 */
import { NtStatus } from '../../ntstatus.js';
import { DEVICE_DISK } from '../abi/constants.js';
import { getUint64 } from '../abi/fields.js';
import { FileSystemLayout, ReqQueryDirectory, RspCreate, VolumeParamsLayout } from '../abi/layouts.js';
import { encodeVolumeParams, VOLUME_PARAMS_DEFAULTS, type VolumeParams } from '../abi/volume-params.js';
import { WinFspCallError } from '../errors.js';
import {
  allocateControlBlock,
  claimTeardown,
  visitorsGone,
  waitForVisitors,
} from '../memory/control-block.js';
import { copyMemory, NativeBlock } from '../memory/native-memory.js';
import type { FileSystemInterface } from './file-system-interface.js';
import { loadWinFsp, type WinFspLibrary } from './library.js';
import { InterfaceTable } from './table/interface-table.js';
import type { OnHandlerError } from './table/slots.js';
import { VolumeReference, type VolumeReferenceData } from './volume-reference.js';

export interface FileSystemOptions {
  fileSystem: FileSystemInterface;
  volumeParams: VolumeParams;
  /** WinFsp.Disk (default), or WinFsp.Net for a volume with a Prefix. */
  device?: string;
  library?: WinFspLibrary;
  /** Told of every exception of a handler; the request was answered with INTERNAL_ERROR. */
  onError?: OnHandlerError;
  /** Shared words for other threads; made when not given. */
  control?: Int32Array;
}

/**
 * How long dispose() waits for calls of other threads before it leaks the file system instead of freeing it under them.
 */
const VISITOR_GRACE_MS = 10_000;

export class FspFileSystem {
  readonly library: WinFspLibrary;
  readonly fileSystem: FileSystemInterface;
  readonly volumeParams: Readonly<VolumeParams>;
  /** Called for each error of a handler, for counting. A dispatcher sets it. */
  onErrorReported: (() => void) | null = null;
  readonly #onError: OnHandlerError;
  readonly control: Int32Array;
  /** FSP_FILE_SYSTEM * */
  readonly address: number;
  readonly volumeHandle: number;
  readonly #table: InterfaceTable;
  #disposed: boolean | null = null;

  /**
   * Creates the volume. Throws VolumeParamsError, WinFspLibraryError or WinFspCallError; nothing is left behind then.
   */
  static create(options: FileSystemOptions): FspFileSystem {
    return new FspFileSystem(options);
  }

  private constructor(options: FileSystemOptions) {
    this.library = options.library ?? loadWinFsp();
    this.fileSystem = options.fileSystem;
    this.volumeParams = { ...options.volumeParams };
    this.#onError = options.onError ?? (() => {});
    this.control = options.control ?? allocateControlBlock();
    const params = new NativeBlock(VolumeParamsLayout.SIZE);
    const out = new NativeBlock(FileSystemLayout.SIZE);
    let table: InterfaceTable | undefined;
    try {
      encodeVolumeParams(this.volumeParams, params.view, params.units);
      table = new InterfaceTable(this.library, this.fileSystem, {
        caseSensitive: this.volumeParams.CaseSensitiveSearch ?? false,
        onError: (where, error) => this.reportError(where, error),
      });
      const device = options.device ?? DEVICE_DISK;
      const status = this.library.fspFileSystemCreate(device, params.address, table.address, out.address);
      if (status !== NtStatus.SUCCESS) {
        throw new WinFspCallError('FspFileSystemCreate', status, `device ${device}`);
      }
      this.address = getUint64(out.view, 0);
      copyMemory(out.address, this.address, FileSystemLayout.SIZE);
      this.volumeHandle = getUint64(out.view, FileSystemLayout.VolumeHandle);
      this.#table = table;
    } catch (error) {
      table?.dispose();
      throw error;
    } finally {
      params.free();
      out.free();
    }
  }

  /**
   * Tells the owner about an error of a handler. A hook that throws must not turn an answered request into an
   * unanswered one.
   */
  reportError(where: string, error: unknown): void {
    try {
      this.onErrorReported?.();
      this.#onError(where, error);
    } catch {
      // There is no listener left to tell.
    }
  }

  /** FileInfoTimeout as the driver sees it. */
  get fileInfoTimeout(): number {
    return this.volumeParams.FileInfoTimeout ?? VOLUME_PARAMS_DEFAULTS.FileInfoTimeout;
  }

  /**
   * Where in a request of a handle the context is that the file system knows: one a file, or one a handle with
   * UmFileContextIsUserContext2 (docs/winfsp.md#dispatching "Contexts").
   */
  get contextOffset(): number {
    return this.volumeParams.UmFileContextIsUserContext2
      ? ReqQueryDirectory.UserContext2
      : ReqQueryDirectory.UserContext;
  }

  /** The same in the answer to a Create. */
  get openedContextOffset(): number {
    return RspCreate[
      this.volumeParams.UmFileContextIsUserContext2 ? 'Opened.UserContext2' : 'Opened.UserContext'
    ];
  }

  /** Structured-cloneable; `new VolumeReference(loadWinFsp(), data)` makes use of it in another thread. */
  get referenceData(): VolumeReferenceData {
    return { fileSystemAddress: this.address, volumeHandle: this.volumeHandle, control: this.control };
  }

  reference(): VolumeReference {
    return new VolumeReference(this.library, this.referenceData);
  }

  /**
   * Removes the lock around operations: one thread serves them, and the lock belongs to threads
   * (docs/winfsp.md#dispatching).
   */
  removeOperationGuard(): void {
    this.library.fspFileSystemSetOperationGuard(this.address, 0, 0);
  }

  /**
   * Deletes the volume (unmounting it), then frees table and callbacks. Only after the dispatcher has ended. Twice is
   * harmless. False: another thread was inside the library too long, or tears down a dying process; everything was left
   * in place.
   */
  dispose(): boolean {
    if (this.#disposed === null) {
      this.#disposed = claimTeardown(this.control) && waitForVisitors(this.control, VISITOR_GRACE_MS);
      if (this.#disposed) {
        this.library.fspFileSystemDelete(this.address);
        this.#table.dispose();
      }
    }
    return this.#disposed;
  }

  /**
   * The same without blocking this thread while the system unmounts. Await it before anything else is done with the
   * object.
   */
  async disposeAsync(): Promise<boolean> {
    if (this.#disposed === null) {
      this.#disposed = false;
      if (claimTeardown(this.control) && (await visitorsGone(this.control, VISITOR_GRACE_MS))) {
        await new Promise<void>((resolve, reject) =>
          this.library.fspFileSystemDelete.async(this.address, (error) =>
            error === null ? resolve() : reject(error),
          ),
        );
        this.#table.dispose();
        this.#disposed = true;
      }
    }
    return this.#disposed;
  }
}
