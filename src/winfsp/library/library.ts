/**
 * The WinFsp library, loaded and checked: version, layouts, and every function that the binding calls, typed. Pointers
 * and handles are numbers (`uintptr_t`): cheaper than BigInt, and user addresses fit in 2^53.
 *
 * koffi objects belong to the thread that made them, so each worker loads the library for itself; the operating system
 * gives all of them the same instance.
 */
import koffi, { type LibraryHandle } from 'koffi';
import { NtStatus } from '../../ntstatus.js';
import { TransactKind } from '../abi/constants.js';
import { WinFspLibraryError } from '../errors.js';
import { locateLibrary } from './library-location.js';

/** FspFsctlStop0 came with 1.10. */
export const MIN_VERSION = 0x0001000a;

/** NTSTATUS of a synchronous call, or the same call on koffi's thread pool. */
type StatusCall<A extends unknown[]> = ((...args: A) => number) & {
  async: (...args: [...A, (error: Error | null, status: number) => void]) => void;
};
type VoidCall<A extends unknown[]> = ((...args: A) => void) & {
  async: (...args: [...A, (error: Error | null) => void]) => void;
};
export type Operation = (fileSystem: number, request: number, response: number) => number;

const POINTER = 'uintptr_t';
const STATUS = 'int32_t';

/** Kinds with an operation function; 17 and 18 have none (docs/winfsp.md#functions). */
const OPERATION_NAMES: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries(TransactKind)
    .filter(([name]) => name !== 'Shutdown' && name !== 'LockControl')
    .map(([name, kind]) => [kind, `FspFileSystemOp${name}`]),
);

export class WinFspLibrary {
  /** major × 65536 + minor, as FspVersion tells it. */
  readonly version: number;
  readonly fspFileSystemPreflight: StatusCall<[device: string, mountPoint: string | null]>;
  readonly fspFileSystemCreate: StatusCall<[device: string, params: number, table: number, out: number]>;
  readonly fspFileSystemDelete: VoidCall<[fileSystem: number]>;
  readonly fspFileSystemSetMountPoint: StatusCall<[fileSystem: number, mountPoint: string | null]>;
  readonly fspFileSystemRemoveMountPoint: VoidCall<[fileSystem: number]>;
  readonly fspFileSystemMountPoint: (fileSystem: number) => string | null;
  readonly fspFileSystemSetOperationGuard: VoidCall<[fileSystem: number, enter: number, leave: number]>;
  readonly fspFileSystemStartDispatcher: StatusCall<[fileSystem: number, threadCount: number]>;
  readonly fspFileSystemStopDispatcher: VoidCall<[fileSystem: number]>;
  readonly fspFsctlTransact: StatusCall<
    [volume: number, rsp: number, rspSize: number, req: number, reqSize: number, batch: number]
  >;
  readonly fspFsctlStop0: StatusCall<[volume: number]>;
  readonly fspFsctlStop: StatusCall<[volume: number]>;
  readonly fspFileSystemNotifyBegin: StatusCall<[fileSystem: number, timeoutMs: number]>;
  readonly fspFileSystemNotify: StatusCall<[fileSystem: number, info: number, sizeBytes: number]>;
  /** null when the library has no such completion thread; then nothing can be opened through a reparse point. */
  readonly fspFileSystemResolveReparsePoints:
    | ((
        fileSystem: number,
        getReparsePointByName: number,
        context: number,
        fileName: number,
        index: number,
        resolveLast: number,
        ioStatus: number,
        buffer: number,
        size: number,
      ) => number)
    | null;
  /** Operation function by kind; undefined where there is none. */
  readonly operations: readonly (Operation | undefined)[];
  readonly #handle: LibraryHandle;
  readonly #completionsNest: (() => number) | null;

