/** `ramdrive snapshot`, `snapshots` and `rollback`: keep what is on a drive at a moment, and go back to it. */
import { formatSize } from '../drive/config/sizes.js';
import { ask } from '../drive/control/control-client.js';
import { ConfigError } from '../drive/errors.js';
import { printable, printableJson } from '../drive/printable.js';
import { isSnapshotName, SNAPSHOT_NAME_EXPECTED } from '../drive/requests/snapshot-name.js';
import type { SnapshotInfo } from '../drive/status.js';
import { countOf } from './count-of.js';
import { ExitCode } from './exit-codes.js';
import { findDriveOrSay } from './find-drive.js';

/** Without a name the drive calls it after the time. */
export async function snapshotCommand(mountPoint: string, name: string | undefined): Promise<number> {
  checkName(name);
  const drive = await findDriveOrSay(mountPoint);
  if (drive === null) return ExitCode.FAILURE;
  const snapshot = await ask(drive, 'snapshot', { name });
  say(`took snapshot "${snapshot.name}" of ${drive.mountPoint}: ${contentsOf(snapshot)}`);
  return ExitCode.OK;
}

export async function deleteSnapshotCommand(mountPoint: string, name: string | undefined): Promise<number> {
  if (name === undefined) throw badName('--delete needs the name of a snapshot.');
  checkName(name);
  const drive = await findDriveOrSay(mountPoint);
  if (drive === null) return ExitCode.FAILURE;
  await ask(drive, 'deleteSnapshot', { name });
  say(`deleted snapshot "${name}" of ${drive.mountPoint}`);
  return ExitCode.OK;
}

export async function snapshotsCommand(mountPoint: string, json: boolean): Promise<number> {
  const drive = await findDriveOrSay(mountPoint);
  if (drive === null) return ExitCode.FAILURE;
  const { snapshots, snapshotBytes } = await ask(drive, 'status');
  if (json) {
    process.stdout.write(`${printableJson(snapshots)}\n`);
    return ExitCode.OK;
  }
  if (snapshots.length === 0) {
    say(`There are no snapshots of ${drive.mountPoint}.`);
    return ExitCode.OK;
  }
  const rows = snapshots.map(({ name, createdAt, files, bytes }) => [
    printable(name),
    createdAt,
    files.toLocaleString('en'),
    formatSize(bytes),
  ]);
  for (const line of table([['name', 'taken at', 'files', 'size'], ...rows])) say(line);
  say(`They take ${formatSize(snapshotBytes)} of the drive together.`);
  return ExitCode.OK;
}

export async function rollbackCommand(mountPoint: string, name: string): Promise<number> {
  checkName(name);
  const drive = await findDriveOrSay(mountPoint);
  if (drive === null) return ExitCode.FAILURE;
  // A shell on the drive stays on what was taken away; we must not.
  process.chdir('/');
  const snapshot = await ask(drive, 'rollback', { name });
  say(`rolled ${drive.mountPoint} back to "${snapshot.name}": ${contentsOf(snapshot)}`);
  return ExitCode.OK;
}

function contentsOf({ files, bytes }: SnapshotInfo): string {
  return `${countOf(files, 'file or directory', 'files and directories')}, ${formatSize(bytes)}`;
}

function checkName(name: string | undefined): void {
  if (name !== undefined && !isSnapshotName(name)) {
    throw badName(`expected ${SNAPSHOT_NAME_EXPECTED}, got ${JSON.stringify(name)}.`);
  }
}

function badName(message: string): ConfigError {
  const source = { kind: 'option', option: '<name>' } as const;
  return new ConfigError([{ source, key: null, value: null, message }]);
}

/** The first two columns are texts, the others numbers. */
function table(rows: readonly string[][]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column < 2 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('  '),
  );
}

function say(text: string): void {
  process.stdout.write(`${printable(text)}\n`);
}
