/**
 * Every callback of the table, called as C calls it: through the function pointer in its slot, with native memory for
 * the results. No library is needed for this.
 */
import koffi from 'koffi';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NtStatus } from '../../../../../src/ntstatus.js';
import { getUint64 } from '../../../../../src/winfsp/abi/fields.js';
import { InterfaceLayout } from '../../../../../src/winfsp/abi/layouts.js';
import { registeredCallbacks } from '../../../../../src/winfsp/library/callbacks.js';
import type { FileSystemInterface } from '../../../../../src/winfsp/library/file-system-interface.js';
import type { WinFspLibrary } from '../../../../../src/winfsp/library/library.js';
import { RenameExtension } from '../../../../../src/winfsp/library/linux-extensions.js';
import { InterfaceTable } from '../../../../../src/winfsp/library/table/interface-table.js';
import {
  copyMemory,
  liveBlocks,
  NativeBlock,
  readUtf16,
} from '../../../../../src/winfsp/memory/native-memory.js';
import { eaList } from '../../../../support/ea-list.js';
import { utf16Block } from '../../../../support/utf16-block.js';
import { EVERYONE_FULL, type LoggedCall, MemoryFileSystem } from '../../fixtures/memory-file-system.mjs';

type Slot = Exclude<keyof typeof InterfaceLayout, 'SIZE'>;
const P = 'uintptr_t';
/** Written down once more from the prototypes of docs/data/winfsp-abi.json, independently of the code. */
const PARAMETERS: Partial<Record<Slot, string[]>> = {
  GetVolumeInfo: [P],
  SetVolumeLabel: [P, P],
  GetSecurityByName: [P, P, P, P],
  Create: [P, 'uint32_t', 'uint32_t', 'uint32_t', P, 'uint64_t', P, P],
  Open: [P, 'uint32_t', 'uint32_t', P, P],
  Overwrite: [P, 'uint32_t', 'uint8_t', 'uint64_t', P],
  Cleanup: [P, P, 'uint32_t'],
  Close: [P],
  Read: [P, P, 'uint64_t', 'uint32_t', P],
  Write: [P, P, 'uint64_t', 'uint32_t', 'uint8_t', 'uint8_t', P, P],
  Flush: [P, P],
  GetFileInfo: [P, P],
  SetBasicInfo: [P, 'uint32_t', 'uint64_t', 'uint64_t', 'uint64_t', 'uint64_t', P],
  SetFileSize: [P, 'uint64_t', 'uint8_t', P],
  CanDelete: [P, P],
  Rename: [P, P, P, 'uint8_t'],
  GetSecurity: [P, P, P],
  SetSecurity: [P, 'uint32_t', P],
  GetStreamInfo: [P, P, 'uint32_t', P],
  GetEa: [P, P, 'uint32_t', P],
  SetEa: [P, P, 'uint32_t', P],
  ReadDirectory: [P, P, P, P, 'uint32_t', P],
  ResolveReparsePoints: [P, 'uint32_t', 'uint8_t', P, P, P],
  GetReparsePoint: [P, P, P, P],
  SetReparsePoint: [P, P, P, 'uint64_t'],
  DeleteReparsePoint: [P, P, P, 'uint64_t'],
  GetDirInfoByName: [P, P, P],
  SetDelete: [P, P, 'uint8_t'],
  CreateEx: [P, 'uint32_t', 'uint32_t', 'uint32_t', P, 'uint64_t', P, 'uint32_t', 'uint8_t', P, P],
  OverwriteEx: [P, 'uint32_t', 'uint8_t', 'uint64_t', P, 'uint32_t', P],
  Control: [P, 'uint32_t', P, 'uint32_t', P, 'uint32_t', P],
};
const VOID_SLOTS = new Set<Slot>(['Cleanup', 'Close']);
const FS = 0x1000;
const ALL_ONES = 0xffff_ffff_ffff_ffffn;

let table: InterfaceTable | undefined;
let errors: [string, unknown][];
let strings: NativeBlock[];
let out: NativeBlock;
let blocksBefore: number;
let callbacksBefore: number;
let resolved: unknown[][];

beforeEach(() => {
  blocksBefore = liveBlocks();
  callbacksBefore = registeredCallbacks();
  errors = [];
  strings = [];
  resolved = [];
  out = new NativeBlock(64 * 1024);
  out.bytes.fill(0xaa);
});

afterEach(() => {
  table?.dispose();
  table = undefined;
  for (const text of strings) {
    text.free();
  }
  out.free();
  expect(liveBlocks()).toBe(blocksBefore);
  expect(registeredCallbacks()).toBe(callbacksBefore);
});

/** What the library's resolver does. */
let resolving: (args: unknown[]) => number = () => 0x104;

function use(fileSystem: FileSystemInterface, caseSensitive = false): void {
  const library = {
    fspFileSystemResolveReparsePoints: (...args: unknown[]) => {
      resolved.push(args);
      return resolving(args);
    },
  } as unknown as WinFspLibrary;
  table = new InterfaceTable(library, fileSystem, {
    caseSensitive,
    onError: (where, error) => errors.push([where, error]),
  });
}

function useMemory(): MemoryFileSystem {
  const fs = new MemoryFileSystem({
    copyMemory,
    addressOf: (bytes) => Number(koffi.address(bytes)),
    log: true,
    reparse: true,
  });
  use(fs);
  return fs;
}

function pointer(slot: Slot): number {
  const copy = new NativeBlock(InterfaceLayout.SIZE);
  copyMemory(copy.address, table!.address, InterfaceLayout.SIZE);
  const address = Number(copy.view.getBigUint64(InterfaceLayout[slot], true));
  copy.free();
  return address;
}

