/**
 * Limits that the file system interface of Windows sets. Binding, volume and drive share them; what bounds one part
 * only stands there (the drive's are in drive/config/limits.ts).
 */

/** One name of a path: MaxComponentLength of a volume (docs/winfsp.md#volume-parameters). */
export const MAX_NAME_UNITS = 255;
/** VolumeLabel of FSP_FSCTL_VOLUME_INFO (docs/winfsp.md#callbacks). */
export const MAX_LABEL_UNITS = 32;
/** The data of one reparse point, its head included: MAXIMUM_REPARSE_DATA_BUFFER_SIZE of the Windows SDK. */
export const MAX_REPARSE_DATA_BYTES = 16 * 1024;
/** All extended attributes of a file as one list: what an answer of 16 KiB has room for beside its head. */
export const MAX_EA_LIST_BYTES = 16 * 1024 - 128;
