/*
 * Transact: answers come in, are looked at and completed; then requests go out (docs/winfsp.md, "Dispatching").
 */
#include "core/queue.h"

static void complete(VOLUME *v, IRP *irp, const FSP_FSCTL_TRANSACT_RSP *rsp, SIZE_T room)
{
    const FSP_FSCTL_TRANSACT_REQ *req = irp->req;
    NTSTATUS status = (NTSTATUS)rsp->IoStatus.Status;
    FSP_FSCTL_TRANSACT_RSP bare;
    DELIVERING *delivering;
    int spoilt = status == STATUS_PENDING || (rsp->IoStatus.Status & 0x30000000u) != 0;
    if (v->strict != NULL)
        strict_answer(v, irp, rsp, room);
    switch (req->Kind) {
    case FspFsctlTransactCreateKind:
        if (NT_SUCCESS(status) && status != STATUS_REPARSE && !spoilt)
            atomic_fetch_add_explicit(&v->openHandles, 1, memory_order_relaxed);
        break;
    case FspFsctlTransactOverwriteKind: /* the library closed the file already, nobody will send a Close */
        if (!NT_SUCCESS(status))
            atomic_fetch_sub_explicit(&v->openHandles, 1, memory_order_relaxed);
        break;
    case FspFsctlTransactCloseKind:
        if (!irp->stale) /* a script may close what is closed */
            atomic_fetch_sub_explicit(&v->openHandles, 1, memory_order_relaxed);
        break;
    case FspFsctlTransactReadKind:
    case FspFsctlTransactWriteKind:
        spoilt |= NT_SUCCESS(status) && rsp->IoStatus.Information > req->Req.Read.Length;
        break;
    case FspFsctlTransactQueryDirectoryKind:
        spoilt |= NT_SUCCESS(status) && rsp->IoStatus.Information > req->Req.QueryDirectory.Length;
        break;
    }
    if (spoilt) {
        memset(&bare, 0, sizeof bare);
        bare.Size = sizeof bare;
        bare.Kind = req->Kind;
        bare.Hint = irp->hint;
        bare.IoStatus.Status = (UINT32)STATUS_INTERNAL_ERROR;
        rsp = &bare;
    } else if ((delivering = atomic_load_explicit(&v->delivering, memory_order_acquire)) != NULL)
        delivering(v, irp, rsp);
    irp->complete(irp, rsp);
}

static void deliver(VOLUME *v, const UINT8 *at, SIZE_T left)
{
    while (left >= sizeof(FSP_FSCTL_TRANSACT_RSP)) {
        const FSP_FSCTL_TRANSACT_RSP *rsp = (const void *)at;
        SIZE_T size = rsp->Size, aligned = FSP_FSCTL_DEFAULT_ALIGN_UP(size);
        int again = 0, ignored = 0;
        IRP *irp;
        if (size < sizeof *rsp) {
            if (size != 0)
                strict_violation(v, NULL, "a response of %u bytes (hint %llx): less than 128 ends the list", rsp->Size,
                    (unsigned long long)rsp->Hint);
            return;
        }
        if (aligned > left) {
            strict_violation(v, NULL,
                "a response of %u bytes does not fit in the remaining %zu, rounded up to 8: dropped, its request (hint "
                "%llx) hangs",
                rsp->Size, (size_t)left, (unsigned long long)rsp->Hint);
            return;
        }
        irp = queue_take_answered(v, rsp->Hint, &again, &ignored);
        if (again)
            strict_violation(
                v, NULL, "%s with hint %llx was answered twice", kind_name(rsp->Kind), (unsigned long long)rsp->Hint);
        if (irp != NULL)
            complete(v, irp, rsp, left);
        at += aligned;
        left -= aligned;
    }
}

NTSTATUS queue_transact(VOLUME *v, const void *rsp, SIZE_T rspSize, void *req, SIZE_T *reqSize, BOOLEAN batch)
{
    SIZE_T capacity = 0;
    if (reqSize != NULL) {
        capacity = *reqSize;
        *reqSize = 0;
    }
    if (req != NULL && capacity < (batch ? FSP_FSCTL_TRANSACT_BATCH_BUFFER_SIZEMIN : FSP_FSCTL_TRANSACT_BUFFER_SIZEMIN))
        return STATUS_BUFFER_TOO_SMALL;
    if (rsp != NULL && rspSize != 0 && rspSize < sizeof(FSP_FSCTL_TRANSACT_RSP))
        return STATUS_INVALID_PARAMETER;
    if (rsp == NULL && req == NULL) { /* Transact0 */
        atomic_store(&v->ready, 1);
        return atomic_load(&v->stopped0) ? STATUS_CANCELLED : STATUS_SUCCESS;
    }
    if (rsp != NULL && rspSize != 0) {
        if (req != NULL)
            queue_promise(v); /* completions may post the next step of their chain: this thread will take it */
        deliver(v, rsp, rspSize);
    }
    if (req == NULL)
        return atomic_load(&v->stopped0) ? STATUS_CANCELLED : STATUS_SUCCESS;
    return queue_receive(v, req, capacity, reqSize, batch);
}
