/**
 * Plain values to the structures of the ABI. A value that does not fit is a bug of the file system and throws a
 * TypeError.
 */

import { MAX_LABEL_UNITS } from '../../limits.js';
import { setUint64 } from '../abi/fields.js';
import { FileInfo as FileInfoLayout, VolumeInfo as VolumeInfoLayout } from '../abi/layouts.js';
import type { FileInfo, VolumeInfo } from './file-system.js';

const TIMES = ['creationTime', 'lastAccessTime', 'lastWriteTime', 'changeTime'] as const;

export function encodeFileInfo(
  info: FileInfo,
  view: DataView,
  offset: number,
  allocationUnitBytes: number,
): void {
  refusePromise('a FileInfo', info);
  if (typeof info !== 'object' || info === null) {
    throw new TypeError(`a FileInfo is needed, not ${describe(info)}`);
  }
  const fileSize = sizeOf('fileSize', info.fileSize);
  const allocationSize =
    info.allocationSize === undefined
      ? Math.ceil(fileSize / allocationUnitBytes) * allocationUnitBytes
      : sizeOf('allocationSize', info.allocationSize);
  view.setUint32(offset + FileInfoLayout.FileAttributes, sizeOf('fileAttributes', info.fileAttributes), true);
  view.setUint32(offset + FileInfoLayout.ReparseTag, info.reparseTag ?? 0, true);
  setUint64(view, offset + FileInfoLayout.AllocationSize, allocationSize);
  setUint64(view, offset + FileInfoLayout.FileSize, fileSize);
  for (const [index, name] of TIMES.entries()) {
    const time = info[name];
    if (typeof time !== 'bigint') {
      throw new TypeError(`FileInfo.${name} must be a FILETIME as a bigint, not ${describe(time)}`);
    }
    view.setBigUint64(offset + FileInfoLayout.CreationTime + index * 8, time, true);
  }
  view.setBigUint64(offset + FileInfoLayout.IndexNumber, BigInt(info.indexNumber), true);
  view.setUint32(offset + FileInfoLayout.HardLinks, 0, true);
  view.setUint32(offset + FileInfoLayout.EaSize, sizeOf('eaSize', info.eaSize ?? 0), true);
}

export function encodeVolumeInfo(info: VolumeInfo, view: DataView, offset: number): void {
  const label = info.volumeLabel.slice(0, MAX_LABEL_UNITS);
  setUint64(view, offset + VolumeInfoLayout.TotalSize, sizeOf('totalSize', info.totalSize));
  setUint64(view, offset + VolumeInfoLayout.FreeSize, sizeOf('freeSize', info.freeSize));
  view.setUint16(offset + VolumeInfoLayout.VolumeLabelLength, label.length * 2, true);
  for (let i = 0; i < label.length; i++) {
    view.setUint16(offset + VolumeInfoLayout.VolumeLabel + i * 2, label.charCodeAt(i), true);
  }
}

function sizeOf(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new TypeError(`${name} must be an integer from 0 on, not ${describe(value)}`);
  }
  return value;
}

/** For messages about values that should not be there: never throws, whatever it is. */
export function describe(value: unknown): string {
  if (isThenable(value)) {
    return 'a promise';
  }
  try {
    return typeof value === 'object' && value !== null ? 'an object' : String(value);
  } catch {
    return typeof value;
  }
}

/** What a synchronous method gave must be there now. */
export function refusePromise(what: string, given: unknown): void {
  if (isThenable(given)) {
    // Its rejection has no other listener.
    given.then(undefined, () => {});
    throw new TypeError(`${what} is a promise; only read, write and readDirectory may return one`);
  }
}

/** A result that must be there now. */
export function now<T>(where: string, result: T): T {
  refusePromise(where, result);
  return result;
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  try {
    return (
      typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
    );
  } catch {
    return false;
  }
}
