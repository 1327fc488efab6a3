/*
 * Handles: one WinFsp file object each. The last reference posts Cleanup, where one is due, and then Close; both from memory that the handle has had
 * since before its Create, so a file that was opened can always be closed.
 */
#include <errno.h>

#include "fuse_front.h"

/*
 * A kernel that drops its caches forgets tens of thousands of files at once. Their Closes go out a few at a time, or other requests would meet a queue
 * that is full (IrpCapacity, 100 at least).
 */
#define CLOSING_MOST 64

FILE_OBJECT *handle_new(FRONT *front)
{
    FILE_OBJECT *handle = calloc(1, sizeof *handle);
    if (handle != NULL)
        handle->front = front;
    return handle;
}

void handle_discard(FILE_OBJECT *handle) { free(handle); }

void handle_opened(FILE_OBJECT *handle, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    handle->context.UserContext = rsp->Rsp.Create.Opened.UserContext;
    handle->context.UserContext2 = rsp->Rsp.Create.Opened.UserContext2;
    handle->isDirectory = (rsp->Rsp.Create.Opened.FileInfo.FileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
    handle->references = 1;
    handle->front->handlesOpen++;
}

static void close_next(FRONT *front);

static void closed(IRP *irp, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    FILE_OBJECT *handle = (FILE_OBJECT *)irp;
    FRONT *front = handle->front;
    free(handle);
    pthread_mutex_lock(&front->lock);
    front->handlesOpen--;
    front->closing--;
    close_next(front);
    pthread_cond_broadcast(&front->idle);
    pthread_mutex_unlock(&front->lock);
}

/* After Stop nothing can be posted; the host lets go of everything by itself then. Says whether the request went out. */
static int post(FILE_OBJECT *handle, UINT32 kind, void (*complete)(IRP *, const FSP_FSCTL_TRANSACT_RSP *))
{
    request_begin(&handle->req, kind);
    handle->req.Req.Context.UserContext = handle->context.UserContext;
    handle->req.Req.Context.UserContext2 = handle->context.UserContext2;
    if (kind == FspFsctlTransactCleanupKind) {
        handle->req.Req.Cleanup.SetAllocationSize = handle->trim != 0;
        handle->req.Req.Cleanup.SetArchiveBit = handle->req.Req.Cleanup.SetLastWriteTime = handle->req.Req.Cleanup.SetChangeTime = handle->mapped != 0;
    }
    handle->irp.req = &handle->req;
    handle->irp.complete = complete;
    handle->irp.noReply = kind == FspFsctlTransactCloseKind;
    return NT_SUCCESS(irp_post(handle->front->volume, &handle->irp));
}

static void cleaned_up(IRP *irp, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    FILE_OBJECT *handle = (FILE_OBJECT *)irp;
    if (!post(handle, FspFsctlTransactCloseKind, closed))
        closed(irp, NULL);
}

static int begin_close(FILE_OBJECT *handle)
{
    FRONT *front = handle->front;
    if (!handle->cleanedUp && (!front->cleanupWhenModifiedOnly || handle->trim || handle->mapped))
        return post(handle, FspFsctlTransactCleanupKind, cleaned_up);
    return post(handle, FspFsctlTransactCloseKind, closed);
}

/* Under front.lock. */
static void close_next(FRONT *front)
{
    FILE_OBJECT *handle;
    while (front->closing < CLOSING_MOST && (handle = front->toClose) != NULL) {
        if ((front->toClose = handle->next) == NULL)
            front->toCloseLast = NULL;
        front->closing++;
        if (!begin_close(handle)) {
            front->closing--;
            front->handlesOpen--;
            free(handle);
        }
    }
}

void handle_put(FILE_OBJECT *handle)
{
    FRONT *front = handle->front;
    if (--handle->references > 0)
        return;
    handle->next = NULL;
    if (front->toCloseLast != NULL)
        front->toCloseLast->next = handle;
    else
        front->toClose = handle;
    front->toCloseLast = handle;
    close_next(front);
}

void op_drop_handle(OP *op)
{
    if (op->ownsHandle && op->handle != NULL) {
        pthread_mutex_lock(&op->front->lock);
        handle_put(op->handle);
        pthread_mutex_unlock(&op->front->lock);
    }
    op->handle = NULL;
    op->ownsHandle = 0;
}

static int take(OP *op)
{
    FRONT *front = op->front;
    FILE_OBJECT *handle;
    pthread_mutex_lock(&front->lock);
    if ((handle = op->node->handle) != NULL) {
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
        if (!node_readopt(op, op->node, rsp)) {
            reply_error(op, ESTALE);
            return;
        }
        if (take(op))
            have_handle(op);
        else
            reply_error(op, ESTALE);
    } else
        reply_error(op, errno_of(status) == ENOENT ? ESTALE : errno_of(status));
}

static void reopen(OP *op)
{
    if (take(op)) { /* somebody else was quicker */
        have_handle(op);
        return;
    }
    if (op->node->unlinked) {
        /* Since the kernel found it: ESTALE makes it look the path up once more, where another file may be now. A removed directory is somebody's cwd. */
        reply_error(op, op->node->info.FileAttributes & FILE_ATTRIBUTE_DIRECTORY ? ENOENT : ESTALE);
        return;
    }
    op->disposition = FILE_OPEN;
    op->createOptions = op->attributes = 0;
    op->access = MAXIMUM_ALLOWED;
    if (request_create(op, op->node, NULL, 0))
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
