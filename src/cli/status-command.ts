/**
 * `ramdrive status [mountpoint] [--json] [--check]`: figures, and a self-check if asked for. Exit code 1 when the drive
 * is not there, does not answer, or has broken an invariant.
 */

import { formatSize } from '../drive/config/sizes.js';
import { askIfAlive } from '../drive/control/control-client.js';
import { readRecords } from '../drive/control/drive-records.js';
import { printable, printableJson, printableLines } from '../drive/printable.js';
import { type DriveStatus, errorCountOf } from '../drive/status.js';
import { type Colours, colour } from './colour.js';
import { countOf } from './count-of.js';
import { describeError, ExitCode } from './exit-codes.js';
import { drivesAt, noDriveAt, OF_SERVICES } from './find-drive.js';

export async function statusCommand(
  mountPoint: string | undefined,
  { json = false, check = false }: { json?: boolean; check?: boolean },
): Promise<number> {
  const recorded = readRecords();
  const drives =
    mountPoint === undefined
      ? recorded
      : await drivesAt(mountPoint, recorded, ({ record }) => record.mountPoint);
  // One connection a drive: its answer also shows that it is alive.
  const asked = await Promise.allSettled(drives.map((drive) => askIfAlive(drive, 'status', { check })));
  const statuses = asked.flatMap((answer) =>
    answer.status === 'fulfilled' && answer.value !== null ? [answer.value] : [],
  );
  const failures = asked.flatMap((answer) =>
    answer.status === 'rejected' ? [answer.reason as unknown] : [],
  );
  for (const failure of failures) {
    process.stderr.write(`ramdrive: ${describeError(failure)}\n`);
  }
  if (mountPoint !== undefined && statuses.length + failures.length === 0) {
    process.stderr.write(`ramdrive: ${noDriveAt(mountPoint)}\n`);
    return ExitCode.FAILURE;
  }
  if (failures.length > 0 && statuses.length === 0) {
    return ExitCode.FAILURE;
  }
  if (json) {
    const value = mountPoint === undefined ? statuses : statuses[0];
    process.stdout.write(`${printableJson(value)}\n`);
  } else {
    process.stdout.write(
      statuses.length === 0
        ? `No drive is mounted.${OF_SERVICES}\n`
        : statuses.map((status) => describeStatus(status, colour(process.stdout))).join('\n'),
    );
  }
  return failures.length === 0 && statuses.every(isHealthy) ? ExitCode.OK : ExitCode.FAILURE;
}

function isHealthy({ selfCheck, strictViolations }: DriveStatus): boolean {
  return (selfCheck?.violationCount ?? 0) === 0 && (strictViolations?.count ?? 0) === 0;
}

export function describeStatus(status: DriveStatus, paint: Colours): string {
  const share = status.capacityBytes === 0 ? 0 : (status.reservedBytes / status.capacityBytes) * 100;
  const rows: [string, string][] = [
    [
      'label',
      `${printable(status.label)} (process ${status.pid}, up ${formatDuration(status.uptimeSeconds)})`,
    ],
    ['capacity', `${formatSize(status.capacityBytes)} in pages of ${formatSize(status.pageSizeBytes)}`],
    ['reserved', `${formatSize(status.reservedBytes)} (${share.toFixed(1)} %)`],
    ['free', formatSize(status.freeBytes)],
    ['pages allocated', formatSize(status.allocatedBytes)],
    ['pre-allocated', status.preallocatedBytes === 0 ? 'no' : formatSize(status.preallocatedBytes)],
    ['committed', formatSize(status.committedBytes)],
    ['resident', `${formatSize(status.residentBytes)} (whole process)`],
    ['files', `${status.files.toLocaleString('en')} (files and directories)`],
    ['snapshots', snapshotsRow(status)],
    ['open handles', status.openHandles.toLocaleString('en')],
    [
      'client memory',
      status.clientMemoryBytes === null ? 'the driver’s' : formatSize(status.clientMemoryBytes),
    ],
    ['kernel cache', status.kernelCache ? 'on' : 'off'],
    ['requests', requestsRow(status)],
    ['errors', errorsRow(status, paint)],
    ['strict checks', strictRow(status, paint)],
    ['self-check', selfCheckRow(status, paint)],
  ];
  const lines = rows.map(([name, value]) => `  ${name.padEnd(15)} ${value}`);
  return [
    paint.bold(printable(status.mountPoint)),
    ...lines,
    ...kindTable(status),
    ...details(status, paint),
    '',
  ].join('\n');
}

function snapshotsRow({ snapshots, snapshotBytes }: DriveStatus): string {
  if (snapshots.length === 0) return 'none';
  const names = snapshots.slice(0, MAX_SNAPSHOTS_NAMED).map(({ name }) => printable(name));
  const more = snapshots.length > names.length ? ', …' : '';
  return `${snapshots.length} (${names.join(', ')}${more}), together ${formatSize(snapshotBytes)}`;
}
/** "ramdrive snapshots" lists them all. */
const MAX_SNAPSHOTS_NAMED = 5;

function requestsRow({ requests }: DriveStatus): string {
  const { latency } = requests;
  const count = requests.requests.toLocaleString('en');
  return `${count}, p50 ${micros(latency.latencyUsP50)}, p99 ${micros(latency.latencyUsP99)}`;
}

function errorsRow(status: DriveStatus, paint: Colours): string {
  const count = errorCountOf(status);
  return count === 0 ? paint.green('none') : paint.red(String(count));
}

function strictRow({ strictViolations }: DriveStatus, paint: Colours): string {
  if (strictViolations === null) {
    return 'not on this system';
  }
  return strictViolations.count === 0
    ? paint.green('no violations')
    : paint.red(countOf(strictViolations.count, 'violation'));
}

function selfCheckRow({ selfCheck }: DriveStatus, paint: Colours): string {
  if (selfCheck === null) {
    return 'not run (--check runs one)';
  }
  const age = formatDuration(Math.max(0, (Date.now() - Date.parse(selfCheck.at)) / 1000));
  const took = `${selfCheck.milliseconds.toFixed(1)} ms, ${age} ago`;
  return selfCheck.violationCount === 0
    ? `${paint.green('clean')} (${took})`
    : paint.red(`${countOf(selfCheck.violationCount, 'violation')} (${took})`);
}

function kindTable({ requests }: DriveStatus): string[] {
  if (requests.kinds.length === 0) {
    return [];
  }
  const head = ['request', 'count', 'failed', 'p50', 'p99', 'bytes'];
  const rows = requests.kinds.map(({ kind, count, failures, latencyUsP50, latencyUsP99, bytes }) => [
    kind,
    count.toLocaleString('en'),
    failures.toLocaleString('en'),
    micros(latencyUsP50),
    micros(latencyUsP99),
    bytes === 0 ? '' : formatSize(bytes),
  ]);
  const table = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  return table.map((row) => {
    const cells = row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!),
    );
    return `  ${cells.join('  ')}`.trimEnd();
  });
}

function details({ selfCheck, strictViolations, errors }: DriveStatus, paint: Colours): string[] {
  return [
    ...(selfCheck?.violations ?? []),
    ...(strictViolations?.texts ?? []),
    ...(errors.last === null ? [] : [errors.last]),
  ].map((text) => paint.red(`  ! ${printableLines(text)}`));
}

function micros(us: number): string {
  return us < 1000 ? `${us.toFixed(1)} µs` : `${(us / 1000).toFixed(1)} ms`;
}

function formatDuration(seconds: number): string {
  const whole = Math.floor(seconds);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  return h > 0 ? `${h} h ${m} min` : m > 0 ? `${m} min ${s} s` : `${s} s`;
}
