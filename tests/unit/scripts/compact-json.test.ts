import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compactJson } from '../../../scripts/compact-json.js';
import { packageRoot } from '../../../src/package-root.js';

describe('compactJson', () => {
  it('says the same as JSON.stringify, with a line for each element of a list', () => {
    const value = {
      layer: 'core',
      nothing: undefined,
      short: { a: 1, b: [1, 2, 3] },
      figures: Array.from({ length: 30 }, (_, i) => ({ name: `figure "${i}"`, rounds: [i, i / 3, -i] })),
      empty: [],
      missing: null,
      long: { text: 'x'.repeat(200), deep: { list: Array.from({ length: 60 }, (_, i) => i) } },
    };
    const text = compactJson(value);
    expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
    const lines = text.split('\n');
    expect(lines.filter((line) => line.includes('figure'))).toHaveLength(31);
    expect(lines).toContain(' "short": {"a":1,"b":[1,2,3]},');
  });
});

describe('recorded results', () => {
  const folders = ['bench/results', 'docs/data'].map((folder) => join(packageRoot(), folder));
  const files = folders.flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)));
  // Facts about the ABI are written by hand, not recorded.
  const recorded = files.filter((file) => file.endsWith('.json') && !file.endsWith('winfsp-abi.json'));

  it.each(recorded)('%s has at most 400 lines', (file) => {
    expect(readFileSync(file, 'utf8').split('\n').length - 1).toBeLessThanOrEqual(400);
  });
});
