/*
 * FsRtl: change notification. Changes between two requests of a handle are kept for its next one, in a buffer of a
 * fixed size; what does not fit makes that request say "enumerate the directory". Windows: the buffer has the size of
 * the handle's first request.
 *
 * One lock for all handles of all volumes. A request belongs to who takes its cancel routine: the report or the
 * cancellation.
 */
#include "kernel.h"

#define KEPT_BYTES 8192

typedef struct WATCH {
    struct WATCH *next;
    PLIST_ENTRY list; /* the volume's */
    PVOID context;    /* the handle's */
    UNICODE_STRING *directory;
    BOOLEAN tree, deleted;
    ULONG filter;
    PIRP irp;         /* the one that waits, or NULL */
    ULONG kept, last; /* bytes of `records`, offset of the last record */
    BOOLEAN overflow;
    UCHAR records[KEPT_BYTES];
} WATCH;

static WATCH *watches;

static WATCH **find(PLIST_ENTRY list, PVOID context)
{
    WATCH **at = &watches;
    while (*at != NULL && ((*at)->list != list || (*at)->context != context))
        at = &(*at)->next;
    return at;
}

static void cancelled(PDEVICE_OBJECT device, PIRP irp)
{
    host_lock(&watches);
    for (WATCH *w = watches; w != NULL; w = w->next)
        if (w->irp == irp)
            w->irp = NULL;
    host_unlock(&watches);
    irp->IoStatus.Status = STATUS_CANCELLED;
    irp->IoStatus.Information = 0;
    irp_complete(irp);
}

/* The waiting request, now the caller's; NULL when there is none or its cancellation has it. With the lock. */
static PIRP take(WATCH *watch)
{
    PIRP irp = watch->irp;
    if (irp == NULL || _InterlockedExchangePointer((PVOID volatile *)&irp->CancelRoutine, NULL) == NULL)
        return NULL;
    watch->irp = NULL;
    return irp;
}

static void end(PIRP irp, NTSTATUS status, ULONG bytes)
{
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = bytes;
    irp_complete(irp);
}

static PVOID output_of(PIRP irp)
{
    if (irp->AssociatedIrp.SystemBuffer != NULL)
        return irp->AssociatedIrp.SystemBuffer;
    return irp->MdlAddress != NULL ? irp->MdlAddress->MappedSystemVa : irp->UserBuffer;
}

/* Gives what was kept to the request. With the lock, which it releases. */
static void deliver(WATCH *watch, PIRP irp)
{
    ULONG bytes = watch->kept;
    BOOLEAN lost = watch->overflow || bytes > irp->Tail.Overlay.CurrentStackLocation->Parameters.NotifyDirectory.Length;
    if (!lost)
        RtlCopyMemory(output_of(irp), watch->records, bytes);
    watch->kept = 0;
    watch->overflow = FALSE;
    host_unlock(&watches);
    end(irp, lost ? STATUS_NOTIFY_ENUM_DIR : STATUS_SUCCESS, lost ? 0 : bytes);
}

KERNEL VOID K_FsRtlNotifyInitializeSync(PVOID *sync) { *sync = host_alloc(16); }

KERNEL VOID K_FsRtlNotifyUninitializeSync(PVOID *sync)
{
    if (*sync != NULL)
        host_free(*sync);
    *sync = NULL;
}

/* A request to be told of changes; without one: the handle's file is being deleted. */
KERNEL VOID K_FsRtlNotifyFullChangeDirectory(PVOID sync, PLIST_ENTRY list, PVOID context, PSTRING directory,
    BOOLEAN tree, BOOLEAN ignore_buffer, ULONG filter, PIRP irp, PVOID traverse, PSECURITY_SUBJECT_CONTEXT subject)
{
    if (ignore_buffer || traverse != NULL)
        NOT_IMPLEMENTED("notification without buffers, or with a check of traversal");
    if (subject != NULL)
        pool_free(subject);
    host_lock(&watches);
    WATCH *watch = *find(list, context);
    if (irp == NULL) {
        PIRP waiting = NULL;
        if (watch != NULL) {
            watch->deleted = TRUE;
            waiting = take(watch);
        }
        host_unlock(&watches);
        if (waiting != NULL)
            end(waiting, STATUS_DELETE_PENDING, 0);
        return;
    }
    if (watch == NULL) {
        watch = host_alloc(sizeof *watch);
        watch->next = watches;
        watch->list = list;
        watch->context = context;
        watch->directory = (UNICODE_STRING *)directory;
        watch->tree = tree;
        watch->filter = filter;
        watches = watch;
    }
    irp->Tail.Overlay.CurrentStackLocation->Control |= SL_PENDING_RETURNED;
    if (watch->deleted) {
        host_unlock(&watches);
        end(irp, STATUS_DELETE_PENDING, 0);
    } else if (watch->kept != 0 || watch->overflow) {
        deliver(watch, irp);
    } else {
        if (watch->irp != NULL)
            NOT_IMPLEMENTED("two notification requests of one handle");
        watch->irp = irp;
        _InterlockedExchangePointer((PVOID volatile *)&irp->CancelRoutine, cancelled);
        host_unlock(&watches);
    }
}

