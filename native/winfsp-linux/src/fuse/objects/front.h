/*
 * The FUSE front end: kernel requests become the requests that Windows would send (docs/winfsp.md, "Creating and
 * opening", "Callbacks", "Caching").
 *
 * It speaks the kernel's protocol (linux/fuse.h) itself: every request lives in one pooled OP from the read of
 * /dev/fuse to the write of the answer, its payload is used where the kernel put it, and no library allocates or locks
 * in between.
 *
 * The model, in three objects:
 *
 * - INODE: what the kernel calls one: a file that it knows, by one or more names (parent, spelling). Its nodeid is its
 *   address. It lives until the kernel forgets it; paths are made by walking up, so a renamed directory takes its
 *   descendants along. Where case does not count every spelling is an inode of its own while nobody has the file open,
 *   so that a rename can change the case alone (the kernel drops a rename of an inode onto itself), and so is every
 *   hard link. The first that is opened is the one for all of them then: locks, mappings and lengths are an inode's.
 *   Nothing is cached on such a volume.
 *
 * - FILE_OBJECT: one WinFsp file object: one successful Create, exactly one Close, at most one Cleanup before it. An
 * inode keeps the handle of its first look-up and every open file of the inode shares it, as the Windows driver keeps
 * the first context of an open file. It is closed when the kernel forgets the inode, when the file loses its name and
 *   no program has it open, or at the last close if Cleanup has room beyond the end to give back; later
 *   operations open it again by path.
 *
 * - OP: a kernel request under way: a chain of steps, each of which posts one IRP; the completion of one runs the next.
 *
 * Two kinds of gates order what the kernel does not: `names` of the volume (alone: unlink, rmdir, rename; together:
 * what uses a path or opens a file), and `sizes` of an inode (alone: what changes its length; together: reads of
 * FileInfo and other writes), which keeps the inode's copy of FileInfo exact. Order: sizes before names. Nothing
 * blocks: an OP that cannot enter waits in the gate's queue.
 *
 * An unlinked file that is still open is deleted through a second Create (POSIX delete): the name goes with that
 * handle's Cleanup, the content with the last Close. What can go wrong: the host answers an error or never (then the
 * program waits, as on Windows, until Stop).
 */
#ifndef WINFSP_LINUX_FUSE_FRONT_H
#define WINFSP_LINUX_FUSE_FRONT_H

#include <linux/fuse.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "core/base/core.h"
#include "core/base/platform.h"
#include "fuse/objects/posix.h"

#define MAX_DATA_BYTES (1u << 20) /* of one read or write */
#define DATA_OFFSET 4096u /* room for the kernel's headers before page-aligned data */
#define ARENA_SIZE (DATA_OFFSET + MAX_DATA_BYTES)
#define MAX_NAME_UNITS 255u
#define STATX_OPCODE 52u /* FUSE_STATX: newer than some headers */
#define MAX_LINK_BYTES 4095u
#define MAX_LINGERING 64u

typedef struct front FRONT;
typedef struct inode INODE;
typedef struct name NAME;
typedef struct file_object FILE_OBJECT;
typedef struct closing CLOSING;
typedef struct stream STREAM;
typedef struct op OP;
typedef void THEN(OP *op);
/* rsp is never NULL; it may be a bare failure made here */
typedef void STEP(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp);

/* See gate.c. Guarded by front.lock. */
typedef struct {
    OP *last; /* of those who wait; its `next` is the first */
    UINT32 inside;
    int alone;
} GATE;

/* A name of an inode, in a directory that the kernel knows. */
struct name {
    NAME *next; /* in its bucket of front.buckets */
    NAME *other; /* further names of the inode, which are memory of their own */
    INODE *inode;
    INODE *parent; /* NULL: the root's, or gone */
    WCHAR *text; /* behind its inode, or memory of its own */
    UINT32 units;
};

