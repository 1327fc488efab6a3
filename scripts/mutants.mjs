/**
 * Puts known faults into the code, one at a time, and shows which layer of the tests notices. Plain Node.
 *
 *   npm run mutants [-- --only text] [--missing] [--layer name]
 *
 * --missing: only those that have no result yet; --layer: only this layer, the others keep what they had.
 *
 * A mutant is a text replaced by another in one source file (tests/mutants/mutants.json), in a copy of the project in
 * the temporary directory; no shipped code can be switched to it. Each layer runs on its own, so that none hides
 * another. A mutant that no layer notices is a hole in the tests: exit code 1. Results go to tests/mutants/results.json
 * and, as a table, into docs/verification.md.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { thisRun } from './this-run.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const MUTANTS = join(ROOT, 'tests', 'mutants', 'mutants.json');
const RESULTS = join(ROOT, 'tests', 'mutants', 'results.json');
const DOCUMENT = join(ROOT, 'docs', 'verification.md');
const BEGIN = '<!-- mutants: written by npm run mutants -->';
const END = '<!-- mutants: end -->';
/** Fewer random runs than `npm test` makes: a fault that needs more of them is better known. */
const ENVIRONMENT = {
  ...process.env,
  NO_COLOR: '1',
  RAMDRIVE_PROPERTY_RUNS: '120',
  // What is compiled here has the fault in it and stays.
  RAMDRIVE_TEST_NO_BUILD: '1',
};
/** A mutant that makes the code run forever is noticed by this. */
const LIMIT_MS = 10 * 60_000;

const PROPERTIES = ['paged-file.property', 'ram-volume.property', 'snapshots/snapshots.property'].map(
  (name) => `tests/unit/volume/${name}`,
);
const isContent = ({ file }) => file.startsWith('src/volume/content/');
const isOfSnapshots = ({ file }) => file.startsWith('src/volume/') && file.includes('snapshot');
const isNative = (file) => file.startsWith('native/');
const isScript = ({ file }) => file.startsWith('src/');
const isVolume = ({ file }) => file.startsWith('src/volume/');

/** What each layer runs; a layer that has nothing to do with a mutant's file is left out. */
const LAYERS = {
  explorer: {
    title: 'explorer',
    appliesTo: (mutant) => isContent(mutant) || isOfSnapshots(mutant),
    vitest: (mutant) => [
      '--project',
      'spec',
      ...(isContent(mutant) ? ['tests/spec/real-ledger'] : []),
      'tests/spec/real-snapshots',
    ],
  },
  property: {
    title: 'properties',
    appliesTo: isVolume,
    vitest: () => ['--project', 'unit', ...PROPERTIES],
  },
  examples: {
    title: 'examples',
    appliesTo: isScript,
    // Written when a fault is known: for the volume only what the layers above do not notice.
    isLastResort: isVolume,
    vitest: ({ file }) => [
      '--project',
      'unit',
      `tests/unit/${file.split('/')[1]}`,
      '--exclude=**/*.property.test.ts',
      // It measures memory and takes long.
      '--exclude=**/heap.test.ts',
    ],
  },
  conformance: {
    title: 'conformance',
    appliesTo: isScript,
    // The drive behind the real host, in a worker: that runs what is compiled.
    isCompiled: true,
    isLastResort: isVolume,
    vitest: () => ['--project', 'unit', 'tests/conformance', '-t', 'inline dispatcher'],
  },
  torture: {
    title: 'mounted',
    // A mounted drive and its clients: mutants that programs can meet name the test that should notice.
    appliesTo: ({ torture, snapshots }) => torture !== undefined || snapshots !== undefined,
    isCompiled: true,
    vitest: ({ torture, snapshots }) =>
      torture !== undefined
        ? ['--project', 'long', 'tests/integration/torture', '-t', torture]
        : ['--project', 'integration', 'tests/integration/snapshots', '-t', snapshots],
  },
};

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    missing: { type: 'boolean', default: false },
    layer: { type: 'string' },
  },
});
if (options.layer !== undefined && LAYERS[options.layer] === undefined) {
  console.error(`--layer: one of ${Object.keys(LAYERS).join(', ')} expected, given '${options.layer}'.`);
  process.exit(2);
}
const layersToRun = Object.entries(LAYERS).filter(([name]) => [undefined, name].includes(options.layer));
const mutants = JSON.parse(readFileSync(MUTANTS, 'utf8'));
const known = new Map(mutants.map((mutant) => [mutant.name, mutant]));
const results = existsSync(RESULTS) ? JSON.parse(readFileSync(RESULTS, 'utf8')).mutants : {};
for (const [name, { what }] of Object.entries(results)) {
  // Of a mutant that is gone or is another one now.
  if (known.get(name)?.what !== what) {
    delete results[name];
  }
}
const wanted = mutants
  .filter(
    ({ name }) =>
      (options.only === undefined || name.includes(options.only)) &&
      !(options.missing && results[name] !== undefined),
  )
  .filter((mutant) => layersToRun.some(([, layer]) => layer.appliesTo(mutant)));
