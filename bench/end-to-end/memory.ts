/**
 * What the drive costs in memory: reserved against stored bytes of a real tree, what goes back to the system after a
 * large delete, and what a file of a large directory takes. Measured on a drive of its own, from outside: its status
 * and its process's resident memory.
 */
import { lstatSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { must } from '../../scripts/realworld/program.js';
import type { DriveStatus } from '../../src/drive/status.js';
import { packageRoot } from '../../src/package-root.js';
import type { BenchFigure } from '../results.js';
import type { MountedContender } from './contenders.js';
import { runClient } from './rounds.js';

const ROOT = packageRoot();
const MAIN = path.join(ROOT, 'dist/src/cli/main.js');
const LARGE_BYTES = 4 * 2 ** 30;
const MANY_FILES = 100_000;
/** After a delete the drive may take this long to give memory back. */
const SETTLE_MS = 2000;

export async function measureMemory(drive: MountedContender): Promise<BenchFigure[]> {
  const figures: BenchFigure[] = [];
  const record = (name: string, value: number, unit: string) =>
    figures.push({ group: 'memory', name, value, unit });
  const resident = () => drive.residentBytes() ?? Number.NaN;

  const atStart = resident();
  record('process after mounting', atStart / 2 ** 20, 'MiB resident');
  const large = path.join(drive.directory, 'large');
  await must('dd', ['if=/dev/zero', `of=${large}`, 'bs=1M', `count=${LARGE_BYTES / 2 ** 20}`, 'status=none']);
  record('process with a file of 4 GiB', resident() / 2 ** 20, 'MiB resident');
  rmSync(large);
  await sleep(SETTLE_MS);
  record('more than at the start 2 s after deleting 4 GiB', (resident() - atStart) / 2 ** 20, 'MiB');

  const tree = path.join(drive.directory, 'tree');
  await must('cp', ['-a', path.join(ROOT, 'node_modules'), tree]);
  const storedBytes = sizeOf(tree);
  const { reservedBytes } = await statusOf(drive);
  record('node_modules: stored', storedBytes, 'bytes');
  record('node_modules: reserved', reservedBytes, 'bytes');
  record('node_modules: reserved / stored', reservedBytes / storedBytes, 'of what is stored');
  rmSync(tree, { recursive: true });
  await sleep(SETTLE_MS);

  const before = resident();
  await runClient({ words: ['fill', String(MANY_FILES)], unit: 'operations/s' }, drive, 0, false);
  record('an empty file', (resident() - before) / MANY_FILES, 'bytes resident');
  return figures;
}

async function statusOf({ directory }: MountedContender): Promise<DriveStatus> {
  return JSON.parse(await must(process.execPath, [MAIN, 'status', directory, '--json'])) as DriveStatus;
}

function sizeOf(folder: string): number {
  return readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    const child = path.join(folder, entry.name);
    return sum + (entry.isDirectory() ? sizeOf(child) : entry.isFile() ? lstatSync(child).size : 0);
  }, 0);
}
