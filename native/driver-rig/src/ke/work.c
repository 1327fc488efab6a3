/*
 * Ex: work items on four system threads, and the clock that runs timers and their deferred procedures.
 * Windows: three queues with many threads; deferred procedures run at a raised level on each processor. Here: one
 * queue; one thread runs everything that is due, one after the other.
 */
#include "kernel.h"

static LIST_ENTRY work = {&work, &work};

static void worker(void *unused)
{
    for (;;) {
        host_lock(&work);
        while (work.Flink == &work)
            host_wait(&work, NULL);
        PLIST_ENTRY entry = RemoveHeadList(&work);
        host_unlock(&work);
        PWORK_QUEUE_ITEM item = CONTAINING_RECORD(entry, WORK_QUEUE_ITEM, List);
        item->WorkerRoutine(item->Parameter);
    }
}

KERNEL VOID K_ExQueueWorkItem(PWORK_QUEUE_ITEM item, WORK_QUEUE_TYPE type)
{
    host_lock(&work);
    InsertTailList(&work, &item->List);
    host_wake(&work);
    host_unlock(&work);
}

static LIST_ENTRY timers = {&timers, &timers};
static int dpc_running;

static void clock_thread(void *unused)
{
    for (;;) {
        int64_t next = host_now() + 10000000;
        PKTIMER due = NULL;
        host_lock(&timers);
        int64_t now = host_now();
        for (PLIST_ENTRY e = timers.Flink; e != &timers; e = e->Flink) {
            PKTIMER t = CONTAINING_RECORD(e, KTIMER, TimerListEntry);
            if ((int64_t)t->DueTime.QuadPart <= now) {
                due = t;
                break;
            }
            if ((int64_t)t->DueTime.QuadPart < next)
                next = t->DueTime.QuadPart;
        }
        if (due == NULL) {
            host_wait(&timers, &next);
            host_unlock(&timers);
            continue;
        }
        PKDPC dpc = due->Dpc;
        if (due->Period != 0) {
            due->DueTime.QuadPart = now + (int64_t)due->Period * 10000;
        } else {
            RemoveEntryList(&due->TimerListEntry);
            due->Header.Inserted = FALSE;
        }
        dpc_running = 1;
        host_unlock(&timers);
        event_set((PKEVENT)due);
        if (dpc != NULL)
            dpc->DeferredRoutine(dpc, dpc->DeferredContext, dpc->SystemArgument1, dpc->SystemArgument2);
        host_lock(&timers);
        dpc_running = 0;
        host_wake(&timers);
        host_unlock(&timers);
    }
}

KERNEL VOID K_KeInitializeDpc(PRKDPC dpc, PKDEFERRED_ROUTINE routine, PVOID context)
{
    RtlZeroMemory(dpc, sizeof *dpc);
    dpc->DeferredRoutine = routine;
    dpc->DeferredContext = context;
}

KERNEL VOID K_KeInitializeTimerEx(PKTIMER timer, TIMER_TYPE type)
{
    RtlZeroMemory(timer, sizeof *timer);
    timer->Header.Type = 8 + type;
}

KERNEL VOID K_KeInitializeTimer(PKTIMER timer) { K_KeInitializeTimerEx(timer, NotificationTimer); }

KERNEL BOOLEAN K_KeCancelTimer(PKTIMER timer)
{
    host_lock(&timers);
    BOOLEAN was = timer->Header.Inserted != 0;
    if (was)
        RemoveEntryList(&timer->TimerListEntry);
    timer->Header.Inserted = FALSE;
    host_unlock(&timers);
    return was;
}

KERNEL BOOLEAN K_KeSetTimerEx(PKTIMER timer, LARGE_INTEGER due, LONG period, PKDPC dpc)
{
    BOOLEAN was = K_KeCancelTimer(timer);
    host_lock(&timers);
    timer->Header.SignalState = 0;
    timer->DueTime.QuadPart = due.QuadPart < 0 ? host_now() - due.QuadPart : due.QuadPart;
    timer->Period = period;
    timer->Dpc = dpc;
    timer->Header.Inserted = TRUE;
    InsertTailList(&timers, &timer->TimerListEntry);
    host_wake(&timers);
    host_unlock(&timers);
    return was;
}

KERNEL BOOLEAN K_KeSetTimer(PKTIMER timer, LARGE_INTEGER due, PKDPC dpc) { return K_KeSetTimerEx(timer, due, 0, dpc); }

KERNEL VOID K_KeFlushQueuedDpcs(void)
{
    host_lock(&timers);
    while (dpc_running)
        host_wait(&timers, NULL);
    host_unlock(&timers);
}

void system_threads_start(void)
{
    for (int i = 0; i < 4; i++)
        host_start_thread(worker, NULL);
    extern void lazy_writer(void *);
    host_start_thread(clock_thread, NULL);
    host_start_thread(lazy_writer, NULL);
}
