/**
 * The volume's parameters for WinFsp, from the settings of the drive. Reasons: docs/winfsp.md#caching,
 * #volume-parameters, #answers-that-may-nest.
 */
import { randomBytes } from 'node:crypto';
import { MAX_NAME_UNITS } from '../../limits.js';
import { FILE_INFO_TIMEOUT_INFINITE, type VolumeParams } from '../../winfsp/index.js';
import { SECTOR_SIZE_BYTES } from '../config/limits.js';
import type { DriveSettings } from '../config/settings.js';

/** 1601 to 1970 in units of 100 ns. */
const FILETIME_OF_UNIX_EPOCH = 116444736000000000n;

export function volumeParamsOf(
  settings: DriveSettings,
  prefix: string | undefined,
  platform: NodeJS.Platform = process.platform,
): VolumeParams {
  return {
    SectorSize: SECTOR_SIZE_BYTES,
    // The allocation unit is the page, so that what the system shows is what the ledger reserves.
    SectorsPerAllocationUnit: settings.pageSizeBytes / SECTOR_SIZE_BYTES,
    MaxComponentLength: MAX_NAME_UNITS,
    VolumeCreationTime: BigInt(Date.now()) * 10_000n + FILETIME_OF_UNIX_EPOCH,
    VolumeSerialNumber: randomBytes(4).readUInt32LE(),
    FileInfoTimeout: settings.kernelCache ? FILE_INFO_TIMEOUT_INFINITE : settings.fileInfoTimeoutMs,
    // Free space must be true for an observer at every moment, whatever else may be cached.
    VolumeInfoTimeout: 0,
    // The driver keeps a list of streams although a size in it has changed.
    StreamInfoTimeout: 0,
    // Some programs refuse to run from, or to be installed on, anything else.
    FileSystemName: 'NTFS',
    CaseSensitiveSearch: settings.caseSensitive,
    CasePreservedNames: true,
    UnicodeOnDisk: true,
    PersistentAcls: true,
    ReparsePoints: true,
    NamedStreams: hasNamedStreams(platform),
    ExtendedAttributes: true,
    CasePreservedExtendedAttributes: settings.caseSensitive,
    // The driver tells owner, group, mode and device of a file as the Subsystem for Linux keeps them: in attributes.
    WslFeatures: platform === 'win32',
    ReadOnlyVolume: settings.readOnly,
    // Contexts are per file, so a Cleanup that changes nothing has nothing to tell us.
    PostCleanupWhenModifiedOnly: true,
    // A file can always be deleted; only directories have a say in it.
    PostDispositionWhenNecessaryOnly: true,
    PassQueryDirectoryFileName: true,
    // On WinFsp's driver random programs with POSIX deletes or renames came to a standstill (docs/winfsp.md#evidence).
    // The kernel side of a Linux mount has no such locks, and its programs expect to delete and replace what is open.
    SupportsPosixUnlinkRename: platform !== 'win32',
    ...(prefix === undefined ? {} : { Prefix: prefix }),
  };
}

/** To Linux a `:` in a name is a character as any other. */
export function hasNamedStreams(platform = process.platform): boolean {
  return platform === 'win32';
}
