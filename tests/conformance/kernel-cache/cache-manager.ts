/**
 * The Windows kernel's side of a cached file, as far as a file system can feel it (docs/winfsp.md#caching): sizes are
 * taken from returned FILE_INFO only, an extending write asks for SetFileSize first, data stay in pages of the cache
 * and are written later, page-aligned, constrained, in any order, also after Cleanup and past the end of the file.
 * Programs talk to this; it talks to the served volume.
 *
 * Whatever a file system does that loses acknowledged data shows here as CacheLoss, or as wrong bytes for the program.
 */
import assert from 'node:assert/strict';
import { NtStatus, ntStatusName } from '../../../src/ntstatus.js';
import { CreateDisposition } from '../../../src/winfsp/abi/constants.js';
import { PAGE } from '../served-options.js';
import { Cleanup, type Info, infoAt, type OpenFile, type ServedVolume } from '../served-volume.js';

/** Data that a program was told are safe, and that the drive has refused or forgotten. */
class CacheLoss extends Error {
  override readonly name = 'CacheLoss';
}

/** One file that the kernel knows: open, or closed with pages still to be written. */
interface CachedFile {
  name: string;
  /** One per handle of the program. All have the same context. */
  handles: OpenFile[];
  /** Cleaned up; kept until their pages are written. */
  lingering: OpenFile[];
  fileSize: number;
  allocationSize: number;
  pages: Map<number, { bytes: Buffer; dirty: boolean }>;
  modified: boolean;
}

export class CacheManager {
  readonly #volume: ServedVolume;
  readonly #files = new Map<string, CachedFile>();

  constructor(volume: ServedVolume) {
    this.#volume = volume;
  }

