import { describe, expect, it } from 'vitest';
import { ReadPattern } from '../../../../../src/winfsp/threads/lanes/read-pattern.js';

/** Large reads are numbers of files, other requests are in brackets; `gapMs` lies between two of them. */
function signs(requests: (number | [number])[], gapMs = 1): boolean[] {
  const pattern = new ReadPattern();
  let nowMs = 0;
  const answers: boolean[] = [];
  for (const request of requests) {
    nowMs += gapMs;
    if (typeof request === 'number') answers.push(pattern.noteLargeRead(request, nowMs));
    else pattern.noteOther(request[0]);
  }
  return answers;
}

describe('no lane pays', () => {
  it.each([
    ['for one program that reads one file', [7, 7, 7, 7]],
    ['for one that looks at that file in between', [7, [7], 7, [7], 7]],
    ['for several that do nothing but read', [7, 8, 7, 8, 9, 7, 9, 8]],
    ['for more than are remembered', [1, 2, 3, 4, 5, [9], 1, 2, 3, 4, 5]],
    ['for one that reads one file after another', [[0], 7, 7, 7, [7], [0], 8, 8, 8, [8], [0], 9, 9]],
  ] as [string, (number | [number])[]][])('%s', (_, requests) => {
    expect(signs(requests)).not.toContain(true);
  });

  it('for files whose large reads lie far apart', () => {
    expect(signs([7, 8, 7, [1], 7], 11)).not.toContain(true);
  });
});

describe('a lane pays', () => {
  it('where small requests come between', () => {
    expect(signs([7, [1], [1], 7, [1], 7])).toEqual([false, true, true]);
  });

  it.each([1, 2, 3, 4])('where they come between those of %d programs', (programs) => {
    const turn = Array.from({ length: programs }, (_, i) => i + 1);
    expect(signs([...turn, [9], ...turn])).toEqual([...turn.map(() => false), ...turn.map(() => true)]);
  });

  it('for 10 ms after such a turn, and no longer', () => {
    const after = Array.from({ length: 14 }, () => 7);
    expect(signs([7, [1], ...after])).toEqual([
      false,
      ...Array.from({ length: 11 }, () => true),
      false,
      false,
      false,
    ]);
  });
});
