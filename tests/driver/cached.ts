/**
 * Other ways to cached data, through the genuine driver: descriptor lists, by which servers of network files read and
 * write the pages themselves, and writes that the cache manager puts off while too much is dirty. On the drive or, for
 * comparison, on WinFsp's memfs.
 *
 *   --host memfs
 */
import assert from 'node:assert/strict';
import { NtStatus, ntStatusName } from '../../src/ntstatus.js';
import { CreateDisposition } from '../../src/winfsp/abi/constants.js';
import { check, note, option, textOption } from '../wine/check.js';
import { MIB, startDrive, startMemfs, stopClean, VOLUME } from './host.js';
import { Access, FileClass, Option } from './nt.js';
import { CachedPages, counter, dirtyLimit, int64, lazyWriterEvery, type NtFile, open } from './rig.js';

const PAGE = 4096;
const { FILE_OPEN_IF } = CreateDisposition;
const seed = option('seed', 1);
const isMemfs = textOption('host', 'drive') === 'memfs';

async function opened(path: string, options: number = Option.SYNCHRONOUS): Promise<NtFile> {
  const given = { disposition: FILE_OPEN_IF, access: Access.ALL, options: options | Option.NON_DIRECTORY };
  const { file, status } = await open(VOLUME + path, given);
  assert.ok(file !== null, `${path}: ${ntStatusName(status)}`);
  return file;
}
const content = (length: number, salt = seed): Buffer =>
  Buffer.from(Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 12) + salt) & 0xff));
async function written(path: string, data: Buffer): Promise<NtFile> {
  const file = await opened(path);
  assert.deepEqual(await file.write(data, 0), { status: 0, done: data.length });
  return file;
}
/** What the file system has, not the cache. */
async function stored(path: string, length: number): Promise<Buffer> {
  const file = await opened(path, Option.SYNCHRONOUS | Option.NO_BUFFERING);
  const { status, data } = await file.read(Math.ceil(length / PAGE) * PAGE, 0);
  assert.equal(ntStatusName(status), ntStatusName(0));
  await file.close();
  return data;
}
async function sizeOf(file: NtFile): Promise<number> {
  return Number((await file.query(FileClass.STANDARD, 24)).data.readBigUInt64LE(8));
}

async function reads(): Promise<void> {
  const data = content(5 * PAGE + 100);
  const file = await written('\\read', data);
  for (const [offset, length] of [
    [0, 100],
    [4000, 200],
    [100, 5 * PAGE],
    [5 * PAGE, PAGE],
  ] as const) {
    const pages = await CachedPages.of(file, false, length, offset);
    assert.equal(ntStatusName(pages.status), ntStatusName(0));
    assert.deepEqual(pages.bytes, data.subarray(offset, offset + length), `${offset}, ${length}`);
    assert.equal(await pages.giveBack(), NtStatus.SUCCESS);
  }
  const beyond = await CachedPages.of(file, false, 10, 6 * PAGE);
  assert.equal(beyond.status, NtStatus.END_OF_FILE);
  // Pages that are out stay what they are while the file is cut, and writes of others are seen in them.
  const pages = await CachedPages.of(file, false, PAGE, 0);
  await file.write(Buffer.from('changed'), 10);
  await pages.giveBack();
  assert.equal((await file.read(7, 10)).data.toString(), 'changed');
  await file.close();
}

async function writes(): Promise<void> {
  const data = content(3 * PAGE + 10);
  const file = await written('\\write', data);
  // Beyond the end, so that the file grows.
  const [offset, length] = [2 * PAGE + 50, 4 * PAGE];
  const pages = await CachedPages.of(file, true, length, offset);
  assert.equal(ntStatusName(pages.status), ntStatusName(0));
  assert.equal(pages.bytes.length, length);
  const change = content(length, seed + 7);
  pages.change(change);
  assert.equal(await pages.giveBack(), NtStatus.SUCCESS);
  assert.equal(await sizeOf(file), offset + length);
  const expected = Buffer.concat([data.subarray(0, offset), change]);
  assert.deepEqual((await file.read(offset + length, 0)).data, expected);
  assert.equal(await file.flush(), NtStatus.SUCCESS);
  assert.deepEqual(await stored('\\write', offset + length), expected);
  await file.close();
}

async function full(): Promise<void> {
  const file = await written('\\full', Buffer.from('kept'));
  const pages = await CachedPages.of(file, true, PAGE, 60 * MIB);
  assert.equal(ntStatusName(pages.status), ntStatusName(NtStatus.DISK_FULL));
  assert.equal(await sizeOf(file), 4);
  assert.equal((await file.read(10, 0)).data.toString(), 'kept');
  await file.close();
}

/** Writes that wait for the lazy writer, several at a time, with sizes and flushes between them. */
async function putOff(): Promise<void> {
  const before = counter('deferredWrites');
  dirtyLimit(8);
  lazyWriterEvery(20);
  const programs = Array.from({ length: 4 }, async (_, id) => {
    const path = `\\late ${id}`;
    const file = await opened(path, 0);
    for (let turn = 0; turn < 30; turn++) {
      const data = content(6 * PAGE, id * 31 + turn);
      const results = await Promise.all([
        file.write(data.subarray(0, 3 * PAGE), 0),
        file.write(data.subarray(3 * PAGE), 3 * PAGE),
      ]);
      assert.deepEqual(
        results.map(({ status, done }) => [ntStatusName(status), done]),
        [0, 1].map(() => [ntStatusName(0), 3 * PAGE]),
      );
      if (turn % 5 === 4) await file.flush();
      assert.deepEqual((await file.read(6 * PAGE, 0)).data, data, `${path}, turn ${turn}`);
      if (turn % 7 === 6) await file.set(FileClass.END_OF_FILE, int64(PAGE));
    }
    await file.flush();
    await file.close();
    const last = content(6 * PAGE, id * 31 + 29);
    assert.deepEqual(await stored(path, 6 * PAGE), last);
  });
  await Promise.all(programs);
  dirtyLimit(0);
  const deferred = counter('deferredWrites') - before;
  assert.ok(deferred > 0, 'no write was put off');
  note(`${deferred} writes were put off`);
}

lazyWriterEvery(50);
const drive = isMemfs ? null : await startDrive({ capacityBytes: 32 * MIB });
if (drive === null) await startMemfs('R:');
await check('reads by descriptor lists', reads);
await check('writes by descriptor lists', writes);
// memfs is larger than what the rig caches of a file.
if (drive !== null) await check('a write by a descriptor list on a full disk', full);
await check('writes that are put off', putOff);
if (drive !== null) await stopClean(drive);
process.exit();
