/** Section (d): times, attributes, deleting, the end of handles, reparse points. */
import assert from 'node:assert/strict';
import { NtStatus } from '../../../src/ntstatus.js';
import { CreateDisposition, CreateOption, FileAttribute } from '../../../src/winfsp/abi/constants.js';
import { basicRequest, controlRequest, symbolicLink } from '../../unit/winfsp/fixtures/script-client.js';
import type { ConformanceCase } from '../conformance-case.js';
import { PAGE } from '../served-options.js';
import { Cleanup, expectStatus, type Info, infoAt, type OpenFile } from '../served-volume.js';

const { FILE_OPEN, FILE_CREATE } = CreateDisposition;
const { FILE_DELETE_ON_CLOSE, FILE_DIRECTORY_FILE, FILE_OPEN_REPARSE_POINT } = CreateOption;
const { ARCHIVE, DIRECTORY, HIDDEN, READONLY, SYSTEM } = FileAttribute;
const KEEP = 0xffffffff;
const MINUS_1 = 2n ** 64n - 1n;
const MINUS_2 = 2n ** 64n - 2n;
/** Not a whole number of microseconds, milliseconds or seconds, and beyond 2^53. */
const ODD_TIME = 133_456_789_012_345_679n;
const Disposition = { DELETE: 1, POSIX: 2, IGNORE_READONLY: 0x10 } as const;
const FsControl = { SET: 0x000900a4, GET: 0x000900a8, DELETE: 0x000900ac } as const;

function setBasic(file: OpenFile, attributes: number, times: readonly bigint[]): Info {
  const answer = file.ask(basicRequest(file.context, attributes, times));
  expectStatus(answer.status, NtStatus.SUCCESS, 'SetBasicInfo');
  return infoAt(answer.bytes, 24);
}

const timesOf = ({ creationTime, lastAccessTime, lastWriteTime, changeTime }: Info) => [
  creationTime,
  lastAccessTime,
  lastWriteTime,
  changeTime,
];

