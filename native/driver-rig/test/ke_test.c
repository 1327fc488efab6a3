/* Events, queues, timers, work items, spin locks, the pool. */
#include "check.h"

VOID K_KeInitializeQueue(PRKQUEUE queue, ULONG count);
LONG K_KeInsertQueue(PRKQUEUE queue, PLIST_ENTRY entry);
LONG K_KeReadStateQueue(PRKQUEUE queue);
ULONG K_KeRemoveQueueEx(PRKQUEUE, KPROCESSOR_MODE, BOOLEAN, PLARGE_INTEGER, PLIST_ENTRY *, ULONG);
VOID K_KeInitializeTimer(PKTIMER timer);
VOID K_KeInitializeDpc(PRKDPC dpc, PKDEFERRED_ROUTINE routine, PVOID context);
BOOLEAN K_KeSetTimer(PKTIMER timer, LARGE_INTEGER due, PKDPC dpc);
BOOLEAN K_KeSetTimerEx(PKTIMER timer, LARGE_INTEGER due, LONG period, PKDPC dpc);
BOOLEAN K_KeCancelTimer(PKTIMER timer);
VOID K_KeFlushQueuedDpcs(void);
VOID K_ExQueueWorkItem(PWORK_QUEUE_ITEM item, WORK_QUEUE_TYPE type);
KIRQL K_KeAcquireSpinLockRaiseToDpc(PKSPIN_LOCK lock);
VOID K_KeReleaseSpinLock(PKSPIN_LOCK lock, KIRQL old);
PVOID K_ExAllocatePoolWithTag(POOL_TYPE type, SIZE_T bytes, ULONG tag);
VOID K_ExFreePoolWithTag(PVOID memory, ULONG tag);

static LARGE_INTEGER in_ms(int ms) { return (LARGE_INTEGER){.QuadPart = -(LONGLONG)ms * 10000}; }

static void events(void)
{
    KEVENT once, stays;
    LARGE_INTEGER soon = in_ms(20);
    event_initialize(&once, SynchronizationEvent, TRUE);
    event_initialize(&stays, NotificationEvent, FALSE);
    CHECK_EQUAL(wait_for(&once, &soon), STATUS_SUCCESS);
    CHECK_EQUAL(wait_for(&once, &soon), STATUS_TIMEOUT);
    CHECK_EQUAL(wait_for(&stays, &soon), STATUS_TIMEOUT);
    CHECK_EQUAL(event_set(&stays), 0);
    CHECK_EQUAL(event_set(&stays), 1);
    CHECK_EQUAL(wait_for(&stays, NULL), STATUS_SUCCESS);
    CHECK_EQUAL(wait_for(&stays, NULL), STATUS_SUCCESS);
}

static KQUEUE queue;
static volatile LONG received;

static void receiver(void *unused)
{
    PLIST_ENTRY entry;
    K_KeRemoveQueueEx(&queue, KernelMode, FALSE, NULL, &entry, 1);
    received = 1;
}

static void queues(void)
{
    LIST_ENTRY one, two;
    PLIST_ENTRY entry;
    LARGE_INTEGER soon = in_ms(20);
    K_KeInitializeQueue(&queue, 0);
    K_KeInsertQueue(&queue, &one);
    CHECK_EQUAL(K_KeInsertQueue(&queue, &two), 1);
    CHECK_EQUAL(K_KeRemoveQueueEx(&queue, KernelMode, FALSE, NULL, &entry, 1), 1);
    CHECK(entry == &one);
    K_KeRemoveQueueEx(&queue, KernelMode, FALSE, NULL, &entry, 1);
    CHECK(entry == &two);
    CHECK_EQUAL(K_KeReadStateQueue(&queue), 0);
    /* A time-out is given as the "entry". */
    CHECK_EQUAL(K_KeRemoveQueueEx(&queue, KernelMode, FALSE, &soon, &entry, 1), 1);
    CHECK_EQUAL((ULONG_PTR)entry, STATUS_TIMEOUT);
    host_start_thread(receiver, NULL);
    sleep_ms(50);
    CHECK_EQUAL(received, 0);
    K_KeInsertQueue(&queue, &one);
    CHECK(becomes(&received, 1));
}

static volatile LONG fired, worked;

static VOID NTAPI on_timer(PKDPC dpc, PVOID context, PVOID a, PVOID b)
{
    _InterlockedAdd(&fired, (LONG)(LONG_PTR)context);
}

static VOID NTAPI on_work(PVOID context) { _InterlockedIncrement(&worked); }

static void timers(void)
{
    KTIMER timer;
    KDPC dpc;
    WORK_QUEUE_ITEM items[20];
    K_KeInitializeTimer(&timer);
    K_KeInitializeDpc(&dpc, on_timer, (PVOID)10);
    CHECK(!K_KeSetTimer(&timer, in_ms(10), &dpc));
    CHECK(becomes(&fired, 10));
    CHECK(!K_KeCancelTimer(&timer));
    K_KeSetTimer(&timer, in_ms(60000), &dpc);
    CHECK(K_KeSetTimer(&timer, in_ms(60000), &dpc));
    CHECK(K_KeCancelTimer(&timer));
    K_KeSetTimerEx(&timer, in_ms(5), 5, &dpc);
    for (int i = 0; i < 1000 && fired < 50; i++)
        sleep_ms(5);
    CHECK(fired >= 50);
    CHECK(K_KeCancelTimer(&timer));
    K_KeFlushQueuedDpcs();
    LONG after = fired;
    sleep_ms(50);
    CHECK_EQUAL(fired, after);
    for (int i = 0; i < 20; i++) {
        items[i].WorkerRoutine = on_work;
        items[i].Parameter = NULL;
        K_ExQueueWorkItem(&items[i], DelayedWorkQueue);
    }
    CHECK(becomes(&worked, 20));
}

static KSPIN_LOCK spin_lock;
static volatile LONG unprotected, spinners;

static void spinner(void *unused)
{
    for (int i = 0; i < 20000; i++) {
        KIRQL old = K_KeAcquireSpinLockRaiseToDpc(&spin_lock);
        unprotected++;
        K_KeReleaseSpinLock(&spin_lock, old);
    }
    _InterlockedIncrement(&spinners);
}

static void pool(void)
{
    uint32_t blocks = rig_pool_blocks();
    UCHAR *small = K_ExAllocatePoolWithTag(PagedPool, 40, 'tseT'),
          *page = K_ExAllocatePoolWithTag(PagedPool, 5000, 'tseT');
    CHECK_EQUAL((ULONG_PTR)small % 16, 0);
    CHECK_EQUAL((ULONG_PTR)page % 4096, 0);
    CHECK_EQUAL(small[0], 0xa5);
    CHECK_EQUAL(page[4999], 0xa5);
    CHECK_EQUAL(rig_pool_blocks(), blocks + 2);
    K_ExFreePoolWithTag(small, 'tseT');
    K_ExFreePoolWithTag(page, 'tseT');
    CHECK_EQUAL(rig_pool_blocks(), blocks);
}

int main(void)
{
    system_threads_start();
    events();
    queues();
    timers();
    host_start_thread(spinner, NULL);
    host_start_thread(spinner, NULL);
    CHECK(becomes(&spinners, 2));
    CHECK_EQUAL(unprotected, 40000);
    pool();
    return passed("events, queues, timers, work items, spin locks, pool");
}
