/**
 * Opportunistic locks through the genuine driver: all levels are granted, broken by what other handles do, acknowledged
 * and given up, on the drive or, for comparison, on WinFsp's memfs; then programs that hold them while others open,
 * write, rename and delete the same files, and a drive that ends while an open waits for a break.
 *
 *   --seconds n   --seed n   --host memfs: the cases only
 */
import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';
import fc from 'fast-check';
import { NtStatus, ntStatusName } from '../../src/ntstatus.js';
import { CreateDisposition } from '../../src/winfsp/abi/constants.js';
import { check, note, option, textOption } from '../wine/check.js';
import { nothingLeft, startDrive, startMemfs, stopClean } from './host.js';
import { Access, FileClass, Option, Share, Status } from './nt.js';
import {
  acknowledge,
  BROKEN_TO_LEVEL_2,
  BROKEN_TO_NONE,
  breakIn,
  Cache,
  legacy,
  OplockCode,
  request,
} from './oplock-client.js';
import { Progress } from './programs.js';
import { lazyWriterEvery, type NtFile, type OpenOptions, open, perturb, type StayingControl } from './rig.js';
import { watchStandstill } from './standstill.js';

const { FILE_OPEN_IF, FILE_OVERWRITE } = CreateDisposition;
const { READ, HANDLE, WRITE } = Cache;
/** A handle that oplocks are granted to: not a synchronous one. */
const ASYNCHRONOUS = Option.NON_DIRECTORY;
const COMPLETE_IF_OPLOCKED = 0x100;
const STAYS_MS = 100;
const LIMIT_MS = 20_000;
const seconds = option('seconds', 10);
const seed = option('seed', Date.now() % 1_000_000);
const name = ntStatusName;
const SUCCESS = name(NtStatus.SUCCESS);

/** One volume's files, and a new file for each case. */
class Client {
  #files = 0;
  constructor(readonly volume: string) {}

  newPath(): string {
    this.#files += 1;
    return `\\file ${this.#files}`;
  }
  async tried(path: string, options: OpenOptions = {}): Promise<{ status: string; file: NtFile | null }> {
    const given = { options: ASYNCHRONOUS, access: Access.ALL, ...options };
    const { status, file } = await open(this.volume + path, given);
    return { status: name(status), file };
  }
  async opened(path: string, options: OpenOptions = {}): Promise<NtFile> {
    const { status, file } = await this.tried(path, { disposition: FILE_OPEN_IF, ...options });
    assert.ok(file !== null, `${path}: ${status}`);
    return file;
  }
}

const isPending = (control: StayingControl): void => assert.equal(control.status, Status.PENDING);

/** The status of one that does not stay. */
const atOnce = async (control: StayingControl): Promise<number> => (await control.result(0)).status;

/** Whether it is still waiting after a while. */
async function waits(work: Promise<unknown>): Promise<boolean> {
  const done = work.then(() => false);
  return Promise.race([done, setTimeout(STAYS_MS, true)]);
}

async function batch(client: Client): Promise<void> {
  const path = client.newPath();
  const holder = await client.opened(path);
  const oplock = legacy(holder, OplockCode.BATCH);
  isPending(oplock);
  // Attributes alone disturb nobody.
  const look = await client.opened(path, { access: Access.READ_ATTRIBUTES });
  await look.close();
  const other = client.tried(path);
  assert.ok(await waits(other), 'the open waits for the holder');
  assert.equal((await oplock.result(LIMIT_MS)).information, BROKEN_TO_LEVEL_2);
  assert.ok(await waits(other), 'and for its answer');
  const level2 = legacy(holder, OplockCode.ACKNOWLEDGE);
  isPending(level2);
  const { status, file } = await other;
  assert.equal(status, SUCCESS);
  assert.deepEqual(await file!.read(10, 0), { status: NtStatus.END_OF_FILE, data: Buffer.alloc(0) });
  assert.equal((await file!.write(Buffer.from('new'), 0)).status, NtStatus.SUCCESS);
  assert.equal((await level2.result(LIMIT_MS)).information, BROKEN_TO_NONE);
  await file!.close();
  await holder.close();
}

