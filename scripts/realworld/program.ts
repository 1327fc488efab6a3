/**
 * Runs other programs for the real-world checks: to their end, with a limit, and with their last words kept for the
 * report.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';

export interface ProgramResult {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface ProgramOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  limitMs?: number;
  input?: string;
  /** Called once the program runs: to kill it in the middle, for example. */
  onStart?: (child: ChildProcess) => void;
}

const LIMIT_MS = 15 * 60_000;
const running = new Set<ChildProcess>();

/** Resolves whatever the program does; `must` is for those that may not fail. */
export function runProgram(
  program: string,
  args: readonly string[],
  { cwd, env, limitMs = LIMIT_MS, input, onStart }: ProgramOptions = {},
): Promise<ProgramResult> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd, env: env ?? process.env, stdio: ['pipe', 'pipe', 'pipe'] });
    running.add(child);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    // A program that does not read its input to the end is none of our business.
    child.stdin.on('error', () => {});
    child.stdin.end(input ?? '');
    const timer = setTimeout(() => {
      stderr += `\nkilled: not done after ${limitMs / 1000} s`;
      child.kill('SIGKILL');
    }, limitMs);
    child.once('error', (error) => {
      stderr += error.message;
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      running.delete(child);
      resolve({ code, signal, stdout, stderr });
    });
    onStart?.(child);
  });
}

/** The output of a program that has to succeed. */
export async function must(
  program: string,
  args: readonly string[],
  options?: ProgramOptions,
): Promise<string> {
  const { code, signal, stdout, stderr } = await runProgram(program, args, options);
  if (code !== 0) {
    const words = `${stderr}\n${stdout}`.trim().split('\n').slice(0, 12).join('\n');
    throw new Error(`${program} ${args.slice(0, 3).join(' ')} ended with ${signal ?? code}: ${words}`);
  }
  return stdout;
}

export function killAllPrograms(): void {
  for (const child of running) {
    child.kill('SIGKILL');
  }
}

export function hasProgram(name: string): boolean {
  return spawnSync('sh', ['-c', `command -v "${name}"`]).status === 0;
}

/** Debian packages of programs that are missing: installed by root, otherwise the caller skips. */
export async function installMissing(packageOf: ReadonlyMap<string, string>): Promise<string | null> {
  const missing = [...packageOf].filter(([program]) => !hasProgram(program)).map(([, name]) => name);
  if (missing.length === 0 || process.getuid?.() !== 0 || !hasProgram('apt-get')) {
    return null;
  }
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await runProgram('apt-get', ['update'], { env, limitMs: 120_000 });
  const { code, stderr } = await runProgram(
    'apt-get',
    ['install', '-y', '--no-install-recommends', ...missing],
    { env, limitMs: 300_000 },
  );
  return code === 0
    ? null
    : `apt-get could not install ${missing.join(', ')}: ${stderr.trim().split('\n').pop()}`;
}
