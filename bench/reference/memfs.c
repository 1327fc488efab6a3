/*
 * A RAM drive in C against the WinFsp API: what the one in TypeScript is compared with. Same library, same volume parameters, same
 * shape (one thread that delivers an answer and fetches the next request in one call, then runs the operation), same features:
 * a ledger of pages, sparse files, case-insensitive names as an option, listings in order, security descriptors, symbolic links,
 * deletes and renames over open files. What differs is the language.
 *
 *     memfs [-i] <mount point> <capacity in MiB>        -i: case-insensitive
 *
 * Prints "mounted" when it serves; ends at SIGTERM, SIGINT or when someone unmounts it.
 */
#define _GNU_SOURCE
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wctype.h>

#include "store.h"
#include "winfsp.h"

#define FILETIME_OF_UNIX_EPOCH 116444736000000000ull
#define FILE_INFO_TIMEOUT_INFINITE 0xffffffffu

typedef struct { /* shared by all files that have the same one */
    uint32_t users, size;
    uint8_t bytes[];
} DESCRIPTOR;

typedef struct node NODE;
struct node {
    NODE *parent, *hashNext;
    NODE *left, *right, *children; /* a treap, in the order of listings */
    uint32_t priority, hash;
    WCHAR *name, *key; /* as it was spelled, and folded (the same when the case counts) */
    uint16_t units;
    uint8_t linked;
    uint32_t attributes, reparseTag, reparseSize, handles;
    uint64_t creationTime, accessTime, writeTime, changeTime, index;
    CONTENT content;
    DESCRIPTOR *security;
    uint8_t *reparse;
};

static NODE *root, **table;
static uint32_t tableMask, tableCount;
static uint64_t lastIndex;
static int insensitive;
static WCHAR fold[65536];
static WCHAR volumeLabel[32] = u"reference";

/* ---- names ----------------------------------------------------------------------------------------------------------------- */

static size_t wide_length(const WCHAR *text)
{
    size_t length = 0;
    while (text[length] != 0)
        length++;
    return length;
}

static uint32_t hash_of(const NODE *parent, const WCHAR *name, size_t units)
{
    uint64_t hash = parent->index * 0x9e3779b97f4a7c15ull;
    for (size_t i = 0; i < units; i++)
        hash = (hash ^ (insensitive ? fold[name[i]] : name[i])) * 0x100000001b3ull;
    return (uint32_t)(hash ^ hash >> 32);
}

static int same_name(const NODE *node, const WCHAR *name, size_t units)
{
    if (node->units != units)
        return 0;
    if (!insensitive)
        return memcmp(node->key, name, units * sizeof *name) == 0;
    for (size_t i = 0; i < units; i++)
        if (node->key[i] != fold[name[i]])
            return 0;
    return 1;
}

static NODE *child(const NODE *parent, const WCHAR *name, size_t units)
{
    uint32_t hash = hash_of(parent, name, units);
    for (NODE *node = table[hash & tableMask]; node != NULL; node = node->hashNext)
        if (node->hash == hash && node->parent == parent && same_name(node, name, units))
            return node;
    return NULL;
}

/* The order of listings: by folded units. */
static int order(const WCHAR *a, size_t aUnits, const WCHAR *b, size_t bUnits)
{
    for (size_t i = 0; i < aUnits && i < bUnits; i++)
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    return aUnits < bUnits ? -1 : aUnits > bUnits;
}

static void split(NODE *tree, const NODE *at, NODE **below, NODE **above)
{
    if (tree == NULL)
        *below = *above = NULL;
    else if (order(tree->key, tree->units, at->key, at->units) < 0) {
        *below = tree;
        split(tree->right, at, &tree->right, above);
    } else {
        *above = tree;
        split(tree->left, at, below, &tree->left);
    }
}

static NODE *merge(NODE *below, NODE *above)
{
    if (below == NULL || above == NULL)
        return below != NULL ? below : above;
    if (below->priority > above->priority) {
        below->right = merge(below->right, above);
        return below;
    }
    above->left = merge(below, above->left);
    return above;
}

