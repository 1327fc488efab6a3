/**
 * Who delivers an answer: the dispatcher thread in its next call, or a completion thread. These are the rules
 * of docs/winfsp.md#answers-that-may-nest: completing an answer may block inside the
 * driver until another request is answered, so whatever may block must not be delivered by the thread that answers.
 *
 * Pure decisions over the bytes of one request and its answer; no threads here. An instance belongs to one dispatcher.
 */
import {
  FILE_INFO_TIMEOUT_INFINITE,
  FileAttribute,
  FileInformationClass,
  TransactKind,
} from '../abi/constants.js';
import { getUint64 } from '../abi/fields.js';
import {
  FileInfo,
  ReqClose,
  ReqCreate,
  ReqRead,
  ReqSetInformation,
  ReqWrite,
  RSP_FILE_INFO,
  RspCreate,
} from '../abi/layouts.js';
import type { FileSystemInterface } from '../library/file-system-interface.js';
import { OpenFiles } from './open-files.js';

export const Route = {
  /** With the dispatcher's next call. */
  INLINE: 0,
  /** Completion thread 1: renames only. */
  COMPLETION_1: 1,
  /** Completion thread 2: answers with FILE_INFO; Cleanup during a directory rename. */
  COMPLETION_2: 2,
  /**
   * Completion thread 3, of volumes with streams only: what ends a handle of a stream. The driver closes its file then,
   * and waits for the answer to that Cleanup, which goes inline or to completion thread 2.
   */
  COMPLETION_3: 3,
} as const;

const PAGE_BYTES = 4096;

export class AnswerRouting {
  /** Only a volume whose data the kernel does not cache needs to know who read whole pages (condition 4). */
  readonly #openFiles: OpenFiles | null;
  /** Those that are streams; null on a volume without. */
  readonly #openStreams: OpenFiles | null;
  readonly #fileSystem: FileSystemInterface;
  readonly #scratch: DataView;
  readonly #contextOffset: number;
  #oldEndOfFile = -1;
  #renamesDirectory = false;

  /** `contextOffset`: where requests have the context that the file system knows, FspFileSystem.contextOffset. */
  constructor(
    fileSystem: FileSystemInterface,
    fileInfoTimeout: number,
    contextOffset: number = ReqClose.UserContext,
    namedStreams = false,
  ) {
    this.#openStreams = namedStreams ? new OpenFiles() : null;
    this.#fileSystem = fileSystem;
    this.#contextOffset = contextOffset;
    this.#scratch = new DataView(new ArrayBuffer(FileInfo.SIZE));
    // Contexts of handles do not tell which handles are of one file.
    const perFile = contextOffset === ReqClose.UserContext;
    this.#openFiles = perFile && fileInfoTimeout !== FILE_INFO_TIMEOUT_INFINITE ? new OpenFiles() : null;
  }

  /** Before the handler runs: remembers what the answer alone cannot tell. */
  noteRequest(kind: number, request: DataView): void {
    if (kind === TransactKind.SetInformation) {
      this.#noteSetInformation(request);
    } else if (kind === TransactKind.Read && this.#openFiles !== null) {
      const alignment = request.getUint32(ReqRead.Offset, true) | request.getUint32(ReqRead.Length, true);
      if (alignment % PAGE_BYTES === 0) {
        this.#openFiles.noteWholePageRead(getUint64(request, this.#contextOffset));
      }
    }
  }

