/* The NT client: reads and writes by descriptor lists, in two requests each: to get the pages and to give them back. */
#include "kernel.h"

static NTSTATUS send(
    PFILE_OBJECT file, int write, UCHAR minor, ULONG length, LONGLONG offset, PMDL *mdl, uint32_t *done)
{
    PIO_STACK_LOCATION sp;
    PIRP irp = irp_for(file, write ? IRP_MJ_WRITE : IRP_MJ_READ, minor, KernelMode, &sp);
    KEVENT event;
    IO_STATUS_BLOCK iosb = {{0}, 0};
    event_initialize(&event, NotificationEvent, FALSE);
    irp->AllocationFlags |= IRP_KEPT;
    irp->UserEvent = &event;
    irp->UserIosb = &iosb;
    irp->MdlAddress = *mdl;
    sp->Parameters.Read.Length = length; /* Read and Write have the same layout */
    sp->Parameters.Read.ByteOffset.QuadPart = offset;
    irp_call(file_device(file), irp);
    wait_for(&event, NULL);
    *mdl = irp->MdlAddress;
    *done = (ULONG)iosb.Information;
    irp_free(irp);
    return iosb.Status;
}

RIG_API int32_t rig_mdl_get(
    void *file, int write, uint32_t length, int64_t offset, void **list, void **address, uint32_t *done)
{
    PMDL mdl = NULL;
    NTSTATUS status = send(file, write, IRP_MN_MDL, length, offset, &mdl, done);
    *list = mdl;
    *address = mdl != NULL ? mdl->MappedSystemVa : NULL;
    return status;
}

RIG_API int32_t rig_mdl_give(void *file, int write, uint32_t length, int64_t offset, void *list)
{
    PMDL mdl = list;
    uint32_t done;
    NTSTATUS status = send(file, write, IRP_MN_COMPLETE_MDL, length, offset, &mdl, &done);
    if (mdl != NULL)
        host_fatal("a descriptor list was not given back");
    return status;
}
