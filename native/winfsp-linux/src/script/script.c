/*
 * The script front end: any request, byte for byte, from any thread, with the answer to look at. What a kernel never
 * sends can be sent here, and what it would forgive is seen.
 *
 * A ticket lives from Submit to Forget (or to the volume's end). Transfer buffers that the library makes end at an
 * inaccessible page; when strict they are poisoned after the answer and looked at again at Forget; with "strict" 2
 * no thread can touch them any more at all.
 */
#include "core/queue.h"
#include "core/volumes.h"
#include "script/guarded.h"
#include "script/script.h"

#define MAX_TRANSFER_BYTES (256u << 20)

struct ticket {
    IRP irp; /* first: complete gets its address */
    struct ticket *next;
    FSP_FSCTL_TRANSACT_REQ *req;
    UINT8 *rsp;
    UINT8 *transfer; /* the library's own buffer, if it made one */
    UINT32 transferSize;
    void *region;
    size_t regionSize;
    UINT8 *data; /* what was in the buffer when the answer came */
    UINT32 dataSize;
    UINT64 heldFor;
    int done, forgotten, sealed;
};

static pthread_mutex_t makeLock = PTHREAD_MUTEX_INITIALIZER;

static void ticket_free(TICKET *ticket)
{
    if (ticket->region != NULL)
        guarded_free(ticket->region, ticket->regionSize);
    free(ticket->data);
    free(ticket->rsp);
    free(ticket->req);
    free(ticket);
}

static void scripts_free(VOLUME *v)
{
    SCRIPTS *scripts = v->companion;
    if (scripts == NULL)
        return;
    v->companion = NULL;
    for (UINT32 i = 0; i < TICKET_BUCKETS; i++)
        while (scripts->buckets[i] != NULL) {
            TICKET *ticket = scripts->buckets[i];
            scripts->buckets[i] = ticket->next;
            ticket_free(ticket);
        }
    pthread_mutex_destroy(&scripts->lock);
    pthread_cond_destroy(&scripts->changed);
    free(scripts);
}

SCRIPTS *scripts_of(VOLUME *v)
{
    SCRIPTS *scripts;
    pthread_mutex_lock(&makeLock);
    scripts = v->companion;
    if (scripts == NULL && (scripts = calloc(1, sizeof *scripts)) != NULL) {
        pthread_mutex_init(&scripts->lock, NULL);
        platform_cond_init(&scripts->changed);
        scripts->holdTimeoutMs = 5000;
        v->freeCompanion = scripts_free;
        v->companion = scripts;
    }
    pthread_mutex_unlock(&makeLock);
    return scripts;
}

static TICKET **find(SCRIPTS *scripts, UINT64 hint)
{
    TICKET **at = &scripts->buckets[(hint ^ hint >> 20) % TICKET_BUCKETS];
    while (*at != NULL && (*at)->irp.hint != hint)
        at = &(*at)->next;
    return at;
}

static int has_transfer(UINT32 kind)
{
    return kind == FspFsctlTransactReadKind || kind == FspFsctlTransactWriteKind ||
           kind == FspFsctlTransactQueryDirectoryKind;
}

static UINT32 transfer_length(const FSP_FSCTL_TRANSACT_REQ *req)
{
    return req->Kind == FspFsctlTransactQueryDirectoryKind ? req->Req.QueryDirectory.Length : req->Req.Read.Length;
}

/* On the delivering thread. The transfer buffer dies with the answer, as it does on Windows. */
static void complete(IRP *irp, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    TICKET *ticket = (TICKET *)irp;
    VOLUME *v = irp->volume;
    SCRIPTS *scripts = v->companion;
    int strict = (int)v->options[OPTION_STRICT];
    UINT8 *copy = malloc(rsp->Size);
    if (copy != NULL)
        memcpy(copy, rsp, rsp->Size);
    if (ticket->transfer != NULL) {
        if (ticket->req->Kind == FspFsctlTransactWriteKind) {
            if (strict && ticket->data != NULL && memcmp(ticket->data, ticket->transfer, ticket->transferSize) != 0)
                strict_violation(v, ticket->req, "the data of a Write were changed by the host");
        } else if (NT_SUCCESS((NTSTATUS)rsp->IoStatus.Status) &&
                   (ticket->data = malloc(ticket->transferSize + 1u)) != NULL) {
            ticket->dataSize = rsp->IoStatus.Information;
            memcpy(ticket->data, ticket->transfer, ticket->transferSize);
        }
        if (strict > 1)
            guarded_seal(ticket->region, ticket->regionSize);
        else if (strict)
            memset(ticket->transfer, POISON, ticket->transferSize);
        ticket->sealed = strict;
    }
    pthread_mutex_lock(&scripts->lock);
    while (ticket->heldFor != 0 && !atomic_load(&v->stopped)) {
        TICKET *nested = *find(scripts, ticket->heldFor);
        if (nested == NULL || nested->done)
            break;
        pthread_mutex_unlock(&scripts->lock);
        queue_unpromise(v);
        pthread_mutex_lock(&scripts->lock);
        nested = *find(scripts, ticket->heldFor);
        if (nested != NULL && !nested->done) /* Stop completes the nested one, too: that wakes us */
            platform_cond_wait_until(&scripts->changed, &scripts->lock, platform_now_ns() + 100000000u);
    }
    ticket->rsp = copy;
    ticket->done = 1;
    if (ticket->forgotten) {
        TICKET **at = find(scripts, irp->hint);
        if (*at == ticket)
            *at = ticket->next;
        ticket_free(ticket);
    }
    pthread_cond_broadcast(&scripts->changed);
    pthread_mutex_unlock(&scripts->lock);
}

