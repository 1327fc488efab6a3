/**
 * What the dispatcher answers by itself must be what FspFileSystemOp… would have answered through the callbacks: the
 * same request goes both ways, and status, answer and the calls that the file system saw are compared.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { NtStatus } from '../../../../src/ntstatus.js';
import { FileInfo } from '../../../../src/winfsp/abi/layouts.js';
import { DirectAnswers, NOT_DIRECT } from '../../../../src/winfsp/dispatch/direct-answers.js';
import { beginResponse } from '../../../../src/winfsp/dispatch/operation.js';
import {
  CreateDisposition,
  FileInformationClass,
  type FileSystemInterface,
  FspFileSystem,
  Limit,
  NativeBlock,
  Rsp,
  TransactKind,
} from '../../../../src/winfsp/index.js';
import {
  basicRequest,
  cleanupRequest,
  closeRequest,
  createRequest,
  dispositionRequest,
  endOfFileRequest,
  queryRequest,
  request,
  ScriptToken,
} from '../fixtures/script-client.js';

const CONTEXT = 4_000_000_007;
const READONLY = 1;
const blocks: NativeBlock[] = [];
const systems: FspFileSystem[] = [];

afterEach(() => {
  for (const fs of systems.splice(0)) fs.dispose();
  for (const block of blocks.splice(0)) block.free();
});

interface Behaviour {
  status?: number;
  attributes?: number;
  throws?: boolean;
  without?: (keyof FileSystemInterface)[];
  setDelete?: boolean;
}

/** A file system that writes down its calls and fills every FILE_INFO with the same figures. */
function makeFileSystem(calls: unknown[], behaviour: Behaviour): FileSystemInterface {
  const { status = 0, attributes = 0x20, throws = false, without = [] } = behaviour;
  const called = (...what: unknown[]) => {
    calls.push(what);
    if (throws) throw new Error('on purpose');
  };
  const filled = (view: DataView, at: number) => {
    for (let i = 0; i < FileInfo.SIZE; i += 4) view.setUint32(at + i, 0x1010101 * (i / 4 + 1), true);
    view.setUint32(at + FileInfo.FileAttributes, attributes, true);
    return status;
  };
  const fs: FileSystemInterface = {
    getFileInfo: (context, view, at) => {
      called('getFileInfo', context);
      return filled(view, at);
    },
    setBasicInfo: (context, fileAttributes, times, view, at) => {
      called('setBasicInfo', context, fileAttributes, [...times]);
      return filled(view, at);
    },
    setFileSize: (context, size, allocation, view, at) => {
      called('setFileSize', context, size, allocation);
      return filled(view, at);
    },
    canDelete: (context, name) => {
      called('canDelete', context, name);
      return status;
    },
    getSecurityByName: (name) => {
      called('getSecurityByName', name);
      return status;
    },
    create: (name) => {
      called('create', name);
      return status;
    },
    open: (name) => {
      called('open', name);
      return status;
    },
    overwrite: (context) => {
      called('overwrite', context);
      return status;
    },
    cleanup: (context, name, flags) => called('cleanup', context, name, flags),
    close: (context) => called('close', context),
    ...(behaviour.setDelete
      ? {
          setDelete: (context: number, name: string, del: boolean) => {
            called('setDelete', context, name, del);
            return status;
          },
        }
      : {}),
  };
  for (const name of without) delete fs[name];
  return fs;
}

/** The same bytes through one of the two ways. */
function outcome(bytes: Buffer, behaviour: Behaviour, direct: boolean) {
  const calls: unknown[] = [];
  const errors: string[] = [];
  const fs = FspFileSystem.create({
    fileSystem: makeFileSystem(calls, behaviour),
    volumeParams: { PersistentAcls: true },
    onError: (where, error) => errors.push(`${where}: ${(error as Error).message}`),
  });
  const [requestBlock, response] = [
    new NativeBlock(Limit.TRANSACT_REQ_SIZEMAX),
    new NativeBlock(Limit.TRANSACT_RSP_SIZEMAX),
  ];
  systems.push(fs);
  blocks.push(requestBlock, response);
  requestBlock.bytes.set(bytes);
  const kind = requestBlock.view.getUint32(4, true);
  beginResponse(kind, requestBlock.view, response.view);
  let status: number;
  try {
    status = direct
      ? new DirectAnswers(fs, requestBlock, response).answer(kind)
      : fs.library.operations[kind]!(fs.address, requestBlock.address, response.address);
  } catch (error) {
    // The dispatcher turns this into the same failure.
    errors.push(`exception: ${(error as Error).message}`);
    status = NtStatus.INTERNAL_ERROR;
    response.bytes.fill(0, Rsp.Rsp, Rsp.SIZE);
  }
  return {
    status,
    answer: Buffer.from(response.bytes.subarray(0, Rsp.SIZE)).toString('hex'),
    calls,
    errors: errors.length,
  };
}

