/* FsRtl: which requests break oplocks, and who waits for it. Oplocks: oplock.c. */
#include "fsrtl/oplock.h"

#define ATTRIBUTES_ONLY (FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES | SYNCHRONIZE)

static ULONG lost_by_create(PIO_STACK_LOCATION sp)
{
    ULONG disposition = sp->Parameters.Create.Options >> 24;
    if (disposition == FILE_SUPERSEDE || disposition == FILE_OVERWRITE || disposition == FILE_OVERWRITE_IF)
        return CACHE_READ | CACHE_WRITE;
    return sp->Parameters.Create.SecurityContext->DesiredAccess & ~ATTRIBUTES_ONLY ? CACHE_WRITE : 0;
}

/* What other handles may no longer cache. */
static ULONG lost_by(PIO_STACK_LOCATION sp)
{
    switch (sp->MajorFunction) {
    case IRP_MJ_CREATE:
        return lost_by_create(sp);
    case IRP_MJ_READ:
    case IRP_MJ_FLUSH_BUFFERS:
        return CACHE_WRITE;
    case IRP_MJ_WRITE:
        return CACHE_READ | CACHE_WRITE;
    case IRP_MJ_LOCK_CONTROL:
        return sp->MinorFunction == IRP_MN_LOCK ? CACHE_READ | CACHE_WRITE : 0;
    case IRP_MJ_SET_INFORMATION:
        switch (sp->Parameters.SetFile.FileInformationClass) {
        case FileEndOfFileInformation:
        case FileAllocationInformation:
            return CACHE_READ | CACHE_WRITE;
        case FileRenameInformation:
        case FileLinkInformation:
        case FileDispositionInformation:
            return CACHE_HANDLE;
        default:
            return 0;
        }
    case IRP_MJ_FILE_SYSTEM_CONTROL:
        return sp->Parameters.FileSystemControl.FsControlCode == FSCTL_SET_ZERO_DATA ? CACHE_READ | CACHE_WRITE : 0;
    default:
        return 0;
    }
}

/* What remains of an oplock: legacy ones know level 2 and nothing; without READ there is nothing. */
static ULONG remains(const HOLDER *holder, ULONG lost)
{
    if (lost & CACHE_READ)
        return 0;
    return holder->legacy ? CACHE_READ : holder->level & ~lost;
}

static void break_one(STATE *state, HOLDER *h, ULONG lost, DUE *due)
{
    ULONG remaining = remains(h, lost);
    if (h->breaking) {
        h->broken_to &= remaining;
        return;
    }
    /* Who caches only reads has nothing to do first, and is not waited for. */
    h->breaking = (h->level & (CACHE_WRITE | CACHE_HANDLE)) != 0;
    h->broken_to = remaining;
    if (!oplock_end(due, h, STATUS_SUCCESS, remaining) || !h->breaking)
        oplock_forget(state, h);
}

static void break_others(STATE *state, PFILE_OBJECT file, ULONG lost, BOOLEAN any_key, DUE *due)
{
    for (HOLDER *h = state->holders, *next; h != NULL; h = next) {
        next = h->next;
        BOOLEAN is_level_2 = h->legacy && h->level == CACHE_READ;
        /* A write breaks level 2 even where the same handle holds it. */
        if ((h->level & lost) != 0 && (any_key || h->file != file || is_level_2))
            break_one(state, h, lost, due);
    }
}

/* With the lock, which it releases. */
static NTSTATUS wait_until_broken(STATE *state, PIRP irp, WAITER waiter, POPLOCK_FS_PREPOST_IRP post, DUE *due)
{
    PFILE_OBJECT file = stack_of(irp)->FileObject;
    if (waiter.completion == NULL) {
        oplock_unlock(due);
        host_lock(&oplocks);
        while (oplock_must_wait(state, file, waiter.lost, waiter.any_key))
            host_wait(&oplocks, NULL);
        host_unlock(&oplocks);
        return STATUS_SUCCESS;
    }
    /* The file system's preparation comes before anyone can take the request. */
    oplock_unlock(due);
    if (post != NULL)
        post(waiter.context, irp);
    DUE mine = {.count = 0};
    host_lock(&oplocks);
    WAITER *w = host_alloc(sizeof *w);
    *w = waiter;
    w->next = state->waiters;
    state->waiters = w;
    BOOLEAN kept = oplock_pend(irp);
    if (!kept)
        state->waiters = w->next;
    else
        oplock_release_waiters(state, &mine);
    oplock_unlock(&mine);
    if (!kept) {
        host_free(w);
        irp->IoStatus.Status = STATUS_CANCELLED;
        irp->IoStatus.Information = 0;
        waiter.completion(waiter.context, irp);
    }
    return STATUS_PENDING;
}