export const metadata: readonly ConformanceCase[] = [
  {
    name: 'times are kept to 100 ns, each by itself',
    duties: ['basicInfo', 'fileInfo'],
    run(volume) {
      const file = volume.file('f');
      file.write(0, Buffer.alloc(PAGE + 1));
      const given = [ODD_TIME, ODD_TIME + 1n, ODD_TIME + 2n, ODD_TIME + 3n];
      const info = setBasic(file, KEEP, given);
      assert.deepEqual(timesOf(info), given);
      // The size comes along, though nobody asked: the kernel believes it.
      assert.deepEqual([info.fileSize, info.allocationSize], [PAGE + 1, 2 * PAGE]);
      file.close();
      const again = volume.open('f');
      assert.deepEqual(timesOf(again.info), given);
      again.close();
    },
  },
  {
    name: 'times of 0, −1 and −2 leave alone',
    duties: ['basicInfo'],
    run(volume) {
      const file = volume.file('f');
      const given = [ODD_TIME, ODD_TIME + 1n, ODD_TIME + 2n, ODD_TIME + 3n];
      setBasic(file, KEEP, given);
      for (const special of [0n, MINUS_1, MINUS_2]) {
        assert.deepEqual(timesOf(setBasic(file, KEEP, [special, special, special, special])), given);
      }
      for (let which = 0; which < 3; which++) {
        const times = [MINUS_2, MINUS_2, MINUS_2, MINUS_2];
        times[which] = ODD_TIME + 100n;
        given[which] = ODD_TIME + 100n;
        assert.deepEqual(timesOf(setBasic(file, KEEP, times)), given);
      }
      file.close();
    },
  },
  {
    name: 'attributes: set, left alone, NORMAL; DIRECTORY comes and goes with no one',
    duties: ['basicInfo', 'fileInfo'],
    run(volume) {
      const none = [0n, 0n, 0n, 0n];
      const file = volume.file('f');
      assert.equal(setBasic(file, HIDDEN | SYSTEM, none).attributes, HIDDEN | SYSTEM);
      assert.equal(setBasic(file, KEEP, none).attributes, HIDDEN | SYSTEM);
      assert.equal(setBasic(file, 0, none).attributes, 0);
      assert.equal(setBasic(file, ARCHIVE | DIRECTORY, none).attributes, ARCHIVE);
      file.close();
      const directory = volume.makeDirectory('d');
      assert.equal(setBasic(directory, HIDDEN | DIRECTORY, none).attributes, HIDDEN | DIRECTORY);
      assert.equal(setBasic(directory, 0, none).attributes, DIRECTORY);
      directory.close();
    },
  },
  {
    name: 'writing, truncating and setting attributes move the right times',
    duties: ['fileInfo'],
    run(volume) {
      const file = volume.file('f');
      const old = [ODD_TIME, ODD_TIME, ODD_TIME, ODD_TIME];
      setBasic(file, KEEP, old);
      const written = file.write(0, 'x');
      assert.equal(written.creationTime, ODD_TIME);
      assert.ok(written.lastWriteTime > ODD_TIME && written.changeTime > ODD_TIME);
      setBasic(file, KEEP, old);
      assert.ok(file.setSize(100).lastWriteTime > ODD_TIME);
      setBasic(file, KEEP, old);
      file.writeConstrained(0, 'y');
      // The cache writes late: the program has set its times since.
      assert.equal(file.query().lastWriteTime, ODD_TIME);
      file.close();
    },
  },
  {
    name: 'Cleanup sets ARCHIVE and the times that it names, and no others',
    duties: ['cleanupFlags'],
    run(volume) {
      const flagAndTime = [
        [Cleanup.ACCESS_TIME, 1],
        [Cleanup.WRITE_TIME, 2],
        [Cleanup.CHANGE_TIME, 3],
        [Cleanup.ARCHIVE, -1],
      ] as const;
      for (const [flag, index] of flagAndTime) {
        const file = volume.file(`f${flag}`);
        setBasic(file, HIDDEN, [ODD_TIME, ODD_TIME, ODD_TIME, ODD_TIME]);
        file.cleanup(flag);
        file.closeOnly();
        const after = volume.open(`f${flag}`);
        timesOf(after.info).forEach((time, i) => {
          assert.equal(time > ODD_TIME, i === index, `time ${i} after flag ${flag}`);
        });
        assert.equal(after.info.attributes, flag === Cleanup.ARCHIVE ? HIDDEN | ARCHIVE : HIDDEN);
        after.close();
      }
    },
  },
  {
    name: 'Cleanup trims what was allocated beyond the size',
    duties: ['cleanupFlags', 'unit'],
    run(volume) {
      const file = volume.file('f');
      file.write(0, 'x');
      assert.equal(file.setSize(20 * PAGE, true).allocationSize, 20 * PAGE);
      file.cleanup(Cleanup.TRIM);
      const again = volume.open('f');
      assert.deepEqual([again.info.fileSize, again.info.allocationSize], [1, PAGE]);
      again.close();
      file.closeOnly();
    },
  },
  {
    name: 'a disposition asks only: the file is there until Cleanup, and undo keeps it',
    duties: ['canDelete'],
    run(volume) {
      const file = volume.file('f');
      expectStatus(file.dispose(Disposition.DELETE), 0, 'delete');
      assert.equal(volume.exists('f'), true);
      expectStatus(file.dispose(0), 0, 'undo');
      file.close();
      assert.equal(volume.exists('f'), true);
    },
  },
  {
    name: 'a directory that is not empty refuses, until it is empty',
    duties: ['canDelete'],
    run(volume) {
      const directory = volume.makeDirectory('d');
      volume.makeFile('d\\f');
      expectStatus(directory.dispose(), NtStatus.DIRECTORY_NOT_EMPTY, 'with a file');
      volume.delete('d\\f');
      expectStatus(directory.dispose(), NtStatus.SUCCESS, 'empty');
      directory.cleanup(Cleanup.DELETE);
      directory.closeOnly();
      assert.equal(volume.exists('d'), false);
    },
  },
  {
    name: 'READONLY refuses a disposition, unless it is to be ignored; undo is never refused',
    duties: ['canDelete', 'readonly'],
    run(volume) {
      const file = volume.file('f', FILE_CREATE, 0, { fileAttributes: READONLY });
      expectStatus(file.dispose(), NtStatus.CANNOT_DELETE, 'READONLY');
      expectStatus(file.dispose(Disposition.DELETE | Disposition.IGNORE_READONLY), 0, 'ignored');
      expectStatus(file.dispose(0), 0, 'undo');
      file.close();
      assert.equal(volume.exists('f'), true);
    },
  },
  {
    name: 'the root is not deleted',
    duties: ['canDelete'],
    run(volume) {
      const root = volume.rootFile();
      assert.ok(root.dispose() < 0);
      root.close();
    },
  },
  {
    name: 'Cleanup with Delete: the name is free at once, the data are there for other handles until the last Close',
    duties: ['cleanupDelete', 'close', 'contextPerFile'],
    run(volume) {
      const first = volume.file('f');
      first.write(0, 'old content');
      const second = volume.open('f');
      expectStatus(first.dispose(), 0, 'delete');
      first.cleanup(Cleanup.DELETE);
      first.closeOnly();
      volume.refuses(NtStatus.OBJECT_NAME_NOT_FOUND, 'f', FILE_OPEN);
      const other = volume.file('f');
      assert.notEqual(other.context, second.context);
      assert.notEqual(other.info.indexNumber, second.info.indexNumber);
      other.write(0, 'new');
      assert.equal(second.text(), 'old content');
      assert.equal(second.write(0, 'OLD').fileSize, 11);
      assert.equal(second.query().fileSize, 11);
      second.close();
      assert.equal(other.text(), 'new');
      other.close();
    },
  },
  {
    name: 'DELETE_ON_CLOSE of a directory with something in it is ignored',
    duties: ['cleanupNotEmpty'],
    run(volume) {
      volume.makeDirectory('d').close();
      volume.makeFile('d\\f', 'x');
      const directory = volume.open('d', FILE_DELETE_ON_CLOSE);
      directory.cleanup(Cleanup.DELETE);
      directory.closeOnly();
      assert.equal(volume.contentOf('d\\f'), 'x');
    },
  },
  {
    name: 'two handles, both delete: the second finds the name gone and takes nothing else away',
    duties: ['cleanupDelete', 'close'],
    run(volume) {
      const first = volume.file('f');
      const second = volume.open('f');
      first.cleanup(Cleanup.DELETE);
      volume.makeFile('f', 'another');
      second.cleanup(Cleanup.DELETE);
      first.closeOnly();
      second.closeOnly();
      assert.equal(volume.contentOf('f'), 'another');
    },
  },
  {
    name: 'nothing is made in a directory that was deleted but is open',
    duties: ['cleanupDelete', 'pathOrName'],
    run(volume) {
      const directory = volume.makeDirectory('d');
      const second = volume.open('d');
      directory.cleanup(Cleanup.DELETE);
      directory.closeOnly();
      volume.refuses(NtStatus.OBJECT_PATH_NOT_FOUND, 'd\\f', FILE_CREATE);
      assert.deepEqual(
        second.list().filter((name) => !name.startsWith('.')),
        [],
      );
      second.close();
    },
  },
  {
    name: 'the room of a deleted file comes back with the last Close, not before',
    duties: ['close', 'volumeInfo'],
    own: { volume: { capacityBytes: 64 * PAGE } },
    run(volume) {
      const first = volume.file('f');
      first.write(0, Buffer.alloc(10 * PAGE));
      const second = volume.open('f');
      first.cleanup(Cleanup.DELETE);
      first.closeOnly();
      assert.equal(volume.freeBytes, 54 * PAGE);
      second.cleanup();
      assert.equal(volume.freeBytes, 54 * PAGE);
      second.closeOnly();
      assert.equal(volume.freeBytes, 64 * PAGE);
    },
  },
  {
    name: '1000 files made and deleted leave the volume as it was',
    duties: ['close', 'volumeInfo'],
    own: { volume: { capacityBytes: 64 * PAGE } },
    run(volume) {
      for (let i = 0; i < 1000; i++) {
        const file = volume.file(`f${i % 7}`);
        file.write(0, Buffer.alloc(PAGE + 1, i));
        file.cleanup(Cleanup.DELETE);
        file.closeOnly();
      }
      assert.equal(volume.freeBytes, 64 * PAGE);
    },
  },
  {
    name: 'a reparse point: set, read back to the byte, found by its attribute, deleted by its tag',
    duties: ['reparse'],
    run(volume) {
      const link = volume.file('link', FILE_CREATE, FILE_OPEN_REPARSE_POINT);
      const data = symbolicLink('target');
      const control = (code: number, bytes: Uint8Array) =>
        link.ask(controlRequest(link.context, link.path, code, bytes));
      expectStatus(control(FsControl.GET, Buffer.alloc(0)).status, NtStatus.NOT_A_REPARSE_POINT, 'before');
      expectStatus(control(FsControl.SET, data).status, 0, 'set');
      const got = control(FsControl.GET, Buffer.alloc(0));
      const at = 128 + got.bytes.readUInt16LE(24);
      assert.deepEqual(got.bytes.subarray(at, at + got.bytes.readUInt16LE(26)), data);
      assert.equal(link.query().attributes & FileAttribute.REPARSE_POINT, FileAttribute.REPARSE_POINT);
      const otherTag = Buffer.alloc(8);
      otherTag.writeUInt32LE(0xa0000003, 0);
      expectStatus(control(FsControl.DELETE, otherTag).status, NtStatus.IO_REPARSE_TAG_MISMATCH, 'wrong tag');
      const sameTag = Buffer.alloc(8);
      sameTag.writeUInt32LE(0xa000000c, 0);
      expectStatus(control(FsControl.DELETE, sameTag).status, 0, 'delete');
      assert.equal(link.query().attributes & FileAttribute.REPARSE_POINT, 0);
      link.close();
    },
  },
  {
    name: 'a reparse point that a create brings is there at once, or there is no file',
    duties: ['reparse', 'create'],
    run(volume) {
      const reparsePoint = symbolicLink('target');
      const link = volume.file('link', FILE_CREATE, FILE_OPEN_REPARSE_POINT, { reparsePoint });
      assert.equal(link.info.attributes & FileAttribute.REPARSE_POINT, FileAttribute.REPARSE_POINT);
      const got = link.ask(controlRequest(link.context, link.path, FsControl.GET, Buffer.alloc(0)));
      const at = 128 + got.bytes.readUInt16LE(24);
      assert.deepEqual(got.bytes.subarray(at, at + got.bytes.readUInt16LE(26)), reparsePoint);
      link.close();
      const broken = { reparsePoint: reparsePoint.subarray(0, 12) };
      volume.refuses(NtStatus.IO_REPARSE_DATA_INVALID, 'none', FILE_CREATE, FILE_OPEN_REPARSE_POINT, broken);
      volume.refuses(NtStatus.OBJECT_NAME_NOT_FOUND, 'none', CreateDisposition.FILE_OPEN);
    },
  },
  {
    name: 'a deleted file stays deleted when it is opened for its directory option',
    duties: ['cleanupDelete', 'createDirectory'],
    run(volume) {
      volume.makeFile('f', 'x');
      volume.delete('f');
      const directory = volume.file('f', FILE_CREATE, FILE_DIRECTORY_FILE);
      assert.equal(directory.info.attributes & DIRECTORY, DIRECTORY);
      directory.close();
    },
  },
];
