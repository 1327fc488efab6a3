/*
 * Io: cancel-safe queues, over the driver's own lock, list and completion routines. As in Windows.
 */
#include "kernel.h"

static VOID csq_cancel(PDEVICE_OBJECT device, PIRP irp)
{
    PIO_CSQ csq = irp->Tail.Overlay.DriverContext[3];
    KIRQL irql;
    csq->CsqAcquireLock(csq, &irql);
    csq->CsqRemoveIrp(csq, irp);
    irp->Tail.Overlay.DriverContext[3] = NULL;
    csq->CsqReleaseLock(csq, irql);
    csq->CsqCompleteCanceledIrp(csq, irp);
}

KERNEL NTSTATUS K_IoCsqInitializeEx(
    PIO_CSQ csq, PVOID insert, PVOID remove, PVOID peek, PVOID lock, PVOID unlock, PVOID complete)
{
    csq->Type = 3;
    csq->CsqInsertIrp = insert;
    csq->CsqRemoveIrp = remove;
    csq->CsqPeekNextIrp = peek;
    csq->CsqAcquireLock = lock;
    csq->CsqReleaseLock = unlock;
    csq->CsqCompleteCanceledIrp = complete;
    csq->ReservePointer = NULL;
    return STATUS_SUCCESS;
}

KERNEL NTSTATUS K_IoCsqInsertIrpEx(PIO_CSQ csq, PIRP irp, PVOID context, PVOID insert_context)
{
    KIRQL irql;
    irp->Tail.Overlay.DriverContext[3] = csq;
    csq->CsqAcquireLock(csq, &irql);
    irp->Tail.Overlay.CurrentStackLocation->Control |= SL_PENDING_RETURNED;
    NTSTATUS result = ((NTSTATUS (*)(PIO_CSQ, PIRP, PVOID))csq->CsqInsertIrp)(csq, irp, insert_context);
    if (NT_SUCCESS(result)) {
        _InterlockedExchangePointer((PVOID volatile *)&irp->CancelRoutine, csq_cancel);
        if (irp->Cancel && _InterlockedExchangePointer((PVOID volatile *)&irp->CancelRoutine, NULL) != NULL) {
            csq->CsqRemoveIrp(csq, irp);
            irp->Tail.Overlay.DriverContext[3] = NULL;
            csq->CsqReleaseLock(csq, irql);
            csq->CsqCompleteCanceledIrp(csq, irp);
            return result;
        }
    }
    csq->CsqReleaseLock(csq, irql);
    return result;
}

KERNEL PIRP K_IoCsqRemoveNextIrp(PIO_CSQ csq, PVOID peek_context)
{
    KIRQL irql;
    csq->CsqAcquireLock(csq, &irql);
    PIRP irp = csq->CsqPeekNextIrp(csq, NULL, peek_context);
    while (irp != NULL) {
        if (_InterlockedExchangePointer((PVOID volatile *)&irp->CancelRoutine, NULL) != NULL) {
            csq->CsqRemoveIrp(csq, irp);
            irp->Tail.Overlay.DriverContext[3] = NULL;
            break;
        }
        irp = csq->CsqPeekNextIrp(csq, irp, peek_context);
    }
    csq->CsqReleaseLock(csq, irql);
    return irp;
}
