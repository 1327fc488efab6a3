import { describe, expect, it } from 'vitest';
import { insertSummary, summaryOf } from '../../../../bench/report/summary.js';
import { resultFile, workload } from '../figures.js';

const BEGIN = '<!-- bench: written by npm run bench, do not edit -->';
const END = '<!-- bench: end -->';

describe('insertSummary', () => {
  it('replaces what is between the markers and nothing else, as often as it is run', () => {
    const text = `before\n${BEGIN}\nold\n${END}\nafter\n`;
    const once = insertSummary(text, 'new');
    expect(once).toBe(`before\n${BEGIN}\n\nnew\n\n${END}\nafter\n`);
    expect(insertSummary(once, 'new')).toBe(once);
  });

  it.each([
    ['no markers', 'text'],
    ['no end', `${BEGIN} text`],
    ['no beginning', `text ${END}`],
    ['two', `${BEGIN}${END}${BEGIN}${END}`],
    ['the wrong order', `${END}${BEGIN}`],
  ])('refuses %s', (_, text) => {
    expect(() => insertSummary(text, 'new')).toThrow(/markers/);
  });
});

describe('summaryOf', () => {
  it('says what was met, what was not and what was not measured, and where the figures come from', () => {
    const text = summaryOf([
      resultFile([
        ...workload('random read, direct', '4 KiB', { ramdrive: [97, 98, 99], 'c-winfsp': [100, 100, 100] }),
        ...workload('names', 'create, write 4 KiB, close, stat, unlink', {
          ramdrive: [5, 5, 5],
          'c-winfsp': [10, 10, 10],
        }),
      ]),
    ]);
    expect(text).toContain(
      '| random read, direct: 4 KiB, against c-winfsp | ≥ 0.97 × | 0.98 (0.97 … 0.99) |  | yes |',
    );
    expect(text).toContain('| 0.50 (0.50 … 0.50) |  | **no** |');
    expect(text).toContain('| not measured |  | – |');
    expect(text).toContain('`npm run bench -- end-to-end` on 2026-01-02, commit abcdef0, 2 × a CPU');
  });
});
