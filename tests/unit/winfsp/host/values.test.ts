/** The small parts of the high level: times, errors, structures, handles, order, descriptors. */
import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NtStatus, ntStatusName } from '../../../../src/ntstatus.js';
import { selfRelativeLength } from '../../../../src/winfsp/abi/self-relative.js';
import { afterMarker, compareNames } from '../../../../src/winfsp/host/directory-order.js';
import { encodeFileInfo, encodeVolumeInfo, describe as show } from '../../../../src/winfsp/host/encode.js';
import type { FileInfo } from '../../../../src/winfsp/host/file-system.js';
import {
  fileTimeFrom,
  fileTimeFromNs,
  fileTimeToNs,
  fileTimeToSeconds,
} from '../../../../src/winfsp/host/file-time.js';
import { HandleTable } from '../../../../src/winfsp/host/handle-table.js';
import { everyoneFullAccess, everyoneReadOnly } from '../../../../src/winfsp/host/security.js';
import {
  NtStatusError,
  nodeCodeOf,
  ntStatusOfNodeCode,
  statusOfError,
} from '../../../../src/winfsp/host/status-errors.js';
import { EVERYONE_FULL } from '../fixtures/memory-file-system.mjs';

describe('FILETIMEs', () => {
  it('are those of Windows', () => {
    expect(fileTimeFrom(new Date('1970-01-01T00:00:00Z'))).toBe(116_444_736_000_000_000n);
    expect(fileTimeFrom(new Date('1601-01-01T00:00:00Z'))).toBe(0n);
    expect(fileTimeFrom(0.0001)).toBe(116_444_736_000_000_001n);
    expect(fileTimeToSeconds(116_444_736_015_000_000n)).toBe(1.5);
  });

  it('survive a round trip by nanoseconds, to 100 ns', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 2n ** 62n), (time) => {
        expect(fileTimeFromNs(fileTimeToNs(time))).toBe(time);
      }),
    );
  });
});

