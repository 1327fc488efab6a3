/**
 * VolumeStreams: the part of a RAM volume that has to do with the named streams of files and directories. What holds
 * for all methods is said at RamVolume.
 */
import { NtStatus } from '../../ntstatus.js';
import { PagedFile } from '../content/paged-file.js';
import type { Inode } from '../inode.js';
import { STREAMS_HEAP_BYTES } from '../inode-heap.js';
import { nameAndKey } from '../names/name-index.js';
import { VolumeNames } from '../volume-names.js';
import { isStreamName, Stream } from './stream.js';

export abstract class VolumeStreams extends VolumeNames {
  /**
   * Streams that went when their file was overwritten, and were open. A driver that still has one of them open takes a
   * new one of that name for the same (docs/winfsp.md#creating-and-opening), so it has to be the same.
   */
  readonly #overwritten = new Set<Stream>();

  isStreamPath(path: string): boolean {
    return this.tree.streamStart(path) >= 0;
  }

  /**
   * As lookup; for a stream that is not there the file that it would belong to if that is a reparse point, because the
   * system opens the stream behind it, or finds out that it is missing.
   */
  lookupForSecurity(path: string): Inode | number {
    const inode = this.lookup(path);
    const colon = inode === NtStatus.OBJECT_NAME_NOT_FOUND ? this.tree.streamStart(path) : -1;
    if (colon < 0) return inode;
    const base = this.lookup(path.slice(0, colon));
    return typeof base !== 'number' && base.reparse !== null ? base : inode;
  }

  /**
   * Gives a file or directory a stream and opens it. `path`: what leads to it, where that must be one that the front
   * end can say. FILE_DELETED, OBJECT_NAME_COLLISION, OBJECT_NAME_INVALID, NAME_TOO_LONG, DISK_FULL.
   */
  createStream(main: Inode, streamName: string, allocationSize: number, path = ''): Inode | number {
    if (main.deleted) return NtStatus.FILE_DELETED;
    if (!isStreamName(streamName)) return NtStatus.OBJECT_NAME_INVALID;
    const [name, key] = nameAndKey(streamName, 0, streamName.length, this.tree.folding);
    if (main.streams?.has(key) === true) return NtStatus.OBJECT_NAME_COLLISION;
    if (!this.pathLimit.admits(path)) return NtStatus.NAME_TOO_LONG;
    const old = this.#overwrittenStream(main, key);
    if (old !== undefined) return this.#revive(old, allocationSize);
    const heapBytes = this.heapBytesWith(name, key, main.streams === null ? STREAMS_HEAP_BYTES : 0);
    if (heapBytes < 0) return heapBytes;
    const file = new PagedFile(this.pool);
    const reserved = allocationSize > 0 ? file.setAllocation(allocationSize) : NtStatus.SUCCESS;
    if (reserved < 0) return reserved;

    this.check?.changing(main);
    main.security.users += 1;
    const stream = new Stream(name, key, ++this.lastIndexNumber, main, file);
    main.changed(this.clock.now());
    this.tree.attachStream(stream, main);
    return this.born(stream, heapBytes);
  }

  /**
   * Tells of the streams of a file or directory, or of that of a stream: a file's content, without a name, and the
   * named ones by folded name, until `visit` answers false.
   */
  listStreams({ main }: Inode, visit: (name: string, stream: Inode) => boolean): void {
    if (!main.isDirectory && !visit('', main)) return;
    for (const stream of main.streams?.values() ?? []) if (!visit(stream.name, stream)) return;
  }

  /** Empties a stream alone. DISK_FULL. */
  protected overwriteStream(stream: Inode, file: PagedFile, allocationSize: number): number {
    this.check?.changing(stream);
    const status = file.overwrite(allocationSize);
    if (status >= 0) this.keptTimes.written(stream.main, this.clock.now());
    return status;
  }

  /** All streams of a file go; those that are open live on without a name. */
  protected unlinkStreams(main: Inode): void {
    for (const stream of [...(main.streams?.values() ?? [])]) this.unlink(stream);
  }

  /** The same because the file is overwritten. */
  protected overwriteStreams(main: Inode): void {
    if (main.streams === null) return;
    const open = [...main.streams.values()].filter(({ openCount }) => openCount > 0);
    this.unlinkStreams(main);
    for (const stream of open) this.#overwritten.add(stream as Stream);
  }

  #overwrittenStream(main: Inode, key: string): Stream | undefined {
    for (const stream of this.#overwritten) {
      if (stream.openCount === 0) this.#overwritten.delete(stream);
      else if (stream.main === main && stream.key === key) return stream;
    }
    return undefined;
  }

  /** An open stream without a name has one again, and is empty. */
  #revive(stream: Stream, allocationSize: number): Inode | number {
    const { main } = stream;
    const heapBytes = this.heapBytes + (main.streams === null ? STREAMS_HEAP_BYTES : 0);
    if (heapBytes > this.heapBytesLimit) return NtStatus.DISK_FULL;
    this.check?.changing(main);
    this.check?.changing(stream);
    const status = (stream.file as PagedFile).overwrite(allocationSize);
    if (status < 0) return status;
    this.heapBytes = heapBytes;
    this.#overwritten.delete(stream);
    main.changed(this.clock.now());
    this.tree.attachStream(stream, main);
    return this.opened(stream);
  }
}
