/* treefs: its tree, its lock, its count of bytes. */
#include <time.h>

#include "treefs/inside.h"

TREEFS *treefs_of(FSP_FILE_SYSTEM *fs) { return fs->UserContext; }

UINT64 treefs_rounded(UINT64 size) { return (size + UNIT - 1) / UNIT * UNIT; }

UINT64 treefs_now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    return 116444736000000000u + (UINT64)at.tv_sec * 10000000u + (UINT64)at.tv_nsec / 100;
}

void treefs_enter(TREEFS *t, const char *callback)
{
    pthread_mutex_lock(&t->lock);
    for (int i = 0; i < 32; i++)
        if (t->calls[i].name == callback || t->calls[i].name == NULL) {
            t->calls[i].name = callback;
            t->calls[i].count++;
            break;
        }
    while (t->blocked != NULL && strcmp(t->blocked, callback) == 0)
        pthread_cond_wait(&t->unblocked, &t->lock);
}

NTSTATUS treefs_leave(TREEFS *t, NTSTATUS status)
{
    pthread_mutex_unlock(&t->lock);
    return status;
}

void treefs_dawdle(TREEFS *t)
{
    unsigned delay;
    pthread_mutex_lock(&t->lock);
    delay = t->delayMs;
    pthread_mutex_unlock(&t->lock);
    if (delay != 0)
        platform_sleep_ms(delay);
}

/* After the lock was given up, and longer than a write takes: the answer is old when it arrives. */
NTSTATUS treefs_leave_late(TREEFS *t, NTSTATUS status)
{
    treefs_leave(t, status);
    for (int i = 0; i < 4; i++)
        treefs_dawdle(t);
    return status;
}

int treefs_compare(TREEFS *t, const WCHAR *a, size_t aUnits, const WCHAR *b, size_t bUnits)
{
    for (size_t i = 0; i < aUnits && i < bUnits; i++) {
        WCHAR x = t->sensitive ? a[i] : wide_upper(a[i]), y = t->sensitive ? b[i] : wide_upper(b[i]);
        if (x != y)
            return x < y ? -1 : 1;
    }
    return aUnits == bUnits ? 0 : aUnits < bUnits ? -1 : 1;
}

FILE_NODE *treefs_entry(TREEFS *t, FILE_NODE *parent, const WCHAR *name, size_t units)
{
    for (FILE_NODE *f = parent->children; f != NULL; f = f->next) {
        int order = treefs_compare(t, f->name, wide_length(f->name), name, units);
        if (order == 0)
            return f;
        if (order > 0)
            break;
    }
    return NULL;
}

FILE_NODE *treefs_child(TREEFS *t, FILE_NODE *parent, const WCHAR *name, size_t units)
{
    FILE_NODE *entry = treefs_entry(t, parent, name, units);
    return entry != NULL && entry->linked != NULL ? entry->linked : entry;
}

FILE_NODE *treefs_entry_at(TREEFS *t, const WCHAR *path)
{
    FILE_NODE *f, *parent;
    const WCHAR *leaf;
    if (!NT_SUCCESS(treefs_find(t, path, &f, &parent, &leaf)) || parent == NULL)
        return NULL;
    return treefs_entry(t, parent, leaf, wide_length(leaf));
}

/* The file, or its directory in *parent and its last name in *leaf. */
NTSTATUS treefs_find(TREEFS *t, const WCHAR *path, FILE_NODE **file, FILE_NODE **parent, const WCHAR **leaf)
{
    FILE_NODE *at = t->root;
    *parent = NULL;
    *leaf = path + 1;
    while (*path == '\\' && path[1] != 0) {
        size_t units = 0;
        path++;
        while (path[units] != 0 && path[units] != '\\')
            units++;
        if (at == NULL || !(at->attributes & FILE_ATTRIBUTE_DIRECTORY))
            return STATUS_OBJECT_PATH_NOT_FOUND;
        *parent = at;
        *leaf = path;
        at = treefs_child(t, at, path, units);
        path += units;
    }
    *file = at;
    return at != NULL ? STATUS_SUCCESS : STATUS_OBJECT_NAME_NOT_FOUND;
}

void treefs_attach(TREEFS *t, FILE_NODE *parent, FILE_NODE *f)
{
    FILE_NODE **at = &parent->children;
    while (*at != NULL && treefs_compare(t, (*at)->name, wide_length((*at)->name), f->name, wide_length(f->name)) < 0)
        at = &(*at)->next;
    f->next = *at;
    *at = f;
    f->parent = parent;
    parent->times[2] = parent->times[3] = treefs_now();
}

FILE_NODE *treefs_add_child(TREEFS *t, FILE_NODE *parent, const WCHAR *leaf, UINT32 attributes)
{
    FILE_NODE *f = calloc(1, sizeof *f);
    memcpy(f->name, leaf, wide_length(leaf) * 2);
    f->attributes = attributes;
    f->index = ++t->nextIndex;
    f->times[0] = f->times[1] = f->times[2] = f->times[3] = treefs_now();
    f->names = 1;
    treefs_attach(t, parent, f);
    t->inodes++;
    return f;
}

void treefs_add_link(TREEFS *t, FILE_NODE *f, FILE_NODE *parent, const WCHAR *leaf)
{
    FILE_NODE *entry = calloc(1, sizeof *entry);
    memcpy(entry->name, leaf, wide_length(leaf) * 2);
    entry->linked = f;
    treefs_attach(t, parent, entry);
    f->names++;
    f->gone = 0;
    f->times[3] = treefs_now();
}

