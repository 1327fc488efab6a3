/**
 * NativePageMemory: page memory from the operating system, outside the JavaScript heap, through koffi.
 *
 * Linux: one private anonymous mapping without reservation. The kernel gives memory at the first touch, so commit is
 * only bookkeeping and cannot be refused here; the kernel overcommits, and running out shows as the OOM killer, not as
 * DISK_FULL. Set the capacity below the machine's memory. Decommit is madvise(MADV_DONTNEED).
 * Windows: VirtualAlloc reserves the range, commits and decommits runs of pages; a refused commit is DISK_FULL to the
 * writer. The Windows part has not been run on Windows.
 *
 * May touch: its own range and whatever addresses copy is given. A wrong address crashes the process; the PagedFile
 * computes none outside of its pages, and the caller vouches for its own buffer. Everything is synchronous and 50 ns a
 * call; lengths and addresses are plain numbers (`uintptr_t`), which is cheaper than BigInt or pointer objects.
 */
import koffi from 'koffi';
import {
  assertPageGeometry,
  DEFAULT_PAGE_SIZE_BYTES,
  type PageMemory,
} from '../volume/content/page-memory.js';

export interface NativePageMemoryOptions {
  pageCount: number;
  pageSizeBytes?: number;
}

/** What differs between the systems. */
interface PageSystem {
  smallestPageBytes: number;
  /** The address, or 0 when refused. */
  reserve(lengthBytes: number): number;
  commit(address: number, lengthBytes: number): boolean;
  decommit(address: number, lengthBytes: number): void;
  release(address: number, lengthBytes: number): void;
  prefault: ((address: number, lengthBytes: number) => void) | undefined;
  residentBytes: ((address: number, lengthBytes: number) => number) | undefined;
  copy(destinationAddress: number, sourceAddress: number, lengthBytes: number): void;
  fill(address: number, value: number, lengthBytes: number): void;
}

export class NativePageMemory implements PageMemory {
  readonly pageSizeBytes: number;
  readonly pageCount: number;
  readonly baseAddress: number;
  readonly copy: PageSystem['copy'];
  readonly #system: PageSystem;
  readonly #fill: PageSystem['fill'];
  /** Pages from here on were never committed: residentBytes need not look there. */
  #highestPage = 0;
  #disposed = false;

