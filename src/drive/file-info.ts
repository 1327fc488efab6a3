/**
 * FSP_FSCTL_FILE_INFO straight from an inode into native memory: all of its 72 bytes, always, with the state after the
 * operation. The kernel believes every field (a FileSize that is too small truncates its cache: data loss;
 * docs/winfsp.md#callbacks), so there is one function for all callbacks and nothing optional in it. Runs for every
 * write: no allocation, no BigInt.
 *
 * `links`: 0 for WinFsp, which demands it and reports one link; our library for Linux wants the number of names
 * (docs/winfsp.md#callbacks).
 */
import type { Inode } from '../volume/inode.js';
import type { RamVolume } from '../volume/ram-volume.js';
import {
  FileAttribute,
  FileCountsLayout as FileCounts,
  FileInfoLayout as FileInfo,
  setUint64,
  VolumeInfoLayout as VolumeInfo,
} from '../winfsp/index.js';

/** FSP_FSCTL_VOLUME_INFO of a volume; `countsFiles`: and what our library for Linux has room for behind it. */
export function encodeVolumeInfo(
  volume: RamVolume,
  view: DataView,
  offset: number,
  countsFiles: boolean,
): void {
  const { totalBytes, freeBytes, label } = volume;
  setUint64(view, offset + VolumeInfo.TotalSize, totalBytes);
  setUint64(view, offset + VolumeInfo.FreeSize, freeBytes);
  view.setUint16(offset + VolumeInfo.VolumeLabelLength, label.length * 2, true);
  for (let i = 0; i < label.length; i++) {
    view.setUint16(offset + VolumeInfo.VolumeLabel + i * 2, label.charCodeAt(i), true);
  }
  if (!countsFiles) return;
  setUint64(view, offset + FileCounts.TotalFiles, volume.inodeCount + volume.freeInodeCount);
  setUint64(view, offset + FileCounts.FreeFiles, volume.freeInodeCount);
}

export function encodeFileInfo(subject: Inode, view: DataView, offset: number, links = 0): void {
  // All but the sizes of a stream is its file's.
  const inode = subject.main;
  view.setUint32(offset + FileInfo.FileAttributes, attributesOf(subject), true);
  view.setUint32(offset + FileInfo.ReparseTag, inode.reparseTag, true);
  setUint64(view, offset + FileInfo.AllocationSize, subject.allocationSize);
  setUint64(view, offset + FileInfo.FileSize, subject.fileSize);
  view.setInt32(offset + FileInfo.CreationTime, inode.creationTimeLow, true);
  view.setInt32(offset + FileInfo.CreationTime + 4, inode.creationTimeHigh, true);
  view.setInt32(offset + FileInfo.LastAccessTime, inode.lastAccessTimeLow, true);
  view.setInt32(offset + FileInfo.LastAccessTime + 4, inode.lastAccessTimeHigh, true);
  view.setInt32(offset + FileInfo.LastWriteTime, inode.lastWriteTimeLow, true);
  view.setInt32(offset + FileInfo.LastWriteTime + 4, inode.lastWriteTimeHigh, true);
  view.setInt32(offset + FileInfo.ChangeTime, inode.changeTimeLow, true);
  view.setInt32(offset + FileInfo.ChangeTime + 4, inode.changeTimeHigh, true);
  setUint64(view, offset + FileInfo.IndexNumber, inode.indexNumber);
  view.setUint32(offset + FileInfo.HardLinks, links, true);
  view.setUint32(offset + FileInfo.EaSize, inode.extendedAttributes?.sizeBytes ?? 0, true);
}

/** A stream has those of its file, and is no directory. */
export function attributesOf(inode: Inode): number {
  const { main } = inode;
  return main === inode ? inode.attributes : main.attributes & ~FileAttribute.DIRECTORY;
}
