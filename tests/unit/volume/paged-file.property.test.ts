/** Random histories of several files and several writes in flight on a tiny volume, beside the byte-array model. */
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
const begin = fc.record({ op: fc.constant('begin' as const), file, at: bytes, length: fc.nat(40) });
const phase = fc.record({
  op: fc.constant('phase' as const),
  phase: fc.constantFrom('scan', 'scan', 'take', 'take', 'commit', 'commit', 'abandon'),
  flight: fc.nat(2),
});
const step = fc.oneof(
  { weight: 4, arbitrary: write },
  { weight: 4, arbitrary: read },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('setLength' as const), file, at: bytes }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('setAllocation' as const), file, at: bytes }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('trim' as const), file }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('dispose' as const), file }) },
  { weight: 6, arbitrary: begin },
  { weight: 15, arbitrary: phase },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('refuse' as const), refuse: fc.boolean() }) },
);

const setting = fc.record({
  pageSizeBytes: fc.constantFrom(4, 8, 16),
  pageCount: fc.integer({ min: 1, max: 12 }),
  warmPages: fc.constantFrom(0, 1, 3, 100),
  preallocate: fc.constantFrom(false, false, false, true),
});

test('random histories agree with the model after every step', () => {
  let committed = 0;
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
        else if (one.op === 'phase') {
          const flight = rig.flights[one.flight];
          if (flight === undefined) continue;
          rig.phase(flight, one.phase);
          if (one.phase === 'commit') committed++;
        } else {
          const pair = rig.pairs[one.file]!;
          if (one.op === 'write') rig.write(pair, one.at, one.length, value);
          else if (one.op === 'read') rig.read(pair, one.at, one.length);
          else if (one.op === 'setLength') rig.setLength(pair, one.at);
          else if (one.op === 'setAllocation') rig.setAllocation(pair, one.at);
          else if (one.op === 'trim') rig.trim(pair);
          else if (one.op === 'begin') {
            if (rig.flights.length < 6) rig.begin(pair, one.at, one.length, value);
          } else {
            rig.dispose(pair);
            // Its writes in flight go on, on the disposed file; the next operation meets a new one.
            rig.pairs[one.file] = rig.fresh();
          }
        }
        if (rig.pool.freePages === 0) refused++;
        rig.verify();
      }
      rig.finish();
    }),
    RUNS,
  );
  // A property that never fills the volume or never commits proves nothing.
  expect(committed).toBeGreaterThan(propertyRuns(RUNS) / 4);
  expect(refused).toBeGreaterThan(propertyRuns(RUNS) / 4);
}, 60_000);
