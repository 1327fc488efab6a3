/** Errors that end a worker: what the drive did is not what the oracle says, or the drive is not there any more. */
import { readSync } from 'node:fs';

export interface MismatchDetails {
  path?: string | undefined;
  /** The model's number of the file. */
  fileId?: number | undefined;
  /** Position of the first wrong byte. */
  offset?: number | undefined;
  expected?: string | undefined;
  actual?: string | undefined;
}

export class Mismatch extends Error {
  override readonly name = 'Mismatch';

  constructor(
    message: string,
    readonly details: MismatchDetails = {},
  ) {
    super(message);
  }
}

/** The file system has ended under its client. */
export class DriveGone extends Error {
  override readonly name = 'DriveGone';
}

const GONE = new Set(['ENOTCONN', 'ECONNABORTED', 'ESHUTDOWN']);

/** Whether an error says that the file system has ended. */
export function isGone(error: unknown): boolean {
  return error instanceof DriveGone || GONE.has((error as NodeJS.ErrnoException).code ?? '');
}

/** The code of an error of the system. Anything else is a bug of the test and is thrown again. */
export function codeOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (typeof code !== 'string' || code.startsWith('ERR_')) {
    throw error;
  }
  if (GONE.has(code)) {
    throw new DriveGone(`the drive has gone: ${(error as Error).message}`);
  }
  return code;
}

/**
 * After a read that gave too little: its beginning may have come from the page cache, and the drive may have gone
 * before the rest. One more read at `position`, where it ended, says so by its error.
 */
export function expectDriveThere(fd: number, position: number): void {
  try {
    readSync(fd, Buffer.alloc(1), 0, 1, position);
  } catch (error) {
    codeOf(error);
  }
}
