/**
 * Extracts NTFS's table of capitals ($UpCase) from a file system that mkntfs has made, and stores it as
 * src/volume/names/ntfs-upper-case.ts, and for the native library as upper_case.h.
 *
 *   node dist/scripts/ntfs-upper-case.js (in the project's root)
 *
 * Needs mkntfs and ntfscat (Debian: apt-get install ntfs-3g). The table is a matter of fact of the NTFS format; nothing
 * of ntfs-3g is copied.
 */
import { type ExecFileSyncOptionsWithBufferEncoding, execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const UNITS = 0x10000;
const IMAGE_BYTES = 8 * 2 ** 20;
const PATH = `${process.env.PATH}:/usr/sbin:/sbin`;
const TARGET = 'src/volume/names/ntfs-upper-case.ts';
export const HEADER = 'native/winfsp-linux/src/core/base/upper_case.h';
const MAX_COLUMNS = 120;

/** The version line of mkntfs, or null where it is not installed. */
export function mkntfsVersion(): string | null {
  const { error, stderr, stdout } = spawnSync('mkntfs', ['--version'], {
    env: { ...process.env, PATH },
    encoding: 'utf8',
  });
  return error === undefined ? `${stdout}${stderr}`.trim().split('\n')[0]! : null;
}

/** Unit → its capital, for all 65,536 units. */
export function extractUpperCase(): Uint16Array {
  const folder = mkdtempSync(join(tmpdir(), 'ramdrive-upcase-'));
  try {
    const image = join(folder, 'ntfs');
    writeFileSync(image, '');
    truncateSync(image, IMAGE_BYTES);
    const options: ExecFileSyncOptionsWithBufferEncoding = {
      env: { ...process.env, PATH },
      stdio: ['ignore', 'pipe', 'ignore'],
    };
    execFileSync('mkntfs', ['-F', '-q', image], options);
    const bytes = execFileSync('ntfscat', [image, '$UpCase'], options);
    if (bytes.length !== UNITS * 2) throw new Error(`$UpCase has ${bytes.length} bytes, not ${UNITS * 2}`);
    return Uint16Array.from({ length: UNITS }, (_, unit) => bytes.readUInt16LE(unit * 2));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The units that have a capital, as runs: first unit, count, distance from one to the next (1 or 2), what to add. */
function runsOf(table: Uint16Array): number[][] {
  const left = new Map<number, number>();
  table.forEach((upper, unit) => {
    if (upper !== unit) left.set(unit, upper - unit);
  });
  const runs: number[][] = [];
  // In ascending order; what a run takes away is not met again.
  for (const [first, add] of left) {
    const [adjacent, alternate] = [1, 2].map((step) => {
      let count = 1;
      while (left.get(first + count * step) === add) count++;
      return count;
    }) as [number, number];
    const step = adjacent >= alternate ? 1 : 2;
    const count = Math.max(adjacent, alternate);
    for (let i = 0; i < count; i++) left.delete(first + i * step);
    runs.push([first, count, step, add]);
  }
  return runs;
}

/** A comment and the numbers for the native library, which has no other source of them. */
export function headerOf(runs: readonly number[]): string {
  const entries = Array.from(
    { length: runs.length / 4 },
    (_, i) => `{${runs.slice(4 * i, 4 * i + 4).join(', ')}},`,
  );
  const lines = [''];
  for (const entry of entries) {
    const line = `${lines.at(-1)} ${entry}`.trimStart();
    if (line.length + 4 > MAX_COLUMNS) lines.push(entry);
    else lines[lines.length - 1] = line;
  }
  return `/* NTFS's table of capitals: what src/volume/names/ntfs-upper-case.ts has, made by the same script. Each run: the first
 * unit, the count, the distance from one to the next, and what to add. */
#ifndef UPPER_CASE_H
#define UPPER_CASE_H
static const struct upper_case_run {
    unsigned short first, count, step;
    int add;
} upper_case_runs[] = {
${lines.map((line) => `    ${line}\n`).join('')}};
#endif
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const runs = runsOf(extractUpperCase()).flat();
  const text = `/**
 * NTFS's table of capitals, made by scripts/ntfs-upper-case.ts from the $UpCase file of a file system that
 * ${mkntfsVersion()} made. Four numbers for each run of units that have a
 * capital: the first unit, the count, the distance from one to the next, and what to add.
 */
export const NTFS_UPPER_CASE_RUNS: readonly number[] = [${runs.join(', ')}];
`;
  writeFileSync(TARGET, text);
  writeFileSync(HEADER, headerOf(runs));
  execFileSync('npx', ['biome', 'format', '--write', TARGET], { stdio: 'inherit' });
}