async function givenUp(client: Client): Promise<void> {
  const path = client.newPath();
  for (const end of ['close', 'no level 2', 'close pending'] as const) {
    const holder = await client.opened(path);
    const oplock = legacy(holder, end === 'close pending' ? OplockCode.BATCH : OplockCode.LEVEL_1);
    isPending(oplock);
    const other = client.tried(path);
    assert.ok(await waits(other), end);
    assert.equal((await oplock.result(LIMIT_MS)).information, BROKEN_TO_LEVEL_2);
    if (end === 'no level 2') {
      assert.equal(await atOnce(legacy(holder, OplockCode.ACKNOWLEDGE_NO_2)), NtStatus.SUCCESS);
    } else if (end === 'close pending') {
      assert.equal(await atOnce(legacy(holder, OplockCode.CLOSE_PENDING)), NtStatus.SUCCESS);
      assert.ok(await waits(other), 'until the close');
    }
    await holder.close();
    const { status, file } = await other;
    assert.equal(status, SUCCESS, end);
    await file!.close();
  }
}

async function overwriting(client: Client): Promise<void> {
  const path = client.newPath();
  const holder = await client.opened(path);
  assert.equal((await holder.write(Buffer.from('old'), 0)).status, NtStatus.SUCCESS);
  const oplock = legacy(holder, OplockCode.BATCH);
  isPending(oplock);
  const other = client.tried(path, { disposition: FILE_OVERWRITE });
  assert.equal((await oplock.result(LIMIT_MS)).information, BROKEN_TO_NONE);
  assert.ok(await waits(other));
  // What is cached comes to the file before it is emptied.
  assert.equal((await holder.read(10, 0)).data.toString(), 'old');
  assert.equal(await atOnce(legacy(holder, OplockCode.ACKNOWLEDGE)), NtStatus.SUCCESS);
  const { status, file } = await other;
  assert.equal(status, SUCCESS);
  assert.equal((await holder.read(10, 0)).status, NtStatus.END_OF_FILE);
  await file!.close();
  await holder.close();
}

/** A batch oplock lets its holder close a file before others are told that they may not have it. */
async function sharing(client: Client): Promise<void> {
  const path = client.newPath();
  for (const closes of [true, false]) {
    const holder = await client.opened(path, { share: Share.NONE });
    const oplock = legacy(holder, OplockCode.BATCH);
    isPending(oplock);
    const other = client.tried(path);
    await oplock.result(LIMIT_MS);
    assert.ok(await waits(other));
    if (!closes) await atOnce(legacy(holder, OplockCode.ACKNOWLEDGE_NO_2));
    else await holder.close();
    const { status, file } = await other;
    assert.equal(status, name(closes ? NtStatus.SUCCESS : NtStatus.SHARING_VIOLATION));
    await file?.close();
    if (!closes) await holder.close();
  }
}

async function shared(client: Client): Promise<void> {
  const path = client.newPath();
  const handles = [await client.opened(path), await client.opened(path), await client.opened(path)];
  const oplocks = handles.map((file) => legacy(file, OplockCode.LEVEL_2));
  for (const oplock of oplocks) isPending(oplock);
  const exclusive = legacy(handles[0]!, OplockCode.LEVEL_1);
  assert.equal(await atOnce(exclusive), Status.OPLOCK_NOT_GRANTED);
  // A write breaks level 2 for all, also for the handle that writes, and waits for none of them.
  assert.equal((await handles[1]!.write(Buffer.from('x'), 0)).status, NtStatus.SUCCESS);
  for (const oplock of oplocks) assert.equal((await oplock.result(LIMIT_MS)).information, BROKEN_TO_NONE);
  for (const file of handles) await file.close();
}

