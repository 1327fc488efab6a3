/** Exit codes of `ramdrive` (docs/usage.md), and which error means which. */

import { RuntimeDirectoryError } from '../drive/control/runtime-directory.js';
import { ConfigError, DriveError, MountError, MountPointError } from '../drive/errors.js';
import { LauncherError } from '../drive/launcher/launcher-registration.js';
import { printableLines } from '../drive/printable.js';
import { ServiceError } from '../drive/service/service-host.js';
import { TempError } from '../drive/temp/temp-variables.js';
import { ImageError } from '../image/image-error.js';
import { DirectoryLockError } from '../os/directory-lock.js';
import { Win32Error } from '../os/windows-service/win32-error.js';
import { VolumeParamsError, WinFspCallError, WinFspLibraryError } from '../winfsp/index.js';

export const ExitCode = { OK: 0, FAILURE: 1, BAD_INPUT: 2 } as const;

/** Bad input can be corrected by typing something else; everything else is a failure of the machine or of us. */
export function exitCodeOf(error: unknown): number {
  return error instanceof ConfigError ||
    error instanceof MountPointError ||
    error instanceof VolumeParamsError
    ? ExitCode.BAD_INPUT
    : ExitCode.FAILURE;
}

/** What the user reads. The stack only for what was not foreseen. */
export function describeError(error: unknown): string {
  const foreseen =
    error instanceof ConfigError ||
    error instanceof MountPointError ||
    error instanceof MountError ||
    error instanceof DriveError ||
    error instanceof RuntimeDirectoryError ||
    error instanceof DirectoryLockError ||
    error instanceof ServiceError ||
    error instanceof ImageError ||
    error instanceof TempError ||
    error instanceof LauncherError ||
    error instanceof Win32Error ||
    error instanceof WinFspLibraryError ||
    error instanceof WinFspCallError ||
    error instanceof VolumeParamsError;
  if (foreseen) {
    return printableLines(error.message);
  }
  return printableLines(error instanceof Error ? (error.stack ?? error.message) : String(error));
}
