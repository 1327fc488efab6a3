/**
 * Single operations through the genuine driver, with what Windows documents (and NTFS does) as the expectation; the few
 * places where a WinFsp file system has to differ say so. On the drive with and without the kernel's cache.
 */
import assert from 'node:assert/strict';
import { NtStatus, ntStatusName } from '../../src/ntstatus.js';
import { CreateDisposition as Disposition } from '../../src/winfsp/abi/constants.js';
import { eaList } from '../support/ea-list.js';
import { check } from '../wine/check.js';
import { openMoreNow, parseEas, queryEasNow, setEasNow } from './ea.js';
import { readFileNow, startDrive, stopClean, VOLUME, writeFileNow } from './host.js';
import { largeReads } from './large-reads.js';
import {
  Access,
  DirectoryFlag,
  FileClass,
  FsControl,
  LockFlag,
  Option,
  Share,
  Status,
  VolumeClass,
} from './nt.js';
import {
  basicInformation,
  int64,
  Notification,
  type NtFile,
  namesOf,
  type OpenOptions,
  openNow,
} from './rig.js';

const FILE = Option.SYNCHRONOUS | Option.NON_DIRECTORY;
const DIRECTORY = Option.SYNCHRONOUS | Option.DIRECTORY;
const CREATED = 2;
const OPENED = 1;
const OVERWRITTEN = 3;

function status(actual: number, expected: number, what = ''): void {
  assert.equal(ntStatusName(actual), ntStatusName(expected), what);
}
function opened(path: string, options: OpenOptions = {}): NtFile {
  const { file, status: result } = openNow(VOLUME + path, { options: FILE, ...options });
  status(result, NtStatus.SUCCESS, path);
  return file!;
}
/** Opens and closes. Returns the status of a failure, or else the information. */
function tried(path: string, options: OpenOptions = {}): string | number {
  const { file, status: result, information } = openNow(VOLUME + path, { options: FILE, ...options });
  file?.closeNow();
  return result === NtStatus.SUCCESS ? information : ntStatusName(result);
}
const name = (code: number): string => ntStatusName(code);

function dispositions(): void {
  const { FILE_OPEN, FILE_CREATE, FILE_OPEN_IF, FILE_OVERWRITE, FILE_OVERWRITE_IF, FILE_SUPERSEDE } =
    Disposition;
  assert.equal(tried('\\a.txt', { disposition: FILE_CREATE }), CREATED);
  assert.equal(tried('\\A.TXT', { disposition: FILE_CREATE }), name(NtStatus.OBJECT_NAME_COLLISION));
  assert.equal(tried('\\A.txt', { disposition: FILE_OPEN }), OPENED);
  assert.equal(tried('\\none'), name(NtStatus.OBJECT_NAME_NOT_FOUND));
  assert.equal(tried('\\none\\x'), name(NtStatus.OBJECT_PATH_NOT_FOUND));
  assert.equal(tried('\\a.txt', { disposition: FILE_OPEN_IF }), OPENED);
  assert.equal(tried('\\b.txt', { disposition: FILE_OPEN_IF }), CREATED);
  writeFileNow('\\b.txt', 'content');
  assert.equal(tried('\\b.txt', { disposition: FILE_OVERWRITE }), OVERWRITTEN);
  assert.equal(readFileNow('\\b.txt').length, 0);
  assert.equal(tried('\\none', { disposition: FILE_OVERWRITE }), name(NtStatus.OBJECT_NAME_NOT_FOUND));
  assert.equal(tried('\\c.txt', { disposition: FILE_OVERWRITE_IF }), CREATED);
  assert.equal(tried('\\c.txt', { disposition: FILE_SUPERSEDE }), 0);
  assert.equal(tried('\\d', { disposition: FILE_CREATE, options: DIRECTORY, access: Access.READ }), CREATED);
  assert.equal(tried('\\d', { access: Access.READ }), name(NtStatus.FILE_IS_A_DIRECTORY));
  assert.equal(tried('\\a.txt', { options: DIRECTORY, access: Access.READ }), name(NtStatus.NOT_A_DIRECTORY));
}