static void table_grow(void)
{
    uint32_t mask = tableMask * 2 + 1;
    NODE **larger = calloc((size_t)mask + 1, sizeof *larger);
    if (larger == NULL)
        return;
    for (uint32_t i = 0; i <= tableMask; i++)
        for (NODE *node = table[i], *next; node != NULL; node = next) {
            next = node->hashNext;
            node->hashNext = larger[node->hash & mask];
            larger[node->hash & mask] = node;
        }
    free(table);
    table = larger;
    tableMask = mask;
}

static void link_node(NODE *node, NODE *parent)
{
    NODE **at = &parent->children, *below, *above;
    node->parent = parent;
    node->linked = 1;
    node->hash = hash_of(parent, node->name, node->units);
    node->hashNext = table[node->hash & tableMask];
    table[node->hash & tableMask] = node;
    if (++tableCount > tableMask)
        table_grow();
    while (*at != NULL && (*at)->priority > node->priority)
        at = order((*at)->key, (*at)->units, node->key, node->units) < 0 ? &(*at)->right : &(*at)->left;
    split(*at, node, &below, &above);
    node->left = below;
    node->right = above;
    *at = node;
}

static void unlink_node(NODE *node)
{
    NODE **at = &table[node->hash & tableMask];
    while (*at != node)
        at = &(*at)->hashNext;
    *at = node->hashNext;
    tableCount--;
    for (at = &node->parent->children; *at != node;)
        at = order((*at)->key, (*at)->units, node->key, node->units) < 0 ? &(*at)->right : &(*at)->left;
    *at = merge(node->left, node->right);
    node->left = node->right = NULL;
    node->parent = root; /* its own may go before the last handle does */
    node->linked = 0;
}

static int set_name(NODE *node, const WCHAR *name, size_t units)
{
    WCHAR *copy = malloc((insensitive ? 2 : 1) * (units + 1) * sizeof *copy);
    if (copy == NULL)
        return -1;
    memcpy(copy, name, units * sizeof *copy);
    copy[units] = 0;
    free(node->name);
    node->name = node->key = copy;
    node->units = (uint16_t)units;
    if (insensitive) {
        node->key = copy + units + 1;
        for (size_t i = 0; i < units; i++)
            node->key[i] = fold[name[i]];
    }
    return 0;
}

/* Walks a path. *leaf and *units: its last name; NULL when the parent is missing or no directory. */
static NODE *parent_of(const WCHAR *path, const WCHAR **leaf, size_t *units)
{
    NODE *at = root;
    for (const WCHAR *name = path + 1;;) {
        const WCHAR *end = name;
        while (*end != 0 && *end != '\\')
            end++;
        if (*end == 0) {
            *leaf = name;
            *units = (size_t)(end - name);
            return at->attributes & FILE_ATTRIBUTE_DIRECTORY ? at : NULL;
        }
        if ((at = child(at, name, (size_t)(end - name))) == NULL)
            return NULL;
        name = end + 1;
    }
}

static NODE *find(const WCHAR *path, NTSTATUS *status)
{
    const WCHAR *leaf;
    size_t units;
    NODE *parent = parent_of(path, &leaf, &units), *node;
    if (parent == NULL) {
        *status = STATUS_OBJECT_PATH_NOT_FOUND;
        return NULL;
    }
    node = units == 0 ? root : child(parent, leaf, units);
    if (node == NULL)
        *status = STATUS_OBJECT_NAME_NOT_FOUND;
    return node;
}

/* ---- nodes ----------------------------------------------------------------------------------------------------------------- */

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return FILETIME_OF_UNIX_EPOCH + (uint64_t)time.tv_sec * 10000000u + (uint64_t)time.tv_nsec / 100u;
}

static uint32_t descriptor_length(const uint8_t *sd)
{
    uint32_t offsets[4], length = 20;
    memcpy(offsets, sd + 4, sizeof offsets);
    for (int i = 0; i < 4; i++) {
        uint32_t end;
        uint16_t acl;
        if (offsets[i] == 0)
            continue;
        memcpy(&acl, sd + offsets[i] + 2, sizeof acl);
        end = offsets[i] + (i < 2 ? 8u + 4u * sd[offsets[i] + 1] : acl);
        if (end > length)
            length = end;
    }
    return length;
}

static void descriptor_release(DESCRIPTOR *descriptor)
{
    if (descriptor != NULL && --descriptor->users == 0)
        free(descriptor);
}

