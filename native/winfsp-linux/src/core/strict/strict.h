/* Strict checks. Called without locks but for strict_received; volume.strict must be there. */
#ifndef WINFSP_LINUX_STRICT_H
#define WINFSP_LINUX_STRICT_H

#include "core/base/volume.h"

typedef struct strict_listing LISTINGS;

#define BUCKETS 4096u
#define MAX_CLOSED 65536u /* contexts remembered after their last Close */
#define MAX_TEXTS 1000u

typedef struct strict_file {
    struct strict_file *next, *nextByIndex;
    UINT64 context, index, size, previousSize;
    UINT64 epoch; /* changes that began or ended */
    int modifying, sizeKnown;
    long long handles;
    int directory, root, stream, alignedRead, emptyListAllowed;
} FILE_STATE;

typedef struct {
    char **texts;
    UINT32 count;
} TEXTS;

struct strict_state {
    pthread_mutex_t lock;
    FILE_STATE *byContext[BUCKETS], *byIndex[BUCKETS];
    UINT32 closed;
    LISTINGS *listings;
    TEXTS texts;
};

/* files.c */
void strict_init(VOLUME *volume);
void strict_free(VOLUME *volume);
void strict_received(VOLUME *volume, IRP *irp); /* under volume.lock */
int strict_is_directory(VOLUME *volume, UINT64 context);
UINT32 strict_bucket(UINT64 value);
FILE_STATE *strict_file_find(STRICT *strict, UINT64 context); /* under strict.lock */
void strict_file_close(STRICT *strict, FILE_STATE *file); /* under strict.lock */
UINT64 strict_context_of(VOLUME *volume, const FSP_FSCTL_TRANSACT_REQ *req);
int strict_has_context(UINT32 kind);
int strict_changes_size(const FSP_FSCTL_TRANSACT_REQ *req);

/* parts.c */
void strict_file_info(
    VOLUME *volume, const FSP_FSCTL_TRANSACT_REQ *req, const FSP_FSCTL_FILE_INFO *info, const char *whose);
int strict_inside(const FSP_FSCTL_TRANSACT_RSP *rsp, FSP_FSCTL_TRANSACT_BUF where);
void strict_descriptor(
    VOLUME *volume, IRP *irp, const FSP_FSCTL_TRANSACT_RSP *rsp, FSP_FSCTL_TRANSACT_BUF where, int emptyAllowed);
void strict_normalized_name(VOLUME *volume, const FSP_FSCTL_TRANSACT_REQ *req, const FSP_FSCTL_TRANSACT_RSP *rsp);
void strict_volume_info(VOLUME *volume, IRP *irp, const FSP_FSCTL_VOLUME_INFO *info);
int strict_answers_file_info(const FSP_FSCTL_TRANSACT_REQ *req);

/* listing.c; isRoot: 1, 0, or -1 when not known */
void strict_listing(VOLUME *volume, LISTINGS **listings, const FSP_FSCTL_TRANSACT_REQ *req, UINT32 bytes, int isRoot);
void strict_listings_free(LISTINGS *listings);

/* answer.c */
void strict_answer(VOLUME *volume, IRP *irp, const FSP_FSCTL_TRANSACT_RSP *rsp, SIZE_T room);

/* violations.c; strict_violation itself is in core.h */
void violations_free(TEXTS *texts);

#endif