static NTSTATUS check(STATE *state, PIRP irp, ULONG lost, ULONG flags, PVOID context,
    POPLOCK_WAIT_COMPLETE_ROUTINE completion, POPLOCK_FS_PREPOST_IRP post)
{
    PIO_STACK_LOCATION sp = stack_of(irp);
    DUE due = {.count = 0};
    /* Creates bring no key to be looked at, and no oplock of theirs is to be taken back. */
    if (state == NULL || (flags & (OPLOCK_FLAG_BACK_OUT_ATOMIC_OPLOCK | OPLOCK_FLAG_OPLOCK_KEY_CHECK_ONLY)))
        return STATUS_SUCCESS;
    BOOLEAN any_key = (flags & OPLOCK_FLAG_IGNORE_OPLOCK_KEYS) != 0;
    host_lock(&oplocks);
    if (sp->MajorFunction == IRP_MJ_CLEANUP) {
        /* The handle is going: its oplocks go, and who waits for them need not wait any more. */
        oplock_end_all(state, sp->FileObject, STATUS_OPLOCK_HANDLE_CLOSED, &due);
        oplock_release_waiters(state, &due);
        oplock_unlock(&due);
        return STATUS_SUCCESS;
    }
    if (lost != 0)
        break_others(state, sp->FileObject, lost, any_key, &due);
    if (!oplock_must_wait(state, sp->FileObject, lost, any_key)) {
        oplock_unlock(&due);
        return STATUS_SUCCESS;
    }
    BOOLEAN goes_on = sp->MajorFunction == IRP_MJ_CREATE && (sp->Parameters.Create.Options & FILE_COMPLETE_IF_OPLOCKED);
    if (goes_on || (flags & OPLOCK_FLAG_COMPLETE_IF_OPLOCKED)) {
        oplock_unlock(&due);
        return STATUS_OPLOCK_BREAK_IN_PROGRESS;
    }
    WAITER waiter = {.irp = irp, .lost = lost, .any_key = any_key, .context = context, .completion = completion};
    return wait_until_broken(state, irp, waiter, post, &due);
}

KERNEL NTSTATUS K_FsRtlCheckOplockEx(PVOID *oplock, PIRP irp, ULONG flags, PVOID context,
    POPLOCK_WAIT_COMPLETE_ROUTINE completion, POPLOCK_FS_PREPOST_IRP post)
{
    return check(*oplock, irp, lost_by(stack_of(irp)), flags, context, completion, post);
}

KERNEL NTSTATUS K_FsRtlCheckOplock(PVOID *oplock, PIRP irp, PVOID context, POPLOCK_WAIT_COMPLETE_ROUTINE completion,
    POPLOCK_FS_PREPOST_IRP post)
{
    return check(*oplock, irp, lost_by(stack_of(irp)), 0, context, completion, post);
}

/* Breaks the caching of handles, as for a sharing violation or a rename. */
KERNEL NTSTATUS K_FsRtlOplockBreakH(PVOID *oplock, PIRP irp, ULONG flags, PVOID context,
    POPLOCK_WAIT_COMPLETE_ROUTINE completion, POPLOCK_FS_PREPOST_IRP post)
{
    return check(*oplock, irp, CACHE_HANDLE, flags, context, completion, post);
}

static BOOLEAN any(PVOID *oplock, ULONG bits, BOOLEAN only_legacy)
{
    BOOLEAN found = FALSE;
    host_lock(&oplocks);
    STATE *state = *oplock;
    for (HOLDER *h = state != NULL ? state->holders : NULL; h != NULL; h = h->next)
        found |= (h->level & bits) != 0 && (h->legacy || !only_legacy);
    host_unlock(&oplocks);
    return found;
}

KERNEL BOOLEAN K_FsRtlCurrentBatchOplock(PVOID *oplock) { return any(oplock, CACHE_HANDLE, TRUE); }

KERNEL BOOLEAN K_FsRtlCurrentOplockH(PVOID *oplock) { return any(oplock, CACHE_HANDLE, FALSE); }

/* Windows also allows reads of the handle that holds one. */
KERNEL BOOLEAN K_FsRtlOplockIsFastIoPossible(PVOID *oplock) { return !any(oplock, ~0u, FALSE); }