function call(slot: Slot, ...args: (number | bigint)[]): number {
  const proto = koffi.proto(VOID_SLOTS.has(slot) ? 'void' : 'int32_t', [P, ...PARAMETERS[slot]!]);
  return koffi.call(BigInt(pointer(slot)), proto, FS, ...args) as number;
}

function text(value: string): number {
  const block = utf16Block(value);
  strings.push(block);
  return block.address;
}

function last(fs: MemoryFileSystem): LoggedCall | undefined {
  return fs.calls.at(-1);
}

/** Results of Create and Open: context at out+0, OPEN_FILE_INFO at out+16, its name buffer at out+1024. */
function openArguments(nameCapacity = 16256): [number, number] {
  out.view.setBigUint64(16 + 72, BigInt(out.address + 1024), true);
  out.view.setUint16(16 + 80, nameCapacity, true);
  return [out.address, out.address + 16];
}

function normalizedName(): string {
  const size = out.view.getUint16(16 + 80, true);
  return Buffer.from(out.bytes.subarray(1024, 1024 + size)).toString('utf16le');
}

function createFile(path: string, options = 2 << 24): number {
  expect(call('Create', text(path), options, 0x1f01ff, 0, 0, 0, ...openArguments())).toBe(0);
  return Number(out.view.getBigUint64(0, true));
}

describe('the table', () => {
  it('has a callback for each method and 0 everywhere else', () => {
    use({ getFileInfo: () => 0, close: () => {} });
    for (const slot of Object.keys(PARAMETERS) as Slot[]) {
      expect([slot, pointer(slot) !== 0]).toEqual([slot, slot === 'GetFileInfo' || slot === 'Close']);
    }
    useMemoryAfterDispose();
    for (const slot of Object.keys(PARAMETERS) as Slot[]) {
      // The file system in memory knows neither control codes nor extended attributes nor streams.
      const isThere = !['Control', 'GetEa', 'SetEa', 'CreateEx', 'OverwriteEx', 'GetStreamInfo'].includes(
        slot,
      );
      expect([slot, pointer(slot) !== 0]).toEqual([slot, isThere]);
    }
    expect(pointer('DispatcherStopped')).toBe(0);
  });

  it('offers to open through reparse points only when the library can resolve them', () => {
    const fs = new MemoryFileSystem({ copyMemory, addressOf: () => 0, reparse: true });
    table = new InterfaceTable({ fspFileSystemResolveReparsePoints: null } as unknown as WinFspLibrary, fs, {
      caseSensitive: false,
      onError: () => {},
    });
    expect(pointer('ResolveReparsePoints')).toBe(0);
    expect(pointer('GetReparsePoint')).not.toBe(0);
    expect(pointer('SetReparsePoint')).not.toBe(0);
    expect(pointer('DeleteReparsePoint')).not.toBe(0);
  });

  function useMemoryAfterDispose() {
    table!.dispose();
    useMemory();
  }
});

describe('a handler that goes wrong never looks like success', () => {
  const wrongs: [string, () => unknown][] = [
    [
      'throws',
      () => {
        throw new Error('boom');
      },
    ],
    [
      'throws nothing',
      () => {
        throw undefined;
      },
    ],
    ['returns undefined', () => undefined],
    ['returns a promise', () => Promise.resolve(0)],
    ['returns NaN', () => Number.NaN],
    ['returns a fraction', () => 0.5],
    ['returns an unsigned NTSTATUS', () => 0xc0000034],
    ['returns a string', () => '0'],
  ];
  const methods = [
    'getVolumeInfo', 'setVolumeLabel', 'getSecurityByName', 'create', 'open', 'overwrite', 'read', 'write',
    'flush', 'getFileInfo', 'setBasicInfo', 'setFileSize', 'canDelete', 'setDelete', 'rename', 'setSecurity',
    'readDirectory', 'getDirInfoByName', 'setReparsePoint', 'deleteReparsePoint', 'getEa', 'setEa', 'control',
    'getStreamInfo',
  ] as const; // biome-ignore format: a list
  it.each(wrongs)('%s', (_what, wrong) => {
    for (const method of methods) {
      use({ getReparsePoint: () => 0, [method]: wrong } as unknown as FileSystemInterface);
      const slot = (method[0]!.toUpperCase() + method.slice(1)) as Slot;
      const descriptor = out.address + 4096;
      out.bytes.set(EVERYONE_FULL, 4096);
      const args = PARAMETERS[slot]!.map((type) => (type === P ? descriptor : 1));
      expect([method, call(slot, ...args)]).toEqual([method, NtStatus.INTERNAL_ERROR]);
      expect(errors.at(-1)![0]).toBe(slot);
      table!.dispose();
    }
    table = undefined;
    expect(errors).toHaveLength(methods.length);
  });

  it('cleanup and close, which cannot answer, report it', () => {
    use({
      cleanup: () => {
        throw new Error('a');
      },
      close: () => {
        throw new Error('b');
      },
    });
    call('Cleanup', 5, 0, 0);
    call('Close', 5);
    expect(errors.map(([where]) => where)).toEqual(['Cleanup', 'Close']);
  });

  it.each([0, -1, 2 ** 53, 1.5, Number.NaN])('a context of %s is refused', (context) => {
    use({
      open: (_path, _options, _access, result) => {
        result.context = context;
        return 0;
      },
    });
    expect(call('Open', text('\\a'), 0, 0, ...openArguments())).toBe(NtStatus.INTERNAL_ERROR);
    expect(errors).toHaveLength(1);
  });

  it('a context is not left over from the open before', () => {
    let first = true;
    use({
      open: (_p, _o, _a, result) => {
        if (first) {
          result.context = 9;
        }
        first = false;
        return 0;
      },
    });
    expect(call('Open', text('\\a'), 0, 0, ...openArguments())).toBe(0);
    expect(call('Open', text('\\b'), 0, 0, ...openArguments())).toBe(NtStatus.INTERNAL_ERROR);
  });

  it('more bytes than asked for', () => {
    use({ read: () => 11, write: () => 11 });
    expect(call('Read', 5, out.address, 0, 10, out.address)).toBe(NtStatus.INTERNAL_ERROR);
    expect(call('Write', 5, out.address, 0, 10, 0, 0, out.address, out.address + 8)).toBe(
      NtStatus.INTERNAL_ERROR,
    );
  });

  it('but not REPARSE from Open, which the library resolves', () => {
    use({ open: () => NtStatus.REPARSE });
    expect(call('Open', text('\\a'), 0, 0, ...openArguments())).toBe(NtStatus.REPARSE);
  });

  it('PENDING or REPARSE where there is nothing to wait for', () => {
    use({
      open: () => 0x103,
      readDirectory: () => 0x103,
      getSecurity: () => 0x104,
      getDirInfoByName: () => 0,
    });
    expect(call('Open', text('\\a'), 0, 0, ...openArguments())).toBe(NtStatus.INTERNAL_ERROR);
    expect(call('ReadDirectory', 5, 0, 0, out.address, 1000, out.address + 2000)).toBe(
      NtStatus.INTERNAL_ERROR,
    );
    out.view.setBigUint64(0, 16256n, true);
    expect(call('GetSecurity', 5, out.address + 16, out.address)).toBe(NtStatus.INTERNAL_ERROR);
    expect(call('GetDirInfoByName', 5, text('a'), out.address)).toBe(NtStatus.INTERNAL_ERROR);
  });
});

