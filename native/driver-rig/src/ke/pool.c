/*
 * Ex: the pool. New blocks are filled with 0xa5 and freed ones with 0xdd, so that code which reads what it does not own
 * is seen; a damaged header stops the run. Blocks are counted by tag and size, so that a leak has a name. Windows:
 * paged and non-paged pools with quotas and look-aside lists. Here: one heap; both kinds are the same.
 */
#include "kernel.h"

#define KINDS 512

typedef struct {
    ULONG magic, tag;
    SIZE_T bytes;
} POOL;

static volatile LONG pool_blocks;
static volatile LONG64 pool_bytes;

/* What is allocated, by tag and size. */
static struct {
    ULONG tag;
    SIZE_T bytes;
    LONG count;
} kinds[KINDS];

static void count_kind(ULONG tag, SIZE_T bytes, LONG by)
{
    host_lock(kinds);
    for (int i = 0; i < KINDS; i++)
        if (kinds[i].bytes == 0 || (kinds[i].tag == tag && kinds[i].bytes == bytes)) {
            kinds[i].tag = tag;
            kinds[i].bytes = bytes;
            kinds[i].count += by;
            host_unlock(kinds);
            return;
        }
    host_fatal("more than %d kinds of pool blocks", KINDS);
}

RIG_API uint32_t rig_pool_count(uint32_t tag, uint64_t bytes)
{
    LONG found = 0;
    host_lock(kinds);
    for (int i = 0; i < KINDS; i++)
        if (kinds[i].tag == tag && kinds[i].bytes == bytes)
            found = kinds[i].count;
    host_unlock(kinds);
    return (uint32_t)found;
}

RIG_API void rig_pool_show(void)
{
    for (int i = 0; i < KINDS; i++)
        if (kinds[i].count)
            host_log(
                "pool %.4s %llu bytes: %ld", (char *)&kinds[i].tag, (unsigned long long)kinds[i].bytes, kinds[i].count);
}

void *pool_allocate(size_t bytes, ULONG tag)
{
    /* Page-sized requests are page aligned, as in the kernel. */
    size_t front = bytes >= 4096 ? 4096 : sizeof(POOL);
    char *block = host_alloc(bytes + front + 4096 * (bytes >= 4096));
    if (block == NULL)
        return NULL;
    char *body = block + front;
    if (bytes >= 4096)
        body = (char *)(((ULONG_PTR)block + 4096 + 4095) & ~(ULONG_PTR)4095);
    if (body - block < (ptrdiff_t)(sizeof(POOL) + sizeof(void *)) && bytes >= 4096)
        body += 4096;
    POOL *pool = (POOL *)body - 1;
    pool->magic = 0x4c4f4f50;
    pool->tag = tag;
    pool->bytes = bytes;
    if (bytes >= 4096)
        ((void **)pool)[-1] = block;
    count_kind(tag, bytes, 1);
    RtlFillMemory(body, bytes, 0xa5);
    _InterlockedIncrement(&pool_blocks);
    _InterlockedExchangeAdd64(&pool_bytes, (LONG64)bytes);
    return body;
}

void pool_free(void *memory)
{
    POOL *pool = (POOL *)memory - 1;
    if (pool->magic != 0x4c4f4f50)
        host_fatal("pool block %p freed twice or overrun (%lx)", memory, pool->magic);
    pool->magic = 0xdeadbeef;
    _InterlockedDecrement(&pool_blocks);
    _InterlockedExchangeAdd64(&pool_bytes, -(LONG64)pool->bytes);
    SIZE_T bytes = pool->bytes;
    count_kind(pool->tag, bytes, -1);
    void *block = bytes >= 4096 ? ((void **)pool)[-1] : (void *)pool;
    RtlFillMemory(memory, bytes, 0xdd);
    host_free(block);
}

RIG_API uint32_t rig_pool_blocks(void) { return (uint32_t)pool_blocks; }

RIG_API uint64_t rig_pool_bytes(void) { return (uint64_t)pool_bytes; }

KERNEL PVOID K_ExAllocatePoolWithTag(POOL_TYPE type, SIZE_T bytes, ULONG tag) { return pool_allocate(bytes, tag); }

KERNEL VOID K_ExFreePoolWithTag(PVOID memory, ULONG tag) { pool_free(memory); }
