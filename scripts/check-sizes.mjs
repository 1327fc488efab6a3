/**
 * Sizes that keep the sources readable: src and native, by `npm run check`. Plain Node. Exit code 1 with a line for
 * each excess.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MAX_FILE_LINES = 400;
const MAX_FOLDER_FILES = 15;
const MAX_LINE_COLUMNS = 120;

const GENERATED = new Set(['build', 'build-win']);

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const excesses = [];

function check(folder) {
  const entries = readdirSync(join(root, folder), { withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && /\.(ts|mjs|c|h)$/.test(entry.name));
  complain(folder, files.length > MAX_FOLDER_FILES, `${files.length} files, at most ${MAX_FOLDER_FILES}`);
  for (const { name } of files) {
    const path = `${folder}/${name}`;
    const lines = readFileSync(join(root, path), 'utf8').trimEnd().split('\n');
    complain(path, lines.length > MAX_FILE_LINES, `${lines.length} lines, at most ${MAX_FILE_LINES}`);
    for (const [index, line] of lines.entries()) {
      const columns = [...line].length;
      complain(
        path,
        columns > MAX_LINE_COLUMNS,
        `line ${index + 1} has ${columns} columns, at most ${MAX_LINE_COLUMNS}`,
      );
    }
  }
  for (const entry of entries) {
    if (entry.isDirectory() && !GENERATED.has(entry.name)) check(`${folder}/${entry.name}`);
  }
}

function complain(path, isExcess, what) {
  if (isExcess) {
    excesses.push(`${path}: ${what}`);
  }
}

check('src');
check('native');
if (excesses.length > 0) {
  console.error(excesses.join('\n'));
  process.exitCode = 1;
}