describe('volume', () => {
  it('GetVolumeInfo and SetVolumeLabel fill all 88 bytes and no more', () => {
    const fs = useMemory();
    expect(call('GetVolumeInfo', out.address)).toBe(0);
    expect(out.view.getBigUint64(0, true)).toBe(0x4000000n);
    expect(out.view.getBigUint64(8, true)).toBe(0x3000000n);
    expect(out.view.getUint16(16, true)).toBe(8);
    expect(out.bytes[87]).toBe(0);
    expect(out.bytes[88]).toBe(0xaa);
    expect(call('SetVolumeLabel', text('Größe'), out.address)).toBe(0);
    expect(last(fs)).toEqual(['setVolumeLabel', 'Größe']);
    expect(out.view.getUint16(16, true)).toBe(10);
  });

  it('nothing is written when it fails', () => {
    use({
      getVolumeInfo: (view, offset) => {
        view.setUint32(offset, 1, true);
        return NtStatus.ACCESS_DENIED;
      },
    });
    expect(call('GetVolumeInfo', out.address)).toBe(NtStatus.ACCESS_DENIED);
    expect(out.bytes[0]).toBe(0xaa);
  });
});

describe('GetSecurityByName', () => {
  const at = { attributes: 0, size: 8, descriptor: 64 };
  const byName = (path: string, attributes: boolean, descriptor: boolean, capacity: number) => {
    out.view.setBigUint64(at.size, BigInt(capacity), true);
    return call(
      'GetSecurityByName',
      text(path),
      attributes ? out.address + at.attributes : 0,
      descriptor ? out.address + at.descriptor : 0,
      descriptor ? out.address + at.size : 0,
    );
  };
  const size = () => Number(out.view.getBigUint64(at.size, true));

  it('existence only, attributes only, everything', () => {
    useMemory();
    expect(byName('\\', false, false, 0)).toBe(0);
    expect(out.bytes[0]).toBe(0xaa);
    expect(byName('\\', true, false, 0)).toBe(0);
    expect(out.view.getUint32(0, true)).toBe(0x10);
    expect(byName('\\', true, true, 1024)).toBe(0);
    expect(size()).toBe(EVERYONE_FULL.length);
    expect([...out.bytes.subarray(64, 64 + EVERYONE_FULL.length)]).toEqual([...EVERYONE_FULL]);
    expect(out.bytes[64 + EVERYONE_FULL.length]).toBe(0xaa);
  });

  it('too small a buffer, also of 0 bytes, gets the real length and BUFFER_OVERFLOW', () => {
    useMemory();
    for (const capacity of [0, EVERYONE_FULL.length - 1]) {
      expect(byName('\\', true, true, capacity)).toBe(NtStatus.BUFFER_OVERFLOW);
      expect(size()).toBe(EVERYONE_FULL.length);
      expect(out.bytes[64]).toBe(0xaa);
    }
    expect(byName('\\', true, true, EVERYONE_FULL.length)).toBe(0);
  });

  it('no descriptor is length 0, even after a file that had one', () => {
    let has = true;
    use({
      getSecurityByName: (_path, result) => {
        result.securityDescriptor = has ? EVERYONE_FULL : result.securityDescriptor;
        has = false;
        return 0;
      },
    });
    expect(byName('\\a', true, true, 1024)).toBe(0);
    expect(byName('\\b', true, true, 1024)).toBe(0);
    expect(size()).toBe(0);
  });

  it('missing names pass, REPARSE passes with its index', () => {
    useMemory();
    expect(byName('\\no', true, true, 1024)).toBe(NtStatus.OBJECT_NAME_NOT_FOUND);
    expect(byName('\\no\\such', true, true, 1024)).toBe(NtStatus.OBJECT_PATH_NOT_FOUND);
    table!.dispose();
    use({
      getSecurityByName: (_path, result) => {
        result.fileAttributes = 3;
        return NtStatus.REPARSE;
      },
    });
    expect(byName('\\a\\b', true, true, 1024)).toBe(NtStatus.REPARSE);
    expect(out.view.getUint32(0, true)).toBe(3);
  });

  it('a descriptor longer than the scratch memory arrives whole', () => {
    const long = Uint8Array.from({ length: 66_000 }, (_, i) => i % 251);
    use({
      getSecurityByName: (_path, result) => {
        result.securityDescriptor = long;
        return 0;
      },
    });
    const big = new NativeBlock(66_008);
    out.view.setBigUint64(at.size, 66_008n, true);
    expect(call('GetSecurityByName', text('\\'), 0, big.address, out.address + at.size)).toBe(0);
    expect(Buffer.compare(big.bytes.subarray(0, 66_000), long)).toBe(0);
    big.free();
  });
});

