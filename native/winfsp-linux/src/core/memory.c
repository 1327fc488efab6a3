/* The account of what clients make front ends keep in memory, in bytes: of each volume, and of the process. */
#include "core/queue.h"

static _Atomic(UINT64) total;

void volume_memory_add(VOLUME *v, UINT64 bytes)
{
    atomic_fetch_add(&v->clientBytes, bytes);
    atomic_fetch_add(&total, bytes);
}

void volume_memory_give(VOLUME *v, UINT64 bytes)
{
    atomic_fetch_sub(&v->clientBytes, bytes);
    atomic_fetch_sub(&total, bytes);
}

UINT64 volume_memory(VOLUME *v) { return atomic_load(v != NULL ? &v->clientBytes : &total); }

/* What is refused is not counted for a moment either: others would be refused for it, or see the limit passed. */
int volume_memory_take(VOLUME *v, UINT64 bytes)
{
    UINT64 limit = v->options[OPTION_CLIENT_MEMORY], now = atomic_load(&v->clientBytes);
    do
        if (now > limit || bytes > limit - now)
            return 0;
    while (!atomic_compare_exchange_weak(&v->clientBytes, &now, now + bytes));
    atomic_fetch_add(&total, bytes);
    return 1;
}
