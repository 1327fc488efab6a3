/*
 * Io: file objects after the open: requests for them, cleanup at the last handle, close at the last reference.
 */
#include "kernel.h"

PDEVICE_OBJECT file_device(PFILE_OBJECT file)
{
    if (file->Vpb != NULL && file->Vpb->DeviceObject != NULL)
        return file->Vpb->DeviceObject;
    if (!(file->Flags & FO_DIRECT_DEVICE_OPEN) && file->DeviceObject->Vpb != NULL &&
        file->DeviceObject->Vpb->DeviceObject != NULL)
        return file->DeviceObject->Vpb->DeviceObject;
    return file->DeviceObject;
}

KERNEL PDEVICE_OBJECT K_IoGetRelatedDeviceObject(PFILE_OBJECT file) { return file_device(file); }

PIRP irp_for(PFILE_OBJECT file, UCHAR major, UCHAR minor, KPROCESSOR_MODE mode, PIO_STACK_LOCATION *stack)
{
    PIRP irp = irp_allocate(file_device(file)->StackSize);
    irp->RequestorMode = mode;
    irp->Tail.Overlay.OriginalFileObject = file;
    *stack = irp->Tail.Overlay.CurrentStackLocation - 1;
    (*stack)->MajorFunction = major;
    (*stack)->MinorFunction = minor;
    (*stack)->FileObject = file;
    return irp;
}

NTSTATUS irp_run(PFILE_OBJECT file, PIRP irp, uint32_t *done)
{
    KEVENT event;
    IO_STATUS_BLOCK iosb;
    event_initialize(&event, NotificationEvent, FALSE);
    iosb.Status = 0;
    iosb.Information = 0;
    irp->UserEvent = &event;
    irp->UserIosb = &iosb;
    irp_call(file_device(file), irp);
    wait_for(&event, NULL);
    if (done != NULL)
        *done = (uint32_t)iosb.Information;
    return iosb.Status;
}

NTSTATUS file_cleanup(PFILE_OBJECT file)
{
    PIO_STACK_LOCATION sp;
    PIRP irp = irp_for(file, IRP_MJ_CLEANUP, 0, KernelMode, &sp);
    irp->Flags = IRP_CLOSE_OPERATION | IRP_SYNCHRONOUS_API;
    NTSTATUS status = irp_run(file, irp, NULL);
    file->Flags |= FO_CLEANUP_COMPLETE;
    return status;
}

void file_last_reference(PFILE_OBJECT file)
{
    if (OB(file)->never_opened)
        return;
    OB(file)->references = 1;
    PIO_STACK_LOCATION sp;
    PIRP irp = irp_for(file, IRP_MJ_CLOSE, 0, KernelMode, &sp);
    irp->Flags = IRP_CLOSE_OPERATION | IRP_SYNCHRONOUS_API;
    PVPB vpb = file->Vpb;
    PDEVICE_OBJECT device = file->DeviceObject;
    irp_run(file, irp, NULL);
    if (vpb != NULL)
        _InterlockedDecrement((LONG volatile *)&vpb->ReferenceCount);
    if (file->FileName.Buffer != NULL)
        pool_free(file->FileName.Buffer);
    ob_dereference(device);
}
