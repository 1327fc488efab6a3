/*
 * The NT client: information, security, extended attributes, of files and volumes.
 */
#include "kernel.h"

/* The driver reads a little behind the end of some short buffers, so there is something. */
#define BUFFER_PADDING 256

void irp_buffer(PIRP irp, const void *in, ULONG in_length, void *out, ULONG out_length)
{
    ULONG length = in_length > out_length ? in_length : out_length;
    irp->Flags |= IRP_BUFFERED_IO;
    if (length == 0)
        return;
    irp->AssociatedIrp.SystemBuffer = pool_allocate(length + BUFFER_PADDING, 'fuBI');
    RtlZeroMemory(irp->AssociatedIrp.SystemBuffer, length + BUFFER_PADDING);
    if (in_length != 0)
        RtlCopyMemory(irp->AssociatedIrp.SystemBuffer, in, in_length);
    irp->Flags |= IRP_DEALLOCATE_BUFFER | (out_length != 0 ? IRP_INPUT_OPERATION : 0);
    irp->UserBuffer = out_length != 0 ? out : NULL;
}

static BOOLEAN query_by_fast_io(
    PFILE_OBJECT file, ULONG information_class, void *buffer, ULONG length, PIO_STATUS_BLOCK iosb)
{
    PDEVICE_OBJECT device = file_device(file);
    PFAST_IO_DISPATCH fast = device->DriverObject->FastIoDispatch;
    if (!(file->Flags & FO_SYNCHRONOUS_IO))
        return FALSE;
    if (information_class == FileBasicInformation)
        return length >= sizeof(FILE_BASIC_INFORMATION) && fast->FastIoQueryBasicInfo(file, TRUE, buffer, iosb, device);
    if (information_class == FileStandardInformation)
        return length >= sizeof(FILE_STANDARD_INFORMATION) &&
               fast->FastIoQueryStandardInfo(file, TRUE, buffer, iosb, device);
    return FALSE;
}

RIG_API int32_t rig_query(void *file, uint32_t information_class, void *buffer, uint32_t length, uint32_t *done)
{
    PIO_STACK_LOCATION sp;
    IO_STATUS_BLOCK iosb = {{0}, 0};
    if (query_by_fast_io(file, information_class, buffer, length, &iosb)) {
        count(COUNT_FAST_QUERIES);
        if (done)
            *done = (ULONG)iosb.Information;
        return iosb.Status;
    }
    PIRP irp = irp_for(file, IRP_MJ_QUERY_INFORMATION, 0, UserMode, &sp);
    irp_buffer(irp, NULL, 0, buffer, length);
    sp->Parameters.QueryFile.Length = length;
    sp->Parameters.QueryFile.FileInformationClass = information_class;
    return irp_run(file, irp, done);
}

static ULONG rights_to_set(uint32_t information_class)
{
    switch (information_class) {
    case FileBasicInformation:
        return FILE_WRITE_ATTRIBUTES;
    case FileEndOfFileInformation:
    case FileAllocationInformation:
        return FILE_WRITE_DATA;
    default:
        return DELETE;
    }
}

RIG_API int32_t rig_set(void *file, uint32_t information_class, void *buffer, uint32_t length)
{
    if (!has_access(file, rights_to_set(information_class)))
        return STATUS_ACCESS_DENIED;
    PIO_STACK_LOCATION sp;
    PIRP irp = irp_for(file, IRP_MJ_SET_INFORMATION, 0, UserMode, &sp);
    irp_buffer(irp, buffer, length, NULL, 0);
    sp->Parameters.SetFile.Length = length;
    sp->Parameters.SetFile.FileInformationClass = information_class;
    return irp_run(file, irp, NULL);
}

RIG_API int32_t rig_query_volume(void *file, uint32_t information_class, void *buffer, uint32_t length, uint32_t *done)
{
    PIO_STACK_LOCATION sp;
    PIRP irp = irp_for(file, IRP_MJ_QUERY_VOLUME_INFORMATION, 0, UserMode, &sp);
    irp_buffer(irp, NULL, 0, buffer, length);
    sp->Parameters.QueryVolume.Length = length;
    sp->Parameters.QueryVolume.FsInformationClass = information_class;
    return irp_run(file, irp, done);
}

RIG_API int32_t rig_set_volume(void *file, uint32_t information_class, void *buffer, uint32_t length)
{
    PIO_STACK_LOCATION sp;
    PIRP irp = irp_for(file, IRP_MJ_SET_VOLUME_INFORMATION, 0, UserMode, &sp);
    irp_buffer(irp, buffer, length, NULL, 0);
    sp->Parameters.SetVolume.Length = length;
    sp->Parameters.SetVolume.FsInformationClass = information_class;
    return irp_run(file, irp, NULL);
}

RIG_API int32_t rig_query_security(void *file, uint32_t information, void *buffer, uint32_t length, uint32_t *done)
{
    PIO_STACK_LOCATION sp;
    PIRP irp = irp_for(file, IRP_MJ_QUERY_SECURITY, 0, UserMode, &sp);
    irp->UserBuffer = buffer;
    sp->Parameters.QuerySecurity.SecurityInformation = information;
    sp->Parameters.QuerySecurity.Length = length;
    return irp_run(file, irp, done);
}

RIG_API int32_t rig_set_security(void *file, uint32_t information, void *descriptor)
{
    PIO_STACK_LOCATION sp;
    PIRP irp = irp_for(file, IRP_MJ_SET_SECURITY, 0, UserMode, &sp);
    sp->Parameters.SetSecurity.SecurityInformation = information;
    sp->Parameters.SetSecurity.SecurityDescriptor = descriptor;
    return irp_run(file, irp, NULL);
}

RIG_API uint32_t rig_granted(void *file) { return OB(file)->granted; }

RIG_API int rig_link_target(const wchar_t *name, wchar_t *target, uint32_t chars)
{
    return name_link_target(name, target, chars);
}

RIG_API int32_t rig_query_ea(void *file, void *buffer, uint32_t length, const void *list, uint32_t list_length,
    uint32_t *index, int flags, uint32_t *done)
{
    PIO_STACK_LOCATION sp;
    PIRP irp = irp_for(file, IRP_MJ_QUERY_EA, 0, UserMode, &sp);
    irp->UserBuffer = buffer;
    sp->Flags = (UCHAR)flags;
    sp->Parameters.QueryEa.Length = length;
    sp->Parameters.QueryEa.EaList = (void *)list;
    sp->Parameters.QueryEa.EaListLength = list_length;
    sp->Parameters.QueryEa.EaIndex = index ? *index : 0;
    return irp_run(file, irp, done);
}

RIG_API int32_t rig_set_ea(void *file, void *buffer, uint32_t length)
{
    PIO_STACK_LOCATION sp;
    PIRP irp = irp_for(file, IRP_MJ_SET_EA, 0, UserMode, &sp);
    irp->UserBuffer = buffer;
    sp->Parameters.SetEa.Length = length;
    return irp_run(file, irp, NULL);
}

/* Rename with everything given: the target's parent is opened as the I/O manager does it (relative to root). */