/* The kernel knows all files of a drive after a while: nothing is here that few need, and no gaps. */
struct inode {
    NAME name; /* the only one of nearly all */
    INODE *nextOfAll, *previousOfAll;
    UINT64 wantedAtMs; /* see inode_open_elsewhere */
    INODE *nextOfNumber; /* in its bucket of front.numbers, when `numbered` */
    UINT64 lookups; /* what the kernel will forget */
    UINT32 references; /* children, and ops that found it by name */
    UINT32 opens; /* open files and directories */
    UINT32 mappable; /* those through which a shared mapping could be written: for reading and writing */
    FILE_OBJECT *handle;
    GATE sizes;
    FSP_FSCTL_FILE_INFO info; /* FileSize and AllocationSize are exact, see `sizes`; the rest is while `fresh` */
    UINT64 securityAtMs;
    UINT64 generation;
    UINT32 mode, uid, gid; /* mode with its type */
    UINT32 linkBytes; /* length of a symbolic link's target */
    UINT32 device; /* number of a device node, in the kernel's form */
    atomic_uchar fresh;
    UINT8 known; /* info has been filled at least once */
    UINT8 numbered;
    UINT8 deviceKnown;
    UINT8 unlinked; /* no name of it is known */
    UINT8 replaced; /* unlinked by a rename over it: there was a file by its name all the time */
    UINT8 lingers; /* replaced by a rename a moment ago, see inode_linger */
};

struct file_object {
    FRONT *front;
    FILE_OBJECT *next;
    FSP_FSCTL_TRANSACT_FULL_CONTEXT context;
    UINT32 references;
    UINT8 isDirectory;
    UINT8 cleanedUp; /* Cleanup was sent already */
    UINT8 removing; /* its Cleanup may take the name away and end it: no other op begins to use it */
};

/* Where a front end is mounted (fuse/place.c). */
typedef struct {
    int directory, parent; /* -1: none */
    char *path; /* canonical, for messages and for fusermount3 */
    const char *name; /* within path */
    char pinned[300]; /* parent and name, for the kernel */
    UINT32 coveredMajor, coveredMinor; /* device of what is mounted on */
} PLACE;

struct front {
    VOLUME *volume;
    int fd;
    pthread_mutex_t lock;
    pthread_cond_t idle; /* ops or handles went down */
    PLACE place;
    char message[MOUNT_MESSAGE_SIZE]; /* of a mount that was refused */
    UINT32 deviceMajor, deviceMinor;
    atomic_int releasing, detaching; /* unmounting if nothing uses it; unmounting */
    atomic_int gone; /* unmounted by another program, or its connection was aborted */
    UINT32 uid, gid, umask, unit; /* unit: of allocation */
    /* FileInfoTimeout is infinite, and a file has one spelling: the kernel may believe what it remembers */
    int cached;
    int caseSensitive, persistentAcls, cleanupWhenModifiedOnly, posix, reparsePoints, extendedAttributes;
    int hardLinks, unnamedFiles, directIo; /* see the options hard_links, unnamed_files and direct_io */
    UINT64 timeoutSec; /* of names and attributes in the kernel */
    UINT32 timeoutNsec, openFlags; /* openFlags: FOPEN_… of ordinary files */
    GATE names;
    INODE root;
    INODE *newest, *oldest; /* of all but the root, by nextOfAll from the newest */
    int prunes; /* the kernel can be asked to forget what nobody uses */
    UINT64 pruneAtMs; /* not before: the last time did not help */
    NAME **buckets;
    INODE **numbers; /* where case does not count, or files may have several names */
    UINT32 bucketCount, inodeCount, freedInodes; /* freed: since notifier_trim */
    INODE *lingering[MAX_LINGERING]; /* see inode_linger */
    UINT32 lingeringCount;
    UINT64 generation;
    atomic_long opsActive; /* between read and answer */
    long handlesOpen;
    UINT32 closing; /* those in use, see handle.c */
    CLOSING *closings, *spareClosing;
    FILE_OBJECT *toClose, *toCloseLast; /* waiting for their turn */
    _Atomic(OP *) spare;
    OP *pool, *allOps;
    UINT32 poolCount;
    STREAM *streams;
    struct notifier *notifier;
};

struct op {
    IRP irp;
    FRONT *front;
    OP *next; /* in the pool, or in a gate's queue */
    OP *nextOfAll;
    _Atomic UINT64 unique; /* of the kernel's request while it is under way, 0 for one that needs no answer */
    STEP *step;
    THEN *then, *afterOpen, *afterChild, *afterRemove, *afterDrop;
    int wantsAlone, inNames, keepsNames;
    INODE *inSizes;
    UINT8 *arena; /* ARENA_SIZE bytes: fuse_in_header, its arguments, from DATA_OFFSET on data */
    INODE *inode; /* of the request's nodeid */
    INODE *child, *target; /* found by name, referenced */
    INODE *victim; /* of remove_child: one of these two */
    INODE *victimDirectory;
    const WCHAR *victimName;
    UINT32 victimUnits;
    INODE *oldDirectory, *newDirectory;
    STREAM *stream;
    struct cursor *cursor; /* of dir.c */
    FILE_OBJECT *handle; /* referenced when ownsHandle */
    FILE_OBJECT *made; /* memory for the next Create */
    INODE *blank; /* memory for its inode, if it goes by a name in a directory */
    int ownsHandle;
    UINT32 disposition, createOptions, access, attributes;
    UINT32 mode, uid, gid; /* of what is being created; new values in setattr */
    UINT32 device; /* of what is being created, as of an inode */
    UINT32 valid, flags;
    UINT64 size;
    int error, result; /* result: of remove_child */
    UINT32 nameUnits, newNameUnits;
    WCHAR name[MAX_NAME_UNITS + 1], newName[MAX_NAME_UNITS + 1];
    union {
        FSP_FSCTL_TRANSACT_REQ req;
        UINT8 reqBytes[FSP_FSCTL_TRANSACT_REQ_SIZEMAX];
    };
};