describe('errors', () => {
  it.each([
    ['ENOENT', NtStatus.OBJECT_NAME_NOT_FOUND],
    ['EEXIST', NtStatus.OBJECT_NAME_COLLISION],
    ['EACCES', NtStatus.ACCESS_DENIED],
    ['ENOSPC', NtStatus.DISK_FULL],
    ['ENOTEMPTY', NtStatus.DIRECTORY_NOT_EMPTY],
    ['ENOTDIR', NtStatus.NOT_A_DIRECTORY],
    ['EISDIR', NtStatus.FILE_IS_A_DIRECTORY],
    ['EROFS', NtStatus.MEDIA_WRITE_PROTECTED],
    ['ENAMETOOLONG', NtStatus.NAME_TOO_LONG],
  ])('%s goes both ways', (code, status) => {
    expect(ntStatusOfNodeCode(code)).toBe(status);
    expect(nodeCodeOf(status)).toBe(code);
    expect(statusOfError(Object.assign(new Error(), { code }))).toBe(status);
    expect(new NtStatusError(status).code).toBe(code);
  });

  it('a code that only leads one way still leads somewhere', () => {
    expect(nodeCodeOf(NtStatus.OBJECT_PATH_NOT_FOUND)).toBe('ENOENT');
    expect(ntStatusOfNodeCode('EDQUOT')).toBe(NtStatus.DISK_FULL);
    expect(ntStatusOfNodeCode('ENONSENSE')).toBeUndefined();
    expect(nodeCodeOf(NtStatus.INTERNAL_ERROR)).toBeUndefined();
  });

  it('every error that a system call can end with is a failure, none a success or a bug', () => {
    const codes = [
      ...Object.keys(constants.errno),
      ...[...getSystemErrorMap().values()].map(([name]) => name),
    ];
    expect(codes.length).toBeGreaterThan(100);
    for (const code of codes) {
      const status = statusOfError(Object.assign(new Error(), { code }));
      expect(status, code).toBeLessThan(0);
      expect(nodeCodeOf(status!), code).toMatch(/^E[A-Z]+$/);
    }
    expect(statusOfError(Object.assign(new Error(), { code: 'EHOSTUNREACH' }))).toBe(NtStatus.UNSUCCESSFUL);
    expect(statusOfError(Object.assign(new Error(), { code: 'ERR_INVALID_ARG_TYPE' }))).toBeNull();
  });

  it('an NtStatusError is the status that it carries, whatever its code would lead to', () => {
    const failures = Object.values(NtStatus).filter((status) => status < 0);
    expect(failures.length).toBeGreaterThan(30);
    for (const status of failures) {
      expect(statusOfError(new NtStatusError(status)), ntStatusName(status)).toBe(status);
    }
    // Of another copy of the package, so of another class.
    const foreign = Object.assign(new Error(), {
      name: 'NtStatusError',
      ntStatus: 0xc000003a,
      code: 'ENOENT',
    });
    expect(statusOfError(foreign)).toBe(NtStatus.OBJECT_PATH_NOT_FOUND);
  });

  it('an abort is CANCELLED', () => {
    expect(statusOfError(AbortSignal.abort().reason)).toBe(NtStatus.CANCELLED);
  });

  it('a success can be no error', () => {
    expect(() => new NtStatusError(0)).toThrow(RangeError);
    expect(() => new NtStatusError(NtStatus.PENDING)).toThrow(RangeError);
    expect(new NtStatusError(0xc0000034).ntStatus).toBe(NtStatus.OBJECT_NAME_NOT_FOUND);
  });

  it.each([
    [undefined],
    [null],
    [NtStatus.DISK_FULL],
    ['ENOENT'],
    [{ code: 'ENOENT' }],
    [new Error('plain')],
    [Object.assign(new Error(), { code: 'toString' })],
    [Object.assign(new Error(), { code: 5 })],
    [Object.assign(new Error(), { name: 'NtStatusError', ntStatus: 0 })],
    [
      new Proxy(new Error(), {
        get: () => {
          throw new Error('no');
        },
      }),
    ],
  ])('what is no refusal is a bug: %#', (thrown) => {
    expect(statusOfError(thrown)).toBeNull();
  });
});

const INFO: FileInfo = {
  fileAttributes: 0x20,
  fileSize: 2 ** 40 + 1,
  creationTime: 1n,
  lastAccessTime: 2n ** 63n,
  lastWriteTime: 3n,
  changeTime: 4n,
  indexNumber: 2n ** 60n + 1n,
};

describe('structures', () => {
  it('a FileInfo fills its 72 bytes and no other', () => {
    const bytes = Buffer.alloc(80, 0xcc);
    encodeFileInfo(INFO, new DataView(bytes.buffer, bytes.byteOffset), 4, 4096);
    expect(bytes.readUInt32LE(4)).toBe(0x20);
    expect(bytes.readBigUInt64LE(4 + 8)).toBe(2n ** 40n + 4096n);
    expect(bytes.readBigUInt64LE(4 + 16)).toBe(2n ** 40n + 1n);
    expect([24, 32, 40, 48].map((at) => bytes.readBigUInt64LE(4 + at))).toEqual([1n, 2n ** 63n, 3n, 4n]);
    expect(bytes.readBigUInt64LE(4 + 56)).toBe(2n ** 60n + 1n);
    expect(bytes.readBigUInt64LE(4 + 64)).toBe(0n);
    expect([...bytes.subarray(0, 4), ...bytes.subarray(76)]).toEqual(Array(8).fill(0xcc));
  });

  it.each([
    ['nothing', undefined],
    ['a negative size', { ...INFO, fileSize: -1 }],
    ['a fraction', { ...INFO, fileSize: 0.5 }],
    ['a time in milliseconds', { ...INFO, changeTime: 5 }],
    ['no time', { ...INFO, creationTime: undefined }],
    ['a promise', Promise.resolve(INFO)],
  ])('%s is a TypeError', (_name, info) => {
    expect(() => encodeFileInfo(info as FileInfo, new DataView(new ArrayBuffer(72)), 0, 512)).toThrow(
      TypeError,
    );
  });

  it('a label is cut at 32 units', () => {
    const view = new DataView(new ArrayBuffer(88));
    encodeVolumeInfo({ totalSize: 10, freeSize: 5, volumeLabel: 'x'.repeat(40) }, view, 0);
    expect(view.getUint16(16, true)).toBe(64);
  });

  it('anything can be shown', () => {
    const bad = Object.create(null);
    expect([show(bad), show(Symbol('s')), show(undefined), show(5n)]).toEqual([
      'an object',
      'Symbol(s)',
      'undefined',
      '5',
    ]);
  });
});

