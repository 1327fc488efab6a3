/*
 * Ke: events and waiting for one object.
 * Windows: a dispatcher database under one lock, wait blocks, priorities, APCs and alerts. Here: a lock and a condition
 * for each object (host/platform.c); nothing is alertable, and a wait for several objects at once does not exist, for
 * the driver has none.
 */
#include "kernel.h"

#define SYNCHRONIZATION_TIMER 9

void event_initialize(PKEVENT event, int type, BOOLEAN state)
{
    RtlZeroMemory(event, sizeof *event);
    event->Header.Type = (UCHAR)type;
    event->Header.Size = sizeof *event / 4;
    event->Header.SignalState = state;
    event->Header.WaitListHead.Flink = event->Header.WaitListHead.Blink = &event->Header.WaitListHead;
}

KERNEL VOID K_KeInitializeEvent(PKEVENT event, EVENT_TYPE type, BOOLEAN state) { event_initialize(event, type, state); }

LONG event_set(PKEVENT event)
{
    host_lock(event);
    LONG old = event->Header.SignalState;
    event->Header.SignalState = 1;
    host_wake(event);
    host_unlock(event);
    return old;
}

KERNEL LONG K_KeSetEvent(PKEVENT event, KPRIORITY increment, BOOLEAN wait) { return event_set(event); }

int64_t *deadline_of(PLARGE_INTEGER timeout, int64_t *room)
{
    if (timeout == NULL)
        return NULL;
    *room = timeout->QuadPart < 0 ? host_now() - timeout->QuadPart : timeout->QuadPart;
    return room;
}

NTSTATUS wait_for(void *object, PLARGE_INTEGER timeout)
{
    int64_t room, *deadline = deadline_of(timeout, &room);
    DISPATCHER_HEADER *header = object;
    NTSTATUS result = STATUS_SUCCESS;
    host_lock(object);
    while (header->SignalState <= 0)
        if (!host_wait(object, deadline)) {
            result = STATUS_TIMEOUT;
            break;
        }
    if (result == STATUS_SUCCESS && (header->Type == SynchronizationEvent || header->Type == SYNCHRONIZATION_TIMER))
        header->SignalState = 0;
    host_unlock(object);
    return result;
}

KERNEL NTSTATUS K_KeWaitForSingleObject(
    PVOID object, KWAIT_REASON reason, KPROCESSOR_MODE mode, BOOLEAN alertable, PLARGE_INTEGER timeout)
{
    if (alertable)
        NOT_IMPLEMENTED("alertable waits");
    return wait_for(object, timeout);
}

KERNEL NTSTATUS K_KeDelayExecutionThread(KPROCESSOR_MODE mode, BOOLEAN alertable, PLARGE_INTEGER interval)
{
    host_sleep(interval->QuadPart < 0 ? -interval->QuadPart : interval->QuadPart - host_now());
    return STATUS_SUCCESS;
}