static NTSTATUS submit(
    HANDLE handle, const void *request, UINT32 size, const void *data, UINT32 dataSize, UINT64 *ticketOut)
{
    const FSP_FSCTL_TRANSACT_REQ *req = request;
    VOLUME *v = volume_enter(handle);
    SCRIPTS *scripts;
    TICKET *ticket;
    TICKET **bucket;
    NTSTATUS status = STATUS_INSUFFICIENT_RESOURCES;
    if (v == NULL)
        return STATUS_INVALID_HANDLE;
    if (request == NULL || size < sizeof *req || req->Size < sizeof *req || req->Size > size ||
        req->Size > FSP_FSCTL_TRANSACT_REQ_SIZEMAX) {
        volume_leave(v);
        return STATUS_INVALID_PARAMETER;
    }
    if (data == NULL && size > req->Size) {
        data = (const UINT8 *)request + req->Size;
        dataSize = size - req->Size;
    }
    scripts = scripts_of(v);
    ticket = calloc(1, sizeof *ticket);
    if (scripts == NULL || ticket == NULL || (ticket->req = calloc(1, FSP_FSCTL_DEFAULT_ALIGN_UP(req->Size))) == NULL)
        goto fail;
    memcpy(ticket->req, req, req->Size);
    ticket->irp.req = ticket->req;
    ticket->irp.complete = complete;
    if (has_transfer(req->Kind) && req->Req.Read.Address == 0) { /* at the same place in all three */
        ticket->transferSize = transfer_length(req);
        if (ticket->transferSize > MAX_TRANSFER_BYTES) {
            status = STATUS_INVALID_PARAMETER;
            goto fail;
        }
        ticket->transfer = guarded_alloc(ticket->transferSize, &ticket->region, &ticket->regionSize);
        if (ticket->transfer == NULL)
            goto fail;
        if (req->Kind == FspFsctlTransactWriteKind) {
            UINT32 given = dataSize < ticket->transferSize ? dataSize : ticket->transferSize;
            if (data != NULL)
                memcpy(ticket->transfer, data, given);
            if ((ticket->data = malloc(ticket->transferSize + 1u)) == NULL)
                goto fail;
            memcpy(ticket->data, ticket->transfer, ticket->transferSize);
            ticket->dataSize = ticket->transferSize;
        } else
            memset(ticket->transfer, POISON, ticket->transferSize);
        ticket->req->Req.Read.Address = (UINT64)(uintptr_t)ticket->transfer;
    }
    pthread_mutex_lock(&scripts->lock); /* so that the ticket is in its bucket before its answer can be */
    status = irp_post(v, &ticket->irp);
    if (NT_SUCCESS(status)) {
        bucket = &scripts->buckets[(ticket->irp.hint ^ ticket->irp.hint >> 20) % TICKET_BUCKETS];
        ticket->next = *bucket;
        *bucket = ticket;
        *ticketOut = ticket->irp.hint;
        ticket = NULL;
    }
    pthread_mutex_unlock(&scripts->lock);
fail:
    if (ticket != NULL)
        ticket_free(ticket);
    volume_leave(v);
    return status;
}

NTSTATUS FspLinuxScriptSubmit(HANDLE Volume, const void *Request, UINT32 Size, UINT64 *Ticket)
{
    return submit(Volume, Request, Size, NULL, 0, Ticket);
}

NTSTATUS FspLinuxScriptSubmitData(
    HANDLE Volume, const void *Request, UINT32 Size, const void *Data, UINT32 DataSize, UINT64 *Ticket)
{
    return submit(Volume, Request, Size, Data, DataSize, Ticket);
}

