/*
 * Ex: ERESOURCE, the reader-writer lock of file systems. Its first pointer leads to our own state.
 * Windows: the same rules, with the structure's own fields. A waiting writer holds new readers back, but not a thread
 * that reads already; owners may be handed to another thread or to a request (the low bits of such an owner are set).
 * What would hang or break there stops here.
 */
#include "kernel.h"

#define HOLDERS 64

typedef struct {
    void *exclusive;
    int count, writers_waiting, shared;

    struct {
        void *owner;
        int count;
    } holder[HOLDERS];
} RES;

#define RES_OF(resource) (*(RES **)(resource))

static int *shared_count(RES *res, void *owner, int make)
{
    for (int i = 0; i < HOLDERS; i++)
        if (res->holder[i].count > 0 && res->holder[i].owner == owner)
            return &res->holder[i].count;
    if (make)
        for (int i = 0; i < HOLDERS; i++)
            if (res->holder[i].count == 0) {
                res->holder[i].owner = owner;
                return &res->holder[i].count;
            }
    if (make)
        host_fatal("more than %d shared owners of a resource", HOLDERS);
    return NULL;
}

KERNEL NTSTATUS K_ExInitializeResourceLite(PERESOURCE resource)
{
    RtlZeroMemory(resource, sizeof *resource);
    RES_OF(resource) = host_alloc(sizeof(RES));
    return STATUS_SUCCESS;
}

KERNEL NTSTATUS K_ExDeleteResourceLite(PERESOURCE resource)
{
    RES *res = RES_OF(resource);
    if (res->exclusive != NULL || res->shared != 0)
        host_log("a resource is deleted while it is held");
    host_free(res);
    RES_OF(resource) = NULL;
    return STATUS_SUCCESS;
}

KERNEL BOOLEAN K_ExAcquireResourceExclusiveLite(PERESOURCE resource, BOOLEAN wait)
{
    RES *res = RES_OF(resource);
    void *me = host_thread();
    host_lock(res);
    for (;;) {
        if (res->exclusive == me || (res->exclusive == NULL && res->shared == 0)) {
            res->exclusive = me;
            res->count++;
            host_unlock(res);
            return TRUE;
        }
        if (!wait)
            break;
        if (shared_count(res, me, 0) != NULL)
            host_fatal("a thread that holds a resource shared wants it exclusive");
        res->writers_waiting++;
        host_wait(res, NULL);
        res->writers_waiting--;
    }
    host_unlock(res);
    return FALSE;
}

KERNEL BOOLEAN K_ExAcquireResourceSharedLite(PERESOURCE resource, BOOLEAN wait)
{
    RES *res = RES_OF(resource);
    void *me = host_thread();
    host_lock(res);
    for (;;) {
        if (res->exclusive == me) {
            res->count++;
            host_unlock(res);
            return TRUE;
        }
        if (res->exclusive == NULL && (res->writers_waiting == 0 || shared_count(res, me, 0) != NULL)) {
            ++*shared_count(res, me, 1);
            res->shared++;
            host_unlock(res);
            return TRUE;
        }
        if (!wait)
            break;
        host_wait(res, NULL);
    }
    host_unlock(res);
    return FALSE;
}

static void release(PERESOURCE resource, void *owner)
{
    RES *res = RES_OF(resource);
    host_lock(res);
    if (res->exclusive == owner) {
        if (--res->count == 0)
            res->exclusive = NULL;
    } else {
        int *count = shared_count(res, owner, 0);
        if (count == NULL)
            host_fatal("a resource is released by %p, which does not hold it", owner);
        --*count;
        res->shared--;
    }
    host_wake(res);
    host_unlock(res);
}

KERNEL VOID K_ExReleaseResourceLite(PERESOURCE resource) { release(resource, host_thread()); }

KERNEL VOID K_ExReleaseResourceForThreadLite(PERESOURCE resource, ERESOURCE_THREAD owner)
{
    release(resource, (void *)owner);
}

KERNEL VOID K_ExSetResourceOwnerPointer(PERESOURCE resource, PVOID owner)
{
    RES *res = RES_OF(resource);
    void *me = host_thread();
    host_lock(res);
    if (res->exclusive == me) {
        res->exclusive = owner;
    } else {
        int *mine = shared_count(res, me, 0);
        if (mine == NULL)
            host_fatal("the owner of a resource is changed by a thread that does not hold it");
        --*mine;
        ++*shared_count(res, owner, 1);
    }
    host_wake(res);
    host_unlock(res);
}

KERNEL VOID K_ExConvertExclusiveToSharedLite(PERESOURCE resource)
{
    RES *res = RES_OF(resource);
    host_lock(res);
    void *owner = res->exclusive;
    int count = res->count;
    res->exclusive = NULL;
    res->count = 0;
    *shared_count(res, owner, 1) += count;
    res->shared += count;
    host_wake(res);
    host_unlock(res);
}

KERNEL BOOLEAN K_ExIsResourceAcquiredExclusiveLite(PERESOURCE resource)
{
    return RES_OF(resource)->exclusive == host_thread();
}

KERNEL ULONG K_ExIsResourceAcquiredSharedLite(PERESOURCE resource)
{
    RES *res = RES_OF(resource);
    host_lock(res);
    int *count = shared_count(res, host_thread(), 0);
    ULONG result = res->exclusive == host_thread() ? res->count : count != NULL ? *count : 0;
    host_unlock(res);
    return result;
}
