/** What a profile's samples are counted for. */
import type { Profiler } from 'node:inspector';
import { expect, it } from 'vitest';
import { sharesOf } from '../../chaos/profile.js';

const node = (id: number, functionName: string, url: string, ...children: number[]) => ({
  id,
  callFrame: { functionName, scriptId: '0', url, lineNumber: 0, columnNumber: 0 },
  children,
});

it('counts time for the innermost source of ours, and what lies below a client for the system', () => {
  const profile: Profiler.Profile = {
    startTime: 0,
    endTime: 0,
    nodes: [
      node(1, '(root)', '', 2, 9, 10),
      node(2, 'run', 'file:///p/dist/tests/chaos/worker.js', 3, 6, 8),
      node(3, 'write', 'file:///p/dist/tests/chaos/client.js', 4, 5),
      node(4, 'writeSync', 'node:fs'),
      node(5, 'differenceAt', 'file:///p/dist/tests/chaos/content.js', 7),
      node(6, '#line', 'file:///p/dist/tests/chaos/journal.js', 11),
      node(7, 'compare', ''),
      node(8, 'operationAt', 'file:///p/dist/tests/chaos/operations.js'),
      node(9, '(garbage collector)', ''),
      node(10, '(idle)', ''),
      node(11, 'writeString', ''),
    ],
    samples: [3, 4, 5, 7, 11, 8, 9, 10],
    timeDeltas: [10, 40, 5, 5, 20, 10, 10, 1000],
  };
  expect(sharesOf(profile)).toEqual({
    driving: 0.1,
    calls: 0.4,
    oracle: 0.1,
    journal: 0.2,
    drawing: 0.1,
    collector: 0.1,
  });
});
