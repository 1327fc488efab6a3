/*
 * Io, Mm: memory descriptor lists. There is one address space, so a mapping is the buffer itself, and every page is
 * resident. Windows: page frames, locking, mapping into system space; a failing probe raises. None of that can fail
 * here.
 */
#include "kernel.h"

KERNEL PMDL K_IoAllocateMdl(PVOID address, ULONG length, BOOLEAN secondary, BOOLEAN charge, PIRP irp)
{
    ULONG_PTR start = (ULONG_PTR)address & ~(ULONG_PTR)4095;
    ULONG pages = (ULONG)(((ULONG_PTR)address + length + 4095 - start) >> 12);
    PMDL mdl = pool_allocate(sizeof(MDL) + (pages + 1) * sizeof(PFN_NUMBER), ' ldM');
    RtlZeroMemory(mdl, sizeof(MDL) + (pages + 1) * sizeof(PFN_NUMBER));
    mdl->Size = (CSHORT)(sizeof(MDL) + pages * sizeof(PFN_NUMBER));
    mdl->StartVa = (PVOID)start;
    mdl->ByteOffset = (ULONG)((ULONG_PTR)address - start);
    mdl->ByteCount = length;
    for (ULONG i = 0; i < pages; i++)
        ((PFN_NUMBER *)(mdl + 1))[i] = (start >> 12) + i;
    if (secondary)
        NOT_IMPLEMENTED("chains of memory descriptor lists");
    if (irp != NULL)
        irp->MdlAddress = mdl;
    return mdl;
}

KERNEL VOID K_IoFreeMdl(PMDL mdl) { pool_free(mdl); }

static void *mdl_address(PMDL mdl) { return (char *)mdl->StartVa + mdl->ByteOffset; }

KERNEL VOID K_MmProbeAndLockPages(PMDL mdl, KPROCESSOR_MODE mode, LOCK_OPERATION operation)
{
    mdl->MdlFlags |= MDL_PAGES_LOCKED | MDL_MAPPED_TO_SYSTEM_VA;
    mdl->MappedSystemVa = mdl_address(mdl);
    mdl->Process = g_process;
}

PMDL mdl_create(PVOID address, ULONG length, PIRP irp)
{
    PMDL mdl = K_IoAllocateMdl(address, length, FALSE, FALSE, irp);
    K_MmProbeAndLockPages(mdl, KernelMode, IoWriteAccess);
    return mdl;
}

KERNEL VOID K_MmBuildMdlForNonPagedPool(PMDL mdl)
{
    mdl->MdlFlags |= MDL_SOURCE_IS_NONPAGED_POOL;
    mdl->MappedSystemVa = mdl_address(mdl);
}

KERNEL PVOID K_MmMapLockedPagesSpecifyCache(
    PMDL mdl, KPROCESSOR_MODE mode, MEMORY_CACHING_TYPE type, PVOID base, ULONG bugcheck, ULONG priority)
{
    return mdl_address(mdl);
}

KERNEL VOID K_MmUnmapLockedPages(PVOID address, PMDL mdl) {}
