/*
 * Cc: what the driver calls: cache maps, file sizes, copies, flush and purge, and the lazy writer.
 * Windows: read-ahead, write behind in pieces. Here: neither. Writes that are put off: deferred.c; descriptor lists:
 * mdl_io.c.
 */
#include "map.h"

/* Windows may write back the page with the old end of a mapped file, too, when the file's size changes: a switch, for
 * nobody knows here. */
static volatile LONG write_old_end;

RIG_API void rig_write_old_end(int on) { write_old_end = on; }

static volatile LONG lazy_ms = 1000;
#define LAZY_STEP (10 * 10000)

RIG_API void rig_lazy(uint32_t ms) { lazy_ms = (LONG)ms; }

KERNEL BOOLEAN K_CcCopyWriteWontFlush(PFILE_OBJECT file, PLARGE_INTEGER offset, ULONG length) { return TRUE; }

KERNEL VOID K_CcInitializeCacheMap(
    PFILE_OBJECT file, PCC_FILE_SIZES sizes, BOOLEAN pin, PCACHE_MANAGER_CALLBACKS callbacks, PVOID context)
{
    if (pin)
        NOT_IMPLEMENTED("pinned access");
    host_lock(&maps);
    PSECTION_OBJECT_POINTERS sections = file->SectionObjectPointer;
    MAP *map = sections->SharedCacheMap;
    if (map == NULL) {
        map = sections->DataSectionObject != NULL ? sections->DataSectionObject : map_create(file);
        map->callbacks = callbacks;
        map->context = context;
        map->size = sizes->FileSize;
        sections->SharedCacheMap = map;
    }
    if (file->PrivateCacheMap == NULL) {
        file->PrivateCacheMap = map;
        map->opens++;
    }
    host_unlock(&maps);
}

/* Called and returns with host_lock(&maps); true when it is gone. */
static BOOLEAN map_delete(MAP *map)
{
    if (map->opens != 0 || map->users != 0 || pages_dirty(map, 0, ALL_PAGES))
        return FALSE;
    for (MAP **p = &maps; *p; p = &(*p)->next)
        if (*p == map) {
            *p = map->next;
            break;
        }
    map->sections->SharedCacheMap = NULL;
    map->sections->DataSectionObject = NULL;
    host_unlock(&maps);
    pages_drop(map, 0, ALL_PAGES);
    PFILE_OBJECT file = map->file;
    if (map->pages)
        host_free(map->pages);
    if (map->base)
        host_release(map->base);
    host_free(map);
    ob_dereference(file); /* the driver's Close comes from here */
    host_lock(&maps);
    return TRUE;
}

KERNEL BOOLEAN K_CcUninitializeCacheMap(PFILE_OBJECT file, PLARGE_INTEGER truncate, PCACHE_UNINITIALIZE_EVENT event)
{
    MAP *map = map_get(file->SectionObjectPointer);
    if (map && truncate) {
        ULONG keep = (ULONG)((truncate->QuadPart + PAGE - 1) / PAGE);
        if (map->opens <= (file->PrivateCacheMap ? 1 : 0))
            pages_drop(map, keep, ALL_PAGES);
    }
    host_lock(&maps);
    if (file->PrivateCacheMap && map)
        map->opens--;
    file->PrivateCacheMap = NULL;
    BOOLEAN last = map == NULL || map->opens == 0;
    host_unlock(&maps);
    if (map)
        map_put(map);
    if (event)
        event_set(&event->Event);
    return last;
}

/* Writes the page of a mapped file that holds this offset, if it is dirty: on the thread that completes, whichever that
 * is. */
static void write_page_at(MAP *map, LONGLONG offset)
{
    ULONG index = (ULONG)(offset / PAGE);
    if (map->mapped && offset % PAGE != 0 && pages_dirty(map, index, index + 1))
        pages_write_back(map, index, index + 1);
}

/* The page with the new end is written before its tail is zeroed. */
KERNEL VOID K_CcSetFileSizes(PFILE_OBJECT file, PCC_FILE_SIZES sizes)
{
    MAP *map = map_get(file->SectionObjectPointer);
    if (map == NULL)
        return;
    LONGLONG old = map->size.QuadPart, now = sizes->FileSize.QuadPart;
    if (write_old_end && old != now)
        write_page_at(map, old);
    write_page_at(map, now);
    if (now < old) {
        ULONG last = (ULONG)(now / PAGE);
        pages_drop(map, (ULONG)((now + PAGE - 1) / PAGE), ALL_PAGES);
        host_lock(map);
        if (now % PAGE != 0 && last < map->count && map->pages[last].data != NULL)
            RtlZeroMemory(map->pages[last].data + now % PAGE, PAGE - now % PAGE);
        host_unlock(map);
    }
    map->size.QuadPart = now;
    map_put(map);
}

