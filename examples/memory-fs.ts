/**
 * A small in-memory file system, written only against the public interface: files, directories, rename, delete,
 * listings. It keeps each file's bytes in one Uint8Array; the RAM drive of this package does better. The tests of the
 * host run on it.
 *
 * Not for the command line: `new FileSystemHost(new MemoryFs())` in your own program, or a host with this module's URL.
 */
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
  fileTimeNow,
  type IoRequest,
  NtStatus,
  NtStatusError,
  type Opened,
  type OverwriteRequest,
  type SecurityByName,
  type VolumeInfo,
  type WriteRequest,
  type Written,
} from 'ramdrive/winfsp';

export interface MemoryFsOptions {
  /** Default: false, as Windows has it. */
  caseSensitive?: boolean;
  /** Default: 64 MiB. */
  capacityBytes?: number;
}

/** A file or directory. It is the context of all handles that are open on it. */
export interface MemoryNode {
  name: string;
  parent: MemoryNode | null;
  /** Null: a file. */
  children: Map<string, MemoryNode> | null;
  data: Uint8Array;
  fileSize: number;
  fileAttributes: number;
  creationTime: bigint;
  lastAccessTime: bigint;
  lastWriteTime: bigint;
  changeTime: bigint;
  indexNumber: number;
  securityDescriptor: Uint8Array;
  openCount: number;
}

/** A refusal by its NTSTATUS. */
const refuse = (name: keyof typeof NtStatus) => new NtStatusError(NtStatus[name]);

export class MemoryFs implements FileSystem<MemoryNode> {
  volumeLabel = 'MEMORY';
  readonly #caseSensitive: boolean;
  readonly #capacityBytes: number;
  readonly #root: MemoryNode;
  #usedBytes = 0;
  #lastIndex = 0;

  constructor({ caseSensitive = false, capacityBytes = 64 * 1024 * 1024 }: MemoryFsOptions = {}) {
    this.#caseSensitive = caseSensitive;
    this.#capacityBytes = capacityBytes;
    this.#root = this.#newNode('', null, FileAttribute.DIRECTORY, everyoneFullAccess());
  }

