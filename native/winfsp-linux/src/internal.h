/*
 * The core's own structures, shared by its files and by the native tests; front ends use core.h only.
 *
 * Lock order: volume.lock is innermost of all, except that strict.lock may be taken under nothing else and nothing under it.
 * No callback of a front end or of the host runs under either.
 */
#ifndef WINFSP_LINUX_INTERNAL_H
#define WINFSP_LINUX_INTERNAL_H

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"
#include "platform.h"

#define VOLUME_MAGIC 0x46535056u
#define POISON 0xa5

/* In-flight table: a hint is generation << 20 | slot. A slot's generation goes up with every post, so no hint ever comes back. */
typedef struct {
    IRP *irp;
    UINT64 generation;
    UINT32 nextFree;
    int answered; /* an answer came after Stop0 and was ignored */
} SLOT;

typedef struct strict_state STRICT;
typedef struct strict_listing LISTINGS;
typedef struct script_state SCRIPTS;

struct fsp_volume {
    atomic_uint magic;
    pthread_mutex_t lock;
    pthread_cond_t wake;  /* receivers without a source */
    pthread_cond_t quiet; /* somebody left: inside, sourceUsers or a hold changed */
    IRP *head, **tail;
    atomic_uint pending; /* length of the FIFO, readable without the lock by spinning receivers */
    SLOT *slots;
    UINT32 slotCount, freeSlot;
    UINT32 inFlight;
    int sleepers;  /* receivers in pthread_cond_wait */
    int pollers;   /* receivers in poll */
    int spinners;  /* receivers that look at `pending` before they sleep */
    int wakeFd;
    atomic_int ready, stopped0, stopped;
    int wakeRequests; /* receivers that shall return 0 bytes */
    SOURCE source;
    int hasSource;
    int sourceUsers;
    atomic_int inside; /* threads within calls that take the handle */
    atomic_int receivers;     /* threads within a receiving Transact */
    int directoryRenames;     /* deliveries of directory renames under way (option hold_completion) */
    atomic_llong openHandles; /* successful creates minus closes */
    FSP_FSCTL_VOLUME_PARAMS params;
    UINT32 allocationUnit;
    UINT64 options[OPTION_COUNT];
    UINT32 holdTimeoutMs;
    FSP_FILE_SYSTEM *fileSystem;
    void *frontEnd;
    pthread_mutex_t mounting; /* one SetMountPoint or RemoveMountPoint at a time; outermost, and never destroyed, as the struct is kept */
    pthread_rwlock_t mountLock; /* shared by notifications, so that none is under way when the mount goes */
    int mounted;
    STRICT *strict;
    SCRIPTS *scripts;
    WCHAR name[64];
    VOLUME *nextGone; /* deleted volumes keep their (small) struct, so that a late call with a stale handle finds out */
};

/* volume.c */
NTSTATUS volume_create(const FSP_FSCTL_VOLUME_PARAMS *params, VOLUME **out);
void volume_destroy(VOLUME *volume);
VOLUME *volume_enter(HANDLE handle); /* NULL: no such volume; pair with volume_leave */
void volume_leave(VOLUME *volume);

/* queue.c */
NTSTATUS queue_transact(VOLUME *volume, const void *rsp, SIZE_T rspSize, void *req, SIZE_T *reqSize, BOOLEAN batch);
void queue_stop(VOLUME *volume, int cancel);
void queue_wake_receivers(VOLUME *volume, int count); /* 0-byte receives */
void queue_unpromise(VOLUME *volume);                 /* this thread is about to block: let others take what it was to take */

/* options.c */
void options_defaults(UINT64 options[OPTION_COUNT]);
NTSTATUS options_set(VOLUME *volume, const char *name, UINT64 value);
extern UINT32 options_default_hold_timeout_ms;

/* strict.c, strict_list.c. Called without locks but for strict_received; volume.strict must be there. */
void strict_init(VOLUME *volume);
void strict_free(VOLUME *volume);
void strict_received(VOLUME *volume, IRP *irp); /* under volume.lock */
void strict_answer(VOLUME *volume, IRP *irp, const FSP_FSCTL_TRANSACT_RSP *rsp, SIZE_T room);
const char *kind_name(UINT32 kind);
void request_describe(const FSP_FSCTL_TRANSACT_REQ *req, char *text, size_t size);
/* Whether the Windows driver could block inside this completion until another request is answered (abi (i): sets B and R). */
int strict_may_nest(VOLUME *volume, const FSP_FSCTL_TRANSACT_REQ *req, const FSP_FSCTL_TRANSACT_RSP *rsp);