describe('Create and Open', () => {
  it('pass everything and return context, FILE_INFO and the stored spelling', () => {
    const fs = useMemory();
    out.bytes.set(EVERYONE_FULL, 8192);
    const [context, info] = openArguments();
    const status = call(
      'Create',
      text('\\Größe😀.TXT'),
      0x02000040,
      0x80000001,
      0x22,
      out.address + 8192,
      2n ** 33n + 1n,
      context,
      info,
    );
    expect(status).toBe(0);
    expect(last(fs)).toEqual([
      'create',
      '\\Größe😀.TXT',
      0x02000040,
      0x80000001,
      0x22,
      [...EVERYONE_FULL],
      2 ** 33 + 1,
    ]);
    expect(out.view.getBigUint64(0, true)).toBe(2n);
    expect(out.view.getUint32(16, true)).toBe(0x22);
    expect(out.view.getBigUint64(16 + 56, true)).toBe(2n);
    expect(normalizedName()).toBe('\\Größe😀.TXT');
    openArguments();
    expect(call('Open', text('\\GRÖßE😀.txt'), 1 << 24, 7, context, info)).toBe(0);
    expect(normalizedName()).toBe('\\Größe😀.TXT');
    expect(out.view.getBigUint64(0, true)).toBe(2n);
  });

  it('a failure writes nothing', () => {
    useMemory();
    const [context, info] = openArguments();
    expect(call('Open', text('\\no'), 0, 0, context, info)).toBe(NtStatus.OBJECT_NAME_NOT_FOUND);
    expect(out.bytes[0]).toBe(0xaa);
    expect(out.view.getUint16(16 + 80, true)).toBe(16256);
  });

  it('without a name of its own the requested one is normal, since none would mean capitals', () => {
    use({
      open: (_p, _o, _a, result) => {
        result.context = 1;
        return 0;
      },
    });
    expect(call('Open', text('\\Mixed'), 0, 0, ...openArguments())).toBe(0);
    expect(normalizedName()).toBe('\\Mixed');
  });

  it('case-sensitive volumes get none', () => {
    use(
      {
        open: (_p, _o, _a, result) => {
          result.context = 1;
          result.normalizedName = '\\a';
          return 0;
        },
      },
      true,
    );
    expect(call('Open', text('\\A'), 0, 0, ...openArguments())).toBe(0);
    expect(out.view.getUint16(16 + 80, true)).toBe(16256);
  });

  it('a name of another length is reported and not given, nor one that is too long', () => {
    use({
      open: (p, _o, _a, result) => {
        result.context = 1;
        result.normalizedName = p.length > 9 ? null : '\\SS';
        return 0;
      },
    });
    expect(call('Open', text('\\ß'), 0, 0, ...openArguments())).toBe(0);
    expect(errors).toHaveLength(1);
    expect(out.view.getUint16(16 + 80, true)).toBe(16256);
    expect(call('Open', text(`\\${'x'.repeat(1023)}`), 0, 0, ...openArguments())).toBe(0);
    expect(out.view.getUint16(16 + 80, true)).toBe(2048);
    expect(call('Open', text(`\\${'x'.repeat(1024)}`), 0, 0, ...openArguments())).toBe(0);
    expect(out.view.getUint16(16 + 80, true)).toBe(16256);
  });

  it('a malformed descriptor is refused before the handler sees it', () => {
    const fs = useMemory();
    const [context, info] = openArguments();
    expect(call('Create', text('\\x'), 0, 0, 0, out.address + 30000, 0, context, info)).toBe(
      NtStatus.INVALID_SECURITY_DESCR,
    );
    expect(fs.calls).toEqual([]);
  });

  it('Overwrite', () => {
    const fs = useMemory();
    const context = createFile('\\a');
    expect(call('Overwrite', context, 2, 1, 4096, out.address)).toBe(0);
    expect(last(fs)).toEqual(['overwrite', context, 2, true, 4096]);
    expect(out.view.getUint32(0, true)).toBe(0x22);
    expect(call('Overwrite', context, 1, 0, 0, out.address)).toBe(0);
    expect(out.view.getUint32(0, true)).toBe(0x23);
  });

  it('Cleanup and Close', () => {
    const fs = useMemory();
    const context = createFile('\\a');
    call('Cleanup', context, 0, 0x62);
    expect(last(fs)).toEqual(['cleanup', context, null, 0x62]);
    call('Cleanup', context, text('\\A'), 1);
    expect(fs.calls.at(-2)).toEqual(['cleanup', context, '\\A', 1]);
    call('Close', context);
    expect(last(fs)).toEqual(['close', context]);
    expect(fs.nodes.size).toBe(1);
  });
});

