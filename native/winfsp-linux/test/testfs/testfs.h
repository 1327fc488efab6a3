/*
 * A small file system in memory, right in every respect unless told to be wrong: each field of `faults` switches one
 * wrong behaviour on. Flat list of inodes, one lock, no capacity. Calls are logged by name so that a test can look at
 * their order.
 */
#ifndef TESTFS_H
#define TESTFS_H

#include "support/check.h"

typedef struct inode {
    struct inode *next;
    WCHAR path[300];
    UINT32 attributes, reparseTag;
    UINT64 size, allocation, index, context, times[4];
    UINT8 *bytes;
    UINT8 sd[16384];
    UINT32 sdSize;
    UINT8 reparse[1024];
    UINT32 reparseSize;
    int open, deleted;
} INODE;

typedef struct {
    int smallFileSize, unroundedAllocation, tooSmallAllocation, zeroTimes, hardLinks, zeroIndex, sharedIndex,
        changingIndex, contextZero, newContextEachOpen;
    int emptyInfo, emptyWriteInfo, informationTooLarge, readZeroAtEnd, shortWrite, markerRepeats, duplicateNames,
        dotsInRoot, noDots, recordSize, noEndMark;
    int wrongNormalizedName, emptyAccessList, invalidDescriptor, wrongDirectoryBit, staleSuccess, sizeForgottenInFlush,
        overflowForEver, wrongTag, backslashName;
    int failOverwrite, freeAboveTotal;
} FAULTS;

typedef struct {
    FSP_FILE_SYSTEM *fs;
    FSP_FILE_SYSTEM_INTERFACE interface;
    pthread_mutex_t lock;
    INODE *inodes;
    FAULTS faults;
    UINT64 clock, nextIndex;
    UINT32 unit;
    WCHAR label[32];
    char log[4096];
    /* what the last callback saw */
    UINT32 lastOptions, lastGranted, lastAttributes, lastFlags;
    int lastReplace, lastSdSize, lastAllocationFlag, normalize, overflows;
    UINT8 lastSd[1024];
    NTSTATUS pendingStatus; /* when not 0: Read, Write and ReadDirectory answer this */
    SIZE_T capacities[16]; /* told to GetSecurityByName */
    int capacityCount;
} TESTFS;

/* params NULL: case-insensitive, TransactTimeout 1000. The volume is strict unless the environment says otherwise. */
TESTFS *testfs_new(const FSP_FSCTL_VOLUME_PARAMS *params);
void testfs_params(FSP_FSCTL_VOLUME_PARAMS *params);
void testfs_delete(TESTFS *t);
INODE *testfs_add(TESTFS *t, const WCHAR *path, UINT32 attributes);
INODE *testfs_find(TESTFS *t, const WCHAR *path);
void testfs_sd(INODE *inode, const void *sd, UINT32 size);

/* ---- requests; the answer is in t_rsp(…) until the next one of this thread ---- */

typedef struct {
    union {
        FSP_FSCTL_TRANSACT_REQ req;
        UINT8 bytes[FSP_FSCTL_TRANSACT_REQ_SIZEMAX];
    };
} REQUEST;
typedef struct {
    union {
        FSP_FSCTL_TRANSACT_RSP rsp;
        UINT8 bytes[65536];
    };
} RESPONSE;

/* Straight to the operation, as a dispatcher would. Returns the status. */
NTSTATUS op(TESTFS *t, REQUEST *request, RESPONSE *response);
/* Through the queue: submits, waits, forgets; a dispatcher must run. */
NTSTATUS ask(TESTFS *t, REQUEST *request, RESPONSE *response);
NTSTATUS ask_data(TESTFS *t, REQUEST *request, RESPONSE *response, void *data, UINT32 *size);

void req_create(REQUEST *r, const WCHAR *path, UINT32 disposition, UINT32 options, UINT32 access);
void req_context(REQUEST *r, UINT32 kind, UINT64 context);
void req_read(REQUEST *r, UINT64 context, UINT64 offset, UINT32 length, void *address);
void req_write(REQUEST *r, UINT64 context, UINT64 offset, const void *bytes, UINT32 length, int constrained);
void req_set_size(REQUEST *r, UINT64 context, UINT32 class, UINT64 size);
void req_list(REQUEST *r, UINT64 context, const WCHAR *pattern, const WCHAR *marker, UINT32 length, void *address);
void req_rename(REQUEST *r, UINT64 context, const WCHAR *from, const WCHAR *to, UINT32 flags);
/* Opens through `ask`; returns the context, 0 on failure. */
UINT64 open_file(TESTFS *t, const WCHAR *path, UINT32 disposition, UINT32 options);
void close_file(TESTFS *t, UINT64 context);

#endif