describe('handles', () => {
  it('a number finds its own handle, never a later one in the same place', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(3), { maxLength: 100 }), (steps) => {
        const table = new HandleTable<number>();
        const open = new Map<number, number>();
        const closed: number[] = [];
        for (const [index, step] of steps.entries()) {
          const [first] = open;
          if (step === 0 && first !== undefined) {
            table.delete(table.get(first[0])!);
            open.delete(first[0]);
            closed.push(first[0]);
          } else {
            open.set(table.add(index).number, index);
          }
          expect(table.size).toBe(open.size);
          for (const [number, context] of open) {
            expect(number).toBeGreaterThan(0);
            expect(table.get(number)?.context).toBe(context);
          }
          expect(closed.map((number) => table.get(number))).toEqual(closed.map(() => undefined));
        }
        expect(
          table
            .all()
            .map(({ number }) => number)
            .sort(),
        ).toEqual([...open.keys()].sort());
      }),
    );
  });

  it('a request is cancelled by the cleanup it began before, also when it asks for its signal later', () => {
    const handle = new HandleTable<string>().add('x');
    const reason = new Error('over');
    const early = handle.cancellation;
    const { signal } = early;
    handle.cleanedUp(reason);
    expect([signal.aborted, signal.reason]).toEqual([true, reason]);
    expect(early.signal).toBe(signal);
    expect(handle.cancellation.signal.aborted).toBe(false);

    const late = new HandleTable<string>().add('y');
    const request = late.cancellation;
    late.cleanedUp(reason);
    expect([request.signal.aborted, request.signal.reason]).toEqual([true, reason]);
  });
});

describe('the order of a listing', () => {
  it('pieces by marker give every name once, also when the marker has gone', () => {
    const name = fc.string({ minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(
        fc.uniqueArray(name),
        fc.integer({ min: 1, max: 5 }),
        fc.boolean(),
        (names, piece, gone) => {
          const entries = ['..', '.', ...names.filter((one) => one !== '.' && one !== '..')].map(
            (fileName) => ({ fileName }),
          );
          const seen: string[] = [];
          let left = entries;
          for (let marker: string | null = null; ; marker = seen.at(-1)!) {
            const part = afterMarker(left, marker).slice(0, piece);
            if (part.length === 0) {
              break;
            }
            seen.push(...part.map(({ fileName }) => fileName));
            left = gone ? left.filter(({ fileName }) => fileName !== seen.at(-1)) : left;
          }
          expect([...seen].sort()).toEqual(entries.map(({ fileName }) => fileName).sort());
          expect(seen.slice(0, 2)).toEqual(['.', '..']);
          expect([...seen].sort(compareNames)).toEqual(seen);
        },
      ),
    );
  });
});

describe('descriptors', () => {
  it.each([everyoneFullAccess(), everyoneReadOnly()])('are self-relative to the last byte: %#', (bytes) => {
    const view = new DataView(bytes.buffer);
    expect(selfRelativeLength(view, bytes.length)).toBe(bytes.length);
  });

  it('full access is the descriptor that the other tests use', () => {
    expect(everyoneFullAccess()).toEqual(EVERYONE_FULL);
    expect(everyoneReadOnly()).not.toEqual(EVERYONE_FULL);
  });
});
