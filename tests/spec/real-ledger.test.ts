/** The real pool and files go through every transition of the model that TLC checked. */
import { afterAll, expect, test } from 'vitest';
import type { Constants } from '../../spec/capacity-ledger/state.js';
import { walkRealLedger } from '../../spec/capacity-ledger/walk-real-ledger.js';
import { configurationsOf } from '../../spec/modules.js';

let realTransitions = 0;
let refusals = 0;

const configurations = configurationsOf('CapacityLedger').filter(
  (one) => one.expect === 'passes' && !one.isNightly,
);

test.each(configurations.map((one) => [one.name, one.constants] as const))('%s', (name, constants) => {
  const walk = walkRealLedger(constants as unknown as Constants);
  const number = (value: number) => Math.round(value).toLocaleString('en');
  console.log(
    `CapacityLedger ${name}, real code: ${number(walk.realTransitions)} transitions in ${number(walk.walks)} walks` +
      ` cover all ${number(walk.transitions)} of ${number(walk.distinctStates)} states, and ${number(walk.refusals)} refusals, ${walk.cpuSeconds.toFixed(1)} s`,
  );
  expect(walk.realTransitions).toBeGreaterThanOrEqual(walk.transitions);
  realTransitions += walk.realTransitions;
  refusals += walk.refusals;
});

afterAll(() => {
  expect(realTransitions).toBeGreaterThan(200_000);
  expect(refusals).toBeGreaterThan(20_000);
});
