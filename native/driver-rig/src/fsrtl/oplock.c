/* FsRtl: oplocks are requested, granted, acknowledged, cancelled. Breaks: oplock_break.c. */
#include "fsrtl/oplock.h"

char oplocks;
STATE *oplock_states;

static void complete(PIRP irp, NTSTATUS status, ULONG_PTR information)
{
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = information;
    irp_complete(irp);
}

static void cancelled(PDEVICE_OBJECT device, PIRP irp)
{
    DUE due = {.count = 0};
    WAITER *found = NULL;
    host_lock(&oplocks);
    for (STATE *state = oplock_states; state != NULL; state = state->next) {
        for (HOLDER *h = state->holders, *next; h != NULL; h = next) {
            next = h->next;
            if (h->irp == irp)
                oplock_forget(state, h);
        }
        for (WAITER **at = &state->waiters; *at != NULL; at = &(*at)->next)
            if ((*at)->irp == irp) {
                found = *at;
                *at = found->next;
                break;
            }
        oplock_release_waiters(state, &due);
    }
    oplock_unlock(&due);
    irp->IoStatus.Status = STATUS_CANCELLED;
    irp->IoStatus.Information = 0;
    if (found != NULL && found->completion != NULL)
        found->completion(found->context, irp);
    else
        irp_complete(irp);
    if (found != NULL)
        host_free(found);
}

BOOLEAN oplock_pend(PIRP irp)
{
    stack_of(irp)->Control |= SL_PENDING_RETURNED;
    _InterlockedExchangePointer((PVOID volatile *)&irp->CancelRoutine, cancelled);
    return !irp->Cancel || _InterlockedExchangePointer((PVOID volatile *)&irp->CancelRoutine, NULL) == NULL;
}

static BOOLEAN take(PIRP irp)
{
    return _InterlockedExchangePointer((PVOID volatile *)&irp->CancelRoutine, NULL) != NULL;
}

BOOLEAN oplock_end(DUE *due, HOLDER *holder, NTSTATUS status, ULONG new_level)
{
    PIRP irp = holder->irp;
    holder->irp = NULL;
    if (irp == NULL || !take(irp))
        return FALSE;
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = 0;
    if (holder->legacy) {
        irp->IoStatus.Information = new_level & CACHE_READ ? FILE_OPLOCK_BROKEN_TO_LEVEL_2 : FILE_OPLOCK_BROKEN_TO_NONE;
    } else if (status == STATUS_SUCCESS) {
        REQUEST_OPLOCK_OUTPUT_BUFFER *out = irp->AssociatedIrp.SystemBuffer;
        RtlZeroMemory(out, sizeof *out);
        out->StructureVersion = REQUEST_OPLOCK_CURRENT_VERSION;
        out->StructureLength = sizeof *out;
        out->OriginalOplockLevel = holder->level;
        out->NewOplockLevel = new_level;
        out->Flags = holder->breaking ? REQUEST_OPLOCK_OUTPUT_FLAG_ACK_REQUIRED : 0;
        irp->IoStatus.Information = sizeof *out;
    }
    if (due->count == sizeof due->irps / sizeof *due->irps)
        NOT_IMPLEMENTED("so many oplocks of one file");
    due->irps[due->count++] = irp;
    return TRUE;
}

void oplock_forget(STATE *state, HOLDER *holder)
{
    HOLDER **at = &state->holders;
    while (*at != holder)
        at = &(*at)->next;
    *at = holder->next;
    host_free(holder);
}

void oplock_end_all(STATE *state, PFILE_OBJECT file, NTSTATUS status, DUE *due)
{
    for (HOLDER *h = state->holders, *next; h != NULL; h = next) {
        next = h->next;
        if (h->file != file)
            continue;
        oplock_end(due, h, h->legacy ? STATUS_SUCCESS : status, 0);
        oplock_forget(state, h);
    }
}

BOOLEAN oplock_must_wait(STATE *state, PFILE_OBJECT file, ULONG lost, BOOLEAN any_key)
{
    for (HOLDER *h = state->holders; h != NULL; h = h->next)
        if (h->breaking && (any_key || h->file != file) && (h->level & ~h->broken_to & lost) != 0)
            return TRUE;
    return FALSE;
}

void oplock_release_waiters(STATE *state, DUE *due)
{
    for (WAITER **at = &state->waiters, *w; (w = *at) != NULL;) {
        if (oplock_must_wait(state, stack_of(w->irp)->FileObject, w->lost, w->any_key) || !take(w->irp)) {
            at = &w->next;
            continue;
        }
        *at = w->next;
        w->next = due->waiters;
        due->waiters = w;
    }
    host_wake(&oplocks);
}