KERNEL VOID K_FsRtlNotifyCleanup(PVOID sync, PLIST_ENTRY list, PVOID context)
{
    PIRP irp = NULL;
    host_lock(&watches);
    WATCH **at = find(list, context), *watch = *at;
    if (watch != NULL) {
        irp = take(watch);
        *at = watch->next;
        host_free(watch);
    }
    host_unlock(&watches);
    if (irp != NULL)
        end(irp, STATUS_NOTIFY_CLEANUP, 0);
}

KERNEL VOID K_FsRtlNotifyCleanupAll(PVOID sync, PLIST_ENTRY list)
{
    for (;;) {
        WATCH *watch;
        host_lock(&watches);
        for (watch = watches; watch != NULL && watch->list != list; watch = watch->next) {
        }
        PVOID context = watch != NULL ? watch->context : NULL;
        host_unlock(&watches);
        if (watch == NULL)
            return;
        K_FsRtlNotifyCleanup(sync, list, context);
    }
}

/* Where the name below the watched directory begins in the full one, in UTF-16 units; 0: not below it. */
static ULONG name_below(const WATCH *watch, const UNICODE_STRING *full, ULONG name_offset)
{
    ULONG chars = watch->directory->Length / 2, all = full->Length / 2;
    if (chars == 1)
        chars = 0; /* the root */
    if (all <= chars || full->Buffer[chars] != '\\')
        return 0;
    for (ULONG i = 0; i < chars; i++)
        if (up(full->Buffer[i]) != up(watch->directory->Buffer[i]))
            return 0;
    return watch->tree || name_offset == chars + 1 ? chars + 1 : 0;
}

static void keep(WATCH *watch, ULONG action, const WCHAR *name, ULONG chars)
{
    ULONG at = (watch->kept + 3) & ~3u, bytes = sizeof(ULONG) * 3 + chars * 2;
    if (at + bytes > KEPT_BYTES) {
        watch->overflow = TRUE;
        return;
    }
    ULONG *record = (ULONG *)(watch->records + at);
    if (watch->kept != 0)
        *(ULONG *)(watch->records + watch->last) = at - watch->last;
    record[0] = 0;
    record[1] = action;
    record[2] = chars * 2;
    RtlCopyMemory(record + 3, name, chars * 2);
    watch->last = at;
    watch->kept = at + bytes;
}

KERNEL VOID K_FsRtlNotifyFullReportChange(PVOID sync, PLIST_ENTRY list, PSTRING target, USHORT name_offset,
    PSTRING stream, PSTRING parent, ULONG filter, ULONG action, PVOID context)
{
    if (stream != NULL || parent != NULL)
        NOT_IMPLEMENTED("changes of streams, or with a normalized parent");
    const UNICODE_STRING *full = (const UNICODE_STRING *)target;
    host_lock(&watches);
    for (WATCH *w = watches; w != NULL; w = w->next) {
        ULONG from = w->list == list && !w->deleted && (w->filter & filter) ? name_below(w, full, name_offset / 2) : 0;
        if (from != 0)
            keep(w, action, full->Buffer + from, full->Length / 2 - from);
    }
    for (;;) {
        WATCH *w;
        PIRP irp = NULL;
        for (w = watches; w != NULL; w = w->next)
            if (w->list == list && (w->kept != 0 || w->overflow) && (irp = take(w)) != NULL)
                break;
        if (irp == NULL)
            break;
        deliver(w, irp);
        host_lock(&watches);
    }
    host_unlock(&watches);
}
