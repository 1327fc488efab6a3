/*
 * Names and numbers: what leads to inodes. One table of (parent, spelling); and one of IndexNumbers where a file may be
 * met under several names.
 */
#include "fuse/objects/front.h"

static NAME **bucket_of(FRONT *front, const INODE *parent, const WCHAR *text, size_t units)
{
    UINT64 hash = (uintptr_t)parent * 0x9e3779b97f4a7c15u;
    for (size_t i = 0; i < units; i++)
        hash = (hash ^ text[i]) * 0x100000001b3u;
    return &front->buckets[(UINT32)(hash ^ hash >> 32) & (front->bucketCount - 1)];
}

void names_insert(FRONT *front, NAME *name)
{
    NAME **at = bucket_of(front, name->parent, name->text, name->units);
    name->next = *at;
    *at = name;
}

void names_take_out(FRONT *front, NAME *name)
{
    NAME **at = bucket_of(front, name->parent, name->text, name->units);
    while (*at != name)
        at = &(*at)->next;
    *at = name->next;
}

NAME *name_find(FRONT *front, INODE *parent, const WCHAR *text, size_t units)
{
    if (front->bucketCount == 0)
        return NULL;
    for (NAME *name = *bucket_of(front, parent, text, units); name != NULL; name = name->next)
        if (name->parent == parent && name->units == units && memcmp(name->text, text, units * sizeof *text) == 0)
            return name;
    return NULL;
}

INODE *inode_find(FRONT *front, INODE *parent, const WCHAR *text, size_t units)
{
    NAME *name = name_find(front, parent, text, units);
    return name != NULL ? name->inode : NULL;
}

/* ---- numbers ---- */

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

void numbers_remove(FRONT *front, INODE *inode)
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

INODE *numbers_first(FRONT *front, UINT64 number)
{
    return front->numbers != NULL ? front->numbers[number_bucket(front, number)] : NULL;
}

INODE *next_spelling(INODE *from, const INODE *inode)
{
    while (from != NULL && (from == inode || from->info.IndexNumber != inode->info.IndexNumber))
        from = from->nextOfNumber;
    return from;
}

INODE *first_spelling(FRONT *front, const INODE *inode)
{
    if (front->numbers == NULL || !inode->numbered)
        return NULL;
    return next_spelling(front->numbers[number_bucket(front, inode->info.IndexNumber)], inode);
}

/* ---- both ---- */

void names_grow(FRONT *front)
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
