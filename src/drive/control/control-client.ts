/** The asking side of the control channel: finds running drives and sends them commands. Every wait has a limit. */
import { rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { withDirectoryLock } from '../../os/directory-lock.js';
import { CONTROL_GRACE_MS, LOCK_GRACE_MS, SELF_CHECK_GRACE_MS, STOP_GRACE_MS } from '../config/limits.js';
import { DriveError } from '../errors.js';
import type { DriveStatus, SelfCheckResult } from '../status.js';
import { type ControlCommand, encodeLine, parseAnswer } from './control-protocol.js';
import { type DriveRecord, endpointOf, readRecords, removeRecord } from './drive-records.js';
import { runtimeDirectories } from './runtime-directory.js';

const GRACE_MS: Readonly<Record<ControlCommand, number>> = {
  status: CONTROL_GRACE_MS,
  selfCheck: SELF_CHECK_GRACE_MS,
  // Unmounting, then ending the worker.
  unmount: 3 * STOP_GRACE_MS,
};

export interface CommandResults {
  status: DriveStatus;
  selfCheck: SelfCheckResult;
  unmount: null;
}

/** Drives that answer. Records of dead ones are removed on the way. */
export async function findDrives(directories = runtimeDirectories()): Promise<DriveRecord[]> {
  const records = readRecords(directories);
  const alive = await Promise.all(records.map(({ record }) => isAnswering(record.endpoint)));
  const dead = records.filter((_, index) => !alive[index]);
  await Promise.all(dead.map(({ directory, record }) => removeDead(directory, record)));
  return records.filter((_, index) => alive[index]).map(({ record }) => record);
}

async function removeDead(directory: string, { id, token }: DriveRecord): Promise<void> {
  removeRecord(directory, id, token);
  if (process.platform === 'win32') {
    // A pipe is gone with its process.
    return;
  }
  const endpoint = endpointOf(directory, id);
  await withDirectoryLock(directory, LOCK_GRACE_MS, async () => {
    // Asked again: somebody may have claimed the place before we had the lock.
    if (!(await isAnswering(endpoint))) {
      rmSync(endpoint, { force: true });
    }
  });
}

/** Sends one command. Throws DriveError with what the drive said, or when it does not answer. */
export async function ask<C extends ControlCommand>(
  drive: DriveRecord,
  command: C,
): Promise<CommandResults[C]> {
  const line = await exchange(
    drive.endpoint,
    encodeLine({ command, token: drive.token }),
    GRACE_MS[command],
    drive.mountPoint,
  );
  const answer = parseAnswer(line);
  if (answer === null) {
    throw new DriveError(
      'NOT_RUNNING',
      `Process ${drive.pid} gave no proper answer for ${drive.mountPoint}.`,
    );
  }
  if (!answer.ok) {
    throw new DriveError('NOT_RUNNING', `The drive at ${drive.mountPoint} says: ${answer.error.message}.`);
  }
  return answer.result as CommandResults[C];
}

/**
 * What a connection to a place meets where nobody listens. Every other failure is ours, or says that somebody is busy.
 */
const NOBODY: ReadonlySet<string | undefined> = new Set(['ECONNREFUSED', 'ENOENT']);

/** Whether somebody listens there; true in doubt. */
export function isAnswering(endpoint: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(endpoint);
    const done = (alive: boolean) => {
      socket.destroy();
      resolve(alive);
    };
    // Busy is alive.
    socket.setTimeout(CONTROL_GRACE_MS, () => done(true));
    socket.once('connect', () => done(true));
    socket.once('error', ({ code }: NodeJS.ErrnoException) => done(!NOBODY.has(code)));
  });
}

function exchange(endpoint: string, request: string, limitMs: number, mountPoint: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect(endpoint);
    let text = '';
    const fail = (code: 'TIMEOUT' | 'NOT_RUNNING', message: string) => {
      socket.destroy();
      reject(new DriveError(code, message));
    };
    const timer = setTimeout(() => {
      fail('TIMEOUT', `The drive at ${mountPoint} did not answer within ${limitMs / 1000} s.`);
    }, limitMs);
    socket.setEncoding('utf8');
    socket.once('connect', () => socket.write(request));
    socket.on('data', (part: string) => {
      text += part;
      const end = text.indexOf('\n');
      if (end >= 0) {
        clearTimeout(timer);
        socket.end();
        resolve(text.slice(0, end));
      }
    });
    socket.once('error', (error) => {
      clearTimeout(timer);
      fail('NOT_RUNNING', `The drive at ${mountPoint} cannot be reached: ${error.message}.`);
    });
    socket.once('close', () => {
      clearTimeout(timer);
      fail('NOT_RUNNING', `The drive at ${mountPoint} hung up without an answer.`);
    });
  });
}
