/* From ops to IRPs: requests with their paths, and the post that never leaves an op without an answer. */
#include <errno.h>

#include "fuse/objects/front.h"

static void completed(IRP *irp, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    OP *op = (OP *)irp;
    FRONT *front = op->front;
    int again = 0;
    if (status_of(rsp) == STATUS_DISK_FULL &&
        (op->req.Kind == FspFsctlTransactWriteKind || op->req.Kind == FspFsctlTransactSetInformationKind)) {
        pthread_mutex_lock(&front->lock);
        again = lingering_end(front); /* now there may be room */
        pthread_mutex_unlock(&front->lock);
    }
    if (again)
        op_post(op, op->step);
    else
        op->step(op, rsp);
}

void op_post(OP *op, STEP *step)
{
    NTSTATUS status;
    op->step = step;
    op->irp.req = &op->req;
    op->irp.complete = completed;
    op->irp.noReply = 0;
    status = irp_post(op->front->volume, &op->irp);
    if (!NT_SUCCESS(status)) {
        FSP_FSCTL_TRANSACT_RSP bare;
        memset(&bare, 0, sizeof bare);
        bare.Size = sizeof bare;
        bare.Kind = op->req.Kind;
        bare.IoStatus.Status = (UINT32)status;
        step(op, &bare);
    }
}

void request_context(OP *op, UINT32 kind)
{
    request_begin(&op->req, kind);
    op->req.Req.Context.UserContext = op->handle->context.UserContext;
    op->req.Req.Context.UserContext2 = op->handle->context.UserContext2;
}

void op_post_context(OP *op, UINT32 kind, STEP *step)
{
    request_context(op, kind);
    op_post(op, step);
}

int request_path(OP *op, FSP_FSCTL_TRANSACT_BUF *where, INODE *dir, const WCHAR *name, size_t units)
{
    FRONT *front = op->front;
    size_t total = name != NULL ? units + 1 : 0, at, bytes, begin = FSP_FSCTL_DEFAULT_ALIGN_UP(op->req.Size);
    WCHAR *to;
    int error = 0;
    pthread_mutex_lock(&front->lock);
    for (INODE *up = dir; up != NULL && up != &front->root; up = up->name.parent) {
        if (up->unlinked)
            error = ENOENT;
        total += up->name.units + 1;
    }
    if (total == 0)
        total = 1;
    bytes = (total + 1) * sizeof(WCHAR);
    if (error == 0 && begin + bytes > FSP_FSCTL_TRANSACT_REQ_SIZEMAX)
        error = ENAMETOOLONG;
    if (error == 0) {
        memset(op->reqBytes + op->req.Size, 0, begin - op->req.Size);
        to = (WCHAR *)(void *)(op->reqBytes + begin);
        to[0] = '\\';
        to[at = total] = 0;
        if (name != NULL) {
            memcpy(to + (at -= units), name, units * sizeof *name);
            to[--at] = '\\';
        }
        for (INODE *up = dir; up != NULL && up != &front->root; up = up->name.parent) {
            memcpy(to + (at -= up->name.units), up->name.text, up->name.units * sizeof *up->name.text);
            to[--at] = '\\';
        }
        where->Offset = (UINT16)(begin - sizeof op->req);
        where->Size = (UINT16)bytes;
        op->req.Size = (UINT16)(begin + bytes);
    }
    pthread_mutex_unlock(&front->lock);
    return error;
}

int request_inode_path(OP *op, FSP_FSCTL_TRANSACT_BUF *where, INODE *inode)
{
    return request_path(op, where, inode, NULL, 0);
}

int request_create(OP *op, INODE *dir, const WCHAR *name, size_t units)
{
    FRONT *front = op->front;
    int error, creates = op->disposition == FILE_CREATE;
    request_begin(&op->req, FspFsctlTransactCreateKind);
    /* FUSE follows links itself: what is opened is always the link. */
    op->req.Req.Create.CreateOptions = op->disposition << 24 | op->createOptions | FILE_OPEN_REPARSE_POINT;
    op->req.Req.Create.FileAttributes = op->attributes;
    op->req.Req.Create.AccessToken = (UINT64)op_in(op)->pid << 32 | FSP_LINUX_TOKEN_GRANT_ALL;
    op->req.Req.Create.DesiredAccess = op->access;
    op->req.Req.Create.ShareAccess = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
    op->req.Req.Create.UserMode = 1;
    op->req.Req.Create.HasTraversePrivilege = 1;
    op->req.Req.Create.CaseSensitive = front->caseSensitive != 0;
    op->req.Req.Create.AcceptsSecurityDescriptor = front->persistentAcls != 0;
    error = request_path(op, &op->req.FileName, dir, name, units);
    if (error == 0 && creates && front->persistentAcls) {
        UINT8 sd[MAX_POSIX_SD_BYTES];
        UINT32 size = sizeof sd;
        posix_sd_from_mode(op->uid, op->gid, op->mode & 07777, sd, &size);
        if (!request_add_bytes(&op->req, &op->req.Req.Create.SecurityDescriptor, sd, size))
            error = ENAMETOOLONG;
    }
    if (error == 0 && op->made == NULL && (op->made = handle_new(front)) == NULL)
        error = ENOMEM;
    /* Before the host does anything: a file that it had made without our knowing it would stay hidden behind what the
     * kernel remembers. */
    if (op->blank != NULL)
        inode_discard(front, op->blank); /* of another name */
    op->blank = NULL;
    if (error == 0 && name != NULL && (op->blank = inode_new(front, name, units)) == NULL)
        error = ENOMEM;
    if (error != 0)
        reply_error(op, error);
    return error == 0;
}
