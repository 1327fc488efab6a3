/**
 * A real program with opinions about file systems: git clones onto the drive, checks every object, and commits there.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DemoFailure } from './summary.js';

const run = promisify(execFile);
/** Nothing of the user's own configuration, nothing that asks. */
const ENVIRONMENT = {
  ...process.env,
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
  GIT_AUTHOR_NAME: 'Demonstration',
  GIT_AUTHOR_EMAIL: 'demo@localhost',
  GIT_COMMITTER_NAME: 'Demonstration',
  GIT_COMMITTER_EMAIL: 'demo@localhost',
};

/** Returns a sentence about what was done, or why nothing was. */
export async function gitOnTheDrive(
  repository: string,
  folder: string,
  tell: (text: string) => void,
): Promise<string> {
  if (!(await isInstalled())) {
    return 'left out: git is not installed';
  }
  await mkdir(folder);
  const clone = join(folder, 'clone');
  const isCheckout = existsSync(join(repository, '.git'));
  const origin = isCheckout ? repository : await newRepository(repository, join(folder, 'origin'), tell);
  tell('clone');
  await git(folder, ['clone', '--quiet', '--no-hardlinks', origin, clone]);
  tell('fsck');
  await git(clone, ['fsck', '--full', '--strict']);
  const changes = await git(clone, ['status', '--porcelain']);
  if (changes !== '') {
    throw new DemoFailure(`The fresh clone differs from its own index:\n${changes}`);
  }
  tell('commit and gc');
  await cp(join(repository, 'package.json'), join(clone, 'copied.json'));
  await git(clone, ['add', 'copied.json']);
  await git(clone, ['commit', '--quiet', '-m', 'A commit made on the drive']);
  await git(clone, ['gc', '--quiet', '--prune=now']);
  await git(clone, ['fsck', '--full', '--strict']);
  const objects = (await git(clone, ['count-objects', '-v'])).match(/^in-pack: (\d+)$/m)?.[1] ?? '?';
  return `${isCheckout ? 'this project' : 'a new repository'}, ${objects} objects, fsck clean`;
}

async function newRepository(project: string, origin: string, tell: (text: string) => void): Promise<string> {
  tell('a new repository');
  await git(null, ['init', '--quiet', origin]);
  await cp(join(project, 'src'), join(origin, 'src'), { recursive: true });
  await cp(join(project, 'package.json'), join(origin, 'package.json'));
  await git(origin, ['add', '.']);
  await git(origin, ['commit', '--quiet', '-m', 'The sources']);
  return origin;
}

async function isInstalled(): Promise<boolean> {
  return run('git', ['--version']).then(
    () => true,
    () => false,
  );
}

async function git(cwd: string | null, args: string[]): Promise<string> {
  try {
    const { stdout } = await run('git', ['-c', 'safe.directory=*', ...args], {
      ...(cwd === null ? {} : { cwd }),
      env: ENVIRONMENT,
      maxBuffer: 2 ** 26,
    });
    return stdout;
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    throw new DemoFailure(`git ${args.join(' ')} failed: ${stderr || message}`);
  }
}
