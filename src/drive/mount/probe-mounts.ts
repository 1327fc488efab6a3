/**
 * Whether mounts still answer, asked with a time limit. A process of its own does the asking: a thread that waits for a
 * file system whose process is stopped cannot be taken back, and would keep this process from ending.
 */
import { spawn } from 'node:child_process';

/** `dead`: the process behind a FUSE mount is gone. `silent`: no answer within the limit. */
export type MountState = 'alive' | 'dead' | 'silent';

const START_LIMIT_MS = 10_000;
const ANSWER_LIMIT_MS = 2_000;
/** ENOTCONN: the process is gone. ECONNABORTED: its connection was aborted. */
const PROBE = `
const { statfs } = require('node:fs');
const paths = process.argv.slice(1);
process.stdout.write('\\n');
paths.forEach((path, index) => statfs(path, (error) => {
  const dead = error !== null && (error.code === 'ENOTCONN' || error.code === 'ECONNABORTED');
  process.stdout.write(index + (dead ? ' dead' : ' alive') + '\\n');
}));`;

/** In the order of the paths. */
export async function probeMounts(paths: readonly string[]): Promise<MountState[]> {
  const states: MountState[] = paths.map(() => 'silent');
  if (paths.length === 0) {
    return states;
  }
  // One that does not answer must not be in the way of the others.
  const env = { ...process.env, UV_THREADPOOL_SIZE: String(paths.length) };
  const child = spawn(process.execPath, ['-e', PROBE, '--', ...paths], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env,
  });
  let timer: NodeJS.Timeout | undefined;
  await new Promise<void>((resolve) => {
    let text = '';
    timer = setTimeout(resolve, START_LIMIT_MS);
    child.once('error', () => resolve());
    child.once('close', () => resolve());
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      if (text === '') {
        clearTimeout(timer);
        timer = setTimeout(resolve, ANSWER_LIMIT_MS);
      }
      text += part;
      for (const [, index, state] of text.matchAll(/^(\d+) (\w+)$/gm)) {
        states[Number(index)] = state as MountState;
      }
    });
  });
  clearTimeout(timer);
  // Waits in the kernel perhaps, where it cannot be killed: it must not keep us.
  child.kill('SIGKILL');
  child.stdout.destroy();
  child.unref();
  return states;
}
