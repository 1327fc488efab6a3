/**
 * Random programs on the genuine driver, several at once, with the lazy writer at work all the time and delays at the
 * waits and locks of the kernel below it. Every byte is compared, every file as a whole by its SHA-256 at the end; then
 * the drive checks itself, and of the volume nothing may be left in the driver. With the fault noCompletionThreads it
 * is a control: the programs must stand still, and that must be noticed.
 *
 *   --seconds n   --seed n   --host drive|memfs   --only cached|uncached|timeouts|old-end
 */
import assert from 'node:assert/strict';
import type { DriveSettings } from '../../src/drive/config/settings.js';
import { TRANSACT_KIND_NAMES } from '../../src/winfsp/abi/constants.js';
import { check, note, option, textOption } from '../wine/check.js';
import { nothingLeft, startHost } from './host.js';
import { directoryProgram, fileProgram, Progress } from './programs.js';
import { counter, lazyWriterEvery, nestedPaging, perturb, writeOldEnd } from './rig.js';
import { watchStandstill } from './standstill.js';

const PROGRAMS = 6;
const LAZY_MS = 30;
const seconds = option('seconds', 60);
const seed = option('seed', Date.now() % 1_000_000);
const host = textOption('host', 'drive') as 'drive' | 'memfs';
const only = textOption('only', '');

const MODES: { title: string; settings: Partial<DriveSettings>; oldEnd: boolean }[] = [
  { title: 'cached', settings: { kernelCache: true }, oldEnd: false },
  { title: 'old-end', settings: { kernelCache: true }, oldEnd: true },
  { title: 'uncached', settings: { kernelCache: false, fileInfoTimeoutMs: 0 }, oldEnd: false },
  { title: 'timeouts', settings: { kernelCache: false, fileInfoTimeoutMs: 1000 }, oldEnd: false },
];
const chosen = MODES.filter(({ title }) => only === '' || only === title);

lazyWriterEvery(LAZY_MS);
for (const { title, settings, oldEnd } of host === 'memfs' ? chosen.slice(0, 1) : chosen) {
  await check(`${title}: random programs, seed ${seed}`, async () => {
    const served = await startHost(host, settings);
    writeOldEnd(oldEnd);
    perturb(seed);
    const progress = new Progress();
    const watch = watchStandstill(progress);
    const until = Date.now() + (seconds * 1000) / chosen.length;
    let failed = false;
    const more = () => Date.now() < until && !failed;
    const stopOthers = (error: unknown) => {
      failed = true;
      throw error;
    };
    await Promise.all([
      ...Array.from({ length: PROGRAMS }, (_, id) =>
        fileProgram({ id, seed, progress, more }).catch(stopOthers),
      ),
      directoryProgram({ id: PROGRAMS, seed, progress, more }).catch(stopOthers),
    ]);
    watch.end();
    perturb(0);
    assert.deepEqual(await served.selfCheck(), []);
    await served.stop();
    if (host === 'drive') {
      await nothingLeft();
    }
    assert.equal(counter('failedPageOuts'), 0);
    note(`${title}: ${progress.operations} operations, nothing differs, seed ${seed}`);
  });
}
const nested = TRANSACT_KIND_NAMES.flatMap((name, kind) => {
  const [reads, writes] = [nestedPaging(kind, false), nestedPaging(kind, true)];
  return reads + writes === 0 ? [] : [`${name} ${reads} reads, ${writes} writes`];
});
note(`paging below the delivery of answers: ${nested.join('; ') || 'none'}`);
note(
  `${counter('fastReads')} fast reads, ${counter('fastWrites')} fast writes, ${counter('pageIns')} pages in, ${counter('pageOuts')} writes back, ${counter('perturbed')} delays`,
);
process.exit();
