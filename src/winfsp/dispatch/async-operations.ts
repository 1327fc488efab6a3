/**
 * The three operations of a file system that may be answered later, at the low level: as in FileSystemInterface, but a
 * promise of the result may be returned. All others stay synchronous, because the library's operation functions call
 * several of them in a row.
 *
 * The buffer at `bufferAddress` belongs to the handler until its result is there, not a moment longer
 * (docs/winfsp.md#dispatching "Stop"). `view` and `buffer` likewise.
 */
import type { DirectoryBuffer } from '../library/file-system-interface.js';

export interface AsyncOperations {
  read?(context: number, bufferAddress: number, offset: number, length: number): number | Promise<number>;
  write?(
    context: number,
    bufferAddress: number,
    offset: number,
    length: number,
    writeToEndOfFile: boolean,
    constrainedIo: boolean,
    view: DataView,
    fileInfoOffset: number,
  ): number | Promise<number>;
  readDirectory?(
    context: number,
    pattern: string | null,
    marker: string | null,
    buffer: DirectoryBuffer,
  ): number | Promise<number>;
  /** The volume takes no more requests: what is under way should come to its end. */
  stopping?(): void;
  /** What is still under way now is answered in the handlers' place: their buffers must not be touched any more. */
  abandoned?(): void;
}