function names(): void {
  const { FILE_CREATE } = Disposition;
  const invalid = name(NtStatus.OBJECT_NAME_INVALID);
  writeFileNow('\\a.txt', '');
  assert.equal(tried('\\a.txt\\', { options: Option.SYNCHRONOUS, access: Access.READ }), invalid);
  for (const path of [
    '\\a|b',
    '\\a*',
    '\\a.txt:a:b',
    '\\a.txt:a:$INDEX_ALLOCATION',
    `\\${'x'.repeat(256)}`,
  ]) {
    assert.equal(tried(path, { disposition: FILE_CREATE }), invalid, path);
  }
  const longest = { disposition: FILE_CREATE, access: Access.ALL, options: FILE | Option.DELETE_ON_CLOSE };
  assert.equal(tried(`\\${'x'.repeat(255)}`, longest), CREATED);
  const file = opened('\\a.txt', { access: Access.READ });
  const { data } = file.queryNow(FileClass.NAME);
  assert.equal(data.toString('utf16le', 4, 4 + data.readUInt32LE(0)), '\\a.txt');
  file.closeNow();
}

function shareModes(): void {
  const violation = name(NtStatus.SHARING_VIOLATION);
  writeFileNow('\\share', 'x');
  const first = opened('\\share', { access: Access.READ, share: Share.READ });
  assert.equal(tried('\\share', { access: Access.READ, share: Share.READ }), OPENED);
  assert.equal(tried('\\share', { access: Access.READ_WRITE }), violation);
  assert.equal(tried('\\share', { access: Access.READ, share: Share.NONE }), violation);
  assert.equal(tried('\\share', { access: Access.DELETE }), violation);
  assert.equal(tried('\\share', { access: Access.READ_ATTRIBUTES, share: Share.NONE }), OPENED);
  assert.equal(tried('\\share', { access: Access.READ, disposition: Disposition.FILE_OVERWRITE }), violation);
  first.closeNow();
  assert.equal(tried('\\share', { share: Share.NONE }), OPENED);
}

function deleting(): void {
  const yes = Buffer.from([1]);
  writeFileNow('\\del', 'x');
  const one = opened('\\del', { access: Access.ALL });
  const two = opened('\\del', { access: Access.READ });
  status(one.setNow(FileClass.DISPOSITION, yes), NtStatus.SUCCESS);
  assert.equal(tried('\\del', { access: Access.READ }), name(NtStatus.DELETE_PENDING));
  assert.equal(one.queryNow(FileClass.STANDARD, 24).data[20], 1);
  status(one.setNow(FileClass.DISPOSITION, Buffer.from([0])), NtStatus.SUCCESS);
  assert.equal(tried('\\del', { access: Access.READ }), OPENED);
  status(one.setNow(FileClass.DISPOSITION, yes), NtStatus.SUCCESS);
  one.closeNow();
  assert.equal(tried('\\del', { access: Access.READ }), name(NtStatus.DELETE_PENDING));
  assert.equal(two.readNow(5, 0).data.length, 1);
  two.closeNow();
  assert.equal(tried('\\del'), name(NtStatus.OBJECT_NAME_NOT_FOUND));
  const onClose = { disposition: Disposition.FILE_CREATE, options: FILE | Option.DELETE_ON_CLOSE };
  assert.equal(tried('\\on-close', { ...onClose, access: Access.DELETE }), CREATED);
  assert.equal(tried('\\on-close'), name(NtStatus.OBJECT_NAME_NOT_FOUND));
  assert.equal(tried('\\on-close', { ...onClose, access: Access.READ }), name(NtStatus.INVALID_PARAMETER));
}

