/**
 * Calls that Node does not have, for the clients of a drive on Linux: mappings, fallocate, copy_file_range, O_DIRECT's
 * aligned memory, memory shared among processes. Every function throws an error with `code` as node:fs does.
 */
import { constants as os } from 'node:os';
import koffi from 'koffi';

const library = koffi.load('libc.so.6');
const native = {
  mmap: library.func(
    'intptr_t mmap(uintptr_t address, size_t length, int protection, int flags, int fd, int64_t offset)',
  ),
  munmap: library.func('int munmap(uintptr_t address, size_t length)'),
  msync: library.func('int msync(uintptr_t address, size_t length, int flags)'),
  memcpy: library.func('void memcpy(uintptr_t to, const void *from, size_t length)'),
  fallocate: library.func('int fallocate(int fd, int mode, int64_t offset, int64_t length)'),
  copyFileRange: library.func(
    'int64_t copy_file_range(int fdIn, int64_t *offsetIn, int fdOut, int64_t *offsetOut, size_t length, unsigned int flags)',
  ),
};

const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;
const MAP_SHARED_ANONYMOUS = 0x21;
const MS_SYNC = 4;

/** fallocate(2) modes. */
export const FALLOC_KEEP_SIZE = 1;
export const FALLOC_PUNCH_HOLE = 2;

const NAME_OF_ERRNO = new Map(Object.entries(os.errno).map(([name, value]) => [value, name]));

function check(call: string, result: number): number {
  if (result < 0) {
    const errno = koffi.errno();
    const code = NAME_OF_ERRNO.get(errno) ?? `errno ${errno}`;
    throw Object.assign(new Error(`${code}: ${call}`), { code, syscall: call });
  }
  return result;
}

export class Mapping {
  private constructor(
    readonly address: number,
    readonly lengthBytes: number,
  ) {}

  /** Of a file, shared with everybody who maps it; or of nothing, for memory that is aligned to pages. */
  static of(fd: number | null, lengthBytes: number): Mapping {
    const flags = fd === null ? MAP_SHARED_ANONYMOUS : MAP_SHARED;
    const address = check('mmap', native.mmap(0, lengthBytes, PROT_READ_WRITE, flags, fd ?? -1, 0));
    return new Mapping(address, lengthBytes);
  }

  /** For a mapping that stays: making a view is not cheap. */
  view(): ArrayBuffer {
    return koffi.view(this.address, this.lengthBytes);
  }

  write(offset: number, bytes: Buffer): void {
    native.memcpy(this.address + offset, bytes, bytes.length);
  }

  sync(): void {
    check('msync', native.msync(this.address, this.lengthBytes, MS_SYNC));
  }

  unmap(): void {
    check('munmap', native.munmap(this.address, this.lengthBytes));
  }
}

export function fallocate(fd: number, mode: number, offset: number, lengthBytes: number): void {
  check('fallocate', native.fallocate(fd, mode, offset, lengthBytes));
}

/** Returns how many bytes were copied. */
export function copyFileRange(
  fdIn: number,
  offsetIn: number,
  fdOut: number,
  offsetOut: number,
  lengthBytes: number,
): number {
  return check(
    'copy_file_range',
    Number(native.copyFileRange(fdIn, [offsetIn], fdOut, [offsetOut], lengthBytes, 0)),
  );
}
