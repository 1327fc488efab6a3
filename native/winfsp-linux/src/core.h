/*
 * The contract between the core (queue, dispatcher, operations, strict checks) and the front ends that make requests
 * (FUSE, script). A front end owns its IRPs and the bytes of their requests; the core owns an IRP between irp_post and complete.
 *
 * Locks: the core calls nothing of a front end's while it holds a lock of its own. A front end may call irp_post and every
 * volume_… function under its own locks, but must not hold a lock that `complete` or `receive` takes while it calls Transact.
 */
#ifndef WINFSP_LINUX_CORE_H
#define WINFSP_LINUX_CORE_H

#include "winfsp.h"

typedef struct fsp_volume VOLUME; /* what FSP_FILE_SYSTEM.VolumeHandle points to */
typedef struct fsp_irp IRP;

enum { IRP_IDLE = 0, IRP_PENDING, IRP_IN_FLIGHT, IRP_COMPLETING };

/* One request on its way through the host. Zero-initialise it once; it may be posted again and again, one post at a time. */
struct fsp_irp {
    IRP *next;      /* core: FIFO */
    UINT64 hint;    /* core: never repeated within a volume's life */
    VOLUME *volume; /* core */
    int state;      /* core: IRP_… */
    /* Bytes of the front end's, complete with Version 0, Size, Kind; Size <= 16320; 8-aligned; unchanged until complete. Hint is the core's. */
    FSP_FSCTL_TRANSACT_REQ *req;
    /*
     * Called once per successful post, on the thread that delivered the answer, without any core lock. rsp is valid during the call only.
     * After Stop, or when the volume goes, rsp is a bare response of 128 bytes with STATUS_CANCELLED. May post this irp again (the
     * next step of a chain), and may free it.
     */
    void (*complete)(IRP *irp, const FSP_FSCTL_TRANSACT_RSP *rsp);
    int noReply;   /* Close: nobody waits for it. Information for the front end and the checks; complete is called all the same */
    UINT64 epoch;  /* core, strict: the file's changes when the request went out */
    int quiet;     /* core, strict: no other change was under way then */
    int stale;     /* core, strict: the context had been closed already */
};

/*
 * To the tail of the FIFO; wakes one receiver. STATUS_CANCELLED before Transact0 and after Stop0 (complete is NOT called),
 * STATUS_INSUFFICIENT_RESOURCES above IrpCapacity (Overwrite, Cleanup and Close are exempt from it).
 */
NTSTATUS irp_post(VOLUME *volume, IRP *irp);

/* What an attached kernel front end gives the core. */
typedef struct {
    int fd; /* pollable; receive must not block on it (O_NONBLOCK) */
    /*
     * Called by any number of Transact callers at once. Reads one kernel request without blocking, posts irps or replies by itself.
     * 1: did something; 0: nothing was there; -1: the mount is gone (the core then acts as in volume_mount_gone).
     */
    int (*receive)(VOLUME *volume, void *ctx);
    void *ctx;
} SOURCE;

/* NULL detaches and waits until no receiver is inside `receive`. Must not be called from inside `receive` or `complete`. */
void volume_set_source(VOLUME *volume, const SOURCE *source);
/* The kernel unmounted behind our back: every Transact returns STATUS_CANCELLED as after an unsolicited Stop0. */
void volume_mount_gone(VOLUME *volume);
/*
 * What a receiver does with nothing queued: spins on `receive` (option spin_us), then sleeps on the source and the wake-up.
 * 1: something happened; 0: timeout; -1: stopped.
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
    OPTION_FORCE_NEST,
    OPTION_HOLD_COMPLETION,
    OPTION_COUNT
} OPTION;

const FSP_FSCTL_VOLUME_PARAMS *volume_params(VOLUME *volume); /* defaults filled in: sector size, timeouts, component length */
UINT64 volume_option(VOLUME *volume, OPTION option);
int volume_is_strict(VOLUME *volume);
FSP_FILE_SYSTEM *volume_file_system(VOLUME *volume); /* NULL for a bare FspFsctlCreateVolume */

