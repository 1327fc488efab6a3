/*
 * The structure of a volume, shared by the files of the core; front ends use core.h only.
 *
 * Lock order: volume.lock is innermost of all, except that strict.lock may be taken under nothing else and nothing
 * under it. No callback of a front end or of the host runs under either.
 */
#ifndef WINFSP_LINUX_VOLUME_H
#define WINFSP_LINUX_VOLUME_H

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/core.h"
#include "core/base/platform.h"

#define VOLUME_MAGIC 0x46535056u
#define POISON 0xa5

/* In-flight table: a hint is generation << 20 | slot. A slot's generation goes up with every post, so no hint ever
 * comes back. */
typedef struct {
    IRP *irp;
    UINT64 generation;
    UINT32 nextFree;
    int answered; /* an answer came after Stop0 and was ignored */
} SLOT;

typedef struct strict_state STRICT;
/* Called with every answer before it is completed, on the delivering thread. */
typedef void DELIVERING(VOLUME *volume, IRP *irp, const FSP_FSCTL_TRANSACT_RSP *rsp);

struct fsp_volume {
    atomic_uint magic;
    pthread_mutex_t lock;
    pthread_cond_t wake; /* receivers without a source */
    pthread_cond_t quiet; /* a thread left, or the volume was stopped */
    IRP *head, **tail;
    atomic_uint pending; /* length of the FIFO, readable without the lock by spinning receivers */
    SLOT *slots;
    UINT32 slotCount, freeSlot;
    UINT32 inFlight;
    int sleepers; /* receivers in pthread_cond_wait */
    int pollers; /* receivers in poll */
    int spinners; /* receivers that look at `pending` before they sleep */
    int wakeFd;
    atomic_int ready, stopped0, stopped;
    int wakeRequests; /* receivers that shall return 0 bytes */
    SOURCE source;
    int hasSource;
    int sourceUsers;
    atomic_int inside; /* threads within calls that take the handle */
    atomic_int receivers; /* threads within a receiving Transact */
    atomic_llong openHandles; /* successful creates minus closes */
    _Atomic(UINT64) clientBytes; /* see volume_memory_take */
    FSP_FSCTL_VOLUME_PARAMS params;
    UINT32 allocationUnit;
    _Atomic(UINT64) options[OPTION_COUNT];
    FSP_FILE_SYSTEM *fileSystem;
    const FRONT_END *front; /* of frontEnd */
    void *frontEnd;
    /* one SetMountPoint or RemoveMountPoint at a time; outermost, and never destroyed, as the struct is kept */
    pthread_mutex_t mounting;
    pthread_rwlock_t mountLock; /* shared by notifications, so that none is under way when the mount goes */
    int mounted;
    char mountMessage[MOUNT_MESSAGE_SIZE]; /* why the last mount was refused; within `mounting` */
    _Atomic(STRICT *) strict;
    /* For a front end within the process; the test build has one (src/script). */
    _Atomic(DELIVERING *) delivering;
    void *companion;
    void (*freeCompanion)(VOLUME *volume);
    WCHAR name[64];
    VOLUME *nextGone; /* deleted volumes keep their (small) struct, so that a late call with a stale handle finds out */
};

static inline VOLUME *volume_of(const FSP_FILE_SYSTEM *fs) { return fs == NULL ? NULL : (VOLUME *)fs->VolumeHandle; }
static inline int volume_is_strict(VOLUME *volume) { return volume->options[OPTION_STRICT] != 0; }

#endif
