/**
 * Named streams through the genuine driver: what each operation answers (as WinFsp's sample does too: the differential
 * program compares them), then several programs that open, write, read, delete and close streams while the directory
 * above is renamed. The driver closes the file of a stream while it completes the end of the stream's handle, so with
 * the fault noCompletionThreads this is a control: the first program that closes one must stand still.
 *
 *   --seconds n   --seed n
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { NtStatus, ntStatusName } from '../../src/ntstatus.js';
import { CreateDisposition } from '../../src/winfsp/abi/constants.js';
import { check, note, option } from '../wine/check.js';
import { startDrive, stopClean, VOLUME } from './host.js';
import { Access, FileClass, Option, Share } from './nt.js';
import { Progress } from './programs.js';
import {
  basicInformation,
  lazyWriterEvery,
  type NtFile,
  type OpenOptions,
  open,
  perturb,
  streamsIn,
} from './rig.js';
import { watchStandstill } from './standstill.js';

const { FILE_CREATE, FILE_OPEN_IF, FILE_OVERWRITE, FILE_SUPERSEDE } = CreateDisposition;
const FILE = Option.SYNCHRONOUS | Option.NON_DIRECTORY;
const DIRECTORY = Option.SYNCHRONOUS | Option.DIRECTORY;
const READ_ONLY = 1;
const HIDDEN_ARCHIVE = 0x22;
const PROGRAMS = 5;
const STREAMS_A_FILE = 4;
const seconds = option('seconds', 10);
const seed = option('seed', Date.now() % 1_000_000);
const progress = new Progress();

async function opened(path: string, options: OpenOptions = {}): Promise<NtFile> {
  const given = { options: FILE, access: Access.ALL, ...options };
  const { file, status } = await open(VOLUME + path, given);
  assert.equal(ntStatusName(status), ntStatusName(0), path);
  return file!;
}

async function tried(path: string, options: OpenOptions = {}): Promise<string> {
  const given = { options: FILE, access: Access.ALL, ...options };
  const { file, status } = await open(VOLUME + path, given);
  await file?.close();
  return ntStatusName(status);
}

const name = (status: number): string => ntStatusName(status);
const SUCCESS = name(NtStatus.SUCCESS);
const INVALID = name(NtStatus.OBJECT_NAME_INVALID);

async function made(path: string, content = ''): Promise<void> {
  const file = await opened(path, { disposition: FILE_OPEN_IF });
  assert.equal((await file.write(Buffer.from(content), 0)).done, content.length);
  await file.close();
}

async function contentOf(path: string): Promise<string> {
  const file = await opened(path);
  const { data } = await file.read(100, 0);
  await file.close();
  return data.toString();
}

async function streamsOf(path: string, options = FILE): Promise<[string, number][]> {
  const file = await opened(path, { access: Access.READ_ATTRIBUTES, options });
  const { status, data } = await file.query(FileClass.STREAM, 4096);
  await file.close();
  assert.ok(status === NtStatus.SUCCESS || status === NtStatus.END_OF_FILE, name(status));
  return streamsIn(data);
}

async function names(): Promise<void> {
  await made('\\f', 'main');
  await made('\\f:Zone', 'stream');
  for (const path of ['\\f:Zone', '\\F:zONE', '\\f:Zone:$DATA', '\\f:ZONE:$data'])
    assert.equal(await contentOf(path), 'stream', path);
  assert.equal(await contentOf('\\f::$DATA'), 'main');
  for (const path of ['\\f:', '\\f:a:', '\\f:a:$I30', '\\f:a|b', '\\f:a*', '\\f:$I30:$INDEX_ALLOCATION'])
    assert.equal(await tried(path, { disposition: FILE_CREATE }), INVALID, path);
  // The driver counts file and stream as one component.
  assert.equal(await tried(`\\f:${'x'.repeat(253)}`, { disposition: FILE_CREATE }), SUCCESS);
  assert.equal(await tried(`\\f:${'x'.repeat(254)}`, { disposition: FILE_CREATE }), INVALID);
  assert.equal(await tried('\\f:none'), name(NtStatus.OBJECT_NAME_NOT_FOUND));
  assert.equal(await tried('\\none\\f:s'), name(NtStatus.OBJECT_PATH_NOT_FOUND));
  assert.equal(await tried('\\f:Zone', { disposition: FILE_CREATE }), name(NtStatus.OBJECT_NAME_COLLISION));
  assert.equal(await tried('\\new:s', { disposition: FILE_CREATE }), SUCCESS);
  assert.equal(await contentOf('\\new'), '');
}

async function directories(): Promise<void> {
  await (await opened('\\d', { disposition: FILE_CREATE, options: DIRECTORY })).close();
  await made('\\d:s', 'of a directory');
  await made('\\:root', 'of the root');
  assert.deepEqual(await streamsOf('\\d', DIRECTORY), [[':s:$DATA', 14]]);
  assert.equal(await contentOf('\\d:s'), 'of a directory');
  assert.equal(await contentOf('\\:root'), 'of the root');
  const notOne = name(NtStatus.NOT_A_DIRECTORY);
  assert.equal(await tried('\\d:t', { disposition: FILE_CREATE, options: DIRECTORY }), notOne);
  const directory = await opened('\\d', { options: DIRECTORY });
  assert.equal(name(await directory.set(FileClass.DISPOSITION, Buffer.from([1]))), SUCCESS);
  await directory.close();
  assert.equal(await tried('\\d:s'), name(NtStatus.OBJECT_NAME_NOT_FOUND));
}

async function lives(): Promise<void> {
  await made('\\life', 'main');
  await made('\\life:a', 'aa');
  await made('\\life:b', 'b');
  assert.deepEqual(await streamsOf('\\life'), [
    ['::$DATA', 4],
    [':a:$DATA', 2],
    [':b:$DATA', 1],
  ]);
  const a = await opened('\\life:a');
  assert.equal(name(await a.set(FileClass.BASIC, basicInformation({ attributes: HIDDEN_ARCHIVE }))), SUCCESS);
  assert.equal(name(await a.rename(':c')), name(NtStatus.INVALID_PARAMETER));
  const file = await opened('\\life');
  assert.equal((await file.query(FileClass.BASIC, 40)).data.readUInt32LE(32), HIDDEN_ARCHIVE);
  assert.equal(name(await file.rename(`${VOLUME}\\moved`)), name(NtStatus.ACCESS_DENIED));
  assert.equal(name(await a.set(FileClass.DISPOSITION, Buffer.from([1]))), SUCCESS);
  await a.close();
  assert.equal(name(await file.rename(`${VOLUME}\\moved`)), SUCCESS);
  await file.close();
  assert.deepEqual(await streamsOf('\\moved'), [
    ['::$DATA', 4],
    [':b:$DATA', 1],
  ]);
  const held = await opened('\\moved:b', { share: Share.READ | Share.WRITE });
  assert.equal(await tried('\\moved', { access: Access.DELETE }), name(NtStatus.SHARING_VIOLATION));
  assert.equal(
    await tried('\\moved', { disposition: FILE_OVERWRITE, attributes: HIDDEN_ARCHIVE }),
    name(NtStatus.SHARING_VIOLATION),
  );
  await held.close();
  assert.equal(await tried('\\moved', { disposition: FILE_SUPERSEDE, attributes: HIDDEN_ARCHIVE }), SUCCESS);
  assert.deepEqual(await streamsOf('\\moved'), [['::$DATA', 0]]);
  await made('\\r');
  await made('\\r:s', 'text');
  const r = await opened('\\r');
  await r.set(FileClass.BASIC, basicInformation({ attributes: READ_ONLY }));
  await r.close();
  for (const path of ['\\r:s', '\\r:t'])
    assert.equal(await tried(path, { disposition: FILE_OPEN_IF }), name(NtStatus.ACCESS_DENIED), path);
}

/** A program of its own files, in a directory that another one renames. */
async function program(id: number, more: () => boolean): Promise<void> {
  const path = fc.sample(fc.nat(STREAMS_A_FILE - 1), { seed: seed + id, numRuns: 1000 });
  const contents = new Map<string, string>();
  for (let turn = 0; more(); turn++) {
    const stream = `:s${path[turn % path.length]}`;
    progress.doing.set(`program ${id}`, `turn ${turn}, ${stream}`);
    const { file, status } = await open(`${VOLUME}\\dir\\f${id}${stream}`, {
      disposition: FILE_OPEN_IF,
      access: Access.ALL,
      options: FILE,
    });
    progress.operations += 1;
    // The directory is elsewhere at this moment.
    if (status === NtStatus.OBJECT_PATH_NOT_FOUND || status === NtStatus.OBJECT_NAME_NOT_FOUND) continue;
    assert.equal(name(status), SUCCESS);
    const kept = contents.get(stream) ?? '';
    assert.equal((await file!.read(100, 0)).data.toString(), kept);
    if (turn % 5 === 4) {
      assert.equal(name(await file!.set(FileClass.DISPOSITION, Buffer.from([1]))), SUCCESS);
      contents.delete(stream);
    } else {
      const content = `${id} ${turn} `.padEnd(kept.length, '.');
      assert.equal((await file!.write(Buffer.from(content), 0)).done, content.length);
      contents.set(stream, content);
    }
    await file!.close();
    progress.operations += 1;
  }
}

