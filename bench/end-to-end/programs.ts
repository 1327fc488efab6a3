/**
 * Programs that people run: tar, git, npm, on a tree that is there anyway (this project's own). What they need is
 * prepared once, outside of the contenders; what they wrote is removed after each run, which is not timed.
 */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { hasProgram, must } from '../../scripts/realworld/program.js';
import { packageRoot } from '../../src/package-root.js';
import type { ProgramWorkload } from './workloads.js';

type Program = ProgramWorkload['program'];

const ROOT = packageRoot();
/** Binaries of tens of MiB would make tar a copy of one file. */
const LEFT_OUT_OF_TAR = ['*.node', '*/@biomejs/cli-*'];
const NPM_ARGUMENTS = ['ci', '--include=dev', '--offline', '--no-fund', '--no-audit', '--ignore-scripts'];
const LIMIT_MS = 180_000;

let prepared: string | null = null;

/** Why a program cannot be measured here, or null. Prepares what it works on. */
export async function prepare(program: Program): Promise<string | null> {
  if (!hasProgram(program)) return `${program} is not installed`;
  prepared ??= mkdtempSync(path.join(os.tmpdir(), 'ramdrive-bench-input-'));
  switch (program) {
    case 'tar':
      await must(
        'tar',
        [
          '-cf',
          path.join(prepared, 'tree.tar'),
          ...LEFT_OUT_OF_TAR.map((name) => `--exclude=${name}`),
          'node_modules',
          'src',
          'tests',
          'native',
        ],
        { cwd: ROOT },
      );
      return null;
    case 'git':
      if (!existsSync(path.join(ROOT, '.git'))) return 'this copy of the project is no git repository';
      await must('git', [
        '-c',
        'safe.directory=*',
        'clone',
        '--quiet',
        '--bare',
        `file://${ROOT}`,
        path.join(prepared, 'repository.git'),
      ]);
      return null;
    case 'npm':
      try {
        // A first time outside: afterwards npm's own cache has everything, or it never will.
        await must('npm', NPM_ARGUMENTS, {
          cwd: npmProject(path.join(prepared, 'npm-input')),
          limitMs: LIMIT_MS,
        });
        return null;
      } catch (error) {
        return `npm's cache does not hold the packages (${(error as Error).message.split('\n').at(-1)})`;
      }
  }
}

export function removePrepared(): void {
  if (prepared !== null) rmSync(prepared, { recursive: true, force: true });
  prepared = null;
}

/** A run of its own in a new directory below `parent`, and how to get rid of what it wrote. */
export function makeRun(
  program: Program,
  parent: string,
): { command: string[]; directory: string; remove(): void } {
  const directory = mkdtempSync(path.join(parent, `${program}-`));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  return { command: commandOf(program, directory), directory, remove };
}

function commandOf(program: Program, target: string): string[] {
  switch (program) {
    case 'tar':
      return ['tar', '-xf', path.join(prepared!, 'tree.tar')];
    case 'git':
      return [
        'git',
        '-c',
        'safe.directory=*',
        'clone',
        '--quiet',
        `file://${path.join(prepared!, 'repository.git')}`,
        'clone',
      ];
    case 'npm':
      npmProject(target);
      return ['npm', ...NPM_ARGUMENTS];
  }
}

function npmProject(target: string): string {
  mkdirSync(target, { recursive: true });
  for (const name of ['package.json', 'package-lock.json', '.npmrc'])
    copyFileSync(path.join(ROOT, name), path.join(target, name));
  return target;
}