void oplock_unlock(DUE *due)
{
    host_unlock(&oplocks);
    for (int i = 0; i < due->count; i++)
        irp_complete(due->irps[i]);
    for (WAITER *w = due->waiters, *next; w != NULL; w = next) {
        next = w->next;
        w->irp->IoStatus.Status = STATUS_SUCCESS;
        w->irp->IoStatus.Information = 0;
        if (w->completion != NULL)
            w->completion(w->context, w->irp);
        else
            irp_complete(w->irp);
        host_free(w);
    }
}

static STATE *state_of(PVOID *oplock)
{
    if (*oplock == NULL) {
        STATE *state = host_alloc(sizeof *state);
        state->next = oplock_states;
        oplock_states = state;
        *oplock = state;
    }
    return *oplock;
}

static HOLDER *holder_of(STATE *state, PFILE_OBJECT file, BOOLEAN breaking)
{
    HOLDER *h = state->holders;
    while (h != NULL && (h->file != file || h->breaking != breaking))
        h = h->next;
    return h;
}

static NTSTATUS hold(STATE *state, PIRP irp, ULONG level, BOOLEAN legacy)
{
    HOLDER *h = host_alloc(sizeof *h);
    PFILE_OBJECT file = stack_of(irp)->FileObject;
    *h = (HOLDER){.next = state->holders, .file = file, .level = level, .legacy = legacy, .irp = irp};
    state->holders = h;
    if (!oplock_pend(irp)) {
        oplock_forget(state, h);
        return STATUS_CANCELLED;
    }
    return STATUS_PENDING;
}

/* Whether one may have it: nobody else's is exclusive, and an exclusive one is the only handle's. */
static NTSTATUS grant(STATE *state, PIRP irp, ULONG level, BOOLEAN legacy, ULONG open_count, DUE *due)
{
    PFILE_OBJECT file = stack_of(irp)->FileObject;
    BOOLEAN exclusive = (level & CACHE_WRITE) != 0;
    if ((file->Flags & FO_SYNCHRONOUS_IO) || open_count > (exclusive ? 1 : 0))
        return STATUS_OPLOCK_NOT_GRANTED;
    for (HOLDER *h = state->holders; h != NULL; h = h->next)
        if (h->breaking || (h->file != file && (exclusive || (h->level & CACHE_WRITE))) ||
            (h->file == file && (h->level & ~level) != 0))
            return STATUS_OPLOCK_NOT_GRANTED;
    oplock_end_all(state, file, STATUS_OPLOCK_SWITCHED_TO_NEW_HANDLE, due);
    return hold(state, irp, level, legacy);
}

/* A level of 0 gives the oplock up; what is kept is held by the request that acknowledges. */
static NTSTATUS acknowledge(STATE *state, PIRP irp, ULONG level, BOOLEAN legacy, DUE *due)
{
    HOLDER *h = holder_of(state, stack_of(irp)->FileObject, TRUE);
    if (h == NULL || h->legacy != legacy)
        return STATUS_INVALID_OPLOCK_PROTOCOL;
    level &= h->broken_to;
    oplock_forget(state, h);
    NTSTATUS status = level != 0 ? hold(state, irp, level, legacy) : STATUS_SUCCESS;
    oplock_release_waiters(state, due);
    return status;
}

static NTSTATUS request_level(STATE *state, PIRP irp, ULONG open_count, DUE *due)
{
    PIO_STACK_LOCATION sp = stack_of(irp);
    REQUEST_OPLOCK_INPUT_BUFFER *in = irp->AssociatedIrp.SystemBuffer;
    if (sp->Parameters.FileSystemControl.InputBufferLength < sizeof *in)
        return STATUS_BUFFER_TOO_SMALL;
    if (sp->Parameters.FileSystemControl.OutputBufferLength < sizeof(REQUEST_OPLOCK_OUTPUT_BUFFER))
        return STATUS_BUFFER_TOO_SMALL;
    ULONG level = in->RequestedOplockLevel, flags = in->Flags;
    if (in->StructureVersion != REQUEST_OPLOCK_CURRENT_VERSION || (level & ~(CACHE_READ | CACHE_HANDLE | CACHE_WRITE)))
        return STATUS_INVALID_PARAMETER;
    if (flags == REQUEST_OPLOCK_INPUT_FLAG_ACK)
        return acknowledge(state, irp, level, FALSE, due);
    if (flags != REQUEST_OPLOCK_INPUT_FLAG_REQUEST || !(level & CACHE_READ))
        return STATUS_INVALID_PARAMETER;
    return grant(state, irp, level, FALSE, open_count, due);
}

