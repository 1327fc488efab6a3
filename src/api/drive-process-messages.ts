/** What a program and the process of its drive tell each other. Plain JSON. */
import type { ControlRequest } from '../drive/control/control-protocol.js';
import { ConfigError, DriveError, MountError, MountPointError } from '../drive/errors.js';
import { WinFspLibraryError } from '../winfsp/errors.js';
import type { ResolvedOptions } from './options.js';

export type DriveRequest = Omit<ControlRequest, 'token' | 'beginBeforeMs'>;

export type ProgramMessage =
  | ({ type: 'start' } & ResolvedOptions)
  | { type: 'request'; id: number; request: DriveRequest };

/** `volume-gone`: unmounted from outside. `died`: see `error`. */
export type EndReason = 'stopped' | 'volume-gone' | 'died';

export type DriveProcessMessage =
  | { type: 'mounted'; path: string }
  | { type: 'failed'; error: PackedError }
  | { type: 'warning'; message: string }
  | { type: 'answer'; id: number; result: unknown }
  | { type: 'refused'; id: number; error: PackedError }
  /** Nothing is left of the drive; the process ends. */
  | { type: 'ended'; reason: EndReason; error: PackedError | null };

export interface PackedError {
  name: string;
  message: string;
  /** The fields of its class. */
  fields: Record<string, unknown>;
}

const CLASSES: readonly (abstract new (...args: never[]) => Error)[] = [
  ConfigError,
  DriveError,
  MountError,
  MountPointError,
  WinFspLibraryError,
];

export function packError(thrown: unknown): PackedError {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const { name, message } = error;
  return { name, message, fields: JSON.parse(JSON.stringify({ ...error, cause: undefined })) };
}

/** An error of the class that was packed, where it is one of the drive's; otherwise a DriveError. */
export function unpackError({ name, message, fields }: PackedError): Error {
  const found = CLASSES.find((one) => one.name === name);
  if (found === undefined) {
    return new DriveError('FAILED', message);
  }
  const error = Object.setPrototypeOf(new Error(message), found.prototype) as Error;
  return Object.assign(error, fields, { name });
}