void treefs_add_whiteout(TREEFS *t, FILE_NODE *parent, const WCHAR *leaf, const FILE_NODE *moved)
{
    FILE_NODE *f = treefs_add_child(t, parent, leaf, FILE_ATTRIBUTE_ARCHIVE | FILE_ATTRIBUTE_REPARSE_POINT);
    UINT16 length = 8;
    f->tag = IO_REPARSE_TAG_LX_CHR;
    f->reparse = calloc(1, f->reparseSize = 16);
    memcpy(f->reparse, &f->tag, sizeof f->tag);
    memcpy(f->reparse + 4, &length, sizeof length);
    memcpy(f->sd, moved->sd, f->sdSize = moved->sdSize);
}

void treefs_detach(FILE_NODE *f)
{
    FILE_NODE **at = &f->parent->children;
    while (*at != f)
        at = &(*at)->next;
    *at = f->next;
    f->parent->times[2] = f->parent->times[3] = treefs_now();
    f->parent = NULL;
}

void treefs_destroy_if_unused(TREEFS *t, FILE_NODE *f)
{
    if (!f->gone || f->opens > 0)
        return;
    t->used -= f->allocation;
    t->inodes--;
    free(f->bytes);
    free(f->reparse);
    free(f->ea);
    free(f);
}

void treefs_remove_name(TREEFS *t, FILE_NODE *entry)
{
    FILE_NODE *f = entry->linked != NULL ? entry->linked : entry;
    treefs_detach(entry);
    if (entry != f)
        free(entry);
    f->times[3] = treefs_now();
    f->gone = --f->names == 0;
    treefs_destroy_if_unused(t, f);
}

NTSTATUS treefs_charge(TREEFS *t, FILE_NODE *f, UINT64 allocation)
{
    if (allocation > f->allocation && allocation - f->allocation > t->capacity - t->used)
        return STATUS_DISK_FULL;
    t->used += allocation - f->allocation;
    f->allocation = allocation;
    return STATUS_SUCCESS;
}

NTSTATUS treefs_resize(TREEFS *t, FILE_NODE *f, UINT64 size)
{
    NTSTATUS status = STATUS_SUCCESS;
    if (size > INT64_MAX - UNIT)
        return STATUS_INVALID_PARAMETER;
    if (treefs_rounded(size) > f->allocation || size < f->size)
        status = treefs_charge(t, f, treefs_rounded(size));
    if (!NT_SUCCESS(status))
        return status;
    if (size > f->size) {
        f->bytes = realloc(f->bytes, size);
        memset(f->bytes + f->size, 0, size - f->size);
    }
    f->size = size;
    f->times[2] = f->times[3] = treefs_now();
    return STATUS_SUCCESS;
}

static NTSTATUS copy_range(TREEFS *t, FILE_NODE *f, const UINT64 *range, UINT64 *copied, PULONG bytes)
{
    FILE_NODE *source = (FILE_NODE *)(uintptr_t)range[0];
    UINT64 count = range[1] >= source->size ? 0 : source->size - range[1];
    NTSTATUS status = STATUS_SUCCESS;
    if (count > range[3])
        count = range[3];
    if (count != 0 && range[2] + count > f->size)
        status = treefs_resize(t, f, range[2] + count);
    if (!NT_SUCCESS(status))
        return status;
    if (count != 0)
        memmove(f->bytes + range[2], source->bytes + range[1], count);
    f->times[2] = f->times[3] = treefs_now();
    *copied = count;
    *bytes = sizeof *copied;
    return STATUS_SUCCESS;
}

/* FSCTL_SET_ZERO_DATA, and FSCTL_QUERY_ALLOCATED_RANGES, to which a page of zeros is a hole. */
NTSTATUS treefs_control(FSP_FILE_SYSTEM *fs, PVOID context, UINT32 code, PVOID input, ULONG inputLength, PVOID output,
    ULONG outputLength, PULONG bytes)
{
    static const UINT8 zeros[UNIT];
    FILE_NODE *f = context;
    UINT64 range[2], found[2], end;
    ENTER(fs);
    if (t->controls && code == FSP_LINUX_COPY_RANGE && inputLength == 4 * sizeof(UINT64))
        return treefs_leave(t, copy_range(t, f, input, output, bytes));
    if (!t->controls || inputLength < sizeof range)
        return treefs_leave(t, STATUS_INVALID_DEVICE_REQUEST);
    memcpy(range, input, sizeof range);
    if (code == FSCTL_SET_ZERO_DATA) {
        end = range[1] < f->size ? range[1] : f->size;
        if (range[0] < end)
            memset(f->bytes + range[0], 0, end - range[0]);
        f->times[2] = f->times[3] = treefs_now();
        return treefs_leave(t, STATUS_SUCCESS);
    }
    if (code != FSCTL_QUERY_ALLOCATED_RANGES)
        return treefs_leave(t, STATUS_INVALID_DEVICE_REQUEST);
    found[0] = found[1] = 0;
    for (UINT64 at = range[0] / UNIT * UNIT; at < f->size && at < range[0] + range[1]; at += UNIT) {
        UINT64 length = f->size - at < UNIT ? f->size - at : UNIT;
        if (memcmp(f->bytes + at, zeros, length) != 0) {
            if (found[1] == 0)
                found[0] = at > range[0] ? at : range[0];
            found[1] = at + length - found[0];
        } else if (found[1] != 0)
            break;
    }
    if (found[1] != 0 && outputLength >= sizeof found)
        memcpy(output, found, *bytes = sizeof found);
    return treefs_leave(t, STATUS_SUCCESS);
}