describe('data', () => {
  it('Read and Write, to the end and constrained', () => {
    const fs = useMemory();
    const context = createFile('\\a');
    out.bytes.set([1, 2, 3, 4, 5], 4096);
    const count = out.address + 512;
    const info = out.address + 600;
    expect(call('Write', context, out.address + 4096, 2, 5, 0, 0, count, info)).toBe(0);
    expect(out.view.getUint32(512, true)).toBe(5);
    expect(out.view.getBigUint64(600 + 16, true)).toBe(7n);
    expect(call('Write', context, out.address + 4096, ALL_ONES, 2, 1, 0, count, info)).toBe(0);
    expect(last(fs)).toEqual(['write', context, 0, 2, true, false]);
    expect(out.view.getBigUint64(600 + 16, true)).toBe(9n);
    expect(call('Write', context, out.address + 4096, 8, 5, 0, 1, count, info)).toBe(0);
    expect(last(fs)).toEqual(['write', context, 8, 5, false, true]);
    expect(out.view.getUint32(512, true)).toBe(1);
    expect(call('Read', context, out.address + 8192, 1, 100, count)).toBe(0);
    expect(out.view.getUint32(512, true)).toBe(8);
    expect([...out.bytes.subarray(8192, 8201)]).toEqual([0, 1, 2, 3, 4, 5, 1, 1, 0xaa]);
    expect(call('Read', context, out.address, 9, 1, count)).toBe(NtStatus.END_OF_FILE);
    expect(call('Read', context, out.address, 2n ** 32n + 1n, 1, count)).toBe(NtStatus.END_OF_FILE);
    expect(last(fs)).toEqual(['read', context, 2 ** 32 + 1, 1]);
  });

  it('a failing Write leaves count and FILE_INFO alone', () => {
    use({
      write: (_c, _a, _o, _l, _e, _i, view, offset) => {
        view.setUint32(offset, 7, true);
        return NtStatus.DISK_FULL;
      },
    });
    expect(call('Write', 5, out.address, 0, 1, 0, 0, out.address, out.address + 8)).toBe(NtStatus.DISK_FULL);
    expect(out.bytes.subarray(0, 100).every((byte) => byte === 0xaa)).toBe(true);
  });

  it('Flush of a file and of the volume', () => {
    const fs = useMemory();
    const context = createFile('\\a');
    expect(call('Flush', context, out.address)).toBe(0);
    expect(out.view.getUint32(0, true)).toBe(0x20);
    expect(call('Flush', 0, out.address)).toBe(0);
    expect(last(fs)).toEqual(['flush', 0]);
  });
});

describe('information', () => {
  it('GetFileInfo gives 72 bytes and no more', () => {
    useMemory();
    expect(call('GetFileInfo', 1, out.address)).toBe(0);
    expect(out.view.getUint32(0, true)).toBe(0x10);
    expect(out.view.getUint32(64, true)).toBe(0);
    expect(out.bytes[72]).toBe(0xaa);
    expect(call('GetFileInfo', 999, out.address)).toBe(NtStatus.INVALID_HANDLE);
  });

  it('SetBasicInfo splits times exactly, with the special values', () => {
    const fs = useMemory();
    const context = createFile('\\a');
    const time = 133_456_789_012_345_679n;
    expect(call('SetBasicInfo', context, 0xffffffff, time, 0n, ALL_ONES, ALL_ONES - 1n, out.address)).toBe(0);
    const low = Number(BigInt.asIntN(32, time));
    const high = Number(time >> 32n);
    expect(last(fs)).toEqual(['setBasicInfo', context, 0xffffffff, [low, high, 0, 0, -1, -1, -2, -1]]);
    expect(out.view.getBigUint64(24, true)).toBe(time);
    expect(call('SetBasicInfo', context, 1, 0, 5, 2 ** 33, 2n ** 63n, out.address)).toBe(0);
    expect(last(fs)![3]).toEqual([0, 0, 5, 0, 0, 2, 0, -(2 ** 31)]);
  });

  it('SetFileSize', () => {
    const fs = useMemory();
    const context = createFile('\\a');
    expect(call('SetFileSize', context, 4097, 0, out.address)).toBe(0);
    expect(out.view.getBigUint64(16, true)).toBe(4097n);
    expect(out.view.getBigUint64(8, true)).toBe(8192n);
    expect(call('SetFileSize', context, 4096, 1, out.address)).toBe(0);
    expect(last(fs)).toEqual(['setFileSize', context, 4096, true]);
  });

  it('Control gives what comes in and out, as much as there is room for', () => {
    const seen: unknown[] = [];
    use({
      control: (context, code, input, maxOutputBytes) => {
        seen.push([context, code, [...input], maxOutputBytes]);
        return Uint8Array.of(7, 8, 9);
      },
    });
    out.bytes.set([1, 2, 3, 4], 0);
    const [input, output, count] = [out.address, out.address + 64, out.address + 128];
    expect(call('Control', 5, 0x980c8, input, 4, output, 16, count)).toBe(0);
    expect(seen).toEqual([[5, 0x980c8, [1, 2, 3, 4], 16]]);
    expect([...out.bytes.subarray(64, 68), out.view.getUint32(128, true)]).toEqual([7, 8, 9, 0xaa, 3]);
    expect(call('Control', 5, 0x980c8, input, 0, output, 2, count)).toBe(NtStatus.BUFFER_TOO_SMALL);
    table!.dispose();
    use({ control: () => NtStatus.INVALID_DEVICE_REQUEST });
    expect(call('Control', 5, 1, input, 0, output, 2, count)).toBe(NtStatus.INVALID_DEVICE_REQUEST);
  });
});

