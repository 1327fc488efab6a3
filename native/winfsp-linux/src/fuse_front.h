/*
 * The FUSE front end: kernel requests become the requests that Windows would send (docs/winfsp.md (c), (d), (e)).
 *
 * It speaks the kernel's protocol (linux/fuse.h) itself: every request lives in one pooled OP from the read of /dev/fuse to the write of the answer,
 * its payload is used where the kernel put it, and no library allocates or locks in between.
 *
 * The model, in three objects:
 *   NODE    a name the kernel knows: (parent, spelling). Its nodeid is its address. Where case does not count, every spelling is a node of its own, so
 *           that a rename can change the case alone (the kernel drops a rename of a node onto itself); nothing is cached then. It lives until the kernel forgets it; paths are made by walking
 *           up, so a renamed directory takes its descendants along. In memory of the kernel's dentry and inode, nothing else.
 *   FILE_OBJECT  one WinFsp file object: one successful Create, exactly one Close, at most one Cleanup before it. A node keeps the handle of its first
 *           look-up and every open file of the node shares it, as the Windows driver keeps the first context of an open file. It is closed when the
 *           kernel forgets the node, when the file loses its name and nobody has it open, or at the last close if Cleanup has something to say
 *           (room beyond the end to give back, times of mapped writes); later operations open it again by path.
 *   OP      a kernel request under way: a chain of steps, each of which posts one IRP; the completion of one runs the next.
 *
 * Two kinds of gates order what the kernel does not: `names` of the volume (alone: unlink, rmdir, rename; together: whatever uses a path or opens a
 * file), and `sizes` of a node (alone: what changes its length; together: reads of FileInfo and other writes), which keeps the node's copy of
 * FileInfo exact. Order: sizes before names. Nothing blocks: an OP that cannot enter waits in the gate's queue.
 *
 * An unlinked file that somebody has open is deleted through a second Create (POSIX delete): the name goes with that handle's Cleanup, the content with
 * the last Close. What can go wrong: the host answers an error or never (then the program waits, as on Windows, until Stop).
 */
#ifndef WINFSP_LINUX_FUSE_FRONT_H
#define WINFSP_LINUX_FUSE_FRONT_H

#include <linux/fuse.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "core.h"
#include "platform.h"

#define DATA_SIZEMAX (1u << 20)           /* of one read or write */
#define DATA_OFFSET 4096u                 /* room for the kernel's headers before page-aligned data */
#define ARENA_SIZE (DATA_OFFSET + DATA_SIZEMAX)
#define NAME_UNITSMAX 255u
#define LINK_BYTESMAX 4095u

typedef struct front FRONT;
typedef struct node NODE;
typedef struct file_object FILE_OBJECT;
typedef struct stream STREAM;
typedef struct op OP;
typedef void THEN(OP *op);
typedef void STEP(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp); /* rsp is never NULL; it may be a bare failure made here */

/* See fuse_gate.c. Guarded by front.lock. */
typedef struct {
    OP *first, *last;
    int inside, alone;
} GATE;

struct node {
    NODE *next;          /* in its bucket of front.names */
    NODE *nextOfAll, *previousOfAll;
    NODE *nextOfNumber;  /* in its bucket of front.numbers, when `numbered` */
    int numbered;
    NODE *parent;        /* NULL: the root, or unlinked */
    WCHAR *name;
    UINT32 nameUnits;
    UINT64 lookups;      /* what the kernel will forget */
    UINT32 references;   /* children, and ops that found it by name */
    UINT32 opens;        /* open files and directories */
    FILE_OBJECT *handle;
    GATE sizes;
    FSP_FSCTL_FILE_INFO info; /* FileSize and AllocationSize are exact, see `sizes`; the rest is while `fresh` */
    int known;                /* info has been filled at least once */
    atomic_int fresh;
    UINT32 mode, uid, gid;    /* mode with its type */
    UINT64 securityAtMs;
    UINT32 linkBytes;         /* length of a symbolic link's target */
    UINT64 generation;
    int unlinked;
    int lingers;              /* replaced by a rename a moment ago, see node_linger */
    NODE *nextLingering;
};

struct file_object {
    IRP irp; /* for Cleanup and Close, so that closing needs no memory */
    FRONT *front;
    FILE_OBJECT *next;
    FSP_FSCTL_TRANSACT_FULL_CONTEXT context;
    UINT32 references;
    int isDirectory;
    int cleanedUp;  /* Cleanup was sent already */
    int removing;   /* its Cleanup may take the name away and end it: nobody else begins to use it */
    int trim;       /* Cleanup shall give back the room beyond the end */
    int mapped;     /* written through a mapping: Cleanup sets the times */
    FSP_FSCTL_TRANSACT_REQ req;
};