async function levels(client: Client): Promise<void> {
  const path = client.newPath();
  const holder = await client.opened(path);
  const oplock = request(holder, READ | WRITE | HANDLE);
  isPending(oplock);
  const other = client.tried(path);
  assert.ok(await waits(other));
  const told = breakIn(await oplock.result(LIMIT_MS));
  assert.deepEqual(told, { from: READ | WRITE | HANDLE, to: READ | HANDLE, acknowledge: true });
  const kept = acknowledge(holder, READ | HANDLE);
  isPending(kept);
  const { status, file } = await other;
  assert.equal(status, SUCCESS);
  // Its own writes do not break it; another's do, and wait for the answer because the handle is cached, too.
  assert.equal((await holder.write(Buffer.from('own'), 0)).status, NtStatus.SUCCESS);
  const write = file!.write(Buffer.from('new'), 0);
  assert.deepEqual(breakIn(await kept.result(LIMIT_MS)), { from: READ | HANDLE, to: 0, acknowledge: true });
  assert.equal(await atOnce(acknowledge(holder, 0)), NtStatus.SUCCESS);
  assert.equal((await write).status, NtStatus.SUCCESS);
  await file!.close();
  const last = request(holder, READ);
  isPending(last);
  await holder.close();
  assert.equal((await last.result(LIMIT_MS)).status, Status.OPLOCK_HANDLE_CLOSED);
}

async function renames(client: Client): Promise<void> {
  const path = client.newPath();
  const holder = await client.opened(path);
  const other = await client.opened(path);
  const oplock = request(holder, READ | HANDLE);
  isPending(oplock);
  const rename = other.rename(`${client.volume}${path} renamed`);
  assert.deepEqual(breakIn(await oplock.result(LIMIT_MS)), {
    from: READ | HANDLE,
    to: READ,
    acknowledge: true,
  });
  assert.ok(await waits(rename));
  const kept = acknowledge(holder, READ);
  isPending(kept);
  assert.equal(name(await rename), SUCCESS);
  // A new size ends it.
  assert.equal(name(await other.setEndOfFile(10)), SUCCESS);
  assert.deepEqual(breakIn(await kept.result(LIMIT_MS)), { from: READ, to: 0, acknowledge: false });
  await other.close();
  await holder.close();
}

async function unwaited(client: Client): Promise<void> {
  const path = client.newPath();
  const holder = await client.opened(path);
  const oplock = legacy(holder, OplockCode.LEVEL_1);
  isPending(oplock);
  const { status, file } = await client.tried(path, { options: ASYNCHRONOUS | COMPLETE_IF_OPLOCKED });
  assert.equal(status, '0x00000108', 'OPLOCK_BREAK_IN_PROGRESS');
  await oplock.result(LIMIT_MS);
  const read = file!.read(1, 0);
  assert.ok(await waits(read), 'what it does then waits');
  assert.equal(await atOnce(legacy(holder, OplockCode.ACKNOWLEDGE_NO_2)), NtStatus.SUCCESS);
  assert.equal((await read).status, NtStatus.END_OF_FILE);
  await file!.close();
  // One that is given back by cancelling its request.
  await holder.close();
  const again = await client.opened(path);
  const cancelled = legacy(again, OplockCode.BATCH);
  isPending(cancelled);
  assert.equal(name((await cancelled.result(0)).status), 'STATUS_CANCELLED');
  await (await client.opened(path)).close();
  await again.close();
}

const CASES = { batch, givenUp, overwriting, sharing, shared, levels, renames, unwaited };

// ---- programs ----

const PROGRAMS = 5;
const FILES = 3;
const progress = new Progress();

