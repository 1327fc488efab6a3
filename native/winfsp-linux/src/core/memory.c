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

int volume_memory_take(VOLUME *v, UINT64 bytes)
{
    volume_memory_add(v, bytes);
    if (atomic_load(&v->clientBytes) <= v->options[OPTION_CLIENT_MEMORY])
        return 1;
    volume_memory_give(v, bytes);
    return 0;
}