static NTSTATUS wait_for_break(STATE *state, PIRP irp)
{
    if (!oplock_must_wait(state, stack_of(irp)->FileObject, ~0u, FALSE))
        return STATUS_SUCCESS;
    WAITER *w = host_alloc(sizeof *w);
    *w = (WAITER){.next = state->waiters, .irp = irp, .lost = ~0u};
    state->waiters = w;
    if (oplock_pend(irp))
        return STATUS_PENDING;
    state->waiters = w->next;
    host_free(w);
    return STATUS_CANCELLED;
}

static NTSTATUS control(STATE *state, PIRP irp, ULONG open_count, DUE *due)
{
    HOLDER *h;
    switch (stack_of(irp)->Parameters.FileSystemControl.FsControlCode) {
    case FSCTL_REQUEST_OPLOCK_LEVEL_1:
        return grant(state, irp, CACHE_READ | CACHE_WRITE, TRUE, open_count, due);
    case FSCTL_REQUEST_OPLOCK_LEVEL_2:
        return grant(state, irp, CACHE_READ, TRUE, open_count, due);
    case FSCTL_REQUEST_BATCH_OPLOCK:
        return grant(state, irp, CACHE_READ | CACHE_WRITE | CACHE_HANDLE, TRUE, open_count, due);
    case FSCTL_REQUEST_FILTER_OPLOCK:
        return STATUS_OPLOCK_NOT_GRANTED;
    case FSCTL_REQUEST_OPLOCK:
        return request_level(state, irp, open_count, due);
    case FSCTL_OPLOCK_BREAK_ACKNOWLEDGE:
        return acknowledge(state, irp, CACHE_READ, TRUE, due);
    case FSCTL_OPLOCK_BREAK_ACK_NO_2:
        return acknowledge(state, irp, 0, TRUE, due);
    case FSCTL_OPBATCH_ACK_CLOSE_PENDING:
        h = holder_of(state, stack_of(irp)->FileObject, TRUE);
        if (h == NULL || !h->legacy || h->closing)
            return STATUS_INVALID_OPLOCK_PROTOCOL;
        h->closing = TRUE;
        return STATUS_SUCCESS;
    case FSCTL_OPLOCK_BREAK_NOTIFY:
        return wait_for_break(state, irp);
    }
    NOT_IMPLEMENTED("a control code of oplocks");
}

/*
 * Completes the request or keeps it. At create (FILE_OPEN_REQUIRING_OPLOCK, FILE_RESERVE_OPFILTER) the request goes on
 * without. `open_count`: handles of the file, or for a shared oplock byte-range locks.
 */
KERNEL NTSTATUS K_FsRtlOplockFsctrl(PVOID *oplock, PIRP irp, ULONG open_count)
{
    if (stack_of(irp)->MajorFunction == IRP_MJ_CREATE)
        return STATUS_SUCCESS;
    DUE due = {.count = 0};
    host_lock(&oplocks);
    NTSTATUS status = control(state_of(oplock), irp, open_count, &due);
    oplock_unlock(&due);
    if (status != STATUS_PENDING)
        complete(irp, status, 0);
    return status;
}

KERNEL BOOLEAN K_FsRtlOplockIsSharedRequest(PIRP irp)
{
    PIO_STACK_LOCATION sp = stack_of(irp);
    ULONG code = sp->Parameters.FileSystemControl.FsControlCode;
    REQUEST_OPLOCK_INPUT_BUFFER *in = irp->AssociatedIrp.SystemBuffer;
    return code == FSCTL_REQUEST_OPLOCK_LEVEL_2 ||
           (code == FSCTL_REQUEST_OPLOCK && sp->Parameters.FileSystemControl.InputBufferLength >= sizeof *in &&
               (in->Flags & REQUEST_OPLOCK_INPUT_FLAG_REQUEST) && !(in->RequestedOplockLevel & CACHE_WRITE));
}

KERNEL VOID K_FsRtlInitializeOplock(PVOID *oplock) { *oplock = NULL; }

KERNEL VOID K_FsRtlUninitializeOplock(PVOID *oplock)
{
    STATE *state = *oplock;
    if (state == NULL)
        return;
    DUE due = {.count = 0};
    host_lock(&oplocks);
    while (state->holders != NULL) {
        oplock_end(&due, state->holders, STATUS_SUCCESS, 0);
        oplock_forget(state, state->holders);
    }
    oplock_release_waiters(state, &due);
    if (state->waiters != NULL)
        host_fatal("an oplock is taken down while a request waits for it");
    STATE **at = &oplock_states;
    while (*at != state)
        at = &(*at)->next;
    *at = state->next;
    host_free(state);
    *oplock = NULL;
    oplock_unlock(&due);
}