/* Most files have their directory's or the last file's descriptor. */
static DESCRIPTOR *descriptor_of(const void *sd)
{
    static DESCRIPTOR *last;
    uint32_t size = descriptor_length(sd);
    if (last == NULL || last->size != size || memcmp(last->bytes, sd, size) != 0) {
        DESCRIPTOR *made = malloc(sizeof *made + size);
        if (made == NULL)
            return NULL;
        made->users = 1;
        made->size = size;
        memcpy(made->bytes, sd, size);
        descriptor_release(last);
        last = made;
    }
    last->users++;
    return last;
}

static NODE *node_new(const WCHAR *name, size_t units, uint32_t attributes, const void *sd)
{
    static uint32_t random = 2463534242u;
    NODE *node = calloc(1, sizeof *node);
    if (node == NULL || set_name(node, name, units) != 0) {
        free(node);
        return NULL;
    }
    random ^= random << 13, random ^= random >> 17, random ^= random << 5;
    node->priority = random;
    node->attributes = attributes;
    node->index = ++lastIndex;
    node->creationTime = node->accessTime = node->writeTime = node->changeTime = now();
    node->security = sd != NULL ? descriptor_of(sd) : NULL;
    return node;
}

static void node_release(NODE *node)
{
    if (node->linked || node->handles > 0 || node == root)
        return;
    content_free(&node->content);
    descriptor_release(node->security);
    free(node->reparse);
    free(node->name);
    free(node);
}

static void fill(const NODE *node, FSP_FSCTL_FILE_INFO *info)
{
    info->FileAttributes = node->attributes == 0 ? FILE_ATTRIBUTE_NORMAL : node->attributes;
    info->ReparseTag = node->reparseTag;
    info->AllocationSize = node->content.reservedPages * STORE_PAGE_BYTES;
    info->FileSize = node->content.size;
    info->CreationTime = node->creationTime;
    info->LastAccessTime = node->accessTime;
    info->LastWriteTime = node->writeTime;
    info->ChangeTime = node->changeTime;
    info->IndexNumber = node->index;
    info->HardLinks = 0;
    info->EaSize = 0;
}

static NTSTATUS changed(NODE *node, FSP_FSCTL_FILE_INFO *info)
{
    node->writeTime = node->changeTime = now();
    fill(node, info);
    return STATUS_SUCCESS;
}

/* The stored spelling of the whole path, without which the driver keeps capitals. */
static void normalized_name(const NODE *node, FSP_FSCTL_FILE_INFO *info)
{
    FSP_FSCTL_OPEN_FILE_INFO *open = (void *)info;
    size_t units = 0;
    for (const NODE *at = node; at != root; at = at->parent)
        units += at->units + 1u;
    if (!insensitive || open->NormalizedName == NULL || units * 2 > open->NormalizedNameSize || units * 2 > FSP_FSCTL_TRANSACT_PATH_SIZEMAX)
        return;
    open->NormalizedNameSize = (UINT16)(units == 0 ? 2 : units * 2);
    open->NormalizedName[0] = '\\';
    for (const NODE *at = node; at != root; at = at->parent) {
        units -= at->units;
        memcpy(open->NormalizedName + units, at->name, at->units * sizeof(WCHAR));
        open->NormalizedName[--units] = '\\';
    }
}

static NTSTATUS opened(NODE *node, PVOID *context, FSP_FSCTL_FILE_INFO *info)
{
    node->handles++;
    *context = node;
    fill(node, info);
    normalized_name(node, info);
    return STATUS_SUCCESS;
}

/* ---- callbacks -------------------------------------------------------------------------------------------------------------- */

static NTSTATUS GetVolumeInfo(FSP_FILE_SYSTEM *fs, FSP_FSCTL_VOLUME_INFO *info)
{
    info->TotalSize = store_capacity_bytes();
    info->FreeSize = store_free_bytes();
    info->VolumeLabelLength = (UINT16)(wide_length(volumeLabel) * sizeof(WCHAR));
    memcpy(info->VolumeLabel, volumeLabel, info->VolumeLabelLength);
    return STATUS_SUCCESS;
}

static NTSTATUS SetVolumeLabel(FSP_FILE_SYSTEM *fs, PWSTR label, FSP_FSCTL_VOLUME_INFO *info)
{
    size_t units = wide_length(label);
    if (units > 31)
        units = 31;
    memcpy(volumeLabel, label, units * sizeof *label);
    volumeLabel[units] = 0;
    return GetVolumeInfo(fs, info);
}