  /** Handles that are open, for tests. */
  get openCount(): number {
    const count = (node: MemoryNode): number =>
      [...(node.children?.values() ?? [])].reduce((sum, child) => sum + count(child), node.openCount);
    return count(this.#root);
  }

  getVolumeInfo(): VolumeInfo {
    const { volumeLabel } = this;
    return { totalSize: this.#capacityBytes, freeSize: this.#capacityBytes - this.#usedBytes, volumeLabel };
  }

  setVolumeLabel(volumeLabel: string): VolumeInfo {
    this.volumeLabel = volumeLabel;
    return this.getVolumeInfo();
  }

  getSecurityByName(fileName: string): SecurityByName {
    const { fileAttributes, securityDescriptor } = this.#find(fileName);
    return { fileAttributes, securityDescriptor };
  }

  create(fileName: string, request: CreateRequest): Opened<MemoryNode> {
    const end = fileName.lastIndexOf('\\');
    const parent = this.#find(fileName.slice(0, end) || '\\', 'OBJECT_PATH_NOT_FOUND');
    const name = fileName.slice(end + 1);
    if (parent.children === null) {
      throw refuse('NOT_A_DIRECTORY');
    }
    if (parent.children.has(this.#fold(name))) {
      throw refuse('OBJECT_NAME_COLLISION');
    }
    const kind = request.directory ? FileAttribute.DIRECTORY : FileAttribute.ARCHIVE;
    const security = request.securityDescriptor ?? parent.securityDescriptor;
    const node = this.#newNode(name, parent, request.fileAttributes | kind, security);
    parent.children.set(this.#fold(name), node);
    this.#touch(parent);
    return this.#opened(node);
  }

  open(fileName: string): Opened<MemoryNode> {
    return this.#opened(this.#find(fileName));
  }

  overwrite(node: MemoryNode, { fileAttributes, replaceFileAttributes }: OverwriteRequest): FileInfo {
    this.#resize(node, 0);
    const kept = replaceFileAttributes ? 0 : node.fileAttributes;
    node.fileAttributes = kept | fileAttributes | FileAttribute.ARCHIVE;
    return this.getFileInfo(node);
  }

  cleanup(node: MemoryNode, request: CleanupRequest): void {
    const now = fileTimeNow();
    if (request.setLastAccessTime) {
      node.lastAccessTime = now;
    }
    if (request.setLastWriteTime) {
      node.lastWriteTime = now;
    }
    if (request.setChangeTime) {
      node.changeTime = now;
    }
    if (request.setArchiveBit && node.children === null) {
      node.fileAttributes |= FileAttribute.ARCHIVE;
    }
    // Nobody was asked before a delete-on-close: a directory that is not empty stays.
    if (request.delete && (node.children?.size ?? 0) === 0) {
      this.#unlink(node);
    }
  }

  close(node: MemoryNode): void {
    node.openCount -= 1;
    this.#forget(node);
  }

  read(node: MemoryNode, buffer: Uint8Array, offset: number, _request: IoRequest): number | Promise<number> {
    const bytes = node.data.subarray(offset, Math.min(offset + buffer.length, node.fileSize));
    buffer.set(bytes);
    return bytes.length;
  }

  write(
    node: MemoryNode,
    buffer: Uint8Array,
    offset: number,
    { writeToEndOfFile, constrainedIo }: WriteRequest,
  ): Written | Promise<Written> {
    const start = writeToEndOfFile ? node.fileSize : offset;
    const length = constrainedIo
      ? Math.max(0, Math.min(buffer.length, node.fileSize - start))
      : buffer.length;
    if (start + length > node.fileSize) {
      this.#resize(node, start + length);
    }
    node.data.set(buffer.subarray(0, length), start);
    this.#touch(node);
    return { bytesWritten: length, fileInfo: this.getFileInfo(node) };
  }

  flush(node: MemoryNode | null): FileInfo | null {
    return node === null ? null : this.getFileInfo(node);
  }

  getFileInfo(node: MemoryNode): FileInfo {
    const { fileAttributes, fileSize, creationTime, lastAccessTime, lastWriteTime, changeTime, indexNumber } =
      node;
    return { fileAttributes, fileSize, creationTime, lastAccessTime, lastWriteTime, changeTime, indexNumber };
  }

  setBasicInfo(node: MemoryNode, { fileAttributes, ...times }: BasicInfo): FileInfo {
    if (fileAttributes !== undefined) {
      const kind = node.children === null ? 0 : FileAttribute.DIRECTORY;
      node.fileAttributes = (fileAttributes & ~FileAttribute.NORMAL & ~FileAttribute.DIRECTORY) | kind;
    }
    Object.assign(node, times);
    return this.getFileInfo(node);
  }

  setFileSize(node: MemoryNode, newSize: number, setAllocationSize: boolean): FileInfo {
    if (!setAllocationSize || newSize < node.fileSize) {
      this.#resize(node, newSize);
      this.#touch(node);
    }
    return this.getFileInfo(node);
  }

  canDelete(node: MemoryNode): void {
    if (node === this.#root) {
      throw refuse('CANNOT_DELETE');
    }
    if ((node.children?.size ?? 0) > 0) {
      throw refuse('DIRECTORY_NOT_EMPTY');
    }
  }

  rename(node: MemoryNode, _fileName: string, newFileName: string, replaceIfExists: boolean): void {
    const end = newFileName.lastIndexOf('\\');
    const parent = this.#find(newFileName.slice(0, end) || '\\', 'OBJECT_PATH_NOT_FOUND');
    const name = newFileName.slice(end + 1);
    const target = parent.children?.get(this.#fold(name));
    if (target !== undefined && target !== node) {
      if (!replaceIfExists) {
        throw refuse('OBJECT_NAME_COLLISION');
      }
      if (target.children !== null) {
        throw refuse('ACCESS_DENIED');
      }
      this.#unlink(target);
    }
    node.parent?.children?.delete(this.#fold(node.name));
    node.parent = parent;
    node.name = name;
    parent.children?.set(this.#fold(name), node);
  }

  getSecurity(node: MemoryNode): Uint8Array {
    return node.securityDescriptor;
  }

  readDirectory(
    node: MemoryNode,
    marker: string | null,
  ): Iterable<DirectoryEntry> | Promise<Iterable<DirectoryEntry>> {
    const children = [...(node.children?.values() ?? [])];
    return afterMarker(
      children.map((child) => ({ fileName: child.name, fileInfo: this.getFileInfo(child) })),
      marker,
    );
  }

  #newNode(
    name: string,
    parent: MemoryNode | null,
    fileAttributes: number,
    securityDescriptor: Uint8Array,
  ): MemoryNode {
    const now = fileTimeNow();
    this.#lastIndex += 1;
    return {
      name,
      parent,
      children: (fileAttributes & FileAttribute.DIRECTORY) !== 0 ? new Map() : null,
      data: new Uint8Array(0),
      fileSize: 0,
      fileAttributes,
      creationTime: now,
      lastAccessTime: now,
      lastWriteTime: now,
      changeTime: now,
      indexNumber: this.#lastIndex,
      securityDescriptor,
      openCount: 0,
    };
  }

  #fold(name: string): string {
    return this.#caseSensitive ? name : name.toUpperCase();
  }

  #find(fileName: string, missing: keyof typeof NtStatus = 'OBJECT_NAME_NOT_FOUND'): MemoryNode {
    let node = this.#root;
    const names = fileName.split('\\').filter((name) => name !== '');
    for (const [index, name] of names.entries()) {
      const child = node.children?.get(this.#fold(name));
      if (child === undefined) {
        throw refuse(
          index === names.length - 1 && node.children !== null ? missing : 'OBJECT_PATH_NOT_FOUND',
        );
      }
      node = child;
    }
    return node;
  }

  #opened(node: MemoryNode): Opened<MemoryNode> {
    node.openCount += 1;
    return { context: node, fileInfo: this.getFileInfo(node), normalizedName: pathOf(node) };
  }

  #resize(node: MemoryNode, size: number): void {
    if (this.#usedBytes + size - node.fileSize > this.#capacityBytes) {
      throw refuse('DISK_FULL');
    }
    this.#usedBytes += size - node.fileSize;
    if (size > node.data.length) {
      const grown = new Uint8Array(Math.max(size, node.data.length * 2));
      grown.set(node.data.subarray(0, node.fileSize));
      node.data = grown;
    }
    // What is cut off must read as zeros when the file grows again.
    node.data.fill(0, size, Math.max(size, node.fileSize));
    node.fileSize = size;
  }

  #touch(node: MemoryNode): void {
    node.lastWriteTime = fileTimeNow();
    node.changeTime = node.lastWriteTime;
  }

  /** The name goes now; the data go with the last handle. */
  #unlink(node: MemoryNode): void {
    if (node.parent !== null) {
      node.parent.children?.delete(this.#fold(node.name));
      this.#touch(node.parent);
      node.parent = null;
      this.#forget(node);
    }
  }

  #forget(node: MemoryNode): void {
    if (node.parent === null && node.openCount === 0 && node !== this.#root) {
      this.#resize(node, 0);
    }
  }
}

/** What a FileSystemHost that is given this module's URL serves, in a worker of its own. */
export default function memoryFs(options?: MemoryFsOptions): MemoryFs {
  return new MemoryFs(options);
}

function pathOf(node: MemoryNode): string {
  const parent = node.parent === null ? '' : pathOf(node.parent);
  return node.name === '' ? '\\' : `${parent === '\\' ? '' : parent}\\${node.name}`;
}
