/**
 * `npm run mutation`: puts small faults into the sources of one folder at a time (StrykerJS) and counts which of them
 * the unit tests notice. Records the score of each folder in docs/data/mutation.json, with every mutant that survived;
 * why one may is said in tests/mutants/survivors.json.
 *
 *   npm run mutation [-- folder …]      such as src/volume/names; its subfolders are folders of their own
 *
 * A folder takes minutes. What was judged before and has not changed since is not run again (.cache/mutation).
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { thisRun } from './this-run.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const CACHE = join(ROOT, '.cache', 'mutation');
const RECORD = join(ROOT, 'docs', 'data', 'mutation.json');
const REASONS = join(ROOT, 'tests', 'mutants', 'survivors.json');
const TOPS = ['src/volume', 'src/winfsp', 'src/drive'];
/** Histories a property test runs: a mutant that many would notice is noticed by these. */
const PROPERTY_RUNS = '60';

const readJson = (path, otherwise) => (existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : otherwise);
const hasSources = (folder) => readdirSync(join(ROOT, folder)).some((name) => name.endsWith('.ts'));

function foldersBelow(folder) {
  const below = readdirSync(join(ROOT, folder), { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  );
  const deeper = below.flatMap(({ name }) => foldersBelow(`${folder}/${name}`));
  return hasSources(folder) ? [folder, ...deeper] : deeper;
}

/** Stryker's report of one folder, or null when it could not be made. */
function run(folder) {
  const name = folder.replaceAll('/', '-');
  const config = join(CACHE, `${name}.config.json`);
  const report = join(CACHE, `${name}.json`);
  const settings = {
    ...readJson(join(ROOT, 'stryker.config.json')),
    mutate: [`${folder}/*.ts`],
    concurrency: 1,
    incrementalFile: join(CACHE, `${name}.incremental.json`),
    jsonReporter: { fileName: report },
  };
  writeFileSync(config, JSON.stringify(settings));
  const program = join(
    dirname(createRequire(import.meta.url).resolve('@stryker-mutator/core/package.json')),
    'bin',
  );
  const tests = `tests/unit/${folder.split('/')[1]}/**/*.test.ts`;
  const { status } = spawnSync(process.execPath, [join(program, 'stryker.js'), 'run', config], {
    cwd: ROOT,
    stdio: 'inherit',
    env: { ...process.env, RAMDRIVE_MUTATION_TESTS: tests, RAMDRIVE_PROPERTY_RUNS: PROPERTY_RUNS },
  });
  return status === 0 ? readJson(report, null) : null;
}

const oneLine = (text) => text.replace(/\s+/g, ' ').trim();

function mutantsOf({ files }) {
  return Object.entries(files).flatMap(([file, { source, mutants }]) => {
    const lines = source.split('\n');
    return mutants.map(({ status, mutatorName, replacement, location: { start, end } }) => {
      const original =
        start.line === end.line
          ? lines[start.line - 1].slice(start.column - 1, end.column - 1)
          : `${lines[start.line - 1].slice(start.column - 1)} …`;
      return {
        status,
        file,
        line: start.line,
        mutator: mutatorName,
        original,
        replacement: oneLine(replacement),
      };
    });
  });
}

function summary(report) {
  const reasons = readJson(REASONS, []);
  const mutants = mutantsOf(report);
  const count = (...statuses) => mutants.filter(({ status }) => statuses.includes(status)).length;
  const survivors = mutants
    .filter(({ status }) => status === 'Survived' || status === 'NoCoverage')
    .map(({ status, ...mutant }) => {
      const reason = reasons.find(
        ({ file, original, replacement }) =>
          file === mutant.file && original === mutant.original && replacement === mutant.replacement,
      );
      return { ...mutant, ...(reason === undefined ? {} : { reason: reason.reason }) };
    });
  const killed = count('Killed', 'Timeout');
  const equivalent = survivors.filter(({ reason }) => reason?.startsWith('equivalent')).length;
  return {
    ...thisRun(),
    killed,
    survived: survivors.length,
    equivalent,
    notJudged: count('Ignored', 'RuntimeError', 'CompileError'),
    score: Math.round((1000 * killed) / (killed + survivors.length - equivalent)) / 10,
    survivors,
  };
}

function main(chosen) {
  const all = TOPS.flatMap(foldersBelow);
  const unknown = chosen.find((folder) => !all.includes(folder));
  if (unknown !== undefined) {
    console.error(`"${unknown}" is no folder to be mutated; expected one of ${all.join(', ')}.`);
    return 2;
  }
  mkdirSync(CACHE, { recursive: true });
  let status = 0;
  for (const folder of chosen.length === 0 ? all : chosen) {
    const report = run(folder);
    if (report === null) {
      console.error(`${folder}: StrykerJS failed.`);
      status = 1;
      continue;
    }
    const found = summary(report);
    writeFileSync(RECORD, `${JSON.stringify({ ...readJson(RECORD, {}), [folder]: found }, null, 2)}\n`);
    console.log(`${folder}: ${found.score} % of ${found.killed + found.survived} mutants are noticed.`);
  }
  return status;
}

process.exitCode = main(parseArgs({ allowPositionals: true }).positionals);
