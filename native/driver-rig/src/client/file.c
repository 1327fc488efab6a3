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

RIG_API int32_t rig_read(void *file, void *buffer, uint32_t length, int64_t offset, uint32_t *done)
{
    if (!has_access(file, FILE_READ_DATA))
        return STATUS_ACCESS_DENIED;
    PIO_STACK_LOCATION sp;
    PFILE_OBJECT f = file;
    ULONG n = 0;
    PDEVICE_OBJECT device = file_device(f);
    PFAST_IO_DISPATCH fast = device->DriverObject->FastIoDispatch;
    if (f->PrivateCacheMap && (f->Flags & FO_SYNCHRONOUS_IO) && !(f->Flags & FO_NO_INTERMEDIATE_BUFFERING)) {
        IO_STATUS_BLOCK iosb = {{0}, 0};
        LARGE_INTEGER at;
        at.QuadPart = offset;
        if (fast->FastIoRead(f, &at, length, TRUE, 0, buffer, &iosb, device) &&
            (iosb.Status == STATUS_SUCCESS || iosb.Status == STATUS_BUFFER_OVERFLOW ||
                iosb.Status == STATUS_END_OF_FILE)) {
            count(COUNT_FAST_READS);
            if (done)
                *done = (ULONG)iosb.Information;
            return iosb.Status;
        }
    }
    PIRP irp = irp_for(f, IRP_MJ_READ, 0, UserMode, &sp);
    irp->UserBuffer = buffer;
    irp->Flags = IRP_READ_OPERATION | IRP_DEFER_IO_COMPLETION |
                 ((f->Flags & FO_NO_INTERMEDIATE_BUFFERING) ? IRP_NOCACHE : 0) |
                 ((f->Flags & FO_SYNCHRONOUS_IO) ? IRP_SYNCHRONOUS_API : 0);
    sp->Parameters.Read.Length = length;
    sp->Parameters.Read.ByteOffset.QuadPart = offset;
    NTSTATUS status = irp_run(f, irp, &n);
    if (done)
        *done = n;
    return status;
}

RIG_API int32_t rig_write(void *file, const void *buffer, uint32_t length, int64_t offset, uint32_t *done)
{
    if (!has_access(file, FILE_WRITE_DATA) && !has_access(file, FILE_APPEND_DATA))
        return STATUS_ACCESS_DENIED;
    PIO_STACK_LOCATION sp;
    PFILE_OBJECT f = file;
    ULONG n = 0;
    PDEVICE_OBJECT device = file_device(f);
    PFAST_IO_DISPATCH fast = device->DriverObject->FastIoDispatch;
    if (f->PrivateCacheMap && (f->Flags & FO_SYNCHRONOUS_IO) && !(f->Flags & FO_NO_INTERMEDIATE_BUFFERING)) {
        IO_STATUS_BLOCK iosb = {{0}, 0};
        LARGE_INTEGER at;
        at.QuadPart = offset;
        if (fast->FastIoWrite(f, &at, length, TRUE, 0, (void *)buffer, &iosb, device) &&
            iosb.Status == STATUS_SUCCESS) {
            count(COUNT_FAST_WRITES);
            if (done)
                *done = (ULONG)iosb.Information;
            return iosb.Status;
        }
    }
    PIRP irp = irp_for(f, IRP_MJ_WRITE, 0, UserMode, &sp);
    irp->UserBuffer = (void *)buffer;
    irp->Flags = IRP_WRITE_OPERATION | IRP_DEFER_IO_COMPLETION |
                 ((f->Flags & FO_NO_INTERMEDIATE_BUFFERING) ? IRP_NOCACHE : 0) |
                 ((f->Flags & FO_SYNCHRONOUS_IO) ? IRP_SYNCHRONOUS_API : 0);
    if (f->Flags & FO_WRITE_THROUGH)
        sp->Flags |= SL_WRITE_THROUGH;
    sp->Parameters.Write.Length = length;
    sp->Parameters.Write.ByteOffset.QuadPart = offset;
    NTSTATUS status = irp_run(f, irp, &n);
    if (done)
        *done = n;
    return status;
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