function refusedDeletes(): void {
  const { FILE_CREATE } = Disposition;
  const yes = Buffer.from([1]);
  opened('\\full', { disposition: FILE_CREATE, options: DIRECTORY, access: Access.READ }).closeNow();
  writeFileNow('\\full\\child', 'x');
  const directory = opened('\\full', { access: Access.DELETE, options: DIRECTORY });
  status(directory.setNow(FileClass.DISPOSITION, yes), NtStatus.DIRECTORY_NOT_EMPTY);
  directory.closeNow();
  writeFileNow('\\readonly', 'x');
  const file = opened('\\readonly', { access: Access.ALL });
  status(file.setNow(FileClass.BASIC, basicInformation({ attributes: 1 })), NtStatus.SUCCESS);
  status(file.setNow(FileClass.DISPOSITION, yes), NtStatus.CANNOT_DELETE);
  file.closeNow();
  assert.equal(tried('\\readonly', { access: Access.READ_WRITE }), name(NtStatus.ACCESS_DENIED));
  // POSIX deletes are switched off on Windows (docs/winfsp.md), so that programs fall back to the other kind.
  writeFileNow('\\posix', 'x');
  const posix = opened('\\posix', { access: Access.ALL });
  status(posix.setNow(FileClass.DISPOSITION_EX, Buffer.from([3, 0, 0, 0])), NtStatus.INVALID_PARAMETER);
  posix.closeNow();
}

function renaming(): void {
  writeFileNow('\\r1', 'one');
  writeFileNow('\\r2', 'two');
  opened('\\into', {
    disposition: Disposition.FILE_CREATE,
    options: DIRECTORY,
    access: Access.READ,
  }).closeNow();
  const file = opened('\\r1', { access: Access.ALL });
  status(file.renameNow('r3'), NtStatus.SUCCESS, 'a bare name');
  assert.equal(tried('\\r1'), name(NtStatus.OBJECT_NAME_NOT_FOUND));
  status(file.renameNow(`${VOLUME}\\r2`), NtStatus.OBJECT_NAME_COLLISION);
  status(file.renameNow(`${VOLUME}\\r2`, FileClass.RENAME, 1), NtStatus.SUCCESS, 'over another');
  assert.equal(readFileNow('\\r2').toString(), 'one');
  status(file.renameNow(`${VOLUME}\\R2`), NtStatus.SUCCESS, 'case only');
  assert.equal(file.queryNow(FileClass.NAME).data.toString('utf16le', 4, 10), '\\R2');
  status(file.renameNow(`${VOLUME}\\into\\moved`), NtStatus.SUCCESS, 'into a directory');
  const other = opened('\\share', { access: Access.READ });
  status(
    file.renameNow(`${VOLUME}\\share`, FileClass.RENAME, 1),
    NtStatus.ACCESS_DENIED,
    'over an open file',
  );
  other.closeNow();
  const directory = opened('\\into', { access: Access.ALL, options: DIRECTORY });
  status(
    directory.renameNow(`${VOLUME}\\into2`),
    NtStatus.ACCESS_DENIED,
    'a directory with an open file below',
  );
  file.closeNow();
  status(directory.renameNow(`${VOLUME}\\into2`), NtStatus.SUCCESS);
  directory.closeNow();
  assert.equal(tried('\\into2\\moved'), OPENED);
}

function sizes(): void {
  writeFileNow('\\size', 'twelve bytes');
  const file = opened('\\size', { access: Access.ALL });
  assert.equal(file.queryNow(FileClass.STANDARD, 24).data.readBigUInt64LE(8), 12n);
  status(file.setNow(FileClass.END_OF_FILE, int64(5)), NtStatus.SUCCESS);
  assert.equal(readFileNow('\\size').toString(), 'twelv');
  status(file.setNow(FileClass.END_OF_FILE, int64(8)), NtStatus.SUCCESS);
  assert.equal(readFileNow('\\size').toString(), 'twelv\0\0\0');
  status(file.readNow(10, 8).status, NtStatus.END_OF_FILE);
  // The driver rounds an allocation size up to the unit before it cuts the file.
  status(file.setNow(FileClass.ALLOCATION, int64(0)), NtStatus.SUCCESS);
  assert.equal(readFileNow('\\size').length, 0);
  status(file.setNow(FileClass.END_OF_FILE, int64(2 ** 40)), NtStatus.DISK_FULL);
  assert.equal(file.queryNow(FileClass.STANDARD, 24).data.readBigUInt64LE(8), 0n);
  file.closeNow();
}

