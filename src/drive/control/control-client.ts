/** The asking side of the control channel: finds running drives and sends them commands. Every wait has a limit. */
import { rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { withDirectoryLock } from '../../os/directory-lock.js';
import { pipeState } from '../../os/windows-pipe.js';
import {
  CONTROL_GRACE_MS,
  LOCK_GRACE_MS,
  SAVE_GRACE_MS,
  SELF_CHECK_GRACE_MS,
  STOP_GRACE_MS,
} from '../config/limits.js';
import { DriveError, type DriveErrorCode } from '../errors.js';
import type { DriveStatus, Resized, SaveResult, SelfCheckResult, SnapshotInfo } from '../status.js';
import {
  type ControlCommand,
  type ControlErrorCode,
  type ControlRequest,
  encodeLine,
  monotonicMs,
  parseAnswer,
} from './control-protocol.js';
import {
  type DriveRecord,
  endpointOf,
  type FoundRecord,
  readRecords,
  removeRecord,
} from './drive-records.js';
import { searchedDirectories } from './runtime-directory.js';
import { isStopped } from './stopped-process.js';

/** Sooner than the sender gives up, so that no drive begins with what its sender has just given up. */
const BEGIN_WITHIN_MS = CONTROL_GRACE_MS - 500;

/** How long an answer may take once the drive has begun. */
const GRACE_MS: Readonly<Record<ControlCommand, number>> = {
  status: CONTROL_GRACE_MS,
  selfCheck: SELF_CHECK_GRACE_MS,
  save: SAVE_GRACE_MS,
  // Each waits for a save that is under way.
  snapshot: SAVE_GRACE_MS,
  deleteSnapshot: SAVE_GRACE_MS,
  resize: SAVE_GRACE_MS,
  rollback: SAVE_GRACE_MS + 3 * STOP_GRACE_MS,
  // Saving, unmounting, then ending the worker.
  unmount: SAVE_GRACE_MS + 3 * STOP_GRACE_MS,
};

/** What a drive held when it was unmounted. */
export interface Discarded {
  files: number;
  bytes: number;
}

export interface CommandResults {
  status: DriveStatus;
  selfCheck: SelfCheckResult;
  save: SaveResult;
  snapshot: SnapshotInfo;
  deleteSnapshot: null;
  rollback: SnapshotInfo;
  resize: Resized;
  unmount: Discarded;
}

/** Drives that answer. Records of dead ones are removed on the way. */
export async function findDrives(directories = searchedDirectories()): Promise<DriveRecord[]> {
  const drives = readRecords(directories);
  const alive = await Promise.all(drives.map(({ record }) => isAnswering(record.endpoint)));
  await Promise.all(drives.filter((_, index) => !alive[index]).map(removeDead));
  return drives.filter((_, index) => alive[index]).map(({ record }) => record);
}

/** As ask, in one connection. null when no process listens any more; its record is removed. */
export async function askIfAlive<C extends ControlCommand>(
  drive: FoundRecord,
  command: C,
  options: AskOptions = {},
): Promise<CommandResults[C] | null> {
  try {
    return await ask(drive.record, command, options);
  } catch (error) {
    const { cause } = error as DriveError;
    if (!NO_LISTENER.has((cause as NodeJS.ErrnoException | undefined)?.code)) throw error;
    await removeDead(drive);
    return null;
  }
}

async function removeDead({ directory, record: { id, token } }: FoundRecord): Promise<void> {
  removeRecord(directory, id, token);
  if (process.platform === 'win32') {
    // A pipe is gone with its process.
    return;
  }
  const endpoint = endpointOf(directory, id);
  await withDirectoryLock(directory, LOCK_GRACE_MS, async () => {
    // Asked again: another drive may have claimed the place before we had the lock.
    if (!(await isAnswering(endpoint))) {
      rmSync(endpoint, { force: true });
    }
  });
}

/** Of codes that the protocol has beside those of drives. */
const DRIVE_ERRORS: Readonly<Partial<Record<ControlErrorCode, DriveErrorCode>>> = {
  BAD_REQUEST: 'FAILED',
  EXPIRED: 'TIMEOUT',
};

export type AskOptions = Pick<ControlRequest, 'check' | 'file' | 'force' | 'name' | 'capacityBytes'>;

/** Sends one command. Throws DriveError with what the drive said, or when it does not answer. */
export async function ask<C extends ControlCommand>(
  drive: DriveRecord,
  command: C,
  options: AskOptions = {},
): Promise<CommandResults[C]> {
  const graceMs = options.check ? GRACE_MS.selfCheck : GRACE_MS[command];
  const goesOn = command === 'status' || command === 'selfCheck' ? async () => false : savingOf(drive);
  const line = await exchange(drive, { ...options, command, token: drive.token }, graceMs, goesOn);
  const answer = parseAnswer(line);
  if (answer === null) {
    throw new DriveError('FAILED', `Process ${drive.pid} gave no proper answer for ${drive.mountPoint}.`);
  }
  if (!answer.ok) {
    const { code, message } = answer.error;
    const driveCode = DRIVE_ERRORS[code] ?? (code as DriveErrorCode);
    throw new DriveError(driveCode, `The drive at ${drive.mountPoint} says: ${message.replace(/\.$/, '')}.`);
  }
  return answer.result as CommandResults[C];
}

/** Whether a save has made progress since it was asked last: whoever waits for it waits on. */
function savingOf(drive: DriveRecord): () => Promise<boolean> {
  let before: number | undefined;
  return async () => {
    const { saving } = await ask(drive, 'status').catch(() => ({ saving: null }));
    const isBehind = saving?.doneBytes === before;
    before = saving?.doneBytes;
    return saving !== null && !isBehind;
  };
}

/**
 * What a connection to a place meets where no process listens. Every other failure is ours, or says that the drive is
 * busy.
 */
const NO_LISTENER: ReadonlySet<string | undefined> = new Set(['ECONNREFUSED', 'ENOENT']);

/** Whether a process of ours listens there; true when that cannot be found out. */
export function isAnswering(endpoint: string): Promise<boolean> {
  return new Promise((resolve) => {
    if (isOfAnother(endpoint)) {
      resolve(false);
      return;
    }
    const socket = connect(endpoint);
    const done = (alive: boolean) => {
      socket.destroy();
      resolve(alive);
    };
    // Busy is alive.
    socket.setTimeout(CONTROL_GRACE_MS, () => done(true));
    socket.once('connect', () => done(true));
    socket.once('error', ({ code }: NodeJS.ErrnoException) => done(!NO_LISTENER.has(code)));
  });
}

/** Windows: the pipe of another user, who has taken the name of a dead drive. Sockets lie where only we are. */
function isOfAnother(endpoint: string): boolean {
  return process.platform === 'win32' && pipeState(endpoint) === 'other';
}

/**
 * One request and its answer. A drive that has not begun with it within BEGIN_WITHIN_MS never will: that time is in the
 * request, and we hang up besides. A drive whose process is stopped is waited for no longer than CONTROL_GRACE_MS.
 * After the limit, as long as it `goesOn`, it is waited for as long again.
 */
function exchange(
  { endpoint, pid, mountPoint }: DriveRecord,
  request: ControlRequest,
  limitMs: number,
  goesOn: () => Promise<boolean>,
): Promise<string> {
  return new Promise((resolve, reject) => {
    if (isOfAnother(endpoint)) {
      const cause = Object.assign(new Error('its pipe is another user’s'), { code: 'ENOENT' });
      const message = `The drive at ${mountPoint} cannot be reached: ${cause.message}.`;
      reject(new DriveError('NOT_RUNNING', message, { cause }));
      return;
    }
    const socket: Socket = connect(endpoint);
    let text = '';
    const stopWaiting = () => {
      clearTimeout(beginning);
      clearTimeout(ending);
    };
    const fail = (code: DriveErrorCode, message: string, options?: ErrorOptions) => {
      stopWaiting();
      socket.destroy();
      reject(new DriveError(code, message, options));
    };
    const failIfStopped = (): boolean => {
      const stopped = isStopped(pid);
      if (stopped) {
        fail(
          'STOPPED',
          `The drive at ${mountPoint} does not answer: process ${pid} is stopped: kill -CONT ${pid}`,
        );
      }
      return stopped;
    };
    const beginning = setTimeout(failIfStopped, Math.min(CONTROL_GRACE_MS, limitMs));
    const ending = setTimeout(async () => {
      if (failIfStopped()) return;
      const waitsOn = await goesOn();
      // Meanwhile the answer may have come.
      if (socket.destroyed || socket.writableEnded) return;
      if (waitsOn) ending.refresh();
      else fail('TIMEOUT', `The drive at ${mountPoint} did not answer within ${limitMs / 1000} s.`);
    }, limitMs);
    const line = encodeLine({ ...request, beginBeforeMs: monotonicMs() + BEGIN_WITHIN_MS });
    socket.setEncoding('utf8');
    socket.once('connect', () => socket.write(line));
    socket.on('data', (part: string) => {
      text += part;
      const end = text.indexOf('\n');
      if (end >= 0) {
        stopWaiting();
        socket.end();
        resolve(text.slice(0, end));
      }
    });
    socket.once('error', (error) => {
      fail('NOT_RUNNING', `The drive at ${mountPoint} cannot be reached: ${error.message}.`, {
        cause: error,
      });
    });
    socket.once('close', () => {
      fail('NOT_RUNNING', `The drive at ${mountPoint} hung up without an answer.`);
    });
  });
}
