/**
 * `npm run demo`: the drive does real work on real input. Mounts in a temporary directory, copies a part of this
 * project's node_modules in, verifies every byte, runs git on it, renames and deletes, checks the ledger, unmounts. Any
 * difference: exit code 1 and what differed. All file access is by other processes or asynchronous; the drive is served
 * by a process of its own.
 *
 * Without a kernel that can mount (no /dev/fuse) the same work goes through the host as scripted requests
 * (demo/scripted.ts).
 */
import { accessSync, constants } from 'node:fs';
import { mkdir, mkdtemp, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../src/package-root.js';
import { runOnMount } from './demo/on-mount.js';
import { runScripted } from './demo/scripted.js';
import { DemoFailure } from './demo/summary.js';

async function main(): Promise<number> {
  const source = join(packageRoot(), 'node_modules');
  const withheld = whyNoMount();
  if (withheld !== null) {
    process.stdout.write(
      `No kernel mount here: ${withheld}\nThe same work goes through the host as scripted requests.\n\n`,
    );
    await runScripted(source);
    return 0;
  }
  const scratch = await mkdtemp(join(tmpdir(), 'ramdrive-demo-'));
  try {
    const mountPoint = join(scratch, 'drive');
    // WinFsp makes the directory itself and refuses one that is there.
    if (process.platform !== 'win32') {
      await mkdir(mountPoint);
    }
    await runOnMount({ source, repository: packageRoot(), mountPoint });
    return 0;
  } finally {
    // Only when empty: if the drive should still be mounted, nothing on it may be touched.
    await rmdir(join(scratch, 'drive')).catch(() => {});
    await rmdir(scratch).catch(() => {});
  }
}

function whyNoMount(): string | null {
  if (process.platform !== 'linux') {
    return null;
  }
  try {
    accessSync('/dev/fuse', constants.R_OK | constants.W_OK);
    return null;
  } catch (error) {
    return `/dev/fuse cannot be used (${(error as NodeJS.ErrnoException).code}). "ramdrive doctor" says what to do.`;
  }
}

let exitCode: number;
try {
  exitCode = await main();
} catch (error) {
  exitCode = 1;
  const text =
    error instanceof DemoFailure ? error.message : error instanceof Error ? error.stack : String(error);
  process.stdout.write(`\nFAILED: ${text}\n`);
}
process.exitCode = exitCode;
