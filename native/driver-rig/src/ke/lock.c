/*
 * Ke, Ex: spin locks and fast mutexes.
 * Windows: both raise the interrupt level. Here: there are no interrupt levels, so they only exclude; a spin lock
 * yields.
 */
#include "kernel.h"

static void spin(PKSPIN_LOCK lock)
{
    host_perturb();
    while (_InterlockedExchange64((LONG64 volatile *)lock, 1) != 0)
        host_yield();
}

static void unspin(PKSPIN_LOCK lock) { _InterlockedExchange64((LONG64 volatile *)lock, 0); }

KERNEL VOID K_KeAcquireSpinLockAtDpcLevel(PKSPIN_LOCK lock) { spin(lock); }

KERNEL KIRQL K_KeAcquireSpinLockRaiseToDpc(PKSPIN_LOCK lock)
{
    spin(lock);
    return PASSIVE_LEVEL;
}

KERNEL VOID K_KeReleaseSpinLock(PKSPIN_LOCK lock, KIRQL old) { unspin(lock); }

KERNEL VOID K_KeReleaseSpinLockFromDpcLevel(PKSPIN_LOCK lock) { unspin(lock); }

KERNEL VOID K_ExAcquireFastMutexUnsafe(PFAST_MUTEX mutex)
{
    host_lock(mutex);
    while (mutex->Count <= 0)
        host_wait(mutex, NULL);
    mutex->Count = 0;
    mutex->Owner = host_thread();
    host_unlock(mutex);
}

KERNEL VOID K_ExReleaseFastMutexUnsafe(PFAST_MUTEX mutex)
{
    host_lock(mutex);
    mutex->Owner = NULL;
    mutex->Count = 1;
    host_wake(mutex);
    host_unlock(mutex);
}
