/*
 * Cc: cached data by descriptor lists, as servers of network files read and write it: the pages themselves, which stay
 * until the list is given back. Windows: one list for each view of 256 KiB, chained. Here: one list for all.
 */
#include "map.h"

/* Reads the pages in and pins them. Raises. */
static PMDL pin(PFILE_OBJECT file, LONGLONG at, ULONG length, BOOLEAN write)
{
    MAP *map = map_get(file->SectionObjectPointer);
    ULONG from = (ULONG)(at / PAGE), to = (ULONG)((at + length + PAGE - 1) / PAGE);
    for (ULONG i = from; i < to; i++) {
        NTSTATUS status;
        LONGLONG page_at = (LONGLONG)i * PAGE;
        BOOLEAN whole = write && page_at >= at && page_at + PAGE <= at + length;
        host_lock(map);
        if (page_in(map, i, whole, &status) != NULL)
            map->pages[i].pins++;
        else
            for (ULONG j = from; j < i; j++)
                map->pages[j].pins--;
        host_unlock(map);
        if (!NT_SUCCESS(status)) {
            map_put(map);
            host_raise(status);
        }
    }
    return mdl_create(map->base + at, length, NULL); /* the map has a user until it is given back */
}

static void give_back(PFILE_OBJECT file, PMDL mdl, BOOLEAN written)
{
    MAP *map = map_get(file->SectionObjectPointer);
    ULONG_PTR at = (ULONG_PTR)mdl->MappedSystemVa - (ULONG_PTR)map->base;
    host_lock(map);
    for (ULONG i = (ULONG)(at / PAGE); i <= (ULONG)((at + mdl->ByteCount - 1) / PAGE); i++) {
        map->pages[i].pins--;
        map->pages[i].dirty |= written;
    }
    host_unlock(map);
    pool_free(mdl);
    map_put(map);
    map_put(map); /* and for the time that it was out */
}

KERNEL VOID K_CcMdlRead(PFILE_OBJECT file, PLARGE_INTEGER offset, ULONG length, PMDL *mdl, PIO_STATUS_BLOCK iosb)
{
    *mdl = pin(file, offset->QuadPart, length, FALSE);
    iosb->Status = STATUS_SUCCESS;
    iosb->Information = length;
}

KERNEL VOID K_CcMdlReadComplete(PFILE_OBJECT file, PMDL mdl) { give_back(file, mdl, FALSE); }

KERNEL VOID K_CcPrepareMdlWrite(
    PFILE_OBJECT file, PLARGE_INTEGER offset, ULONG length, PMDL *mdl, PIO_STATUS_BLOCK iosb)
{
    *mdl = pin(file, offset->QuadPart, length, TRUE);
    iosb->Status = STATUS_SUCCESS;
    iosb->Information = length;
}

KERNEL VOID K_CcMdlWriteComplete(PFILE_OBJECT file, PLARGE_INTEGER offset, PMDL mdl) { give_back(file, mdl, TRUE); }

KERNEL VOID K_CcMdlWriteAbort(PFILE_OBJECT file, PMDL mdl) { give_back(file, mdl, FALSE); }
