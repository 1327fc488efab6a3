import { expect, test } from 'vitest';
import { explore } from '../../spec/explorer/explorer.js';
import { configurationsOf, modelOf, tlcCountsOf } from '../../spec/modules.js';
import { describeModule } from './module.js';

describeModule('CapacityLedger');

test.each(['promises', 'three-files'])(
  '%s, files taken for interchangeable: what is left stands for all states',
  (name) => {
    const { constants } = configurationsOf('CapacityLedger').find((one) => one.name === name)!;
    const { distinctStates, representedStates, violation } = explore(modelOf('CapacityLedger', constants), {
      symmetry: true,
    });
    const all = tlcCountsOf('CapacityLedger')[name]!.distinctStates;
    expect([violation, representedStates]).toEqual([null, all]);
    expect(distinctStates).toBeLessThan(all * 0.6);
  },
);