async function renames(more: () => boolean): Promise<number> {
  let done = 0;
  for (let turn = 0; more(); turn++) {
    const [from, to] = turn % 2 === 0 ? ['dir', 'away'] : ['away', 'dir'];
    const directory = await opened(`\\${from}`, { options: DIRECTORY });
    // Refused while something below is open; on the way back the programs find nothing to open.
    let status = await directory.rename(`${VOLUME}\\${to}`);
    while (turn % 2 === 1 && status !== 0) status = await directory.rename(`${VOLUME}\\${to}`);
    if (turn % 2 === 0 && status !== 0) turn -= 1;
    else done += 1;
    await directory.close();
    progress.doing.set('renames', `turn ${turn}`);
    progress.operations += 1;
  }
  return done;
}

for (const kernelCache of [true, false]) {
  const title = kernelCache ? 'cached' : 'uncached';
  lazyWriterEvery(50);
  const drive = await startDrive({ kernelCache, fileInfoTimeoutMs: 0 });
  const watch = watchStandstill(progress);
  const step = (work: () => Promise<void>) => async () => {
    progress.doing.set('checks', work.name);
    progress.operations += 1;
    await work();
    progress.doing.delete('checks');
  };
  await check(`${title}: names`, step(names));
  await check(`${title}: streams of directories`, step(directories));
  await check(`${title}: delete, rename, overwrite, share modes`, step(lives));
  await check(`${title}: programs while their directory is renamed, seed ${seed}`, async () => {
    await (await opened('\\dir', { disposition: FILE_CREATE, options: DIRECTORY })).close();
    perturb(seed);
    const until = Date.now() + (seconds * 1000) / 2;
    let failed = false;
    const more = () => Date.now() < until && !failed;
    const noteFailure = (error: unknown): never => {
      failed = true;
      throw error;
    };
    const programs = Array.from({ length: PROGRAMS }, (_, id) => program(id, more).catch(noteFailure));
    const [moved] = await Promise.all([renames(more).catch(noteFailure), ...programs]);
    perturb(0);
    note(`${title}: ${progress.operations} operations on streams, ${moved} renames of their directory`);
  });
  watch.end();
  await stopClean(drive);
}
process.exit();
