/*
 * Handles: one WinFsp file object each. The last reference posts Cleanup, where one is due, and then Close; both from
 * memory that the front end has always had, so a file that was opened can always be closed.
 */
#include "fuse/objects/front.h"

/*
 * A kernel that drops its caches forgets tens of thousands of files at once. Their Closes go out a few at a time, or
 * other requests would meet a queue that is full (IrpCapacity, 100 at least).
 */
#define MAX_CLOSING 64u

/* The Cleanup and Close of a file object under way. */
struct closing {
    IRP irp;
    FILE_OBJECT *handle;
    CLOSING *next; /* in front.spareClosing */
    FSP_FSCTL_TRANSACT_REQ req;
};

int closings_new(FRONT *front)
{
    if ((front->closings = calloc(MAX_CLOSING, sizeof *front->closings)) == NULL)
        return 0;
    for (UINT32 i = 0; i < MAX_CLOSING; i++) {
        front->closings[i].next = front->spareClosing;
        front->spareClosing = &front->closings[i];
    }
    return 1;
}

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

/* Under front.lock. */
static void end_closing(CLOSING *closing)
{
    FRONT *front = closing->handle->front;
    handle_discard(closing->handle);
    closing->next = front->spareClosing;
    front->spareClosing = closing;
    front->handlesOpen--;
    front->closing--;
}

static void closed(IRP *irp, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    CLOSING *closing = (CLOSING *)irp;
    FRONT *front = closing->handle->front;
    pthread_mutex_lock(&front->lock);
    end_closing(closing);
    close_next(front);
    pthread_cond_broadcast(&front->idle);
    pthread_mutex_unlock(&front->lock);
}

/* After Stop nothing can be posted; the host lets go of everything by itself then. Says whether the request went out.
 */
static int post(CLOSING *closing, UINT32 kind, void (*complete)(IRP *, const FSP_FSCTL_TRANSACT_RSP *))
{
    const FILE_OBJECT *handle = closing->handle;
    request_begin(&closing->req, kind);
    closing->req.Req.Context.UserContext = handle->context.UserContext;
    closing->req.Req.Context.UserContext2 = handle->context.UserContext2;
    memset(&closing->irp, 0, sizeof closing->irp);
    closing->irp.req = &closing->req;
    closing->irp.complete = complete;
    closing->irp.noReply = kind == FspFsctlTransactCloseKind;
    return NT_SUCCESS(irp_post(handle->front->volume, &closing->irp));
}

static void cleaned_up(IRP *irp, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    if (!post((CLOSING *)irp, FspFsctlTransactCloseKind, closed))
        closed(irp, NULL);
}

static int begin_close(CLOSING *closing)
{
    const FILE_OBJECT *handle = closing->handle;
    if (!handle->cleanedUp && !handle->front->cleanupWhenModifiedOnly)
        return post(closing, FspFsctlTransactCleanupKind, cleaned_up);
    return post(closing, FspFsctlTransactCloseKind, closed);
}

/* Under front.lock. */
static void close_next(FRONT *front)
{
    FILE_OBJECT *handle;
    CLOSING *closing;
    while ((closing = front->spareClosing) != NULL && (handle = front->toClose) != NULL) {
        if ((front->toClose = handle->next) == NULL)
            front->toCloseLast = NULL;
        front->spareClosing = closing->next;
        front->closing++;
        closing->handle = handle;
        if (!begin_close(closing))
            end_closing(closing);
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
