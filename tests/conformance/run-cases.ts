/**
 * Runs conformance cases one after the other, without a test runner: on volumes of their own, or on one that is shared,
 * each in a directory of its own. After each case nothing may be left open and no rule may have been broken; after a
 * volume, nothing at all.
 */
import assert from 'node:assert/strict';
import type { ConformanceCase } from './conformance-case.js';
import type { DispatcherName } from './served-options.js';
import { ServedVolume, type StartOptions } from './served-volume.js';

/** A case that does not end is a case that has failed. */
const CASE_LIMIT_MS = 60_000;

export interface CaseResult {
  name: string;
  duties: readonly string[];
  result: 'passed' | 'failed' | 'not for this dispatcher';
  milliseconds: number;
  error: string | null;
}

export class CaseRunner {
  #shared: ServedVolume | null = null;
  #directories = 0;

  /** `more`: for every volume, such as a fault put back on purpose. */
  constructor(
    readonly dispatcher: DispatcherName,
    readonly more: StartOptions = {},
  ) {}

  appliesTo({ dispatchers }: ConformanceCase): boolean {
    return dispatchers === undefined || dispatchers.includes(this.dispatcher);
  }

  /** Throws what the case throws. */
  async run(testCase: ConformanceCase): Promise<void> {
    if (testCase.own === undefined) {
      await this.#runShared(testCase);
      return;
    }
    const volume = await ServedVolume.start({ ...testCase.own, kind: this.dispatcher, ...this.more });
    try {
      await withinLimit(testCase.run(volume));
      if (testCase.endsVolume !== true) {
        await volume.stop();
      }
    } catch (error) {
      await withinLimit(volume.abandon()).catch(() => {});
      throw error;
    }
  }

  async #runShared(testCase: ConformanceCase): Promise<void> {
    this.#shared ??= await ServedVolume.start({ kind: this.dispatcher, ...this.more });
    const volume = this.#shared;
    const { host } = volume;
    volume.directory = '';
    const name = `case ${++this.#directories}`;
    volume.makeDirectory(name).close();
    volume.directory = `\\${name}`;
    const open = volume.openHandles;
    const violations = host.violations.length;
    try {
      await withinLimit(testCase.run(volume));
      assert.deepEqual(host.violations.slice(violations), []);
      assert.equal(volume.openHandles, open, 'handles left open');
    } catch (error) {
      // Whatever it has left behind must not fail the next one.
      this.#shared = null;
      await withinLimit(volume.abandon()).catch(() => {});
      throw error;
    }
  }

  /** Ends the shared volume; throws when something is left on it. */
  async finish(): Promise<void> {
    await this.#shared?.stop();
    this.#shared = null;
  }
}

async function withinLimit<T>(work: T | Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${CASE_LIMIT_MS / 1000} s`)), CASE_LIMIT_MS);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** Runs them all and never throws: failures are in the results. */
export async function runCases(
  cases: readonly ConformanceCase[],
  dispatcher: DispatcherName,
  onResult: (result: CaseResult) => void = () => {},
): Promise<CaseResult[]> {
  const runner = new CaseRunner(dispatcher);
  const results: CaseResult[] = [];
  const attempt = async (name: string, duties: readonly string[], work: () => Promise<void>) => {
    const begun = performance.now();
    let error: string | null = null;
    try {
      await work();
    } catch (thrown) {
      error = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
    }
    const milliseconds = Math.round(performance.now() - begun);
    results.push({ name, duties, result: error === null ? 'passed' : 'failed', milliseconds, error });
    onResult(results.at(-1)!);
  };
  for (const testCase of cases) {
    const { name, duties } = testCase;
    if (runner.appliesTo(testCase)) {
      await attempt(name, duties, () => runner.run(testCase));
    } else {
      results.push({ name, duties, result: 'not for this dispatcher', milliseconds: 0, error: null });
    }
  }
  await attempt('the shared volume ends with nothing left', ['close'], () => runner.finish());
  return results;
}
