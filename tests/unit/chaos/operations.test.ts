/** The same seed gives the same operations, whatever happens; and all kinds of them occur. */
import { describe, expect, it } from 'vitest';
import { OPERATION_KINDS, operationAt } from '../../chaos/operations.js';
import { BadInput, commandOf, parseOptions } from '../../chaos/options.js';

describe('operationAt', () => {
  it('depends on seed, worker and index, and on nothing else', () => {
    const run = (seed: number, worker: number) =>
      Array.from({ length: 500 }, (_, index) => operationAt(seed, worker, index));
    expect(run(7, 3)).toEqual(run(7, 3));
    expect(run(7, 3)).not.toEqual(run(8, 3));
    expect(run(7, 3)).not.toEqual(run(7, 4));
    // Seeds beyond 32 bits are different ones too.
    expect(run(7, 3)).not.toEqual(run(7 + 2 ** 32, 3));
  });

  it.runIf(process.platform === 'linux')('draws every kind, within its bounds', () => {
    const seen = new Set<string>();
    for (let index = 0; index < 20_000; index++) {
      const operation = operationAt(1, 0, index);
      seen.add(operation.kind);
      expect(operation.position).toBeGreaterThanOrEqual(0);
      expect(operation.position).toBeLessThanOrEqual(1);
      expect(operation.lengthBytes).toBeGreaterThan(0);
    }
    expect([...seen].sort()).toEqual([...OPERATION_KINDS].sort());
  });
});

describe('options', () => {
  it('say again what they were', () => {
    const options = parseOptions(
      '--duration 90s --workers 3 --seed 5 --capacity 64M --faults kill,fill --kill-drive -- --page-size 16K'.split(
        ' ',
      ),
    );
    if (options === 'help') throw new Error('no help was asked for');
    expect(options).toMatchObject({ durationSeconds: 90, workers: 3, seed: 5, faults: ['kill', 'fill'] });
    expect(parseOptions(commandOf(options).split(' ').slice(4))).toEqual(options);
  });

  it.each([
    ['--duration 10', '--duration: expected a time'],
    ['--workers 0', '--workers: expected a whole number from 1 to 256, got "0"'],
    ['--capacity 1M', '--capacity: expected a size of at least 16M'],
    ['--faults kill,flood', 'got "flood"'],
    ['--replay 9:1', '--replay: expected a worker below 8'],
    ['--bogus', 'Unknown option'],
  ])('refuses %s', (line, message) => {
    expect(() => parseOptions(line.split(' '))).toThrow(BadInput);
    expect(() => parseOptions(line.split(' '))).toThrow(message);
  });
});
