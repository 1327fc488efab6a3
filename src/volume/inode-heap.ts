/**
 * What inodes are counted to take of the heap, which V8 bounds: RamVolume keeps the sum, and is full before the heap
 * is.
 */
import type { DirectoryEntry, Inode } from './inode.js';

/**
 * What any inode is counted to take of the heap, whatever it is: tests/unit/volume/heap.test.ts allows a file no more,
 * and what a self-check keeps about it while it runs is in it. To it come two bytes for each unit of its name, and of
 * its key where that is another.
 */
export const INODE_HEAP_BYTES = 1024;
/** The object of a reparse point; the data is bounded by MAX_TOTAL_REPARSE_BYTES. */
export const REPARSE_HEAP_BYTES = 320;

/** The objects of a file's extended attributes; their bytes are reserved in the ledger. */
export const ATTRIBUTES_HEAP_BYTES = 320;

/** The table of a file's named streams, each of which counts as an inode besides. */
export const STREAMS_HEAP_BYTES = 512;

/** The entry of a further name, and its place in the table of hard links; its name comes to it as an inode's does. */
export const LINK_HEAP_BYTES = 384;

export function heapBytesOf(inode: Inode): number {
  return (
    INODE_HEAP_BYTES +
    heapBytesOfName(inode.name, inode.key) +
    (inode.reparse === null ? 0 : REPARSE_HEAP_BYTES) +
    (inode.extendedAttributes === null ? 0 : ATTRIBUTES_HEAP_BYTES) +
    (inode.streams === null ? 0 : STREAMS_HEAP_BYTES)
  );
}

export function heapBytesOfLink({ name, key }: DirectoryEntry): number {
  return LINK_HEAP_BYTES + heapBytesOfName(name, key);
}

/** Name and key are one string where they are equal. */
export function heapBytesOfName(name: string, key: string): number {
  return 2 * (key === name ? name.length : name.length + key.length);
}
