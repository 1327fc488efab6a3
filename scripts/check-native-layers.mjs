/**
 * Checks the layers of native/winfsp-linux: `node scripts/check-native-layers.mjs`. Calls and includes go down only, no
 * files call each other in a circle, a folder has at most 15 files, a file 400 lines, a line 120 columns. Calls are
 * read from the compiled objects with nm; without them (Windows, no compiler) that part is left out, and said.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const NATIVE = join(dirname(dirname(fileURLToPath(import.meta.url))), 'native', 'winfsp-linux');
const MAX_FILES = 15;
const MAX_LINES = 400;
const MAX_COLUMNS = 120;
/** Folders of src from the ground up; those of one layer do not know each other. */
const LAYERS = [
  ['core/base'],
  ['core/strict'],
  ['core'],
  ['ops'],
  ['fuse/objects'],
  ['fuse/calls'],
  ['fuse', 'script'],
];

const problems = [];
const layerOf = (folder) => LAYERS.findIndex((folders) => folders.includes(folder));

/** Every C file below a folder, as paths with slashes relative to it. */
function sourcesBelow(folder) {
  return readdirSync(folder, { recursive: true })
    .map((name) => relative('.', name).replaceAll('\\', '/'))
    .filter((name) => /\.[ch]$/.test(name));
}

function checkSizes(part) {
  const counts = new Map();
  for (const file of sourcesBelow(join(NATIVE, part))) {
    const folder = dirname(`${part}/${file}`);
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
    const lines = readFileSync(join(NATIVE, part, file), 'utf8')
      .trimEnd()
      .split('\n');
    if (lines.length > MAX_LINES) {
      problems.push(`${part}/${file} has ${lines.length} lines, at most ${MAX_LINES}.`);
    }
    lines.forEach((line, index) => {
      if (line.length > MAX_COLUMNS) {
        problems.push(`${part}/${file}:${index + 1} has ${line.length} columns, at most ${MAX_COLUMNS}.`);
      }
    });
  }
  for (const [folder, count] of counts) {
    if (count > MAX_FILES) {
      problems.push(`${folder} has ${count} files, at most ${MAX_FILES}.`);
    }
  }
}

function checkArrow(from, to, how) {
  const [folder, other] = [dirname(from), dirname(to)];
  if (folder !== other && layerOf(other) >= layerOf(folder)) {
    problems.push(`src/${from} ${how} src/${to}: arrows go down only.`);
  }
}

function checkIncludes(sources) {
  for (const file of sources) {
    if (layerOf(dirname(file)) < 0) {
      problems.push(`src/${file} is in no folder of LAYERS.`);
    }
    const text = readFileSync(join(NATIVE, 'src', file), 'utf8');
    for (const [, included] of text.matchAll(/^#include "(.*)"/gm)) {
      if (sources.includes(included)) {
        checkArrow(file, included, 'includes');
      }
    }
  }
}

/** Which source uses symbols of which others. Null when not all is compiled. */
function readCalls(sources) {
  const definedIn = new Map();
  const used = new Map();
  for (const file of sources.filter((name) => name.endsWith('.c'))) {
    const object = join(NATIVE, 'build', 'obj', file.replace(/c$/, 'o'));
    const nm = existsSync(object) ? spawnSync('nm', [object], { encoding: 'utf8' }) : null;
    if (nm?.status !== 0) {
      return null;
    }
    // "0000000000000010 T name" or "U name".
    const symbols = nm.stdout.split('\n').map((line) => line.trim().split(/\s+/).slice(-2));
    used.set(
      file,
      symbols.filter(([kind]) => kind === 'U').map(([, name]) => name),
    );
    for (const [kind, name] of symbols) {
      if (/^[TDBRC]$/.test(kind)) {
        definedIn.set(name, file);
      }
    }
  }
  const others = (file, names) =>
    names.map((name) => definedIn.get(name)).filter((home) => home && home !== file);
  return new Map([...used].map(([file, names]) => [file, new Set(others(file, names))]));
}

function checkCircles(calls) {
  const done = new Set();
  const visit = (file, path) => {
    if (path.includes(file)) {
      problems.push(`A circle: ${[...path.slice(path.indexOf(file)), file].join(' → ')}.`);
    } else if (!done.has(file)) {
      for (const next of calls.get(file)) {
        visit(next, [...path, file]);
      }
      done.add(file);
    }
  };
  for (const file of calls.keys()) {
    visit(file, []);
  }
}

const sources = sourcesBelow(join(NATIVE, 'src'));
for (const part of ['include', 'src', 'test']) {
  checkSizes(part);
}
checkIncludes(sources);
const calls = readCalls(sources);
if (calls === null) {
  console.log('native layers: not compiled here, so calls are not checked.');
} else {
  for (const [file, others] of calls) {
    for (const other of others) {
      checkArrow(file, other, 'calls');
    }
  }
  checkCircles(calls);
}
for (const problem of problems) {
  console.error(problem);
}
process.exitCode = problems.length === 0 ? 0 : 1;
