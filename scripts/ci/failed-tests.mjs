/**
 * What failed in a run of vitest, from its JSON report: a line a test, with the first line of its message. Plain Node.
 *
 *   node scripts/ci/failed-tests.mjs [--files] REPORT
 *
 * With --files the names of the files only. No report, or one of a run that broke off, is said and is exit code 1.
 */
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs, stripVTControlCharacters } from 'node:util';

/** As many as one looks at. */
const MAX_LINES = 40;
const MAX_CHARACTERS = 300;

function firstLine(text = '') {
  const line = stripVTControlCharacters(text).trim().split('\n', 1)[0];
  return line.length > MAX_CHARACTERS ? `${line.slice(0, MAX_CHARACTERS)} …` : line;
}

/** Of the report's object: the files that failed, with a line for each of their tests that did. */
export function failedTests({ testResults }, root = process.cwd()) {
  return testResults
    .filter(({ status }) => status === 'failed')
    .map(({ name, message, assertionResults }) => {
      const file = relative(root, name);
      const failed = assertionResults.filter(({ status }) => status === 'failed');
      const lines = failed.map(
        ({ ancestorTitles, title, failureMessages }) =>
          `${[file, ...ancestorTitles, title].filter(Boolean).join(' > ')}: ${firstLine(failureMessages[0])}`,
      );
      // A file that could not be loaded, or one whose hook failed, may have no failed test.
      return { file, lines: lines.length > 0 ? lines : [`${file}: ${firstLine(message)}`] };
    });
}

function main() {
  const { values, positionals } = parseArgs({
    options: { files: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  let report;
  try {
    report = JSON.parse(readFileSync(positionals[0], 'utf8'));
  } catch (error) {
    console.log(`There is no report of the tests: ${error.message}`);
    process.exitCode = 1;
    return;
  }
  const failed = failedTests(report);
  const lines = values.files ? failed.map(({ file }) => file) : failed.flatMap(({ lines }) => lines);
  const shown = values.files ? lines : lines.slice(0, MAX_LINES);
  if (shown.length > 0) console.log(shown.join('\n'));
  if (shown.length < lines.length) console.log(`and ${lines.length - shown.length} more`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  main();
}