/*
 * The kernel front end. Strong definitions live in src/fuse_*.c; without them SetMountPoint answers STATUS_NOT_IMPLEMENTED.
 * fuse_attach: mounts at `mountPoint` (a directory, UTF-16 as given by the host), calls volume_set_source; runs on the caller of SetMountPoint, while
 * Transact callers already serve. On success *frontEnd is handed back to the others.
 * fuse_detach: unmounts, calls volume_set_source(NULL), forgets everything; runs after Stop, or before it with requests still served.
 * fuse_forget: Stop's irps are all completed; nothing of the volume will be asked again. Frees *frontEnd. Called once, after fuse_detach.
 * fuse_notify: one record of FspFileSystemNotify with its absolute name, `length` WCHARs, not NUL-terminated. 0 or more calls per Notify.
 */
NTSTATUS fuse_preflight(const WCHAR *mountPoint);
NTSTATUS fuse_attach(VOLUME *volume, const WCHAR *mountPoint, void **frontEnd);
void fuse_detach(VOLUME *volume, void *frontEnd);
void fuse_forget(VOLUME *volume, void *frontEnd);
void fuse_notify(VOLUME *volume, void *frontEnd, UINT32 filter, UINT32 action, const WCHAR *name, size_t length);

#if defined(_WIN32)
#define LIKE_PRINTF(at) __attribute__((format(gnu_printf, at, (at) + 1)))
#else
#define LIKE_PRINTF(at) __attribute__((format(printf, at, (at) + 1)))
#endif
/* Records a violation of the host's duties. `req` may be NULL. Does nothing unless strict. */
void strict_violation(VOLUME *volume, const FSP_FSCTL_TRANSACT_REQ *req, const char *format, ...) LIKE_PRINTF(3);

/*
 * Permissions as security descriptors. Owner S-1-22-1-uid, group S-1-22-2-gid, an allow ACE each for owner, group and everyone (deny ACEs where
 * a narrower class has less than a wider one), set-user-id, set-group-id and sticky bits in an ACE for S-1-0-0, DACL protected.
 * *size: capacity in, length out; STATUS_BUFFER_TOO_SMALL with the length needed. POSIX_SD_SIZEMAX always suffices.
 */
#define POSIX_SD_SIZEMAX 256u
NTSTATUS posix_sd_from_mode(UINT32 uid, UINT32 gid, UINT32 mode, void *sdOut, UINT32 *size);
/*
 * 0: fine. -1: no valid descriptor, nothing set. *mode gets 07777 bits. Owners that are no uid (BUILTIN\Administrators, SYSTEM …) leave *uid
 * and *gid as they were: preset them with the mount's owner. Foreign ACLs are evaluated for owner, group and everyone.
 */
int posix_mode_from_sd(const void *sd, UINT32 size, UINT32 *uid, UINT32 *gid, UINT32 *mode);

/*
 * Strict conversions. Return the number of units written (without NUL; none is appended), -1 when the input is not valid, -2 when it does
 * not fit. A backslash in UTF-8 becomes U+F05C and back; '/' is not special. Unpaired surrogates are invalid in both directions.
 */
ptrdiff_t utf8_to_utf16(const char *source, size_t bytes, WCHAR *target, size_t units);
ptrdiff_t utf16_to_utf8(const WCHAR *source, size_t units, char *target, size_t bytes);
size_t wide_length(const WCHAR *text);
/* Upper case of one UTF-16 unit by simple folding (Latin, Greek, Cyrillic, Armenian, Georgian left alone); `ß` stays. */
WCHAR wide_upper(WCHAR unit);
int wide_equal(const WCHAR *a, size_t aUnits, const WCHAR *b, size_t bUnits, int caseSensitive);

/* Builds a request: fixed part zeroed, Size and Kind set. The appenders put NUL-terminated names or raw bytes behind it (8-aligned), NULL-safe; 0 when full. */
void request_begin(FSP_FSCTL_TRANSACT_REQ *req, UINT32 kind);
int request_add_name(FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_BUF *where, const WCHAR *name, size_t units);
int request_add_bytes(FSP_FSCTL_TRANSACT_REQ *req, FSP_FSCTL_TRANSACT_BUF *where, const void *bytes, size_t size);

#endif
