/*
 * The content of open files. With the kernel's cache on, a write beyond the end says so first (SetFileSize) and writes
 * then, as the Windows cache manager makes its callers do: a full disk is refused before a byte is taken. Data moves
 * once: from the kernel into the op's memory, or from the host into it, and from there to the other side.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>

#include "fuse/objects/front.h"

/* ---- read ---- */

static void read_done(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    NTSTATUS status = status_of(rsp);
    atomic_store_explicit(&op->inode->fresh, 0, memory_order_relaxed); /* the access time */
    if (NT_SUCCESS(status))
        reply_data(op, op_data(op), rsp->IoStatus.Information);
    else if (status == STATUS_END_OF_FILE)
        reply_data(op, NULL, 0);
    else
        reply_status(op, status);
}

void do_read(OP *op)
{
    const struct fuse_read_in *in = op_argument(op);
    op->handle = (FILE_OBJECT *)(uintptr_t)in->fh; /* held by the open file */
    request_context(op, FspFsctlTransactReadKind);
    op->req.Req.Read.Address = (uintptr_t)op_data(op);
    op->req.Req.Read.Offset = in->offset;
    op->req.Req.Read.Length = in->size < MAX_DATA_BYTES ? in->size : MAX_DATA_BYTES;
    if (in->size == 0)
        reply_data(op, NULL, 0);
    else
        op_post(op, read_done);
}

/* ---- write ---- */

/*
 * A store through a mapping reaches the host as paging I/O, which moves no times (docs/winfsp.md, "Caching"). On
 * Windows the driver sets them at Cleanup; a program on Linux may look before, so they are set with the write.
 */
static void times_set(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    const struct fuse_write_in *in = op_argument(op);
    struct fuse_write_out out = {in->size, 0}; /* what lies beyond the end is dropped, which is no failure */
    if (NT_SUCCESS(status_of(rsp)) && !op_learn(op, &rsp->Rsp.SetInformation.FileInfo))
        return;
    reply_data(op, &out, sizeof out);
}

static void set_times_of_mapped(OP *op)
{
    const UINT32 attributes =
        inode_info(op->front, op->inode).FileAttributes & ~(FILE_ATTRIBUTE_NORMAL | FILE_ATTRIBUTE_REPARSE_POINT);
    request_context(op, FspFsctlTransactSetInformationKind);
    op->req.Req.SetInformation.FileInformationClass = FileBasicInformation;
    op->req.Req.SetInformation.Info.Basic.FileAttributes =
        attributes & FILE_ATTRIBUTE_ARCHIVE ? INVALID_FILE_ATTRIBUTES : attributes | FILE_ATTRIBUTE_ARCHIVE;
    op->req.Req.SetInformation.Info.Basic.LastWriteTime = filetime_now();
    op->req.Req.SetInformation.Info.Basic.ChangeTime = op->req.Req.SetInformation.Info.Basic.LastWriteTime;
    op_post(op, times_set);
}

static void write_done(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    const struct fuse_write_in *in = op_argument(op);
    struct fuse_write_out out = {rsp->IoStatus.Information, 0};
    if (!NT_SUCCESS(status_of(rsp))) {
        reply_error(op, size_error(status_of(rsp), in->offset + in->size));
        return;
    }
    if (!op_learn(op, &rsp->Rsp.Write.FileInfo))
        return;
    if (in->write_flags & FUSE_WRITE_CACHE)
        set_times_of_mapped(op);
    else
        reply_data(op, &out, sizeof out);
}

static void write_now(OP *op)
{
    const struct fuse_write_in *in = op_argument(op);
    FRONT *front = op->front;
    request_context(op, FspFsctlTransactWriteKind);
    op->req.Req.Write.Address = (uintptr_t)(in + 1);
    /* Without a cache the kernel may not know the end; the host does. */
    op->req.Req.Write.Offset =
        (in->flags & O_APPEND) && !front->cached && !(in->write_flags & FUSE_WRITE_CACHE) ? UINT64_MAX : in->offset;
    op->req.Req.Write.Length = in->size;
    op->req.Req.Write.ConstrainedIo = (in->write_flags & FUSE_WRITE_CACHE) != 0;
    op_post(op, write_done);
}

static void extended(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    const struct fuse_write_in *in = op_argument(op);
    if (!NT_SUCCESS(status_of(rsp))) {
        reply_error(op, size_error(status_of(rsp), in->offset + in->size));
        return;
    }
    if (!op_learn(op, &rsp->Rsp.SetInformation.FileInfo))
        return;
    if (rsp->Rsp.SetInformation.FileInfo.FileSize < in->offset + in->size)
        reply_status(op, STATUS_INTERNAL_ERROR);
    else
        write_now(op);
}

