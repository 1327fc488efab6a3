import { expect, test } from 'vitest';
import type { Constants } from '../../spec/copy-lanes/copy-lanes.js';
import { walkRealLanes } from '../../spec/copy-lanes/real-lanes.js';
import { configurationsOf } from '../../spec/modules.js';
import { describeModule } from './module.js';

describeModule('CopyLanes');

const configurations = configurationsOf('CopyLanes').filter(
  (one) => one.expect === 'passes' && !one.isLiveness && !one.isNightly,
);

test.each(configurations.map((one) => [one.name, one.constants] as const))(
  'real files and lanes go through every transition of %s',
  async (name, constants) => {
    const walk = await walkRealLanes(constants as unknown as Constants);
    console.log(
      `CopyLanes ${name}, real code: ${walk.realTransitions} transitions in ${walk.walks} walks cover all` +
        ` ${walk.transitions} of ${walk.distinctStates} states, ${walk.cpuSeconds.toFixed(1)} s`,
    );
    expect(walk.realTransitions).toBeGreaterThanOrEqual(walk.transitions);
  },
);