/** What cannot be done to a directory is refused with a status that says so. */
function directories(): void {
  const options = { access: Access.ALL, options: DIRECTORY };
  const directory = opened('\\only a directory', { ...options, disposition: Disposition.FILE_CREATE });
  status(directory.setNow(FileClass.END_OF_FILE, int64(5)), NtStatus.INVALID_PARAMETER);
  status(directory.setNow(FileClass.ALLOCATION, int64(5)), NtStatus.INVALID_PARAMETER);
  status(directory.writeNow(Buffer.alloc(3), 0).status, NtStatus.INVALID_PARAMETER);
  status(directory.readNow(3, 0).status, NtStatus.INVALID_PARAMETER);
  directory.closeNow();
  for (const disposition of [
    Disposition.FILE_SUPERSEDE,
    Disposition.FILE_OVERWRITE,
    Disposition.FILE_OVERWRITE_IF,
  ]) {
    const either = { disposition, access: Access.ALL, options: Option.SYNCHRONOUS };
    assert.equal(tried('\\only a directory', either), name(NtStatus.OBJECT_NAME_COLLISION));
    assert.equal(tried('\\only a directory', { disposition }), name(NtStatus.FILE_IS_A_DIRECTORY));
  }
}

/** A time that a program has set stays, whatever it writes through the same handle afterwards. */
function setTimes(): void {
  const time = 0x01d0000000000000n;
  writeFileNow('\\times', 'twelve bytes');
  const file = opened('\\times', { access: Access.ALL });
  const written = () => file.queryNow(FileClass.BASIC, 40).data.readBigInt64LE(16);
  status(file.setNow(FileClass.BASIC, basicInformation({ lastWriteTime: time })), NtStatus.SUCCESS);
  assert.equal(written(), time);
  file.writeNow(Buffer.alloc(10), 0);
  assert.equal(written(), time, 'after a write in place');
  file.writeNow(Buffer.alloc(10_000), 0);
  assert.equal(written(), time, 'after growth');
  status(file.flushNow(), NtStatus.SUCCESS);
  assert.equal(written(), time, 'after a flush');
  file.closeNow();
  const again = opened('\\times', { access: Access.READ });
  assert.equal(again.queryNow(FileClass.BASIC, 40).data.readBigInt64LE(16), time, 'after the close');
  again.closeNow();
}

function information(): void {
  writeFileNow('\\info', 'x');
  const file = opened('\\info', { access: Access.ALL });
  const lengths = new Map<number, number>([
    [FileClass.BASIC, 40],
    [FileClass.STANDARD, 24],
    [FileClass.INTERNAL, 8],
    [FileClass.NETWORK_OPEN, 56],
    [FileClass.ATTRIBUTE_TAG, 8],
  ]);
  for (const [kind, length] of lengths) {
    const result = file.queryNow(kind);
    status(result.status, NtStatus.SUCCESS, `class ${kind}`);
    assert.equal(result.data.length, length, `class ${kind}`);
  }
  const time = 0x01d0000000000000n;
  status(
    file.setNow(FileClass.BASIC, basicInformation({ lastWriteTime: time, attributes: 2 })),
    NtStatus.SUCCESS,
  );
  const basic = file.queryNow(FileClass.BASIC, 40).data;
  assert.equal(basic.readBigInt64LE(16), time);
  assert.equal(basic.readUInt32LE(32), 2);
  const security = file.querySecurityNow(7);
  status(security.status, NtStatus.SUCCESS);
  assert.ok(security.data.length > 20);
  status(file.setSecurityNow(4, security.data), NtStatus.SUCCESS);
  assert.deepEqual(file.querySecurityNow(7).data, security.data);
  status(file.querySecurityNow(7, 8).status, Status.BUFFER_OVERFLOW);
  file.closeNow();
}

