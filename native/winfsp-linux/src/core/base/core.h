/*
 * The contract between the core (queue, dispatcher, operations, strict checks) and the front ends that make requests
 * (FUSE, script). A front end owns its IRPs and the bytes of their requests; the core owns an IRP between irp_post and
 * complete.
 *
 * Locks: the core calls nothing of a front end's while it holds a lock of its own. A front end may call irp_post and
 * every volume_… function under its own locks, but must not hold a lock that `complete` or `receive` takes while it
 * calls Transact.
 */
#ifndef WINFSP_LINUX_CORE_H
#define WINFSP_LINUX_CORE_H

#include "core/base/request.h"
#include "core/base/text.h"
#include "winfsp.h"

typedef struct fsp_volume VOLUME; /* what FSP_FILE_SYSTEM.VolumeHandle points to */
typedef struct fsp_irp IRP;

enum { IRP_IDLE = 0, IRP_PENDING, IRP_IN_FLIGHT, IRP_COMPLETING };

/* One request on its way through the host. Zero-initialise it once; it may be posted again and again, one post at a
 * time. */
struct fsp_irp {
    IRP *next; /* core: FIFO */
    UINT64 hint; /* core: never repeated within a volume's life */
    VOLUME *volume; /* core */
    int state; /* core: IRP_… */
    /* Bytes of the front end's, complete with Version 0, Size, Kind; Size <= 16320; 8-aligned; unchanged until
     * complete. Hint is the core's. */
    FSP_FSCTL_TRANSACT_REQ *req;
    /*
     * Called once per successful post, on the thread that delivered the answer, without any core lock. rsp is valid
     * during the call only. After Stop, or when the volume goes, rsp is a bare response of 128 bytes with
     * STATUS_CANCELLED. May post this irp again (the next step of a chain), and may free it.
     */
    void (*complete)(IRP *irp, const FSP_FSCTL_TRANSACT_RSP *rsp);
    /* Close: nobody waits for it. Information for the front end and the checks; complete is called all the same */
    int noReply;
    UINT64 epoch; /* core, strict: the file's changes when the request went out */
    int quiet; /* core, strict: no other change was under way then */
    int stale; /* core, strict: the context had been closed already */
};

/*
 * To the tail of the FIFO; wakes one receiver. STATUS_CANCELLED before Transact0 and after Stop0 (complete is NOT
 * called), STATUS_INSUFFICIENT_RESOURCES above IrpCapacity (Overwrite, Cleanup and Close are exempt from it).
 */
NTSTATUS irp_post(VOLUME *volume, IRP *irp);

/* What an attached kernel front end gives the core. */
typedef struct {
    int fd; /* pollable; receive must not block on it (O_NONBLOCK) */
    /*
     * Called by any number of Transact callers at once. Reads one kernel request without blocking, posts irps or
     * replies by itself. 1: did something; 0: nothing was there; -1: the mount is gone (the core then acts as in
     * volume_mount_gone).
     */
    int (*receive)(VOLUME *volume, void *ctx);
    void *ctx;
} SOURCE;

/* NULL detaches and waits until no receiver is inside `receive`. Must not be called from inside `receive` or
 * `complete`. */
void volume_set_source(VOLUME *volume, const SOURCE *source);
/* In attach: what the system said to a mount that it refused, for FspLinuxMountMessage. */
void volume_set_mount_message(VOLUME *volume, const char *message);
/* The kernel unmounted behind our back: every Transact returns STATUS_CANCELLED as after an unsolicited Stop0. */
void volume_mount_gone(VOLUME *volume);
/*
 * What a receiver does with nothing queued: spins on `receive` (option spin_us), then sleeps on the source and the
 * wake-up. 1: something happened; 0: timeout; -1: stopped.
 */
int volume_wait(VOLUME *volume, int timeoutMs);

typedef enum {
    OPTION_STRICT,
    OPTION_SPIN_US,
    OPTION_DIRECT_IO,
    OPTION_ALLOW_OTHER,
    OPTION_UID,
    OPTION_GID,
    OPTION_UMASK,
    OPTION_RENAME_EXTENSION,
    OPTION_HARD_LINKS,
    OPTION_UNNAMED_FILES,
    OPTION_CLIENT_MEMORY,
    OPTION_COUNT
} OPTION;

/* defaults filled in: sector size, timeouts, component length */
const FSP_FSCTL_VOLUME_PARAMS *volume_params(VOLUME *volume);
UINT64 volume_option(VOLUME *volume, OPTION option);
/*
 * Memory of a front end's that clients cause: what they look up, open and list. 0: it would exceed the option
 * client_memory, and nothing is counted; volume_memory_add counts in any case.
 */
int volume_memory_take(VOLUME *volume, UINT64 bytes);
void volume_memory_add(VOLUME *volume, UINT64 bytes);
void volume_memory_give(VOLUME *volume, UINT64 bytes);
UINT64 volume_memory(VOLUME *volume); /* NULL: of all volumes */
FSP_FILE_SYSTEM *volume_file_system(VOLUME *volume); /* NULL for a bare FspFsctlCreateVolume */

/*
 * What mounts a volume: FUSE (src/fuse) on Linux. The functions get the volume, and `frontEnd` as attach has made it.
 *
 * - attach: mounts at `mountPoint` (a directory, UTF-16 as given by the host) and calls volume_set_source; runs on the
 *   caller of SetMountPoint, while Transact callers already serve. Sets *frontEnd on success only.
 *
 * - detach: unmounts, calls volume_set_source(NULL); runs after Stop, or before it with requests still served.
 *
 * - release: unmounts unless programs use the mount, which is EBUSY; 0 when it is gone. NULL: whatever is mounted is
 *   idle.
 *
 * - forget: Stop's irps are all completed; nothing of the volume will be asked again. Frees frontEnd. Called once,
 * after detach.
 *
 * - notify: one record of FspFileSystemNotify with its absolute name, `length` WCHARs, not NUL-terminated. 0 or more
 *   calls for each Notify.
 */
typedef struct {
    NTSTATUS (*attach)(VOLUME *volume, const WCHAR *mountPoint, void **frontEnd);
    void (*detach)(VOLUME *volume, void *frontEnd);
    int (*release)(VOLUME *volume, void *frontEnd);
    void (*forget)(VOLUME *volume, void *frontEnd);
    void (*notify)(VOLUME *volume, void *frontEnd, UINT32 filter, UINT32 action, const WCHAR *name, size_t length);
} FRONT_END;

#define MOUNT_MESSAGE_SIZE 512

#if defined(_WIN32)
#define LIKE_PRINTF(at) __attribute__((format(gnu_printf, at, (at) + 1)))
#else
#define LIKE_PRINTF(at) __attribute__((format(printf, at, (at) + 1)))
#endif
/* Records a violation of the host's duties. `req` may be NULL. Does nothing unless strict. */
void strict_violation(VOLUME *volume, const FSP_FSCTL_TRANSACT_REQ *req, const char *format, ...) LIKE_PRINTF(3);

#endif
