/**
 * What only our Linux library has: options, and what its strict checks have found. On Windows `linuxExtensions()` is
 * null.
 */
import type { WinFspLibrary } from './library.js';

export interface LinuxExtensions {
  /**
   * NTSTATUS. File system address 0: the default for volumes created later. Names:
   * native/winfsp-linux/src/core/options.c.
   */
  setOption(fileSystemAddress: number, name: string, value: number): number;
  /**
   * Rules of docs/winfsp.md that the host broke, one sentence each, the first `most` of them; the library keeps 1,000.
   * Address 0: of the whole process.
   */
  violations(fileSystemAddress: number, most?: number): string[];
  violationCount(fileSystemAddress: number): number;
  openHandles(fileSystemAddress: number): number;
  /** As RemoveMountPoint, on a thread of koffi's pool, unless programs use the mount: then SHARING_VIOLATION. */
  removeIdleMountPoint(fileSystemAddress: number, done: (error: Error | null, status: number) => void): void;
  /** Why the last SetMountPoint was refused, in fusermount3's words, or null. */
  mountMessage(fileSystemAddress: number): string | null;
  /** Bytes that the library keeps for what clients look up, open and list; bounded. Address 0: of the whole process. */
  clientMemory(fileSystemAddress: number): number;
}

/**
 * What a rename says beyond ReplaceIfExists (bit 0 of that BOOLEAN), to a file system that has switched
 * `rename_extension` on; LINK to one that has switched `hard_links` on.
 */
export const RenameExtension = {
  /** The rules of rename(2): an empty directory gives way to another one, in the same step. */
  POSIX: 2,
  /** RENAME_EXCHANGE: the two names change places. */
  EXCHANGE: 4,
  /** link(2): the file gets the new name beside those it has, or again one when it has none left. */
  LINK: 8,
  /** RENAME_WHITEOUT, with POSIX: a character device 0:0 takes the old name, in the same step. */
  WHITEOUT: 16,
} as const;

/**
 * A bit of CreateOptions, to a file system that has switched `unnamed_files` on: the file gets no name, and its
 * directory stays as it is (O_TMPFILE). The last name of the path says nothing.
 */
export const CREATE_UNNAMED = 0x0008_0000;

/**
 * A control code: the content of another open file is copied into this one, as a write would do it. In: context and
 * offset of the other, offset in this one, length; out: bytes copied. 64 bits each.
 */
export const CONTROL_COPY_RANGE = 0x0022_a000;

/** What is behind VOLUME_INFO, by its offsets from the beginning of that: 64 bits each. */
export const FileCounts = { TotalFiles: 88, FreeFiles: 96, END: 104 } as const;

const MOUNT_MESSAGE_BYTES = 512;
const VIOLATION_TEXT_BYTES = 4096;
/** native/winfsp-linux/src/core/strict/strict.h: further ones are only counted. */
const VIOLATIONS_KEPT = 1000;

const known = new WeakMap<WinFspLibrary, LinuxExtensions | null>();

export function linuxExtensions(library: WinFspLibrary): LinuxExtensions | null {
  if (!known.has(library)) {
    known.set(library, lookUp(library));
  }
  return known.get(library) ?? null;
}

function lookUp(library: WinFspLibrary): LinuxExtensions | null {
  const P = 'uintptr_t';
  const U32 = 'uint32_t';
  const setOption = library.optional<(fs: number, name: string, value: number) => number>(
    'FspLinuxSetOption',
    'int32_t',
    [P, 'str', 'uint64_t'],
  );
  const count = library.optional<(fs: number) => number>('FspLinuxViolationCount', U32, [P]);
  const text = library.optional<(fs: number, index: number, buffer: Buffer, size: number) => number>(
    'FspLinuxViolationText',
    U32,
    [P, U32, 'void *', U32],
  );
  const handles = library.optional<(fs: number) => number>('FspLinuxOpenHandles', 'uint64_t', [P]);
  const memory = library.optional<(fs: number) => number>('FspLinuxClientMemory', 'uint64_t', [P]);
  const removeIdle = library.optional<
    ((fs: number) => number) & {
      async: (fs: number, done: (error: Error | null, status: number) => void) => void;
    }
  >('FspLinuxRemoveIdleMountPoint', 'int32_t', [P]);
  const message = library.optional<(fs: number, buffer: Buffer, size: number) => number>(
    'FspLinuxMountMessage',
    U32,
    [P, 'void *', U32],
  );
  if (
    setOption === null ||
    count === null ||
    text === null ||
    handles === null ||
    removeIdle === null ||
    message === null ||
    memory === null
  ) {
    return null;
  }
  return {
    setOption,
    violationCount: count,
    openHandles: handles,
    removeIdleMountPoint: (fileSystemAddress, done) => removeIdle.async(fileSystemAddress, done),
    mountMessage(fileSystemAddress) {
      const buffer = Buffer.alloc(MOUNT_MESSAGE_BYTES);
      return message(fileSystemAddress, buffer, buffer.length) === 0
        ? null
        : buffer.toString('utf8', 0, Math.max(0, buffer.indexOf(0)));
    },
    clientMemory: memory,
    violations(fileSystemAddress, most = VIOLATIONS_KEPT) {
      const buffer = Buffer.alloc(VIOLATION_TEXT_BYTES);
      const length = Math.min(count(fileSystemAddress), most, VIOLATIONS_KEPT);
      return Array.from({ length }, (_, index) => {
        text(fileSystemAddress, index, buffer, buffer.length);
        return buffer.toString('utf8', 0, Math.max(0, buffer.indexOf(0)));
      });
    },
  };
}
