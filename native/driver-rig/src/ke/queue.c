/*
 * Ke: KQUEUE, on which the library's threads wait for requests.
 * Windows: wakes waiters last in, first out, and lets only so many of them run as there are processors. Here: no limit,
 * any order.
 */
#include "kernel.h"

KERNEL VOID K_KeInitializeQueue(PRKQUEUE queue, ULONG count)
{
    RtlZeroMemory(queue, sizeof *queue);
    queue->Header.Type = 4;
    queue->EntryListHead.Flink = queue->EntryListHead.Blink = &queue->EntryListHead;
    queue->ThreadListHead.Flink = queue->ThreadListHead.Blink = &queue->ThreadListHead;
}

KERNEL LONG K_KeReadStateQueue(PRKQUEUE queue) { return queue->Header.SignalState; }

KERNEL LONG K_KeInsertQueue(PRKQUEUE queue, PLIST_ENTRY entry)
{
    host_lock(queue);
    LONG old = queue->Header.SignalState++;
    InsertTailList(&queue->EntryListHead, entry);
    host_wake(queue);
    host_unlock(queue);
    return old;
}

/* On a time-out the status itself is stored as the "entry", and 1 is returned. */
KERNEL ULONG K_KeRemoveQueueEx(
    PRKQUEUE queue, KPROCESSOR_MODE mode, BOOLEAN alertable, PLARGE_INTEGER timeout, PLIST_ENTRY *entries, ULONG count)
{
    if (count != 1)
        NOT_IMPLEMENTED("several entries at once");
    int64_t room, *deadline = deadline_of(timeout, &room);
    host_lock(queue);
    while (queue->Header.SignalState <= 0)
        if (!host_wait(queue, deadline)) {
            host_unlock(queue);
            entries[0] = (PLIST_ENTRY)(ULONG_PTR)STATUS_TIMEOUT;
            return 1;
        }
    queue->Header.SignalState--;
    entries[0] = RemoveHeadList(&queue->EntryListHead);
    host_unlock(queue);
    return 1;
}

KERNEL PLIST_ENTRY K_KeRundownQueue(PRKQUEUE queue) { return NULL; }
