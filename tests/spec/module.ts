/** What is tested of each module's twin in spec/: the same states as TLC, the same failures, the same rare branches. */
import { afterAll, describe, expect, test } from 'vitest';
import { type Exploration, explore } from '../../spec/explorer/explorer.js';
import { configurationsOf, type ModuleName, modelOf, tlcCountsOf } from '../../spec/modules.js';

export function describeModule(module: ModuleName): void {
  const configurations = configurationsOf(module);
  const passing = configurations.filter((one) => one.expect === 'passes' && !one.isNightly);
  const counts = tlcCountsOf(module);
  const taken = new Map<string, number>();
  let transitions = 0;
  let cpuSeconds = 0;

  describe(`${module}: the same distinct states as TLC, and every invariant in each`, () => {
    for (const { name, constants, invariants } of passing) {
      test(name, () => {
        const tlc = counts[name];
        expect(tlc?.constants, 'tla/results is out of date: run npm run tlc').toEqual(constants);
        const model = modelOf(module, constants);
        const known = [...Object.keys(model.invariants), ...Object.keys(model.actionProperties ?? {})];
        expect(known).toEqual(expect.arrayContaining(invariants));
        const found = explore(model);
        console.log(lineOf(module, name, found));
        transitions += found.transitions;
        cpuSeconds += found.cpuSeconds;
        expect(found.violation).toBeNull();
        expect(found.distinctStates).toBe(tlc?.distinctStates);
        for (const [action, { taken: times }] of Object.entries(found.actions)) {
          taken.set(action, (taken.get(action) ?? 0) + times);
        }
      });
    }

    afterAll(() => {
      console.log(`${module}: ${rateOf(transitions, cpuSeconds)}`);
      const never = [...taken].filter(([, times]) => times === 0).map(([action]) => action);
      expect(never, 'actions that no configuration takes').toEqual([]);
    });
  });

  test(`${module}: a step that is not asked would not have been enabled`, () => {
    const smallest = passing.filter((one) => counts[one.name]!.distinctStates < 15_000);
    for (const { constants } of smallest) {
      const model = modelOf(module, constants);
      const { transitions, actions } = explore(model);
      const all = model.steps.map((step) => ({ ...step, mayApply: undefined }));
      expect(explore({ ...model, steps: all })).toMatchObject({ transitions, actions });
    }
    expect(smallest.length).toBeGreaterThan(0);
  });

  const branches = configurations.filter((one) => one.constants.Watch !== 'none');
  describe(`${module}: every rare branch is taken`, () => {
    test.each(branches.map((one) => [one.constants.Watch as string, one.constants] as const))(
      '%s',
      (branch, constants) => {
        const model = modelOf(module, constants);
        explore(model, { goal: () => model.reached.has(branch) });
        expect([...model.reached]).toContain(branch);
      },
    );
  });

  // Planted faults are TLC's alone; failures that come from the constants must be found here too.
  const failing = configurations.filter(
    (one) => one.name.startsWith('fault-') && one.constants.Fault === 'none' && !one.isLiveness,
  );
  if (failing.length === 0) return;
  describe(`${module}: what must fail fails`, () => {
    test.each(failing.map((one) => [one.name, one] as const))(
      '%s',
      (_, { constants, invariants, expect: due }) => {
        const found = explore(modelOf(module, constants), { only: invariants });
        expect(`violates ${found.violation?.name}`).toBe(due);
        expect(found.violation?.trace.length).toBeGreaterThan(2);
      },
    );
  });
}

function lineOf(
  module: string,
  name: string,
  { distinctStates, transitions, cpuSeconds }: Exploration,
): string {
  return `${module} ${name}: ${number(distinctStates)} states, ${rateOf(transitions, cpuSeconds)}`;
}

/** Of a small search it is that of code not yet compiled. */
function rateOf(transitions: number, cpuSeconds: number): string {
  const rate = number(transitions / cpuSeconds);
  return `${number(transitions)} transitions, ${rate} transitions per second of processor time`;
}

function number(value: number): string {
  return Math.round(value).toLocaleString('en');
}
