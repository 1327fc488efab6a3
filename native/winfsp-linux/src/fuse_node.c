/* Nodes: the table of names, and what becomes of a node when the kernel forgets it, its name goes or its last file is closed. */
#include "fuse_front.h"

static UINT32 bucket_of(const FRONT *front, const NODE *parent, const WCHAR *name, size_t units)
{
    UINT64 hash = (uintptr_t)parent * 0x9e3779b97f4a7c15u;
    for (size_t i = 0; i < units; i++)
        hash = (hash ^ name[i]) * 0x100000001b3u;
    return (UINT32)(hash ^ hash >> 32) & (front->bucketCount - 1);
}

static UINT32 number_bucket(const FRONT *front, UINT64 number) { return (UINT32)(number * 0x9e3779b97f4a7c15u >> 40) & (front->bucketCount - 1); }

/* Spellings of one file find each other by its number. */
static void numbers_add(FRONT *front, NODE *node)
{
    NODE **at;
    if (front->numbers == NULL || node->numbered || node == &front->root)
        return;
    at = &front->numbers[number_bucket(front, node->info.IndexNumber)];
    node->nextOfNumber = *at;
    *at = node;
    node->numbered = 1;
}

static void numbers_remove(FRONT *front, NODE *node)
{
    NODE **at;
    if (!node->numbered)
        return;
    at = &front->numbers[number_bucket(front, node->info.IndexNumber)];
    while (*at != node)
        at = &(*at)->nextOfNumber;
    *at = node->nextOfNumber;
    node->numbered = 0;
}

static void table_grow(FRONT *front)
{
    UINT32 count = front->bucketCount ? front->bucketCount * 2 : 1024, old = front->bucketCount;
    NODE **buckets = calloc(count, sizeof *buckets), **before = front->buckets, **numbers = NULL;
    if (buckets == NULL || (!front->caseSensitive && (numbers = calloc(count, sizeof *numbers)) == NULL)) {
        free(buckets);
        return; /* longer chains, nothing worse */
    }
    front->buckets = buckets;
    front->bucketCount = count;
    for (UINT32 i = 0; i < old; i++)
        for (NODE *node = before[i], *next; node != NULL; node = next) {
            NODE **at = &buckets[bucket_of(front, node->parent, node->name, node->nameUnits)];
            next = node->next;
            node->next = *at;
            *at = node;
        }
    free(before);
    free(front->numbers);
    front->numbers = numbers;
    for (NODE *node = front->all; node != NULL; node = node->nextOfAll)
        if (node->numbered) {
            node->numbered = 0;
            numbers_add(front, node);
        }
}

NODE *node_find(FRONT *front, NODE *parent, const WCHAR *name, size_t units)
{
    if (front->bucketCount == 0)
        return NULL;
    for (NODE *node = front->buckets[bucket_of(front, parent, name, units)]; node != NULL; node = node->next)
        if (node->parent == parent && node->nameUnits == units && memcmp(node->name, name, units * sizeof *name) == 0)
            return node;
    return NULL;
}

static void table_add(FRONT *front, NODE *node)
{
    NODE **at = &front->buckets[bucket_of(front, node->parent, node->name, node->nameUnits)];
    node->next = *at;
    *at = node;
}

static void table_remove(FRONT *front, NODE *node)
{
    NODE **at = &front->buckets[bucket_of(front, node->parent, node->name, node->nameUnits)];
    while (*at != node)
        at = &(*at)->next;
    *at = node->next;
}

static WCHAR *name_copy(const WCHAR *name, size_t units)
{
    WCHAR *copy = malloc((units + 1) * sizeof *copy);
    if (copy != NULL)
        memcpy(copy, name, units * sizeof *copy);
    return copy;
}

NODE *node_insert(FRONT *front, NODE *parent, const WCHAR *name, size_t units)
{
    NODE *node = calloc(1, sizeof *node);
    if (node == NULL)
        return NULL;
    if (front->nodeCount >= front->bucketCount)
        table_grow(front);
    if (front->bucketCount == 0 || (node->name = name_copy(name, units)) == NULL) {
        free(node);
        return NULL;
    }
    node->nameUnits = (UINT32)units;
    node->parent = parent;
    node->generation = ++front->generation;
    parent->references++;
    table_add(front, node);
    if ((node->nextOfAll = front->all) != NULL)
        front->all->previousOfAll = node;
    front->all = node;
    front->nodeCount++;
    return node;
}

int node_rename(FRONT *front, NODE *node, NODE *parent, const WCHAR *name, size_t units)
{
    NODE *before = node->parent;
    WCHAR *copy = name_copy(name, units);
    if (copy == NULL)
        return 0;
    table_remove(front, node);
    free(node->name);
    node->name = copy;
    node->nameUnits = (UINT32)units;
    node->parent = parent;
    parent->references++;
    table_add(front, node);
    if (before != NULL) {
        before->references--;
        node_settle(front, before);
    }
    return 1;
}

void node_unname(FRONT *front, NODE *node)
{
    NODE *parent = node->parent;
    if (node->unlinked || node == &front->root)
        return;
    table_remove(front, node);
    numbers_remove(front, node);
    node->unlinked = 1;
    node->parent = NULL;
    atomic_store_explicit(&node->fresh, 0, memory_order_relaxed);
    parent->references--;
    node_settle(front, parent);
    node_settle(front, node);
}