struct front {
    VOLUME *volume;
    int fd;
    pthread_mutex_t lock;
    pthread_cond_t idle; /* ops or handles went down */
    char *mountPoint;
    UINT32 deviceMajor, deviceMinor;
    atomic_int detaching, gone; /* gone: unmounted by somebody else, or its connection was aborted */
    UINT32 uid, gid, umask;
    UINT32 unit;          /* allocation unit */
    int cached;           /* FileInfoTimeout is infinite, and a file has one spelling: the kernel may believe what it remembers */
    int caseSensitive, persistentAcls, cleanupWhenModifiedOnly, posix, symlinks;
    int directIo;
    UINT64 timeoutSec;    /* of names and attributes in the kernel */
    UINT32 timeoutNsec;
    UINT32 openFlags;     /* FOPEN_… of ordinary files */
    GATE names;
    NODE root;
    NODE *all;
    NODE **buckets, **numbers; /* numbers: where case does not count only */
    UINT32 bucketCount, nodeCount;
    NODE *lingering;
    UINT32 lingeringCount;
    UINT64 generation;
    atomic_long opsActive; /* between read and answer */
    long handlesOpen, closing;
    FILE_OBJECT *toClose, *toCloseLast; /* waiting for their turn */
    _Atomic(OP *) spare;
    OP *pool;
    UINT32 poolCount;
    STREAM *streams;
    struct notifier *notifier;
};

struct op {
    IRP irp;
    FRONT *front;
    OP *next; /* in the pool, or in a gate's queue */
    STEP *step;
    THEN *then, *afterOpen, *afterChild, *afterRemove;
    int wantsAlone, inNames, keepsNames;
    NODE *inSizes;
    UINT8 *arena;              /* ARENA_SIZE bytes: fuse_in_header, its arguments, from DATA_OFFSET on data */
    NODE *node;                /* of the request's nodeid */
    NODE *child, *target;      /* found by name, referenced */
    NODE *victim;              /* of remove_child: one of these two */
    NODE *oldDirectory, *newDirectory;
    STREAM *stream;
    FILE_OBJECT *handle;            /* referenced when ownsHandle */
    FILE_OBJECT *made;              /* memory for the next Create */
    int ownsHandle;
    UINT32 disposition, createOptions, access, attributes;
    UINT32 mode, uid, gid;     /* of what is being created; new values in setattr */
    UINT32 valid, flags;
    UINT64 size;
    int error, result;         /* result: of remove_child */
    UINT32 nameUnits, newNameUnits;
    WCHAR name[NAME_UNITSMAX + 1], newName[NAME_UNITSMAX + 1];
    union {
        FSP_FSCTL_TRANSACT_REQ req;
        UINT8 reqBytes[FSP_FSCTL_TRANSACT_REQ_SIZEMAX];
    };
};

static inline const struct fuse_in_header *op_in(const OP *op) { return (const void *)op->arena; }
static inline void *op_argument(const OP *op) { return op->arena + sizeof(struct fuse_in_header); }
static inline void *op_data(const OP *op) { return op->arena + DATA_OFFSET; }

/* fuse_session.c */
OP *op_take(FRONT *front);
void op_give(OP *op);
int front_receive(VOLUME *volume, void *front);
NODE *node_of(FRONT *front, UINT64 nodeid);
void op_free_all(FRONT *front);

/* fuse_reply.c: answer the kernel and end the op. */
int reply_write(OP *op, int error, const void *data, size_t size); /* 0, or the error of the write; the op goes on */
void op_end(OP *op);                                               /* leaves gates, drops references, back to the pool */
void reply_none(OP *op);
void reply_error(OP *op, int error);
void reply_status(OP *op, NTSTATUS status);
void reply_data(OP *op, const void *data, size_t size);
void reply_attr(OP *op, NODE *node);
void reply_entry(OP *op, NODE *node);             /* counts a look-up */
void reply_negative(OP *op);
void reply_created(OP *op, NODE *node, FILE_OBJECT *handle); /* entry and open; the open is counted already */
void reply_open(OP *op, NODE *node, UINT64 fh, UINT32 flags);

/* fuse_request.c: IRPs. A failure to post runs `step` at once, with a bare response. */
void op_post(OP *op, STEP *step);
void op_post_context(OP *op, UINT32 kind, STEP *step); /* of op->handle, after request_begin(&op->req, kind) and its fields */
void request_context(OP *op, UINT32 kind);
/* dir NULL and units 0: the root. 0, ENAMETOOLONG or ENOENT. */
int request_path(OP *op, FSP_FSCTL_TRANSACT_BUF *where, NODE *dir, const WCHAR *name, size_t units);
int request_node_path(OP *op, FSP_FSCTL_TRANSACT_BUF *where, NODE *node);
/* A Create by op->disposition, createOptions, access, attributes, and op->mode when it may create. Replies and returns 0 when it cannot be made. */
int request_create(OP *op, NODE *dir, const WCHAR *name, size_t units);
static inline NTSTATUS status_of(const FSP_FSCTL_TRANSACT_RSP *rsp) { return (NTSTATUS)rsp->IoStatus.Status; }

