/**
 * Records what happens to a volume, one JSON object a line, so that spec/trace/judge.ts can judge it afterwards: every
 * operation that changes names, sizes or room, its arguments and result, and the ledger after it.
 *
 * A volume that is not traced has no trace code in it: this is a class of its own. Events are collected and written
 * from the volume's thread in pieces, by a plain file descriptor that was opened before anything was mounted; so the
 * file must not lie on the drive. What is traced ends at a limit, and a piece may be lost when the process is killed.
 *
 * Content is not recorded: that each byte is right is shown by comparing bytes (tests/chaos), not by a log.
 */

import { closeSync, openSync, writeSync } from 'node:fs';
import { NtStatus } from '../ntstatus.js';
import type { PageReader } from '../volume/content/page-readers.js';
import { Cleanup } from '../volume/file-attributes.js';
import type { DirectoryEntry, Inode } from '../volume/inode.js';
import { ntfsUpperCase } from '../volume/names/case-folding.js';
import { RamVolume, type RamVolumeOptions } from '../volume/ram-volume.js';

const PIECE_BYTES = 64 * 1024;
/** Some ten million events; then a last line says that the rest is missing. */
const MAX_TRACE_BYTES = 2 ** 30;

/** What a traced operation was asked, and what it answered: 0 or a count, or a failing NTSTATUS. */
export interface TraceEvent {
  op: string;
  /** Index number of the inode. */
  inode?: number;
  result?: number;
  /** After the operation: the inode's length, what it reserves, and the pool's ledger. */
  lengthBytes?: number;
  reservedPages?: number;
  ledger?: [reserved: number, allocated: number];
  /** Pages that extended attributes reserve, where there are any. */
  attributePages?: number;
  [argument: string]: unknown;
}

export class TraceWriter {
  readonly #descriptor: number;
  readonly #onError: (error: unknown) => void;
  #piece = '';
  #writtenBytes = 0;
  #isOpen = true;

  /** `onError` is told once; nothing is recorded from then on. */
  constructor(path: string, onError: (error: unknown) => void) {
    this.#descriptor = openSync(path, 'w', 0o600);
    this.#onError = onError;
  }

