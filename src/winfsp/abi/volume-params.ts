/**
 * The parameters of a volume under their WinFsp names, checked and encoded as FSP_FSCTL_VOLUME_PARAMS
 * (docs/winfsp.md#volume-parameters). A value outside its limits is an error here, because the driver would silently
 * take another one.
 */

import { MAX_NAME_UNITS } from '../../limits.js';
import { VolumeParamsError } from '../errors.js';
import { Limit } from './constants.js';
import { type Uint64Argument, writeUtf16 } from './fields.js';
import { VolumeParamsLayout } from './layouts.js';

/**
 * Bit numbers of the flags word. Those that this binding could not serve (hard links, full contexts …) are left out.
 */
export const VOLUME_FLAG_BITS = {
  CaseSensitiveSearch: 0,
  CasePreservedNames: 1,
  UnicodeOnDisk: 2,
  PersistentAcls: 3,
  ReparsePoints: 4,
  ReparsePointsAccessCheck: 5,
  NamedStreams: 6,
  ExtendedAttributes: 8,
  ReadOnlyVolume: 9,
  PostCleanupWhenModifiedOnly: 10,
  PassQueryDirectoryPattern: 11,
  AlwaysUseDoubleBuffering: 12,
  PassQueryDirectoryFileName: 13,
  FlushAndPurgeOnCleanup: 14,
  UmFileContextIsUserContext2: 16,
  UmNoReparsePointsDirCheck: 18,
  AllowOpenInKernelMode: 24,
  CasePreservedExtendedAttributes: 25,
  WslFeatures: 26,
  RejectIrpPriorToTransact0: 28,
  SupportsPosixUnlinkRename: 29,
  PostDispositionWhenNecessaryOnly: 30,
} as const;

/** Bit numbers of the word that says which timeouts are their own (the others follow FileInfoTimeout). */
export const VOLUME_TIMEOUT_VALID_BITS = {
  VolumeInfoTimeout: 0,
  DirInfoTimeout: 1,
  SecurityTimeout: 2,
  StreamInfoTimeout: 3,
  EaTimeout: 4,
} as const;

export type VolumeFlags = { [Flag in keyof typeof VOLUME_FLAG_BITS]?: boolean };
type OwnTimeouts = { [Timeout in keyof typeof VOLUME_TIMEOUT_VALID_BITS]?: number };

export interface VolumeParams extends VolumeFlags, OwnTimeouts {
  /** Bytes; a power of two, 512 … 4096. Default 512. */
  SectorSize?: number;
  /** 1 … 65535. SectorSize × this is the allocation unit. Default 1. */
  SectorsPerAllocationUnit?: number;
  /** WCHARs of one name, 1 … 255. Default 255. */
  MaxComponentLength?: number;
  /** FILETIME. Default 0. */
  VolumeCreationTime?: bigint;
  VolumeSerialNumber?: number;
  /** How long one receiving call sleeps: 1000 … 10000 ms. Default 1000. */
  TransactTimeout?: number;
  /** 60000 … 600000 ms. Default 300000. */
  IrpTimeout?: number;
  /** 100 … 1000 requests. Default 1000. */
  IrpCapacity?: number;
  /** ms; 0xffffffff lets the kernel cache data (docs/winfsp.md#caching). Default 0. */
  FileInfoTimeout?: number;
  /** `\server\share`, for the device WinFsp.Net only. */
  Prefix?: string;
  /** What the volume calls its format; at most 15 WCHARs. Default "WinFsp". */
  FileSystemName?: string;
}

/** What is used for a parameter that is not given. */
export const VOLUME_PARAMS_DEFAULTS = {
  SectorSize: 512,
  SectorsPerAllocationUnit: 1,
  MaxComponentLength: MAX_NAME_UNITS,
  VolumeSerialNumber: 0,
  TransactTimeout: 1000,
  IrpTimeout: 300000,
  IrpCapacity: 1000,
  FileInfoTimeout: 0,
} as const;

const MAX_UINT32 = 0xffffffff;
const VALID_BITS_OFFSET = 456;
const FLAGS_OFFSET = 36;

type Range = readonly [min: number, max: number];
const RANGES: Readonly<Record<keyof typeof VOLUME_PARAMS_DEFAULTS, Range>> = {
  SectorSize: [512, 4096],
  SectorsPerAllocationUnit: [1, 0xffff],
  MaxComponentLength: [1, MAX_NAME_UNITS],
  VolumeSerialNumber: [0, MAX_UINT32],
  TransactTimeout: [Limit.TransactTimeoutMinimum, Limit.TransactTimeoutMaximum],
  IrpTimeout: [Limit.IrpTimeoutMinimum, Limit.IrpTimeoutMaximum],
  IrpCapacity: [Limit.IrpCapacityMinimum, Limit.IrpCapacityMaximum],
  FileInfoTimeout: [0, MAX_UINT32],
};
const UINT16_FIELDS: ReadonlySet<string> = new Set([
  'SectorSize',
  'SectorsPerAllocationUnit',
  'MaxComponentLength',
]);