static inline const struct fuse_in_header *op_in(const OP *op) { return (const void *)op->arena; }
static inline void *op_argument(const OP *op) { return op->arena + sizeof(struct fuse_in_header); }
static inline void *op_data(const OP *op) { return op->arena + DATA_OFFSET; }

/* op.c */
OP *op_take(FRONT *front);
void op_give(OP *op);
void op_free_all(FRONT *front);
/* Calls `refuse` for each request that is under way; its op goes on, and an answer of its own comes to nothing. */
void op_refuse_active(FRONT *front, void (*refuse)(FRONT *front, UINT64 unique));

/* reply.c: answer the kernel and end the op. */
int reply_write(OP *op, int error, const void *data, size_t size); /* 0, or the error of the write; the op goes on */
/* leaves gates, drops references, back to the pool */
void op_end(OP *op);
void reply_none(OP *op);
void reply_error(OP *op, int error);
void reply_status(OP *op, NTSTATUS status);
void reply_data(OP *op, const void *data, size_t size);
void reply_attr(OP *op, INODE *inode); /* to FUSE_STATX, too, which asks for the time of birth */
void reply_entry(OP *op, INODE *inode); /* counts a look-up */
void reply_negative(OP *op);
void reply_created(OP *op, INODE *inode, FILE_OBJECT *handle); /* entry and open; the open is counted already */
void reply_open(OP *op, INODE *inode, UINT64 fh, UINT32 flags);
/* The inode of the op learns; takes front.lock. 0: inode_learn refused, and the op has replied with EIO. */
int op_learn(OP *op, const FSP_FSCTL_FILE_INFO *info);

/* request.c: IRPs. A failure to post runs `step` at once, with a bare response. */
void op_post(OP *op, STEP *step);
/* of op->handle, after request_begin(&op->req, kind) and its fields */
void op_post_context(OP *op, UINT32 kind, STEP *step);
void request_context(OP *op, UINT32 kind);
/* dir NULL and units 0: the root. 0, ENAMETOOLONG or ENOENT. */
int request_path(OP *op, FSP_FSCTL_TRANSACT_BUF *where, INODE *dir, const WCHAR *name, size_t units);
int request_inode_path(OP *op, FSP_FSCTL_TRANSACT_BUF *where, INODE *inode);
/* A Create by op->disposition, createOptions, access, attributes, and op->mode when it may create. Replies and returns
 * 0 when it cannot be made. */
int request_create(OP *op, INODE *dir, const WCHAR *name, size_t units);
static inline NTSTATUS status_of(const FSP_FSCTL_TRANSACT_RSP *rsp) { return (NTSTATUS)rsp->IoStatus.Status; }

/* gate.c */
void gate_enter(OP *op, GATE *gate, int alone, THEN *then);
void gate_leave(FRONT *front, GATE *gate);
void names_enter(OP *op, int alone, THEN *then);
void sizes_enter(OP *op, INODE *inode, int alone, THEN *then);
void op_leave_names(OP *op);
void op_leave_sizes(OP *op);