  write(event: TraceEvent): void {
    if (!this.#isOpen) return;
    this.#piece += `${JSON.stringify(event)}\n`;
    if (this.#piece.length < PIECE_BYTES) return;
    this.#flush();
    if (this.#writtenBytes < MAX_TRACE_BYTES) return;
    this.#piece = `${JSON.stringify({ op: 'cut' })}\n`;
    this.close();
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#flush();
    // A flush that fails has closed it.
    if (!this.#isOpen) return;
    this.#isOpen = false;
    closeSync(this.#descriptor);
  }

  #flush(): void {
    const bytes = Buffer.from(this.#piece, 'utf8');
    this.#piece = '';
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#descriptor, bytes, at);
      this.#writtenBytes += bytes.length;
    } catch (error) {
      this.#isOpen = false;
      closeSync(this.#descriptor);
      this.#onError(error);
    }
  }
}

export class TracedVolume extends RamVolume {
  readonly #trace: { write(event: TraceEvent): void; close(): void };

  constructor(options: RamVolumeOptions, trace: { write(event: TraceEvent): void; close(): void }) {
    super(options);
    this.#trace = trace;
    const { pageSizeBytes, capacityPages } = this.pool;
    const { caseSensitive, namedStreams } = this;
    this.#trace.write({
      op: 'begin',
      pageSizeBytes,
      capacityPages,
      caseSensitive,
      namedStreams,
      upperCase: differencesFromNtfs(options.upperCase),
      root: this.root.indexNumber,
    });
  }

  /** A program that asks for the free space is an observer. */
  override get freeBytes(): number {
    const freeBytes = super.freeBytes;
    this.#write({ op: 'freeBytes', freeBytes });
    return freeBytes;
  }

  override open(path: string): Inode | number {
    return this.#opened({ op: 'open', path }, super.open(path));
  }

  override create(
    path: string,
    attributes: number,
    directory: boolean,
    security: Uint8Array | null,
    allocationSize: number,
    named = true,
    extendedAttributes: Uint8Array | null = null,
    reparsePoint: Uint8Array | null = null,
  ): Inode | number {
    const inode = super.create(
      path,
      attributes,
      directory,
      security,
      allocationSize,
      named,
      extendedAttributes,
      reparsePoint,
    );
    return this.#opened({ op: 'create', path, directory, allocationSize, named }, inode);
  }

  override rename(entry: DirectoryEntry, newPath: string, replaceIfExists: boolean, posix = false): number {
    const { inode } = entry;
    const path = this.pathOf(entry);
    const result = super.rename(entry, newPath, replaceIfExists, posix);
    return this.#done({ op: 'rename', path, newPath, replaceIfExists, posix }, inode, result);
  }

  override exchange(entry: DirectoryEntry, otherPath: string): number {
    const { inode } = entry;
    const path = this.pathOf(entry);
    return this.#done({ op: 'exchange', path, otherPath }, inode, super.exchange(entry, otherPath));
  }

  override link(inode: Inode, newPath: string): number {
    return this.#done({ op: 'link', newPath }, inode, super.link(inode, newPath));
  }

  /** The path is that of the name which goes; it is not told where none can go. */
  override cleanup(entry: DirectoryEntry, flags: number): void {
    const { inode } = entry;
    const path = (flags & Cleanup.DELETE) !== 0 ? this.pathOf(entry) : undefined;
    super.cleanup(entry, flags);
    this.#done({ op: 'cleanup', path, flags }, inode, 0);
  }

  override close(inode: Inode): void {
    super.close(inode);
    this.#done({ op: 'close' }, inode, 0);
  }

  override read(inode: Inode, offset: number, length: number, address: number): number {
    const result = super.read(inode, offset, length, address);
    return this.#done({ op: 'read', offset, length }, inode, result);
  }

  override describeRead(inode: Inode, offset: number, length: number, reader: PageReader): number {
    const result = super.describeRead(inode, offset, length, reader);
    return this.#done({ op: 'read', offset, length }, inode, result);
  }

  override write(
    inode: Inode,
    offset: number,
    length: number,
    address: number,
    writeToEndOfFile: boolean,
    constrainedIo: boolean,
  ): number {
    const result = super.write(inode, offset, length, address, writeToEndOfFile, constrainedIo);
    return this.#done({ op: 'write', offset, length, writeToEndOfFile, constrainedIo }, inode, result);
  }

  override setFileSize(inode: Inode, bytes: number): number {
    return this.#done({ op: 'setFileSize', bytes }, inode, super.setFileSize(inode, bytes));
  }

  override zero(inode: Inode, offset: number, length: number): number {
    return this.#done({ op: 'zero', offset, length }, inode, super.zero(inode, offset, length));
  }

  override copy(source: Inode, from: number, target: Inode, to: number, length: number): number {
    const lengthBefore = target.fileSize;
    const result = super.copy(source, from, target, to, length);
    // To the ledger a copy is a change of the length, to the end of what was copied at least.
    const bytes = Math.max(lengthBefore, result > 0 ? to + result : 0);
    return result < 0 ? result : this.#done({ op: 'setFileSize', bytes }, target, NtStatus.SUCCESS) + result;
  }

  override setAllocationSize(inode: Inode, bytes: number): number {
    return this.#done({ op: 'setAllocationSize', bytes }, inode, super.setAllocationSize(inode, bytes));
  }

  override overwrite(
    inode: Inode,
    attributes: number,
    replaceAttributes: boolean,
    allocationSize: number,
    extendedAttributes: Uint8Array | null = null,
  ): number {
    const result = super.overwrite(inode, attributes, replaceAttributes, allocationSize, extendedAttributes);
    return this.#done({ op: 'overwrite', allocationSize }, inode, result);
  }

  override list(
    directory: Inode,
    marker: string | null,
    visit: (name: string, inode: Inode) => boolean,
  ): number {
    const names: string[] = [];
    let isComplete = true;
    const result = super.list(directory, marker, (name, inode) => {
      isComplete = visit(name, inode);
      if (isComplete) names.push(name);
      return isComplete;
    });
    return this.#done({ op: 'list', marker, names, isComplete }, directory, result);
  }

  override snapshot(name: string): number {
    return this.#ofSnapshots({ op: 'snapshot', name }, super.snapshot(name));
  }

  /** Inodes are known by their paths from here on: each has another number, which an open tells. */
  override rollback(name: string): number {
    const result = super.rollback(name);
    return this.#ofSnapshots({ op: 'rollback', name, root: this.root.indexNumber }, result);
  }

  override deleteSnapshot(name: string): number {
    return this.#ofSnapshots({ op: 'deleteSnapshot', name }, super.deleteSnapshot(name));
  }

  /** The judge takes the capacity of the beginning as that of the whole trace. */
  override resize(_capacityPages: number): number {
    return NtStatus.NOT_SUPPORTED;
  }

  override dispose(): void {
    this.#trace.write({ op: 'end' });
    this.#trace.close();
    super.dispose();
  }

  #opened(event: TraceEvent, inode: Inode | number): Inode | number {
    if (typeof inode === 'number') this.#write({ ...event, result: inode, ledger: this.#ledger() });
    else this.#done(event, inode, 0);
    return inode;
  }

  #done(event: TraceEvent, inode: Inode, result: number): number {
    this.#write({
      ...event,
      inode: inode.indexNumber,
      result,
      lengthBytes: inode.fileSize,
      reservedPages: inode.file?.reservedPages ?? 0,
      ledger: this.#ledger(),
    });
    return result;
  }

  #ofSnapshots(event: TraceEvent, result: number): number {
    const snapshotPages = this.snapshotBytes / this.pool.pageSizeBytes;
    this.#write({ ...event, result, snapshotPages, ledger: this.#ledger() });
    return result;
  }

  #write(event: TraceEvent): void {
    const { pages } = this.attributeRoom;
    this.#trace.write(pages === 0 ? event : { ...event, attributePages: pages });
  }

  #ledger(): [number, number] {
    return [this.pool.reservedPages, this.pool.allocatedPages];
  }
}

/** Units and their capitals, in turn, where a system's table differs from NTFS's; undefined where it does not. */
function differencesFromNtfs(table: Uint16Array | undefined): number[] | undefined {
  if (table === undefined) return undefined;
  return [...table].flatMap((upper, unit) => (upper === ntfsUpperCase[unit] ? [] : [unit, upper]));
}
