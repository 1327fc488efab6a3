/**
 * The binding's exceptions. They are for things that a program cannot go on without (no library, a volume that cannot
 * be made); results of file operations are NTSTATUS numbers, never exceptions. Each says what was expected and what to
 * do, in typed fields.
 */
import { ntStatusName } from '../ntstatus.js';

export type LibraryErrorCode =
  /** No WinFsp on this machine, or no build of the Linux library in this package. */
  | 'NOT_INSTALLED'
  /** RAMDRIVE_WINFSP_LIBRARY is not an absolute path. */
  | 'PATH_NOT_ABSOLUTE'
  /** RAMDRIVE_WINFSP_LIBRARY names a file that another user could exchange. */
  | 'NOT_TRUSTED'
  /** The file is there but the system cannot load it. */
  | 'NOT_LOADABLE'
  /** The library lacks a function that this binding needs. */
  | 'FUNCTION_MISSING'
  /** FspVersion is older than what this binding needs. */
  | 'TOO_OLD'
  /** This operating system or processor has no WinFsp and no library of ours. */
  | 'PLATFORM_UNSUPPORTED';

/** The WinFsp library cannot be used. `advice` says what to do about it. */
export class WinFspLibraryError extends Error {
  override readonly name = 'WinFspLibraryError';
  constructor(
    readonly code: LibraryErrorCode,
    readonly what: string,
    readonly advice: string,
    readonly libraryPath: string | null = null,
    options?: ErrorOptions,
  ) {
    super(`${what} ${advice}`, options);
  }
}

/** A WinFsp call that must succeed did not. */
export class WinFspCallError extends Error {
  override readonly name = 'WinFspCallError';
  readonly ntStatusName: string;
  constructor(
    readonly call: string,
    readonly ntStatus: number,
    detail = '',
  ) {
    super(`${call} failed with ${ntStatusName(ntStatus)}${detail === '' ? '' : `: ${detail}`}`);
    this.ntStatusName = ntStatusName(ntStatus);
  }
}

/** A volume parameter outside its limits. */
export class VolumeParamsError extends Error {
  override readonly name = 'VolumeParamsError';
  constructor(
    readonly parameter: string,
    readonly given: unknown,
    readonly expected: string,
  ) {
    super(`Volume parameter ${parameter}: expected ${expected}, got ${String(given)}.`);
  }
}
