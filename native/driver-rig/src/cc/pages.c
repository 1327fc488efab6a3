/*
 * Cc: the pages of a cached file: read in, written back, dropped. All I/O is a paging request through the driver.
 * Windows: views of 256 KiB on sections of Mm. Here: pages of 4 KiB in one reserved range for each file.
 */
#include "map.h"

#define RUN_PAGES 16 /* in one write */
#define KINDS 64

MAP *maps; /* under host_lock(&maps) */
static volatile LONG64 nested[KINDS][2];

RIG_API uint64_t rig_nested(uint32_t kind, uint32_t write) { return (uint64_t)nested[kind % KINDS][write & 1]; }

MAP *map_get(PSECTION_OBJECT_POINTERS sections)
{
    host_lock(&maps);
    MAP *map = sections ? (sections->SharedCacheMap ? sections->SharedCacheMap : sections->DataSectionObject) : NULL;
    if (map)
        map->users++;
    host_unlock(&maps);
    return map;
}

void map_put(MAP *map)
{
    host_lock(&maps);
    map->users--;
    host_unlock(&maps);
}

static NTSTATUS paging(MAP *map, UCHAR major, void *buffer, ULONG length, LONGLONG offset)
{
    PIO_STACK_LOCATION sp;
    PIRP irp = irp_for(map->file, major, 0, KernelMode, &sp);
    irp->Flags = IRP_PAGING_IO | IRP_NOCACHE | IRP_SYNCHRONOUS_PAGING_IO;
    irp->UserBuffer = buffer;
    mdl_create(buffer, length, irp);
    sp->Parameters.Read.Length = length; /* Read and Write have the same layout */
    sp->Parameters.Read.ByteOffset.QuadPart = offset;
    count(major == IRP_MJ_READ ? COUNT_PAGE_INS : COUNT_PAGE_OUTS);
    if (host_serving() != 0)
        _InterlockedIncrement64(&nested[(host_serving() - 1) % KINDS][major == IRP_MJ_WRITE]);
    return irp_run(map->file, irp, NULL);
}

MAP *map_create(PFILE_OBJECT file)
{
    MAP *map = host_alloc(sizeof *map);
    map->sections = file->SectionObjectPointer;
    map->file = file;
    ob_reference(file);
    map->next = maps;
    maps = map;
    file->SectionObjectPointer->DataSectionObject = map; /* the cache manager makes a section of the file */
    return map;
}

static void grow(MAP *map, ULONG count)
{
    if (count <= map->count)
        return;
    count = count * 3 / 2 + 8;
    PAGE_SLOT *pages = host_alloc(count * sizeof *pages);
    if (map->pages) {
        RtlCopyMemory(pages, map->pages, map->count * sizeof *pages);
        host_free(map->pages);
    }
    map->pages = pages;
    map->count = count;
}

/* The page, read in unless it will be overwritten as a whole. Called and returns with the lock held. */
UCHAR *page_in(MAP *map, ULONG index, BOOLEAN whole, NTSTATUS *status)
{
    grow(map, index + 1);
    *status = STATUS_SUCCESS;
    if (map->pages[index].data && !map->pages[index].stale)
        return map->pages[index].data;
    host_unlock(map);
    UCHAR *page = pool_allocate(PAGE, 'egaP');
    RtlZeroMemory(page, PAGE);
    if (!whole)
        *status = paging(map, IRP_MJ_READ, page, PAGE, (LONGLONG)index * PAGE);
    if (*status == STATUS_END_OF_FILE) {
        *status = STATUS_SUCCESS;
        RtlZeroMemory(page, PAGE);
    }
    host_lock(map);
    grow(map, index + 1);
    PAGE_SLOT *slot = &map->pages[index];
    if (NT_SUCCESS(*status) && (slot->data == NULL || slot->stale)) {
        if (map->base == NULL)
            map->base = host_reserve(MAX_CACHED_BYTES);
        if ((index + 1ull) * PAGE > MAX_CACHED_BYTES)
            host_fatal("a cached file of more than %u bytes", MAX_CACHED_BYTES);
        host_commit(map->base + (size_t)index * PAGE, PAGE);
        slot->data = map->base + (size_t)index * PAGE;
        RtlCopyMemory(slot->data, page, PAGE);
        if (slot->shadow)
            RtlCopyMemory(slot->shadow, page, PAGE);
        slot->stale = FALSE;
    }
    pool_free(page);
    return NT_SUCCESS(*status) ? slot->data : NULL;
}

/* What views changed becomes dirty. With the lock. */
void pages_find_changed(MAP *map)
{
    if (map->views == 0)
        return;
    for (ULONG i = 0; i < map->count; i++)
        if (map->pages[i].data && map->pages[i].shadow && !map->pages[i].stale &&
            memcmp(map->pages[i].data, map->pages[i].shadow, PAGE) != 0) {
            map->pages[i].dirty = TRUE;
            RtlCopyMemory(map->pages[i].shadow, map->pages[i].data, PAGE);
        }
}

BOOLEAN pages_drop(MAP *map, ULONG from, ULONG to)
{
    BOOLEAN all = TRUE;
    host_lock(map);
    pages_find_changed(map);
    for (ULONG i = from; i < to && i < map->count; i++)
        if (map->pages[i].data) {
            if (map->pages[i].shadow || map->pages[i].pins != 0) {
                all = FALSE;
                if (!map->pages[i].dirty)
                    map->pages[i].stale = TRUE;
                continue;
            }
            map->pages[i].data = NULL;
            map->pages[i].dirty = map->pages[i].stale = FALSE;
        }
    host_unlock(map);
    return all;
}

BOOLEAN pages_dirty(MAP *map, ULONG from, ULONG to)
{
    BOOLEAN dirty = FALSE;
    host_lock(map);
    pages_find_changed(map);
    for (ULONG i = from; i < to && i < map->count && !dirty; i++)
        dirty = map->pages[i].dirty;
    host_unlock(map);
    return dirty;
}

/* Pages with neighbours in one write. A page whose write fails is lost, as in Windows; that is counted. */
NTSTATUS pages_write_back(MAP *map, ULONG from, ULONG to)
{
    NTSTATUS result = STATUS_SUCCESS;
    UCHAR *copy = pool_allocate(RUN_PAGES * PAGE, 'nuRC');
    for (ULONG i = from;;) {
        ULONG n = 0;
        host_lock(map);
        while (i < to && i < map->count && !map->pages[i].dirty)
            i++;
        while (n < RUN_PAGES && i + n < to && i + n < map->count && map->pages[i + n].dirty) {
            RtlCopyMemory(copy + n * PAGE, map->pages[i + n].data, PAGE);
            map->pages[i + n].dirty = FALSE;
            if (map->pages[i + n].shadow)
                RtlCopyMemory(map->pages[i + n].shadow, copy + n * PAGE, PAGE);
            n++;
        }
        host_unlock(map);
        if (n == 0)
            break;
        NTSTATUS status = paging(map, IRP_MJ_WRITE, copy, n * PAGE, (LONGLONG)i * PAGE);
        if (!NT_SUCCESS(status)) {
            result = status;
            if (status != STATUS_END_OF_FILE)
                count(COUNT_FAILED_PAGE_OUTS);
        }
        i += n;
    }
    pool_free(copy);
    return result;
}