describe('names', () => {
  it('CanDelete, SetDelete, Rename', () => {
    const fs = useMemory();
    const directory = createFile('\\d', (2 << 24) | 1);
    createFile('\\d\\f');
    expect(call('CanDelete', directory, text('\\d'))).toBe(NtStatus.DIRECTORY_NOT_EMPTY);
    expect(call('SetDelete', directory, text('\\d'), 0)).toBe(0);
    expect(last(fs)).toEqual(['setDelete', directory, '\\d', false]);
    expect(call('Rename', directory, text('\\d'), text('\\e'), 1)).toBe(0);
    expect(last(fs)).toEqual(['rename', directory, '\\d', '\\e', true, 0]);
    expect([...fs.nodes.keys()]).toEqual(['\\', '\\E', '\\E\\F']);
    expect(call('Rename', directory, text('\\e'), text('\\E'), RenameExtension.EXCHANGE)).toBe(0);
    expect(last(fs)).toEqual(['rename', directory, '\\e', '\\E', false, RenameExtension.EXCHANGE]);
    expect(call('Rename', directory, text('\\E'), text('\\E'), RenameExtension.LINK)).toBe(0);
    expect(last(fs)).toEqual(['rename', directory, '\\E', '\\E', false, RenameExtension.LINK]);
    expect(call('Rename', directory, text('\\E'), text('\\E\\F'), 0)).toBe(NtStatus.OBJECT_NAME_COLLISION);
  });
});

describe('security', () => {
  it('GetSecurity gives the descriptor or says how long it is', () => {
    useMemory();
    out.view.setBigUint64(0, 16256n, true);
    expect(call('GetSecurity', 1, out.address + 64, out.address)).toBe(0);
    expect(out.view.getBigUint64(0, true)).toBe(BigInt(EVERYONE_FULL.length));
    expect(out.bytes[64]).toBe(1);
    out.view.setBigUint64(0, 10n, true);
    expect(call('GetSecurity', 1, out.address + 4096, out.address)).toBe(NtStatus.BUFFER_OVERFLOW);
    expect(out.view.getBigUint64(0, true)).toBe(BigInt(EVERYONE_FULL.length));
    expect(out.bytes[4096]).toBe(0xaa);
    expect(call('GetSecurity', 99, out.address + 64, out.address)).toBe(NtStatus.INVALID_HANDLE);
  });

  it('SetSecurity passes exactly the descriptor', () => {
    const fs = useMemory();
    out.bytes.set(EVERYONE_FULL, 64);
    expect(call('SetSecurity', 1, 4, out.address + 64)).toBe(0);
    expect(last(fs)).toEqual(['setSecurity', 1, 4, [...EVERYONE_FULL]]);
    expect(call('SetSecurity', 1, 4, out.address + 4096)).toBe(NtStatus.INVALID_SECURITY_DESCR);
    expect(call('SetSecurity', 1, 4, 0)).toBe(NtStatus.INVALID_SECURITY_DESCR);
  });
});

describe('extended attributes', () => {
  it('GetEa gives the list, or says that it does not fit', () => {
    const list = eaList({ A: 'one', B: 'two' });
    use({ getEa: (context) => (context === 5 ? list : NtStatus.INVALID_HANDLE) });
    expect(call('GetEa', 5, out.address + 64, list.length, out.address)).toBe(0);
    expect(out.view.getUint32(0, true)).toBe(list.length);
    expect([...out.bytes.subarray(64, 64 + list.length)]).toEqual([...list]);
    expect(out.bytes[64 + list.length]).toBe(0xaa);
    expect(call('GetEa', 5, out.address + 4096, list.length - 1, out.address)).toBe(NtStatus.BUFFER_OVERFLOW);
    expect(out.bytes[4096]).toBe(0xaa);
    expect(call('GetEa', 6, out.address + 64, 1000, out.address)).toBe(NtStatus.INVALID_HANDLE);
  });

  it('SetEa passes exactly the list, and gives the information', () => {
    const seen: number[][] = [];
    use({
      setEa: (context, list, view, offset) => {
        seen.push([context, ...list]);
        view.setUint32(offset + 68, 77, true);
        return list.length === 0 ? NtStatus.DISK_FULL : 0;
      },
    });
    out.bytes.set([1, 2, 3], 64);
    expect(call('SetEa', 5, out.address + 64, 3, out.address + 4096)).toBe(0);
    expect(out.view.getUint32(4096 + 68, true)).toBe(77);
    expect(call('SetEa', 5, out.address + 64, 0, out.address + 8192 - 200)).toBe(NtStatus.DISK_FULL);
    expect(out.bytes[8192 - 200 + 68]).toBe(0xaa);
    expect(call('SetEa', 5, out.address + 64, 2 ** 20, out.address + 4096)).toBe(NtStatus.EA_TOO_LARGE);
    expect(seen).toEqual([[5, 1, 2, 3], [5]]);
  });

  it('CreateEx and OverwriteEx stand for Create and Overwrite, and pass exactly the list', () => {
    const seen: unknown[] = [];
    use({
      setEa: () => 0,
      create: (name, _options, _granted, _attributes, _security, size, result, list, reparse) => {
        seen.push([name, size, list && [...list], reparse && [...reparse]]);
        result.context = 9;
        return 0;
      },
      overwrite: (context, attributes, replace, size, view, offset, list) => {
        seen.push([context, attributes, replace, size, list && [...list]]);
        view.setUint32(offset + 68, 77, true);
        return 0;
      },
    });
    expect([pointer('Create'), pointer('Overwrite')]).toEqual([0, 0]);
    out.bytes.set([1, 2, 3], 4096);
    const list = out.address + 4096;
    const create = (address: number, length: number, isReparse = 0) =>
      call('CreateEx', text('\\x'), 2 << 24, 1, 0, 0, 7, address, length, isReparse, ...openArguments());
    expect(create(list, 3)).toBe(0);
    expect(Number(out.view.getBigUint64(0, true))).toBe(9);
    expect(create(0, 0)).toBe(0);
    expect(create(list, 2 ** 20)).toBe(NtStatus.EA_TOO_LARGE);
    expect(create(list, 3, 1)).toBe(0);
    expect(create(list, 2 ** 20, 1)).toBe(NtStatus.EA_TOO_LARGE);
    const overwrite = (address: number, length: number) =>
      call('OverwriteEx', 5, 6, 1, 8, address, length, out.address + 8192);
    expect(overwrite(list, 3)).toBe(0);
    expect(out.view.getUint32(8192 + 68, true)).toBe(77);
    expect(overwrite(0, 0)).toBe(0);
    expect(overwrite(list, 2 ** 20)).toBe(NtStatus.EA_TOO_LARGE);
    expect(seen).toEqual([
      ['\\x', 7, [1, 2, 3], null],
      ['\\x', 7, null, null],
      ['\\x', 7, null, [1, 2, 3]],
      [5, 6, true, 8, [1, 2, 3]],
      [5, 6, true, 8, null],
    ]);
  });
});

