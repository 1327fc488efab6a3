/**
 * What real programs do on a drive, each with a check of its own that does not trust the program's exit code alone. A
 * scenario returns one line about what it did, throws what went wrong, or throws Skipped with the reason.
 */
import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
} from 'node:fs';
import { copyFile, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatSize } from '../../src/drive/config/sizes.js';
import { type DriveProcess, dropCaches } from './drive-process.js';
import { HARD_LINK_PROGRAMS, hardLinks } from './hard-links.js';
import { hasProgram, must, runProgram } from './program.js';
import { SPECIAL_FILE_PROGRAMS, specialFiles } from './special-files.js';

export class Skipped extends Error {}

export interface Context {
  drive: DriveProcess;
  /** Smaller figures, the same checks. */
  quick: boolean;
}

export interface Scenario {
  name: string;
  programs: readonly string[];
  run(context: Context): Promise<string>;
}

// From dist/scripts/realworld/.
const PROJECT = fileURLToPath(new URL('../../../', import.meta.url));
const MODULES = join(PROJECT, 'node_modules');

/** Debian's package for a program. */
export const PACKAGE_OF = new Map([
  ['git', 'git'],
  ['tar', 'tar'],
  ['sqlite3', 'sqlite3'],
  ['fio', 'fio'],
  ['find', 'findutils'],
  ['df', 'coreutils'],
  ['cp', 'coreutils'],
  ['rsync', 'rsync'],
  ['dpkg', 'dpkg'],
  ['gpg', 'gpg'],
  ['gpg-agent', 'gpg-agent'],
  ['tmux', 'tmux'],
  ['redis-server', 'redis-server'],
]);

export const SCENARIOS: readonly Scenario[] = [
  { name: 'git clone, fsck', programs: ['git'], run: gitClone },
  { name: 'npm ci', programs: ['npm'], run: npmCi },
  { name: 'tar -x, compare', programs: ['tar'], run: tarExtract },
  {
    name: 'sqlite3, killed writer (journal)',
    programs: ['sqlite3'],
    run: (context) => sqlite(context, 'delete'),
  },
  { name: 'sqlite3, killed writer (WAL)', programs: ['sqlite3'], run: (context) => sqlite(context, 'wal') },
  { name: 'fio verify, buffered', programs: ['fio'], run: (context) => fio(context, 0) },
  { name: 'fio verify, direct', programs: ['fio'], run: (context) => fio(context, 1) },
  { name: 'find, each entry once', programs: ['find'], run: findEntries },
  {
    name: 'sockets and pipes in TMPDIR',
    programs: SPECIAL_FILE_PROGRAMS,
    run: ({ drive }) => specialFiles(drive.dir),
  },
  { name: 'files of several names', programs: HARD_LINK_PROGRAMS, run: ({ drive }) => hardLinks(drive.dir) },
  { name: 'df = status = Σ allocation', programs: ['df'], run: ledger },
  { name: 'delete everything', programs: [], run: deleteEverything },
];

async function gitClone({ drive }: Context): Promise<string> {
  if (!existsSync(join(PROJECT, '.git'))) {
    throw new Skipped('this copy of the project is no git repository');
  }
  const target = join(drive.dir, 'clone');
  // Not a local clone: those would be hard links or copies, and git itself would have nothing to do.
  const git = (...args: string[]) => must('git', ['-c', 'safe.directory=*', ...args]);
  await git('clone', '--quiet', `file://${PROJECT}`, target);
  dropCaches();
  await git('-C', target, 'fsck', '--full', '--strict');
  const dirty = await git('-C', target, 'status', '--porcelain');
  if (dirty !== '') {
    throw new Error(`the fresh clone is changed: ${dirty}`);
  }
  // And work in it: everything is packed again and a branch comes and goes.
  await git('-C', target, 'gc', '--quiet', '--prune=now');
  await git('-C', target, 'checkout', '--quiet', '-b', 'other');
  await git('-C', target, 'fsck', '--full');
  const files = (await git('-C', target, 'ls-files')).split('\n').length - 1;
  return `${files} files, history intact`;
}

