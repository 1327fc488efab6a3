/**
 * The conformance cases on the genuine driver, by NT calls, with the inline, the async and the native dispatcher. A case
 * that no NT call reaches, or whose expectation is the driver's own business, is listed with its reason
 * (conformance-unreached.ts); one that is listed and passes is a failure, too.
 *
 *   --dispatcher inline|async|native     one of them
 *   --listed no                          leaves out what is listed, which takes time
 */
import assert from 'node:assert/strict';
import { CASES } from '../conformance/cases/index.js';
import type { ConformanceCase } from '../conformance/conformance-case.js';
import { DISPATCHERS, type DispatcherName } from '../conformance/served-options.js';
import type { ServedVolume } from '../conformance/served-volume.js';
import { check, note, textOption } from '../wine/check.js';
import { UNREACHED } from './conformance-unreached.js';
import { DriverVolume, NoNtCall } from './conformance-volume.js';
import { nothingLeft } from './host.js';
import { startRig, WINFSP } from './rig.js';

class Runner {
  #shared: DriverVolume | null = null;
  #directories = 0;

  constructor(readonly kind: DispatcherName) {}

  /** Throws what the case throws. */
  async run(testCase: ConformanceCase): Promise<void> {
    if (testCase.own !== undefined) {
      const volume = await DriverVolume.start('S', { ...testCase.own, kind: this.kind });
      try {
        await runOn(volume, testCase);
      } finally {
        await volume.stop();
      }
      return;
    }
    this.#shared ??= await DriverVolume.start('R', { kind: this.kind });
    this.#shared.directory = '';
    const name = `case ${++this.#directories}`;
    this.#shared.makeDirectory(name).close();
    this.#shared.directory = `\\${name}`;
    await runOn(this.#shared, testCase);
  }
  async finish(): Promise<void> {
    await this.#shared?.stop();
    await nothingLeft();
  }
}

async function runOn(volume: DriverVolume, testCase: ConformanceCase): Promise<void> {
  try {
    // Its cases see no more of a volume than this one has; what is missing throws NoNtCall.
    await testCase.run(volume as unknown as ServedVolume);
  } catch (error) {
    volume.closeAll();
    throw error;
  }
  assert.equal(volume.closeAll(), 0, 'handles left open');
}

/** What comes of a case beside what is known of it: null when all is well, or the error. */
async function attempt(runner: Runner, testCase: ConformanceCase): Promise<unknown> {
  const known = UNREACHED.get(testCase.name);
  if (known?.startsWith('not run: ') || (known !== undefined && !runsListed)) return null;
  try {
    await runner.run(testCase);
  } catch (error) {
    if (known === undefined) return error;
    const isOfThatKind = known.startsWith('no call: ') === error instanceof NoNtCall;
    return isOfThatKind ? null : error;
  }
  return known === undefined ? null : new Error(`it passes now, but is listed as: ${known}`);
}

const only = textOption('dispatcher', '');
const runsListed = textOption('listed', 'yes') !== 'no';
startRig();
process.env.RAMDRIVE_WINFSP_LIBRARY = WINFSP;
for (const kind of DISPATCHERS.filter((name) => only === '' || name === only)) {
  const runner = new Runner(kind);
  const cases = CASES.filter(({ dispatchers }) => dispatchers === undefined || dispatchers.includes(kind));
  const reached = cases.filter(({ name }) => !UNREACHED.has(name));
  for (const testCase of cases) {
    const error = await attempt(runner, testCase);
    if (error !== null || reached.includes(testCase)) {
      await check(`${kind}: ${testCase.name}`, () => {
        if (error !== null) throw error;
      });
    }
  }
  await check(`${kind}: nothing is left`, () => runner.finish());
  note(`${kind}: ${reached.length} of ${cases.length} cases reached by NT calls`);
}
await check('every case that is listed is a case', () => {
  const names = new Set(CASES.map(({ name }) => name));
  assert.deepEqual(
    [...UNREACHED.keys()].filter((name) => !names.has(name)),
    [],
  );
});
process.exit();