const times = [0n, 0xffff_ffff_ffff_ffffn, 0xffff_ffff_ffff_fffen, 133_000_000_000_000_000n];
const REQUESTS: [string, Buffer][] = [
  ['QueryInformation', queryRequest(CONTEXT)],
  ['Close', closeRequest(CONTEXT)],
  ...[0, 1, 2, 4, 8, 16, 32, 63].map((flags): [string, Buffer] => [
    `Cleanup, flags ${flags}`,
    cleanupRequest(CONTEXT, '\\d\\naïve ß 😀', flags),
  ]),
  [
    'Cleanup without a name',
    request(TransactKind.Cleanup, (bytes) => bytes.writeBigUInt64LE(BigInt(CONTEXT), 16)),
  ],
  ['SetInformation Basic', basicRequest(CONTEXT, 0xffffffff, times)],
  ['SetInformation EndOfFile', endOfFileRequest(CONTEXT, 2 ** 40 + 1)],
  ['SetInformation Allocation', endOfFileRequest(CONTEXT, 4096, true)],
  ...[0, 1, 3, 0x10, 0x11].map((flags): [string, Buffer] => [
    `SetInformation DispositionEx ${flags}`,
    dispositionRequest(CONTEXT, '\\f', flags),
  ]),
  ...[0, 1].map((flag): [string, Buffer] => {
    const bytes = dispositionRequest(CONTEXT, '\\f', flag);
    bytes.writeUInt32LE(FileInformationClass.Disposition, 32);
    return [`SetInformation Disposition ${flag}`, bytes];
  }),
];
const OPEN = CreateDisposition.FILE_OPEN;
/** What a file system that has nothing of the kind is asked for. */
const OPENS_OF_NOTHING: [string, Buffer][] = [
  ['FILE_OPEN', createRequest('\\d\\naïve ß 😀', OPEN)],
  ['FILE_OPEN of the root', createRequest('\\', OPEN)],
  ['FILE_OPEN of a directory', createRequest('\\d\\e', OPEN, 1, { hasTrailingBackslash: true })],
  ['FILE_OPEN with DELETE_ON_CLOSE', createRequest('\\f', OPEN, 0x1000)],
  ['FILE_OPEN that wants the descriptor', createRequest('\\f', OPEN, 0, { acceptsSecurityDescriptor: true })],
  ['FILE_OPEN by someone', createRequest('\\f', OPEN, 0, { accessToken: ScriptToken.RESTRICTED })],
];
const BEHAVIOURS: [string, Behaviour][] = [
  ['that succeeds', {}],
  ['that fails', { status: NtStatus.DISK_FULL }],
  ['that returns a success other than 0', { status: 0x104 }],
  ['whose file is read-only', { attributes: READONLY }],
  ['that throws', { throws: true }],
  ['with SetDelete', { setDelete: true }],
  ['with a failing SetDelete', { setDelete: true, status: NtStatus.CANNOT_DELETE }],
  ['without GetFileInfo', { without: ['getFileInfo'] }],
  ['without CanDelete', { without: ['canDelete'] }],
  [
    'with nothing',
    { without: ['getFileInfo', 'setBasicInfo', 'setFileSize', 'canDelete', 'cleanup', 'close'] },
  ],
];

describe.each(BEHAVIOURS)('a file system %s', (_, behaviour) => {
  it.each(REQUESTS)('answers %s as the operation function does', (_name, bytes) => {
    expect(outcome(bytes, behaviour, true)).toEqual(outcome(bytes, behaviour, false));
  });
});

describe.each<[string, Behaviour]>([
  ['without the name', { status: NtStatus.OBJECT_NAME_NOT_FOUND }],
  ['without the directory', { status: NtStatus.OBJECT_PATH_NOT_FOUND }],
  ['that fails', { status: NtStatus.INSUFFICIENT_RESOURCES }],
  ['that throws', { throws: true }],
])('a file system %s', (_, behaviour) => {
  it.each(OPENS_OF_NOTHING)('answers %s as the operation function does', (_name, bytes) => {
    const direct = outcome(bytes, behaviour, true);
    expect(direct.status).toBeLessThan(0);
    expect(direct).toEqual(outcome(bytes, behaviour, false));
  });
});

describe('an open that may find something', () => {
  it.each(OPENS_OF_NOTHING)('%s goes on to the operation function', (_name, bytes) => {
    for (const status of [0, NtStatus.REPARSE]) {
      expect(outcome(bytes, { status }, true)).toMatchObject({
        status: NOT_DIRECT,
        calls: [['getSecurityByName', expect.any(String)]],
        errors: 0,
      });
    }
  });

  const missing = { status: NtStatus.OBJECT_NAME_NOT_FOUND };
  it.each<[string, Buffer, Behaviour]>([
    ...[0, 2, 3, 4, 5].map((disposition): [string, Buffer, Behaviour] => [
      `disposition ${disposition}`,
      createRequest('\\f', disposition),
      missing,
    ]),
    [
      'without the traverse privilege',
      createRequest('\\f', OPEN, 0, { withoutTraversePrivilege: true }),
      missing,
    ],
    ['of a target directory', createRequest('\\f', OPEN, 0, { openTargetDirectory: true }), missing],
    ['without GetSecurityByName', createRequest('\\f', OPEN), { ...missing, without: ['getSecurityByName'] }],
    ['without Create', createRequest('\\f', OPEN), { ...missing, without: ['create'] }],
  ])('%s is the operation function’s', (_name, bytes, behaviour) => {
    expect(outcome(bytes, behaviour, true)).toMatchObject({ status: NOT_DIRECT, calls: [], errors: 0 });
  });
});

it('leaves everything else to the operation functions, untouched', () => {
  const others = [TransactKind.Overwrite, TransactKind.QueryDirectory, TransactKind.FlushBuffers];
  const renames = [FileInformationClass.Rename, FileInformationClass.RenameEx].map((value) =>
    request(TransactKind.SetInformation, (bytes) => bytes.writeUInt32LE(value, 32)),
  );
  for (const bytes of [...others.map((kind) => request(kind)), ...renames]) {
    expect(outcome(bytes, {}, true)).toMatchObject({ status: NOT_DIRECT, calls: [], errors: 0 });
  }
});