async function npmCi({ drive }: Context): Promise<string> {
  const target = join(drive.dir, 'npm');
  mkdirSync(target);
  for (const name of ['package.json', 'package-lock.json', '.npmrc']) {
    await copyFile(join(PROJECT, name), join(target, name));
  }
  const args = ['ci', '--include=dev', '--prefer-offline', '--no-fund', '--no-audit', '--ignore-scripts'];
  const { code, stderr } = await runProgram('npm', args, { cwd: target });
  if (code !== 0) {
    if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ECONNRESET|ENETUNREACH/.test(stderr)) {
      throw new Skipped('no package registry can be reached');
    }
    throw new Error(`npm ci ended with ${code}: ${stderr.trim().split('\n').slice(0, 8).join('\n')}`);
  }
  dropCaches();
  await must('npm', ['ls', '--all'], { cwd: target });
  const version = await must(process.execPath, [
    join(target, 'node_modules/typescript/bin/tsc'),
    '--version',
  ]);
  const compared = compareTrees(MODULES, join(target, 'node_modules'));
  return `${compared} files equal those installed outside, tsc runs (${version.trim()})`;
}

/**
 * Every file that both have must be the same; what tools cache in one of them is not compared. Returns how many were.
 */
function compareTrees(expected: string, actual: string): number {
  let compared = 0;
  const visit = (path: string) => {
    for (const name of readdirSync(join(actual, path))) {
      const [one, other] = [join(expected, path, name), join(actual, path, name)];
      if (name === '.package-lock.json' || name === '.bin' || !existsSync(one)) {
        continue;
      }
      const entry = lstatSync(other);
      if (entry.isDirectory()) {
        visit(join(path, name));
      } else if (entry.isSymbolicLink()) {
        if (readlinkSync(one) !== readlinkSync(other)) {
          throw new Error(`${other} points elsewhere`);
        }
      } else {
        compared++;
        if (!readFileSync(one).equals(readFileSync(other))) {
          throw new Error(`${other} differs from ${one}`);
        }
      }
    }
  };
  visit('');
  if (compared < 100) {
    throw new Error(`only ${compared} files could be compared`);
  }
  return compared;
}

