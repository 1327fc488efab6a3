/**
 * How drives end on the genuine driver: with data that is still in the kernel's cache, under load, many times; and what
 * the driver keeps then, down to its unloading. `--count n` (40) cycles. Runs with the fault dieOnName: 'poison'.
 */
import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';
import { NtStatus, ntStatusName } from '../../src/ntstatus.js';
import { CreateDisposition as Disposition } from '../../src/winfsp/abi/constants.js';
import { check, note, option } from '../wine/check.js';
import { failedWrites, MIB, nothingLeft, startDrive, stopClean, VOLUME } from './host.js';
import { Access, Option, Status } from './nt.js';
import { directoryProgram, fileProgram, Progress } from './programs.js';
import { counter, irps, lazyWriterEvery, open, openNow, poolBlocks, unloadDriver } from './rig.js';
import { watchStandstill } from './standstill.js';

const count = option('count', 40);
const seed = option('seed', Date.now() % 1_000_000);
const FILE = Option.SYNCHRONOUS | Option.NON_DIRECTORY;
const LAZY_LONG_MS = 30_000;
const LAZY_SHORT_MS = 30;
const PROGRAMS = 4;

await check(
  'stopped with data in the kernel’s cache: it is written before the end, and no write fails',
  async () => {
    lazyWriterEvery(LAZY_LONG_MS);
    const drive = await startDrive();
    const { file } = openNow(`${VOLUME}\\late`, { disposition: Disposition.FILE_CREATE, options: FILE });
    const pages = 64;
    assert.equal(file!.writeNow(Buffer.alloc(pages * 4096, 7), 0).status, NtStatus.SUCCESS);
    file!.closeNow();
    assert.equal(counter('pageOuts'), 0, 'nothing was written back yet, or this shows nothing');
    await drive.stop();
    lazyWriterEvery(LAZY_SHORT_MS);
    assert.ok(counter('pageOuts') > 0, 'the cache was written back');
    assert.equal(failedWrites(), 0);
  },
);

await check('nothing is left of it', nothingLeft);

await check('stopped under load: every program gets an answer, and nothing is left', async () => {
  const drive = await startDrive();
  const progress = new Progress();
  const watch = watchStandstill(progress, 40);
  let stopping = false;
  const ended = async (program: Promise<void>): Promise<void> => {
    await program.catch((error) => {
      if (!stopping) {
        throw error;
      }
    });
  };
  const more = () => !stopping || progress.operations < 0;
  const programs = Array.from({ length: PROGRAMS }, (_, id) =>
    ended(fileProgram({ id, seed, progress, more })),
  );
  programs.push(ended(directoryProgram({ id: PROGRAMS, seed, progress, more })));
  await setTimeout(1500);
  stopping = true;
  await drive.stop();
  await Promise.all(programs);
  watch.end();
  assert.ok(progress.operations > 100, `${progress.operations} operations`);
});

await check('handles that outlive the volume: errors, and it goes when they are closed', async () => {
  const drive = await startDrive();
  const { file } = openNow(`${VOLUME}\\stays`, { disposition: Disposition.FILE_CREATE, options: FILE });
  assert.equal(file!.writeNow(Buffer.from('content'), 0).status, NtStatus.SUCCESS);
  await drive.stop();
  const { status } = file!.writeNow(Buffer.alloc(10), 100);
  assert.ok(status === NtStatus.VOLUME_DISMOUNTED || status === NtStatus.CANCELLED, ntStatusName(status));
  const again = await open(`${VOLUME}\\stays`, { access: Access.READ });
  assert.equal(again.file, null);
  file!.closeNow();
});

await check('a worker that dies under load: every program gets an answer', async () => {
  const drive = await startDrive();
  const open5 = Array.from(
    { length: 5 },
    (_, i) => openNow(`${VOLUME}\\f${i}`, { disposition: Disposition.FILE_CREATE, options: FILE }).file!,
  );
  const pending = open5.map(async (file, i) => {
    for (let at = 0; ; at += 4096) {
      const { status } = await file.write(Buffer.alloc(4096, i), at % MIB);
      if (status !== NtStatus.SUCCESS) {
        return status;
      }
    }
  });
  const poison = await open(`${VOLUME}\\poison`, { disposition: Disposition.FILE_CREATE, options: FILE });
  open5.push(...(poison.file === null ? [] : [poison.file]));
  assert.equal((await drive.ended).reason, 'died');
  for (const end of await Promise.all(pending)) {
    assert.ok(end < 0, ntStatusName(end));
  }
  await Promise.all(open5.map((file) => file.close()));
  await drive.stop().catch(() => {});
});

await check(`${count} drives started, used and stopped: none leaves anything`, async () => {
  const begun = Date.now();
  for (let i = 0; i < count; i++) {
    const drive = await startDrive({
      kernelCache: i % 2 === 0,
      fileInfoTimeoutMs: 1000,
      capacityBytes: 16 * MIB,
    });
    const { file } = openNow(`${VOLUME}\\x`, { disposition: Disposition.FILE_CREATE, options: FILE });
    assert.equal(file!.writeNow(Buffer.alloc(10_000, i), 0).status, NtStatus.SUCCESS);
    assert.deepEqual(file!.readNow(20_000, 0).data, Buffer.alloc(10_000, i));
    file!.closeNow();
    await stopClean(drive);
  }
  note(`${Math.round((Date.now() - begun) / count)} ms a drive`);
});

await check('the driver unloads, and gives everything back', () => {
  assert.equal(unloadDriver(), NtStatus.SUCCESS);
  assert.deepEqual({ irps: irps(), poolBlocks: poolBlocks() }, { irps: 0, poolBlocks: 0 });
  assert.equal(openNow(`${VOLUME}\\x`).status, Status.NAME_NOT_FOUND);
});
process.exit();