  /**
   * After the handler: the route of the answer. `directoryRenameInFlight`: the answer to a directory's rename was
   * handed to completion thread 1 and its call has not returned.
   */
  route(
    kind: number,
    request: DataView,
    response: DataView,
    status: number,
    directoryRenameInFlight: boolean,
  ): number {
    if (this.#openFiles !== null) {
      this.#track(this.#openFiles, kind, request, response, status);
    }
    if (this.#openStreams !== null && this.#endsStream(this.#openStreams, kind, request, response, status)) {
      return Route.COMPLETION_3;
    }
    if (status < 0) {
      return Route.INLINE;
    }
    switch (kind) {
      case TransactKind.Cleanup:
        return directoryRenameInFlight ? Route.COMPLETION_2 : Route.INLINE;
      case TransactKind.SetInformation:
        return this.#routeSetInformation(request, response, directoryRenameInFlight);
      case TransactKind.Write:
        // ConstrainedIo: paging writes are leaves, they never nest.
        if ((request.getUint32(ReqWrite.ConstrainedIo, true) & 1) !== 0) {
          return Route.INLINE;
        }
        // It may have made the file longer, and where the end was before is not known by now.
        return this.#routeFileInfo(request, response, false, directoryRenameInFlight);
      case TransactKind.FlushBuffers:
        if (getUint64(request, this.#contextOffset) === 0) {
          return Route.INLINE;
        }
        break;
      case TransactKind.Overwrite:
        // Harmless because the file is empty. Should a file system say otherwise, its answer is like any other with
        // FILE_INFO.
        return isWholePages(response) ? Route.INLINE : Route.COMPLETION_2;
      case TransactKind.QueryInformation:
      case TransactKind.SetEa:
        break;
      default:
        return Route.INLINE;
    }
    return this.#routeFileInfo(request, response, isWholePages(response), directoryRenameInFlight);
  }

  /** Whether the last SetInformation that was noted is a rename of a directory. */
  get renamesDirectory(): boolean {
    return this.#renamesDirectory;
  }

  #noteSetInformation(request: DataView): void {
    const informationClass = request.getUint32(ReqSetInformation.FileInformationClass, true);
    this.#renamesDirectory = false;
    this.#oldEndOfFile = -1;
    if (isRename(informationClass)) {
      // A file system that cannot say is taken at its worst.
      this.#renamesDirectory =
        !this.#query(request) ||
        (this.#scratch.getUint32(FileInfo.FileAttributes, true) & FileAttribute.DIRECTORY) !== 0;
    } else if (changesSize(informationClass) && this.#query(request)) {
      this.#oldEndOfFile = getUint64(this.#scratch, FileInfo.FileSize);
    }
  }

  #query(request: DataView): boolean {
    const context = getUint64(request, this.#contextOffset);
    try {
      const status = this.#fileSystem.getFileInfo?.(context, this.#scratch, 0);
      return status !== undefined && status >= 0;
    } catch {
      return false;
    }
  }

  #routeSetInformation(request: DataView, response: DataView, directoryRenameInFlight: boolean): number {
    const informationClass = request.getUint32(ReqSetInformation.FileInformationClass, true);
    if (isRename(informationClass)) {
      return Route.COMPLETION_1;
    }
    if (
      informationClass === FileInformationClass.Disposition ||
      informationClass === FileInformationClass.DispositionEx
    ) {
      return Route.INLINE;
    }
    const endsLeaveNoDirtyPage = changesSize(informationClass)
      ? this.#endsLeaveNoDirtyPage(response)
      : isWholePages(response);
    return this.#routeFileInfo(request, response, endsLeaveNoDirtyPage, directoryRenameInFlight);
  }

  /**
   * Condition 3. The old end at a page's boundary: no page has it inside. Then the new end lies at a boundary, too, or
   * in a page that the file did not have before.
   */
  #endsLeaveNoDirtyPage(response: DataView): boolean {
    const old = this.#oldEndOfFile;
    return (
      old >= 0 &&
      old % PAGE_BYTES === 0 &&
      (isWholePages(response) || getUint64(response, RSP_FILE_INFO + FileInfo.FileSize) > old)
    );
  }

  /** Set B: the answer carries FILE_INFO, which makes the driver set the cache's sizes. */
  #routeFileInfo(
    request: DataView,
    response: DataView,
    endsLeaveNoDirtyPage: boolean,
    directoryRenameInFlight: boolean,
  ): number {
    if (directoryRenameInFlight) {
      return Route.COMPLETION_2;
    }
    const attributes = response.getUint32(RSP_FILE_INFO + FileInfo.FileAttributes, true);
    const context = getUint64(request, this.#contextOffset);
    const nothingToFlush =
      (attributes & FileAttribute.DIRECTORY) !== 0 ||
      endsLeaveNoDirtyPage ||
      (this.#openFiles !== null && !this.#openFiles.mayBeMapped(context));
    return nothingToFlush ? Route.INLINE : Route.COMPLETION_2;
  }

  /** A Cleanup of a stream's handle, or one that never comes because its Create or Overwrite failed. */
  #endsStream(
    openStreams: OpenFiles,
    kind: number,
    request: DataView,
    response: DataView,
    status: number,
  ): boolean {
    if (kind === TransactKind.Create) {
      if (request.getUint16(ReqCreate.NamedStream, true) === 0) {
        return false;
      }
      this.#track(openStreams, kind, request, response, status);
      return status !== 0;
    }
    const isStream =
      (kind === TransactKind.Cleanup || (kind === TransactKind.Overwrite && status < 0)) &&
      openStreams.isOpen(getUint64(request, this.#contextOffset));
    this.#track(openStreams, kind, request, response, status);
    return isStream;
  }

  #track(openFiles: OpenFiles, kind: number, request: DataView, response: DataView, status: number): void {
    if (kind === TransactKind.Create) {
      if (status === 0) {
        const offset = RspCreate['Opened.UserContext'] + this.#contextOffset - ReqClose.UserContext;
        openFiles.opened(getUint64(response, offset));
      }
    } else if (kind === TransactKind.Close || (kind === TransactKind.Overwrite && status < 0)) {
      // After a failed Overwrite there is no Close request: the operation function has closed the file itself.
      openFiles.closed(getUint64(request, this.#contextOffset));
    }
  }
}

function isRename(informationClass: number): boolean {
  return (
    informationClass === FileInformationClass.Rename || informationClass === FileInformationClass.RenameEx
  );
}

function changesSize(informationClass: number): boolean {
  return (
    informationClass === FileInformationClass.EndOfFile ||
    informationClass === FileInformationClass.Allocation
  );
}

/** Condition 2, for requests that leave the size alone: no byte of the file's last page lies behind its end. */
function isWholePages(response: DataView): boolean {
  return response.getUint32(RSP_FILE_INFO + FileInfo.FileSize, true) % PAGE_BYTES === 0;
}