describe('streams', () => {
  it('GetStreamInfo gives 8-aligned records and the end mark, or what fits', () => {
    const given: boolean[] = [];
    use({
      getStreamInfo: (context, buffer) => {
        if (context !== 5) return NtStatus.INVALID_HANDLE;
        given.push(buffer.add('', 5, 4096), buffer.add('Zone', 2 ** 40 + 1, 2 ** 41));
        return 0;
      },
    });
    expect(call('GetStreamInfo', 5, out.address + 64, 1000, out.address)).toBe(0);
    expect(out.view.getUint32(0, true)).toBe(24 + 32 + 2);
    const record = (at: number) => [
      out.view.getUint16(at, true),
      getUint64(out.view, at + 8),
      getUint64(out.view, at + 16),
    ];
    expect(record(64)).toEqual([24, 5, 4096]);
    expect(record(88)).toEqual([32, 2 ** 40 + 1, 2 ** 41]);
    expect(Buffer.from(out.bytes.subarray(112, 120)).toString('utf16le')).toBe('Zone');
    expect([...out.bytes.subarray(120, 123)]).toEqual([0, 0, 0xaa]);
    out.bytes.fill(0xaa, 64, 256);
    expect(call('GetStreamInfo', 5, out.address + 64, 55, out.address)).toBe(0);
    expect(out.view.getUint32(0, true)).toBe(24);
    expect(out.bytes[64 + 24]).toBe(0xaa);
    expect(given).toEqual([true, true, true, false]);
    expect(call('GetStreamInfo', 6, out.address + 64, 1000, out.address)).toBe(NtStatus.INVALID_HANDLE);
  });

  it('a name that no stream can have is a fault of the handler', () => {
    use({
      getStreamInfo: (_context, buffer) => {
        buffer.add('x'.repeat(256), 0, 0);
        return 0;
      },
    });
    expect(call('GetStreamInfo', 5, out.address + 64, 4000, out.address)).toBe(NtStatus.INTERNAL_ERROR);
  });
});

describe('directories', () => {
  function list(context: number, marker: string | null, capacity: number): string[] {
    const status = call(
      'ReadDirectory',
      context,
      0,
      marker === null ? 0 : text(marker),
      out.address,
      capacity,
      out.address + 60000,
    );
    expect(status).toBe(0);
    const length = out.view.getUint32(60000, true);
    const names: string[] = [];
    for (let at = 0; at < length; ) {
      const size = out.view.getUint16(at, true);
      names.push(
        size === 0 ? '<end>' : Buffer.from(out.bytes.subarray(at + 104, at + size)).toString('utf16le'),
      );
      at += size === 0 ? 2 : (size + 7) & ~7;
    }
    return names;
  }

  it('ReadDirectory pages by marker, with dots but in the root', () => {
    const fs = useMemory();
    const directory = createFile('\\d', (2 << 24) | 1);
    createFile('\\d\\b');
    createFile('\\d\\A');
    expect(list(1, null, 4096)).toEqual(['d', '<end>']);
    expect(list(directory, null, 4096)).toEqual(['.', '..', 'A', 'b', '<end>']);
    expect(list(directory, null, 240)).toEqual(['.', '..']);
    expect(list(directory, '..', 224)).toEqual(['A', 'b']); // no room for the end mark: asked again

    expect(list(directory, 'b', 240)).toEqual(['<end>']);
    expect(list(directory, 'aa', 240)).toEqual(['b', '<end>']);
    expect(call('ReadDirectory', directory, text('*.X'), 0, out.address, 4096, out.address + 60000)).toBe(0);
    expect(last(fs)).toEqual(['readDirectory', directory, '*.X', null]);
  });

  it('a buffer too small for one entry is an error, since an empty answer would be the end', () => {
    useMemory();
    createFile('\\x');
    expect(call('ReadDirectory', 1, 0, 0, out.address, 100, out.address + 60000)).toBe(
      NtStatus.BUFFER_TOO_SMALL,
    );
    expect(out.bytes[0]).toBe(0x02); // context of createFile, untouched since
  });

  it('GetDirInfoByName gives the stored spelling, exactly as long as it is', () => {
    useMemory();
    const long = `L${'x'.repeat(254)}`;
    createFile(`\\${long}`);
    const room = 104 + 255 * 2;
    out.bytes.fill(0xaa);
    expect(call('GetDirInfoByName', 1, text(long.toUpperCase()), out.address)).toBe(0);
    expect(out.view.getUint16(0, true)).toBe(room);
    expect(Buffer.from(out.bytes.subarray(104, room)).toString('utf16le')).toBe(long);
    expect(out.bytes[room]).toBe(0xaa);
    expect(call('GetDirInfoByName', 1, text('no'), out.address)).toBe(NtStatus.OBJECT_NAME_NOT_FOUND);
  });
});

