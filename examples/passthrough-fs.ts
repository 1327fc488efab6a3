/**
 * Serves a real directory as a volume.
 *
 *     node dist/examples/passthrough-fs.js C:\some\directory R:      (on Linux: a directory and an empty one)
 *
 * Reads, writes and listings are asynchronous, so a slow disk holds up nobody else; opening, renaming and the like must
 * be answered at once and take the synchronous functions of node:fs. Ctrl+C unmounts.
 *
 * What it does not do: access rights are those of the user who runs it, for everybody; attributes and security
 * descriptors are not kept; symbolic links are followed, and one that leads nowhere is not shown; nothing but files and
 * directories is served.
 *
 * Data are copied between the driver's memory and memory of our own: node:fs works in threads that go on when a request
 * has been cancelled, and by then the driver's memory may be someone else's.
 */
import fs from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import {
  afterMarker,
  type BasicInfo,
  type CleanupRequest,
  type CreateRequest,
  type DirectoryEntry,
  everyoneFullAccess,
  FileAttribute,
  type FileInfo,
  type FileSystem,
  FileSystemHost,
  fileTimeFromNs,
  fileTimeToSeconds,
  NtStatus,
  NtStatusError,
  type Opened,
  type OpenRequest,
  pageAligned,
  type SecurityByName,
  type VolumeInfo,
  type WriteRequest,
  type Written,
} from 'ramdrive/winfsp';

const readFrom = promisify(fs.read);
const writeTo = promisify(fs.write);

/** FILE_WRITE_DATA and FILE_APPEND_DATA. */
const WRITE_ACCESS = 0x2 | 0x4;
const BIG = { bigint: true } as const;

/** An open handle. */
interface Handle {
  /** Of the real file; follows renames. */
  path: string;
  /** Null: a directory. */
  fd: number | null;
  /** A listing goes on with the entries it began with. */
  entries: DirectoryEntry[];
}

class PassthroughFs implements FileSystem<Handle> {
  readonly #root: string;
  readonly #handles = new Set<Handle>();
  /** Memory for requests, used again: a new buffer for each would have to be zeroed by the system, page by page. */
  readonly #buffers: Uint8Array[] = [];

  constructor(root: string) {
    this.#root = fs.realpathSync(root);
  }

