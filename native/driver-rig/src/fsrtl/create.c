/*
 * FsRtl: oplocks, network providers.
 *
 * No oplock is ever granted, which every client of a file system has to expect; so nobody holds
 * one, none breaks, and none keeps fast I/O or an open back. Windows: shared, exclusive, batch and handle oplocks with
 * breaks that wait for their holders.
 */
#include "kernel.h"

KERNEL VOID K_FsRtlInitializeOplock(PVOID *oplock) { *oplock = NULL; }

KERNEL VOID K_FsRtlUninitializeOplock(PVOID *oplock)
{
    if (*oplock != NULL)
        host_fatal("an oplock that was never initialised is taken down");
}

/* At create (FILE_OPEN_REQUIRING_OPLOCK) the request goes on; as a control code it is completed here. */
KERNEL NTSTATUS K_FsRtlOplockFsctrl(PVOID oplock, PIRP irp, ULONG open_count)
{
    if (irp->Tail.Overlay.CurrentStackLocation->MajorFunction == IRP_MJ_CREATE)
        return STATUS_SUCCESS;
    irp->IoStatus.Status = STATUS_OPLOCK_NOT_GRANTED;
    irp->IoStatus.Information = 0;
    irp_complete(irp);
    return STATUS_OPLOCK_NOT_GRANTED;
}

KERNEL NTSTATUS K_FsRtlCheckOplock(PVOID oplock, PIRP irp, PVOID context, PVOID wait, PVOID post)
{
    return STATUS_SUCCESS;
}

KERNEL NTSTATUS K_FsRtlCheckOplockEx(PVOID oplock, PIRP irp, ULONG flags, PVOID context, PVOID wait, PVOID post)
{
    return STATUS_SUCCESS;
}

KERNEL NTSTATUS K_FsRtlOplockBreakH(PVOID oplock, PIRP irp, ULONG flags, PVOID context, PVOID wait, PVOID post)
{
    return STATUS_SUCCESS;
}

KERNEL BOOLEAN K_FsRtlCurrentBatchOplock(PVOID oplock) { return FALSE; }

KERNEL BOOLEAN K_FsRtlCurrentOplockH(PVOID oplock) { return FALSE; }

KERNEL BOOLEAN K_FsRtlOplockIsFastIoPossible(PVOID oplock) { return TRUE; }

KERNEL BOOLEAN K_FsRtlOplockIsSharedRequest(PIRP irp) { return FALSE; }

KERNEL VOID K_FsRtlTeardownPerStreamContexts(PVOID header) {} /* filters make them, and there are none */

/* The driver registers a provider for network volumes when it starts; paths never come this way here. */
KERNEL NTSTATUS K_FsRtlRegisterUncProviderEx(PHANDLE handle, PUNICODE_STRING name, PDEVICE_OBJECT device, ULONG flags)
{
    *handle = (HANDLE)1;
    return STATUS_SUCCESS;
}

KERNEL VOID K_FsRtlDeregisterUncProvider(HANDLE handle) {}
