/** What a RAM volume is made of. */
import type { PageMemory } from './content/page-memory.js';
import type { PagePoolOptions } from './content/page-pool.js';
import type { TimeSource } from './file-clock.js';

export interface RamVolumeOptions {
  memory: PageMemory;
  caseSensitive: boolean;
  /** Whether a `:` in a path begins the name of a stream. Without it streams are kept, but no path leads to them. */
  namedStreams?: boolean;
  /** Unit → its capital, for a volume that does not tell case apart: NTFS's table where it is not given. */
  upperCase?: Uint16Array | undefined;
  /** UTF-16 units of the longest path, `\a\b`, that the front end can say. Without a limit where it is not given. */
  maxPathUnits?: number;
  label: string;
  /** Less than the memory has pages: the rest is room to grow. All of them where it is not given. */
  capacityPages?: number;
  /** Commit the whole capacity at once. */
  preallocate?: boolean;
  /** As PagePool has it. */
  onPreallocated?: PagePoolOptions['onPreallocated'];
  /** MAX_INODE_COUNT everywhere but in tests. */
  maxInodeCount?: number;
  /**
   * Heap that inodes may take, as they are counted (INODE_HEAP_BYTES): beyond it the volume is full. Without a limit
   * where it is not given.
   */
  maxHeapBytes?: number;
  /** Date.now where it is not given. */
  timeSource?: TimeSource;
  /** Windows' rule for times that programs set (KeptTimes). */
  keepsSetTimes?: boolean;
}
