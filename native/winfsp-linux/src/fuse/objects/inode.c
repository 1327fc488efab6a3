/* Inodes: what becomes of an inode when the kernel forgets it, its name goes or its last file
 * is closed. */
#include "fuse/objects/front.h"

INODE *inode_of(FRONT *front, UINT64 nodeid)
{
    return nodeid == FUSE_ROOT_ID ? &front->root : (INODE *)(uintptr_t)nodeid;
}

int inode_is_unlinked(FRONT *front, const INODE *inode)
{
    int unlinked;
    pthread_mutex_lock(&front->lock);
    unlinked = inode->unlinked;
    pthread_mutex_unlock(&front->lock);
    return unlinked;
}

static UINT32 number_bucket(const FRONT *front, UINT64 number)
{
    return (UINT32)(number * 0x9e3779b97f4a7c15u >> 40) & (front->bucketCount - 1);
}

void inode_number(FRONT *front, INODE *inode)
{
    INODE **at;
    if (front->numbers == NULL || inode->numbered || inode == &front->root)
        return;
    at = &front->numbers[number_bucket(front, inode->info.IndexNumber)];
    inode->nextOfNumber = *at;
    *at = inode;
    inode->numbered = 1;
}

static void numbers_remove(FRONT *front, INODE *inode)
{
    INODE **at;
    if (!inode->numbered)
        return;
    at = &front->numbers[number_bucket(front, inode->info.IndexNumber)];
    while (*at != inode)
        at = &(*at)->nextOfNumber;
    *at = inode->nextOfNumber;
    inode->numbered = 0;
}

static void table_grow(FRONT *front)
{
    UINT32 count = front->bucketCount ? front->bucketCount * 2 : 1024, old = front->bucketCount;
    int numbered = !front->caseSensitive || front->hardLinks;
    NAME **buckets = calloc(count, sizeof *buckets), **before = front->buckets;
    INODE **numbers = numbered ? calloc(count, sizeof *numbers) : NULL;
    if (buckets == NULL || (numbered && numbers == NULL)) {
        free(buckets);
        free(numbers);
        return; /* longer chains, nothing worse */
    }
    front->buckets = buckets;
    front->bucketCount = count;
    for (UINT32 i = 0; i < old; i++)
        for (NAME *name = before[i], *next; name != NULL; name = next) {
            next = name->next;
            names_insert(front, name);
        }
    free(before);
    free(front->numbers);
    front->numbers = numbers;
    for (INODE *inode = front->newest; inode != NULL; inode = inode->nextOfAll)
        if (inode->numbered) {
            inode->numbered = 0;
            inode_number(front, inode);
        }
}

static void inode_add_newest(FRONT *front, INODE *inode)
{
    inode->previousOfAll = NULL;
    if ((inode->nextOfAll = front->newest) != NULL)
        front->newest->previousOfAll = inode;
    else
        front->oldest = inode;
    front->newest = inode;
}

static void inode_take_out(FRONT *front, INODE *inode)
{
    if (inode->previousOfAll != NULL)
        inode->previousOfAll->nextOfAll = inode->nextOfAll;
    else
        front->newest = inode->nextOfAll;
    if (inode->nextOfAll != NULL)
        inode->nextOfAll->previousOfAll = inode->previousOfAll;
    else
        front->oldest = inode->previousOfAll;
}

void inode_renew(FRONT *front, INODE *inode)
{
    inode_take_out(front, inode);
    inode_add_newest(front, inode);
}

/* With its place in the table. */
static UINT64 inode_bytes(size_t units) { return sizeof(INODE) + sizeof(INODE *) + (units + 1) * sizeof(WCHAR); }

void inode_discard(FRONT *front, INODE *inode)
{
    client_memory_give(front, inode_bytes(inode->name.units));
    free(inode->name.text);
    free(inode);
}

INODE *inode_new(FRONT *front, const WCHAR *name, size_t units)
{
    INODE *inode;
    int table;
    pthread_mutex_lock(&front->lock);
    if (front->inodeCount >= front->bucketCount)
        table_grow(front);
    table = front->bucketCount != 0;
    pthread_mutex_unlock(&front->lock);
    if (!table || !inode_memory_take(front, inode_bytes(units)))
        return NULL;
    if ((inode = calloc(1, sizeof *inode)) == NULL) {
        client_memory_give(front, inode_bytes(units));
        return NULL;
    }
    inode->name.inode = inode;
    inode->name.units = (UINT32)units;
    if ((inode->name.text = malloc((units + 1) * sizeof(WCHAR))) == NULL) {
        inode_discard(front, inode);
        return NULL;
    }
    memcpy(inode->name.text, name, units * sizeof *name);
    return inode;
}

