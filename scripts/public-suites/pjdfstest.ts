/**
 * pjdfstest: what POSIX says of calls that change names, owners, modes and times, test by test. What is not passed has
 * to stand in EXPECTED; what stands there and passes is wrong, too.
 */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DriveProcess } from '../realworld/drive-process.js';
import { runProgram } from '../realworld/program.js';

export type Outcome = 'ok' | 'FAILED' | 'skipped';

const NEEDS_REMOUNT =
  'mounts the place once more by "mount -o remount,ro", which mount(8) does not do with a FUSE mount (and tmpfs refuses ' +
  'while it is in use); read-only drives: tests/integration/command-line.test.ts';
/** Tests that do not pass, with the reason. */
export const EXPECTED: Readonly<Record<string, [Outcome, string]>> = {
  ...Object.fromEntries(
    [
      'chmod::erofs_named',
      'chown::erofs_named',
      'chown::lchown::erofs_named',
      'link::erofs_named',
      'mkdir::erofs_new_file',
      'mkfifo::erofs_new_file',
      'open::erofs_named',
      'open::erofs_new_file',
      'rename::erofs_named',
      'rmdir::erofs_named',
      'symlink::erofs_new_file',
      'truncate::erofs_named',
      'unlink::erofs_named',
    ].map((name): [string, [Outcome, string]] => [name, ['skipped', NEEDS_REMOUNT]]),
  ),
  'link::link_count_max': ['skipped', 'the C library knows no greatest number of links, of tmpfs neither'],
};

const CONFIGURATION = `[features]
posix_fallocate = {}
rename_ctime = {}
stat_st_birthtime = {}
utime_now = {}
utimensat = {}
[settings]
naptime = 0.01
[dummy_auth]
entries = [["nobody", "nogroup"], ["games", "games"]]
`;

/** A file of 2 GiB is among the tests, and a length reserves its room. */
const MOUNT_OPTIONS = ['--capacity', '4G', '--allow-other', '--mode', '0777'];
const LIMIT_MS = 600_000;

export async function runPjdfstest(
  program: string,
  tmpfs: string,
  mountOptions: readonly string[],
): Promise<number> {
  chmodSync(tmpfs, 0o777);
  const configuration = join(tmpfs, 'pjdfstest.toml');
  writeFileSync(configuration, CONFIGURATION);
  const run = async (place: string, other: string) =>
    outcomesOf(
      (await runProgram(program, ['-c', configuration, '-p', place, '-s', other], { limitMs: LIMIT_MS }))
        .stdout,
    );
  const drive = await DriveProcess.start([...MOUNT_OPTIONS, ...mountOptions]);
  try {
    const onTmpfs = await run(tmpfs, drive.dir);
    const onDrive = await run(drive.dir, tmpfs);
    await drive.unmount();
    say(`tmpfs ${summary(onTmpfs)}; drive ${summary(onDrive)}`);
    const problems = problemsOf(onDrive);
    for (const problem of problems) say(problem);
    return problems.length === 0 && onDrive.size > 0 && onDrive.size === onTmpfs.size ? 0 : 1;
  } finally {
    await drive.end();
  }
}

function outcomesOf(output: string): Map<string, Outcome> {
  const lines = output.matchAll(/^(\S+::\S+)\s+(ok|FAILED|skipped)$/gm);
  return new Map([...lines].map(([, name, outcome]) => [name as string, outcome as Outcome]));
}

export function problemsOf(outcomes: ReadonlyMap<string, Outcome>): string[] {
  const problems: string[] = [];
  for (const [name, outcome] of outcomes) {
    const [expected, reason] = EXPECTED[name] ?? ['ok', ''];
    if (outcome !== expected) {
      problems.push(`${name}: ${outcome}, expected is ${expected}${reason === '' ? '' : ` (${reason})`}`);
    }
  }
  for (const name of Object.keys(EXPECTED)) {
    if (!outcomes.has(name)) problems.push(`${name}: there is no such test any more`);
  }
  return problems;
}

function summary(outcomes: ReadonlyMap<string, Outcome>): string {
  const count = (wanted: Outcome) => [...outcomes.values()].filter((outcome) => outcome === wanted).length;
  return `${count('ok')} passed, ${count('FAILED')} failed, ${count('skipped')} skipped`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
