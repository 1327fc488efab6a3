/**
 * `ramdrive mount --background`: starts a second process that serves the drive, and returns when it is mounted, or with
 * the reason why it is not. The child writes to a log beside its control socket, because nobody reads a pipe after we
 * are gone.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MOUNT_GRACE_MS, START_GRACE_MS } from '../../drive/config/limits.js';
import type { DriveSettings } from '../../drive/config/settings.js';
import { idOfMountPoint } from '../../drive/control/drive-records.js';
import { createPrivate, readPrivate } from '../../drive/control/private-file.js';
import { ensureRuntimeDirectory } from '../../drive/control/runtime-directory.js';
import { printable } from '../../drive/printable.js';
import { ExitCode } from '../exit-codes.js';
import { Progress } from '../progress.js';

/** What the child tells on its way. */
export type BackgroundMessage = { mounted: string } | { doneBytes: number; totalBytes: number };

/** Tells the child that it is one, and the name of its log in the runtime directory. */
export const BACKGROUND_LOG_VARIABLE = 'RAMDRIVE_BACKGROUND_LOG';

/** The log of this process when it is such a child. Whatever else the variable says names no file. */
export function backgroundLog(env: NodeJS.ProcessEnv = process.env): string | null {
  const name = env[BACKGROUND_LOG_VARIABLE];
  return name !== undefined && /^[0-9a-f]{16}\.[0-9a-f]{16}\.log$/.test(name)
    ? join(ensureRuntimeDirectory(), name)
    : null;
}

type Outcome = { mounted: string } | { exitCode: number | null; signal: NodeJS.Signals | null };

export async function mountInBackground(settings: DriveSettings, args: readonly string[]): Promise<number> {
  const directory = ensureRuntimeDirectory();
  const name = `${idOfMountPoint(settings.mountPoint)}.${randomBytes(8).toString('hex')}.log`;
  const log = join(directory, name);
  const output = createPrivate(log);
  const main = fileURLToPath(new URL('../main.js', import.meta.url));
  const child = spawn(process.execPath, [main, ...args.filter((arg) => arg !== '--background')], {
    detached: true,
    windowsHide: true,
    stdio: ['ignore', output, output, 'ipc'],
    env: { ...process.env, [BACKGROUND_LOG_VARIABLE]: name },
  });
  closeSync(output);
  const giveUp = () => child.kill('SIGTERM');
  const progress = new Progress(process.stderr, 'taking memory');
  const timer = setTimeout(giveUp, START_GRACE_MS + MOUNT_GRACE_MS);
  process.on('SIGINT', giveUp);
  process.on('SIGTERM', giveUp);
  try {
    const outcome = await new Promise<Outcome>((resolve, reject) => {
      child.on('message', (message: BackgroundMessage) => {
        if ('mounted' in message) {
          resolve(message);
        } else {
          timer.refresh();
          progress.update(message.doneBytes, message.totalBytes);
        }
      });
      child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }));
      child.once('error', reject);
    });
    progress.end();
    if ('mounted' in outcome) {
      process.stderr.write(warningsIn(readPrivate(log)));
      process.stdout.write(`mounted ${printable(outcome.mounted)}\n`);
      return ExitCode.OK;
    }
    process.stderr.write(readPrivate(log));
    if (outcome.signal !== null) {
      process.stderr.write(`ramdrive: ${describeDeath(outcome.signal)}\n`);
    }
    rmSync(log, { force: true });
    // A child that was stopped cleanly before it was ready has still not mounted anything.
    return outcome.exitCode || ExitCode.FAILURE;
  } finally {
    clearTimeout(timer);
    process.off('SIGINT', giveUp);
    process.off('SIGTERM', giveUp);
    child.removeAllListeners();
    if (child.connected) {
      child.disconnect();
    }
    child.unref();
  }
}

/** A child that a signal ended while it started says nothing itself. */
export function describeDeath(signal: NodeJS.Signals): string {
  const what = `the process of the drive was ended by ${signal} while it started; nothing is mounted.`;
  switch (signal) {
    case 'SIGKILL':
      return `${what} Mostly that is the system, which ran out of memory (see dmesg): choose a smaller capacity.`;
    case 'SIGSEGV':
    case 'SIGBUS':
    case 'SIGILL':
    case 'SIGABRT':
    case 'SIGFPE':
      return `${what} It crashed: a fault of ramdrive, of its native library or of Node.js. Please report it.`;
    default:
      return `${what} Another program sent it that signal.`;
  }
}

/** What the child had to say on the way, its line for standard output aside. */
function warningsIn(text: string): string {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('mounted '))
    .map((line) => `${line}\n`)
    .join('');
}