void inode_insert(FRONT *front, INODE *parent, INODE *inode)
{
    inode->name.parent = parent;
    inode->generation = ++front->generation;
    parent->references++;
    names_insert(front, &inode->name);
    inode_add_newest(front, inode);
    front->inodeCount++;
}

INODE *first_spelling(FRONT *front, const INODE *inode)
{
    if (front->numbers == NULL || !inode->numbered)
        return NULL;
    return next_spelling(front->numbers[number_bucket(front, inode->info.IndexNumber)], inode);
}

/*
 * An open under another spelling, which the kernel had looked up before this inode was opened, is sent back to look
 * again; that it does once only. So this inode is the one for all spellings yet a while, even if it is closed
 * meanwhile.
 */
#define WANTED_MS 2000u

static int is_the_one(const INODE *inode)
{
    return inode->opens > 0 || (inode->wantedAtMs != 0 && platform_now_ns() / 1000000 - inode->wantedAtMs < WANTED_MS);
}

int inode_open_elsewhere(FRONT *front, const INODE *inode)
{
    INODE *other = first_spelling(front, inode);
    for (; other != NULL; other = next_spelling(other->nextOfNumber, inode))
        if (is_the_one(other)) {
            other->wantedAtMs = platform_now_ns() / 1000000;
            return 1;
        }
    return 0;
}

INODE *inode_find_number(FRONT *front, UINT64 number)
{
    if (front->numbers == NULL)
        return NULL;
    for (INODE *inode = front->numbers[number_bucket(front, number)]; inode != NULL; inode = inode->nextOfNumber)
        if (inode->info.IndexNumber == number && (front->caseSensitive || is_the_one(inode)) &&
            (front->hardLinks || !inode->unlinked))
            return inode;
    return NULL;
}

static void let_go(FRONT *front, INODE *inode)
{
    FILE_OBJECT *handle = inode->handle;
    inode->handle = NULL;
    atomic_store_explicit(&inode->fresh, 0, memory_order_relaxed);
    if (handle != NULL)
        handle_put(handle);
}

/*
 * A file that a rename replaces keeps its handle until the kernel forgets it: a program may have found it under its
 * name just before, and opens it now. That takes the kernel no time when none has; what asks for free space, or is
 * refused some, ends it for all.
 */
#define MAX_LINGERING 64

static void unlinger(FRONT *front, INODE *inode)
{
    INODE **at = &front->lingering;
    while (*at != inode)
        at = &(*at)->nextLingering;
    *at = inode->nextLingering;
    inode->lingers = 0;
    front->lingeringCount--;
}

void inode_linger(FRONT *front, INODE *inode)
{
    if (front->lingeringCount == MAX_LINGERING)
        lingering_end(front);
    if (inode->lingers || inode->handle == NULL || inode->lookups == 0)
        return;
    inode->lingers = 1;
    inode->nextLingering = front->lingering;
    front->lingering = inode;
    front->lingeringCount++;
}

/* Says whether a file has gone with it. */
int lingering_end(FRONT *front)
{
    INODE *inode;
    int any = 0;
    while ((inode = front->lingering) != NULL) {
        any |= inode->opens == 0 && inode->handle != NULL;
        unlinger(front, inode);
        inode_settle(front, inode);
    }
    return any;
}

void inode_settle(FRONT *front, INODE *inode)
{
    INODE *parent;
    if (inode->lingers && inode->lookups == 0)
        unlinger(front, inode);
    if (inode->opens > 0 || inode == &front->root)
        return;
    if (inode->handle != NULL && (inode->lookups == 0 || (inode->unlinked && !inode->lingers)) &&
        inode->references == 0)
        let_go(front, inode);
    if (inode->lookups > 0 || inode->references > 0)
        return;
    names_free(front, &inode->name);
    numbers_remove(front, inode);
    inode_take_out(front, inode);
    front->inodeCount--;
    parent = inode->name.parent;
    inode_discard(front, inode);
    if (parent != NULL) {
        parent->references--;
        inode_settle(front, parent); /* as deep as a path whose inodes were all forgotten before */
    }
}

void inodes_free(FRONT *front)
{
    for (INODE *inode = front->newest, *next; inode != NULL; inode = next) {
        next = inode->nextOfAll;
        if (inode->handle != NULL)
            handle_discard(inode->handle);
        names_discard(front, &inode->name);
        inode_discard(front, inode);
    }
    if (front->root.handle != NULL)
        handle_discard(front->root.handle);
    free(front->buckets);
    free(front->numbers);
}
