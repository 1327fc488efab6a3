/*
 * FsRtl: byte-range locks of a file, in a list.
 * Windows: a lock may wait. Here: a request that would wait is refused like one that fails at once.
 */
#include "kernel.h"

typedef struct LOCK {
    struct LOCK *next;
    PFILE_OBJECT file;
    ULONG key;
    LONGLONG from, to;
    BOOLEAN exclusive;
} LOCK;

#define LOCKS(f) (*(LOCK **)&(f)->LockInformation)

KERNEL VOID K_FsRtlInitializeFileLock(PFILE_LOCK f, PVOID complete, PVOID unlock)
{
    RtlZeroMemory(f, sizeof *f);
    f->CompleteLockIrpRoutine = complete;
    f->UnlockRoutine = unlock;
}

KERNEL VOID K_FsRtlUninitializeFileLock(PFILE_LOCK f)
{
    while (LOCKS(f)) {
        LOCK *l = LOCKS(f);
        LOCKS(f) = l->next;
        host_free(l);
    }
}

static LOCK *conflict(
    PFILE_LOCK f, LONGLONG from, LONGLONG to, PFILE_OBJECT file, ULONG key, BOOLEAN write, BOOLEAN locking)
{
    for (LOCK *l = LOCKS(f); l; l = l->next)
        if (l->from < to && from < l->to) {
            BOOLEAN mine = l->file == file && l->key == key;
            if (l->exclusive ? (locking || !mine) : write)
                return l;
        }
    return NULL;
}

KERNEL NTSTATUS K_FsRtlProcessFileLock(PFILE_LOCK f, PIRP irp, PVOID context)
{
    PIO_STACK_LOCATION sp = irp->Tail.Overlay.CurrentStackLocation;
    LONGLONG from = sp->Parameters.LockControl.ByteOffset.QuadPart;
    NTSTATUS status = STATUS_SUCCESS;
    LOCK **p;
    host_lock(f);
    switch (sp->MinorFunction) {
    case IRP_MN_LOCK: {
        LONGLONG to = from + sp->Parameters.LockControl.Length->QuadPart;
        BOOLEAN exclusive = (sp->Flags & SL_EXCLUSIVE_LOCK) != 0;
        if (conflict(f, from, to, sp->FileObject, sp->Parameters.LockControl.Key, exclusive, TRUE)) {
            status = STATUS_LOCK_NOT_GRANTED;
            break;
        }
        LOCK *l = host_alloc(sizeof *l);
        *l = (LOCK){LOCKS(f), sp->FileObject, sp->Parameters.LockControl.Key, from, to, exclusive};
        LOCKS(f) = l;
        break;
    }
    case IRP_MN_UNLOCK_SINGLE:
        status = (NTSTATUS)0xC000007E; /* RANGE_NOT_LOCKED */
        for (p = &LOCKS(f); *p; p = &(*p)->next)
            if ((*p)->file == sp->FileObject && (*p)->from == from &&
                (*p)->to == from + sp->Parameters.LockControl.Length->QuadPart &&
                (*p)->key == sp->Parameters.LockControl.Key) {
                LOCK *l = *p;
                *p = l->next;
                host_free(l);
                status = STATUS_SUCCESS;
                break;
            }
        break;
    default:
        for (p = &LOCKS(f); *p;)
            if ((*p)->file == sp->FileObject) {
                LOCK *l = *p;
                *p = l->next;
                host_free(l);
            } else
                p = &(*p)->next;
    }
    host_unlock(f);
    irp->IoStatus.Information = 0;
    NTSTATUS (*done)(PVOID, PIRP) = f->CompleteLockIrpRoutine;
    irp->IoStatus.Status = status;
    if (done)
        done(context, irp);
    else
        irp_complete(irp);
    return status;
}

KERNEL NTSTATUS K_FsRtlFastUnlockAll(PFILE_LOCK f, PFILE_OBJECT file, PVOID process, PVOID context)
{
    host_lock(f);
    for (LOCK **p = &LOCKS(f); *p;)
        if ((*p)->file == file) {
            LOCK *l = *p;
            *p = l->next;
            host_free(l);
        } else
            p = &(*p)->next;
    host_unlock(f);
    return STATUS_SUCCESS;
}

static BOOLEAN is_free(PFILE_LOCK f, PFILE_OBJECT file, LONGLONG from, ULONG length, ULONG key, BOOLEAN to_write)
{
    host_lock(f);
    LOCK *l = conflict(f, from, from + length, file, key, to_write, FALSE);
    host_unlock(f);
    return l == NULL;
}

KERNEL BOOLEAN K_FsRtlCheckLockForReadAccess(PFILE_LOCK f, PIRP irp)
{
    PIO_STACK_LOCATION sp = irp->Tail.Overlay.CurrentStackLocation;
    return is_free(f, sp->FileObject, sp->Parameters.Read.ByteOffset.QuadPart, sp->Parameters.Read.Length,
        sp->Parameters.Read.Key, FALSE);
}

KERNEL BOOLEAN K_FsRtlCheckLockForWriteAccess(PFILE_LOCK f, PIRP irp)
{
    PIO_STACK_LOCATION sp = irp->Tail.Overlay.CurrentStackLocation;
    return is_free(f, sp->FileObject, sp->Parameters.Write.ByteOffset.QuadPart, sp->Parameters.Write.Length,
        sp->Parameters.Write.Key, TRUE);
}

KERNEL BOOLEAN K_FsRtlAreThereCurrentOrInProgressFileLocks(PFILE_LOCK f) { return LOCKS(f) != NULL; }
