/**
 * The conformance suite as vitest runs it: the same cases as `npm run conformance`, one test each, for every
 * dispatcher.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { CASES } from './cases/index.js';
import { DUTIES, type DutyId } from './duties.js';
import { HISTORIC_FAULTS, type HistoricFault } from './historic-faults.js';
import { CaseRunner } from './run-cases.js';
import { DISPATCHERS } from './served-options.js';

describe.each(DISPATCHERS)('the RAM drive behind the %s dispatcher', (dispatcher) => {
  const runner = new CaseRunner(dispatcher);
  for (const testCase of CASES.filter((one) => runner.appliesTo(one))) {
    it(testCase.name, () => runner.run(testCase));
  }
  afterAll(() => runner.finish());
});

describe('the suite itself', () => {
  it('has a case for every duty, and every case has a name of its own', () => {
    const held = new Set<string>(CASES.flatMap(({ duties }) => duties));
    expect(Object.keys(DUTIES).filter((duty) => !held.has(duty))).toEqual([]);
    expect(new Set(CASES.map(({ name }) => name)).size).toBe(CASES.length);
  });

  it.each(HISTORIC_FAULTS)('fails when the historic fault "%s" is put back', async (fault) => {
    const suspects = CASES.filter(({ duties }) => duties.some((duty) => SHOWING[fault].includes(duty)));
    const runner = new CaseRunner('inline', { fault });
    const failed: string[] = [];
    for (const testCase of suspects) {
      await runner.run(testCase).catch(() => failed.push(testCase.name));
    }
    await runner.finish().catch(() => {});
    expect(failed.length).toBeGreaterThan(0);
  });
});

/** Duties that each fault breaks. */
const SHOWING: Readonly<Record<HistoricFault, readonly DutyId[]>> = {
  'empty-flush': ['flush'],
  'no-capacity-check': ['cachedExtend'],
  'reservation-leak': ['volumeInfo'],
};