  /** Opens or makes; `overwrite` empties what is there. */
  open(name: string, overwrite = false): void {
    const disposition = overwrite ? CreateDisposition.FILE_OVERWRITE_IF : CreateDisposition.FILE_OPEN_IF;
    const handle = this.#volume.file(name, disposition);
    const known = this.#files.get(name);
    if (known !== undefined) {
      assert.equal(handle.context, (known.handles[0] ?? known.lingering[0])!.context, 'one context per file');
      known.handles.push(handle);
    } else {
      // Only the first open's information counts.
      this.#files.set(name, {
        name,
        handles: [handle],
        lingering: [],
        fileSize: handle.info.fileSize,
        allocationSize: handle.info.allocationSize,
        pages: new Map(),
        modified: false,
      });
    }
    const OVERWRITTEN = 3;
    if (handle.information === OVERWRITTEN) {
      const file = this.#files.get(name)!;
      file.pages.clear();
      this.#believe(file, handle.overwrite());
    }
  }

  isOpen(name: string): boolean {
    return (this.#files.get(name)?.handles.length ?? 0) > 0;
  }

  sizeOf(name: string): number {
    return this.#file(name).fileSize;
  }

  /** DISK_FULL, or SUCCESS: from then on the program relies on it. */
  write(name: string, offset: number, data: Buffer): number {
    const file = this.#file(name);
    if (offset + data.length > file.fileSize) {
      const status = this.setSize(name, offset + data.length);
      if (status < 0) {
        return status;
      }
    }
    for (let at = 0; at < data.length; ) {
      const page = Math.floor((offset + at) / PAGE);
      const within = (offset + at) % PAGE;
      const count = Math.min(PAGE - within, data.length - at);
      const cached = this.#page(file, page, count < PAGE);
      data.copy(cached.bytes, within, at, at + count);
      cached.dirty = true;
      at += count;
    }
    file.modified = true;
    return NtStatus.SUCCESS;
  }

  read(name: string, offset: number, length: number): Buffer {
    const file = this.#file(name);
    const out = Buffer.alloc(Math.max(0, Math.min(length, file.fileSize - offset)));
    for (let at = 0; at < out.length; ) {
      const within = (offset + at) % PAGE;
      const count = Math.min(PAGE - within, out.length - at);
      const { bytes } = this.#page(file, Math.floor((offset + at) / PAGE), true);
      bytes.copy(out, at, within, within + count);
      at += count;
    }
    return out;
  }

  /** End of file. Growing, the driver insists on what it asked for; a smaller size cuts the cache. */
  setSize(name: string, size: number): number {
    const file = this.#file(name);
    const answer = this.#handle(file).trySetSize(size);
    if (answer.status < 0) {
      return answer.status;
    }
    const info = infoAt(answer.bytes, 24);
    if (info.fileSize < size) {
      throw new CacheLoss(`SetFileSize(${size}) of ${name} returned a FileSize of ${info.fileSize}`);
    }
    this.#believe(file, info);
    file.modified = true;
    return NtStatus.SUCCESS;
  }

  setAllocation(name: string, size: number): number {
    const file = this.#file(name);
    const answer = this.#handle(file).trySetSize(Math.ceil(size / PAGE) * PAGE, true);
    if (answer.status >= 0) {
      this.#believe(file, infoAt(answer.bytes, 24));
      file.modified = true;
    }
    return answer.status;
  }

  flush(name: string): void {
    const file = this.#file(name);
    for (const page of [...file.pages.keys()]) {
      this.#writePage(file, page);
    }
    this.#believe(file, this.#handle(file).flush());
  }

  /**
   * The lazy writer: writes one dirty page of some file, chosen by `pick`; up to `run` following ones go along in the
   * same request.
   */
  writeSome(pick: number, run: number): void {
    const dirty = [...this.#files.values()].flatMap((file) =>
      [...file.pages].filter(([, { dirty }]) => dirty).map(([page]) => ({ file, page })),
    );
    if (dirty.length > 0) {
      const { file, page } = dirty[pick % dirty.length]!;
      this.#writePage(file, page, run);
    }
  }

  /** The memory manager takes clean pages back: what is read next comes from the drive again. */
  purgeClean(): void {
    for (const { pages } of this.#files.values()) {
      for (const [page, { dirty }] of pages) {
        if (!dirty) {
          pages.delete(page);
        }
      }
    }
  }

  /** A program closes one handle: Cleanup now, the rest when its pages are written. */
  close(name: string): void {
    const file = this.#file(name);
    const handle = file.handles.pop()!;
    const last = file.handles.length === 0;
    handle.cleanup(last && file.modified ? Cleanup.TRIM | Cleanup.ARCHIVE | Cleanup.WRITE_TIME : 0);
    file.lingering.push(handle);
    if (last && file.modified) {
      file.allocationSize = Math.ceil(file.fileSize / PAGE) * PAGE;
    }
  }

  /** Writes what is left of a file that nobody has open and gives it up: only now comes its Close. */
  settle(name: string): void {
    const file = this.#files.get(name);
    if (file === undefined || file.handles.length > 0) {
      return;
    }
    for (const page of [...file.pages.keys()].reverse()) {
      this.#writePage(file, page);
    }
    for (const handle of file.lingering) {
      handle.closeOnly();
    }
    this.#files.delete(name);
  }

  /** Deletes a file that is not open: its last pages may be written all the same, or not at all. */
  delete(name: string, writeOnFirst: boolean): void {
    const known = this.#files.get(name);
    const handle = this.#volume.open(name);
    handle.cleanup(Cleanup.DELETE);
    if (known !== undefined) {
      known.lingering.push(handle);
      for (const page of writeOnFirst ? [...known.pages.keys()] : []) {
        this.#writePage(known, page);
      }
      known.pages.clear();
      this.settle(name);
    } else {
      handle.closeOnly();
    }
  }

  rename(from: string, to: string): void {
    const file = this.#files.get(from);
    const handle = this.#volume.open(from);
    handle.rename(to);
    handle.close();
    if (file !== undefined) {
      this.#files.delete(from);
      file.name = to;
      for (const other of [...file.handles, ...file.lingering]) {
        other.path = handle.path;
      }
      this.#files.set(to, file);
    }
  }

  names(): string[] {
    return [...this.#files.keys()];
  }

  #file(name: string): CachedFile {
    const file = this.#files.get(name);
    assert.ok(file !== undefined && file.handles.length > 0, `${name} is not open`);
    return file;
  }

  #handle(file: CachedFile): OpenFile {
    return (file.handles[0] ?? file.lingering[0])!;
  }

  /** The kernel takes every size from here; one that is too small cuts its cache. */
  #believe(file: CachedFile, info: Info): void {
    file.fileSize = info.fileSize;
    file.allocationSize = info.allocationSize;
    for (const [page, { bytes }] of file.pages) {
      const start = page * PAGE;
      if (start >= info.fileSize) {
        file.pages.delete(page);
      } else if (start + PAGE > info.fileSize) {
        bytes.fill(0, info.fileSize - start);
      }
    }
  }

  /** A page of the cache, read from the drive when its old content matters. */
  #page(file: CachedFile, page: number, readFirst: boolean): { bytes: Buffer; dirty: boolean } {
    const known = file.pages.get(page);
    if (known !== undefined) {
      return known;
    }
    const bytes = Buffer.alloc(PAGE);
    if (readFirst) {
      const answer = this.#handle(file).tryRead(page * PAGE, PAGE);
      if (answer.status >= 0) {
        answer.data.copy(bytes, 0, 0, answer.information);
      } else if (answer.status !== NtStatus.END_OF_FILE) {
        throw new CacheLoss(`paging read of ${file.name}: ${ntStatusName(answer.status)}`);
      }
    }
    const cached = { bytes, dirty: false };
    file.pages.set(page, cached);
    return cached;
  }

  #writePage(file: CachedFile, first: number, run = 0): void {
    const pages: { bytes: Buffer; dirty: boolean }[] = [];
    for (let page = first; page <= first + run; page++) {
      const cached = file.pages.get(page);
      if (cached === undefined || !cached.dirty) {
        break;
      }
      pages.push(cached);
    }
    if (pages.length === 0) {
      return;
    }
    const data = Buffer.concat(pages.map(({ bytes }) => bytes));
    const answer = this.#handle(file).tryWrite(first * PAGE, data, true);
    const wanted = Math.min(data.length, file.fileSize - first * PAGE);
    if (answer.status < 0) {
      throw new CacheLoss(
        `lost delayed write of ${file.name} at page ${first}: ${ntStatusName(answer.status)}`,
      );
    }
    if (answer.information < wanted) {
      throw new CacheLoss(`${file.name}: ${answer.information} of ${wanted} bytes taken at page ${first}`);
    }
    for (const page of pages) {
      page.dirty = false;
    }
  }

  /** Room that the kernel was told this file has. */
  allocationOf(name: string): number {
    return this.#files.get(name)?.allocationSize ?? 0;
  }
}