/* Exact within the gate; before it, a guess. */
static int extends(OP *op)
{
    const struct fuse_write_in *in = op_argument(op);
    FRONT *front = op->front;
    UINT64 size;
    if (!front->cached || (in->write_flags & FUSE_WRITE_CACHE))
        return 0;
    pthread_mutex_lock(&front->lock);
    size = op->inode->info.FileSize;
    pthread_mutex_unlock(&front->lock);
    return in->offset + in->size > size;
}

static void extend_and_write(OP *op)
{
    const struct fuse_write_in *in = op_argument(op);
    if (!extends(op)) { /* another write has done it meanwhile */
        write_now(op);
        return;
    }
    request_context(op, FspFsctlTransactSetInformationKind);
    op->req.Req.SetInformation.FileInformationClass = FileEndOfFileInformation;
    op->req.Req.SetInformation.Info.EndOfFile.FileSize = in->offset + in->size;
    op_post(op, extended);
}

static void write_unless_extends(OP *op)
{
    if (extends(op)) { /* it was cut just now: queue again, to be alone */
        op_leave_sizes(op);
        sizes_enter(op, op->inode, 1, extend_and_write);
        return;
    }
    write_now(op);
}

static void write_at(OP *op, THEN *then)
{
    const struct fuse_write_in *in = op_argument(op);
    if (in->write_flags & FUSE_WRITE_KILL_SUIDGID)
        drop_set_ids(op, then);
    else
        then(op);
}

static void begin_extending(OP *op) { write_at(op, extend_and_write); }
static void begin_unless_extends(OP *op) { write_at(op, write_unless_extends); }

void do_write(OP *op)
{
    const struct fuse_write_in *in = op_argument(op);
    op->handle = (FILE_OBJECT *)(uintptr_t)in->fh;
    if (in->size == 0 || in->size > MAX_DATA_BYTES ||
        op_in(op)->len < sizeof(struct fuse_in_header) + sizeof *in + in->size)
        reply_error(op, EINVAL);
    else if (extends(op))
        sizes_enter(op, op->inode, 1, begin_extending);
    else
        sizes_enter(op, op->inode, 0, begin_unless_extends);
}

/* ---- fsync ---- */

static void flushed(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    if (NT_SUCCESS(status_of(rsp)) && !op_learn(op, &rsp->Rsp.FlushBuffers.FileInfo))
        return;
    reply_status(op, status_of(rsp));
}

static void flush(OP *op) { op_post_context(op, FspFsctlTransactFlushBuffersKind, flushed); }

void do_fsync(OP *op)
{
    const struct fuse_fsync_in *in = op_argument(op);
    op->handle = (FILE_OBJECT *)(uintptr_t)in->fh;
    sizes_enter(op, op->inode, 0, flush);
}

/* ---- fallocate ---- */

static void allocate_step(OP *op);

static void allocated(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    const struct fuse_fallocate_in *in = op_argument(op);
    if (!NT_SUCCESS(status_of(rsp))) {
        reply_error(op, size_error(status_of(rsp), in->offset + in->length));
        return;
    }
    if (!op_learn(op, &rsp->Rsp.SetInformation.FileInfo))
        return;
    op->flags++;
    allocate_step(op);
}

