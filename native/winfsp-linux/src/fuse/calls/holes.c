/*
 * Holes: made by fallocate, and looked for by lseek. They go to the host as the control codes that Windows has for them
 * (FSCTL_SET_ZERO_DATA, FSCTL_QUERY_ALLOCATED_RANGES), through Control; WinFsp's driver would not pass them on.
 */
#include <errno.h>
#include <unistd.h>

#include "fuse/objects/front.h"

static int request_control(OP *op, UINT32 code, UINT64 first, UINT64 second, UINT32 outputBytes)
{
    const UINT64 range[2] = {first, second};
    request_context(op, FspFsctlTransactDeviceControlKind);
    op->req.Req.DeviceControl.IoControlCode = code;
    op->req.Req.DeviceControl.OutputLength = (UINT16)outputBytes;
    return request_add_bytes(&op->req, &op->req.Req.DeviceControl.Buffer, range, sizeof range);
}

static void zeroed(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    atomic_store_explicit(&op->inode->fresh, 0, memory_order_relaxed); /* the times */
    reply_status(op, status_of(rsp));
}

void zero_range(OP *op, UINT64 offset, UINT64 end)
{
    if (request_control(op, FSCTL_SET_ZERO_DATA, offset, end, 0))
        op_post(op, zeroed);
    else
        reply_error(op, EIO);
}

/* ---- lseek ---- */

static void found(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    const struct fuse_lseek_in *in = op_argument(op);
    FSP_FSCTL_TRANSACT_BUF where = rsp->Rsp.DeviceControl.Buffer;
    struct fuse_lseek_out out = {in->offset};
    UINT64 data[2];
    int any = where.Size >= sizeof data;
    NTSTATUS status = status_of(rsp);
    if (status == STATUS_INVALID_DEVICE_REQUEST || status == STATUS_NOT_IMPLEMENTED)
        reply_error(op, ENOSYS); /* the kernel asks no more, and takes all for data */
    else if (!NT_SUCCESS(status))
        reply_status(op, status);
    else if (sizeof *rsp + where.Offset + (size_t)where.Size > rsp->Size)
        reply_error(op, EIO);
    else if (!any && in->whence == SEEK_DATA)
        reply_error(op, ENXIO);
    else {
        if (any) {
            memcpy(data, rsp->Buffer + where.Offset, sizeof data);
            if (in->whence == SEEK_DATA)
                out.offset = data[0];
            else if (data[0] <= in->offset)
                out.offset = data[0] + data[1];
        }
        reply_data(op, &out, sizeof out);
    }
}

static void seek(OP *op)
{
    const struct fuse_lseek_in *in = op_argument(op);
    const UINT64 size = inode_info(op->front, op->inode).FileSize;
    if (in->offset >= size)
        reply_error(op, ENXIO);
    else if (request_control(op, FSCTL_QUERY_ALLOCATED_RANGES, in->offset, size - in->offset, 2 * sizeof(UINT64)))
        op_post(op, found);
    else
        reply_error(op, EIO);
}

static void seek_in_sizes(OP *op) { sizes_enter(op, op->inode, 0, seek); }

/* What was stored through a mapping has no page at the host before the kernel has written it. */
void do_lseek(OP *op)
{
    const struct fuse_lseek_in *in = op_argument(op);
    int mapped;
    op->handle = (FILE_OBJECT *)(uintptr_t)in->fh;
    if (in->whence != SEEK_DATA && in->whence != SEEK_HOLE) {
        reply_error(op, EINVAL);
        return;
    }
    pthread_mutex_lock(&op->front->lock);
    mapped = op->inode->mappable > 0;
    pthread_mutex_unlock(&op->front->lock);
    if (mapped)
        notifier_flush(op, op->inode, seek_in_sizes);
    else
        seek_in_sizes(op);
}