/* inode.c. All under front.lock but for inode_of, inode_is_unlinked and inodes_free. */
INODE *inode_of(FRONT *front, UINT64 nodeid);
int inode_is_unlinked(FRONT *front, const INODE *inode); /* takes front.lock */
INODE *inode_new(FRONT *front, const WCHAR *name, size_t units); /* takes front.lock; NULL: no memory */
void inode_discard(FRONT *front, INODE *inode); /* never inserted */
void inode_insert(FRONT *front, INODE *parent, INODE *inode); /* parent NULL: without a name */
/* The first name of an inode that has none, or one more. 0: no memory, nothing changed. */
int name_add(FRONT *front, INODE *inode, INODE *parent, const WCHAR *text, size_t units);
void name_remove(FRONT *front, NAME *name); /* one is gone; the inode stays while it has others, is known or open */
void inode_unname(FRONT *front, INODE *inode); /* all are */
/* Under another spelling: the kernel shall look the name up once more, and finds that one. */
int inode_open_elsewhere(FRONT *front, const INODE *inode);
/* The one of that file. Where case does not count only while it is open; NULL: each spelling is one of its own. */
INODE *inode_find_number(FRONT *front, UINT64 number);
void inode_linger(FRONT *front, INODE *inode); /* before a rename takes its name away */
int lingering_end(FRONT *front);
void inode_settle(FRONT *front, INODE *inode); /* after a count went down: lets go of the handle, of the inode */
void inode_renew(FRONT *front, INODE *inode); /* it counts as the newest now */
void inodes_free(FRONT *front);

/*
 * adopt.c
 * What a successful Create says: the inode of (dir, name), made or found, with its handle and FileInfo; a superfluous
 * handle is closed. Takes op->made and op->blank. Returns it referenced.
 */
INODE *inode_adopt(OP *op, INODE *dir, const WCHAR *name, size_t units, const FSP_FSCTL_TRANSACT_RSP *rsp);
/* The same for a file that was made without a name. */
INODE *inode_adopt_unnamed(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp);
/* The same for an inode that lost its handle, which becomes the op's too. 0: it is another file by now. */
int inode_readopt(OP *op, INODE *inode, const FSP_FSCTL_TRANSACT_RSP *rsp);

/* handle.c */
int closings_new(FRONT *front); /* 0: no memory */
FILE_OBJECT *handle_new(FRONT *front);
void handle_discard(FILE_OBJECT *handle); /* never opened */
void handle_opened(FILE_OBJECT *handle, const FSP_FSCTL_TRANSACT_RSP *rsp); /* one reference; under front.lock */
void handle_put(FILE_OBJECT *handle); /* under front.lock */
void op_drop_handle(OP *op);

/* reopen.c */
/* op->handle for op->inode: the inode's, or opened again by path; then `then`, in names if the op was. Replies ESTALE
 * when the file is gone. */
void with_handle(OP *op, THEN *then);

/* attr.c */
/* Under front.lock, within `sizes`. 0: it tells of another file, by its IndexNumber; the host's mistake. */
int inode_learn(FRONT *front, INODE *inode, const FSP_FSCTL_FILE_INFO *info);
void inode_learn_security(FRONT *front, INODE *inode, const void *sd, size_t size);
void attr_fill(FRONT *front, INODE *inode, struct fuse_attr *attr);
void statx_fill(const INODE *inode, const struct fuse_attr *attr, struct statx *stat);
UINT32 type_of(const FSP_FSCTL_FILE_INFO *info); /* S_IF… */
UINT32 tag_of_type(UINT32 type); /* of reparse points; 0: files of that type are none */
FSP_FSCTL_FILE_INFO inode_info(FRONT *front, const INODE *inode); /* a copy; takes front.lock */
UINT64 filetime_of(UINT64 seconds, UINT32 nanoseconds);
UINT64 filetime_now(void);
int errno_of(NTSTATUS status);
/* The same for what would make a file end at `end`: what no volume holds is too large, however much is free. */
int size_error(NTSTATUS status, UINT64 end);
int name_of(const char *name, WCHAR *units, UINT32 *count, UINT32 most); /* 0, ENAMETOOLONG */

/* memory.c: bytes that clients cause. 0: the limit is reached. */
int client_memory_take(FRONT *front, UINT64 bytes);
int inode_memory_take(FRONT *front, UINT64 bytes); /* of inodes and file objects: no limit if the kernel cannot prune */
void client_memory_add(FRONT *front, UINT64 bytes); /* for what must not fail */
void client_memory_give(FRONT *front, UINT64 bytes);
int memory_exceeds(FRONT *front, UINT32 eighths); /* of the limit */

/* names.c: what leads to inodes. All under front.lock. */
NAME *name_find(FRONT *front, INODE *parent, const WCHAR *text, size_t units);
INODE *inode_find(FRONT *front, INODE *parent, const WCHAR *text, size_t units);
void names_insert(FRONT *front, NAME *name);
void names_take_out(FRONT *front, NAME *name);
/* from now on it is found by its IndexNumber: names of one file find each other */
void inode_number(FRONT *front, INODE *inode);
void numbers_remove(FRONT *front, INODE *inode);
INODE *numbers_first(FRONT *front, UINT64 number); /* with others in its bucket */
INODE *first_spelling(FRONT *front, const INODE *inode); /* other inodes that are the same file */
INODE *next_spelling(INODE *from, const INODE *inode);
void names_grow(FRONT *front);

