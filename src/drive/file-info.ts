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
import { FileInfoLayout as FileInfo, setUint64 } from '../winfsp/index.js';

export function encodeFileInfo(inode: Inode, view: DataView, offset: number, links = 0): void {
  view.setUint32(offset + FileInfo.FileAttributes, inode.attributes, true);
  view.setUint32(offset + FileInfo.ReparseTag, inode.reparseTag, true);
  setUint64(view, offset + FileInfo.AllocationSize, inode.allocationSize);
  setUint64(view, offset + FileInfo.FileSize, inode.fileSize);
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
