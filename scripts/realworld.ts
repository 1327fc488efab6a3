/**
 * `npm run realworld`: real programs on a mounted drive, each result checked, one table at the end.
 *
 *   npm run realworld -- [--quick] [--only <word>]… [--json <file>] [-- <more options of "ramdrive mount">]
 *
 * Exit code 1 when anything failed; what cannot run here is skipped with the reason. Writes only to the drive, to
 * directories of its own in the system's temporary directory, and to the JSON file.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { messageOf } from '../src/drive/errors.js';
import { DriveProcess } from './realworld/drive-process.js';
import { installMissing, killAllPrograms } from './realworld/program.js';
import {
  type Context,
  missingPrograms,
  PACKAGE_OF,
  SCENARIOS,
  type Scenario,
  Skipped,
} from './realworld/scenarios.js';
import { whyNoMount } from './why-no-mount.js';

interface Row {
  name: string;
  result: 'ok' | 'FAILED' | 'skipped';
  seconds: number;
  detail: string;
}

const dash = process.argv.indexOf('--', 2);
const ownArguments = process.argv.slice(2, dash < 0 ? undefined : dash);
const mountOptions = dash < 0 ? [] : process.argv.slice(dash + 1);

async function main(): Promise<number> {
  const { values } = parseArgs({
    args: ownArguments,
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true },
      json: { type: 'string' },
    },
  });
  const wanted = SCENARIOS.filter(
    ({ name }) => values.only === undefined || values.only.some((word) => name.includes(word)),
  );
  if (wanted.length === 0) {
    throw new Error(`--only matches nothing. There are: ${SCENARIOS.map(({ name }) => name).join('; ')}`);
  }
  const reason = whyNoMount();
  if (reason !== null) {
    say(`Nothing can be mounted here: ${reason}.`);
    const skipped = wanted.map(({ name }): Row => ({ name, result: 'skipped', seconds: 0, detail: reason }));
    return report(skipped, values);
  }
  const installProblem = await installMissing(PACKAGE_OF);
  if (installProblem !== null) {
    process.stderr.write(`realworld: ${installProblem}\n`);
  }
  const rows: Row[] = [];
  const drive = await DriveProcess.start(['--capacity', '3G', '--label', 'real world', ...mountOptions]);
  const onSignal = () => {
    killAllPrograms();
    void drive.end().finally(() => process.exit(130));
  };
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  try {
    for (const scenario of wanted) {
      const row = await runScenario(scenario, { drive, quick: values.quick });
      rows.push(row);
      say(`${mark(row)} ${row.name} (${row.seconds.toFixed(1)} s): ${row.detail}`);
      if (!drive.running) {
        break;
      }
    }
    rows.push(
      await runScenario(
        { name: 'self-check, strict checks, unmount', programs: [], run: finish },
        { drive, quick: values.quick },
      ),
    );
  } finally {
    await drive.end();
  }
  return report(rows, values);
}

/** The table, the file, the exit code. */
function report(
  rows: readonly Row[],
  { quick, json }: { quick: boolean; json?: string | undefined },
): number {
  print(rows);
  if (json !== undefined) {
    writeFileSync(json, `${JSON.stringify({ quick, mountOptions, rows }, null, 2)}\n`);
  }
  return rows.some(({ result }) => result === 'FAILED') ? 1 : 0;
}

async function runScenario(scenario: Scenario, context: Context): Promise<Row> {
  const start = performance.now();
  const stopTicking = tick(scenario.name);
  const row = (result: Row['result'], detail: string): Row => ({
    name: scenario.name,
    result,
    seconds: (performance.now() - start) / 1000,
    detail,
  });
  try {
    const missing = missingPrograms(scenario);
    if (missing.length > 0) {
      return row('skipped', `${missing.join(', ')} not installed`);
    }
    return row('ok', await scenario.run(context));
  } catch (error) {
    return error instanceof Skipped ? row('skipped', error.message) : row('FAILED', messageOf(error));
  } finally {
    stopTicking();
  }
}

async function finish({ drive }: Context): Promise<string> {
  if (!drive.running) {
    throw new Error(`the drive has ended: ${drive.output}`);
  }
  const { selfCheck, strictViolations, errors, requests } = await drive.status();
  const broken = [
    ...(selfCheck?.violations ?? ['no self-check was made']),
    ...(strictViolations?.texts ?? []),
    ...(errors.last === null ? [] : [errors.last]),
  ];
  if (broken.length > 0) {
    throw new Error(broken.slice(0, 10).join('\n'));
  }
  await drive.unmount();
  return `${requests.requests.toLocaleString('en')} requests without a violation`;
}

/** On a terminal: what runs, and for how long. Returns the function that wipes it away. */
function tick(name: string): () => void {
  if (!process.stderr.isTTY) {
    return () => {};
  }
  const start = Date.now();
  const draw = () => process.stderr.write(`\r\x1b[K… ${name} ${Math.round((Date.now() - start) / 1000)} s`);
  draw();
  const timer = setInterval(draw, 1000);
  return () => {
    clearInterval(timer);
    process.stderr.write('\r\x1b[K');
  };
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

function mark({ result }: Row): string {
  return { ok: '✔', FAILED: '✘', skipped: '–' }[result];
}

function print(rows: readonly Row[]): void {
  const width = Math.max(...rows.map(({ name }) => name.length));
  const lines = rows.map(
    ({ name, result, seconds, detail }) =>
      `${name.padEnd(width)}  ${result.padEnd(7)}  ${seconds.toFixed(1).padStart(6)} s  ${detail.split('\n')[0]}`,
  );
  process.stdout.write(`${lines.join('\n')}\n`);
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`realworld: ${messageOf(error)}\n`);
  process.exitCode = 1;
}
