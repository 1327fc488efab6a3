/**
 * Makes the report and what else is written from recorded results: the README's few rows, all targets and the
 * profiles' table in docs/performance.md. Returns
 * the files that were written.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { PROFILE_FILE, type ProfileFile } from '../end-to-end/profile.js';
import { RECORDED, type ResultFile, readResults } from '../results.js';
import { LAYERS } from '../run-options.js';
import { pageOf } from './page.js';
import { writeProfileTable } from './profile-table.js';
import { headlinesOf, insertSummary, summaryOf } from './summary.js';

const REPORT = path.join(RECORDED, 'report.html');
const README = 'README.md';
const PERFORMANCE = path.join('docs', 'performance.md');

export function writeReport(): string[] {
  const files = LAYERS.map((layer) => path.join(RECORDED, `${layer}.json`))
    .filter((file) => existsSync(file))
    .map((file): ResultFile => readResults(file));
  if (files.length === 0) throw new Error(`nothing is recorded in ${RECORDED}: npm run bench`);
  writeFileSync(REPORT, pageOf(files));
  writeFileSync(README, insertSummary(readFileSync(README, 'utf8'), headlinesOf(files)));
  writeFileSync(PERFORMANCE, insertSummary(readFileSync(PERFORMANCE, 'utf8'), summaryOf(files), 'targets'));
  const written = [REPORT, README, PERFORMANCE];
  if (existsSync(PROFILE_FILE)) {
    written.push(writeProfileTable(JSON.parse(readFileSync(PROFILE_FILE, 'utf8')) as ProfileFile));
  }
  return written;
}
