/**
 * The drive beside WinFsp's own memfs, both on the genuine driver in one process: the same random steps on both, and
 * every status, every byte and every listing compared. A difference is shrunk to the shortest sequence that shows it.
 * Allowed differences are data with a reason each (differential-allowed.ts).
 *
 *   --operations n (20000)   --seed n
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ntStatusName } from '../../src/ntstatus.js';
import { FileAttribute } from '../../src/winfsp/abi/constants.js';
import { check, note, option } from '../wine/check.js';
import { ALLOWED, type Allowed, type Difference } from './differential-allowed.js';
import { type Outcome, openStep, perform, type Step, step } from './differential-steps.js';
import { startDrive, startMemfs } from './host.js';
import { Access, DirectoryFlag, FileClass, Option } from './nt.js';
import { basicInformation, lazyWriterEvery, type NtFile, namesOf, openNow } from './rig.js';

const operations = option('operations', 20_000);
const seed = option('seed', Date.now() % 1_000_000);
const STEPS_A_RUN = 80;
const STEPS_OF_AN_AVERAGE_RUN = 32;
const MIB = 2 ** 20;
const DRIVE = '\\??\\R:';
const MEMFS = '\\??\\M:';

await startDrive({ capacityBytes: 512 * MIB, pageSizeBytes: 4096 });
await startMemfs('M:');
lazyWriterEvery(200);

interface Pair {
  drive: NtFile;
  memfs: NtFile;
  isStream: boolean;
}
let runs = 0;
let done = 0;
const seen = new Map<string, number>();

/** Does the steps on both volumes, in a directory of their own. Throws at the first difference that is not allowed. */
function runBoth(steps: readonly Step[], expected: string | null = null): void {
  const directory = `\\run ${runs++}`;
  for (const volume of [DRIVE, MEMFS]) {
    const made = openNow(volume + directory, {
      disposition: 2,
      options: Option.SYNCHRONOUS | Option.DIRECTORY,
    });
    assert.equal(made.status, 0, `${volume}${directory}`);
    made.file!.closeNow();
  }
  const pairs: Pair[] = [];
  const hasStreams = steps.some((one) => one.do === 'open' && one.path.includes(':'));
  try {
    for (const [at, made] of steps.entries()) {
      done += 1;
      const one = expected === null ? measurable(made, pairs, hasStreams) : made;
      const difference = one.do === 'open' ? openBoth(one, directory, pairs) : doBoth(one, directory, pairs);
      const allowed = difference === null ? undefined : allowedFor(difference, expected);
      if (allowed?.ends === true) {
        return;
      }
      if (difference !== null && allowed === undefined) {
        const { drive, memfs } = difference;
        throw new Error(
          `step ${at}: the drive says ${JSON.stringify(drive)}, memfs ${JSON.stringify(memfs)}\n${steps
            .slice(0, at + 1)
            .map((each) => JSON.stringify(each))
            .join('\n')}`,
        );
      }
    }
  } finally {
    for (const { drive, memfs } of pairs) {
      drive.closeNow();
      memfs.closeNow();
    }
    for (const volume of [DRIVE, MEMFS]) {
      removeTree(volume + directory);
    }
  }
}

/** What a run leaves, so that a million steps need no more room than a thousand. */
function removeTree(path: string): void {
  const options = Option.SYNCHRONOUS | Option.OPEN_REPARSE_POINT;
  const { file, status } = openNow(path, { access: Access.CHANGE, options });
  assert.equal(ntStatusName(status), ntStatusName(0), path);
  for (let flags: number = DirectoryFlag.RESTART; ; flags = 0) {
    const { status, data } = file!.directoryNow(null, flags);
    if (status !== 0) {
      break;
    }
    for (const name of namesOf(data)) {
      if (name !== '.' && name !== '..') {
        removeTree(`${path}\\${name}`);
      }
    }
  }
  file!.setNow(FileClass.BASIC, basicInformation({ attributes: FileAttribute.NORMAL }));
  assert.equal(ntStatusName(file!.setNow(FileClass.DISPOSITION, Buffer.from([1]))), ntStatusName(0), path);
  file!.closeNow();
}

/**
 * For what memfs is no measure: what becomes of the streams of a file that a rename replaces, and attributes set through
 * a stream, which may cost its file the bit that makes it a directory.
 */
function measurable(one: Step, pairs: readonly Pair[], hasStreams: boolean): Step {
  if (one.do === 'rename' && hasStreams) return { ...one, replace: false };
  const isThroughStream = one.do === 'basic' && pairs[one.handle % pairs.length]?.isStream === true;
  return isThroughStream ? { ...one, attributes: 0 } : one;
}

function openBoth(one: Extract<Step, { do: 'open' }>, directory: string, pairs: Pair[]): Difference | null {
  const drive = openStep(one, DRIVE + directory);
  const memfs = openStep(one, MEMFS + directory);
  if (drive.file !== null && memfs.file !== null) {
    pairs.push({ drive: drive.file, memfs: memfs.file, isStream: one.path.includes(':') });
  } else {
    drive.file?.closeNow();
    memfs.file?.closeNow();
  }
  return differenceOf(one, drive.result, memfs.result);
}
function doBoth(one: Exclude<Step, { do: 'open' }>, directory: string, pairs: Pair[]): Difference | null {
  if (pairs.length === 0) {
    return null;
  }
  const index = one.handle % pairs.length;
  const { drive, memfs } = pairs[index]!;
  if (one.do === 'close') {
    pairs.splice(index, 1);
  }
  return differenceOf(one, perform(one, drive, DRIVE + directory), perform(one, memfs, MEMFS + directory));
}
function differenceOf(one: Step, drive: Outcome, memfs: Outcome): Difference | null {
  return JSON.stringify(drive) === JSON.stringify(memfs) ? null : { step: one, drive, memfs };
}
function allowedFor(difference: Difference, expected: string | null): Allowed | undefined {
  const allowed = ALLOWED.find(
    ({ id, matches }) => (expected === null || id === expected) && matches(difference),
  );
  if (allowed !== undefined) {
    seen.set(allowed.id, (seen.get(allowed.id) ?? 0) + 1);
  }
  return allowed;
}

for (const { id, reason, example } of ALLOWED) {
  await check(`allowed: ${id}`, () => {
    seen.clear();
    runBoth(example, id);
    assert.ok(seen.has(id), `it no longer differs: ${reason}`);
  });
}
seen.clear();

await check(`${operations} random steps on the drive and on memfs, seed ${seed}`, () => {
  done = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: STEPS_A_RUN, size: 'max' }), (steps) =>
      runBoth(steps),
    ),
    { seed, numRuns: Math.ceil(operations / STEPS_OF_AN_AVERAGE_RUN), endOnFailure: false },
  );
  const allowed = [...seen].map(([id, times]) => `${id} ${times}`).join(', ');
  note(`${done} steps in ${runs} runs, seed ${seed}; allowed differences: ${allowed || 'none'}`);
});
process.exit();
