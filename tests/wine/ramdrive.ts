/**
 * `ramdrive` as a user types it under Wine. Output goes through files: a Wine process cannot write to pipes of every
 * kind.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/package-root.js';

const main = join(packageRoot(), 'dist', 'src', 'cli', 'main.js');

/** `folder` takes the outputs. */
export function commandLine(folder: string) {
  let runs = 0;
  return (...args: string[]) => {
    const paths = [join(folder, `${++runs}.out`), join(folder, `${runs}.err`)];
    const [out, err] = paths.map((path) => openSync(path, 'w')) as [number, number];
    const { status } = spawnSync(process.execPath, [main, ...args], {
      stdio: ['ignore', out, err],
      timeout: 150_000,
    });
    closeSync(out);
    closeSync(err);
    const [output, errors] = paths.map((path) => readFileSync(path, 'utf8'));
    return { status, output: output!, errors: errors! };
  };
}