KERNEL BOOLEAN K_CcCopyRead(
    PFILE_OBJECT file, PLARGE_INTEGER offset, ULONG length, BOOLEAN wait, PVOID buffer, PIO_STATUS_BLOCK iosb)
{
    MAP *map = file->SectionObjectPointer->SharedCacheMap; /* stays: this file object has it open */
    LONGLONG at = offset->QuadPart;
    ULONG done = 0;
    if (!wait) {
        host_lock(map);
        for (ULONG i = (ULONG)(at / PAGE); i <= (ULONG)((at + length - 1) / PAGE); i++)
            if (i >= map->count || map->pages[i].data == NULL) {
                host_unlock(map);
                return FALSE;
            }
        host_unlock(map);
    }
    while (done < length) {
        ULONG skip = (ULONG)((at + done) % PAGE), n = PAGE - skip < length - done ? PAGE - skip : length - done;
        NTSTATUS status;
        host_lock(map);
        UCHAR *page = page_in(map, (ULONG)((at + done) / PAGE), FALSE, &status);
        if (page)
            RtlCopyMemory((UCHAR *)buffer + done, page + skip, n);
        host_unlock(map);
        if (page == NULL)
            host_raise(status);
        done += n;
    }
    iosb->Status = STATUS_SUCCESS;
    iosb->Information = length;
    return TRUE;
}

KERNEL BOOLEAN K_CcCopyWrite(PFILE_OBJECT file, PLARGE_INTEGER offset, ULONG length, BOOLEAN wait, PVOID buffer)
{
    MAP *map = file->SectionObjectPointer->SharedCacheMap; /* stays: this file object has it open */
    LONGLONG at = offset->QuadPart;
    ULONG done = 0;
    if (!wait)
        return FALSE;
    while (done < length) {
        ULONG skip = (ULONG)((at + done) % PAGE), n = PAGE - skip < length - done ? PAGE - skip : length - done;
        NTSTATUS status;
        ULONG index = (ULONG)((at + done) / PAGE);
        host_lock(map);
        UCHAR *page = page_in(map, index, n == PAGE, &status);
        if (page) {
            RtlCopyMemory(page + skip, (UCHAR *)buffer + done, n);
            map->pages[index].dirty = TRUE;
        }
        host_unlock(map);
        if (page == NULL)
            host_raise(status);
        done += n;
    }
    if (file->Flags & FO_WRITE_THROUGH) {
        NTSTATUS status = pages_write_back(map, (ULONG)(at / PAGE), (ULONG)((at + length + PAGE - 1) / PAGE));
        if (!NT_SUCCESS(status))
            host_raise(status);
    }
    return TRUE;
}

static void range(PLARGE_INTEGER offset, ULONG length, ULONG *from, ULONG *to)
{
    *from = offset ? (ULONG)(offset->QuadPart / PAGE) : 0;
    *to = offset && length ? (ULONG)((offset->QuadPart + length + PAGE - 1) / PAGE) : ALL_PAGES;
}

KERNEL VOID K_CcFlushCache(
    PSECTION_OBJECT_POINTERS sections, PLARGE_INTEGER offset, ULONG length, PIO_STATUS_BLOCK iosb)
{
    MAP *map = map_get(sections);
    NTSTATUS status = STATUS_SUCCESS;
    ULONG from, to;
    range(offset, length, &from, &to);
    if (map && pages_dirty(map, from, to)) {
        PDEVICE_OBJECT device = file_device(map->file);
        PFAST_IO_DISPATCH fast = device->DriverObject->FastIoDispatch;
        if (fast->AcquireForCcFlush)
            fast->AcquireForCcFlush(map->file, device);
        status = pages_write_back(map, from, to);
        if (fast->ReleaseForCcFlush)
            fast->ReleaseForCcFlush(map->file, device);
    }
    if (map)
        map_put(map);
    if (iosb) {
        iosb->Status = status;
        iosb->Information = 0;
    }
}

KERNEL BOOLEAN K_CcPurgeCacheSection(
    PSECTION_OBJECT_POINTERS sections, PLARGE_INTEGER offset, ULONG length, ULONG flags)
{
    MAP *map = map_get(sections);
    ULONG from, to;
    range(offset, length, &from, &to);
    BOOLEAN all = TRUE;
    if (map) {
        all = pages_drop(map, from, to);
        map_put(map);
    }
    return all;
}

KERNEL VOID K_CcCoherencyFlushAndPurgeCache(
    PSECTION_OBJECT_POINTERS sections, PLARGE_INTEGER offset, ULONG length, PIO_STATUS_BLOCK iosb, ULONG flags)
{
    K_CcFlushCache(sections, offset, length, iosb);
    if (!(flags & CC_FLUSH_AND_PURGE_NO_PURGE))
        K_CcPurgeCacheSection(sections, offset, length, 0);
}

/* Writes what is dirty; deletes the maps that nobody has open any more. */
void lazy_writer(void *unused)
{
    for (;;) {
        int64_t begun = host_now(), until;
        host_lock(&maps);
        /* In short steps, for the interval may be changed meanwhile. */
        while (host_now() < begun + (int64_t)lazy_ms * 10000) {
            until = host_now() + LAZY_STEP;
            host_wait(&maps, &until);
        }
        MAP *map;
        for (map = maps; map; map = map->next)
            map->visited = FALSE;
        for (;;) {
            for (map = maps; map && map->visited; map = map->next) {
            }
            if (map == NULL)
                break;
            map->visited = TRUE;
            map->users++;
            host_unlock(&maps);
            if (pages_dirty(map, 0, ALL_PAGES) && map->callbacks == NULL) {
                pages_write_back(map, 0, ALL_PAGES);
            } else if (pages_dirty(map, 0, ALL_PAGES) && map->callbacks->AcquireForLazyWrite(map->context, TRUE)) {
                pages_write_back(map, 0, ALL_PAGES);
                map->callbacks->ReleaseFromLazyWrite(map->context);
            }
            host_lock(&maps);
            map->users--;
            map_delete(map);
        }
        host_unlock(&maps);
        deferred_post();
    }
}
