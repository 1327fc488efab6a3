/*
 * Ke, Ex, Ps: what needs no mechanism here.
 * There are no asynchronous procedure calls, so a critical region holds nothing back; there is one process, so
 * attaching to it is nothing.
 */
#include "kernel.h"

KERNEL VOID K_KeEnterCriticalRegion(void) {}

KERNEL VOID K_KeLeaveCriticalRegion(void) {}

KERNEL VOID K_KeStackAttachProcess(PVOID process, PVOID state) {}

KERNEL VOID K_KeUnstackDetachProcess(PVOID state) {}

KERNEL ULONG K_KeQueryActiveProcessorCount(PVOID affinity) { return 2; }

KERNEL VOID K_KeBugCheckEx(ULONG code, ULONG_PTR a, ULONG_PTR b, ULONG_PTR c, ULONG_PTR d)
{
    host_fatal("KeBugCheckEx(%lx, %llx, %llx, %llx, %llx)", code, a, b, c, d);
}

KERNEL BOOLEAN K_PsIsThreadTerminating(PVOID thread) { return FALSE; }

KERNEL VOID K_ExRaiseStatus(NTSTATUS status) { host_raise(status); }

KERNEL NTSTATUS K_ExUuidCreate(UUID *uuid)
{
    host_random(uuid, sizeof *uuid);
    return STATUS_SUCCESS;
}
