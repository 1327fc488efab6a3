/*
 * A file system in memory that a real kernel can be let loose on: a tree, a capacity, links, security descriptors, data
 * that lives until the last Close. One lock, so any number of dispatcher threads may serve it. Always right; for wrong
 * hosts see testfs.h.
 */
#ifndef TREEFS_H
#define TREEFS_H

#include "support/check.h"

typedef struct treefs TREEFS;

/* Case-sensitive, POSIX delete and rename; `params` may change anything before. */
void treefs_params(FSP_FSCTL_VOLUME_PARAMS *params, UINT32 fileInfoTimeout);
TREEFS *treefs_new(const FSP_FSCTL_VOLUME_PARAMS *params, UINT64 capacityBytes);
FSP_FILE_SYSTEM *treefs_file_system(TREEFS *t);
void treefs_controls(TREEFS *t); /* it makes holes and tells of them */
void treefs_hard_links(TREEFS *t); /* from now on, before the mount: case-sensitive ones only */
void treefs_unnamed_files(TREEFS *t); /* the same, and hard links with it */
void treefs_whiteouts(TREEFS *t); /* the same; a rename replaces no directory, nor exchanges anything */
void treefs_delete(TREEFS *t);
UINT64 treefs_used(TREEFS *t); /* bytes that files are charged, open ones without a name too */
long treefs_inodes(TREEFS *t); /* without the root */
long treefs_opens(TREEFS *t); /* Create and Open without their Close yet */
long treefs_calls(TREEFS *t, const char *callback);
/* before Read, Write, SetFileSize; after GetFileInfo, Rename, Cleanup */
void treefs_delay(TREEFS *t, unsigned milliseconds);
void treefs_block(TREEFS *t, const char *callback); /* calls of it wait until another one is named, or NULL */
/* Changes a file's content behind the kernel's back, keeping its size. */
void treefs_scribble(TREEFS *t, const WCHAR *path, char byte);
/* The same for its name: an empty file comes, a file goes. */
void treefs_add(TREEFS *t, const WCHAR *path);
void treefs_remove(TREEFS *t, const WCHAR *path);
#endif
