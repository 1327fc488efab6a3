/**
 * What settings of the drive are checked against, and how long the drive waits for what, each with its reason. A value
 * outside is refused when the configuration is read, with these numbers in the message, and never bent silently. Limits
 * of the file system interface are in src/limits.ts; what bounds one part only stands in that part.
 */

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

/** WinFsp's SectorSize. 512 and not 4096, so that unbuffered I/O of programs that align to 512 bytes keeps working. */
export const SECTOR_SIZE_BYTES = 512;

/** Below 4 KiB a page would be smaller than the system's own, and could not be given back to it alone. */
export const MIN_PAGE_SIZE_BYTES = 4 * KIB;
/**
 * SectorsPerAllocationUnit has 16 bits (32 MiB at 512-byte sectors); beyond 1 MiB, one page serves no transfer better.
 */
export const MAX_PAGE_SIZE_BYTES = MIB;
/**
 * Small files reserve whole pages: 4 KiB reserves a source tree least, and adjacent pages keep large transfers fast.
 */
export const PAGE_SIZE_DEFAULT_BYTES = 4 * KIB;

/** The address space that a 64-bit process may reserve everywhere, Wine included. */
export const MAX_CAPACITY_BYTES = 1024 * GIB;
export const CAPACITY_DEFAULT_BYTES = GIB;

/**
 * One path on the drive. A request of the Linux library holds 8,116 units and more; on Windows a normalised name holds
 * 1,024 (docs/winfsp.md#creating-and-opening). Longer ones could be made by moving directories, and then no
 * program could open them.
 */
export const MAX_PATH_UNITS = process.platform === 'win32' ? 1024 : 8000;
/** Directories made at start are for \Temp and its like; a tree is for the programs that fill the drive. */
export const MAX_INITIAL_DIRECTORIES = 256;

/** 0xffffffff would mean "without end", which is what kernelCache says. */
export const MAX_FILE_INFO_TIMEOUT_MS = 0xfffffffe;
/** How long the kernel may keep a file's metadata when it must not cache data. */
export const FILE_INFO_TIMEOUT_DEFAULT_MS = 1000;

/** A configuration file is a page of text; a larger one is the wrong file. */
export const MAX_CONFIG_FILE_BYTES = MIB;
/** One line of the control channel. Requests are tiny; a peer that sends more is no client of ours. */
export const MAX_CONTROL_LINE_BYTES = 64 * KIB;
/** More connections at a time are hung up: commands ask one after the other. */
export const MAX_CONTROL_CONNECTIONS = 64;
/** Answers carry figures and at most these many violations. */
export const MAX_VIOLATIONS_SHOWN = 100;

/**
 * A worker keeps its files' names and tables on a heap that V8 bounds: half of the memory, at most this. A file takes
 * 450 to 700 bytes and its names.
 */
export const MAX_WORKER_HEAP_MIB = 8 * KIB;
/**
 * How much of that heap files may take, counted as generously as the volume does (INODE_HEAP_BYTES): beyond it the
 * drive is full, for a worker whose heap is full dies. An eighth is for security descriptors, a quarter for all else
 * and for the collector to work in. 2 GiB of heap hold 1.1 million files with ordinary names.
 */
export const HEAP_SHARE_OF_INODES = 5 / 8;

/** A clean stop waits this long for the dispatcher to leave its loop before the volume is pulled away under it. */
export const STOP_GRACE_MS = 10_000;
/** Worker start: loading the library, reserving memory, pre-allocation of a large drive. */
export const START_GRACE_MS = 120_000;
/** SetMountPoint waits for the system; a driver that needs longer hangs. */
export const MOUNT_GRACE_MS = 60_000;
/** Shorter times would write without end; longer ones are no time at all. */
export const MIN_SAVE_EVERY_MS = 10_000;
export const MAX_SAVE_EVERY_MS = 7 * 24 * 60 * 60_000;
/** A save may take this long without any progress: its end waits for the disk to have all of it. */
export const SAVE_GRACE_MS = 60 * 60_000;
/** A self-check walks every file: some seconds for a million of them, more on a busy machine. */
export const SELF_CHECK_GRACE_MS = 300_000;
/** So long requests of programs wait for one piece of a self-check. */
export const SELF_CHECK_PIECE_MS = 2;
/** A drive that does not begin with a control request within this time hangs or is stopped. */
export const CONTROL_GRACE_MS = 3_000;
/** The holder of the control directory's lock asks one drive whether it is alive, and others may wait in line. */
export const LOCK_GRACE_MS = 4 * CONTROL_GRACE_MS;
