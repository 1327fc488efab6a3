/* Extended attributes of treefs: one packed list a file, in which a changed entry goes to the end. */
#include <strings.h>

#include "treefs/inside.h"

#define HEAD_SIZE offsetof(FILE_FULL_EA_INFORMATION, EaName)
#define MAX_LIST_SIZE FSP_FSCTL_TRANSACT_RSP_BUFFER_SIZEMAX

typedef struct {
    TREEFS *t;
    const FILE_FULL_EA_INFORMATION *changed; /* left out */
    UINT8 list[MAX_LIST_SIZE];
    ULONG bytes;
    int full;
} COPY;

static int same_name(const TREEFS *t, const FILE_FULL_EA_INFORMATION *a, const FILE_FULL_EA_INFORMATION *b)
{
    if (a->EaNameLength != b->EaNameLength)
        return 0;
    return t->sensitive ? memcmp(a->EaName, b->EaName, a->EaNameLength) == 0
                        : strncasecmp(a->EaName, b->EaName, a->EaNameLength) == 0;
}

static void add(COPY *copy, PFILE_FULL_EA_INFORMATION one)
{
    if (!FspFileSystemAddEa(one, (void *)copy->list, MAX_LIST_SIZE, &copy->bytes))
        copy->full = 1;
}

static NTSTATUS keep(FSP_FILE_SYSTEM *fs, PVOID context, PFILE_FULL_EA_INFORMATION one)
{
    COPY *copy = context;
    if (!same_name(copy->t, one, copy->changed))
        add(copy, one);
    return STATUS_SUCCESS;
}

static NTSTATUS change(FSP_FILE_SYSTEM *fs, PVOID context, PFILE_FULL_EA_INFORMATION one)
{
    FILE_NODE *f = context;
    COPY copy = {.t = treefs_of(fs), .changed = one};
    if (f->eaSize != 0)
        FspFileSystemEnumerateEa(fs, keep, &copy, (void *)f->ea, f->eaSize);
    if (one->EaValueLength != 0)
        add(&copy, one);
    if (copy.full)
        return STATUS_EA_TOO_LARGE;
    FspFileSystemAddEa(NULL, (void *)copy.list, MAX_LIST_SIZE, &copy.bytes);
    free(f->ea);
    f->ea = NULL;
    if ((f->eaSize = copy.bytes) != 0)
        memcpy(f->ea = malloc(copy.bytes), copy.list, copy.bytes);
    return STATUS_SUCCESS;
}

static NTSTATUS GetEa(FSP_FILE_SYSTEM *fs, PVOID context, PFILE_FULL_EA_INFORMATION ea, ULONG length, PULONG bytes)
{
    FILE_NODE *f = context;
    ENTER(fs);
    if (f->eaSize > length)
        return treefs_leave(t, STATUS_BUFFER_OVERFLOW);
    if (f->eaSize != 0)
        memcpy(ea, f->ea, f->eaSize);
    *bytes = f->eaSize;
    return treefs_leave(t, STATUS_SUCCESS);
}

static NTSTATUS SetEa(
    FSP_FILE_SYSTEM *fs, PVOID context, PFILE_FULL_EA_INFORMATION ea, ULONG length, FSP_FSCTL_FILE_INFO *info)
{
    FILE_NODE *f = context;
    NTSTATUS status;
    ENTER(fs);
    status = FspFileSystemEnumerateEa(fs, change, f, ea, length);
    treefs_fill(t, f, info);
    return treefs_leave(t, status);
}

void treefs_set_ea_callbacks(FSP_FILE_SYSTEM_INTERFACE *interface)
{
    interface->GetEa = GetEa;
    interface->SetEa = SetEa;
}
