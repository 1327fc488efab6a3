/** The rules of docs/winfsp.md#answers-that-may-nest, one case each, on hand-made requests and answers. */
import { describe, expect, it } from 'vitest';
import { NtStatus } from '../../../../src/ntstatus.js';
import { FileAttribute, TransactKind } from '../../../../src/winfsp/abi/constants.js';
import { setUint64 } from '../../../../src/winfsp/abi/fields.js';
import type { FileSystemInterface } from '../../../../src/winfsp/library/file-system-interface.js';
import { AnswerRouting, Route } from '../../../../src/winfsp/threads/answer-routing.js';

const INFINITE = 0xffffffff;
const CONTEXT = 77;

interface Case {
  kind: keyof typeof TransactKind;
  status?: number;
  fileSize?: number;
  attributes?: number;
  constrained?: boolean;
  context?: number;
  informationClass?: number;
  newSize?: number;
  offset?: number;
  length?: number;
  renameInFlight?: boolean;
  stream?: boolean;
}

/** A file system that knows one file, as it was before the request. */
function fileSystem(fileSize: number, attributes = FileAttribute.ARCHIVE as number): FileSystemInterface {
  return {
    getFileInfo(context, view, offset) {
      if (context !== CONTEXT) {
        return NtStatus.INVALID_HANDLE;
      }
      view.setUint32(offset, attributes, true);
      setUint64(view, offset + 16, fileSize);
      return NtStatus.SUCCESS;
    },
  };
}

function routeOf(routing: AnswerRouting, one: Case): number {
  const kind = TransactKind[one.kind];
  const request = new DataView(new ArrayBuffer(256));
  const response = new DataView(new ArrayBuffer(256));
  setUint64(request, 16, one.context ?? CONTEXT);
  if (one.kind === 'SetInformation') {
    request.setUint32(32, one.informationClass!, true);
    setUint64(request, 40, one.newSize ?? 0);
  } else if (one.kind === 'Write') {
    request.setUint32(56, one.constrained ? 1 : 0, true);
  } else if (one.kind === 'Read') {
    setUint64(request, 40, one.offset ?? 0);
    request.setUint32(48, one.length ?? 0, true);
  }
  routing.noteRequest(kind, request);
  if (one.kind === 'Create') request.setUint16(72, one.stream ? 6 : 0, true);
  if (one.kind === 'Create') {
    setUint64(response, 24, one.context ?? CONTEXT);
  } else {
    response.setUint32(24, one.attributes ?? FileAttribute.ARCHIVE, true);
    setUint64(response, 24 + 16, one.fileSize ?? 5);
  }
  return routing.route(kind, request, response, one.status ?? 0, one.renameInFlight ?? false);
}

function route(one: Case, oldSize = 5, oldAttributes: number = FileAttribute.ARCHIVE): number {
  return routeOf(new AnswerRouting(fileSystem(oldSize, oldAttributes), INFINITE), one);
}

describe('set A goes with the next call', () => {
  it.each<Case>([
    { kind: 'Create' },
    { kind: 'Overwrite', fileSize: 0 },
    { kind: 'Close' },
    { kind: 'Read' },
    { kind: 'Write', constrained: true },
    { kind: 'QueryDirectory' },
    { kind: 'QueryVolumeInformation' },
    { kind: 'SetVolumeInformation' },
    { kind: 'QuerySecurity' },
    { kind: 'SetSecurity' },
    { kind: 'SetInformation', informationClass: 13 },
    { kind: 'SetInformation', informationClass: 64 },
    { kind: 'FlushBuffers', context: 0 },
    { kind: 'FileSystemControl' },
    { kind: 'DeviceControl' },
    { kind: 'QueryEa' },
    { kind: 'Cleanup' },
  ])('$kind $informationClass', (one) => {
    expect(route(one)).toBe(Route.INLINE);
  });

  it.each<Case>([
    { kind: 'Write' },
    { kind: 'FlushBuffers' },
    { kind: 'QueryInformation' },
    { kind: 'SetEa' },
    { kind: 'SetInformation', informationClass: 4 },
    { kind: 'SetInformation', informationClass: 10 },
    { kind: 'SetInformation', informationClass: 65 },
  ])('a failure of $kind $informationClass, too, also during a directory rename', (one) => {
    expect(route({ ...one, status: NtStatus.DISK_FULL })).toBe(Route.INLINE);
    expect(route({ ...one, status: NtStatus.DISK_FULL, renameInFlight: true })).toBe(Route.INLINE);
  });
});

