/** Random histories of several files on a tiny volume, beside the byte-array model. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { holds, propertyRuns } from '../../support/property.js';
import { Rig } from './model.js';

const FILES = 3;
const RUNS = 400;
const file = fc.nat(FILES - 1);
const bytes = fc.nat(70);

const write = fc.record({ op: fc.constant('write' as const), file, at: bytes, length: fc.nat(40) });
const read = fc.record({ op: fc.constant('read' as const), file, at: bytes, length: fc.nat(60) });
const overwrite = fc.record({ op: fc.constant('overwrite' as const), file, at: bytes });
const step = fc.oneof(
  { weight: 8, arbitrary: write },
  { weight: 4, arbitrary: read },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('setLength' as const), file, at: bytes }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('setAllocation' as const), file, at: bytes }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('zero' as const), file, at: bytes, length: bytes }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('trim' as const), file }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('dispose' as const), file }) },
  { weight: 1, arbitrary: overwrite },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('refuse' as const), refuse: fc.boolean() }) },
);

const setting = fc.record({
  pageSizeBytes: fc.constantFrom(4, 8, 16),
  pageCount: fc.integer({ min: 1, max: 12 }),
  warmPages: fc.constantFrom(0, 1, 3, 100),
  preallocate: fc.constantFrom(false, false, false, true),
});

test('random histories agree with the model after every step', () => {
  let written = 0;
  let refused = 0;
  holds(
    'histories of files',
    fc.property(setting, fc.array(step, { maxLength: 80, size: 'max' }), (options, steps) => {
      const rig = new Rig(options.pageSizeBytes, options.pageCount, options.warmPages, options.preallocate);
      for (let i = 0; i < FILES; i++) rig.create();
      let value = 0;
      for (const one of steps) {
        value = (value % 200) + 1;
        if (one.op === 'refuse') rig.refuseCommits = one.refuse;
        else {
          const pair = rig.pairs[one.file]!;
          if (one.op === 'write') {
            const wasWritten = rig.write(pair, one.at, one.length, value);
            if (wasWritten) written++;
            else refused++;
          } else if (one.op === 'read') rig.read(pair, one.at, one.length);
          else if (one.op === 'setLength') rig.setLength(pair, one.at);
          else if (one.op === 'setAllocation') rig.setAllocation(pair, one.at);
          else if (one.op === 'zero') rig.zero(pair, one.at, one.length);
          else if (one.op === 'trim') rig.trim(pair);
          else if (one.op === 'overwrite') rig.overwrite(pair, one.at);
          else {
            rig.dispose(pair);
            // The next operation meets a new one.
            rig.pairs[one.file] = rig.fresh();
          }
        }
        rig.verify();
      }
      rig.finish();
    }),
    RUNS,
  );
  // A property that never fills the volume or never writes proves nothing.
  expect(written).toBeGreaterThan(propertyRuns(RUNS) / 4);
  expect(refused).toBeGreaterThan(propertyRuns(RUNS) / 4);
}, 60_000);
