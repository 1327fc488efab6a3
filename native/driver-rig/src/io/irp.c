/*
 * Io: request packets. One stack location a request, because no device has another above it.
 * Windows: completion runs partly in an APC of the requesting thread. Here: on the thread that completes, and the
 * requester only waits.
 */
#include "kernel.h"

static volatile LONG irps;

RIG_API uint32_t rig_irps(void) { return (uint32_t)irps; }

PIRP irp_allocate(CCHAR stack)
{
    USHORT size = (USHORT)(sizeof(IRP) + (stack + 1) * sizeof(IO_STACK_LOCATION));
    PIRP irp = pool_allocate(size, ' prI');
    RtlZeroMemory(irp, size);
    irp->Type = IO_TYPE_IRP;
    irp->Size = size;
    irp->StackCount = stack;
    irp->CurrentLocation = stack + 1;
    irp->Tail.Overlay.CurrentStackLocation = (PIO_STACK_LOCATION)(irp + 1) + stack;
    irp->ThreadListEntry.Flink = irp->ThreadListEntry.Blink = &irp->ThreadListEntry;
    irp->Tail.Overlay.Thread = host_thread();
    _InterlockedIncrement(&irps);
    return irp;
}

void irp_free(PIRP irp)
{
    _InterlockedDecrement(&irps);
    irp->Type = 0;
    pool_free(irp);
}

KERNEL PIRP K_IoAllocateIrp(CCHAR stack, BOOLEAN charge) { return irp_allocate(stack); }

KERNEL VOID K_IoFreeIrp(PIRP irp) { irp_free(irp); }

NTSTATUS irp_call(PDEVICE_OBJECT device, PIRP irp)
{
    irp->CurrentLocation--;
    PIO_STACK_LOCATION sp = --irp->Tail.Overlay.CurrentStackLocation;
    sp->DeviceObject = device;
    return device->DriverObject->MajorFunction[sp->MajorFunction](device, irp);
}

KERNEL NTSTATUS K_IofCallDriver(PDEVICE_OBJECT device, PIRP irp) { return irp_call(device, irp); }

/* No more than the caller has room for: Information may say how much there would be. */
static void copy_out(PIRP irp)
{
    PIO_STACK_LOCATION sp = (PIO_STACK_LOCATION)(irp + 1) + irp->StackCount - 1;
    /* Where the length is, for all requests with output but one. */
    ULONG room = sp->MajorFunction == IRP_MJ_QUERY_SECURITY ? sp->Parameters.QuerySecurity.Length
                                                            : sp->Parameters.QueryFile.Length;
    ULONG_PTR bytes = irp->IoStatus.Information < room ? irp->IoStatus.Information : room;
    RtlCopyMemory(irp->UserBuffer, irp->AssociatedIrp.SystemBuffer, bytes);
}