function all(directory: NtFile, pattern: string | null = null, flags = 0): string[] {
  const found: string[] = [];
  for (let first = true; ; first = false) {
    const { status: result, data } = directory.directoryNow(first ? pattern : null, first ? flags : 0);
    if (result !== NtStatus.SUCCESS) {
      status(result, Status.NO_MORE_FILES);
      return found;
    }
    found.push(...namesOf(data));
  }
}
function listing(): void {
  const { FILE_CREATE } = Disposition;
  opened('\\many', { disposition: FILE_CREATE, options: DIRECTORY, access: Access.READ }).closeNow();
  for (let i = 0; i < 120; i++) {
    writeFileNow(`\\many\\file${String(i).padStart(3, '0')}.${i % 2 === 0 ? 'bin' : 'txt'}`, '');
  }
  const list = (work: (directory: NtFile) => void) => {
    const directory = opened('\\many', { access: Access.LIST, options: DIRECTORY });
    work(directory);
    directory.closeNow();
  };
  list((directory) => {
    const found = all(directory);
    assert.deepEqual([found.length, found[0], found[1], new Set(found).size], [122, '.', '..', 122]);
    status(directory.directoryNow().status, Status.NO_MORE_FILES, 'again');
    assert.equal(all(directory, null, DirectoryFlag.RESTART).length, 122);
    assert.equal(
      namesOf(directory.directoryNow(null, DirectoryFlag.RESTART | DirectoryFlag.SINGLE).data).length,
      1,
    );
  });
  list((directory) => assert.equal(all(directory, '*.TXT').length, 60));
  list((directory) => assert.deepEqual(all(directory, 'FILE007.txt'), ['file007.txt']));
  list((directory) => status(directory.directoryNow('nothing*').status, Status.NO_SUCH_FILE));
  list((directory) => status(directory.directoryNow('file*', 0, 70).status, Status.BUFFER_OVERFLOW));
}

async function notification(): Promise<void> {
  const NAMES = 3;
  const directory = opened('\\many', { access: Access.LIST, options: Option.DIRECTORY });
  const added = new Notification(directory, NAMES);
  status(added.status, Status.PENDING);
  writeFileNow('\\many\\new', '');
  const { status: result, data } = await added.result(2000);
  status(result, NtStatus.SUCCESS);
  assert.deepEqual([data.readUInt32LE(4), data.toString('utf16le', 12)], [1, 'new']);
  status((await new Notification(directory, NAMES).result(50)).status, NtStatus.CANCELLED);
  const last = new Notification(directory, NAMES);
  directory.closeNow();
  status((await last.result(1000)).status, Status.NOTIFY_CLEANUP);
}

function volume(): void {
  const root = opened('\\', { access: Access.LIST, options: DIRECTORY });
  const size = root.queryVolumeNow(VolumeClass.SIZE).data;
  const bytes = (at: number) =>
    Number(size.readBigUInt64LE(at)) * size.readUInt32LE(16) * size.readUInt32LE(20);
  assert.equal(bytes(0), 16 * 2 ** 20);
  assert.ok(bytes(8) <= bytes(0));
  const label = Buffer.alloc(12);
  label.writeUInt32LE(8);
  label.write('NEWL', 4, 'utf16le');
  const handle = opened('', { options: Option.SYNCHRONOUS });
  status(handle.setVolumeNow(VolumeClass.LABEL, label), NtStatus.SUCCESS);
  assert.equal(root.queryVolumeNow(VolumeClass.VOLUME).data.toString('utf16le', 18, 26), 'NEWL');
  status(handle.flushNow(), NtStatus.SUCCESS);
  handle.closeNow();
  root.closeNow();
}

function locks(): void {
  const exclusive = LockFlag.EXCLUSIVE | LockFlag.FAIL_IMMEDIATELY;
  writeFileNow('\\locked', '0123456789');
  const a = opened('\\locked');
  const b = opened('\\locked');
  status(a.lockNow(0, 5, exclusive), NtStatus.SUCCESS);
  status(b.lockNow(4, 2, exclusive), Status.LOCK_NOT_GRANTED);
  status(b.readNow(2, 0).status, Status.FILE_LOCK_CONFLICT);
  status(b.writeNow(Buffer.from('x'), 1).status, Status.FILE_LOCK_CONFLICT);
  status(b.writeNow(Buffer.from('x'), 7).status, NtStatus.SUCCESS);
  status(a.writeNow(Buffer.from('y'), 0).status, NtStatus.SUCCESS);
  status(a.unlockNow(0, 5), NtStatus.SUCCESS);
  assert.equal(b.readNow(2, 0).data.toString(), 'y1');
  a.closeNow();
  b.closeNow();
}

