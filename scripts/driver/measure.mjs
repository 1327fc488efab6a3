/**
 * Runs the benchmark program on WinFsp's own driver (bench/driver/rounds-client.ts) for `npm run bench -- driver`, with the
 * arguments given. Prints what the program prints. Exit code 3, with the reason on standard output, where a part cannot
 * be had.
 */
import { join } from 'node:path';
import { endWine, nodePath } from '../wine/prepare.mjs';
import { endEverythingWhenStopped, printFailure, runWindows } from '../wine/run-windows.mjs';
import { NotToBeHad, whyNotHere } from './provision.mjs';
import { OUTPUT, prepareRig } from './rig-environment.mjs';

const LIMIT_SECONDS = 900;
const NOT_TO_BE_HAD = 3;
const log = (message) => process.stderr.write(`bench: ${message}\n`);

endEverythingWhenStopped();
process.exitCode = await main();

async function main() {
  const reason = whyNotHere(log);
  if (reason !== null) {
    console.log(reason);
    return NOT_TO_BE_HAD;
  }
  try {
    const env = prepareRig(log);
    log('measuring …');
    const program = join('dist', 'bench', 'driver', 'rounds-client.js');
    const end = await runWindows({
      name: 'bench',
      args: [nodePath(), program, ...process.argv.slice(2)],
      env: { ...env, RAMDRIVE_TEST_FAULTS: '{}' },
      folder: OUTPUT,
      limitSeconds: LIMIT_SECONDS,
    });
    if (end.code !== 0) {
      printFailure('the benchmark program', end, LIMIT_SECONDS);
      return 1;
    }
    process.stdout.write(end.output);
    return 0;
  } catch (error) {
    console.log(error.message);
    return error instanceof NotToBeHad ? NOT_TO_BE_HAD : 1;
  } finally {
    endWine();
  }
}
