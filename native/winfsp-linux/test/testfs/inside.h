/* What the files of testfs share. */
#ifndef TESTFS_INSIDE_H
#define TESTFS_INSIDE_H

#include "testfs/testfs.h"

TESTFS *testfs_of(FSP_FILE_SYSTEM *fs);
void testfs_note(TESTFS *t, const char *what);
INODE *testfs_open_inode(TESTFS *t, PVOID context);
int testfs_same(const WCHAR *a, const WCHAR *b);
const WCHAR *testfs_leaf_of(const WCHAR *path);
int testfs_parent_of(const WCHAR *path, WCHAR *parent);
void testfs_resize(TESTFS *t, INODE *n, UINT64 size);
void testfs_fill(TESTFS *t, INODE *n, FSP_FSCTL_FILE_INFO *info);
NTSTATUS testfs_lookup_failure(TESTFS *t, const WCHAR *path);

/* testfs_names.c, testfs_content.c: their callbacks, put into the table */
void testfs_set_names(FSP_FILE_SYSTEM_INTERFACE *interface);
void testfs_set_content(FSP_FILE_SYSTEM_INTERFACE *interface);

#endif
