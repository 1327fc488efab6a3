/*
 * Handles: one WinFsp file object each. The last reference posts Cleanup, where one is due, and then Close; both from
 * memory that the handle has had since before its Create, so a file that was opened can always be closed.
 */
#include "fuse/objects/front.h"

/*
 * A kernel that drops its caches forgets tens of thousands of files at once. Their Closes go out a few at a time, or
 * other requests would meet a queue that is full (IrpCapacity, 100 at least).
 */
#define MAX_CLOSING 64

FILE_OBJECT *handle_new(FRONT *front)
{
    FILE_OBJECT *handle = inode_memory_take(front, sizeof *handle) ? calloc(1, sizeof *handle) : NULL;
    if (handle != NULL)
        handle->front = front;
    return handle;
}

void handle_discard(FILE_OBJECT *handle)
{
    client_memory_give(handle->front, sizeof *handle);
    free(handle);
}

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
    handle_discard(handle);
    pthread_mutex_lock(&front->lock);
    front->handlesOpen--;
    front->closing--;
    close_next(front);
    pthread_cond_broadcast(&front->idle);
    pthread_mutex_unlock(&front->lock);
}

/* After Stop nothing can be posted; the host lets go of everything by itself then. Says whether the request went out.
 */
static int post(FILE_OBJECT *handle, UINT32 kind, void (*complete)(IRP *, const FSP_FSCTL_TRANSACT_RSP *))
{
    request_begin(&handle->req, kind);
    handle->req.Req.Context.UserContext = handle->context.UserContext;
    handle->req.Req.Context.UserContext2 = handle->context.UserContext2;
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
    if (!handle->cleanedUp && !front->cleanupWhenModifiedOnly)
        return post(handle, FspFsctlTransactCleanupKind, cleaned_up);
    return post(handle, FspFsctlTransactCloseKind, closed);
}

/* Under front.lock. */
static void close_next(FRONT *front)
{
    FILE_OBJECT *handle;
    while (front->closing < MAX_CLOSING && (handle = front->toClose) != NULL) {
        if ((front->toClose = handle->next) == NULL)
            front->toCloseLast = NULL;
        front->closing++;
        if (!begin_close(handle)) {
            front->closing--;
            front->handlesOpen--;
            handle_discard(handle);
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