/* link.c: after a change of names; under front.lock */
int inode_is_linked(const FRONT *front, const INODE *inode); /* it has several names in the volume */
void inode_set_links(FRONT *front, INODE *inode, UINT32 count); /* of all inodes that are this file */
/* This name of a file is gone, or is another one now; on a volume where case does not count its spellings, too. */
void name_gone(FRONT *front, INODE *inode, INODE *parent, const WCHAR *text, size_t units);
void name_moved(
    FRONT *front, INODE *inode, INODE *from, const WCHAR *text, size_t units, INODE *to, const WCHAR *new, size_t more);

/* notify.c. prune: the kernel forgets files that nobody uses. */
int prune_may_help(FRONT *front);
void notifier_prune(FRONT *front);
void notifier_trim(FRONT *front); /* after many have been freed, the system gets their memory; under front.lock */
void after_prune(OP *op, THEN *then); /* when the kernel has forgotten what it could */
/* The kernel writes back what was stored through mappings of an open file, and drops its pages; then `then`. The op is
 * in no gate meanwhile. */
void notifier_flush(OP *op, INODE *inode, THEN *then);
void fuse_notify(VOLUME *volume, void *frontEnd, UINT32 filter, UINT32 action, const WCHAR *name, size_t length);
/* Asks it to end behind the notification that is on its way. Whether it has. */
void notifier_part(FRONT *front); /* the kernel drops the content of files that programs still have open */
int notifier_ends(FRONT *front);
void notifier_free(FRONT *front); /* when it ends: what it has not told is dropped */

/* the operations */
THEN do_lookup, do_forget, do_batch_forget, do_getattr; /* lookup.c */
THEN do_setattr; /* setattr.c */
THEN do_create, do_tmpfile, do_mknod, do_mkdir, do_symlink; /* create.c */
THEN do_readlink, do_link; /* symlink.c, link.c */
THEN do_unlink, do_rmdir, do_rename, do_rename2; /* remove.c, rename.c */
THEN do_open, do_release, do_read, do_write, do_fsync, do_fallocate, do_copy_range; /* open.c, file.c */
THEN do_lseek; /* holes.c */
void zero_range(OP *op, UINT64 offset, UINT64 end); /* of op->handle, within `sizes`; the op's last step */
THEN do_opendir, do_readdir, do_releasedir; /* dir.c */
THEN do_getxattr, do_listxattr, do_change_xattr; /* xattr.c */
THEN do_statfs, do_init, do_nothing; /* volume.c */

/* set_ids.c, for ops within `sizes` */
/* after a change of the file by the op's caller */
UINT32 mode_without_set_ids(const OP *op, UINT32 mode, UINT32 gid);
/* of op->inode, by op->handle or one made for it; replies when it cannot be done */
void drop_set_ids(OP *op, THEN *then);
int request_set_mode(OP *op, UINT32 uid, UINT32 gid, UINT32 mode); /* SetSecurity of op->handle */

/* symlink.c: targets as reparse points */
/* SET_REPARSE_POINT into op->req; 0 or an errno */
int link_request(OP *op, const char *target);
int link_target(const FSP_FSCTL_TRANSACT_RSP *rsp, char *target, size_t *size); /* 0 or an errno */
/* FSCTL_GET_REPARSE_POINT of op->handle, which is `inode`'s, into op->req; 0 or an errno */
int request_reparse(OP *op, INODE *inode);

/* special.c: pipes, sockets and devices as reparse points */
/* SET_REPARSE_POINT into op->req: a special file of that type, its device number in the kernel's form */
int special_request(OP *op, UINT32 type, UINT32 device); /* 0 or an errno */
/* learns what op->child keeps as a reparse point: length of a link, number of a device */
void with_reparse_data(OP *op, THEN *then);

/* remove.c, for ops that are alone in names. remove_child: the child loses its name; then `then` with op->result, 0 or
 * an errno. */
void remove_child(OP *op, INODE *child, INODE *directory, const WCHAR *name, UINT32 units, THEN *then);
void with_child(OP *op, THEN *then); /* op->child is (op->inode, op->name); replies when there is no such name */

/* dir.c */
void streams_free(FRONT *front);

#endif
