/** A drive that fills up says so once each time it gets there. */
import { describe, expect, it } from 'vitest';
import { FillWatch } from '../../../src/drive/fill-watch.js';

function stepsOf(reserved: (number | 'refused')[]): string[] {
  const steps: string[] = [];
  const watch = new FillWatch((step) => steps.push(step));
  for (const pages of reserved) {
    if (pages === 'refused') {
      watch.refused();
    } else {
      watch.look({ pool: { reservedPages: pages, capacityPages: 1000 }, savingPages: 0 });
    }
  }
  return steps;
}

describe('a drive', () => {
  it.each([
    ['below 90 %', [0, 899], []],
    ['at 90 %, once', [899, 900, 901, 950, 999], ['nearly-full']],
    ['full, once', [900, 1000, 1000], ['nearly-full', 'full']],
    ['full at one stroke', [0, 1000], ['full']],
    ['again, after it was clearly emptier', [900, 849, 900], ['nearly-full', 'nearly-full']],
    ['not again, near the step', [900, 880, 900, 851, 999], ['nearly-full']],
    ['full again, after it was below 90 %', [1000, 899, 1000, 999, 1000], ['full', 'full']],
    ['full when a program is refused', [950, 'refused', 'refused', 990], ['nearly-full', 'full']],
    ['not full when too much was asked for', [500, 'refused'], []],
  ] as [string, (number | 'refused')[], string[]][])('%s', (_name, reserved, steps) => {
    expect(stepsOf(reserved)).toEqual(steps);
  });
});