describe('set B goes to completionThread 2', () => {
  const B: Case[] = [
    { kind: 'Write' },
    { kind: 'FlushBuffers' },
    { kind: 'QueryInformation' },
    { kind: 'SetEa' },
    { kind: 'SetInformation', informationClass: 4 },
    { kind: 'SetInformation', informationClass: 19 },
    { kind: 'SetInformation', informationClass: 20, newSize: 5 },
  ];
  it.each(B)('$kind $informationClass', (one) => {
    expect(route(one)).toBe(Route.COMPLETION_2);
  });
  it.each(B)('$kind $informationClass of a directory does not (1)', (one) => {
    expect(route({ ...one, attributes: FileAttribute.DIRECTORY })).toBe(Route.INLINE);
  });
  const keepsSize = (one: Case) => one.kind !== 'Write' && (one.informationClass ?? 4) === 4;
  it.each(B.filter(keepsSize))('$kind $informationClass with whole pages does not (2)', (one) => {
    for (const fileSize of [0, 4096, 2 ** 32, 2 ** 40 + 8192]) {
      expect(route({ ...one, fileSize })).toBe(Route.INLINE);
    }
    for (const fileSize of [1, 4095, 4097, 2 ** 32 + 1, 2 ** 32 - 1]) {
      expect(route({ ...one, fileSize })).toBe(Route.COMPLETION_2);
    }
  });
  it.each(B.filter((one) => !keepsSize(one)))(
    '$kind $informationClass does with whole pages: where the end was before counts, too',
    (one) => {
      for (const fileSize of [0, 4096, 2 ** 32]) {
        expect(route({ ...one, fileSize })).toBe(Route.COMPLETION_2);
      }
    },
  );
  it.each(B)('$kind $informationClass goes there during a directory rename whatever holds', (one) => {
    expect(route({ ...one, fileSize: 0, renameInFlight: true })).toBe(Route.COMPLETION_2);
    expect(route({ ...one, attributes: FileAttribute.DIRECTORY, renameInFlight: true })).toBe(
      Route.COMPLETION_2,
    );
  });
  it('Cleanup, too, during a directory rename', () => {
    expect(route({ kind: 'Cleanup', renameInFlight: true })).toBe(Route.COMPLETION_2);
    expect(route({ kind: 'Close', renameInFlight: true })).toBe(Route.INLINE);
    expect(route({ kind: 'Read', renameInFlight: true })).toBe(Route.INLINE);
  });
  it('Overwrite, if it says that the file is not empty', () => {
    expect(route({ kind: 'Overwrite', fileSize: 5 })).toBe(Route.COMPLETION_2);
  });
});

describe('a size that is set is inline when neither end lies inside a page that was there before (3)', () => {
  it.each([
    [0, 5, true],
    [0, 4096, true],
    [1, 4096 + 5, false],
    [4095, 4097, false],
    [4096, 4097, true],
    [4096, 8191, true],
    [4096, 4095, false],
    [4097, 8191, false],
    [4097, 8192, false],
    [4097, 4096, false],
    [5, 4095, false],
    [5, 0, false],
    [8192, 4097, false],
    [8192, 4096, true],
    [8192, 0, true],
    [2 ** 32, 2 ** 32 + 4097, true],
    [2 ** 32 + 1, 2 ** 32 + 4097, false],
    [2 ** 32, 2 ** 32 - 1, false],
  ])('from %d to %d: %s', (old, now, inline) => {
    for (const informationClass of [19, 20]) {
      const one: Case = { kind: 'SetInformation', informationClass, newSize: now, fileSize: now };
      expect(route(one, old)).toBe(inline ? Route.INLINE : Route.COMPLETION_2);
    }
  });

  it('not for another class, not when the old size is unknown, and not with the size of the request before', () => {
    expect(route({ kind: 'SetInformation', informationClass: 4, newSize: 5000, fileSize: 5 }, 0)).toBe(
      Route.COMPLETION_2,
    );
    const mute = new AnswerRouting({}, INFINITE);
    const grow: Case = { kind: 'SetInformation', informationClass: 20, newSize: 5000, fileSize: 5000 };
    expect(routeOf(mute, grow)).toBe(Route.COMPLETION_2);
    const throwing = new AnswerRouting(
      {
        getFileInfo: () => {
          throw new Error('x');
        },
      },
      INFINITE,
    );
    expect(routeOf(throwing, grow)).toBe(Route.COMPLETION_2);
    const routing = new AnswerRouting(fileSystem(0), INFINITE);
    expect(routeOf(routing, grow)).toBe(Route.INLINE);
    expect(routeOf(routing, { ...grow, context: 5 })).toBe(Route.COMPLETION_2);
  });
});

