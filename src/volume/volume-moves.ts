/**
 * VolumeMoves: the part of a RAM volume by which names change: rename, exchange, and a file's further names. What holds
 * for all methods is said at RamVolume.
 */
import { NtStatus } from '../ntstatus.js';
import type { DirectoryEntry, Inode } from './inode.js';
import { heapBytesOf, heapBytesOfLink, heapBytesOfName, LINK_HEAP_BYTES } from './inode-heap.js';
import { nameAndKey } from './names/name-index.js';
import { isName } from './names/name-tree.js';
import { VolumeStreams } from './streams/volume-streams.js';

export abstract class VolumeMoves extends VolumeStreams {
  /**
   * Moves an inode to another name, with everything below it, in one step: the new name is never absent, the old one
   * never doubled. `entry` is the name that it gives up; where the new one is another name of the same file, nothing
   * happens with `posix`, and otherwise the old one goes. Only the last name's spelling counts. OBJECT_NAME_COLLISION
   * when the name is taken and not to be replaced; ACCESS_DENIED when it is a directory's, or with `posix` (rename(2)),
   * by which an empty directory gives way to another, FILE_IS_A_DIRECTORY, NOT_A_DIRECTORY or DIRECTORY_NOT_EMPTY.
   * ACCESS_DENIED for the root, INVALID_PARAMETER into itself, FILE_DELETED without a name, NAME_TOO_LONG when a path
   * would be, DISK_FULL when a longer name finds no room on the heap, or as lookup for the new directory.
   */
  rename(entry: DirectoryEntry, newPath: string, replaceIfExists: boolean, posix = false): number {
    const { inode, parent: from } = entry;
    if (from === null) return NtStatus.FILE_DELETED;
    if (inode === this.root || newPath === '\\') return NtStatus.ACCESS_DENIED;
    if (inode.main !== inode) return NtStatus.INVALID_PARAMETER;
    if (this.tree.streamStart(newPath) >= 0) return NtStatus.OBJECT_NAME_INVALID;
    const status = this.tree.locate(newPath);
    if (status < 0) return status;
    const to = this.tree.directory;
    const start = this.tree.leafStart;
    if (!isName(newPath, start)) return NtStatus.OBJECT_NAME_INVALID;
    if (this.tree.isWithin(to, inode)) return NtStatus.INVALID_PARAMETER;
    // A name that differs only by case is the entry itself: nothing is replaced then.
    const there = this.tree.childAt(newPath);
    const replaced = there === entry ? undefined : there;
    if (replaced !== undefined) {
      if (!replaceIfExists) return NtStatus.OBJECT_NAME_COLLISION;
      if (replaced.inode === inode) return this.#renameOntoItself(entry, posix);
      const replaceable = mayReplace(inode, replaced.inode, posix);
      if (replaceable < 0) return replaceable;
    }
    const [name, key] = nameAndKey(newPath, start, newPath.length, this.tree.folding);
    if (from === to && entry.name === name) return NtStatus.SUCCESS;
    const more = heapBytesOfName(name, key) - heapBytesOfName(entry.name, entry.key);
    const less = replaced === undefined ? 0 : this.#heapBytesFreedWith(replaced);
    if (more > less && this.heapBytes + more - less > this.heapBytesLimit) return NtStatus.DISK_FULL;
    if (!this.pathLimit.admitsMove(entry, newPath)) return NtStatus.NAME_TOO_LONG;

    const now = this.clock.now();
    if (replaced !== undefined) {
      replaced.inode.changed(now);
      this.unlink(replaced);
    }
    this.heapBytes += more;
    this.check?.changing(entry);
    this.tree.move(entry, to, name, key);
    from.written(now);
    to.written(now);
    inode.changed(now);
    return NtStatus.SUCCESS;
  }