void irp_complete(PIRP irp)
{
    if (irp->Type != IO_TYPE_IRP)
        host_fatal("IRP %p completed twice", irp);
    while (irp->CurrentLocation <= irp->StackCount) {
        PIO_STACK_LOCATION sp = irp->Tail.Overlay.CurrentStackLocation;
        irp->PendingReturned = (sp->Control & SL_PENDING_RETURNED) != 0;
        irp->CurrentLocation++;
        irp->Tail.Overlay.CurrentStackLocation++;
        PDEVICE_OBJECT device =
            irp->CurrentLocation <= irp->StackCount ? irp->Tail.Overlay.CurrentStackLocation->DeviceObject : NULL;
        BOOLEAN ok = NT_SUCCESS(irp->IoStatus.Status);
        if (sp->CompletionRoutine != NULL &&
            ((ok && (sp->Control & SL_INVOKE_ON_SUCCESS)) || (!ok && (sp->Control & SL_INVOKE_ON_ERROR)) ||
                (irp->Cancel && (sp->Control & SL_INVOKE_ON_CANCEL)))) {
            if (sp->CompletionRoutine(device, irp, sp->Context) == STATUS_MORE_PROCESSING_REQUIRED)
                return;
        } else if (irp->PendingReturned && irp->CurrentLocation <= irp->StackCount) {
            irp->Tail.Overlay.CurrentStackLocation->Control |= SL_PENDING_RETURNED;
        }
    }
    /* What the I/O manager does in the end. */
    if (irp->Flags & IRP_BUFFERED_IO) {
        NTSTATUS s = irp->IoStatus.Status;
        if ((irp->Flags & IRP_INPUT_OPERATION) && !NT_ERROR(s) && irp->UserBuffer != NULL)
            copy_out(irp);
        if (irp->Flags & IRP_DEALLOCATE_BUFFER)
            pool_free(irp->AssociatedIrp.SystemBuffer);
    }
    /* A list of cached pages is the requester's, until it gives it back. */
    PIO_STACK_LOCATION top = (PIO_STACK_LOCATION)(irp + 1) + irp->StackCount - 1;
    BOOLEAN keeps =
        (top->MajorFunction == IRP_MJ_READ || top->MajorFunction == IRP_MJ_WRITE) && (top->MinorFunction & IRP_MN_MDL);
    for (PMDL mdl = keeps ? NULL : irp->MdlAddress, next; mdl != NULL; mdl = next) {
        next = mdl->Next;
        pool_free(mdl);
    }
    if (irp->Tail.Overlay.AuxiliaryBuffer != NULL)
        pool_free(irp->Tail.Overlay.AuxiliaryBuffer);
    PKEVENT event = irp->UserEvent;
    if (irp->UserIosb != NULL)
        *irp->UserIosb = irp->IoStatus;
    if (!(irp->AllocationFlags & IRP_KEPT))
        irp_free(irp);
    if (event != NULL)
        event_set(event);
}

KERNEL VOID K_IofCompleteRequest(PIRP irp, CCHAR boost) { irp_complete(irp); }

BOOLEAN irp_cancel(PIRP irp)
{
    KIRQL irql;
    K_IoAcquireVpbSpinLock(&irql);
    irp->Cancel = TRUE;
    PDRIVER_CANCEL routine = (PDRIVER_CANCEL)_InterlockedExchangePointer((PVOID volatile *)&irp->CancelRoutine, NULL);
    irp->CancelIrql = 0;
    K_IoReleaseVpbSpinLock(irql);
    if (routine == NULL)
        return FALSE;
    routine(irp->Tail.Overlay.CurrentStackLocation->DeviceObject, irp);
    return TRUE;
}

KERNEL BOOLEAN K_IoIsOperationSynchronous(PIRP irp)
{
    PIO_STACK_LOCATION sp = irp->Tail.Overlay.CurrentStackLocation;
    return (sp->FileObject != NULL && (sp->FileObject->Flags & FO_SYNCHRONOUS_IO)) ||
           (irp->Flags & (IRP_SYNCHRONOUS_API | IRP_SYNCHRONOUS_PAGING_IO));
}

KERNEL PIRP K_IoBuildDeviceIoControlRequest(ULONG code, PDEVICE_OBJECT device, PVOID in, ULONG in_length, PVOID out,
    ULONG out_length, BOOLEAN internal, PKEVENT event, PIO_STATUS_BLOCK iosb)
{
    NOT_IMPLEMENTED("requests to other devices");
}

KERNEL PIRP K_IoGetTopLevelIrp(void) { return host_tls_get(); }

KERNEL VOID K_IoSetTopLevelIrp(PIRP irp) { host_tls_set(irp); }

KERNEL PVOID K_IoGetCurrentProcess(void) { return g_process; }

KERNEL PVOID K_IoGetRequestorProcess(PIRP irp) { return g_process; }

KERNEL ULONG K_IoGetRequestorProcessId(PIRP irp) { return host_process_id(); }

KERNEL HANDLE K_PsGetProcessId(PVOID process) { return (HANDLE)(ULONG_PTR)host_process_id(); }

KERNEL NTSTATUS K_PsSetCreateProcessNotifyRoutine(PVOID routine, BOOLEAN remove) { return STATUS_SUCCESS; }