const SYMLINK = 0xa000000c;
const RELATIVE = 1;
function symbolicLink(target: string): Buffer {
  const text = Buffer.from(target, 'utf16le');
  const data = Buffer.alloc(20 + 2 * text.length);
  data.writeUInt32LE(SYMLINK, 0);
  data.writeUInt16LE(12 + 2 * text.length, 4);
  data.writeUInt16LE(text.length, 10);
  data.writeUInt16LE(text.length, 12);
  data.writeUInt16LE(text.length, 14);
  data.writeUInt32LE(RELATIVE, 16);
  text.copy(data, 20);
  text.copy(data, 20 + text.length);
  return data;
}
function reparsePoints(): void {
  const { FILE_CREATE } = Disposition;
  writeFileNow('\\target', 'content of the target');
  const link = opened('\\link', {
    disposition: FILE_CREATE,
    access: Access.ALL,
    options: FILE | Option.OPEN_REPARSE_POINT,
  });
  const data = symbolicLink('target');
  status(link.controlNow(FsControl.SET_REPARSE, data).status, NtStatus.SUCCESS);
  link.closeNow();
  assert.equal(readFileNow('\\link').toString(), 'content of the target');
  writeFileNow('\\target:s', 'stream of the target');
  assert.equal(readFileNow('\\link:s').toString(), 'stream of the target');
  const ownStream = openNow(`${VOLUME}\\link:s`, { options: FILE | Option.OPEN_REPARSE_POINT });
  status(ownStream.status, NtStatus.OBJECT_NAME_NOT_FOUND);
  const itself = opened('\\link', {
    access: Access.ALL,
    options: Option.SYNCHRONOUS | Option.OPEN_REPARSE_POINT,
  });
  assert.deepEqual(itself.controlNow(FsControl.GET_REPARSE, null, 1024).data, data);
  status(
    itself.controlNow(FsControl.DELETE_REPARSE, data.subarray(0, 8)).status,
    NtStatus.IO_REPARSE_DATA_INVALID,
  );
  const otherTag = Buffer.from(data);
  otherTag.writeUInt32LE(0xa0000003, 0);
  status(itself.controlNow(FsControl.SET_REPARSE, otherTag).status, NtStatus.IO_REPARSE_TAG_MISMATCH);
  const empty = Buffer.from(data.subarray(0, 8));
  empty.writeUInt16LE(0, 4);
  status(itself.controlNow(FsControl.DELETE_REPARSE, empty).status, NtStatus.SUCCESS);
  itself.closeNow();
  assert.equal(readFileNow('\\link').length, 0);
  foreignReparsePoint();
}
/** Links whose texts WinFsp's library would join to a name that there is not. */
function awkwardLinks(): void {
  const { FILE_CREATE } = Disposition;
  const directory = (path: string) =>
    opened(path, { disposition: FILE_CREATE, options: DIRECTORY, access: Access.READ }).closeNow();
  directory('\\in');
  directory('\\in\\deep');
  writeFileNow('\\top.txt', 'top');
  writeFileNow('\\in\\file.txt', 'in');
  writeFileNow('\\in\\deep\\file.txt', 'deep');
  const leads: [path: string, target: string, through: string, content: string][] = [
    ['\\to-in', 'in', '\\to-in\\file.txt', 'in'],
    ['\\to-in-slash', 'in\\', '\\to-in-slash\\file.txt', 'in'],
    ['\\to-in-slashes', 'in\\\\', '\\to-in-slashes\\deep\\file.txt', 'deep'],
    ['\\in\\to-deep', 'deep\\', '\\in\\to-deep\\file.txt', 'deep'],
    ['\\here', '.', '\\here\\top.txt', 'top'],
    ['\\here-slash', '.\\', '\\here-slash\\in\\file.txt', 'in'],
    ['\\in\\here', '.', '\\in\\here\\file.txt', 'in'],
    ['\\in\\up', '..', '\\in\\up\\top.txt', 'top'],
    ['\\in\\up-slash', '..\\', '\\in\\up-slash\\top.txt', 'top'],
    ['\\in\\deep\\up-up', '..\\..', '\\in\\deep\\up-up\\top.txt', 'top'],
    ['\\root', '\\', '\\root\\top.txt', 'top'],
    ['\\in\\root', '\\', '\\in\\root\\top.txt', 'top'],
    ['\\in\\absolute', '\\in\\deep\\', '\\in\\absolute\\file.txt', 'deep'],
  ];
  const wrong: string[] = [];
  for (const [path, target, through, content] of leads) {
    const link = opened(path, {
      disposition: FILE_CREATE,
      access: Access.ALL,
      options: DIRECTORY | Option.OPEN_REPARSE_POINT,
    });
    const data = symbolicLink(target);
    status(link.controlNow(FsControl.SET_REPARSE, data).status, NtStatus.SUCCESS, path);
    assert.deepEqual(
      link.controlNow(FsControl.GET_REPARSE, null, 1024).data,
      data,
      'the text stays as it is',
    );
    link.closeNow();
    const itself = tried(path, { access: Access.LIST, options: DIRECTORY });
    if (itself !== OPENED) {
      wrong.push(`${path} -> ${target}: opened itself ${itself}`);
    }
    const { file, status: result } = openNow(VOLUME + through, { access: Access.READ, options: FILE });
    const found = file === null ? ntStatusName(result) : file.readNow(100, 0).data.toString();
    file?.closeNow();
    const stream = `${through}:of ${path.replaceAll('\\', ' ')}`;
    const writing = { access: Access.ALL, options: FILE };
    assert.equal(tried(stream, { ...writing, disposition: FILE_CREATE }), CREATED, stream);
    assert.equal(tried(stream, writing), OPENED, stream);
    if (found !== content) {
      wrong.push(`${path} -> ${target}: ${found}`);
    }
  }
  assert.deepEqual(wrong, []);
}
/** So many links on one way may be followed, as the library and not the driver has it. */
function chainOfLinks(): void {
  const { FILE_CREATE } = Disposition;
  writeFileNow('\\end', 'end');
  for (let i = 1; i <= 40; i++) {
    const link = opened(`\\chain${i}`, {
      disposition: FILE_CREATE,
      access: Access.ALL,
      options: FILE | Option.OPEN_REPARSE_POINT,
    });
    const target = symbolicLink(i === 1 ? 'end' : `chain${i - 1}`);
    status(link.controlNow(FsControl.SET_REPARSE, target).status, NtStatus.SUCCESS);
    link.closeNow();
  }
  assert.equal(tried('\\chain31', { access: Access.READ }), OPENED);
  assert.equal(tried('\\chain32', { access: Access.READ }), name(NtStatus.REPARSE_POINT_NOT_RESOLVED));
}
/** A tag that is not Microsoft's comes with a GUID, which has to be the same one. */
function foreignReparsePoint(): void {
  const file = opened('\\foreign', { disposition: Disposition.FILE_CREATE, access: Access.ALL });
  const data = Buffer.alloc(26, 1);
  data.writeUInt32LE(0x123, 0);
  data.writeUInt32LE(2, 4);
  status(file.controlNow(FsControl.SET_REPARSE, data).status, NtStatus.SUCCESS);
  const otherGuid = Buffer.from(data);
  otherGuid.fill(2, 8, 24);
  status(file.controlNow(FsControl.SET_REPARSE, otherGuid).status, NtStatus.REPARSE_ATTRIBUTE_CONFLICT);
  file.closeNow();
}

