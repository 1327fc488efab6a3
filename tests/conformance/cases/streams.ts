/** Sections (c), (d) and (i): named streams. */
import assert from 'node:assert/strict';
import { NtStatus } from '../../../src/ntstatus.js';
import { CreateDisposition, FileAttribute } from '../../../src/winfsp/abi/constants.js';
import {
  basicRequest,
  cleanupRequest,
  createRequest,
  renameRequest,
  ScriptToken,
  volumeRequest,
  writeRequest,
} from '../../unit/winfsp/fixtures/script-client.js';
import type { ConformanceCase } from '../conformance-case.js';
import {
  ADMINISTRATORS,
  DACL_SECURITY_INFORMATION,
  descriptor,
  EVERYONE,
  FULL_ACCESS,
} from '../descriptor.js';
import { PAGE } from '../served-options.js';
import { expectStatus, infoAt, type ServedVolume } from '../served-volume.js';

const { FILE_CREATE, FILE_OPEN, FILE_OPEN_IF, FILE_OVERWRITE } = CreateDisposition;
const { DIRECTORY, HIDDEN, ARCHIVE } = FileAttribute;
const FILE_READ_DATA = 1;
const FILE_WRITE_DATA = 2;
const READABLE = descriptor([
  { sid: ADMINISTRATORS },
  { sid: EVERYONE, access: FULL_ACCESS & ~FILE_WRITE_DATA },
]);
const FILE_INFO = 24;
const KEEP_TIMES = [0n, 0n, 0n, 0n];
const NESTING = { dispatcher: { completionsNest: true } };

/** Names and sizes; a file's content has the empty name. */
function streamsOf(volume: ServedVolume, name: string): [string, number][] {
  const file = volume.open(name);
  const streams = file.streams();
  file.close();
  return streams;
}

/** How many answers completion thread 3 delivered while `act` ran. */
function byThirdThread({ host }: ServedVolume, act: () => void): number {
  const before = host.statistics;
  act();
  const after = host.statistics;
  assert.equal(after.answersByCompletion1, before.answersByCompletion1);
  return after.answersByExtraThreads - before.answersByExtraThreads;
}