/* A name inside a request, without its NUL; NULL when there is none or it does not lie inside. */
const WCHAR *request_text(const FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_BUF where, size_t *units);
int strict_is_directory(VOLUME *volume, UINT64 context);
void strict_file_info(VOLUME *volume, const FSP_FSCTL_TRANSACT_REQ *req, const FSP_FSCTL_FILE_INFO *info, const char *whose);
/* strict_list.c; isRoot: 1, 0, or -1 when not known */
void strict_listing(VOLUME *volume, LISTINGS **listings, const FSP_FSCTL_TRANSACT_REQ *req, UINT32 bytes, int isRoot);
void strict_listings_free(LISTINGS *listings);

/* script.c */
void scripts_free(VOLUME *volume);

/* notify.c */
typedef void NOTIFY_EACH(void *context, UINT32 filter, UINT32 action, const WCHAR *name, size_t units);
NTSTATUS notify_parse(const void *records, SIZE_T size, NOTIFY_EACH *each, void *context);

/* security.c */
typedef struct {
    const UINT8 *owner, *group, *sacl, *dacl; /* NULL: absent */
    UINT16 control;
} SD_VIEW;
#define SE_OWNER_DEFAULTED 0x0001
#define SE_DACL_PRESENT 0x0004
#define SE_SACL_PRESENT 0x0010
#define SE_DACL_AUTO_INHERITED 0x0400
#define SE_SACL_AUTO_INHERITED 0x0800
#define SE_DACL_PROTECTED 0x1000
#define SE_SACL_PROTECTED 0x2000
#define SE_SELF_RELATIVE 0x8000
/* size SIZE_MAX: trust the descriptor's own lengths. Returns its true length, 0 when it is not valid. */
SIZE_T sd_view(const void *sd, SIZE_T size, SD_VIEW *view);
UINT32 sd_ace_count(const void *sd, SIZE_T size, int *present);
typedef struct {
    const UINT8 *user;
    const UINT8 *groups[6];
    UINT32 groupCount;
    int ownsEverything; /* counts as the owner of whatever is looked at */
    int grantAll;
} TOKEN;
const TOKEN *token_of(UINT64 accessToken);
NTSTATUS access_check(const void *sd, SIZE_T size, const TOKEN *token, UINT32 desired, UINT32 *granted);
UINT32 map_generic(UINT32 access);

/* ops_access.c */
typedef struct {
    void *sd;
    SIZE_T size;     /* of the descriptor; in: what the callback is told as capacity */
    SIZE_T capacity; /* of the memory */
} SD_BUFFER;
NTSTATUS security_by_name(FSP_FILE_SYSTEM *fs, PWSTR name, UINT32 *attributes, SD_BUFFER *buffer);
void sd_buffer_free(SD_BUFFER *buffer);
NTSTATUS check_parent(FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, int traverse, UINT32 desired, UINT32 *granted, SD_BUFFER *sd, UINT32 *reparseIndex);
NTSTATUS check_file(FSP_FILE_SYSTEM *fs, FSP_FSCTL_TRANSACT_REQ *req, int traverse, UINT32 desired, UINT32 *granted, SD_BUFFER *sd, UINT32 *reparseIndex);
PWSTR request_name(FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_BUF where);

/* dispatcher.c */
void debug_log_request(FSP_FILE_SYSTEM *fs, const FSP_FSCTL_TRANSACT_REQ *req);
void debug_log_response(FSP_FILE_SYSTEM *fs, const FSP_FSCTL_TRANSACT_RSP *rsp);

/* mount_script.c, Windows build only: what a test wants `function` to answer for `what`; otherwise `otherwise`. */
NTSTATUS mount_script(const char *function, const WCHAR *what, NTSTATUS otherwise);

static inline VOLUME *volume_of(const FSP_FILE_SYSTEM *fs) { return fs == NULL ? NULL : (VOLUME *)fs->VolumeHandle; }

#endif