function extendedAttributes(): void {
  const { FILE_CREATE, FILE_OPEN_IF, FILE_OVERWRITE } = Disposition;
  const using = (disposition: number, value: string) => {
    const extendedAttributes = eaList({ NAME: value });
    const made = openMoreNow(
      `${VOLUME}\\ea`,
      { access: Access.ALL, disposition, options: FILE },
      { extendedAttributes },
    );
    status(made.status, NtStatus.SUCCESS);
    return made.file!;
  };
  const is = (file: NtFile, value: string) => {
    assert.deepEqual(parseEas(queryEasNow(file).data), [{ name: 'NAME', value }]);
    file.closeNow();
  };
  is(using(FILE_CREATE, 'created'), 'created');
  is(using(FILE_OPEN_IF, 'not taken'), 'created');
  is(using(FILE_OVERWRITE, 'overwritten'), 'overwritten');
  assert.equal(tried('\\ea', { disposition: FILE_OVERWRITE }), OVERWRITTEN);
  const file = opened('\\ea', { access: Access.ALL });
  status(queryEasNow(file).status, Status.NO_EAS_ON_FILE);
  status(setEasNow(file, eaList({ A: 'one', B: 'two' })), NtStatus.SUCCESS);
  assert.equal(file.queryNow(FileClass.EA, 4).data.readUInt32LE(0), 4 + 2 * (5 + 4));
  assert.deepEqual(parseEas(queryEasNow(file, { names: ['B'] }).data), [{ name: 'B', value: 'two' }]);
  file.closeNow();
}