describe('finite FileInfoTimeout: files of which no whole pages were read are inline (4)', () => {
  const write: Case = { kind: 'Write', fileSize: 5 };
  const pages: Case = { kind: 'Read', offset: 8192, length: 4096 };

  it('until such a read, and again after the last close', () => {
    const routing = new AnswerRouting(fileSystem(5), 0);
    expect(routeOf(routing, write)).toBe(Route.COMPLETION_2); // never seen being opened: not knowing is no proof
    routeOf(routing, { kind: 'Create' });
    expect(routeOf(routing, write)).toBe(Route.INLINE);
    routeOf(routing, { kind: 'Read', offset: 1, length: 4096 });
    routeOf(routing, { kind: 'Read', offset: 4096, length: 100 });
    expect(routeOf(routing, write)).toBe(Route.INLINE);
    routeOf(routing, pages);
    expect(routeOf(routing, write)).toBe(Route.COMPLETION_2);
    routeOf(routing, { kind: 'Create' });
    routeOf(routing, { kind: 'Close' });
    expect(routeOf(routing, write)).toBe(Route.COMPLETION_2);
    routeOf(routing, { kind: 'Close' });
    routeOf(routing, { kind: 'Create' });
    expect(routeOf(routing, write)).toBe(Route.INLINE);
  });

  it('a failed Create opens nothing, a failed Overwrite closes', () => {
    const routing = new AnswerRouting(fileSystem(5), 1000);
    routeOf(routing, { kind: 'Create', status: NtStatus.SHARING_VIOLATION });
    expect(routeOf(routing, write)).toBe(Route.COMPLETION_2);
    routeOf(routing, { kind: 'Create' });
    routeOf(routing, pages);
    routeOf(routing, { kind: 'Overwrite', status: NtStatus.DISK_FULL });
    routeOf(routing, { kind: 'Create' });
    expect(routeOf(routing, write)).toBe(Route.INLINE);
  });

  it('does not help a volume whose data the kernel caches', () => {
    const routing = new AnswerRouting(fileSystem(5), INFINITE);
    routeOf(routing, { kind: 'Create' });
    expect(routeOf(routing, write)).toBe(Route.COMPLETION_2);
  });
});

describe('what ends a handle of a stream goes to completionThread 3', () => {
  const FILE = CONTEXT + 1;
  function withStream(): AnswerRouting {
    const routing = new AnswerRouting(fileSystem(5), INFINITE, undefined, true);
    expect(routeOf(routing, { kind: 'Create', stream: true })).toBe(Route.INLINE);
    expect(routeOf(routing, { kind: 'Create', context: FILE })).toBe(Route.INLINE);
    return routing;
  }

  it.each([false, true])(
    'Cleanup of the stream, not that of its file (directory rename in flight: %s)',
    (renameInFlight) => {
      const routing = withStream();
      expect(routeOf(routing, { kind: 'Cleanup', renameInFlight })).toBe(Route.COMPLETION_3);
      expect(routeOf(routing, { kind: 'Cleanup', context: FILE, renameInFlight })).toBe(
        renameInFlight ? Route.COMPLETION_2 : Route.INLINE,
      );
      expect(routeOf(routing, { kind: 'Write' })).toBe(Route.COMPLETION_2);
    },
  );

  it('a Create or Overwrite of a stream that fails; those of a file go inline', () => {
    const routing = withStream();
    const failed = { status: NtStatus.DISK_FULL };
    expect(routeOf(routing, { kind: 'Create', stream: true, ...failed })).toBe(Route.COMPLETION_3);
    expect(routeOf(routing, { kind: 'Create', stream: true, status: NtStatus.REPARSE })).toBe(
      Route.COMPLETION_3,
    );
    expect(routeOf(routing, { kind: 'Create', ...failed })).toBe(Route.INLINE);
    expect(routeOf(routing, { kind: 'Overwrite', context: FILE, ...failed })).toBe(Route.INLINE);
    expect(routeOf(routing, { kind: 'Overwrite', fileSize: 0 })).toBe(Route.INLINE);
    expect(routeOf(routing, { kind: 'Overwrite', ...failed })).toBe(Route.COMPLETION_3);
    // Nothing is open any more.
    expect(routeOf(routing, { kind: 'Cleanup' })).toBe(Route.INLINE);
  });

  it('knows a stream until its last Close', () => {
    const routing = withStream();
    routeOf(routing, { kind: 'Create', stream: true });
    routeOf(routing, { kind: 'Close' });
    expect(routeOf(routing, { kind: 'Cleanup' })).toBe(Route.COMPLETION_3);
    routeOf(routing, { kind: 'Close' });
    expect(routeOf(routing, { kind: 'Cleanup' })).toBe(Route.INLINE);
  });

  it('on a volume with streams only', () => {
    const routing = new AnswerRouting(fileSystem(5), INFINITE);
    routeOf(routing, { kind: 'Create', stream: true });
    expect(routeOf(routing, { kind: 'Cleanup' })).toBe(Route.INLINE);
  });
});

describe('renames go to completionThread 1', () => {
  it.each([10, 65])('class %d', (informationClass) => {
    const rename: Case = { kind: 'SetInformation', informationClass };
    expect(route(rename)).toBe(Route.COMPLETION_1);
    expect(route({ ...rename, renameInFlight: true })).toBe(Route.COMPLETION_1);
    const file = new AnswerRouting(fileSystem(5), INFINITE);
    routeOf(file, rename);
    expect(file.renamesDirectory).toBe(false);
    const directory = new AnswerRouting(fileSystem(0, FileAttribute.DIRECTORY), INFINITE);
    routeOf(directory, rename);
    expect(directory.renamesDirectory).toBe(true);
    const mute = new AnswerRouting({}, INFINITE);
    routeOf(mute, rename);
    expect(mute.renamesDirectory).toBe(true);
  });
});
