/**
 * Random programs above the simulated kernel cache: every acknowledged byte is there in the end, and DISK_FULL is said
 * at SetFileSize or never. With one of the historic faults put back, the same workloads must fail: a suite that cannot
 * is worth nothing.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HISTORIC_FAULTS } from '../historic-faults.js';
import { PAGE } from '../served-options.js';
import { ServedVolume } from '../served-volume.js';
import {
  ACTIONS,
  type Command,
  FILES,
  MAX_LENGTH,
  MAX_OFFSET,
  randomCommands,
  Workload,
} from './workload.js';

/** Small enough that workloads fill it. */
const CAPACITY_BYTES = 24 * PAGE;

const commands = fc.array(
  fc.record<Command>({
    action: fc.constantFrom(...ACTIONS),
    file: fc.nat(FILES - 1),
    other: fc.nat(FILES - 1),
    offset: fc.oneof(fc.nat(MAX_OFFSET), fc.constantFrom(0, PAGE - 1, PAGE, PAGE + 1, 8 * PAGE)),
    length: fc.oneof(fc.integer({ min: 1, max: MAX_LENGTH }), fc.constantFrom(1, PAGE - 1, PAGE, PAGE + 1)),
    seed: fc.nat(255),
  }),
  { minLength: 1, maxLength: 120, size: 'max' },
);

describe.each([
  ['inline', undefined, undefined],
  ['inline with held completions', { completionsNest: true }, { hold_completion: 1 }],
] as const)('the kernel cache above the RAM drive, %s', (_, dispatcher, library) => {
  let volume: ServedVolume;
  beforeAll(async () => {
    volume = await ServedVolume.start({
      volume: { capacityBytes: CAPACITY_BYTES },
      ...(dispatcher === undefined ? {} : { dispatcher }),
      ...(library === undefined ? {} : { library }),
    });
  });
  afterAll(() => volume.stop());

  it('random workloads: nothing that was acknowledged is lost, refusals are justified, free space is true', () => {
    let refusals = 0;
    fc.assert(
      fc.property(commands, (list) => {
        const workload = new Workload(volume);
        for (const command of list) {
          workload.apply(command);
        }
        workload.finish();
        refusals += workload.refusals;
      }),
      { numRuns: 150, endOnFailure: true },
    );
    // Otherwise the drive was never full, and the important half untested.
    expect(refusals).toBeGreaterThan(10);
  });
});

describe('the historic faults, put back one at a time', () => {
  it.each(HISTORIC_FAULTS)('%s is caught', async (fault) => {
    const volume = await ServedVolume.start({ volume: { capacityBytes: CAPACITY_BYTES }, fault });
    try {
      const run = () => {
        for (let seed = 1; seed <= 20; seed++) {
          const workload = new Workload(volume);
          const source = randomCommands(seed);
          for (let i = 0; i < 300; i++) {
            workload.apply(source.next().value as Command);
          }
          workload.finish();
        }
      };
      expect(run).toThrow(EXPECTED[fault]);
    } finally {
      await volume.abandon();
    }
  });
});

/** How each fault shows to a program. */
const EXPECTED = {
  'empty-flush': /size of f\d in the cache/,
  'no-capacity-check': /lost delayed write|bytes taken|room in use|FileSize/,
  'reservation-leak': /room in use/,
} as const;