/**
 * FILE_STAT_LX_INFORMATION: flags u32@72 (owner, group, mode, device), then these, u32 each. Of the two numbers of
 * $LXDEV the driver tells the second first.
 */
function subsystemForLinux(): void {
  const flags = { owner: 1, group: 2, mode: 4, device: 8 };
  const bytes = (...words: number[]) => Buffer.from(Uint32Array.from(words).buffer).toString('latin1');
  const file = openMoreNow(
    `${VOLUME}\\lx`,
    { access: Access.ALL, disposition: Disposition.FILE_CREATE, options: FILE },
    { extendedAttributes: eaList({ $LXUID: bytes(1000), $LXGID: bytes(100), $LXMOD: bytes(0o100644) }) },
  ).file!;
  const told = () => {
    const { status: answered, data } = file.queryNow(FileClass.STAT_LX, 96);
    status(answered, NtStatus.SUCCESS);
    return [72, 76, 80, 84, 88, 92].map((at) => data.readUInt32LE(at));
  };
  assert.deepEqual(told(), [flags.owner | flags.group | flags.mode, 1000, 100, 0o100644, 0, 0]);
  status(setEasNow(file, eaList({ $LXUID: '', $LXDEV: bytes(8, 1) })), NtStatus.SUCCESS);
  assert.deepEqual(told(), [flags.group | flags.mode | flags.device, 0, 100, 0o100644, 1, 8]);
  file.closeNow();
}

const CASES = {
  dispositions,
  names,
  'share modes': shareModes,
  deleting,
  'deletes that are refused': refusedDeletes,
  renaming,
  sizes,
  directories,
  'times that are set': setTimes,
  'extended attributes': extendedAttributes,
  'what the Subsystem for Linux keeps': subsystemForLinux,
  information,
  listing,
  notification,
  'the volume': volume,
  'byte-range locks': locks,
  'reparse points': reparsePoints,
  'awkward links': awkwardLinks,
  'many links': chainOfLinks,
};

for (const kernelCache of [true, false]) {
  const drive = await startDrive({ kernelCache, fileInfoTimeoutMs: 1000, capacityBytes: 16 * 2 ** 20 });
  for (const [title, work] of Object.entries(CASES)) {
    await check(`${kernelCache ? 'cached' : 'uncached'}: ${title}`, work);
  }
  await check(`${kernelCache ? 'cached' : 'uncached'}: large reads between small ones`, () =>
    largeReads(drive),
  );
  await check(`${kernelCache ? 'cached' : 'uncached'}: nothing is left`, () => stopClean(drive));
}
process.exit();
