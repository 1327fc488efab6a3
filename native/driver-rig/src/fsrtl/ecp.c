/*
 * FsRtl: extra create parameters: typed blocks that a driver gives to an open of its own, by which it knows it again
 * when the request arrives. Windows: also those of filters and of user mode. Here: only a driver's own.
 */
#include "kernel.h"

#define LIST_TAG 'LpcE'

typedef VOID (*ECP_CLEANUP)(PVOID context, const GUID *type);

typedef struct _PARAMETER {
    struct _PARAMETER *next;
    GUID type;
    ECP_CLEANUP cleanup;
    ULONG size;
    ULONG pad[3]; /* the context behind it is 16-aligned */
} PARAMETER;

typedef struct {
    PARAMETER *first;
} LIST;

KERNEL NTSTATUS K_FsRtlAllocateExtraCreateParameterList(ULONG flags, PVOID *list)
{
    LIST *made = pool_allocate(sizeof *made, LIST_TAG);
    made->first = NULL;
    *list = made;
    return STATUS_SUCCESS;
}

KERNEL NTSTATUS K_FsRtlAllocateExtraCreateParameter(
    const GUID *type, ULONG size, ULONG flags, PVOID cleanup, ULONG tag, PVOID *context)
{
    PARAMETER *made = pool_allocate(sizeof *made + size, tag);
    RtlZeroMemory(made, sizeof *made + size);
    made->type = *type;
    made->cleanup = (ECP_CLEANUP)cleanup;
    made->size = size;
    *context = made + 1;
    return STATUS_SUCCESS;
}

KERNEL VOID K_FsRtlFreeExtraCreateParameter(PVOID context)
{
    PARAMETER *parameter = (PARAMETER *)context - 1;
    if (parameter->cleanup != NULL)
        parameter->cleanup(context, &parameter->type);
    pool_free(parameter);
}

KERNEL VOID K_FsRtlFreeExtraCreateParameterList(PVOID list)
{
    for (PARAMETER *at = ((LIST *)list)->first, *next; at != NULL; at = next) {
        next = at->next;
        K_FsRtlFreeExtraCreateParameter(at + 1);
    }
    pool_free(list);
}

KERNEL NTSTATUS K_FsRtlInsertExtraCreateParameter(PVOID list, PVOID context)
{
    PARAMETER *parameter = (PARAMETER *)context - 1;
    parameter->next = ((LIST *)list)->first;
    ((LIST *)list)->first = parameter;
    return STATUS_SUCCESS;
}

/* Where open.c puts what the open was given. */
KERNEL NTSTATUS K_FsRtlGetEcpListFromIrp(PIRP irp, PVOID *list)
{
    PIO_STACK_LOCATION sp = irp->Tail.Overlay.CurrentStackLocation;
    *list = sp->MajorFunction == IRP_MJ_CREATE ? sp->Parameters.Create.SecurityContext->AccessState->AuxData : NULL;
    return STATUS_SUCCESS;
}

KERNEL NTSTATUS K_FsRtlFindExtraCreateParameter(PVOID list, const GUID *type, PVOID *found, ULONG *size)
{
    for (PARAMETER *at = ((LIST *)list)->first; at != NULL; at = at->next) {
        if (RtlCompareMemory(&at->type, type, sizeof *type) != sizeof *type)
            continue;
        if (found != NULL)
            *found = at + 1;
        if (size != NULL)
            *size = at->size;
        return STATUS_SUCCESS;
    }
    return STATUS_NOT_FOUND;
}

KERNEL BOOLEAN K_FsRtlIsEcpFromUserMode(PVOID context) { return FALSE; }
