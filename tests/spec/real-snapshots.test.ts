/** A real volume with snapshots goes through every transition of the model that TLC checked. */
import { afterAll, expect, test } from 'vitest';
import { configurationsOf } from '../../spec/modules.js';
import type { Constants } from '../../spec/snapshots/state.js';
import { walkRealSnapshots } from '../../spec/snapshots/walk-real-snapshots.js';

let realTransitions = 0;
let refusals = 0;

const configurations = configurationsOf('Snapshots').filter(
  (one) => one.expect === 'passes' && !one.isNightly,
);

test.each(configurations.map((one) => [one.name, one.constants] as const))('%s', (name, constants) => {
  const walk = walkRealSnapshots(constants as unknown as Constants);
  const number = (value: number) => Math.round(value).toLocaleString('en');
  console.log(
    `Snapshots ${name}, real code: ${number(walk.realTransitions)} transitions in ${number(walk.walks)} walks cover all` +
      ` ${number(walk.transitions)} of ${number(walk.distinctStates)} states, and ${number(walk.refusals)} refusals, ${walk.cpuSeconds.toFixed(1)} s`,
  );
  expect(walk.realTransitions).toBeGreaterThanOrEqual(walk.transitions);
  realTransitions += walk.realTransitions;
  refusals += walk.refusals;
});

afterAll(() => {
  expect(realTransitions).toBeGreaterThan(300_000);
  expect(refusals).toBeGreaterThan(10_000);
});
