/*
 * Mm: sections and views of cached files, as a program maps them.
 * Windows: page faults, and image sections for programs. Here: the pages of a view are read in when it is made, and a
 * copy of each tells what the program changed; there are no image sections.
 */
#include "map.h"

typedef struct {
    PFILE_OBJECT file; /* referenced */
    MAP *map;          /* counted as a user */
    LONGLONG size;
} SECTION;

/* Creating a section that is longer than the file makes the file longer. */
static NTSTATUS extend(PFILE_OBJECT file, LONGLONG size)
{
    PIO_STACK_LOCATION sp;
    PIRP irp = irp_for(file, IRP_MJ_SET_INFORMATION, 0, KernelMode, &sp);
    FILE_END_OF_FILE_INFORMATION info = {.EndOfFile = {.QuadPart = size}};
    irp->AssociatedIrp.SystemBuffer = &info;
    irp->Flags = IRP_PAGING_IO | IRP_SYNCHRONOUS_PAGING_IO;
    sp->Parameters.SetFile.Length = sizeof info;
    sp->Parameters.SetFile.FileInformationClass = FileEndOfFileInformation;
    sp->Parameters.SetFile.FileObject = file;
    return irp_run(file, irp, NULL);
}

static MAP *map_for_section(PFILE_OBJECT file, LONGLONG size)
{
    host_lock(&maps);
    PSECTION_OBJECT_POINTERS sections = file->SectionObjectPointer;
    MAP *map = sections->SharedCacheMap != NULL ? sections->SharedCacheMap : sections->DataSectionObject;
    if (map == NULL)
        map = map_create(file);
    if (map->size.QuadPart < size)
        map->size.QuadPart = size;
    map->users++;
    map->mapped = TRUE;
    host_unlock(&maps);
    return map;
}

RIG_API int32_t rig_section(void *object, int64_t size, int writable, void **out)
{
    PFILE_OBJECT file = object;
    FILE_STANDARD_INFORMATION standard;
    if (file->SectionObjectPointer == NULL)
        return STATUS_INVALID_FILE_FOR_SECTION;
    NTSTATUS status = rig_query(file, FileStandardInformation, &standard, sizeof standard, NULL);
    if (!NT_SUCCESS(status))
        return status;
    if (standard.Directory)
        return STATUS_INVALID_FILE_FOR_SECTION;
    LONGLONG end = standard.EndOfFile.QuadPart;
    if (size == 0)
        size = end;
    if (size == 0)
        return STATUS_MAPPED_FILE_SIZE_ZERO;
    if (size > end && !writable)
        return STATUS_SECTION_TOO_BIG;
    if (size > end && !NT_SUCCESS(status = extend(file, size)))
        return status;
    SECTION *section = host_alloc(sizeof *section);
    section->file = file;
    section->size = size;
    section->map = map_for_section(file, size);
    ob_reference(file);
    *out = section;
    return STATUS_SUCCESS;
}

RIG_API int64_t rig_section_bytes(void *section) { return ((SECTION *)section)->size; }

RIG_API int32_t rig_view(void *object, int64_t offset, int64_t length, void **address)
{
    SECTION *section = object;
    MAP *map = section->map;
    NTSTATUS status = STATUS_SUCCESS;
    if (length == 0)
        length = section->size - offset;
    ULONG from = (ULONG)(offset / PAGE), to = (ULONG)((offset + length + PAGE - 1) / PAGE);
    host_lock(map);
    map->views++;
    if (map->view_end < offset + length)
        map->view_end = offset + length;
    for (ULONG i = from; i < to && NT_SUCCESS(status); i++)
        if (page_in(map, i, FALSE, &status) != NULL && map->pages[i].shadow == NULL) {
            map->pages[i].shadow = host_alloc(PAGE);
            RtlCopyMemory(map->pages[i].shadow, map->pages[i].data, PAGE);
        }
    host_unlock(map);
    *address = map->base + offset;
    return status;
}

RIG_API void rig_unview(void *section)
{
    MAP *map = ((SECTION *)section)->map;
    host_lock(map);
    pages_find_changed(map);
    if (--map->views == 0) {
        map->view_end = 0;
        for (ULONG i = 0; i < map->count; i++) {
            PAGE_SLOT *slot = &map->pages[i];
            if (slot->shadow == NULL)
                continue;
            host_free(slot->shadow);
            slot->shadow = NULL;
            if (slot->stale && !slot->dirty) {
                slot->data = NULL;
                slot->stale = FALSE;
            }
        }
    }
    host_unlock(map);
}

RIG_API void rig_section_close(void *object)
{
    SECTION *section = object;
    map_put(section->map);
    ob_dereference(section->file);
    host_free(section);
}

RIG_API int32_t rig_poke(void *file, const void *data, uint32_t length, int64_t offset)
{
    MAP *map = map_get(((PFILE_OBJECT)file)->SectionObjectPointer);
    ULONG index = (ULONG)(offset / PAGE);
    NTSTATUS status;
    if (map == NULL)
        return STATUS_INVALID_PARAMETER;
    host_lock(map);
    UCHAR *page = page_in(map, index, FALSE, &status);
    if (page != NULL) {
        RtlCopyMemory(page + offset % PAGE, data, length);
        map->pages[index].dirty = TRUE;
        map->mapped = TRUE;
    }
    host_unlock(map);
    map_put(map);
    return status;
}

static LONG views_of(PSECTION_OBJECT_POINTERS sections, LONGLONG *end)
{
    MAP *map = map_get(sections);
    if (map == NULL)
        return 0;
    LONG views = map->views;
    *end = map->view_end;
    map_put(map);
    return views;
}

/* A file with views cannot be deleted, nor truncated before their end. */
KERNEL BOOLEAN K_MmFlushImageSection(PSECTION_OBJECT_POINTERS sections, MMFLUSH_TYPE type)
{
    LONGLONG end;
    return type != MmFlushForDelete || views_of(sections, &end) == 0;
}

KERNEL BOOLEAN K_MmCanFileBeTruncated(PSECTION_OBJECT_POINTERS sections, PLARGE_INTEGER size)
{
    LONGLONG end = 0;
    return views_of(sections, &end) == 0 || (size != NULL && size->QuadPart >= end);
}

KERNEL BOOLEAN K_MmForceSectionClosed(PSECTION_OBJECT_POINTERS sections, BOOLEAN delay)
{
    LONGLONG end;
    return views_of(sections, &end) == 0;
}

KERNEL BOOLEAN K_MmDoesFileHaveUserWritableReferences(PSECTION_OBJECT_POINTERS sections)
{
    LONGLONG end;
    return views_of(sections, &end) != 0;
}