void node_unname_others(FRONT *front, NODE *node)
{
    NODE *other;
    if (front->caseSensitive || node->unlinked || node == &front->root)
        return;
    do {
        other = front->numbers[number_bucket(front, node->info.IndexNumber)];
        while (other != NULL && (other == node || other->info.IndexNumber != node->info.IndexNumber))
            other = other->nextOfNumber;
        if (other != NULL)
            node_unname(front, other);
    } while (other != NULL);
}

static void let_go(FRONT *front, NODE *node)
{
    FILE_OBJECT *handle = node->handle;
    node->handle = NULL;
    atomic_store_explicit(&node->fresh, 0, memory_order_relaxed);
    if (handle != NULL)
        handle_put(handle);
}

/*
 * A file that a rename replaces keeps its handle until the kernel forgets it: somebody may have found it under its name just before, and opens it now.
 * That takes the kernel no time when nobody has; whoever asks for free space, or is refused some, ends it for all.
 */
#define LINGERING_MOST 64

static void unlinger(FRONT *front, NODE *node)
{
    NODE **at = &front->lingering;
    while (*at != node)
        at = &(*at)->nextLingering;
    *at = node->nextLingering;
    node->lingers = 0;
    front->lingeringCount--;
}

void node_linger(FRONT *front, NODE *node)
{
    if (front->lingeringCount == LINGERING_MOST)
        lingering_end(front);
    if (node->lingers || node->handle == NULL || node->lookups == 0)
        return;
    node->lingers = 1;
    node->nextLingering = front->lingering;
    front->lingering = node;
    front->lingeringCount++;
}

/* Says whether a file has gone with it. */
int lingering_end(FRONT *front)
{
    NODE *node;
    int any = 0;
    while ((node = front->lingering) != NULL) {
        any |= node->opens == 0 && node->handle != NULL;
        unlinger(front, node);
        node_settle(front, node);
    }
    return any;
}

void node_settle(FRONT *front, NODE *node)
{
    NODE *parent;
    if (node->lingers && node->lookups == 0)
        unlinger(front, node);
    if (node->opens > 0 || node == &front->root)
        return;
    if (node->handle != NULL && (node->lookups == 0 || (node->unlinked && !node->lingers)) && node->references == 0)
        let_go(front, node);
    if (node->lookups > 0 || node->references > 0)
        return;
    if (!node->unlinked)
        table_remove(front, node);
    numbers_remove(front, node);
    if (node->previousOfAll != NULL)
        node->previousOfAll->nextOfAll = node->nextOfAll;
    else
        front->all = node->nextOfAll;
    if (node->nextOfAll != NULL)
        node->nextOfAll->previousOfAll = node->previousOfAll;
    front->nodeCount--;
    parent = node->parent;
    free(node->name);
    free(node);
    if (parent != NULL) {
        parent->references--;
        node_settle(front, parent); /* as deep as a path whose nodes were all forgotten before */
    }
}

static void learn(FRONT *front, NODE *node, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    FSP_FSCTL_TRANSACT_BUF sd = rsp->Rsp.Create.Opened.SecurityDescriptor;
    /* A node with a handle knows better: its length may have changed since this answer was given. */
    if (!front->cached || !node->known || (node->handle == NULL && !node->sizes.alone))
        node_learn(front, node, &rsp->Rsp.Create.Opened.FileInfo);
    if (sd.Size != 0 && sizeof *rsp + sd.Offset + (size_t)sd.Size <= rsp->Size)
        node_learn_security(front, node, rsp->Buffer + sd.Offset, sd.Size);
}

static void install(OP *op, NODE *node)
{
    if (node->handle == NULL)
        node->handle = op->made;
    else {
        op->made->context.UserContext = node->handle->context.UserContext; /* the first one stays */
        handle_put(op->made);
    }
    op->made = NULL;
}

NODE *node_adopt(OP *op, NODE *dir, const WCHAR *name, size_t units, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    FRONT *front = op->front;
    const FSP_FSCTL_FILE_INFO *info = &rsp->Rsp.Create.Opened.FileInfo;
    NODE *node;
    pthread_mutex_lock(&front->lock);
    handle_opened(op->made, rsp);
    node = node_find(front, dir, name, units);
    if (node != NULL && node->known && node->info.IndexNumber != info->IndexNumber) { /* replaced behind the kernel's back */
        node_unname(front, node);
        node = NULL;
    }
    if (node == NULL)
        node = node_insert(front, dir, name, units);
    if (node == NULL) {
        handle_put(op->made);
        op->made = NULL;
    } else {
        node->references++;
        learn(front, node, rsp);
        numbers_add(front, node);
        install(op, node);
    }
    pthread_mutex_unlock(&front->lock);
    return node;
}

int node_readopt(OP *op, NODE *node, const FSP_FSCTL_TRANSACT_RSP *rsp)
{
    FRONT *front = op->front;
    int same;
    pthread_mutex_lock(&front->lock);
    handle_opened(op->made, rsp);
    same = !node->known || node->info.IndexNumber == rsp->Rsp.Create.Opened.FileInfo.IndexNumber;
    if (same) {
        learn(front, node, rsp);
        install(op, node);
    } else {
        handle_put(op->made);
        op->made = NULL;
        node_unname(front, node);
    }
    pthread_mutex_unlock(&front->lock);
    return same;
}

void nodes_free(FRONT *front)
{
    for (NODE *node = front->all, *next; node != NULL; node = next) {
        next = node->nextOfAll;
        if (node->handle != NULL)
            handle_discard(node->handle);
        free(node->name);
        free(node);
    }
    if (front->root.handle != NULL)
        handle_discard(front->root.handle);
    free(front->buckets);
    free(front->numbers);
}