static NTSTATUS give_security(const NODE *node, PSECURITY_DESCRIPTOR sd, SIZE_T *size)
{
    SIZE_T room = *size;
    *size = node->security != NULL ? node->security->size : 0;
    if (*size > room)
        return STATUS_BUFFER_OVERFLOW;
    if (sd != NULL && *size > 0)
        memcpy(sd, node->security->bytes, *size);
    return STATUS_SUCCESS;
}

static NTSTATUS GetSecurityByName(FSP_FILE_SYSTEM *fs, PWSTR name, PUINT32 attributes, PSECURITY_DESCRIPTOR sd, SIZE_T *size)
{
    NTSTATUS status;
    NODE *node = find(name, &status);
    if (node == NULL)
        return status;
    if (attributes != NULL)
        *attributes = node->attributes;
    return size == NULL ? STATUS_SUCCESS : give_security(node, sd, size);
}

static NTSTATUS Create(FSP_FILE_SYSTEM *fs, PWSTR name, UINT32 options, UINT32 granted, UINT32 attributes, PSECURITY_DESCRIPTOR sd, UINT64 allocation,
    PVOID *context, FSP_FSCTL_FILE_INFO *info)
{
    const WCHAR *leaf;
    size_t units;
    NODE *parent = parent_of(name, &leaf, &units), *node;
    if (parent == NULL)
        return STATUS_OBJECT_PATH_NOT_FOUND;
    if (units == 0 || child(parent, leaf, units) != NULL)
        return STATUS_OBJECT_NAME_COLLISION;
    attributes &= ~(FILE_ATTRIBUTE_NORMAL | FILE_ATTRIBUTE_DIRECTORY);
    attributes |= options & FILE_DIRECTORY_FILE ? FILE_ATTRIBUTE_DIRECTORY : FILE_ATTRIBUTE_ARCHIVE;
    if ((node = node_new(leaf, units, attributes, sd)) == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (content_reserve(&node->content, allocation) != 0) {
        node_release(node);
        return STATUS_DISK_FULL;
    }
    link_node(node, parent);
    parent->writeTime = parent->changeTime = node->creationTime;
    return opened(node, context, info);
}

static NTSTATUS Open(FSP_FILE_SYSTEM *fs, PWSTR name, UINT32 options, UINT32 granted, PVOID *context, FSP_FSCTL_FILE_INFO *info)
{
    NTSTATUS status;
    NODE *node = find(name, &status);
    return node == NULL ? status : opened(node, context, info);
}

static NTSTATUS Overwrite(FSP_FILE_SYSTEM *fs, PVOID context, UINT32 attributes, BOOLEAN replace, UINT64 allocation, FSP_FSCTL_FILE_INFO *info)
{
    NODE *node = context;
    attributes = (attributes & ~FILE_ATTRIBUTE_NORMAL) | FILE_ATTRIBUTE_ARCHIVE;
    content_resize(&node->content, 0);
    if (content_reserve(&node->content, allocation) != 0)
        return STATUS_DISK_FULL;
    node->attributes = replace ? attributes : node->attributes | attributes;
    return changed(node, info);
}

static void Cleanup(FSP_FILE_SYSTEM *fs, PVOID context, PWSTR name, ULONG flags)
{
    NODE *node = context;
    uint64_t time = now();
    if (flags & FspCleanupSetArchiveBit && !(node->attributes & FILE_ATTRIBUTE_DIRECTORY))
        node->attributes |= FILE_ATTRIBUTE_ARCHIVE;
    if (flags & FspCleanupSetLastAccessTime)
        node->accessTime = time;
    if (flags & FspCleanupSetLastWriteTime)
        node->writeTime = time;
    if (flags & FspCleanupSetChangeTime)
        node->changeTime = time;
    if (flags & FspCleanupSetAllocationSize)
        content_reserve(&node->content, node->content.size);
    if (flags & FspCleanupDelete && node->linked && node->children == NULL) {
        NODE *parent = node->parent;
        unlink_node(node);
        parent->writeTime = parent->changeTime = time;
    }
}

static void Close(FSP_FILE_SYSTEM *fs, PVOID context)
{
    NODE *node = context;
    node->handles--;
    node_release(node);
}

static NTSTATUS Read(FSP_FILE_SYSTEM *fs, PVOID context, PVOID buffer, UINT64 offset, ULONG length, PULONG bytes)
{
    NODE *node = context;
    if (offset >= node->content.size)
        return STATUS_END_OF_FILE;
    *bytes = (ULONG)content_read(&node->content, offset, length, buffer);
    return STATUS_SUCCESS;
}

static NTSTATUS Write(FSP_FILE_SYSTEM *fs, PVOID context, PVOID buffer, UINT64 offset, ULONG length, BOOLEAN toEnd, BOOLEAN constrained, PULONG bytes,
    FSP_FSCTL_FILE_INFO *info)
{
    NODE *node = context;
    if (toEnd)
        offset = node->content.size;
    if (constrained) {
        uint64_t size = node->content.size;
        length = offset >= size ? 0 : size - offset < length ? (ULONG)(size - offset) : length;
    }
    if (content_write(&node->content, offset, length, buffer) != 0)
        return STATUS_DISK_FULL;
    *bytes = length;
    return changed(node, info);
}

static NTSTATUS GetFileInfo(FSP_FILE_SYSTEM *fs, PVOID context, FSP_FSCTL_FILE_INFO *info)
{
    fill(context, info);
    return STATUS_SUCCESS;
}

static NTSTATUS Flush(FSP_FILE_SYSTEM *fs, PVOID context, FSP_FSCTL_FILE_INFO *info)
{
    return context == NULL ? STATUS_SUCCESS : GetFileInfo(fs, context, info);
}

static void set_time(uint64_t *time, UINT64 value)
{
    if (value != 0 && value < UINT64_MAX - 1)
        *time = value;
}

static NTSTATUS SetBasicInfo(FSP_FILE_SYSTEM *fs, PVOID context, UINT32 attributes, UINT64 creation, UINT64 access, UINT64 write, UINT64 change,
    FSP_FSCTL_FILE_INFO *info)
{
    NODE *node = context;
    if (attributes != INVALID_FILE_ATTRIBUTES)
        node->attributes = (attributes & ~FILE_ATTRIBUTE_NORMAL) | (node->attributes & FILE_ATTRIBUTE_REPARSE_POINT);
    set_time(&node->creationTime, creation);
    set_time(&node->accessTime, access);
    set_time(&node->writeTime, write);
    set_time(&node->changeTime, change);
    return GetFileInfo(fs, context, info);
}

static NTSTATUS SetFileSize(FSP_FILE_SYSTEM *fs, PVOID context, UINT64 size, BOOLEAN allocation, FSP_FSCTL_FILE_INFO *info)
{
    NODE *node = context;
    if (allocation) {
        if (size < node->content.size)
            content_resize(&node->content, size);
        if (content_reserve(&node->content, size) != 0)
            return STATUS_DISK_FULL;
    } else if (content_resize(&node->content, size) != 0)
        return STATUS_DISK_FULL;
    return changed(node, info);
}

static NTSTATUS CanDelete(FSP_FILE_SYSTEM *fs, PVOID context, PWSTR name)
{
    NODE *node = context;
    return node->children != NULL ? STATUS_DIRECTORY_NOT_EMPTY : STATUS_SUCCESS;
}

static NTSTATUS Rename(FSP_FILE_SYSTEM *fs, PVOID context, PWSTR name, PWSTR newName, BOOLEAN replace)
{
    const WCHAR *leaf;
    size_t units;
    NODE *node = context, *target, *parent = parent_of(newName, &leaf, &units), *old = node->parent;
    if (parent == NULL)
        return STATUS_OBJECT_PATH_NOT_FOUND;
    if (!node->linked)
        return STATUS_FILE_DELETED;
    for (NODE *at = parent; at != NULL; at = at->parent)
        if (at == node)
            return STATUS_ACCESS_DENIED;
    target = child(parent, leaf, units);
    if (target == node)
        target = NULL;
    if (target != NULL) {
        if (!replace)
            return STATUS_OBJECT_NAME_COLLISION;
        if (target->attributes & FILE_ATTRIBUTE_DIRECTORY && target->children != NULL)
            return STATUS_ACCESS_DENIED;
        unlink_node(target);
        node_release(target);
    }
    unlink_node(node);
    if (set_name(node, leaf, units) != 0) {
        link_node(node, old);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    link_node(node, parent);
    node->changeTime = old->writeTime = old->changeTime = parent->writeTime = parent->changeTime = now();
    return STATUS_SUCCESS;
}

static NTSTATUS GetSecurity(FSP_FILE_SYSTEM *fs, PVOID context, PSECURITY_DESCRIPTOR sd, SIZE_T *size) { return give_security(context, sd, size); }

static NTSTATUS SetSecurity(FSP_FILE_SYSTEM *fs, PVOID context, SECURITY_INFORMATION information, PSECURITY_DESCRIPTOR modification)
{
    NODE *node = context;
    PSECURITY_DESCRIPTOR made;
    DESCRIPTOR *old = node->security;
    NTSTATUS status = FspSetSecurityDescriptor(old != NULL ? old->bytes : NULL, information, modification, &made);
    if (!NT_SUCCESS(status))
        return status;
    node->security = descriptor_of(made);
    node->changeTime = now();
    descriptor_release(old);
    FspDeleteSecurityDescriptor(made, (NTSTATUS(*)(void))(uintptr_t)FspSetSecurityDescriptor);
    return STATUS_SUCCESS;
}

typedef struct {
    void *buffer;
    ULONG length, used;
} LISTING;

static int list_one(LISTING *listing, const NODE *node, const WCHAR *name, size_t units)
{
    union {
        FSP_FSCTL_DIR_INFO info;
        UINT8 room[sizeof(FSP_FSCTL_DIR_INFO) + 255 * sizeof(WCHAR)];
    } record;
    memset(&record.info, 0, sizeof record.info);
    record.info.Size = (UINT16)(sizeof record.info + units * sizeof(WCHAR));
    fill(node, &record.info.FileInfo);
    memcpy(record.info.FileNameBuf, name, units * sizeof(WCHAR));
    return FspFileSystemAddDirInfo(&record.info, listing->buffer, listing->length, &listing->used);
}

/* In order, from behind the marker (folded; NULL: from the start). 0: the buffer is full. */
static int list_from(LISTING *listing, const NODE *tree, const WCHAR *marker, size_t units)
{
    if (tree == NULL)
        return 1;
    if (marker != NULL && order(tree->key, tree->units, marker, units) <= 0)
        return list_from(listing, tree->right, marker, units);
    return list_from(listing, tree->left, marker, units) && list_one(listing, tree, tree->name, tree->units) && list_from(listing, tree->right, NULL, 0);
}

static NTSTATUS ReadDirectory(FSP_FILE_SYSTEM *fs, PVOID context, PWSTR pattern, PWSTR marker, PVOID buffer, ULONG length, PULONG bytes)
{
    NODE *node = context;
    LISTING listing = {buffer, length, 0};
    WCHAR folded[256];
    size_t units = marker == NULL ? 0 : wide_length(marker);
    int dot = units == 1 && marker[0] == '.', dots = units == 2 && marker[0] == '.' && marker[1] == '.', more = 1;
    for (size_t i = 0; i < units && i < 255; i++)
        folded[i] = insensitive ? fold[marker[i]] : marker[i];
    if (node != root && marker == NULL)
        more = list_one(&listing, node, u".", 1);
    if (node != root && more && (marker == NULL || dot))
        more = list_one(&listing, node->parent, u"..", 2);
    if (more && list_from(&listing, node->children, marker == NULL || dot || dots ? NULL : folded, units))
        FspFileSystemAddDirInfo(NULL, buffer, length, &listing.used);
    *bytes = listing.used;
    return STATUS_SUCCESS;
}

static NTSTATUS GetDirInfoByName(FSP_FILE_SYSTEM *fs, PVOID context, PWSTR name, FSP_FSCTL_DIR_INFO *info)
{
    NODE *node = child(context, name, wide_length(name));
    if (node == NULL)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    info->Size = (UINT16)(sizeof *info + node->units * sizeof(WCHAR));
    fill(node, &info->FileInfo);
    memcpy(info->FileNameBuf, node->name, node->units * sizeof(WCHAR));
    return STATUS_SUCCESS;
}

static NTSTATUS GetReparsePoint(FSP_FILE_SYSTEM *fs, PVOID context, PWSTR name, PVOID buffer, PSIZE_T size)
{
    NODE *node = context;
    if (node->reparse == NULL)
        return STATUS_NOT_A_REPARSE_POINT;
    if (*size < node->reparseSize)
        return STATUS_BUFFER_TOO_SMALL;
    *size = node->reparseSize;
    memcpy(buffer, node->reparse, node->reparseSize);
    return STATUS_SUCCESS;
}

static NTSTATUS SetReparsePoint(FSP_FILE_SYSTEM *fs, PVOID context, PWSTR name, PVOID buffer, SIZE_T size)
{
    NODE *node = context;
    uint8_t *copy = malloc(size);
    if (copy == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    memcpy(copy, buffer, size);
    free(node->reparse);
    node->reparse = copy;
    node->reparseSize = (uint32_t)size;
    memcpy(&node->reparseTag, copy, sizeof node->reparseTag);
    node->attributes |= FILE_ATTRIBUTE_REPARSE_POINT;
    node->changeTime = now();
    return STATUS_SUCCESS;
}

static NTSTATUS DeleteReparsePoint(FSP_FILE_SYSTEM *fs, PVOID context, PWSTR name, PVOID buffer, SIZE_T size)
{
    NODE *node = context;
    if (node->reparse == NULL)
        return STATUS_NOT_A_REPARSE_POINT;
    free(node->reparse);
    node->reparse = NULL;
    node->reparseSize = node->reparseTag = 0;
    node->attributes &= ~FILE_ATTRIBUTE_REPARSE_POINT;
    node->changeTime = now();
    return STATUS_SUCCESS;
}

static const FSP_FILE_SYSTEM_INTERFACE interface = {.GetVolumeInfo = GetVolumeInfo, .SetVolumeLabel = SetVolumeLabel,
    .GetSecurityByName = GetSecurityByName, .Create = Create, .Open = Open, .Overwrite = Overwrite, .Cleanup = Cleanup, .Close = Close, .Read = Read,
    .Write = Write, .Flush = Flush, .GetFileInfo = GetFileInfo, .SetBasicInfo = SetBasicInfo, .SetFileSize = SetFileSize, .CanDelete = CanDelete,
    .Rename = Rename, .GetSecurity = GetSecurity, .SetSecurity = SetSecurity, .ReadDirectory = ReadDirectory, .GetDirInfoByName = GetDirInfoByName,
    .GetReparsePoint = GetReparsePoint, .SetReparsePoint = SetReparsePoint, .DeleteReparsePoint = DeleteReparsePoint};

/* ---- service ---------------------------------------------------------------------------------------------------------------- */

static void *serve(void *argument)
{
    FSP_FILE_SYSTEM *fs = argument;
    FSP_FSCTL_TRANSACT_REQ *request = aligned_alloc(16, FSP_FSCTL_TRANSACT_REQ_SIZEMAX);
    FSP_FSCTL_TRANSACT_RSP *response = aligned_alloc(16, FSP_FSCTL_TRANSACT_RSP_SIZEMAX);
    SIZE_T answer = 0;
    for (;;) {
        SIZE_T size = FSP_FSCTL_TRANSACT_REQ_SIZEMAX, used;
        NTSTATUS status = FspFsctlTransact(fs->VolumeHandle, answer == 0 ? NULL : response, answer, request, &size, 0);
        answer = 0;
        if (!NT_SUCCESS(status))
            break;
        if (size == 0)
            continue;
        memset(response, 0, sizeof *response);
        response->Size = sizeof *response;
        response->Kind = request->Kind;
        response->Hint = request->Hint;
        status = STATUS_INVALID_DEVICE_REQUEST;
        if (request->Kind < FspFsctlTransactKindCount && fs->Operations[request->Kind] != NULL)
            status = fs->Operations[request->Kind](fs, request, response);
        response->IoStatus.Status = (UINT32)status;
        used = response->Size;
        answer = FSP_FSCTL_DEFAULT_ALIGN_UP(used);
        memset((uint8_t *)response + used, 0, answer - used);
        response->Size = (UINT16)answer;
    }
    free(request);
    free(response);
    kill(getpid(), SIGTERM); /* someone unmounted it: the main thread has nothing to wait for */
    return NULL;
}

static void volume_params(FSP_FSCTL_VOLUME_PARAMS *params)
{
    memset(params, 0, sizeof *params);
    params->Version = sizeof *params;
    params->SectorSize = 512;
    params->SectorsPerAllocationUnit = STORE_PAGE_BYTES / 512;
    params->MaxComponentLength = 255;
    params->VolumeCreationTime = now();
    params->VolumeSerialNumber = (UINT32)getpid();
    params->TransactTimeout = 1000;
    params->FileInfoTimeout = FILE_INFO_TIMEOUT_INFINITE;
    params->VolumeInfoTimeoutValid = 1;
    params->VolumeInfoTimeout = 0;
    memcpy(params->FileSystemName, u"NTFS", sizeof u"NTFS");
    params->CaseSensitiveSearch = !insensitive;
    params->CasePreservedNames = params->UnicodeOnDisk = params->PersistentAcls = params->ReparsePoints = 1;
    params->PostCleanupWhenModifiedOnly = params->PassQueryDirectoryFileName = params->SupportsPosixUnlinkRename = 1;
}

/* O:BAG:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;WD) */
static const uint8_t rootSecurity[] = {1, 0, 4, 0x90, 92, 0, 0, 0, 108, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 2, 0, 72, 0, 3, 0, 0, 0, 0, 3, 20, 0, 0xff, 1, 0x1f, 0, 1,
    1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0, 0, 3, 24, 0, 0xff, 1, 0x1f, 0, 1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0, 0, 3, 20, 0, 0xff, 1, 0x1f, 0, 1, 1, 0, 0,
    0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0, 1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0};

int main(int count, char **words)
{
    FSP_FSCTL_VOLUME_PARAMS params;
    FSP_FILE_SYSTEM *fs;
    WCHAR mountPoint[4096] = {0};
    pthread_t server;
    sigset_t signals;
    NTSTATUS status;
    int signal;
    insensitive = count > 1 && strcmp(words[1], "-i") == 0;
    if (count != 3 + insensitive || strlen(words[1 + insensitive]) >= 4096) {
        fprintf(stderr, "memfs [-i] <mount point> <capacity in MiB>\n");
        return 2;
    }
    setlocale(LC_CTYPE, "C.UTF-8");
    for (uint32_t unit = 0; unit < 65536; unit++) {
        wint_t upper = unit >= 0xd800 && unit < 0xe000 ? unit : towupper(unit);
        fold[unit] = upper < 65536 ? (WCHAR)upper : (WCHAR)unit;
    }
    for (size_t i = 0; words[1 + insensitive][i] != 0; i++) /* a name of the benchmark's own: ASCII */
        mountPoint[i] = (uint8_t)words[1 + insensitive][i];
    tableMask = (1u << 16) - 1;
    table = calloc((size_t)tableMask + 1, sizeof *table);
    if (table == NULL || store_open(strtoull(words[2 + insensitive], NULL, 10) << 20) != 0 ||
        (root = node_new(u"", 0, FILE_ATTRIBUTE_DIRECTORY, rootSecurity)) == NULL) {
        fprintf(stderr, "memfs: no memory for this capacity\n");
        return 1;
    }
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    volume_params(&params);
    status = FspFileSystemCreate((PWSTR)u"WinFsp.Disk", &params, &interface, &fs);
    if (NT_SUCCESS(status)) {
        FspFileSystemSetOperationGuardF(fs, NULL, NULL); /* one thread */
        status = FspFsctlTransact(fs->VolumeHandle, NULL, 0, NULL, NULL, 0);
    }
    if (NT_SUCCESS(status) && pthread_create(&server, NULL, serve, fs) == 0)
        status = FspFileSystemSetMountPoint(fs, mountPoint);
    if (!NT_SUCCESS(status)) {
        fprintf(stderr, "memfs: cannot mount at %s (0x%08x)\n", words[1 + insensitive], (unsigned)status);
        return 1;
    }
    printf("mounted\n");
    fflush(stdout);
    sigwait(&signals, &signal);
    FspFsctlStop0(fs->VolumeHandle);
    pthread_join(server, NULL);
    FspFsctlStop(fs->VolumeHandle);
    FspFileSystemDelete(fs);
    return 0;
}