describe('reparse points', () => {
  const data = Uint8Array.from([0x0c, 0, 0, 0xa0, 4, 0, 0, 0, 1, 2, 3, 4]);

  it('set, get, delete', () => {
    const fs = useMemory();
    const context = createFile('\\l');
    out.bytes.set(data, 64);
    expect(call('SetReparsePoint', context, text('\\l'), out.address + 64, data.length)).toBe(0);
    expect(last(fs)).toEqual(['setReparsePoint', context, '\\l', [...data]]);
    out.view.setBigUint64(0, 16384n, true);
    expect(call('GetReparsePoint', context, text('\\l'), out.address + 1024, out.address)).toBe(0);
    expect(out.view.getBigUint64(0, true)).toBe(12n);
    expect([...out.bytes.subarray(1024, 1037)]).toEqual([...data, 0xaa]);
    out.view.setBigUint64(0, 11n, true);
    expect(call('GetReparsePoint', context, text('\\l'), out.address + 2048, out.address)).toBe(
      NtStatus.BUFFER_TOO_SMALL,
    );
    expect(out.view.getBigUint64(0, true)).toBe(12n);
    expect(call('DeleteReparsePoint', context, text('\\l'), out.address + 64, data.length)).toBe(0);
    expect(call('GetReparsePoint', context, text('\\l'), out.address, out.address)).toBe(
      NtStatus.NOT_A_REPARSE_POINT,
    );
  });

  it('resolving goes to the library, with a callback that looks up by name', () => {
    const fs = useMemory();
    const name = text('\\l\\x');
    const [io, to, size] = [out.address + 512, out.address + 1024, out.address + 536];
    expect(call('ResolveReparsePoints', name, 3, 1, io, to, size)).toBe(0x104);
    const [fileSystem, byName, context, ...rest] = resolved[0] as number[];
    expect([fileSystem, context, ...rest]).toEqual([FS, 0, name, 3, 1, io, to, size]);
    const proto = koffi.proto('int32_t', [P, P, P, 'uint8_t', P, P]);
    const lookUp = (path: string) => koffi.call(BigInt(byName!), proto, FS, 0, text(path), 0, 0, 0);
    createFile('\\l');
    expect(lookUp('\\l')).toBe(NtStatus.NOT_A_REPARSE_POINT);
    expect(last(fs)).toEqual(['getReparsePoint', 0, '\\l']);
    expect(lookUp('\\no')).toBe(NtStatus.OBJECT_NAME_NOT_FOUND);
    fs.nodes.get('\\L')!.reparse = data;
    expect(lookUp('\\l')).toBe(0);
  });

  it('an empty path, which the library leaves for a link to the root, becomes the root', () => {
    useMemory();
    const [io, to, size] = [512, 1024, 536];
    const arguments_ = [text('\\l'), 0, 1, out.address + io, out.address + to, out.address + size] as const;
    const emptyLink = Uint8Array.from([0x0c, 0, 0, 0xa0, ...new Array(12).fill(0), 1, 0, 0, 0]);
    out.bytes.set(emptyLink, to);
    resolving = () => NtStatus.OBJECT_PATH_NOT_FOUND;
    expect(call('ResolveReparsePoints', ...arguments_)).toBe(NtStatus.OBJECT_PATH_NOT_FOUND);
    let pathLeft = '\\none\\a';
    resolving = () => {
      out.bytes.set(emptyLink, to);
      out.bytes.set(Buffer.from(pathLeft, 'utf16le'), to + emptyLink.length);
      return NtStatus.OBJECT_PATH_NOT_FOUND;
    };
    expect(call('ResolveReparsePoints', ...arguments_)).toBe(NtStatus.OBJECT_PATH_NOT_FOUND);
    pathLeft = '';
    expect(call('ResolveReparsePoints', ...arguments_)).toBe(NtStatus.REPARSE);
    resolving = () => 0x104;
    expect(out.view.getUint32(io, true)).toBe(NtStatus.REPARSE);
    expect(out.view.getUint32(io + 8, true)).toBe(0xa000000c);
    expect(out.view.getUint32(size, true)).toBe(22);
    expect(Buffer.from(out.bytes).toString('utf16le', to + 20, to + 22)).toBe('\\');
  });
});

it('readUtf16 and utf16Block agree with what C sees', () => {
  expect(readUtf16(text('\\ß'))).toBe('\\ß');
});

it.each([0, 1, 7, 20])(
  'a registration that fails after %i others fails the table, and gives all of it back',
  (most) => {
    const before = [registeredCallbacks(), liveBlocks()];
    const { register } = koffi;
    let count = 0;
    const spy = vi.spyOn(koffi, 'register').mockImplementation((...args: unknown[]) => {
      if (count++ === most) throw new Error('too many callbacks');
      return (register as (...args: unknown[]) => bigint).apply(koffi, args);
    });
    try {
      const library = { fspFileSystemResolveReparsePoints: null } as unknown as WinFspLibrary;
      const options = { caseSensitive: false, onError: () => {} };
      expect(
        () => new InterfaceTable(library, new MemoryFileSystem({ copyMemory, addressOf: () => 0 }), options),
      ).toThrow('too many callbacks');
    } finally {
      spy.mockRestore();
    }
    expect(count).toBe(most + 1);
    expect([registeredCallbacks(), liveBlocks()]).toEqual(before);
  },
);
