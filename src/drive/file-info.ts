/**
 * FSP_FSCTL_FILE_INFO straight from a node into native memory: all of its 72 bytes, always, with the state after the operation.
 * The kernel believes every field (a FileSize that is too small truncates its cache: data loss; docs/winfsp.md (d)), so there is
 * one function for all callbacks and nothing optional in it. Runs for every write: no allocation, no BigInt.
 */
import type { Node } from '../volume/inode.js';
import { FileInfoLayout as FileInfo, setUint64 } from '../winfsp/index.js';

export function encodeFileInfo(node: Node, view: DataView, offset: number): void {
  view.setUint32(offset + FileInfo.FileAttributes, node.attributes, true);
  view.setUint32(offset + FileInfo.ReparseTag, node.reparseTag, true);
  setUint64(view, offset + FileInfo.AllocationSize, node.allocationSize);
  setUint64(view, offset + FileInfo.FileSize, node.fileSize);
  view.setInt32(offset + FileInfo.CreationTime, node.creationTimeLow, true);
  view.setInt32(offset + FileInfo.CreationTime + 4, node.creationTimeHigh, true);
  view.setInt32(offset + FileInfo.LastAccessTime, node.lastAccessTimeLow, true);
  view.setInt32(offset + FileInfo.LastAccessTime + 4, node.lastAccessTimeHigh, true);
  view.setInt32(offset + FileInfo.LastWriteTime, node.lastWriteTimeLow, true);
  view.setInt32(offset + FileInfo.LastWriteTime + 4, node.lastWriteTimeHigh, true);
  view.setInt32(offset + FileInfo.ChangeTime, node.changeTimeLow, true);
  view.setInt32(offset + FileInfo.ChangeTime + 4, node.changeTimeHigh, true);
  setUint64(view, offset + FileInfo.IndexNumber, node.indexNumber);
  // WinFsp demands 0 and reports one link (docs/winfsp.md (d)).
  view.setUint32(offset + FileInfo.HardLinks, 0, true);
  view.setUint32(offset + FileInfo.EaSize, 0, true);
}
