/**
 * The benchmarks, from the project's root:
 *
 *     npm run bench                              all layers, a few minutes; writes bench/results/<layer>.json and the report
 *     npm run bench -- core|read-path|host|end-to-end|driver [words]   one layer, or what of it contains every word;
 *                                                "driver" (WinFsp's own, under Wine) is measured only when it is named
 *     npm run bench -- <layer> <words> --supplement   puts that part's figures in the place of the recorded ones
 *     npm run bench -- --quick                   all layers in under a minute, roughly; nothing tracked is written
 *     npm run bench -- --check [layer]           fails when a ratio fell below the recorded one by more than its noise; layers
 *                                                that compare nobody with anyone (core) have no ratios and are not run
 *     npm run bench -- --compare <a> <b>         what changed between two result files beyond noise
 *     npm run bench -- --profile                 where the serving process's time goes, by perf; writes docs/data/profile.json
 *     npm run bench -- --report                  makes the report and the README's summary again from the recorded results
 *
 * A layer is a folder with a `run.ts` that exports `run(options)`. Exit codes: 1 for a failed check, 2 for a command
 * that makes no sense.
 */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { check, recordedRatios } from './check.js';
import { compare, printComparison } from './compare.js';
import { profile } from './end-to-end/profile.js';
import { PLATFORM } from './platform/platform.js';
import { writeReport } from './report/write.js';
import { readResults, supplementResults, UNRECORDED } from './results.js';
import { LAYERS, type Layer, NAMED_ONLY, type RunOptions } from './run-options.js';

class UsageError extends Error {}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : error}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}

async function main(args: string[]): Promise<number> {
  const { values, positionals } = parse(args);
  if (values.compare) {
    const [before, after, ...more] = positionals;
    if (before === undefined || after === undefined || more.length > 0) {
      throw new UsageError('--compare: expected two result files');
    }
    try {
      printComparison(compare(readResults(before), readResults(after)));
    } catch (error) {
      throw new UsageError(`--compare: ${(error as Error).message}`);
    }
    return 0;
  }
  if (values.profile) {
    for (const file of await profile()) console.log(`written: ${file}`);
    return 0;
  }
  if (values.report) {
    for (const file of writeReport()) console.log(`written: ${file}`);
    return 0;
  }
  const [layer, ...words] = positionals;
  if (layer !== undefined && !LAYERS.includes(layer as Layer)) {
    throw new UsageError(`unknown layer "${layer}"; there is: ${LAYERS.join(', ')}`);
  }
  if (values.supplement && (values.quick || values.check || words.length === 0)) {
    throw new UsageError('--supplement: expected a layer and words, and neither --quick nor --check');
  }
  const options: RunOptions = {
    quick: values.quick,
    words,
    // Only a whole run replaces what is recorded.
    recorded: !values.quick && !values.check && words.length === 0,
    command: args.join(' '),
  };
  if (values.check && layer !== undefined && recordedRatios(layer) === 0) {
    throw new UsageError(
      `--check ${layer}: no ratios are recorded for it, and absolute figures do not travel; on one machine, compare two runs with --compare`,
    );
  }
  let failures = 0;
  const chosen = layer === undefined ? LAYERS.filter((one) => one !== NAMED_ONLY) : [layer as Layer];
  for (const name of chosen) {
    console.log(`== ${name}`);
    if (values.check && recordedRatios(name) === 0) {
      console.log('no ratios are recorded: nothing to check');
      continue;
    }
    const { run } = (await import(new URL(`./${name}/run.js`, import.meta.url).href)) as {
      run(options: RunOptions): Promise<string | null>;
    };
    // End to end, the processes that are started are pinned one by one instead.
    if (name !== 'end-to-end') PLATFORM.pinThisProcess();
    const written = await run(options).finally(PLATFORM.unpinThisProcess);
    if (written !== null) console.log(`\nwritten: ${written}`);
    if (values.check) failures += check(name, written === null ? null : readResults(written));
  }
  if (values.supplement) {
    supplementResults(layer!, readResults(path.join(UNRECORDED, `${layer}.json`)));
  }
  if (options.recorded || values.supplement)
    for (const file of writeReport()) console.log(`written: ${file}`);
  return failures > 0 ? 1 : 0;
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        quick: { type: 'boolean', default: false },
        check: { type: 'boolean', default: false },
        compare: { type: 'boolean', default: false },
        supplement: { type: 'boolean', default: false },
        profile: { type: 'boolean', default: false },
        report: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
