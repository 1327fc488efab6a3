/**
 * fsx: one file, random reads, writes, mapped ones, truncations, allocations, holes and copies, each read compared with
 * what has to be there. It opens its file for reading and writing, so copies within it are the kernel's; the drive's own
 * are in tests/integration/copy-range.test.ts.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DriveProcess } from '../realworld/drive-process.js';
import { runProgram } from '../realworld/program.js';

const SEEDS = [1, 2, 3];
const LIMIT_MS = 600_000;
const MODES: readonly (readonly string[])[] = [
  [],
  ['--kernel-cache=off', '--file-info-timeout', '0'],
  ['--direct-io'],
  ['--no-case-sensitive'],
  ['--page-size', '64K'],
];

/** All operations that there are. */
const CONFIGURATION = `flen = 1048576
[opsize]
max = 65536
[weights]
close_open = 1
invalidate = 1
mapread = 5
mapwrite = 5
read = 10
write = 10
truncate = 5
fsync = 1
fdatasync = 1
posix_fallocate = 2
punch_hole = 3
sendfile = 2
posix_fadvise = 1
copy_file_range = 4
`;

export async function runFsx(
  program: string,
  tmpfs: string,
  mountOptions: readonly string[],
  operations: number,
): Promise<number> {
  const configuration = join(tmpfs, 'fsx.toml');
  writeFileSync(configuration, CONFIGURATION);
  /** How many of the seeds failed, their last words told. */
  const failures = async (place: string, name: string): Promise<number> => {
    let failed = 0;
    for (const seed of SEEDS) {
      const args = ['-f', configuration, '-N', String(operations), '-S', String(seed), '-P', tmpfs];
      const result = await runProgram(program, [...args, join(place, 'fsx')], { limitMs: LIMIT_MS });
      const isFine = result.code === 0 && result.stdout.includes('A-OK');
      if (!isFine) {
        failed += 1;
        say(
          `${name}, seed ${seed}: ${`${result.stdout}\n${result.stderr}`.trim().split('\n').slice(-12).join('\n')}`,
        );
      }
    }
    say(`${failed === 0 ? 'ok    ' : 'FAILED'} ${name}: ${SEEDS.length} seeds of ${operations} operations`);
    return failed;
  };
  let failed = await failures(tmpfs, 'tmpfs');
  for (const mode of MODES) {
    const options = [...mode, ...mountOptions];
    const drive = await DriveProcess.start(['--capacity', '64M', ...options]);
    try {
      failed += await failures(drive.dir, `drive ${options.join(' ')}`);
      await drive.unmount();
    } finally {
      await drive.end();
    }
  }
  return failed === 0 ? 0 : 1;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
