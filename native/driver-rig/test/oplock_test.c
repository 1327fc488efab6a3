/* Oplocks: who is granted one, what breaks it, who waits, and that a request is broken or cancelled, never both. */
#include "check.h"

NTSTATUS K_FsRtlOplockFsctrl(PVOID *oplock, PIRP irp, ULONG open_count);
NTSTATUS K_FsRtlCheckOplockEx(PVOID *oplock, PIRP irp, ULONG flags, PVOID context,
    POPLOCK_WAIT_COMPLETE_ROUTINE completion, POPLOCK_FS_PREPOST_IRP post);
NTSTATUS K_FsRtlOplockBreakH(PVOID *oplock, PIRP irp, ULONG flags, PVOID context,
    POPLOCK_WAIT_COMPLETE_ROUTINE completion, POPLOCK_FS_PREPOST_IRP post);
BOOLEAN K_FsRtlCurrentBatchOplock(PVOID *oplock);
BOOLEAN K_FsRtlOplockIsFastIoPossible(PVOID *oplock);
VOID K_FsRtlInitializeOplock(PVOID *oplock);
VOID K_FsRtlUninitializeOplock(PVOID *oplock);

#define ROUNDS 2000

typedef struct {
    KEVENT event;
    IO_STATUS_BLOCK iosb;
    PIRP irp;
    NTSTATUS status;
} SENT;

static PVOID oplock;
static FILE_OBJECT files[3];

static PIRP request(int file, UCHAR major)
{
    PIRP irp = irp_allocate(1);
    irp->CurrentLocation--;
    PIO_STACK_LOCATION sp = --irp->Tail.Overlay.CurrentStackLocation;
    sp->MajorFunction = major;
    sp->FileObject = &files[file];
    irp->AllocationFlags |= IRP_KEPT;
    return irp;
}

static void control(SENT *sent, int file, ULONG code, ULONG open_count)
{
    event_initialize(&sent->event, NotificationEvent, FALSE);
    sent->irp = request(file, IRP_MJ_FILE_SYSTEM_CONTROL);
    sent->irp->UserEvent = &sent->event;
    sent->irp->UserIosb = &sent->iosb;
    sent->irp->Tail.Overlay.CurrentStackLocation->Parameters.FileSystemControl.FsControlCode = code;
    sent->status = K_FsRtlOplockFsctrl(&oplock, sent->irp, open_count);
}

static ULONG_PTR ended(SENT *sent)
{
    CHECK_EQUAL(wait_for(&sent->event, NULL), STATUS_SUCCESS);
    irp_free(sent->irp);
    return sent->iosb.Information;
}

static NTSTATUS asks(int file, ULONG code, ULONG open_count)
{
    SENT sent;
    control(&sent, file, code, open_count);
    CHECK(sent.status != STATUS_PENDING);
    ended(&sent);
    return sent.status;
}

/* What a request of this file does to the others; with flags that keep it from waiting. */
static NTSTATUS does(int file, UCHAR major)
{
    PIRP irp = request(file, major);
    NTSTATUS status = K_FsRtlCheckOplockEx(&oplock, irp, OPLOCK_FLAG_COMPLETE_IF_OPLOCKED, NULL, NULL, NULL);
    irp_free(irp);
    return status;
}

static void grants(void)
{
    SENT one, two;
    CHECK_EQUAL(asks(0, FSCTL_REQUEST_OPLOCK_LEVEL_1, 2), STATUS_OPLOCK_NOT_GRANTED);
    files[0].Flags = FO_SYNCHRONOUS_IO;
    CHECK_EQUAL(asks(0, FSCTL_REQUEST_OPLOCK_LEVEL_1, 1), STATUS_OPLOCK_NOT_GRANTED);
    files[0].Flags = 0;
    CHECK_EQUAL(asks(0, FSCTL_OPLOCK_BREAK_ACKNOWLEDGE, 1), STATUS_INVALID_OPLOCK_PROTOCOL);
    CHECK(K_FsRtlOplockIsFastIoPossible(&oplock));
    control(&one, 0, FSCTL_REQUEST_OPLOCK_LEVEL_2, 0);
    CHECK_EQUAL(one.status, STATUS_PENDING);
    control(&two, 1, FSCTL_REQUEST_OPLOCK_LEVEL_2, 0);
    CHECK_EQUAL(two.status, STATUS_PENDING);
    CHECK_EQUAL(asks(2, FSCTL_REQUEST_OPLOCK_LEVEL_2, 1), STATUS_OPLOCK_NOT_GRANTED); /* byte-range locks */
    CHECK_EQUAL(asks(2, FSCTL_REQUEST_BATCH_OPLOCK, 1), STATUS_OPLOCK_NOT_GRANTED);
    CHECK(!K_FsRtlOplockIsFastIoPossible(&oplock));
    CHECK_EQUAL(does(0, IRP_MJ_READ), STATUS_SUCCESS);
    CHECK(!one.irp->UserIosb->Information);
    CHECK_EQUAL(does(0, IRP_MJ_WRITE), STATUS_SUCCESS);
    CHECK_EQUAL(ended(&one), FILE_OPLOCK_BROKEN_TO_NONE);
    CHECK_EQUAL(ended(&two), FILE_OPLOCK_BROKEN_TO_NONE);
    control(&one, 0, FSCTL_REQUEST_BATCH_OPLOCK, 1);
    CHECK_EQUAL(one.status, STATUS_PENDING);
    CHECK(K_FsRtlCurrentBatchOplock(&oplock));
    CHECK_EQUAL(does(0, IRP_MJ_WRITE), STATUS_SUCCESS); /* its own */
    CHECK_EQUAL(does(1, IRP_MJ_READ), STATUS_OPLOCK_BREAK_IN_PROGRESS);
    CHECK_EQUAL(ended(&one), FILE_OPLOCK_BROKEN_TO_LEVEL_2);
    CHECK_EQUAL(does(1, IRP_MJ_WRITE), STATUS_OPLOCK_BREAK_IN_PROGRESS); /* nothing remains now */
    CHECK_EQUAL(asks(0, FSCTL_OPLOCK_BREAK_ACKNOWLEDGE, 1), STATUS_SUCCESS);
    CHECK_EQUAL(does(1, IRP_MJ_WRITE), STATUS_SUCCESS);
}