/** Holds an oplock of one file after another, answers its breaks after a while, and writes. */
async function holds(client: Client, id: number, more: () => boolean): Promise<number> {
  let breaks = 0;
  const pauses = fc.sample(fc.nat(8), { seed: seed + id, numRuns: 100 });
  for (let turn = 0; more(); turn++) {
    const path = `\\shared ${(turn + id) % FILES}`;
    const { file } = await client.tried(path, { disposition: FILE_OPEN_IF });
    progress.operations += 1;
    if (file === null) continue;
    const oplock = legacy(file, [OplockCode.BATCH, OplockCode.LEVEL_1, OplockCode.LEVEL_2][turn % 3]!);
    progress.doing.set(`holder ${id}`, `turn ${turn}, ${path}`);
    await setTimeout(pauses[turn % pauses.length]);
    const { status, information } = await oplock.result(pauses[turn % pauses.length]!);
    if (status === 0 && information === BROKEN_TO_LEVEL_2) {
      breaks += 1;
      await legacy(file, OplockCode.ACKNOWLEDGE).result(1);
    }
    await file.write(Buffer.from(`${id} ${turn}`.padEnd(4096)), 0);
    await file.close();
    progress.operations += 1;
  }
  return breaks;
}

/** Opens, writes, resizes, renames and deletes the same files. */
async function disturbs(client: Client, id: number, more: () => boolean): Promise<void> {
  for (let turn = 0; more(); turn++) {
    const path = `\\shared ${(turn * 7 + id) % FILES}`;
    progress.doing.set(`program ${id}`, `turn ${turn}, ${path}`);
    const disposition = turn % 5 === 0 ? CreateDisposition.FILE_OVERWRITE_IF : FILE_OPEN_IF;
    const { file } = await client.tried(path, { disposition });
    progress.operations += 1;
    if (file === null) continue;
    await file.write(Buffer.alloc(5000, id), turn % 9000);
    if (turn % 3 === 0) await file.setEndOfFile(turn % 20_000);
    if (turn % 4 === 1) await file.rename(`${client.volume}\\shared ${turn % FILES}`, FileClass.RENAME, 1);
    if (turn % 6 === 5) await file.set(FileClass.DISPOSITION, Buffer.from([1]));
    await file.close();
    progress.operations += 1;
  }
}

lazyWriterEvery(50);
if (textOption('host', 'drive') === 'memfs') {
  await startMemfs('R:');
  for (const [what, work] of Object.entries(CASES)) {
    await check(`memfs: ${what}`, () => work(new Client('\\??\\R:')));
  }
  process.exit();
}
for (const kernelCache of [true, false]) {
  const title = kernelCache ? 'cached' : 'uncached';
  const drive = await startDrive({ kernelCache, fileInfoTimeoutMs: 0 });
  const client = new Client('\\??\\R:');
  for (const [what, work] of Object.entries(CASES)) await check(`${title}: ${what}`, () => work(client));
  const watch = watchStandstill(progress);
  await check(`${title}: programs, seed ${seed}`, async () => {
    perturb(seed);
    const until = Date.now() + (seconds * 1000) / 2;
    const more = () => Date.now() < until;
    const holders = [0, 1].map((id) => holds(client, id, more));
    const others = Array.from({ length: PROGRAMS - 2 }, (_, id) => disturbs(client, id, more));
    const breaks = (await Promise.all(holders)).reduce((sum, one) => sum + one, 0);
    await Promise.all(others);
    perturb(0);
    assert.ok(breaks > 0, 'no oplock was broken');
    note(`${title}: ${progress.operations} operations, ${breaks} breaks to level 2`);
  });
  watch.end();
  await stopClean(drive);
}
await check('a drive that ends while an open waits for a break', async () => {
  const drive = await startDrive();
  const client = new Client('\\??\\R:');
  const holder = await client.opened('\\file');
  const oplock = legacy(holder, OplockCode.BATCH);
  isPending(oplock);
  const other = client.tried('\\file');
  assert.ok(await waits(other));
  const stop = drive.stop();
  await oplock.result(LIMIT_MS);
  await holder.close();
  const { file } = await other;
  await file?.close();
  await stop;
  await nothingLeft();
});
process.exit();