if (wanted.length === 0) {
  console.error('No mutant is left to run.');
  process.exit(2);
}
if (!existsSync(join(ROOT, 'dist')) || !existsSync(join(ROOT, 'native', 'winfsp-linux', 'build'))) {
  console.error('The program and the native library must be built first: npm run bootstrap.');
  process.exit(2);
}

const copy = mkdtempSync(join(tmpdir(), 'ramdrive-mutants-'));
process.on('exit', () => rmSync(copy, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => process.exit(130));
}
makeCopy();
checkUnchanged();
for (const mutant of wanted) {
  results[mutant.name] = runMutant(mutant);
  const caught = Object.entries(results[mutant.name].layers).filter(([, one]) => one.caughtBy !== null);
  const by = caught.map(([layer]) => LAYERS[layer].title).join(', ');
  writeResults();
  console.log(`${mutant.name.padEnd(28)} ${by === '' ? 'SURVIVES   <<<' : by}`);
}
const survivors = writeResults();
console.log(
  `\n${wanted.length} mutants run; ${Object.keys(results).length} in all, ${survivors.length} survive`,
);
process.exitCode = survivors.length === 0 ? 0 : 1;

/** Everything the tests need; packages are shared. */
function makeCopy() {
  const files = execFileSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8' }).split('\0');
  for (const file of files) {
    if (file !== '' && existsSync(join(ROOT, file))) {
      cpSync(join(ROOT, file), join(copy, file));
    }
  }
  for (const built of ['dist', join('native', 'winfsp-linux', 'build')]) {
    cpSync(join(ROOT, built), join(copy, built), { recursive: true, preserveTimestamps: true });
  }
  // Whether a property fails is the question; making the failure small takes minutes.
  writeFileSync(
    join(copy, 'setup.mjs'),
    "import fc from 'fast-check';\nfc.configureGlobal({ endOnFailure: true });\n",
  );
  const config = join(copy, 'vitest.config.ts');
  writeFileSync(
    config,
    readFileSync(config, 'utf8').replace("name: 'unit',", "name: 'unit', setupFiles: ['./setup.mjs'],"),
  );
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'), 'junction');
}

/** Tests that fail anyway would notice every mutant. */
function checkUnchanged() {
  for (const [name, layer] of layersToRun) {
    const mutant = wanted.find((one) => layer.appliesTo(one));
    if (mutant === undefined) {
      continue;
    }
    if (layer.isCompiled) {
      compile();
    }
    const failure = firstFailure(layer, mutant);
    if (failure !== null) {
      console.error(`Without any fault the layer '${name}' fails already: ${failure}`);
      process.exit(1);
    }
  }
}

function runMutant(mutant) {
  const { name, file, find, replace } = mutant;
  const path = join(copy, file);
  const original = readFileSync(path, 'utf8');
  const parts = original.split(find);
  if (parts.length !== 2) {
    throw new Error(`Mutant '${name}': its text is ${parts.length - 1} times in ${file}, once is needed.`);
  }
  const layers = options.layer === undefined ? {} : { ...results[name]?.layers };
  try {
    writeFileSync(path, parts.join(replace));
    for (const [key, layer] of layersToRun) {
      const isNoticed = Object.values(layers).some(({ caughtBy }) => caughtBy !== null);
      if (!layer.appliesTo(mutant) || (isNoticed && layer.isLastResort?.(mutant))) {
        continue;
      }
      const started = Date.now();
      if (layer.isCompiled) {
        compile(file);
      }
      const caughtBy = firstFailure(layer, mutant);
      layers[key] = { caughtBy, seconds: Math.round((Date.now() - started) / 1000) };
    }
  } finally {
    writeFileSync(path, original);
    if (isNative(file)) compile(file);
  }
  const { what, fault } = mutant;
  return { what, ...(fault === undefined ? {} : { fault }), file, layers };
}

