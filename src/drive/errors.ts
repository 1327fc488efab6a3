/**
 * What can go wrong with a drive as a whole, as typed exceptions. Results of file operations are NTSTATUS numbers and
 * never come here. Every message says what was met, where, and what to do.
 */
import { ntStatusName } from '../ntstatus.js';

/** Where a value came from: a place in a file, or an option of the command line. */
export type ValueSource =
  | { kind: 'file'; path: string; line: number; column: number }
  | { kind: 'option'; option: string };

export interface ConfigProblem {
  /** null when there is no single place (the file cannot be read). */
  source: ValueSource | null;
  /** The setting, or null for a problem of the file as a whole. */
  key: string | null;
  /** As it was written. */
  value: string | null;
  message: string;
}

/** The configuration cannot be used. One line a problem, each complete in itself. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  constructor(readonly problems: readonly ConfigProblem[]) {
    super(problems.map(describeProblem).join('\n'));
  }
}

function describeSource(source: ValueSource): string {
  return source.kind === 'file' ? `${source.path}:${source.line}:${source.column}` : source.option;
}

function describeProblem({ source, key, message }: ConfigProblem): string {
  if (source === null) {
    return message;
  }
  const where = describeSource(source);
  return key === null || source.kind === 'option' ? `${where}: ${message}` : `${where}: ${key}: ${message}`;
}

export type MountPointErrorCode =
  | 'MISSING'
  | 'NOT_A_DIRECTORY'
  | 'NOT_EMPTY'
  | 'ALREADY_MOUNTED'
  | 'NOT_WRITABLE'
  | 'STALE'
  | 'MALFORMED';

/** The drive cannot be mounted there; found out before anything was started. */
export class MountPointError extends Error {
  override readonly name = 'MountPointError';
  constructor(
    readonly code: MountPointErrorCode,
    readonly mountPoint: string,
    what: string,
    readonly advice: string,
  ) {
    super(`${what} ${advice}`);
  }
}

/** The system refused the mount. */
export class MountError extends Error {
  override readonly name = 'MountError';
  constructor(
    readonly mountPoint: string,
    readonly ntStatus: number,
    readonly advice: string,
  ) {
    super(`Mounting at ${mountPoint} failed with ${ntStatusName(ntStatus)}. ${advice}`);
  }
}

export type DriveErrorCode =
  /** The worker that owns the volume could not start; `cause` says why. */
  | 'START_FAILED'
  /** The worker died; the drive is unmounted and its contents are gone. */
  | 'WORKER_DIED'
  /** Something did not answer in its time. */
  | 'TIMEOUT'
  /** The drive is not running: not yet, or no longer. */
  | 'NOT_RUNNING'
  /** The process of the drive is stopped (SIGSTOP, a debugger) and answers nothing. */
  | 'STOPPED'
  /** The image could not be written; the one of before is whole, and the drive goes on. */
  | 'NOT_SAVED'
  /** Programs use the drive. */
  | 'BUSY'
  /** No snapshot has this name. */
  | 'NO_SUCH_SNAPSHOT'
  /** A snapshot has this name already. */
  | 'SNAPSHOT_EXISTS'
  /** A name, or a size, that cannot be. */
  | 'BAD_VALUE'
  /** Room, memory or the number of files does not allow it; nothing has changed. */
  | 'NO_ROOM'
  /** After a rollback the drive could not be mounted again, and has ended. */
  | 'NOT_MOUNTED'
  /** The process that listens does not take us for its owner. */
  | 'FORBIDDEN'
  /** The drive runs, but could not do what was asked. */
  | 'FAILED';

export class DriveError extends Error {
  override readonly name = 'DriveError';
  constructor(
    readonly code: DriveErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The drive goes on: nothing is lost. */
export function isNotSaved(error: unknown): boolean {
  return error instanceof DriveError && error.code === 'NOT_SAVED';
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