/* 0: what is it now? 1: reserve the room, if there is less. 2: move the end, if that was asked for. */
static void allocate_step(OP *op)
{
    const struct fuse_fallocate_in *in = op_argument(op);
    const FSP_FSCTL_FILE_INFO info = inode_info(op->front, op->inode);
    UINT64 end = in->offset + in->length, unit = op->front->unit, room = (end + unit - 1) / unit * unit;
    if (op->flags == 0) {
        op_post_context(op, FspFsctlTransactQueryInformationKind, allocated);
        return;
    }
    if (op->flags == 1 && room <= info.AllocationSize)
        op->flags = 2;
    if (op->flags == 2 && ((in->mode & FALLOC_FL_KEEP_SIZE) || end <= info.FileSize))
        op->flags = 3;
    if (op->flags == 3) {
        if (in->mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
            zero_range(op, in->offset, end);
        else
            reply_error(op, 0);
        return;
    }
    request_context(op, FspFsctlTransactSetInformationKind);
    op->req.Req.SetInformation.FileInformationClass =
        op->flags == 1 ? FileAllocationInformation : FileEndOfFileInformation;
    op->req.Req.SetInformation.Info.EndOfFile.FileSize = op->flags == 1 ? room : end;
    op_post(op, allocated);
}

/* The kernel does not say whether the bits should go, as it does with a write. */
static void begin_allocation(OP *op) { drop_set_ids(op, allocate_step); }

void do_fallocate(OP *op)
{
    const struct fuse_fallocate_in *in = op_argument(op);
    op->handle = (FILE_OBJECT *)(uintptr_t)in->fh;
    op->flags = in->mode & FALLOC_FL_PUNCH_HOLE ? 3 : 0; /* a hole needs no room */
    if (in->mode & ~(UINT32)(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
        reply_error(op, EOPNOTSUPP);
    else if (in->offset + in->length > (UINT64)INT64_MAX - op->front->unit)
        reply_error(op, EFBIG);
    else
        sizes_enter(op, op->inode, 1, op_in(op)->uid != 0 ? begin_allocation : allocate_step);
}

/* ---- copy_file_range ---- */

#define MAX_COPY_BYTES (8u << 20) /* in one step of the host's; the kernel asks for the rest */

static void copy_known(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    struct fuse_write_out out = {(UINT32)op->size, 0};
    if (!NT_SUCCESS(status_of(rsp)))
        reply_status(op, status_of(rsp));
    else if (op_learn(op, &rsp->Rsp.QueryInformation.FileInfo))
        reply_data(op, &out, sizeof out);
}

static void copied(OP *op, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    const struct fuse_copy_file_range_in *in = op_argument(op);
    FSP_FSCTL_TRANSACT_BUF where = rsp->Rsp.DeviceControl.Buffer;
    NTSTATUS status = status_of(rsp);
    if (status == STATUS_INVALID_DEVICE_REQUEST || status == STATUS_NOT_IMPLEMENTED)
        reply_error(op, ENOSYS); /* the kernel copies by reading and writing, and asks no more */
    else if (!NT_SUCCESS(status))
        reply_error(op, size_error(status, in->off_out + in->len));
    else if (where.Size != sizeof op->size || sizeof *rsp + where.Offset + (size_t)where.Size > rsp->Size)
        reply_error(op, EIO);
    else {
        memcpy(&op->size, rsp->Buffer + where.Offset, sizeof op->size);
        op_post_context(op, FspFsctlTransactQueryInformationKind, copy_known);
    }
}

static void copy(OP *op)
{
    const struct fuse_copy_file_range_in *in = op_argument(op);
    const FILE_OBJECT *source = (FILE_OBJECT *)(uintptr_t)in->fh_in;
    const UINT64 range[4] = {volume_file_system(op->front->volume)->UmFileContextIsUserContext2
                                 ? source->context.UserContext2
                                 : source->context.UserContext,
        in->off_in, in->off_out, in->len < MAX_COPY_BYTES ? in->len : MAX_COPY_BYTES};
    request_context(op, FspFsctlTransactDeviceControlKind);
    op->req.Req.DeviceControl.IoControlCode = FSP_LINUX_COPY_RANGE;
    op->req.Req.DeviceControl.OutputLength = sizeof op->size;
    if (request_add_bytes(&op->req, &op->req.Req.DeviceControl.Buffer, range, sizeof range))
        op_post(op, copied);
    else
        reply_error(op, EIO);
}

static void begin_copy(OP *op) { drop_set_ids(op, copy); }

/*
 * The kernel writes back what was stored through mappings, and drops its pages afterwards: what is stored meanwhile
 * into the first or the last of them would be lost. So where a mapping may be, it copies by reading and writing.
 */
void do_copy_range(OP *op)
{
    const struct fuse_copy_file_range_in *in = op_argument(op);
    int mapped;
    op->inode = inode_of(op->front, in->nodeid_out);
    op->handle = (FILE_OBJECT *)(uintptr_t)in->fh_out;
    pthread_mutex_lock(&op->front->lock);
    mapped = op->inode->mappable > 0;
    pthread_mutex_unlock(&op->front->lock);
    if (mapped || in->flags != 0)
        reply_error(op, EOPNOTSUPP);
    else if (in->off_out > (UINT64)INT64_MAX - in->len)
        reply_error(op, EFBIG);
    else
        sizes_enter(op, op->inode, 1, op_in(op)->uid != 0 ? begin_copy : copy);
}
