/*
 * The NT client: what NtCreateFile and its family do above a file system. A file is a pointer to its FILE_OBJECT.
 * Fast I/O is tried first for synchronous files, as the I/O manager does it.
 */
#include "kernel.h"

RIG_API int32_t rig_open_ex(const rig_open_t *request, void **file, uint32_t *information)
{
    PFILE_OBJECT f = NULL;
    ULONG info = 0;
    NTSTATUS status = file_open(request, &f, &info);
    if (file)
        *file = f;
    if (information)
        *information = info;
    return status;
}

RIG_API int32_t rig_open(const wchar_t *path, uint32_t access, uint32_t attributes, uint32_t share,
    uint32_t disposition, uint32_t options, void **file, uint32_t *information)
{
    rig_open_t r = {.path = path,
        .access = access,
        .attributes = attributes,
        .share = share,
        .disposition = disposition,
        .options = options};
    return rig_open_ex(&r, file, information);
}

RIG_API int32_t rig_cleanup(void *file) { return file_cleanup(file); }

RIG_API int32_t rig_close(void *file)
{
    PFILE_OBJECT f = file;
    if (!(f->Flags & FO_CLEANUP_COMPLETE))
        file_cleanup(f);
    ob_dereference(f);
    return STATUS_SUCCESS;
}

/* Only what the I/O manager asks by fast I/O: synchronous handles with a cache. */
static BOOLEAN may_be_fast(PFILE_OBJECT f)
{
    return f->PrivateCacheMap && (f->Flags & FO_SYNCHRONOUS_IO) && !(f->Flags & FO_NO_INTERMEDIATE_BUFFERING);
}

static ULONG transfer_flags(PFILE_OBJECT f)
{
    return IRP_DEFER_IO_COMPLETION | ((f->Flags & FO_NO_INTERMEDIATE_BUFFERING) ? IRP_NOCACHE : 0) |
           ((f->Flags & FO_SYNCHRONOUS_IO) ? IRP_SYNCHRONOUS_API : 0);
}

static int32_t fast_done(int counter, PIO_STATUS_BLOCK iosb, uint32_t *done)
{
    count(counter);
    if (done)
        *done = (uint32_t)iosb->Information;
    return iosb->Status;
}

RIG_API int32_t rig_read(void *file, void *buffer, uint32_t length, int64_t offset, uint32_t *done)
{
    if (!has_access(file, FILE_READ_DATA))
        return STATUS_ACCESS_DENIED;
    PIO_STACK_LOCATION sp;
    PFILE_OBJECT f = file;
    PDEVICE_OBJECT device = file_device(f);
    IO_STATUS_BLOCK iosb = {{0}, 0};
    LARGE_INTEGER at;
    at.QuadPart = offset;
    if (may_be_fast(f) &&
        device->DriverObject->FastIoDispatch->FastIoRead(f, &at, length, TRUE, 0, buffer, &iosb, device) &&
        (iosb.Status == STATUS_SUCCESS || iosb.Status == STATUS_BUFFER_OVERFLOW || iosb.Status == STATUS_END_OF_FILE))
        return fast_done(COUNT_FAST_READS, &iosb, done);
    PIRP irp = irp_for(f, IRP_MJ_READ, 0, UserMode, &sp);
    irp->UserBuffer = buffer;
    irp->Flags = IRP_READ_OPERATION | transfer_flags(f);
    sp->Parameters.Read.Length = length;
    sp->Parameters.Read.ByteOffset.QuadPart = offset;
    return irp_run(f, irp, done);
}

RIG_API int32_t rig_write(void *file, const void *buffer, uint32_t length, int64_t offset, uint32_t *done)
{
    if (!has_access(file, FILE_WRITE_DATA) && !has_access(file, FILE_APPEND_DATA))
        return STATUS_ACCESS_DENIED;
    PIO_STACK_LOCATION sp;
    PFILE_OBJECT f = file;
    PDEVICE_OBJECT device = file_device(f);
    IO_STATUS_BLOCK iosb = {{0}, 0};
    LARGE_INTEGER at;
    at.QuadPart = offset;
    if (may_be_fast(f) &&
        device->DriverObject->FastIoDispatch->FastIoWrite(f, &at, length, TRUE, 0, (void *)buffer, &iosb, device) &&
        iosb.Status == STATUS_SUCCESS)
        return fast_done(COUNT_FAST_WRITES, &iosb, done);
    PIRP irp = irp_for(f, IRP_MJ_WRITE, 0, UserMode, &sp);
    irp->UserBuffer = (void *)buffer;
    irp->Flags = IRP_WRITE_OPERATION | transfer_flags(f);
    if (f->Flags & FO_WRITE_THROUGH)
        sp->Flags |= SL_WRITE_THROUGH;
    sp->Parameters.Write.Length = length;
    sp->Parameters.Write.ByteOffset.QuadPart = offset;
    return irp_run(f, irp, done);
}

RIG_API int32_t rig_flush(void *file)
{
    PIO_STACK_LOCATION sp;
    return irp_run(file, irp_for(file, IRP_MJ_FLUSH_BUFFERS, 0, UserMode, &sp), NULL);
}

static NTSTATUS lock_control(void *file, UCHAR minor, int64_t offset, int64_t length, uint32_t key, uint32_t flags)
{
    PIO_STACK_LOCATION sp;
    LARGE_INTEGER size;
    size.QuadPart = length;
    PIRP irp = irp_for(file, IRP_MJ_LOCK_CONTROL, minor, UserMode, &sp);
    sp->Flags = (UCHAR)flags;
    sp->Parameters.LockControl.Length = &size;
    sp->Parameters.LockControl.Key = key;
    sp->Parameters.LockControl.ByteOffset.QuadPart = offset;
    return irp_run(file, irp, NULL);
}

RIG_API int32_t rig_lock(void *file, int64_t offset, int64_t length, uint32_t key, uint32_t sl_flags)
{
    return lock_control(file, IRP_MN_LOCK, offset, length, key, sl_flags);
}

RIG_API int32_t rig_unlock(void *file, int64_t offset, int64_t length, uint32_t key)
{
    return lock_control(file, IRP_MN_UNLOCK_SINGLE, offset, length, key, 0);
}
