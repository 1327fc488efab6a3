/**
 * The smallest useful volume: read-only, with one file.
 *
 *     node dist/examples/hello-fs.js R:          (Windows; on Linux: an empty directory)
 *
 * Ctrl+C unmounts it. A method that is not here is something the volume cannot do: the driver refuses it.
 */
import {
  afterMarker,
  everyoneReadOnly,
  FileAttribute,
  type FileInfo,
  type FileSystem,
  FileSystemHost,
  fileTimeNow,
  NtStatus,
  NtStatusError,
} from 'ramdrive/winfsp';

const NAME = 'hello.txt';
const TEXT = new TextEncoder().encode('Hello from a file system written in TypeScript.\n');

/** What is open: the root or the file. */
type Context = 'root' | 'file';

class HelloFs implements FileSystem<Context> {
  readonly #made = fileTimeNow();

  getVolumeInfo() {
    return { totalSize: 4096, freeSize: 0, volumeLabel: 'HELLO' };
  }

  getSecurityByName(fileName: string) {
    const { fileAttributes } = this.getFileInfo(this.#find(fileName));
    return { fileAttributes, securityDescriptor: everyoneReadOnly() };
  }

  open(fileName: string) {
    const context = this.#find(fileName);
    return { context, fileInfo: this.getFileInfo(context) };
  }

  getFileInfo(context: Context): FileInfo {
    return {
      fileAttributes: context === 'root' ? FileAttribute.DIRECTORY : FileAttribute.READONLY,
      fileSize: context === 'root' ? 0 : TEXT.length,
      creationTime: this.#made,
      lastAccessTime: this.#made,
      lastWriteTime: this.#made,
      changeTime: this.#made,
      indexNumber: context === 'root' ? 1 : 2,
    };
  }

  getSecurity() {
    return everyoneReadOnly();
  }

  read(_file: Context, buffer: Uint8Array, offset: number) {
    const bytes = TEXT.subarray(offset, offset + buffer.length);
    buffer.set(bytes);
    return bytes.length;
  }

  readDirectory(_root: Context, marker: string | null) {
    return afterMarker([{ fileName: NAME, fileInfo: this.getFileInfo('file') }], marker);
  }

  #find(fileName: string): Context {
    if (fileName === '\\') {
      return 'root';
    }
    // Names on Windows are the same whatever their case.
    if (fileName.toLowerCase() === `\\${NAME}`) {
      return 'file';
    }
    const isBelow = fileName.lastIndexOf('\\') > 0;
    throw new NtStatusError(isBelow ? NtStatus.OBJECT_PATH_NOT_FOUND : NtStatus.OBJECT_NAME_NOT_FOUND);
  }
}

const [mountPoint] = process.argv.slice(2);
if (mountPoint === undefined) {
  console.error('usage: hello-fs MOUNTPOINT');
  process.exit(2);
}
const host = new FileSystemHost(new HelloFs(), { volumeParams: { ReadOnlyVolume: true } });
process.once('SIGINT', () => host.unmount());
process.once('SIGTERM', () => host.unmount());
console.log(`mounted ${await host.mount(mountPoint)}`);
