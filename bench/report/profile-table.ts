/** The profiles as a table for docs/performance.md. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Profile, ProfileFile } from '../end-to-end/profile.js';
import { busy, insertSummary } from './summary.js';

const PARTS = [
  'kernel',
  'copy',
  'C library',
  'libc',
  'koffi',
  'V8 and Node.js',
  'JavaScript',
  'other',
] as const;

const DOCUMENT = path.join('docs', 'performance.md');

/** Returns the file that was written. */
export function writeProfileTable(profile: ProfileFile): string {
  writeFileSync(DOCUMENT, insertSummary(readFileSync(DOCUMENT, 'utf8'), profileTableOf(profile)));
  return DOCUMENT;
}

function profileTableOf({
  date,
  command,
  commit,
  uncommittedChanges,
  machine,
  profiles,
}: ProfileFile): string {
  const head = ['workload', 'server', 'µs of the client', 'µs of the server', ...PARTS];
  return [
    `| ${head.join(' | ')} |`,
    `|${'---|'.repeat(head.length)}`,
    ...profiles.map((one) => `| ${cellsOf(one).join(' | ')} |`),
    '',
    `\`${command}\`, ${date.slice(0, 10)}, commit ${commit}${uncommittedChanges ? ' with changes' : ''}, ${machine.cpus} × ${machine.cpu}, ${machine.system}, Node.js ${machine.node}${busy(machine)}; all of it in docs/data/profile.json.`,
  ].join('\n');
}

/** Of the server's microseconds, so that rows of two servers can be compared part by part. */
function cellsOf({
  group,
  name,
  server,
  clientCpuUsPerOperation,
  serverCpuUsPerOperation,
  parts,
}: Profile): string[] {
  const all = Object.values(parts).reduce((sum, percent) => sum + percent, 0);
  return [
    `${group}: ${name}`,
    server,
    short(clientCpuUsPerOperation),
    short(serverCpuUsPerOperation),
    ...PARTS.map((part) => (all === 0 ? '' : short(((parts[part] ?? 0) / all) * serverCpuUsPerOperation))),
  ];
}

function short(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(1);
}