  getVolumeInfo(): VolumeInfo {
    // As bigints, because some file systems report more bytes than a number can count.
    const { bsize, blocks, bavail } = fs.statfsSync(this.#root, BIG);
    return {
      totalSize: toNumber(blocks * bsize),
      freeSize: toNumber(bavail * bsize),
      volumeLabel: 'PASSTHROUGH',
    };
  }

  getSecurityByName(fileName: string): SecurityByName {
    const { fileAttributes } = infoOf(this.#statOf(fileName));
    return { fileAttributes, securityDescriptor: everyoneFullAccess() };
  }

  create(fileName: string, request: CreateRequest): Opened<Handle> {
    const where = this.#pathOf(fileName);
    if (request.directory) {
      fs.mkdirSync(where);
      return this.#opened(where, null);
    }
    return this.#opened(where, fs.openSync(where, 'wx+'));
  }

  open(fileName: string, request: OpenRequest): Opened<Handle> {
    const where = this.#pathOf(fileName);
    // Also refuses what is no file: opening a pipe would wait for someone to write into it.
    const { fileAttributes } = infoOf(this.#statOf(fileName));
    if (fileAttributes === FileAttribute.DIRECTORY) {
      return this.#opened(where, null);
    }
    try {
      return this.#opened(where, fs.openSync(where, 'r+'));
    } catch (error) {
      if ((request.grantedAccess & WRITE_ACCESS) !== 0) {
        throw error;
      }
      return this.#opened(where, fs.openSync(where, 'r'));
    }
  }

  overwrite(handle: Handle): FileInfo {
    fs.ftruncateSync(fileOf(handle), 0);
    return this.getFileInfo(handle);
  }

  cleanup(handle: Handle, request: CleanupRequest): void {
    if (request.delete) {
      try {
        if (handle.fd === null) {
          fs.rmdirSync(handle.path);
        } else {
          fs.unlinkSync(handle.path);
        }
      } catch {
        // The name stays, and nobody can be told: a cleanup has no result.
      }
    }
  }

  close(handle: Handle): void {
    this.#handles.delete(handle);
    if (handle.fd !== null) {
      fs.closeSync(handle.fd);
    }
  }

  async read(handle: Handle, buffer: Uint8Array, offset: number): Promise<number> {
    const own = this.#take(buffer.length);
    try {
      let count = 0;
      for (let got = -1; count < buffer.length && got !== 0; count += got) {
        ({ bytesRead: got } = await readFrom(
          fileOf(handle),
          own,
          count,
          buffer.length - count,
          offset + count,
        ));
      }
      buffer.set(own.subarray(0, count));
      return count;
    } finally {
      this.#buffers.push(own);
    }
  }

  write(
    handle: Handle,
    buffer: Uint8Array,
    offset: number,
    request: WriteRequest,
  ): Written | Promise<Written> {
    const fd = fileOf(handle);
    if (request.writeToEndOfFile) {
      // At once, or another append could find the same end.
      const bytesWritten = fs.writeSync(fd, buffer, 0, buffer.length, fs.fstatSync(fd).size);
      return { bytesWritten, fileInfo: this.getFileInfo(handle) };
    }
    const most = request.constrainedIo ? fs.fstatSync(fd).size - offset : buffer.length;
    return this.#writeLater(handle, buffer.subarray(0, Math.max(0, most)), offset);
  }

  async #writeLater(handle: Handle, buffer: Uint8Array, offset: number): Promise<Written> {
    const { length } = buffer;
    const own = this.#take(length);
    try {
      own.set(buffer);
      for (let at = 0; at < length; ) {
        at += (await writeTo(fileOf(handle), own, at, length - at, offset + at)).bytesWritten;
      }
      return { bytesWritten: length, fileInfo: this.getFileInfo(handle) };
    } finally {
      this.#buffers.push(own);
    }
  }

  flush(handle: Handle | null): FileInfo | null {
    if (handle === null) {
      return null;
    }
    if (handle.fd !== null) {
      fs.fsyncSync(handle.fd);
    }
    return this.getFileInfo(handle);
  }

  getFileInfo(handle: Handle): FileInfo {
    return infoOf(handle.fd === null ? fs.statSync(handle.path, BIG) : fs.fstatSync(handle.fd, BIG));
  }

  setBasicInfo(handle: Handle, { lastAccessTime, lastWriteTime }: BasicInfo): FileInfo {
    const before = this.getFileInfo(handle);
    const times = [lastAccessTime ?? before.lastAccessTime, lastWriteTime ?? before.lastWriteTime] as const;
    const [accessed, written] = times.map(fileTimeToSeconds) as [number, number];
    if (handle.fd === null) {
      fs.utimesSync(handle.path, accessed, written);
    } else {
      fs.futimesSync(handle.fd, accessed, written);
    }
    return this.getFileInfo(handle);
  }

  setFileSize(handle: Handle, newSize: number, setAllocationSize: boolean): FileInfo {
    const fd = fileOf(handle);
    if (!setAllocationSize || newSize < fs.fstatSync(fd).size) {
      fs.ftruncateSync(fd, newSize);
    }
    return this.getFileInfo(handle);
  }

  canDelete(handle: Handle): void {
    if (handle.path === this.#root) {
      throw new NtStatusError(NtStatus.CANNOT_DELETE);
    }
    if (handle.fd === null && fs.readdirSync(handle.path).length > 0) {
      throw new NtStatusError(NtStatus.DIRECTORY_NOT_EMPTY);
    }
  }

  rename(_handle: Handle, fileName: string, newFileName: string, replaceIfExists: boolean): void {
    const from = this.#pathOf(fileName);
    const to = this.#pathOf(newFileName);
    const target = fs.statSync(to, { ...BIG, throwIfNoEntry: false });
    // The same file: only the spelling of its name is to change.
    if (target !== undefined && target.ino !== fs.statSync(from, BIG).ino) {
      if (!replaceIfExists) {
        throw new NtStatusError(NtStatus.OBJECT_NAME_COLLISION);
      }
      if (target.isDirectory()) {
        throw new NtStatusError(NtStatus.ACCESS_DENIED);
      }
    }
    fs.renameSync(from, to);
    for (const open of this.#handles) {
      if (open.path === from || open.path.startsWith(from + path.sep)) {
        open.path = to + open.path.slice(from.length);
      }
    }
  }

  getSecurity(): Uint8Array {
    return everyoneFullAccess();
  }

  async readDirectory(handle: Handle, marker: string | null): Promise<DirectoryEntry[]> {
    if (marker === null) {
      handle.entries = await this.#list(handle.path);
    }
    return afterMarker(handle.entries, marker);
  }

  async #list(directory: string): Promise<DirectoryEntry[]> {
    const names = await readdir(directory);
    const entries = await Promise.all(
      names.map(async (fileName) => {
        try {
          return { fileName, fileInfo: infoOf(await stat(path.join(directory, fileName), BIG)) };
        } catch {
          // Gone meanwhile, a link to nowhere, or nothing that we serve.
          return null;
        }
      }),
    );
    return entries.filter((entry) => entry !== null);
  }

  /** The place of `\a\b` below our root. */
  #pathOf(fileName: string): string {
    const names = fileName.split('\\').filter((name) => name !== '');
    if (names.some((name) => name === '..' || name.includes('/'))) {
      throw new NtStatusError(NtStatus.OBJECT_NAME_INVALID);
    }
    return path.join(this.#root, ...names);
  }

  #statOf(fileName: string): fs.BigIntStats {
    const where = this.#pathOf(fileName);
    const found = fs.statSync(where, { ...BIG, throwIfNoEntry: false });
    if (found !== undefined) {
      return found;
    }
    // Windows tells a missing file from a missing directory on the way to it.
    const hasParent = fs.statSync(path.dirname(where), { throwIfNoEntry: false })?.isDirectory() ?? false;
    throw new NtStatusError(hasParent ? NtStatus.OBJECT_NAME_NOT_FOUND : NtStatus.OBJECT_PATH_NOT_FOUND);
  }

