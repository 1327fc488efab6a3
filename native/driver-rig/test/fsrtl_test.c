/* Byte-range locks and change notification. */
#include "check.h"

VOID K_FsRtlInitializeFileLock(PFILE_LOCK f, PVOID complete, PVOID unlock);
VOID K_FsRtlUninitializeFileLock(PFILE_LOCK f);
NTSTATUS K_FsRtlProcessFileLock(PFILE_LOCK f, PIRP irp, PVOID context);
NTSTATUS K_FsRtlFastUnlockAll(PFILE_LOCK f, PFILE_OBJECT file, PVOID process, PVOID context);
BOOLEAN K_FsRtlCheckLockForReadAccess(PFILE_LOCK f, PIRP irp);
BOOLEAN K_FsRtlCheckLockForWriteAccess(PFILE_LOCK f, PIRP irp);
BOOLEAN K_FsRtlAreThereCurrentOrInProgressFileLocks(PFILE_LOCK f);
VOID K_FsRtlNotifyInitializeSync(PVOID *sync);
VOID K_FsRtlNotifyUninitializeSync(PVOID *sync);
VOID K_FsRtlNotifyFullChangeDirectory(PVOID sync, PLIST_ENTRY list, PVOID context, PSTRING directory, BOOLEAN tree,
    BOOLEAN ignore, ULONG filter, PIRP irp, PVOID traverse, PSECURITY_SUBJECT_CONTEXT subject);
VOID K_FsRtlNotifyCleanup(PVOID sync, PLIST_ENTRY list, PVOID context);
VOID K_FsRtlNotifyFullReportChange(PVOID sync, PLIST_ENTRY list, PSTRING target, USHORT name_offset, PSTRING stream,
    PSTRING parent, ULONG filter, ULONG action, PVOID context);

static FILE_OBJECT one, two;
static FILE_LOCK locks;

static PIRP request(PFILE_OBJECT file, UCHAR minor, UCHAR flags, PIO_STACK_LOCATION *stack)
{
    PIRP irp = irp_allocate(1);
    irp->AllocationFlags |= IRP_KEPT;
    irp->CurrentLocation--;
    PIO_STACK_LOCATION sp = --irp->Tail.Overlay.CurrentStackLocation;
    sp->MinorFunction = minor;
    sp->Flags = flags;
    sp->FileObject = file;
    *stack = sp;
    return irp;
}

static NTSTATUS lock_call(PFILE_OBJECT file, UCHAR minor, LONGLONG offset, LONGLONG bytes, ULONG key, BOOLEAN exclusive)
{
    PIO_STACK_LOCATION sp;
    LARGE_INTEGER length = {.QuadPart = bytes};
    PIRP irp = request(file, minor, SL_FAIL_IMMEDIATELY | (exclusive ? SL_EXCLUSIVE_LOCK : 0), &sp);
    sp->Parameters.LockControl.Length = &length;
    sp->Parameters.LockControl.ByteOffset.QuadPart = offset;
    sp->Parameters.LockControl.Key = key;
    NTSTATUS status = K_FsRtlProcessFileLock(&locks, irp, NULL);
    CHECK_EQUAL(irp->IoStatus.Status, status);
    irp_free(irp);
    return status;
}

static BOOLEAN may(PFILE_OBJECT file, BOOLEAN write, LONGLONG offset, ULONG bytes)
{
    PIO_STACK_LOCATION sp;
    PIRP irp = request(file, 0, 0, &sp);
    sp->Parameters.Read.ByteOffset.QuadPart = offset;
    sp->Parameters.Read.Length = bytes;
    BOOLEAN ok = write ? K_FsRtlCheckLockForWriteAccess(&locks, irp) : K_FsRtlCheckLockForReadAccess(&locks, irp);
    irp_free(irp);
    return ok;
}

static void byte_ranges(void)
{
    K_FsRtlInitializeFileLock(&locks, NULL, NULL);
    CHECK_EQUAL(lock_call(&one, IRP_MN_LOCK, 0, 10, 0, TRUE), STATUS_SUCCESS);
    CHECK_EQUAL(lock_call(&two, IRP_MN_LOCK, 9, 1, 0, FALSE), STATUS_LOCK_NOT_GRANTED);
    CHECK_EQUAL(lock_call(&one, IRP_MN_LOCK, 9, 1, 0, TRUE), STATUS_LOCK_NOT_GRANTED);
    CHECK_EQUAL(lock_call(&two, IRP_MN_LOCK, 10, 5, 0, FALSE), STATUS_SUCCESS);
    CHECK_EQUAL(lock_call(&one, IRP_MN_LOCK, 12, 5, 0, FALSE), STATUS_SUCCESS);
    CHECK(may(&one, TRUE, 0, 10) && !may(&two, FALSE, 0, 1) && !may(&two, TRUE, 9, 1));
    /* A shared lock lets everyone read and nobody write, its owner included. */
    CHECK(may(&one, FALSE, 10, 5) && !may(&one, TRUE, 10, 1) && !may(&two, TRUE, 14, 1));
    CHECK(may(&two, TRUE, 20, 100));
    CHECK_EQUAL(lock_call(&one, IRP_MN_UNLOCK_SINGLE, 0, 9, 0, FALSE), (NTSTATUS)0xC000007E);
    CHECK_EQUAL(lock_call(&one, IRP_MN_UNLOCK_SINGLE, 0, 10, 0, FALSE), STATUS_SUCCESS);
    CHECK(may(&two, TRUE, 0, 10));
    CHECK(K_FsRtlAreThereCurrentOrInProgressFileLocks(&locks));
    K_FsRtlFastUnlockAll(&locks, &one, NULL, NULL);
    CHECK_EQUAL(lock_call(&two, IRP_MN_UNLOCK_ALL, 0, 0, 0, FALSE), STATUS_SUCCESS);
    CHECK(!K_FsRtlAreThereCurrentOrInProgressFileLocks(&locks));
    K_FsRtlUninitializeFileLock(&locks);
}

