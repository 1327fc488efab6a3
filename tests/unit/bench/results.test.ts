import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readResults, supplementResults, writeResults } from '../../../bench/results.js';
import { resultFile, workload } from './figures.js';

const home = process.cwd();
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ramdrive-results-'));
  process.chdir(folder);
});
afterEach(() => {
  process.chdir(home);
  rmSync(folder, { recursive: true });
});

describe('writeResults', () => {
  it('touches the recorded file only for a whole run', () => {
    const figures = workload('g', 'n', { ramdrive: [1.23456789, 2] });
    const file = writeResults('core', figures, { command: 'core x', recorded: false });
    expect(file).toBe(join('.cache', 'bench', 'core.json'));
    const content = readResults(file);
    expect(content).toMatchObject({ layer: 'core', command: 'npm run bench -- core x', skipped: [] });
    expect(content.figures[0]!.rounds).toEqual([1.234568, 2]);
    expect(writeResults('core', figures, { command: '', recorded: true })).toBe(
      join('bench', 'results', 'core.json'),
    );
  });
});

describe('supplementResults', () => {
  it('replaces whole workloads, keeps the others, and says so', () => {
    mkdirSync(join('bench', 'results'), { recursive: true });
    const recorded = resultFile(
      [...workload('g', 'old', { ramdrive: [1] }), ...workload('g', 'n', { ramdrive: [2], tmpfs: [3] })],
      {
        skipped: [
          { what: 'programs: npm ci, ramdrive', reason: 'failed' },
          { what: 'fuse-native', reason: 'not there' },
        ],
      },
    );
    writeFileSync(join('bench', 'results', 'end-to-end.json'), JSON.stringify(recorded));
    const part = resultFile(
      [...workload('g', 'n', { ramdrive: [4] }), ...workload('programs', 'npm ci', { ramdrive: [5] })],
      { commit: 'later' },
    );
    const content = readResults(supplementResults('end-to-end', part));
    expect(content.figures.map(({ name, contender, value }) => [name, contender, value])).toEqual([
      ['old', 'ramdrive', 1],
      ['n', 'ramdrive', 4],
      ['npm ci', 'ramdrive', 5],
    ]);
    expect(content.skipped).toEqual([{ what: 'fuse-native', reason: 'not there' }]);
    expect(content).toMatchObject({
      commit: recorded.commit,
      supplements: [{ commit: 'later', figures: 2 }],
    });
  });
});

describe('readResults', () => {
  it('names the file that is no result file', () => {
    writeFileSync('other.json', '{"figures":[]}');
    expect(() => readResults('other.json')).toThrow('other.json: no result file');
    expect(() => readResults('missing.json')).toThrow('missing.json: no result file');
  });
});