/** The mutant may break a type; what is written runs all the same. */
function compile(file = '') {
  if (isNative(file)) {
    spawnSync(process.execPath, ['scripts/build-native.mjs'], { cwd: copy });
    return;
  }
  spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], {
    cwd: copy,
  });
}

/** The name of the first test that fails, or null when all pass. */
function firstFailure(layer, mutant) {
  const report = join(copy, 'report.json');
  rmSync(report, { force: true });
  const run = spawnSync(
    process.execPath,
    [
      'node_modules/vitest/vitest.mjs',
      'run',
      ...layer.vitest(mutant),
      '--bail=1',
      // One process for all files of a layer: starting them takes longer than running them.
      '--no-isolate',
      '--maxWorkers=1',
      '--reporter=json',
      `--outputFile=${report}`,
    ],
    { cwd: copy, encoding: 'utf8', timeout: LIMIT_MS, env: ENVIRONMENT },
  );
  if (run.error?.code === 'ETIMEDOUT') {
    return `not done after ${LIMIT_MS / 60_000} minutes`;
  }
  if (run.status === 0) {
    return null;
  }
  if (!existsSync(report)) {
    throw new Error(`vitest said nothing:\n${run.stdout}${run.stderr}`);
  }
  const { testResults } = JSON.parse(readFileSync(report, 'utf8'));
  for (const { assertionResults, message } of testResults) {
    const failed = assertionResults.find(({ status }) => status === 'failed');
    if (failed !== undefined) {
      return failed.fullName;
    }
    if (message !== undefined && message !== '') {
      return message.split('\n')[0];
    }
  }
  return 'an error outside of any test';
}

/** Answers the names of those that no layer noticed. */
function writeResults() {
  const ordered = {};
  for (const { name } of mutants) {
    if (results[name] !== undefined) {
      ordered[name] = results[name];
    }
  }
  const about = { ...thisRun(), node: process.versions.node };
  writeFileSync(RESULTS, `${JSON.stringify({ ...about, mutants: ordered }, null, 2)}\n`);
  const text = readFileSync(DOCUMENT, 'utf8');
  const [before, rest] = text.split(BEGIN);
  const after = rest?.split(END)[1];
  if (after === undefined) {
    throw new Error(`${DOCUMENT} lacks the marks '${BEGIN}' and '${END}'.`);
  }
  writeFileSync(DOCUMENT, `${before}${BEGIN}\n\n${table(about, ordered)}\n${END}${after}`);
  return Object.entries(ordered).filter(([, { layers }]) =>
    Object.values(layers).every(({ caughtBy }) => caughtBy === null),
  );
}

function table({ date, machine, node }, ordered) {
  const keys = Object.keys(LAYERS);
  const lines = [
    `Written by \`npm run mutants\` on ${date}, Node ${node}, ${machine}. ● noticed, ○ not noticed, blank: not run, for the layer has`,
    'nothing to do with that file, (for the volume: examples, conformance) another has noticed already, or (mounted) no program can meet the fault on a mount here. Numbers are those of the historic faults in `tla/README.md`.',
    '',
    `| fault put into the code | no. | file | ${keys.map((key) => LAYERS[key].title).join(' | ')} |`,
    `|---|---|---|${keys.map(() => ':-:|').join('')}`,
  ];
  for (const { what, fault, file, layers } of Object.values(ordered)) {
    const cells = keys.map((key) =>
      layers[key] === undefined ? '' : layers[key].caughtBy === null ? '○' : '●',
    );
    lines.push(`| ${what} | ${fault ?? ''} | \`${file.split('/').at(-1)}\` | ${cells.join(' | ')} |`);
  }
  return `${lines.join('\n')}\n`;
}
