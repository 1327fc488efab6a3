/** The RAM drive as a whole, for programs: settings, start, status, stop. */
export { resolveSettings } from './config/config.js';
export { type DriveSettings, defaultSettings } from './config/settings.js';
export * from './errors.js';
export { type DriveEnd, type DriveEvents, RamDrive } from './ram-drive.js';
export { RamFileSystem } from './ram-file-system.js';
export type { DriveStatus, SelfCheckResult } from './status.js';
