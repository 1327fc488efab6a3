/* The handle of an op: the one that its inode has, or the file opened again by its path. */
#include <errno.h>

#include "fuse/objects/front.h"

static int take(OP *op)
{
    FRONT *front = op->front;
    FILE_OBJECT *handle;
    pthread_mutex_lock(&front->lock);
    if ((handle = op->inode->handle) != NULL) {
        handle->references++;
        op->handle = handle;
        op->ownsHandle = 1;
    }
    pthread_mutex_unlock(&front->lock);
    return handle != NULL;
}

static void have_handle(OP *op)
{
    if (!op->keepsNames)
        op_leave_names(op);
    op->afterOpen(op);
}

static void reopened(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    NTSTATUS status = status_of(rsp);
    if (NT_SUCCESS(status) && status != STATUS_REPARSE) {
        if (!inode_readopt(op, op->inode, rsp)) {
            reply_error(op, ESTALE);
            return;
        }
        have_handle(op);
    } else
        reply_error(op, errno_of(status) == ENOENT ? ESTALE : errno_of(status));
}

static void reopen(OP *op)
{
    if (take(op)) { /* another op was quicker */
        have_handle(op);
        return;
    }
    if (inode_is_unlinked(op->front, op->inode)) {
        /* Since the kernel found it. ESTALE makes it look the path up once more, where the successor of a replaced file
         * is, or a hard link; it does so once only, so it is no answer for a file that was removed. */
        reply_error(op, op->inode->replaced || op->inode->info.HardLinks > 0 ? ESTALE : ENOENT);
        return;
    }
    op->disposition = FILE_OPEN;
    op->createOptions = op->attributes = 0;
    op->access = MAXIMUM_ALLOWED;
    if (request_create(op, op->inode, NULL, 0))
        op_post(op, reopened);
}

void with_handle(OP *op, THEN *then)
{
    if (take(op)) {
        then(op);
        return;
    }
    op->afterOpen = then;
    op->keepsNames = op->inNames;
    if (op->inNames)
        reopen(op);
    else
        names_enter(op, 0, reopen);
}
