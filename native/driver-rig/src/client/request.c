/* The NT client: requests that go on after the call that made them: notification, oplocks. */
#include "kernel.h"

typedef struct {
    KEVENT event;
    IO_STATUS_BLOCK iosb;
    PIRP irp;
} REQUEST;

int32_t request_send(PFILE_OBJECT file, PIRP irp, void **request)
{
    REQUEST *r = host_alloc(sizeof *r);
    event_initialize(&r->event, NotificationEvent, FALSE);
    r->irp = irp;
    irp->AllocationFlags |= IRP_KEPT;
    irp->UserEvent = &r->event;
    irp->UserIosb = &r->iosb;
    *request = r;
    return irp_call(file_device(file), irp);
}

RIG_API int32_t rig_request_result(void *request, int cancel, uint32_t timeout_ms, uint32_t *done)
{
    REQUEST *r = request;
    LARGE_INTEGER limit = {.QuadPart = -(LONGLONG)timeout_ms * 10000};
    if (wait_for(&r->event, &limit) == STATUS_TIMEOUT) {
        if (!cancel)
            return STATUS_TIMEOUT;
        irp_cancel(r->irp);
        wait_for(&r->event, NULL);
    }
    NTSTATUS status = r->iosb.Status;
    if (done != NULL)
        *done = (ULONG)r->iosb.Information;
    irp_free(r->irp);
    host_free(r);
    return status;
}