static LIST_ENTRY list;
static PVOID sync;
static UCHAR output[8192];

static PIRP watch(PVOID handle, UNICODE_STRING *directory, BOOLEAN tree, ULONG room)
{
    PIO_STACK_LOCATION sp;
    PIRP irp = request(&one, IRP_MN_NOTIFY_CHANGE_DIRECTORY, 0, &sp);
    irp->UserBuffer = output;
    irp->IoStatus.Status = STATUS_PENDING;
    sp->Parameters.NotifyDirectory.Length = room;
    K_FsRtlNotifyFullChangeDirectory(sync, &list, handle, (PSTRING)directory, tree, FALSE, 1, irp, NULL, NULL);
    return irp;
}

static void change(const WCHAR *path, USHORT name_offset)
{
    UNICODE_STRING full = text(path);
    K_FsRtlNotifyFullReportChange(sync, &list, (PSTRING)&full, name_offset * 2, NULL, NULL, 1, 1, NULL);
}

static void expect(PIRP irp, NTSTATUS status, ULONG bytes)
{
    CHECK_EQUAL(irp->IoStatus.Status, status);
    CHECK_EQUAL(irp->IoStatus.Information, bytes);
    irp_free(irp);
}

#define RACES 3000
static PIRP volatile racing;
static volatile LONG race, race_done;

static void cancelling(void *unused)
{
    for (LONG i = 1; i <= RACES; i++) {
        while (race < i)
            host_yield();
        irp_cancel(racing);
        race_done = i;
    }
}

static void notification(void)
{
    UNICODE_STRING root = text(L"\\"), dir = text(L"\\dir");
    uint32_t irps = rig_irps();
    K_FsRtlNotifyInitializeSync(&sync);
    PIRP waiting = watch(&one, &dir, FALSE, 100);
    change(L"\\other\\a", 7);
    change(L"\\dirx", 1);
    change(L"\\dir\\sub\\a", 9);
    CHECK_EQUAL(waiting->IoStatus.Status, STATUS_PENDING);
    change(L"\\DIR\\name", 5);
    CHECK_EQUAL(*(ULONG *)(output + 8), 8);
    CHECK_EQUAL(*(WCHAR *)(output + 12), 'n');
    expect(waiting, STATUS_SUCCESS, 12 + 8);
    /* Between two requests changes are kept, in order. */
    change(L"\\dir\\a", 5);
    change(L"\\dir\\bc", 5);
    expect(watch(&one, &dir, FALSE, 100), STATUS_SUCCESS, 16 + 16);
    CHECK_EQUAL(*(ULONG *)output, 16);
    CHECK_EQUAL(*(ULONG *)(output + 16), 0);
    CHECK_EQUAL(*(WCHAR *)(output + 16 + 12), 'b');
    /* Too many, or too little room: enumerate. */
    change(L"\\dir\\long-name", 5);
    expect(watch(&one, &dir, FALSE, 16), STATUS_NOTIFY_ENUM_DIR, 0);
    for (int i = 0; i < 1000; i++)
        change(L"\\dir\\a", 5);
    expect(watch(&one, &dir, FALSE, 8000), STATUS_NOTIFY_ENUM_DIR, 0);
    /* The whole tree, from the root. */
    waiting = watch(&two, &root, TRUE, 100);
    change(L"\\dir\\a", 5);
    expect(waiting, STATUS_SUCCESS, 12 + 10);
    waiting = watch(&two, &root, TRUE, 100);
    irp_cancel(waiting);
    expect(waiting, STATUS_CANCELLED, 0);
    waiting = watch(&two, &root, TRUE, 100);
    K_FsRtlNotifyCleanup(sync, &list, &two);
    expect(waiting, STATUS_NOTIFY_CLEANUP, 0);
    K_FsRtlNotifyCleanup(sync, &list, &one);

    /* A request that is cancelled while a change is reported ends once, one way or the other; no change is lost. */
    LONG seen = 0;
    host_start_thread(cancelling, NULL);
    for (LONG i = 1; i <= RACES; i++) {
        racing = watch(&two, &root, TRUE, 100);
        race = i;
        change(L"\\a", 1);
        CHECK(becomes(&race_done, i));
        NTSTATUS status = racing->IoStatus.Status;
        CHECK(status == STATUS_SUCCESS || status == STATUS_CANCELLED);
        seen += status == STATUS_SUCCESS;
        irp_free(racing);
        if (status == STATUS_CANCELLED)
            expect(watch(&two, &root, TRUE, 100), STATUS_SUCCESS, 14);
    }
    CHECK(seen > 0);
    K_FsRtlNotifyCleanup(sync, &list, &two);
    K_FsRtlNotifyUninitializeSync(&sync);
    CHECK_EQUAL(rig_irps(), irps);
}

int main(void)
{
    byte_ranges();
    notification();
    return passed("byte-range locks, change notification");
}
