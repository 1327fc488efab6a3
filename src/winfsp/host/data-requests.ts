/**
 * Reads, writes and listings of a high-level FileSystem, which may be answered later: kernel memory is lent to a
 * handler for the time of its request, and what the handler gives or throws, now or later, becomes a status.
 */
import { NtStatus } from '../../ntstatus.js';
import type { AsyncOperations } from '../dispatch/async-operations.js';
import type { DirectoryBuffer, FileSystemInterface } from '../library/file-system-interface.js';
import { LentMemory } from '../memory/lent-memory.js';
import { markerBehindDots, withDots } from './dot-entries.js';
import { encodeFileInfo, isThenable, now, describe as show } from './encode.js';
import type {
  DirectoryEntry,
  FileSystem,
  ReadDirectoryRequest,
  WriteRequest,
  Written,
} from './file-system.js';
import { type HandleTable, newController, type OpenHandle } from './handle-table.js';
import { statusOr } from './status-errors.js';

export class DataRequests<Context> {
  /** For a dispatcher that can wait. */
  readonly operations: AsyncOperations;
  readonly #fs: FileSystem<Context>;
  readonly #handles: HandleTable<Context>;
  readonly #unitBytes: number;
  readonly #lent = new Set<LentMemory>();
  readonly #stop = newController();

  constructor(fs: FileSystem<Context>, handles: HandleTable<Context>, allocationUnitBytes: number) {
    this.#fs = fs;
    this.#handles = handles;
    this.#unitBytes = allocationUnitBytes;
    this.operations = this.#buildOperations();
  }

  /** Kernel buffers that handlers hold at this moment. */
  get lentBuffers(): number {
    return this.#lent.size;
  }

  /** For dispatchers that cannot wait: the same handlers, and a promise is a bug. */
  atOnce(): FileSystemInterface {
    const { read, write, readDirectory } = this.operations;
    return {
      ...(read && { read: (...args) => this.#atOnce('read', read(...args)) }),
      ...(write && { write: (...args) => this.#atOnce('write', write(...args)) }),
      ...(readDirectory && {
        readDirectory: (...args) => this.#atOnce('readDirectory', readDirectory(...args)),
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

  /** Runs a handler with the driver's buffer, which is taken back before the answer can be sent. */
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

  #takeBackAll(): void {
    for (const lent of this.#lent) {
      lent.takeBack();
    }
    this.#lent.clear();
  }
}

function countOf(count: unknown, most: number): number {
  if (!Number.isInteger(count) || (count as number) < 0 || (count as number) > most) {
    throw new RangeError(`${show(count)} is no number of bytes from 0 to ${most}`);
  }
  return count as number;
}

export function abortError(message: string): Error {
  return new DOMException(message, 'AbortError');
}