  constructor(readonly path: string) {
    this.#handle = loadFile(path);
    this.version = this.#readVersion();
    const pointers = (count: number) => new Array<string>(count).fill(POINTER);
    this.fspFileSystemPreflight = this.#need('FspFileSystemPreflight', STATUS, ['str16', 'str16']);
    this.fspFileSystemCreate = this.#need('FspFileSystemCreate', STATUS, ['str16', ...pointers(3)]);
    this.fspFileSystemDelete = this.#need('FspFileSystemDelete', 'void', pointers(1));
    this.fspFileSystemSetMountPoint = this.#need('FspFileSystemSetMountPoint', STATUS, [POINTER, 'str16']);
    this.fspFileSystemRemoveMountPoint = this.#need('FspFileSystemRemoveMountPoint', 'void', pointers(1));
    this.fspFileSystemMountPoint = this.#need('FspFileSystemMountPointF', 'str16', pointers(1));
    this.fspFileSystemSetOperationGuard = this.#need('FspFileSystemSetOperationGuardF', 'void', pointers(3));
    this.fspFileSystemStartDispatcher = this.#need('FspFileSystemStartDispatcher', STATUS, [
      POINTER,
      'uint32_t',
    ]);
    this.fspFileSystemStopDispatcher = this.#need('FspFileSystemStopDispatcher', 'void', pointers(1));
    this.fspFsctlTransact = this.#need('FspFsctlTransact', STATUS, [
      POINTER,
      POINTER,
      'size_t',
      POINTER,
      POINTER,
      'uint8_t',
    ]);
    this.fspFsctlStop0 = this.#need('FspFsctlStop0', STATUS, pointers(1));
    this.fspFsctlStop = this.#need('FspFsctlStop', STATUS, pointers(1));
    this.fspFileSystemNotifyBegin = this.#need('FspFileSystemNotifyBegin', STATUS, [POINTER, 'uint32_t']);
    this.fspFileSystemNotify = this.#need('FspFileSystemNotify', STATUS, [POINTER, POINTER, 'size_t']);
    this.fspFileSystemResolveReparsePoints = this.#find('FspFileSystemResolveReparsePoints', STATUS, [
      ...pointers(4),
      'uint32_t',
      'uint8_t',
      ...pointers(3),
    ]);
    this.operations = Array.from({ length: 32 }, (_, kind) => {
      const name = OPERATION_NAMES[kind];
      return name === undefined ? undefined : this.#need<Operation>(name, STATUS, pointers(3));
    });
    this.#completionsNest = this.#find('FspLinuxCompletionsNest', 'uint8_t', []);
  }

  /**
   * Whether delivering an answer may block until another request is answered (docs/winfsp.md#answers-that-may-nest). A
   * Windows driver may always; the Linux library says.
   */
  completionsNest(): boolean {
    return this.#completionsNest === null || this.#completionsNest() !== 0;
  }

  /** A function that only this library may have (the Linux extensions), or null. */
  optional<F>(name: string, result: string, parameters: string[]): F | null {
    return this.#find<F>(name, result, parameters);
  }

  get versionText(): string {
    return `${this.version >>> 16}.${this.version & 0xffff}`;
  }

  #readVersion(): number {
    const fspVersion = this.#need<(out: Uint32Array) => number>('FspVersion', STATUS, ['void *']);
    const out = new Uint32Array(1);
    const status = fspVersion(out);
    const version = out[0]!;
    if (status !== NtStatus.SUCCESS || version < MIN_VERSION) {
      throw new WinFspLibraryError(
        'TOO_OLD',
        `${this.path} is WinFsp ${version >>> 16}.${version & 0xffff}; this program needs 1.10 or later.`,
        'Install a current WinFsp.',
        this.path,
      );
    }
    return version;
  }

  #need<F>(name: string, result: string, parameters: string[]): F {
    const found = this.#find<F>(name, result, parameters);
    if (found === null) {
      throw new WinFspLibraryError(
        'FUNCTION_MISSING',
        `${this.path} does not export ${name}.`,
        process.platform === 'win32'
          ? 'Install a current WinFsp.'
          : 'Build it again: node scripts/build-native.mjs in the folder of the package.',
        this.path,
      );
    }
    return found;
  }

  #find<F>(name: string, result: string, parameters: string[]): F | null {
    try {
      return this.#handle.func(name, result, parameters) as F;
    } catch {
      return null;
    }
  }
}

const loaded = new Map<string, WinFspLibrary>();
let located: string | undefined;

/** The library of this machine (or the one at `path`), loaded once per thread. Throws WinFspLibraryError. */
export function loadWinFsp(path?: string): WinFspLibrary {
  if (path === undefined) {
    located ??= locateLibrary();
    return loadWinFsp(located);
  }
  let library = loaded.get(path);
  if (library === undefined) {
    library = new WinFspLibrary(path);
    loaded.set(path, library);
  }
  return library;
}

function loadFile(path: string): LibraryHandle {
  try {
    return koffi.load(path);
  } catch (cause) {
    throw new WinFspLibraryError(
      'NOT_LOADABLE',
      `${path} cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}.`,
      process.platform === 'win32'
        ? 'Repair the WinFsp installation.'
        : 'Build it again on this machine: node scripts/build-native.mjs in the folder of the package.',
      path,
      { cause },
    );
  }
}