  #opened(where: string, fd: number | null): Opened<Handle> {
    const handle: Handle = { path: where, fd, entries: [] };
    const fileInfo = this.getFileInfo(handle);
    this.#handles.add(handle);
    return { context: handle, fileInfo };
  }

  #take(lengthBytes: number): Uint8Array {
    const own = this.#buffers.pop();
    return own !== undefined && own.length >= lengthBytes ? own : pageAligned(lengthBytes);
  }
}

/** The number, or the largest that is exact. */
function toNumber(bytes: bigint): number {
  return Math.min(Number(bytes), Number.MAX_SAFE_INTEGER);
}

function fileOf(handle: Handle): number {
  if (handle.fd === null) {
    throw new NtStatusError(NtStatus.FILE_IS_A_DIRECTORY);
  }
  return handle.fd;
}

function infoOf(stats: fs.BigIntStats): FileInfo {
  if (!stats.isDirectory() && !stats.isFile()) {
    throw new NtStatusError(NtStatus.ACCESS_DENIED);
  }
  return {
    fileAttributes: stats.isDirectory() ? FileAttribute.DIRECTORY : FileAttribute.ARCHIVE,
    fileSize: stats.isDirectory() ? 0 : Number(stats.size),
    creationTime: fileTimeFromNs(stats.birthtimeNs),
    lastAccessTime: fileTimeFromNs(stats.atimeNs),
    lastWriteTime: fileTimeFromNs(stats.mtimeNs),
    changeTime: fileTimeFromNs(stats.ctimeNs),
    indexNumber: stats.ino,
  };
}

const [directory, mountPoint] = process.argv.slice(2);
if (directory === undefined || mountPoint === undefined) {
  console.error('usage: passthrough-fs DIRECTORY MOUNTPOINT');
  process.exit(2);
}
const host = new FileSystemHost(new PassthroughFs(directory), {
  volumeParams: {
    VolumeInfoTimeout: 0,
    // Names and open files behave as in the directory below.
    CaseSensitiveSearch: process.platform === 'linux',
    SupportsPosixUnlinkRename: process.platform === 'linux',
  },
});
process.once('SIGINT', () => host.unmount());
process.once('SIGTERM', () => host.unmount());
console.log(`mounted ${await host.mount(mountPoint)}`);
