/**
 * File attributes and cleanup flags, by their values in the ABI (docs/data/winfsp-abi.json); a test compares them with
 * the binding's.
 */

export const Attribute = {
  READONLY: 0x1,
  HIDDEN: 0x2,
  SYSTEM: 0x4,
  DIRECTORY: 0x10,
  ARCHIVE: 0x20,
  TEMPORARY: 0x100,
  REPARSE_POINT: 0x400,
  OFFLINE: 0x1000,
  NOT_CONTENT_INDEXED: 0x2000,
} as const;

/** What programs may set. DIRECTORY and REPARSE_POINT say what an inode is; NORMAL says that nothing is set. */
export const SETTABLE_ATTRIBUTES =
  Attribute.READONLY |
  Attribute.HIDDEN |
  Attribute.SYSTEM |
  Attribute.ARCHIVE |
  Attribute.TEMPORARY |
  Attribute.OFFLINE |
  Attribute.NOT_CONTENT_INDEXED;

/** Bits of the Cleanup callback (docs/winfsp.md#callbacks). */
export const Cleanup = {
  DELETE: 0x01,
  TRIM_ALLOCATION: 0x02,
  SET_ARCHIVE: 0x10,
  SET_ACCESS_TIME: 0x20,
  SET_WRITE_TIME: 0x40,
  SET_CHANGE_TIME: 0x80,
} as const;

export const CLEANUP_TIMES = Cleanup.SET_ACCESS_TIME | Cleanup.SET_WRITE_TIME | Cleanup.SET_CHANGE_TIME;