static volatile LONG prepared, completed;

static VOID post(PVOID context, PIRP irp) { _InterlockedIncrement(&prepared); }

static VOID complete(PVOID context, PIRP irp)
{
    *(NTSTATUS *)context = irp->IoStatus.Status;
    irp_free(irp);
    _InterlockedIncrement(&completed);
}

static void waits(void)
{
    SENT batch;
    NTSTATUS told[3];
    for (int end = 0; end < 3; end++) {
        control(&batch, 0, FSCTL_REQUEST_BATCH_OPLOCK, 1);
        PIRP irp = request(1, IRP_MJ_READ);
        prepared = completed = 0;
        CHECK_EQUAL(K_FsRtlCheckOplockEx(&oplock, irp, 0, &told[end], complete, post), STATUS_PENDING);
        CHECK_EQUAL(ended(&batch), FILE_OPLOCK_BROKEN_TO_LEVEL_2);
        CHECK_EQUAL(prepared, 1);
        CHECK_EQUAL(completed, 0);
        if (end == 0)
            CHECK_EQUAL(asks(0, FSCTL_OPLOCK_BREAK_ACK_NO_2, 1), STATUS_SUCCESS);
        if (end == 1)
            CHECK_EQUAL(does(0, IRP_MJ_CLEANUP), STATUS_SUCCESS);
        if (end == 2)
            irp_cancel(irp);
        CHECK_EQUAL(completed, 1);
        CHECK_EQUAL(told[end], end == 2 ? STATUS_CANCELLED : STATUS_SUCCESS);
        does(0, IRP_MJ_CLEANUP);
    }
}

static volatile LONG round_now, cancels;
static SENT raced;

static void canceller(void *unused)
{
    for (LONG i = 1; i <= ROUNDS; i++) {
        while (round_now < i)
            host_yield();
        irp_cancel(raced.irp);
        cancels = i;
    }
}

static void races(void)
{
    LONG broken = 0;
    host_start_thread(canceller, NULL);
    for (LONG i = 1; i <= ROUNDS; i++) {
        control(&raced, 0, FSCTL_REQUEST_BATCH_OPLOCK, 1);
        CHECK_EQUAL(raced.status, STATUS_PENDING);
        round_now = i;
        NTSTATUS status = does(1, IRP_MJ_READ);
        while (cancels < i)
            host_yield();
        ended(&raced);
        BOOLEAN is_broken = raced.iosb.Status == STATUS_SUCCESS;
        CHECK(is_broken || raced.iosb.Status == STATUS_CANCELLED);
        CHECK_EQUAL(status, is_broken ? STATUS_OPLOCK_BREAK_IN_PROGRESS : STATUS_SUCCESS);
        if (is_broken)
            CHECK_EQUAL(asks(0, FSCTL_OPLOCK_BREAK_ACK_NO_2, 1), STATUS_SUCCESS);
        CHECK_EQUAL(does(1, IRP_MJ_READ), STATUS_SUCCESS);
        broken += is_broken;
    }
    CHECK(broken > 0);
}

int main(void)
{
    SENT held;
    K_FsRtlInitializeOplock(&oplock);
    grants();
    waits();
    races();
    control(&held, 0, FSCTL_REQUEST_OPLOCK_LEVEL_1, 1);
    K_FsRtlUninitializeOplock(&oplock);
    CHECK_EQUAL(ended(&held), FILE_OPLOCK_BROKEN_TO_NONE);
    CHECK_EQUAL(rig_irps(), 0);
    return passed("oplocks");
}