/* fuse_gate.c */
void gate_enter(OP *op, GATE *gate, int alone, THEN *then);
void gate_leave(FRONT *front, GATE *gate);
void names_enter(OP *op, int alone, THEN *then);
void sizes_enter(OP *op, NODE *node, int alone, THEN *then);
void op_leave_names(OP *op);
void op_leave_sizes(OP *op);

/* fuse_node.c. All under front.lock but for node_adopt and nodes_free. */
NODE *node_find(FRONT *front, NODE *parent, const WCHAR *name, size_t units);
NODE *node_insert(FRONT *front, NODE *parent, const WCHAR *name, size_t units); /* NULL: no memory */
int node_rename(FRONT *front, NODE *node, NODE *parent, const WCHAR *name, size_t units); /* 0: no memory, nothing changed */
void node_unname(FRONT *front, NODE *node); /* the name is gone; the node stays while it is known or open */
void node_unname_others(FRONT *front, NODE *node); /* the same for its other spellings, on a volume where case does not count */
void node_linger(FRONT *front, NODE *node); /* before a rename takes its name away */
int lingering_end(FRONT *front);
void node_settle(FRONT *front, NODE *node); /* after a count went down: lets go of the handle, of the node */
void nodes_free(FRONT *front);
/*
 * What a successful Create says: the node of (dir, name), made or found, with its handle and FileInfo; a superfluous handle is closed. Takes op->made.
 * Returns it referenced; NULL: no memory, and the file is closed again.
 */
NODE *node_adopt(OP *op, NODE *dir, const WCHAR *name, size_t units, const FSP_FSCTL_TRANSACT_RSP *rsp);
/* The same for a node that lost its handle. 0: it is another file by now. */
int node_readopt(OP *op, NODE *node, const FSP_FSCTL_TRANSACT_RSP *rsp);

/* fuse_handle.c */
FILE_OBJECT *handle_new(FRONT *front);
void handle_discard(FILE_OBJECT *handle);                                    /* never opened */
void handle_opened(FILE_OBJECT *handle, const FSP_FSCTL_TRANSACT_RSP *rsp); /* one reference; under front.lock */
void handle_put(FILE_OBJECT *handle);                                        /* under front.lock */
void op_drop_handle(OP *op);
/* op->handle for op->node: the node's, or opened again by path; then `then`, in names if the op was. Replies ESTALE when the file is gone. */
void with_handle(OP *op, THEN *then);

/* fuse_attr.c */
void node_learn(FRONT *front, NODE *node, const FSP_FSCTL_FILE_INFO *info); /* under front.lock, within `sizes` */
void op_learn(OP *op, const FSP_FSCTL_FILE_INFO *info);                      /* of op.node; takes front.lock */
void node_learn_security(FRONT *front, NODE *node, const void *sd, size_t size);
void attr_fill(FRONT *front, NODE *node, struct fuse_attr *attr);
int node_overallocated(FRONT *front, const NODE *node);
UINT64 filetime_of(UINT64 seconds, UINT32 nanoseconds);
UINT64 filetime_now(void);
int errno_of(NTSTATUS status);
int name_of(const char *utf8, WCHAR *units, UINT32 *count, UINT32 most); /* 0, EILSEQ, ENAMETOOLONG */

/* the operations */
THEN do_lookup, do_forget, do_batch_forget, do_getattr;              /* fuse_lookup.c */
THEN do_setattr;                                                     /* fuse_setattr.c */
THEN do_create, do_mknod, do_mkdir, do_symlink;                      /* fuse_create.c */
THEN do_readlink;                                                    /* fuse_link.c */
THEN do_unlink, do_rmdir, do_rename, do_rename2;                     /* fuse_remove.c, fuse_rename.c */
THEN do_open, do_release, do_read, do_write, do_fsync, do_fallocate; /* fuse_open.c, fuse_file.c */
THEN do_opendir, do_readdir, do_releasedir;                          /* fuse_dir.c */
THEN do_statfs, do_init;                                             /* fuse_session.c */

/* fuse_link.c: targets as reparse points */
int link_request(OP *op, const char *target);                                 /* SET_REPARSE_POINT into op->req; 0 or an errno */
int link_target(const FSP_FSCTL_TRANSACT_RSP *rsp, char *target, size_t *size); /* 0 or an errno */
void with_link_length(OP *op, THEN *then);                                    /* learns op->child's, if it is a link */

/* fuse_remove.c, for ops that are alone in names. remove_child: the child loses its name; then `then` with op->result, 0 or an errno. */
void remove_child(OP *op, NODE *child, THEN *then);
void with_child(OP *op, THEN *then); /* op->child is (op->node, op->name); replies when there is none */

/* fuse_dir.c */
void streams_free(FRONT *front);

/* fuse_notify.c */
void notifier_stop(FRONT *front);

#endif