async function tarExtract({ drive }: Context): Promise<string> {
  const work = mkdtempSync(join(tmpdir(), 'ramdrive-tar-'));
  try {
    const archive = join(work, 'modules.tar');
    await must('tar', ['-cf', archive, '--exclude=.vite*', '-C', PROJECT, relative(PROJECT, MODULES)]);
    const target = join(drive.dir, 'tar');
    mkdirSync(target);
    await must('tar', ['-xf', archive, '-C', target]);
    dropCaches();
    // Contents, modes, times, owners, links: whatever differs is named and makes the exit code 1.
    await must('tar', ['--compare', '-f', archive, '-C', target]);
    // Back again: the drive's tree makes the same archive, byte for byte, when the order is fixed.
    const list = (root: string) =>
      must('sh', ['-c', 'tar -cf - --sort=name --exclude=".vite*" node_modules | sha256sum'], { cwd: root });
    const [inside, outside] = [await list(target), await list(PROJECT)];
    if (inside !== outside) {
      throw new Error('the tree on the drive makes another archive than its source');
    }
    return `${formatSize(lstatSync(archive).size)} extracted, contents and metadata equal`;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/**
 * Writers are killed in the middle; after each, what they were told is committed is there, and the database is sound.
 */
async function sqlite({ drive, quick }: Context, journal: string): Promise<string> {
  const file = join(drive.dir, `${journal}.db`);
  const ask = async (sql: string) => (await must('sqlite3', ['-batch', file, sql])).trim();
  await ask(`PRAGMA journal_mode=${journal}; CREATE TABLE t(n INTEGER PRIMARY KEY, sha TEXT, filler BLOB);`);
  const rounds = quick ? 3 : 10;
  let next = 1;
  for (let round = 0; round < rounds; round++) {
    const statements: string[] = ['PRAGMA synchronous=FULL;'];
    for (let i = 0; i < 3000; i++) {
      const n = next + i;
      const sha = createHash('sha256').update(String(n)).digest('hex');
      statements.push(
        `BEGIN;INSERT INTO t VALUES(${n},'${sha}',randomblob(${(n * 97) % 3000}));COMMIT;SELECT ${n};`,
      );
    }
    const killAfterMs = 100 + 61 * round;
    const { stdout } = await runProgram('sqlite3', ['-batch', file], {
      input: statements.join('\n'),
      onStart: (child) => setTimeout(() => child.kill('SIGKILL'), killAfterMs),
    });
    const told = stdout.split('\n').filter((line) => /^\d+$/.test(line));
    const acknowledged = Number(told.at(-1) ?? next - 1);
    const check = await ask('PRAGMA integrity_check;');
    if (check !== 'ok') {
      throw new Error(`integrity_check after round ${round}: ${check}`);
    }
    const last = Number(await ask('SELECT ifnull(max(n),0) FROM t;'));
    const count = Number(await ask('SELECT count(*) FROM t;'));
    if (last < acknowledged || count !== last) {
      throw new Error(`${acknowledged} rows were acknowledged, ${count} are there, the last is ${last}`);
    }
    next = last + 1;
  }
  return `${rounds} kills, ${next - 1} rows, integrity ok`;
}

async function fio({ drive, quick }: Context, direct: 0 | 1): Promise<string> {
  const directory = join(drive.dir, `fio-${direct}`);
  mkdirSync(directory);
  const common = [
    `--directory=${directory}`,
    `--size=${quick ? '16M' : '64M'}`,
    '--ioengine=psync',
    `--direct=${direct}`,
    '--numjobs=2',
    '--verify=crc32c',
    '--verify_fatal=1',
    '--do_verify=1',
    '--verify_state_save=0', // it would lie in the project's folder
    '--randseed=1',
    '--minimal',
  ];
  await must('fio', ['--name=random', '--rw=randwrite', '--bsrange=4k-256k', '--blockalign=4k', ...common]);
  await must('fio', ['--name=sequential', '--rw=write', '--bs=1M', '--fsync=16', ...common]);
  dropCaches();
  // Once more from the drive: read only, nothing cached.
  await must('fio', ['--name=sequential', '--rw=read', '--bs=1M', ...common]);
  return `random 4K–256K and sequential 1M, 2 jobs, crc32c verified`;
}

async function findEntries({ drive, quick }: Context): Promise<string> {
  const directory = join(drive.dir, 'many');
  mkdirSync(directory);
  const count = quick ? 20_000 : 100_000;
  const script = `const fs = require('node:fs');
    for (let i = 0; i < ${count}; i++) fs.closeSync(fs.openSync(process.argv[1] + '/entry-' + i, 'w'));`;
  await must(process.execPath, ['-e', script, directory]);
  dropCaches();
  for (const what of ['cold', 'warm']) {
    const listed = (await must('find', [directory, '-type', 'f', '-printf', '%f\\n'])).trimEnd().split('\n');
    const distinct = new Set(listed);
    if (listed.length !== count || distinct.size !== count) {
      throw new Error(`${what}: ${listed.length} entries listed, ${distinct.size} different, ${count} made`);
    }
    for (let i = 0; i < count; i++) {
      if (!distinct.has(`entry-${i}`)) {
        throw new Error(`${what}: entry-${i} is missing`);
      }
    }
  }
  return `${count.toLocaleString('en')} entries, none twice, none missing`;
}

/** Three ways to the same figure: what files reserve, what the drive counts, what the system shows. */
async function ledger({ drive }: Context): Promise<string> {
  let files = 0;
  let allocatedBytes = 0;
  const visit = (path: string) => {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      const child = join(path, entry.name);
      files++;
      if (entry.isDirectory()) {
        visit(child);
      } else {
        allocatedBytes += lstatSync(child).blocks * 512;
      }
    }
  };
  visit(drive.dir);
  const status = await drive.status();
  const df = (await must('df', ['-B1', '--output=used,avail', drive.dir]))
    .trim()
    .split('\n')[1]!
    .trim()
    .split(/\s+/);
  const usedBytes = Number(df[0]);
  const figures = { files: allocatedBytes, status: status.reservedBytes, df: usedBytes };
  if (new Set(Object.values(figures)).size !== 1 || Number(df[1]) !== status.freeBytes) {
    throw new Error(`reserved: ${JSON.stringify(figures)}, free: df ${df[1]}, status ${status.freeBytes}`);
  }
  if (status.files !== files) {
    throw new Error(`${files} entries found, the drive counts ${status.files}`);
  }
  return `${formatSize(allocatedBytes)} in ${files.toLocaleString('en')} entries, three times the same`;
}

async function deleteEverything({ drive }: Context): Promise<string> {
  const before = await drive.status();
  for (const name of readdirSync(drive.dir)) {
    rmSync(join(drive.dir, name), { recursive: true });
  }
  dropCaches();
  const { bavail, bsize } = await statfs(drive.dir);
  const after = await drive.status();
  if (bavail * bsize !== after.capacityBytes || after.allocatedBytes !== 0 || after.files !== 0) {
    throw new Error(
      `free ${bavail * bsize} of ${after.capacityBytes}, held ${after.allocatedBytes}, files ${after.files}`,
    );
  }
  return `all free; resident memory ${formatSize(before.residentBytes)} → ${formatSize(after.residentBytes)}`;
}

export function missingPrograms({ programs }: Scenario): string[] {
  return programs.filter((name) => !hasProgram(name));
}