NTSTATUS FspLinuxScriptWait(HANDLE Volume, UINT64 Ticket, UINT32 TimeoutMs, void *Response, UINT32 *ResponseSize)
{
    VOLUME *v = volume_enter(Volume);
    SCRIPTS *scripts;
    TICKET *ticket;
    UINT64 deadline = TimeoutMs == UINT32_MAX ? UINT64_MAX : platform_now_ns() + (UINT64)TimeoutMs * 1000000u;
    NTSTATUS status = STATUS_SUCCESS;
    if (v == NULL)
        return STATUS_INVALID_HANDLE;
    if ((scripts = scripts_of(v)) == NULL) {
        volume_leave(v);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    pthread_mutex_lock(&scripts->lock);
    for (;;) {
        ticket = *find(scripts, Ticket);
        if (ticket == NULL || ticket->forgotten) {
            status = STATUS_INVALID_PARAMETER;
            break;
        }
        if (ticket->done) {
            UINT32 size = ticket->rsp != NULL ? ((FSP_FSCTL_TRANSACT_RSP *)ticket->rsp)->Size : 0;
            if (Response != NULL && size <= *ResponseSize)
                memcpy(Response, ticket->rsp, size);
            else if (Response != NULL)
                status = STATUS_BUFFER_TOO_SMALL;
            if (ResponseSize != NULL)
                *ResponseSize = size;
            break;
        }
        if (platform_cond_wait_until(&scripts->changed, &scripts->lock, deadline)) {
            ticket = *find(scripts, Ticket);
            if (ticket == NULL || !ticket->done) {
                status = STATUS_TIMEOUT;
                break;
            }
        }
    }
    pthread_mutex_unlock(&scripts->lock);
    volume_leave(v);
    return status;
}

NTSTATUS FspLinuxScriptData(HANDLE Volume, UINT64 Ticket, void *Buffer, UINT32 *Size)
{
    VOLUME *v = volume_enter(Volume);
    SCRIPTS *scripts;
    TICKET *ticket;
    NTSTATUS status = STATUS_INVALID_PARAMETER;
    if (v == NULL)
        return STATUS_INVALID_HANDLE;
    if ((scripts = scripts_of(v)) != NULL) {
        pthread_mutex_lock(&scripts->lock);
        ticket = *find(scripts, Ticket);
        if (ticket != NULL && !ticket->forgotten) {
            UINT32 there = ticket->data != NULL ? ticket->dataSize : 0, copied = there < *Size ? there : *Size;
            status = copied < there ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
            if (Buffer != NULL && copied != 0)
                memcpy(Buffer, ticket->data, copied);
            *Size = there;
        }
        pthread_mutex_unlock(&scripts->lock);
    }
    volume_leave(v);
    return status;
}

NTSTATUS FspLinuxScriptForget(HANDLE Volume, UINT64 Ticket)
{
    VOLUME *v = volume_enter(Volume);
    SCRIPTS *scripts;
    TICKET *ticket = NULL, **at;
    NTSTATUS status = STATUS_INVALID_PARAMETER;
    if (v == NULL)
        return STATUS_INVALID_HANDLE;
    if ((scripts = scripts_of(v)) != NULL) {
        pthread_mutex_lock(&scripts->lock);
        at = find(scripts, Ticket);
        if ((ticket = *at) != NULL && !ticket->forgotten) {
            status = STATUS_SUCCESS;
            ticket->forgotten = 1;
            if (ticket->done)
                *at = ticket->next;
            else
                ticket = NULL; /* its completion frees it */
        } else
            ticket = NULL;
        pthread_mutex_unlock(&scripts->lock);
    }
    if (ticket != NULL) {
        if (ticket->sealed == 1)
            for (UINT32 i = 0; i < ticket->transferSize; i++)
                if (ticket->transfer[i] != POISON) {
                    strict_violation(
                        v, ticket->req, "the transfer buffer was written to (byte %u) after the answer", i);
                    break;
                }
        ticket_free(ticket);
    }
    volume_leave(v);
    return status;
}

NTSTATUS FspLinuxScriptHold(HANDLE Volume, UINT64 Ticket, UINT64 NestedTicket)
{
    VOLUME *v = volume_enter(Volume);
    SCRIPTS *scripts;
    NTSTATUS status = STATUS_INVALID_PARAMETER;
    if (v == NULL)
        return STATUS_INVALID_HANDLE;
    if ((scripts = scripts_of(v)) != NULL) {
        TICKET *ticket;
        pthread_mutex_lock(&scripts->lock);
        ticket = *find(scripts, Ticket);
        if (ticket != NULL && *find(scripts, NestedTicket) != NULL) {
            status = ticket->done ? STATUS_TOO_LATE : STATUS_SUCCESS;
            ticket->heldFor = NestedTicket;
        }
        pthread_mutex_unlock(&scripts->lock);
    }
    volume_leave(v);
    return status;
}
