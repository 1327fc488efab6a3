import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pageOf } from '../../../../bench/report/page.js';
import { resultFile, workload } from '../figures.js';

const files = [
  resultFile(
    [
      ...workload('random read, direct', '4 KiB', {
        ramdrive: [95, 96, 97],
        'c-winfsp': [100, 100, 100],
        tmpfs: [400, 401, 402],
      }),
      ...workload('large directory: create, close, unlink', '1,000 files', { ramdrive: [100, 100] }),
      ...workload('large directory: create, close, unlink', '1,000,000 files', { ramdrive: [80, 80] }),
      ...workload('names', 'unpinned one', { ramdrive: [1, 9] }).map((one) => ({ ...one, pinned: false })),
      { group: 'memory', name: 'node_modules: stored', value: 1e8, unit: 'bytes' },
      { group: 'memory', name: 'node_modules: reserved', value: 1.05e8, unit: 'bytes' },
    ],
    { skipped: [{ what: 'fuse-native', reason: 'not <installed> & never was' }] },
  ),
];
const page = pageOf(files);

const CHROMIUM = ['chromium', 'chromium-browser', 'google-chrome'].find(
  (name) => spawnSync('sh', ['-c', `command -v ${name}`]).status === 0,
);
const inBrowser = it.skipIf(CHROMIUM === undefined);
if (CHROMIUM === undefined)
  console.warn('skipped: the report is not opened in a browser: there is no chromium here');

describe('the report', () => {
  it('needs nothing from anywhere', () => {
    expect(page).not.toMatch(/<script|<link|<img|@import|\bsrc=|url\(/);
    // The name of SVG's vocabulary is an address that nobody fetches.
    expect(page.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:/);
  });

  it('shows every section that has figures, and escapes what it is told', () => {
    for (const heading of [
      'What it has to reach',
      'Ratio to each peer',
      'Latency',
      'Scaling',
      'Memory',
      'Not pinned: no ranking',
      'Skipped',
    ]) {
      expect(page).toContain(`<h2>${heading}</h2>`);
    }
    expect(page).toContain('not &lt;installed&gt; &amp; never was');
    expect(page).not.toContain('NaN');
    expect(page).not.toContain('Infinity');
  });

  it('keeps what cannot be ranked out of the ratios', () => {
    const ratios = page.slice(page.indexOf('Ratio to each peer'), page.indexOf('<h2>Latency'));
    expect(ratios).not.toContain('unpinned one');
  });

  inBrowser('opens from disk with all of its charts drawn inside their frames', () => {
    const folder = mkdtempSync(join(tmpdir(), 'ramdrive-report-'));
    try {
      const file = join(folder, 'report.html');
      const probe = `<script>addEventListener('load', () => { document.title = JSON.stringify({
        charts: document.querySelectorAll('svg').length,
        outside: [...document.querySelectorAll('svg')].filter((svg) => { const box = svg.getBBox(), view = svg.viewBox.baseVal;
          return box.x < -1 || box.y < -1 || box.x + box.width > view.width + 1 || box.y + box.height > view.height + 1; }).length,
      }); });</script>`;
      writeFileSync(file, page.replace('</body>', `${probe}</body>`));
      const { stdout } = spawnSync(
        CHROMIUM!,
        [
          '--headless',
          '--no-sandbox',
          '--disable-gpu',
          `--user-data-dir=${join(folder, 'profile')}`,
          '--dump-dom',
          `file://${file}`,
        ],
        { encoding: 'utf8', timeout: 50_000 },
      );
      const seen = JSON.parse(/<title>(\{.*?\})<\/title>/.exec(stdout)![1]!.replaceAll('&quot;', '"')) as {
        charts: number;
        outside: number;
      };
      expect(seen).toEqual({ charts: 5, outside: 0 });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