  constructor(options: NativePageMemoryOptions) {
    this.#system = pageSystem();
    this.pageSizeBytes = options.pageSizeBytes ?? DEFAULT_PAGE_SIZE_BYTES;
    this.pageCount = options.pageCount;
    assertPageGeometry(this.pageSizeBytes, this.pageCount, this.#system.smallestPageBytes);
    // As properties, not methods around them: one call less on the path of every read and write.
    this.copy = this.#system.copy;
    this.#fill = this.#system.fill;
    const lengthBytes = this.pageCount * this.pageSizeBytes;
    this.baseAddress = this.#system.reserve(lengthBytes);
    if (this.baseAddress === 0) {
      throw new Error(
        `no address range of ${lengthBytes} bytes (${this.pageCount} pages of ${this.pageSizeBytes}) ` +
          'could be reserved: choose a smaller capacity',
      );
    }
  }

  commit(firstPage: number, count: number): boolean {
    if (!this.#system.commit(this.#addressOf(firstPage), count * this.pageSizeBytes)) return false;
    this.#highestPage = Math.max(this.#highestPage, firstPage + count);
    return true;
  }

  decommit(firstPage: number, count: number): void {
    this.#system.decommit(this.#addressOf(firstPage), count * this.pageSizeBytes);
  }

  prefault(firstPage: number, count: number): void {
    this.#system.prefault?.(this.#addressOf(firstPage), count * this.pageSizeBytes);
  }

  zero(address: number, lengthBytes: number): void {
    this.#fill(address, 0, lengthBytes);
  }

  /** Looks at every page used so far; -1 where the system cannot tell. About 1 ms per GiB. */
  residentBytes(): number {
    if (this.#disposed) return 0;
    return this.#system.residentBytes?.(this.baseAddress, this.#highestPage * this.pageSizeBytes) ?? -1;
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#system.release(this.baseAddress, this.pageCount * this.pageSizeBytes);
  }

  #addressOf(page: number): number {
    if (this.#disposed) throw new Error('page memory is used after dispose');
    return this.baseAddress + page * this.pageSizeBytes;
  }
}

let loaded: PageSystem | undefined;

function pageSystem(): PageSystem {
  if (loaded === undefined) {
    if (process.platform === 'linux') loaded = linuxPageSystem();
    else if (process.platform === 'win32') loaded = windowsPageSystem();
    else throw new Error(`page memory: Linux or Windows expected, this is ${process.platform}`);
  }
  return loaded;
}

const COPY = 'void memcpy(uintptr_t destination, uintptr_t source, size_t length)';
const FILL = 'void memset(uintptr_t address, int value, size_t length)';

/** Values of the Linux system call interface, the same on every architecture Node runs on. */
const PROT_READ_WRITE = 0x3;
const MAP_PRIVATE = 0x02;
const MAP_ANONYMOUS = 0x20;
const MAP_NORESERVE = 0x4000;
const MADV_DONTNEED = 4;
const MADV_DONTFORK = 10;
const MADV_NOHUGEPAGE = 15;
const MADV_DONTDUMP = 16;
const MADV_POPULATE_WRITE = 23;
const SC_PAGESIZE = 30;

function linuxPageSystem(): PageSystem {
  // The process itself: the C library is there under whatever name (glibc, musl).
  const libc = koffi.load(null);
  const mmap = libc.func(
    'uintptr_t mmap(uintptr_t address, size_t length, int protection, int flags, int fd, intptr_t offset)',
  );
  const munmap = libc.func('int munmap(uintptr_t address, size_t length)');
  const madvise = libc.func('int madvise(uintptr_t address, size_t length, int advice)');
  const mincore = libc.func('int mincore(uintptr_t address, size_t length, _Out_ uint8_t *resident)');
  const copy = libc.func(COPY);
  const fill = libc.func(FILL);
  let canPrefault = true;
  const systemPageBytes = Number(libc.func('long sysconf(int name)')(SC_PAGESIZE));
  return {
    smallestPageBytes: systemPageBytes,
    reserve(lengthBytes) {
      const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
      // MAP_FAILED is 2^64 - 1, which is no safe integer.
      const address: number | bigint = mmap(0, lengthBytes, PROT_READ_WRITE, flags, -1, 0);
      if (!Number.isSafeInteger(address)) return 0;
      // A page is what is reserved, so memory must not come in larger pieces; a child process needs no copy of the
      // volume's page tables; and a core dump should not contain users' files. All three are wishes: a refusal does
      // no harm.
      const wishes = [MADV_NOHUGEPAGE, MADV_DONTFORK, MADV_DONTDUMP];
      for (const advice of wishes) madvise(address, lengthBytes, advice);
      return Number(address);
    },
    commit: () => true,
    decommit(address, lengthBytes) {
      if (madvise(address, lengthBytes, MADV_DONTNEED) !== 0) {
        // Locked memory cannot be dropped; the promise "zero after the next commit" must hold all the same.
        fill(address, 0, lengthBytes);
      }
    },
    release(address, lengthBytes) {
      munmap(address, lengthBytes);
    },
    // One call instead of a fault for each page. Kernels before 5.14 do not know it and simply fault.
    prefault(address, lengthBytes) {
      if (canPrefault && madvise(address, lengthBytes, MADV_POPULATE_WRITE) !== 0) canPrefault = false;
    },
    residentBytes(address, lengthBytes) {
      const pieceBytes = 2 ** 30;
      const resident = new Uint8Array(Math.ceil(Math.min(pieceBytes, lengthBytes) / systemPageBytes));
      let pages = 0;
      for (let at = 0; at < lengthBytes; at += pieceBytes) {
        const bytes = Math.min(pieceBytes, lengthBytes - at);
        if (mincore(address + at, bytes, resident) !== 0) return -1;
        for (let i = 0; i < bytes / systemPageBytes; i++) pages += (resident[i] as number) & 1;
      }
      return pages * systemPageBytes;
    },
    copy,
    fill,
  };
}

const MEM_COMMIT = 0x1000;
const MEM_RESERVE = 0x2000;
const MEM_DECOMMIT = 0x4000;
const MEM_RELEASE = 0x8000;
const PAGE_READWRITE = 0x04;
/** The page size of Windows on x64 and ARM64. */
const WINDOWS_PAGE_BYTES = 4096;

function windowsPageSystem(): PageSystem {
  const kernel32 = koffi.load('kernel32.dll');
  const crt = koffi.load('msvcrt.dll');
  const virtualAlloc = kernel32.func(
    'uintptr_t __stdcall VirtualAlloc(uintptr_t address, size_t size, uint32_t type, uint32_t protection)',
  );
  const virtualFree = kernel32.func(
    'int __stdcall VirtualFree(uintptr_t address, size_t size, uint32_t type)',
  );
  return {
    smallestPageBytes: WINDOWS_PAGE_BYTES,
    reserve: (lengthBytes) => Number(virtualAlloc(0, lengthBytes, MEM_RESERVE, PAGE_READWRITE)),
    commit: (address, lengthBytes) =>
      Number(virtualAlloc(address, lengthBytes, MEM_COMMIT, PAGE_READWRITE)) !== 0,
    decommit(address, lengthBytes) {
      if (virtualFree(address, lengthBytes, MEM_DECOMMIT) === 0)
        throw new Error('VirtualFree refused to decommit');
    },
    release(address) {
      virtualFree(address, 0, MEM_RELEASE);
    },
    prefault: undefined,
    // Needs QueryWorkingSetEx over every page; the committed pages are the better figure on Windows.
    residentBytes: undefined,
    copy: crt.func(COPY),
    fill: crt.func(FILL),
  };
}
