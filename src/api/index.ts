/**
 * A RAM drive for a program: `await using drive = await RamDrive.mount({ capacity: '512M' })`. docs/javascript.md shows
 * how to use it; for writing a file system of your own there is `ramdrive/winfsp`.
 */

export {
  ConfigError,
  type ConfigProblem,
  DriveError,
  type DriveErrorCode,
  MountError,
  MountPointError,
  type MountPointErrorCode,
  type ValueSource,
} from '../drive/errors.js';
export type { SaveProgress } from '../drive/image/save-messages.js';
export type { DriveStatus, Resized, SaveResult, SelfCheckResult, SnapshotInfo } from '../drive/status.js';
export { type LibraryErrorCode, WinFspLibraryError } from '../winfsp/errors.js';
export type { RamDriveOptions } from './options.js';
export { type Discarded, type DriveEnd, RamDrive, type RamDriveEvents } from './ram-drive.js';