export const streams: readonly ConformanceCase[] = [
  {
    name: 'streams: found in any spelling, listed behind the content, apart from it; a directory has some, too',
    duties: ['streams', 'streamInfo'],
    run(volume) {
      volume.makeFile('f', 'main');
      volume.makeFile('f:Zone', 'stream');
      volume.makeFile('f:a', 'a');
      assert.equal(volume.contentOf('F:zONE'), 'stream');
      assert.equal(volume.contentOf('f'), 'main');
      const all: [string, number][] = [
        ['', 4],
        ['a', 1],
        ['Zone', 6],
      ];
      assert.deepEqual(streamsOf(volume, 'f'), all);
      volume.refuses(NtStatus.OBJECT_NAME_COLLISION, 'f:ZONE', FILE_CREATE);
      volume.refuses(NtStatus.OBJECT_NAME_NOT_FOUND, 'f:none', FILE_OPEN);
      volume.makeDirectory('d').close();
      volume.makeFile('d:s', 'of a directory');
      assert.deepEqual(streamsOf(volume, 'd'), [['s', 14]]);
      volume.delete('d');
      volume.refuses(NtStatus.OBJECT_NAME_NOT_FOUND, 'd:s', FILE_OPEN);
    },
  },
  {
    name: "streams: a stream's information is its file's, but for the sizes and DIRECTORY",
    duties: ['streams', 'fileInfo'],
    run(volume) {
      const directory = volume.makeDirectory('d');
      const stream = volume.file('d:s', FILE_CREATE);
      const written = stream.write(0, Buffer.alloc(PAGE + 1));
      assert.deepEqual([written.fileSize, written.allocationSize], [PAGE + 1, 2 * PAGE]);
      const answer = stream.ask(basicRequest(stream.context, HIDDEN, KEEP_TIMES));
      expectStatus(answer.status, NtStatus.SUCCESS, 'SetBasicInfo');
      // Sizes of the file here would cut the stream's cache.
      const info = infoAt(answer.bytes, FILE_INFO);
      assert.deepEqual([info.attributes, info.fileSize], [HIDDEN, PAGE + 1]);
      const { attributes, fileSize, indexNumber } = directory.query();
      assert.deepEqual([attributes, fileSize], [DIRECTORY | HIDDEN, 0]);
      assert.equal(indexNumber, info.indexNumber);
      stream.close();
      directory.close();
    },
  },
  {
    name: 'streams: one that is deleted is gone at once for others, and no other stream with it',
    duties: ['streams', 'cleanupDelete'],
    run(volume) {
      volume.makeFile('f', 'main');
      volume.makeFile('f:a', 'aa');
      volume.makeFile('f:b', 'b');
      volume.delete('f:a');
      assert.deepEqual(streamsOf(volume, 'f'), [
        ['', 4],
        ['b', 1],
      ]);
      volume.delete('f');
      volume.refuses(NtStatus.OBJECT_NAME_NOT_FOUND, 'f:b', FILE_OPEN);
      volume.makeFile('f');
      assert.deepEqual(streamsOf(volume, 'f'), [['', 0]]);
    },
  },
  {
    name: 'streams: room is counted as that of files, a stream that finds none changes nothing, an overwrite gives it back',
    duties: ['streams', 'diskFull', 'overwriteRequest'],
    own: { volume: { capacityBytes: 64 * PAGE } },
    run(volume) {
      const before = volume.freeBytes;
      const file = volume.file('f');
      file.write(0, 'main');
      const stream = volume.file('f:s', FILE_CREATE);
      stream.write(0, Buffer.alloc(PAGE + 1));
      assert.equal(volume.freeBytes, before - 3 * PAGE);
      expectStatus(stream.trySetSize(volume.freeBytes + 3 * PAGE).status, NtStatus.DISK_FULL, 'extension');
      volume.refuses(NtStatus.DISK_FULL, 'f:t', FILE_CREATE, 0, { allocationSize: before });
      assert.deepEqual(file.streams(), [
        ['', 4],
        ['s', PAGE + 1],
      ]);
      stream.close();
      assert.equal(file.overwrite().attributes, ARCHIVE);
      assert.deepEqual(file.streams(), [['', 0]]);
      assert.equal(volume.freeBytes, before);
      file.close();
    },
  },
  {
    name: 'streams: an overwrite of one empties it alone',
    duties: ['streams', 'overwrite'],
    run(volume) {
      volume.makeFile('f', 'main');
      volume.makeFile('f:a', 'aa');
      const stream = volume.file('f:a', FILE_OVERWRITE);
      stream.overwrite();
      stream.close();
      assert.equal(volume.contentOf('f'), 'main');
      assert.deepEqual(streamsOf(volume, 'f'), [
        ['', 4],
        ['a', 0],
      ]);
    },
  },
  {
    name: 'streams: who may not write the file makes none of it, and reads those that there are',
    duties: ['streams', 'accessCheck'],
    run(volume) {
      const file = volume.file('f');
      volume.makeFile('f:s', 'text');
      expectStatus(file.setSecurity(DACL_SECURITY_INFORMATION, READABLE), NtStatus.SUCCESS, 'set');
      file.close();
      const other = { accessToken: ScriptToken.RESTRICTED, desiredAccess: FILE_READ_DATA };
      // The directory would let him make files; of a stream its file is asked.
      volume.refuses(NtStatus.ACCESS_DENIED, 'f:t', FILE_CREATE, 0, other);
      volume.refuses(NtStatus.ACCESS_DENIED, 'f:t', FILE_OPEN_IF, 0, other);
      const stream = volume.open('f:s', 0, other);
      assert.equal(stream.text(), 'text');
      stream.close();
      assert.deepEqual(streamsOf(volume, 'f'), [
        ['', 0],
        ['s', 4],
      ]);
    },
  },
  {
    name: 'streams: what ends a handle of one goes to the third completion thread, all else to none or its own',
    duties: ['streamDelivery'],
    own: NESTING,
    dispatchers: ['inline'],
    run(volume) {
      const file = volume.file('f');
      const stream = volume.file('f:s');
      const times = (act: () => void) => byThirdThread(volume, act);
      assert.equal(
        times(() => stream.cleanup()),
        1,
        'Cleanup of a stream',
      );
      assert.equal(
        times(() => stream.closeOnly()),
        0,
        'Close of a stream',
      );
      assert.equal(
        times(() => volume.refuses(NtStatus.OBJECT_NAME_COLLISION, 'f:s', FILE_CREATE)),
        1,
        'a Create that fails',
      );
      assert.equal(
        times(() => volume.refuses(NtStatus.OBJECT_NAME_COLLISION, 'f', FILE_CREATE)),
        0,
        'a Create of a file that fails',
      );
      const again = volume.open('f:s');
      assert.equal(
        times(() => expectStatus(again.tryOverwrite(0, false, 2 ** 40).status, NtStatus.DISK_FULL, 'large')),
        1,
        'an Overwrite that fails',
      );
      assert.equal(
        times(() => file.cleanup()),
        0,
        'Cleanup of a file',
      );
      file.closeOnly();
    },
  },
  {
    name: 'streams: a handle that ends is delivered when the Cleanup of its file is, while both other threads are stuck',
    duties: ['streamDelivery', 'nestedAnswered'],
    own: NESTING,
    dispatchers: ['inline'],
    run(volume) {
      const { client, host } = volume;
      const file = volume.file('f');
      file.setSize(5);
      const stream = volume.file('f:s');
      // As the driver has it open for the stream.
      const main = volume.open('f');
      const directory = volume.makeDirectory('d');
      const gate = host.closeGate(volumeRequest());
      const rename = client.submit(renameRequest(directory.context, '\\d', '\\e', false));
      const write = client.submit(writeRequest(file.context, 0, 5), Buffer.alloc(5));
      const ended = client.submit(cleanupRequest(stream.context, '\\f:s'));
      const failed = client.submit(createRequest('\\f:s', FILE_CREATE));
      const mainCleanup = client.submit(cleanupRequest(main.context, '\\f'));
      const last = client.submit(volumeRequest());
      client.hold(rename, last);
      client.hold(write, last);
      client.hold(ended, mainCleanup);
      client.hold(failed, last);
      host.openGate();
      for (const ticket of [gate, last, rename, write, mainCleanup, ended, failed]) {
        assert.ok(client.wait(ticket) !== null);
      }
      main.closeOnly();
      stream.closeOnly();
      file.close();
      directory.path = '\\e';
      directory.close();
    },
  },
];
