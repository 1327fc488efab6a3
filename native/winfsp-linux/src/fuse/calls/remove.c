/*
 * unlink and rmdir: disposition, Cleanup with Delete, Close, as DeleteFile does. The op is alone in `names` all the
 * while. When no program has the file open its inode's handle is the last one and is used; otherwise a handle is opened
 * for the purpose, whose Cleanup takes the name away at once while the others keep the content.
 */
#include <errno.h>

#include "fuse/objects/front.h"

static void done(OP *op, int error)
{
    op->result = error;
    pthread_mutex_lock(&op->front->lock);
    if (op->handle != NULL)
        op->handle->removing = 0;
    pthread_mutex_unlock(&op->front->lock);
    op_drop_handle(op); /* its Close goes out before the kernel hears of the success */
    op->afterRemove(op);
}

static void cleaned(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    FRONT *front = op->front;
    INODE *victim = op->victim;
    if (status_of(rsp) == STATUS_CANCELLED) {
        done(op, EIO);
        return;
    }
    pthread_mutex_lock(&front->lock);
    op->handle->cleanedUp = 1;
    atomic_store_explicit(&op->victimDirectory->fresh, 0, memory_order_relaxed);
    if (victim->handle == op->handle) {
        victim->handle = NULL;
        handle_put(op->handle);
    }
    name_gone(front, victim, op->victimDirectory, op->victimName, op->victimUnits);
    pthread_mutex_unlock(&front->lock);
    done(op, 0);
}

/* The name that goes, which need not be the one that the file was opened by. */
static int request_victim(OP *op)
{
    return request_path(op, &op->req.FileName, op->victimDirectory, op->victimName, op->victimUnits);
}

static void clean_up(OP *op)
{
    int error;
    request_context(op, FspFsctlTransactCleanupKind);
    op->req.Req.Cleanup.Delete = 1;
    if ((error = request_victim(op)) != 0)
        done(op, error);
    else
        op_post(op, cleaned);
}

static void disposed(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    if (NT_SUCCESS(status_of(rsp)))
        clean_up(op);
    else
        done(op, errno_of(status_of(rsp)));
}

static void dispose(OP *op)
{
    FRONT *front = op->front;
    int error, directory;
    pthread_mutex_lock(&front->lock);
    directory = (op->victim->info.FileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
    pthread_mutex_unlock(&front->lock);
    if (!directory && volume_params(front->volume)->PostDispositionWhenNecessaryOnly) {
        clean_up(op);
        return;
    }
    request_context(op, FspFsctlTransactSetInformationKind);
    op->req.Req.SetInformation.FileInformationClass =
        front->posix ? FileDispositionInformationEx : FileDispositionInformation;
    if (front->posix) /* POSIX asks the directory, not the file, whether a name may go: READONLY is no obstacle */
        op->req.Req.SetInformation.Info.DispositionEx.Flags =
            FILE_DISPOSITION_DELETE | FILE_DISPOSITION_POSIX_SEMANTICS | FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE;
    else
        op->req.Req.SetInformation.Info.Disposition.Delete = 1;
    if ((error = request_victim(op)) != 0)
        done(op, error);
    else
        op_post(op, disposed);
}

static void second_opened(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    FRONT *front = op->front;
    INODE *victim = op->victim;
    if (!NT_SUCCESS(status_of(rsp)) || status_of(rsp) == STATUS_REPARSE) {
        done(op, NT_SUCCESS(status_of(rsp)) ? ELOOP : errno_of(status_of(rsp)));
        return;
    }
    pthread_mutex_lock(&front->lock);
    handle_opened(op->made, rsp);
    if (victim->handle != NULL)
        op->made->context.UserContext = victim->handle->context.UserContext;
    op->handle = op->made;
    op->ownsHandle = 1;
    op->made = NULL;
    pthread_mutex_unlock(&front->lock);
    dispose(op);
}

void remove_child(OP *op, INODE *child, INODE *directory, const WCHAR *name, UINT32 units, THEN *then)
{
    FRONT *front = op->front;
    op->victim = child;
    op->victimDirectory = directory;
    op->victimName = name;
    op->victimUnits = units;
    op->afterRemove = then;
    pthread_mutex_lock(&front->lock);
    if (child->opens == 0 && child->handle != NULL) {
        op->handle = child->handle;
        op->handle->references++;
        op->handle->removing = 1; /* who opens the file now has to wait */
        op->ownsHandle = 1;
    }
    pthread_mutex_unlock(&front->lock);
    if (op->handle != NULL) {
        dispose(op);
        return;
    }
    op->disposition = FILE_OPEN;
    op->createOptions = op->attributes = 0;
    op->access = DELETE | FILE_READ_ATTRIBUTES | SYNCHRONIZE;
    if (request_create(op, child, NULL, 0))
        op_post(op, second_opened);
}

/* ---- the child by its name ---- */

static void child_opened(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    if (!NT_SUCCESS(status_of(rsp)) || status_of(rsp) == STATUS_REPARSE)
        reply_status(op, NT_SUCCESS(status_of(rsp)) ? STATUS_REPARSE_POINT_NOT_RESOLVED : status_of(rsp));
    else {
        op->child = inode_adopt(op, op->inode, op->name, op->nameUnits, rsp);
        op->afterChild(op);
    }
}

void with_child(OP *op, THEN *then)
{
    FRONT *front = op->front;
    pthread_mutex_lock(&front->lock);
    if ((op->child = inode_find(front, op->inode, op->name, op->nameUnits)) != NULL)
        op->child->references++;
    pthread_mutex_unlock(&front->lock);
    if (op->child != NULL) {
        then(op);
        return;
    }
    op->afterChild = then;
    op->disposition = FILE_OPEN;
    op->createOptions = op->attributes = 0;
    op->access = MAXIMUM_ALLOWED;
    if (request_create(op, op->inode, op->name, op->nameUnits))
        op_post(op, child_opened);
}

static void removed(OP *op) { reply_error(op, op->result); }
static void remove_it(OP *op) { remove_child(op, op->child, op->inode, op->name, op->nameUnits, removed); }
static void in_names(OP *op) { with_child(op, remove_it); }

void do_unlink(OP *op)
{
    int error = name_of(op_argument(op), op->name, &op->nameUnits, MAX_NAME_UNITS);
    if (error != 0)
        reply_error(op, error);
    else
        names_enter(op, 1, in_names);
}

void do_rmdir(OP *op) { do_unlink(op); } /* the kernel has looked that it is a directory, the host that it is empty */