/** Encodes into 504 zeroed bytes. `units` is the same memory. Throws VolumeParamsError. */
export function encodeVolumeParams(params: VolumeParams, view: DataView, units: Uint16Array): void {
  rejectUnknown(params);
  view.setUint16(VolumeParamsLayout.Version, VolumeParamsLayout.SIZE, true);
  for (const name of Object.keys(RANGES) as (keyof typeof RANGES)[]) {
    const value = integerWithin(name, params[name] ?? VOLUME_PARAMS_DEFAULTS[name], RANGES[name]);
    const offset = VolumeParamsLayout[name];
    if (UINT16_FIELDS.has(name)) {
      view.setUint16(offset, value, true);
    } else {
      view.setUint32(offset, value, true);
    }
  }
  const sectorSize = view.getUint16(VolumeParamsLayout.SectorSize, true);
  if ((sectorSize & (sectorSize - 1)) !== 0) {
    throw new VolumeParamsError('SectorSize', sectorSize, 'a power of two');
  }
  view.setBigUint64(VolumeParamsLayout.VolumeCreationTime, fileTimeOf(params.VolumeCreationTime), true);
  view.setUint32(FLAGS_OFFSET, flagsWord(params), true);
  encodeOwnTimeouts(params, view);
  encodePrefix(params.Prefix ?? '', units);
  const name = params.FileSystemName ?? '';
  if (name.length * 2 >= Limit.VOLUME_FSNAME_SIZE || name.includes('\0')) {
    throw new VolumeParamsError('FileSystemName', name, 'at most 15 characters without NUL');
  }
  writeUtf16(units, VolumeParamsLayout.FileSystemName / 2, name);
}

function rejectUnknown(params: VolumeParams): void {
  for (const name of Object.keys(params)) {
    const known =
      name in RANGES ||
      name in VOLUME_FLAG_BITS ||
      name in VOLUME_TIMEOUT_VALID_BITS ||
      name === 'VolumeCreationTime' ||
      name === 'Prefix' ||
      name === 'FileSystemName';
    if (!known) {
      throw new VolumeParamsError(
        name,
        params[name as keyof VolumeParams],
        'a parameter that this binding serves',
      );
    }
  }
}

function integerWithin(name: string, value: unknown, [min, max]: Range): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    throw new VolumeParamsError(name, value, `an integer from ${min} to ${max}`);
  }
  return value;
}

function fileTimeOf(value: Uint64Argument | undefined): bigint {
  const time = value === undefined ? 0n : value;
  if (typeof time !== 'bigint' || time < 0n || time > 0xffff_ffff_ffff_ffffn) {
    throw new VolumeParamsError('VolumeCreationTime', value, 'a FILETIME as a bigint');
  }
  return time;
}

function flagsWord(params: VolumeParams): number {
  let word = 0;
  for (const [flag, bit] of Object.entries(VOLUME_FLAG_BITS)) {
    const value = params[flag as keyof VolumeFlags] ?? false;
    if (typeof value !== 'boolean') {
      throw new VolumeParamsError(flag, value, 'true or false');
    }
    if (value) {
      word |= 1 << bit;
    }
  }
  return word >>> 0;
}

function encodeOwnTimeouts(params: VolumeParams, view: DataView): void {
  let validBits = 0;
  for (const [name, bit] of Object.entries(VOLUME_TIMEOUT_VALID_BITS)) {
    const value = params[name as keyof OwnTimeouts];
    if (value !== undefined) {
      validBits |= 1 << bit;
      const offset = VolumeParamsLayout[name as keyof OwnTimeouts];
      view.setUint32(offset, integerWithin(name, value, [0, MAX_UINT32]), true);
    }
  }
  view.setUint32(VALID_BITS_OFFSET, validBits, true);
}

function encodePrefix(prefix: string, units: Uint16Array): void {
  if (prefix === '') {
    return;
  }
  const wellFormed = /^\\[^\\/:*?"<>|\0]+\\[^\\/:*?"<>|\0]+$/.test(prefix);
  if (!wellFormed || prefix.length * 2 >= Limit.VOLUME_PREFIX_SIZE) {
    throw new VolumeParamsError(
      'Prefix',
      prefix,
      '\\server\\share with one leading backslash, at most 191 characters',
    );
  }
  writeUtf16(units, VolumeParamsLayout.Prefix / 2, prefix);
}