  /**
   * Two inodes of any kind take each other's place and name, in one step. OBJECT_NAME_NOT_FOUND when there is nothing
   * at `path`, INVALID_PARAMETER when one lies within the other; otherwise as rename.
   */
  exchange(entry: DirectoryEntry, path: string): number {
    const { inode, parent: from } = entry;
    if (from === null) return NtStatus.FILE_DELETED;
    if (inode === this.root || path === '\\') return NtStatus.ACCESS_DENIED;
    if (inode.main !== inode || this.tree.streamStart(path) >= 0) return NtStatus.INVALID_PARAMETER;
    const status = this.tree.locate(path);
    if (status < 0) return status;
    const to = this.tree.directory;
    const other = this.tree.childAt(path);
    if (other === undefined) return NtStatus.OBJECT_NAME_NOT_FOUND;
    if (inode === other.inode) return NtStatus.SUCCESS;
    if (this.tree.isWithin(to, inode) || this.tree.isWithin(from, other.inode))
      return NtStatus.INVALID_PARAMETER;
    const limit = this.pathLimit;
    if (!limit.admitsMove(entry, path) || !limit.admitsMove(other, this.tree.pathOf(entry)))
      return NtStatus.NAME_TOO_LONG;

    const now = this.clock.now();
    const { name, key } = entry;
    this.check?.changing(entry);
    this.check?.changing(other);
    this.tree.detach(entry);
    [entry.name, entry.key] = [other.name, other.key];
    this.tree.move(other, from, name, key);
    this.tree.attach(entry, to);
    for (const directory of [from, to]) directory.written(now);
    for (const moved of [inode, other.inode]) moved.changed(now);
    return NtStatus.SUCCESS;
  }

  /**
   * Gives a file one more name, or one again that has none left. FILE_IS_A_DIRECTORY, OBJECT_NAME_COLLISION,
   * OBJECT_NAME_INVALID, NAME_TOO_LONG, DISK_FULL when the name finds no room on the heap, or as lookup for the new
   * directory.
   */
  link(inode: Inode, newPath: string): number {
    if (inode.isDirectory) return NtStatus.FILE_IS_A_DIRECTORY;
    if (inode.main !== inode || this.tree.streamStart(newPath) >= 0) return NtStatus.INVALID_PARAMETER;
    const status = this.tree.locate(newPath);
    if (status < 0) return status;
    const to = this.tree.directory;
    const start = this.tree.leafStart;
    if (!isName(newPath, start)) return NtStatus.OBJECT_NAME_INVALID;
    if (this.tree.childAt(newPath) !== undefined) return NtStatus.OBJECT_NAME_COLLISION;
    const [name, key] = nameAndKey(newPath, start, newPath.length, this.tree.folding);
    const before = inode.deleted ? heapBytesOfName(inode.name, inode.key) : -LINK_HEAP_BYTES;
    const heapBytes = this.heapBytes + heapBytesOfName(name, key) - before;
    if (heapBytes > this.heapBytesLimit) return NtStatus.DISK_FULL;
    if (!this.pathLimit.admits(newPath)) return NtStatus.NAME_TOO_LONG;

    const now = this.clock.now();
    if (inode.deleted) {
      this.check?.changing(inode);
      inode.name = name;
      inode.key = key;
      this.tree.attach(inode, to);
    } else {
      const link = this.tree.addLink(inode, to, name, key);
      this.check?.changing(link);
    }
    this.heapBytes = heapBytes;
    to.written(now);
    inode.changed(now);
    return NtStatus.SUCCESS;
  }

  /** The new name is another of the same file's. */
  #renameOntoItself(entry: DirectoryEntry, posix: boolean): number {
    if (posix) return NtStatus.SUCCESS;
    const now = this.clock.now();
    entry.parent?.written(now);
    entry.inode.changed(now);
    this.unlink(entry);
    return NtStatus.SUCCESS;
  }

  #heapBytesFreedWith(entry: DirectoryEntry): number {
    if (this.tree.hardLinks.countOf(entry.inode) > 0) return heapBytesOfLink(entry);
    return entry.inode.openCount === 0 ? heapBytesOf(entry.inode) : 0;
  }
}

/** Whether `inode` may take the place of `there`. On Windows a directory is replaced by nothing; `posix`: rename(2). */
function mayReplace(inode: Inode, there: Inode, posix: boolean): number {
  if (!posix) return there.isDirectory ? NtStatus.ACCESS_DENIED : NtStatus.SUCCESS;
  // What does not lead on is a file or a symbolic link to rename(2).
  if (inode.leadsOn && !there.leadsOn) return NtStatus.NOT_A_DIRECTORY;
  if (!inode.leadsOn && there.leadsOn) return NtStatus.FILE_IS_A_DIRECTORY;
  return there.children === null ? NtStatus.SUCCESS : NtStatus.DIRECTORY_NOT_EMPTY;
}
