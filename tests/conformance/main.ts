/**
 * `npm run conformance`: runs the suite against the RAM drive, with every dispatcher or the one named, and prints the
 * table of duties. Exit code 1 when a duty is not kept.
 *
 *     npm run conformance -- [--dispatcher inline] [--only text] [--json file]
 *
 * Writes with writeSync only: under Wine the streams of standard output do not work on pipes.
 */
import { writeFileSync, writeSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { loadWinFsp } from '../../src/winfsp/library/library.js';
import { useTestLibrary } from '../support/test-library.js';
import { CASES } from './cases/index.js';
import { type ConformanceReport, failuresIn, formatReport } from './report.js';
import { runCases } from './run-cases.js';
import { DISPATCHERS, type DispatcherName } from './served-options.js';

function dispatchersOf(given: string | undefined): readonly DispatcherName[] {
  const found = DISPATCHERS.find((name) => name === given);
  if (given !== undefined && found === undefined) {
    writeSync(2, `--dispatcher is "${given}"; expected one of ${DISPATCHERS.join(', ')}.\n`);
    process.exit(2);
  }
  return found === undefined ? DISPATCHERS : [found];
}

const { values } = parseArgs({
  options: { dispatcher: { type: 'string' }, only: { type: 'string' }, json: { type: 'string' } },
});
const cases = CASES.filter(({ name }) => values.only === undefined || name.includes(values.only));
useTestLibrary();
const { versionText, path } = loadWinFsp();
const report: ConformanceReport = {
  platform: `${process.platform} ${process.arch}`,
  node: process.versions.node,
  library: `${versionText} (${path})`,
  results: {},
};
for (const dispatcher of dispatchersOf(values.dispatcher)) {
  report.results[dispatcher] = await runCases(cases, dispatcher, ({ name, result }) => {
    if (result === 'failed') {
      writeSync(2, `FAILED (${dispatcher}): ${name}\n`);
    }
  });
}
writeSync(1, `${formatReport(report)}\n`);
if (values.json !== undefined) {
  writeFileSync(values.json, `${JSON.stringify(report, null, 1)}\n`);
}
process.exitCode = failuresIn(report) === 0 ? 0 : 1;
