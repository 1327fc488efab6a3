/*
 * Open and close of files. An open file is a count on its inode and the inode's handle, so it costs the host nothing,
 * but for O_TRUNC: that is an open with FILE_OVERWRITE and an Overwrite on a handle of its own, because a refused
 * Overwrite closes its handle.
 */
#include <errno.h>
#include <fcntl.h>

#include "fuse/objects/front.h"

static UINT32 opens_mappable(UINT32 flags) { return (flags & O_ACCMODE) == O_RDWR; }

static void opened(OP *op)
{
    const struct fuse_open_in *in = op_argument(op);
    FRONT *front = op->front;
    INODE *inode = op->inode;
    FILE_OBJECT *handle;
    pthread_mutex_lock(&front->lock);
    inode->opens++;
    inode->mappable += opens_mappable(in->flags);
    if (inode->handle == NULL) { /* it has none yet, or lingered until just now: this op's is the one */
        inode->handle = op->handle;
        op->handle = NULL;
        op->ownsHandle = 0;
    }
    handle = inode->handle;
    pthread_mutex_unlock(&front->lock);
    reply_open(op, inode, (uintptr_t)handle, 0);
}

static void open_in_names(OP *op) { with_handle(op, opened); }

/* ---- O_TRUNC ---- */

/* By /proc/self/fd a file without a name can be opened for truncation, too: then its length is set through its handle.
 */
static void cut(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    if (!NT_SUCCESS(status_of(rsp))) {
        reply_status(op, status_of(rsp));
        return;
    }
    if (op_learn(op, &rsp->Rsp.SetInformation.FileInfo))
        opened(op);
}

static void cut_nameless(OP *op)
{
    request_context(op, FspFsctlTransactSetInformationKind);
    op->req.Req.SetInformation.FileInformationClass = FileEndOfFileInformation;
    op_post(op, cut);
}

static void cut_in_sizes(OP *op) { with_handle(op, cut_nameless); }

static void overwritten(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    FRONT *front = op->front;
    if (!NT_SUCCESS(status_of(rsp))) { /* the library has closed the file already */
        pthread_mutex_lock(&front->lock);
        front->handlesOpen--;
        pthread_cond_broadcast(&front->idle);
        pthread_mutex_unlock(&front->lock);
        reply_status(op, status_of(rsp));
        return;
    }
    op->made = NULL;
    op->ownsHandle = 1;
    if (op_learn(op, &rsp->Rsp.Overwrite.FileInfo))
        opened(op);
}

static void truncating(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    FRONT *front = op->front;
    INODE *inode = op->inode;
    int same;
    if (!NT_SUCCESS(status_of(rsp)) || status_of(rsp) == STATUS_REPARSE) {
        reply_status(op, NT_SUCCESS(status_of(rsp)) ? STATUS_REPARSE_POINT_NOT_RESOLVED : status_of(rsp));
        return;
    }
    pthread_mutex_lock(&front->lock);
    handle_opened(op->made, rsp);
    same = !inode->known || inode->info.IndexNumber == rsp->Rsp.Create.Opened.FileInfo.IndexNumber;
    if (same) {
        if (inode->handle != NULL)
            op->made->context.UserContext = inode->handle->context.UserContext;
        op->handle = op->made;
        op->ownsHandle = 0;
    } else {
        handle_put(op->made);
        op->made = NULL;
    }
    pthread_mutex_unlock(&front->lock);
    if (!same) {
        reply_error(op, ESTALE);
        return;
    }
    request_context(op, FspFsctlTransactOverwriteKind);
    op_post(op, overwritten);
}

static void truncate_in_names(OP *op)
{
    /* Replaced since the kernel found it: there was a file by that name all the time. */
    if (inode_is_unlinked(op->front, op->inode)) {
        with_handle(op, cut_nameless);
        return;
    }
    op->disposition = FILE_OVERWRITE;
    op->createOptions = FILE_NON_DIRECTORY_FILE;
    op->attributes = 0;
    op->access = MAXIMUM_ALLOWED;
    if (request_create(op, op->inode, NULL, 0))
        op_post(op, truncating);
}

static void truncate_in_sizes(OP *op) { names_enter(op, 0, truncate_in_names); }

static void truncate_inode(OP *op)
{
    op_drop_handle(op);
    /* An Overwrite would take extended attributes away. */
    if (inode_is_unlinked(op->front, op->inode) || inode_info(op->front, op->inode).EaSize != 0)
        cut_in_sizes(op);
    else
        truncate_in_sizes(op);
}

static void drop_and_truncate(OP *op) { drop_set_ids(op, truncate_inode); }

void do_open(OP *op)
{
    const struct fuse_open_in *in = op_argument(op);
    FRONT *front = op->front;
    INODE *inode = op->inode;
    FILE_OBJECT *handle = NULL;
    int elsewhere;
    pthread_mutex_lock(&front->lock);
    elsewhere = inode_open_elsewhere(front, inode);
    pthread_mutex_unlock(&front->lock);
    if (elsewhere) { /* since the kernel found it: looked up once more it is the inode that is open */
        reply_error(op, ESTALE);
        return;
    }
    if (in->flags & O_TRUNC) {
        sizes_enter(op, inode, 1, in->open_flags & FUSE_OPEN_KILL_SUIDGID ? drop_and_truncate : truncate_inode);
        return;
    }
    pthread_mutex_lock(&front->lock);
    /* a rename may take its name away, but nothing takes its handle */
    if (inode->handle != NULL && !inode->handle->removing) {
        handle = inode->handle;
        inode->opens++;
        inode->mappable += opens_mappable(in->flags);
    }
    pthread_mutex_unlock(&front->lock);
    if (handle != NULL)
        reply_open(op, inode, (uintptr_t)handle, 0);
    else
        names_enter(op, 0, open_in_names);
}

void do_release(OP *op)
{
    FRONT *front = op->front;
    INODE *inode = op->inode;
    const struct fuse_release_in *in = op_argument(op);
    pthread_mutex_lock(&front->lock);
    inode->mappable -= opens_mappable(in->flags);
    inode->opens--;
    inode_settle(front, inode);
    pthread_mutex_unlock(&front->lock);
    reply_error(op, 0);
}
